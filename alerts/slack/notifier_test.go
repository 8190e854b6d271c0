package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reputed/alerts"
	"reputed/alerts/alertstest"
)

// TestMain looks for goroutines that outlive the tests: a notifier starts none,
// and keeps no connection.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	secretPath = "/services/T000/B000/abcdefghijklmnop"
	token      = "xoxb-123-456-abcdefghijklmnop"
)

func noSecret(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, secret := range []string{secretPath, "abcdefghijklmnop", token} {
		if strings.Contains(text, secret) {
			t.Errorf("the error holds a secret: %v", err)
		}
	}
}

func TestNoAnswerIsTriedAgain(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	slowBody := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "o")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	cut := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "ok")
		panic(http.ErrAbortHandler)
	}
	for name, answer := range map[string]http.HandlerFunc{"no reply": hang, "a body that does not end": slowBody, "a reply cut short": cut} {
		t.Run(name, func(t *testing.T) {
			d := newDouble(t, answer)
			for _, n := range []*Notifier{
				must(t, Options{Webhook: d.URL + secretPath, Timeout: 30 * time.Millisecond}),
				must(t, Options{Token: token, Channel: "C1", APIURL: d.URL, Timeout: 30 * time.Millisecond}),
			} {
				err := n.Notify(t.Context(), alertstest.Opened())
				if alertstest.Outcome(err) != alertstest.Again {
					t.Errorf("got %v, want an error that is tried again", err)
				}
				noSecret(t, err)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		d := newDouble(t, alertstest.Say(200, "ok"))
		n := d.webhook(t)
		d.Close()
		err := n.Notify(t.Context(), alertstest.Opened())
		if alertstest.Outcome(err) != alertstest.Again {
			t.Errorf("got %v", err)
		}
		noSecret(t, err)
	})
	t.Run("a certificate of nobody", func(t *testing.T) {
		s := httptest.NewUnstartedServer(alertstest.Say(200, "ok"))
		s.Config.ErrorLog = nil
		s.StartTLS()
		defer s.Close()
		err := must(t, Options{Webhook: s.URL + secretPath}).Notify(t.Context(), alertstest.Opened())
		if alertstest.Outcome(err) != alertstest.Again || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("got %v", err)
		}
		noSecret(t, err)
		ours := must(t, Options{Webhook: s.URL + secretPath, HTTPClient: s.Client()})
		if err := ours.Notify(t.Context(), alertstest.Opened()); err != nil {
			t.Errorf("with the transport given: %v", err)
		}
		s.Client().CloseIdleConnections()
	})
	t.Run("the caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		d := newDouble(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
		if err := d.webhook(t).Notify(ctx, alertstest.Opened()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

func TestSecretsSentBackAreNotPassedOn(t *testing.T) {
	for name, status := range map[string]int{"as a refusal": 404, "as trouble": 500, "as a 200": 200} {
		t.Run(name, func(t *testing.T) {
			echo := func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "abcdefghijklmnop "+token)
			}
			d := newDouble(t, echo)
			hook, bot := d.webhook(t).Notify(t.Context(), alertstest.Opened()), d.bot(t).Notify(t.Context(), alertstest.Opened())
			if hook == nil || strings.Contains(hook.Error(), "abcdefghijklmnop ") {
				t.Errorf("webhook: %v", hook)
			}
			if bot == nil || strings.Contains(bot.Error(), token) {
				t.Errorf("bot: %v", bot)
			}
			if want := status == 404; errors.Is(hook, alerts.ErrRefused) != want {
				t.Errorf("refused is %v, want %v: %v", !want, want, hook)
			}
		})
	}
}

// A change in what Slack takes as blocks must not silence the monitor.
func TestRefusedBlocksGoOutAsText(t *testing.T) {
	for name, reply := range map[string]struct{ no, ok http.HandlerFunc }{
		"webhook": {alertstest.Say(400, "invalid_blocks"), alertstest.Say(200, "ok")},
		"bot":     {alertstest.Say(200, `{"ok":false,"error":"invalid_blocks"}`), alertstest.Say(200, `{"ok":true}`)},
	} {
		t.Run(name, func(t *testing.T) {
			first := true
			d := newDouble(t, func(w http.ResponseWriter, r *http.Request) {
				if first {
					first = false
					reply.no(w, r)
					return
				}
				reply.ok(w, r)
			})
			n := d.webhook(t)
			if name == "bot" {
				n = d.bot(t)
			}
			if err := n.Notify(t.Context(), alertstest.With(alertstest.Hostile)); err != nil {
				t.Fatal(err)
			}
			if len(d.sent) != 2 || d.sent[1]["blocks"] != nil {
				t.Fatalf("sent %d messages, the last one %v", len(d.sent), d.sent[len(d.sent)-1])
			}
			text, _ := d.sent[1]["text"].(string)
			if !strings.Contains(text, "invalid_blocks") && !strings.Contains(text, "invalidˍblocks") {
				t.Errorf("the text does not say why it is plain:\n%s", text)
			}
			harmless(t, "text", text, true)
		})
	}
}

func TestWhatIsSent(t *testing.T) {
	d := newDouble(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "chat.postMessage") {
			alertstest.Say(200, `{"ok":true}`)(w, r)
			return
		}
		alertstest.Say(200, "ok")(w, r)
	})
	n := alertstest.Opened()
	if err := d.webhook(t).Notify(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if err := d.bot(t).Notify(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	hook, bot := d.sent[0], d.sent[1]
	if hook["unfurl_links"] != false || hook["unfurl_media"] != false || hook["parse"] != "none" {
		t.Errorf("webhook: unfurling is on: %v", hook)
	}
	if bot["unfurl_links"] != "false" || bot["unfurl_media"] != "false" || bot["parse"] != "none" {
		t.Errorf("bot: unfurling is on: %v", bot)
	}
	if bot["channel"] != "#mail-ops" || d.auth[1] != token {
		t.Errorf("bot: channel %v, token %q", bot["channel"], d.auth[1])
	}
	if hook["text"] != "New, major: 192.0.2.10 is listed by SpamCop; mail is not counted here; reputed incident show 12" {
		t.Errorf("text %q", hook["text"])
	}
	if a, b := fmt.Sprint(hook["blocks"]), fmt.Sprint(bot["blocks"]); a != b {
		t.Errorf("webhook and bot differ:\n%s\n%s", a, b)
	}
}

func TestRehearsalOptionMarksEveryMessage(t *testing.T) {
	d := newDouble(t, alertstest.Say(200, "ok"))
	n := must(t, Options{Webhook: d.URL + secretPath, Rehearsal: true})
	if err := n.Notify(t.Context(), alertstest.Opened()); err != nil {
		t.Fatal(err)
	}
	if text, _ := d.sent[0]["text"].(string); !strings.HasPrefix(text, "REHEARSAL: ") {
		t.Errorf("text %q", text)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"nothing":                      {Options{}, "neither a webhook nor a token"},
		"both":                         {Options{Webhook: "https://x.example" + secretPath, Token: token}, "both a webhook and a token"},
		"a token without a channel":    {Options{Token: token}, "needs a channel"},
		"a token with a line break":    {Options{Token: token + "\n", Channel: "C1"}, "copy it again"},
		"a webhook in the clear":       {Options{Webhook: "http://x.example" + secretPath}, "must begin with https://"},
		"a webhook that is no link":    {Options{Webhook: secretPath}, "no address"},
		"a webhook with control":       {Options{Webhook: "https://x.example" + secretPath + "\x00"}, "no address"},
		"another scheme":               {Options{Webhook: "ftp://x.example" + secretPath}, "must begin with https://"},
		"an API in the clear":          {Options{Token: token, Channel: "C1", APIURL: "http://192.0.2.1/"}, "must begin with https://"},
		"a host that says it is local": {Options{Webhook: "http://localhost.example" + secretPath}, "must begin with https://"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			noSecret(t, err)
		})
	}
	for _, ok := range []Options{
		{Webhook: "https://hooks.slack.com/services/x"}, {Webhook: "http://127.0.0.1:8080/x"}, {Webhook: "http://[::1]/x"},
		{Webhook: "http://localhost:1/x"}, {Token: token, Channel: "C1"},
	} {
		if _, err := New(ok); err != nil {
			t.Errorf("New: %v", err)
		}
	}
}
