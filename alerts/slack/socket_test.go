package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"reputed/alerts"
)

// hearing is a bot that listens until the test is over, or finish is called.
type hearing struct {
	w       *workspace
	log     lockedLog
	presses chan alerts.Press
	fail    error
	finish  func()
}

type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func hear(t *testing.T, w *workspace, fail error) *hearing {
	h := &hearing{w: w, presses: make(chan alerts.Press, 100), fail: fail}
	b := w.bot(func(_ *Options, b *BotOptions) { b.Log = slog.New(slog.NewTextHandler(&h.log, nil)) })
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		b.Listen(ctx, func(_ context.Context, p alerts.Press) (string, error) {
			h.presses <- p
			return "Taken by " + p.By, h.fail
		})
	})
	h.finish = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(h.finish)
	return h
}

// calls waits until the API was called so often by a method.
func (h *hearing) calls(t *testing.T, method string, times int) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		if strings.Count(strings.Join(h.w.said(), "\n")+"\n", method) >= times {
			return
		}
		select {
		case <-h.w.happens:
		case <-limit:
			t.Fatalf("%s was not called %d times: %q\n%s", method, times, h.w.said(), &h.log)
		}
	}
}

// wait keeps a connection open until the other end goes.
func wait(c *websocket.Conn) {
	for {
		if _, _, err := c.ReadMessage(); err != nil {
			return
		}
	}
}

func say(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Error(err)
	}
}

func TestAButtonIsPressed(t *testing.T) {
	w := newWorkspace(t)
	acks := make(chan string, 100)
	w.socket = func(_ int, c *websocket.Conn) {
		say(t, c, `{"type":"hello"}`)
		say(t, c, `no JSON`)
		say(t, c, `{"type":"slash_commands","envelope_id":"e0","payload":{}}`)
		say(t, c, string(pressing("e1", pressAck, "12-1764063600", 1)))
		say(t, c, string(pressing("e2", pressAck, "12-1764063600", 1))) // Slack was not sure
		say(t, c, string(pressing("e3", "somebody_elses", "12-1764063600", 2)))
		say(t, c, string(pressing("e4", pressSilence, "12-1764063600", 3)))
		for {
			var ack struct {
				ID string `json:"envelope_id"`
			}
			if err := c.ReadJSON(&ack); err != nil {
				return
			}
			acks <- ack.ID
		}
	}
	h := hear(t, w, nil)
	h.calls(t, "chat.postMessage", 2)
	for i, want := range []alerts.ActionKind{alerts.Ack, alerts.Mute} {
		if p := <-h.presses; p.Kind != want || p.Thread != "12-1764063600" || p.By != "kim <!channel> (U024BE7LH)" || p.At.IsZero() {
			t.Errorf("press %d: %+v", i, p)
		}
	}
	for _, want := range []string{"e0", "e1", "e2", "e3", "e4"} { // each is acknowledged, whatever it is
		if got := <-acks; got != want {
			t.Errorf("acknowledged %s, want %s", got, want)
		}
	}
	h.finish()
	if len(h.presses) > 0 {
		t.Errorf("%d presses too many", len(h.presses))
	}
	said := w.last("chat.postMessage")
	if said["thread_ts"] != "1.0" || said["channel"] != "C1" || strings.Contains(said["text"], "<!channel>") || !strings.Contains(said["text"], "Taken by kim") {
		t.Errorf("said %v", said)
	}
	if open := w.last("apps.connections.open"); !strings.Contains(open["auth"]+open["token"], appToken) {
		t.Errorf("opened with %v", open)
	}
	if log := h.log.String(); !strings.Contains(log, "button pressed") || strings.Contains(log, "canary-ticket") {
		t.Errorf("log\n%s", log)
	}
}

func TestWhatCannotBeDoneIsSaidToWhoPressed(t *testing.T) {
	w := newWorkspace(t)
	w.socket = func(_ int, c *websocket.Conn) { say(t, c, string(pressing("e1", pressRequested, "12-1", 1))); wait(c) }
	h := hear(t, w, errors.New("incident 12 is resolved already"))
	h.calls(t, "chat.postEphemeral", 1)
	if said := w.last("chat.postEphemeral"); said["user"] != "U024BE7LH" || said["text"] != "Not done: incident 12 is resolved already" {
		t.Errorf("said %v", said)
	}
}

func TestAConnectionThatEndsIsMadeAgain(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *websocket.Conn){
		"as Slack asked": func(t *testing.T, c *websocket.Conn) { say(t, c, `{"type":"disconnect","reason":"refresh_requested"}`) },
		"without a word": func(*testing.T, *websocket.Conn) {},
		"with too long a one": func(_ *testing.T, c *websocket.Conn) {
			_ = c.WriteMessage(websocket.TextMessage, make([]byte, maxFrameBytes+1))
			wait(c) // it is the bot that goes
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			w.socket = func(n int, c *websocket.Conn) {
				say(t, c, `{"type":"hello"}`)
				if n < 3 {
					end(t, c)
					return
				}
				say(t, c, string(pressing("e1", pressAck, "12-1", 1)))
				wait(c)
			}
			h := hear(t, w, nil)
			select {
			case p := <-h.presses:
				if p.Kind != alerts.Ack {
					t.Errorf("%+v", p)
				}
			case <-time.After(20 * time.Second):
				t.Error("it did not connect again")
			}
		})
	}
}

func TestTroublesOfTheConnection(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		want   string
	}{
		"a token that is no good":  {`{"ok":false,"error":"invalid_auth"}`, "not valid any more"},
		"a token of another kind":  {`{"ok":false,"error":"missing_scope"}`, "connections:write"},
		"too often":                {`{"ok":false,"error":"ratelimited"}`, "try again"},
		"an address in the clear":  {`{"ok":true,"url":"http://example.org/?ticket=canary-ticket-1"}`, "wss://"},
		"no address":               {`{"ok":true}`, "wss://"},
		"no Slack":                 {`<html>canary-ticket-1</html>`, "not Slack's"},
		"an address of nobody":     {`{"ok":true,"url":"ws://127.0.0.1:1/link?ticket=canary-ticket-1"}`, "refused"},
		"an address that says no":  {"", "bad handshake"},
		"an address without a TLS": {"wss", "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			if c.answer == "wss" {
				c.answer = `{"ok":true,"url":"` + strings.Replace(w.URL, "http", "wss", 1) + `/link?ticket=canary-ticket-1"}`
			}
			w.answer("apps.connections.open", c.answer)
			_, err := w.bot().connect(t.Context())
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && c.answer != "<html>canary-ticket-1</html>" && (strings.Contains(err.Error(), "canary-ticket") || strings.Contains(err.Error(), appToken)) {
				t.Errorf("a secret in %v", err)
			}
		})
	}
}

func TestATroubleIsLoggedOnceAndSoIsItsEnd(t *testing.T) {
	w := newWorkspace(t)
	w.answer("apps.connections.open", `{"ok":false,"error":"internal_error"}`)
	w.socket = func(_ int, c *websocket.Conn) {
		say(t, c, `{"type":"hello"}`)
		say(t, c, string(pressing("e1", pressAck, "12-1", 1)))
		wait(c)
	}
	h := hear(t, w, nil)
	h.calls(t, "apps.connections.open", 3)
	w.answer("apps.connections.open", "")
	<-h.presses
	h.finish()
	if log := h.log.String(); strings.Count(log, "buttons do not work") != 1 || strings.Count(log, "buttons work again") != 1 {
		t.Errorf("log\n%s", log)
	}
}

func TestListenWithoutAnAppTokenIsNothing(t *testing.T) {
	w := newWorkspace(t)
	w.bot(func(_ *Options, b *BotOptions) { b.AppToken = "" }).Listen(t.Context(), nil)
	want(t, w)
}

func TestPresses(t *testing.T) {
	now := time.Unix(1764063600, 0)
	for name, c := range map[string]struct {
		payload string
		want    []string
	}{
		"ours":               {`{"type":"block_actions","user":{"id":"U1","name":"kim"},"actions":[{"action_id":"reputed_ack","value":"12-1"}]}`, []string{"ack 12-1 kim (U1)"}},
		"without a name":     {`{"type":"block_actions","user":{"id":"U1"},"actions":[{"action_id":"reputed_silence","value":"12-1"}]}`, []string{"silence 12-1 Slack user U1"}},
		"a name with lines":  {`{"type":"block_actions","user":{"id":"U1","name":"a\nb\u202e"},"actions":[{"action_id":"reputed_requested","value":"12-1\n"}]}`, []string{"requested 12-1 a b (U1)"}},
		"of nobody":          {`{"type":"block_actions","actions":[{"action_id":"reputed_ack","value":"12-1"}]}`, nil},
		"another button":     {`{"type":"block_actions","user":{"id":"U1"},"actions":[{"action_id":"x","value":"12-1"}]}`, nil},
		"another payload":    {`{"type":"view_submission","user":{"id":"U1"},"actions":[{"action_id":"reputed_ack","value":"12-1"}]}`, nil},
		"not what it should": {`{"type":["block_actions"]}`, nil},
		"no JSON":            {`x`, nil},
	} {
		var got []string
		for _, p := range presses([]byte(c.payload), now) {
			got = append(got, string(p.Kind)+" "+p.Thread+" "+p.By)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func FuzzPresses(f *testing.F) {
	f.Add([]byte(`{"type":"block_actions","user":{"id":"U1","name":"kim"},"actions":[{"action_id":"reputed_ack","value":"12-1"}]}`))
	var e envelope
	if err := json.Unmarshal(pressing("e", pressSilence, "1-1", 1), &e); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(e.Payload))
	f.Fuzz(func(t *testing.T, raw []byte) {
		all := presses(raw, time.Unix(1, 0))
		if len(all) > maxActions {
			t.Errorf("%d presses", len(all))
		}
		for _, p := range all {
			if p.By == "" || strings.ContainsAny(p.By+p.Thread, "\r\n\x1b\u202e") || len([]rune(p.By)) > 100 {
				t.Errorf("%+v", p)
			}
		}
	})
}
