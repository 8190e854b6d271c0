package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/internal/reliability"
	"reputed/internal/store"
)

// TestKilledDaemonTellsEveryAlert kills the real program, as a process, while it tells of
// incidents: before, in and after a call of the channel. Each alert arrives at least once,
// none is lost, and no death has an incident told of more than once too often.
func TestKilledDaemonTellsEveryAlert(t *testing.T) {
	lives := 60
	if testing.Short() {
		lives = 5
	}
	hook := newKilledHook(t)
	v := newVictim(t, "keep", fmt.Sprintf("[[webhook]]\nname = \"hook\"\nurl = \"%s/hook\"\n", hook.URL))
	for range lives {
		v.reopen()
		v.arrive()
		hold := rand.IntN(3) == 0 // the channel has it, and its answer is lost
		called := hook.next(hold)
		daemon := v.start()
		select {
		case <-called:
		case err := <-daemon.ended:
			t.Fatalf("the daemon ended by itself, %v:\n%s", err, v.log)
		case <-time.After(time.Duration(rand.IntN(600)) * time.Millisecond):
		}
		<-time.After(time.Duration(rand.IntN(5_000)) * time.Microsecond)
		_ = daemon.Process.Kill()
		<-daemon.ended
		hook.died()
	}
	v.reopen()
	v.arrive()
	hook.next(false)
	daemon := v.start()
	// A mail and its notice come in one commit, so what waits is looked at after the mails.
	v.await(func() bool { return v.bounces() >= v.mails && v.waiting("hook") == 0 })
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-daemon.ended

	db, err := store.OpenReadOnly(t.Context(), filepath.Join(v.dir, "reputed.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all, err := db.Incidents(t.Context(), store.IncidentFilter{Resolved: true, Limit: -1})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d incidents, %v", len(all), err)
	}
	told, unheard := 0, 0
	for _, inc := range all {
		h, err := db.Incident(t.Context(), inc.ID)
		if err != nil {
			t.Fatal(err)
		}
		again := 0
		for _, d := range h.Deliveries {
			n := hook.heard(d.Notice)
			if d.State != store.Sent || n == 0 {
				unheard++
				t.Errorf("incident %d: %s is %s, and was heard %d times", inc.ID, d.Notice, d.State, n)
			}
			told++
			again += n - 1
		}
		if again > lives {
			t.Errorf("incident %d: %d times too often in %d lives", inc.ID, again, lives)
		}
	}
	twice := hook.twiceInOneLife()
	if twice != "" {
		t.Errorf("%s was told twice in one life", twice)
	}
	reliability.Record(t, reliability.Row{Area: reliability.Process, Fault: "kill -9 before, in and after a call of a channel", Tries: lives, Unit: "kills",
		Promised: "each alert is heard, by no life of the process twice", Seen: fmt.Sprintf("%d not heard; heard twice in one life: %s", unheard, cmp.Or(twice, "none"))})
	t.Logf("%d alerts in %d lives, %d of them heard again", told, lives, hook.total()-told)
}

// killedHook is a channel that notes what it heard in which life.
type killedHook struct {
	*httptest.Server
	mu     sync.Mutex
	life   int
	hold   bool
	called chan struct{}
	gone   chan struct{} // closed when the life ends
	calls  map[string][]int
}

func newKilledHook(t *testing.T) *killedHook {
	h := &killedHook{calls: map[string][]int{}, gone: make(chan struct{}), called: make(chan struct{})}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var doc struct {
			ID string `json:"id"`
		}
		if err != nil || json.Unmarshal(body, &doc) != nil {
			return // cut off: that is not heard
		}
		h.mu.Lock()
		h.calls[doc.ID] = append(h.calls[doc.ID], h.life)
		hold, gone := h.hold, h.gone
		select {
		case <-h.called:
		default:
			close(h.called)
		}
		h.mu.Unlock()
		if hold {
			<-gone
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// next begins a life; the channel it gives is closed when the daemon tells of something.
func (h *killedHook) next(hold bool) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hold, h.called = hold, make(chan struct{})
	return h.called
}

func (h *killedHook) died() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.gone)
	h.life, h.gone = h.life+1, make(chan struct{})
}

func (h *killedHook) heard(id string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.calls[id])
}

func (h *killedHook) total() (n int) {
	for _, lives := range h.calls {
		n += len(lives)
	}
	return n
}

func (h *killedHook) twiceInOneLife() string {
	for id, lives := range h.calls {
		seen := map[int]bool{}
		for _, life := range lives {
			if seen[life] {
				return id
			}
			seen[life] = true
		}
	}
	return ""
}

// reopen resolves what is open by hand, long ago, so that the next refusal opens it anew.
func (v *victim) reopen() {
	v.t.Helper()
	db, err := store.Open(v.t.Context(), filepath.Join(v.dir, "reputed.db"), store.Options{})
	if err != nil {
		v.t.Fatal(err)
	}
	defer db.Close()
	open, err := db.Incidents(v.t.Context(), store.IncidentFilter{})
	if err != nil {
		v.t.Fatal(err)
	}
	for _, i := range open {
		if _, err := db.Act(v.t.Context(), alerts.Action{Kind: alerts.ResolveHand, Incident: i.ID, By: "kim", At: time.Now().Add(-time.Hour)}, nil); err != nil {
			v.t.Fatal(err)
		}
	}
}

// waiting is how many notices wait for a channel, more than none if that cannot be read now.
func (v *victim) waiting(channel string) int {
	db, err := store.OpenReadOnly(v.t.Context(), filepath.Join(v.dir, "reputed.db"))
	if err != nil {
		return 1
	}
	defer db.Close()
	channels, err := db.Channels(v.t.Context())
	if err != nil {
		return 1
	}
	for _, c := range channels {
		if c.Name == channel {
			return c.Queued
		}
	}
	return 0
}
