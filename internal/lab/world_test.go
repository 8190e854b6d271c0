package lab

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"reputed/blocklists"
)

func startWorld(t *testing.T) *World {
	t.Helper()
	zones, err := blocklists.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	w, err := Start(zones)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func TestChatKeepsWhatIsPosted(t *testing.T) {
	w := startWorld(t)
	resp, err := http.Post(w.Chat.URL(), "application/json", strings.NewReader(`{"text":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	p, err := w.Chat.Wait(ctx, 0)
	if err != nil || string(p.Payload) != `{"text":"hello"}` || resp.StatusCode != http.StatusOK {
		t.Errorf("got %q, %v, status %d", p.Payload, err, resp.StatusCode)
	}
	over, stop := context.WithCancel(context.Background())
	stop()
	if _, err := w.Chat.Wait(over, 1); err == nil {
		t.Error("waited for what never came, and got it")
	}
}

func TestConfigHoldsNoSecret(t *testing.T) {
	w := startWorld(t)
	if c := w.Config("x.db"); strings.Contains(c, MailboxPassword) || strings.Contains(c, w.Chat.URL()) {
		t.Errorf("the configuration holds a secret:\n%s", c)
	}
}

func TestStartNeedsSpamCop(t *testing.T) {
	if w, err := Start(nil); err == nil {
		w.Close()
		t.Error("started a story without its list")
	}
}

func TestTheMailLogHasWhatIsTaken(t *testing.T) {
	w := startWorld(t)
	if err := w.KeepLog(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 25, 9, 40, 0, 0, time.UTC)
	if err := w.Log.Deliver(now, 2); err != nil {
		t.Fatal(err)
	}
	id, to, err := w.Log.Refuse(now, 3)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(w.Log.Path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for what, c := range map[string]struct{ got, want int }{
		"taken":         {strings.Count(text, "status=sent"), 600},
		"by Cisco":      {strings.Count(text, "@"+TheirDomain+">, relay="), 160 + 3},
		"deferred":      {strings.Count(text, "status=deferred (host "+TheirHost), 3},
		"the first one": {strings.Count(text, id+": to=<"+to+">"), 1},
		"in the future": {strings.Count(text, "2026-11-25T09:41"), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", what, c.got, c.want)
		}
	}
	if !strings.Contains(w.Config("x.db"), w.Log.Path) {
		t.Error("the configuration does not name the log")
	}
	if !strings.Contains(string(CiscoRefusal(now, id, to)), strings.Trim(messageID(id), "<>")) {
		t.Error("the report returns another Message-ID than the log has")
	}
}
