package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reputed/alerts"
	"reputed/alerts/mattermost"
	"reputed/alerts/slack"
	"reputed/alerts/webhook"
	"reputed/checks"
	"reputed/internal/monitor"
	"reputed/internal/reliability"
	"reputed/internal/report"
	"reputed/internal/store"
)

// wayOf answers requests in place of a network.
type wayOf func(*http.Request) (*http.Response, error)

func (f wayOf) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	return f(r)
}

func answer(r *http.Request, status int, header ...string) (*http.Response, error) {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("ok")), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, nil
}

// heardOnce is one try of a channel.
type heardOnce struct {
	at  time.Time
	n   alerts.Notification
	err error
}

const (
	outage    = 6 * time.Hour
	incidents = 12 // that happen during it
)

// Channels that are down for hours: every other one hears everything at once; they themselves are asked seldom, and afterwards hear
// of each incident once, as it stands, in order.
func TestChannelsDownForHours(t *testing.T) {
	for _, c := range []struct {
		fault string
		calls int // at most, during the outage
		fail  func(*http.Request) (*http.Response, error)
	}{
		{"500", 40, func(r *http.Request) (*http.Response, error) { return answer(r, 500) }},
		{"429 with Retry-After: 1200", 20, func(r *http.Request) (*http.Response, error) { return answer(r, 429, "Retry-After", "1200") }},
		{"no answer", 40, func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }},
		{"the answer lost after it was taken", 40, func(r *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }},
	} {
		if testing.Short() && c.fault != "500" {
			continue // the race detector takes five seconds over each
		}
		t.Run(c.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { channelsDown(t, c.fault, c.calls, c.fail) })
		})
	}
}

func channelsDown(t *testing.T, fault string, most int, fail func(*http.Request) (*http.Response, error)) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "reputed.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	began := time.Now()
	down := wayOf(func(r *http.Request) (*http.Response, error) {
		if time.Since(began) < outage {
			return fail(r)
		}
		return answer(r, 200)
	})
	well := wayOf(func(r *http.Request) (*http.Response, error) { return answer(r, 200) })
	channels := map[string]alerts.Notifier{}
	add := func(name string, n alerts.Notifier, err error) {
		if err != nil {
			t.Fatal(err)
		}
		channels[name] = n
	}
	s, err := slack.New(slack.Options{Name: "slack", Webhook: "https://hooks.slack.com/services/T/B/X", HTTPClient: &http.Client{Transport: down}})
	add("slack", s, err)
	m, err := mattermost.New(mattermost.Options{Name: "chat", Webhook: "https://chat.example.org/hooks/x", Transport: down})
	add("chat", m, err)
	w, err := webhook.New(webhook.Options{Name: "hook", URL: "https://hook.example.org/x", Transport: well,
		Incident: func(n alerts.Notification) (json.RawMessage, error) {
			return report.IncidentJSON(report.IncidentView{Incident: n.Incident}, n.At)
		}})
	add("hook", w, err)
	names := []string{"chat", "hook", "slack"}

	var mu sync.Mutex
	tries := map[string][]heardOnce{}
	d := &alerts.Deliverer{Outbox: db, Channels: channels, Log: slog.New(slog.DiscardHandler), Observe: func(channel string, n alerts.Notification, err error) {
		mu.Lock()
		defer mu.Unlock()
		tries[channel] = append(tries[channel], heardOnce{time.Now(), n, err})
	}}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { d.Run(ctx) })

	// Each incident opens, gets worse, and every other one ends, all while the channels are down.
	now := make([]alerts.Incident, incidents)
	changes := 0
	happen := func(i int, kind alerts.ChangeKind, change func(*alerts.Incident)) {
		at := time.Now().UTC()
		change(&now[i])
		now[i].Changed = at
		done, err := db.Commit(t.Context(), at, store.Batch{}, func(store.Situation) store.Decision {
			return store.Decision{Changes: []alerts.Change{{Kind: kind, Incident: now[i], At: at, Tell: true, Channels: names}},
				Notify: func(c alerts.Change) []store.Notice { return store.NoticesOf(c, nil, names) }}
		})
		if err != nil {
			t.Fatal(err)
		}
		now[i].ID = done[0].Incident.ID
		changes++
		d.Poke()
	}
	for minute := 0; minute < int(outage/time.Minute); minute += 10 {
		step := minute / 10
		for i := range incidents {
			switch step - 2*i {
			case 0:
				target := fmt.Sprintf("192.0.2.%d", i+1)
				happen(i, alerts.Opened, func(inc *alerts.Incident) {
					id, _ := checks.ParseID(target)
					f := checks.Finding{Key: checks.Key{Check: monitor.JobDNSBL, Target: target, Source: "spamcop"}, Target: id, Code: checks.CodeListed,
						Status: checks.Problem, Severity: checks.Major, Summary: target + " is listed", At: time.Now()}
					*inc = alerts.Incident{Cause: "target:" + target, Title: f.Summary, State: alerts.Open, Severity: checks.Major, Opened: time.Now().UTC(),
						Members: []alerts.Member{{Finding: f, First: f.At, Last: f.At}}}
				})
			case 3:
				happen(i, alerts.Worsened, func(inc *alerts.Incident) { inc.Severity = checks.Critical })
			case 6:
				if i%2 == 0 {
					happen(i, alerts.Ended, func(inc *alerts.Incident) { inc.State, inc.Resolved = alerts.Resolved, time.Now().UTC() })
				}
			}
		}
		time.Sleep(10 * time.Minute)
	}
	time.Sleep(2 * time.Hour)
	stop()
	wg.Wait()

	late, disordered, lost, storm := 0, 0, 0, 0
	for _, x := range tries["hook"] {
		if x.err != nil || x.at.Sub(x.n.At) > time.Second {
			late++
			t.Errorf("the channel that is well heard of %s after %s, %v", x.n.ID, x.at.Sub(x.n.At), x.err)
		}
	}
	if len(tries["hook"]) != changes {
		lost++
		t.Errorf("the channel that is well heard %d of %d changes", len(tries["hook"]), changes)
	}
	for _, name := range []string{"slack", "chat"} {
		heard := map[int64][]alerts.Notification{}
		calls := 0
		for _, x := range tries[name] {
			if x.at.Sub(began) < outage {
				calls++
			}
			if x.err == nil {
				heard[x.n.Incident.ID] = append(heard[x.n.Incident.ID], x.n)
			}
		}
		if calls > most {
			storm++
			t.Errorf("%s: asked %d times while it was down, want at most %d", name, calls, most)
		}
		for i := range incidents {
			all := heard[now[i].ID]
			if !slices.IsSortedFunc(all, func(a, b alerts.Notification) int { return a.At.Compare(b.At) }) {
				disordered++
				t.Errorf("%s: incident %d out of order", name, i)
			}
			over := now[i].State == alerts.Resolved
			if len(all) == 0 {
				if !over { // what began and ended meanwhile need not be told
					lost++
					t.Errorf("%s: incident %d was never told", name, i)
				}
				continue
			}
			if last := all[len(all)-1]; !last.At.Equal(now[i].Changed) || (last.Kind == alerts.Ended) != over || last.Incident.Severity != now[i].Severity {
				lost++
				t.Errorf("%s: of incident %d it last heard %s of %s", name, i, last.Kind, last.At)
			}
			// The one that was being tried when it went down, and one summary of all the rest.
			if len(all) > 2 {
				storm++
				t.Errorf("%s: incident %d was told %d times afterwards", name, i, len(all))
			}
		}
		if left, err := db.Due(t.Context(), name, time.Now().Add(24*time.Hour), 100); err != nil || len(left) > 0 {
			lost++
			t.Errorf("%s: %d still wait, %v", name, len(left), err)
		}
	}
	reliability.Record(t, reliability.Row{Area: reliability.Channels, Fault: "two channels of three down for six hours: " + fault, Tries: changes, Unit: "changes of incidents",
		Promised: "order kept, nothing lost, one summary an incident afterwards, no other channel delayed",
		Seen:     fmt.Sprintf("%d out of order, %d lost, %d too often, %d late elsewhere", disordered, lost, storm, late)})
}
