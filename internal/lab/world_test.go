package lab

import (
	"context"
	"net/http"
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
