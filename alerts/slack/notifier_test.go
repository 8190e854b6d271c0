package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reputed/alerts"
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

// double is a Slack on the loopback that answers as it is told and keeps what it
// was sent.
type double struct {
	*httptest.Server
	mu   sync.Mutex
	sent []map[string]any // decoded payloads
	auth []string         // tokens sent with them
}

func newDouble(t *testing.T, answer http.HandlerFunc) *double {
	d := &double{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := map[string]any{}
		token := ""
		if strings.HasSuffix(r.URL.Path, "chat.postMessage") {
			if err := r.ParseForm(); err != nil {
				t.Error(err)
			}
			for name, values := range r.PostForm {
				body[name] = values[0]
			}
			token, _ = body["token"].(string)
			if raw, ok := body["blocks"].(string); ok {
				var blocks []any
				if err := json.Unmarshal([]byte(raw), &blocks); err != nil {
					t.Errorf("blocks: %v", err)
				}
				body["blocks"] = blocks
			}
		} else if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("payload: %v", err)
		}
		d.mu.Lock()
		d.sent, d.auth = append(d.sent, body), append(d.auth, token)
		d.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *double) webhook(t *testing.T) *Notifier {
	t.Helper()
	return must(t, Options{Name: "ops", Webhook: d.URL + secretPath})
}

func (d *double) bot(t *testing.T) *Notifier {
	t.Helper()
	return must(t, Options{Name: "ops", Token: token, Channel: "#mail-ops", APIURL: d.URL + "/api"})
}

func must(t *testing.T, o Options) *Notifier {
	t.Helper()
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func say(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// What an error means for the outbox.
const (
	yes   = "yes"
	never = "never"
	later = "later" // a RetryError
	again = "again"
)

func outcome(err error) string {
	var retry *alerts.RetryError
	switch {
	case err == nil:
		return yes
	case errors.Is(err, alerts.ErrRefused):
		return never
	case errors.As(err, &retry):
		return later
	}
	return again
}

func TestWebhookAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
		says   string
	}{
		"ok":                              {say(200, "ok"), yes, ""},
		"ok with a line break":            {say(200, "ok\n"), yes, ""},
		"200 that is no ok":               {say(200, "<html>log in</html>"), again, "not yes"},
		"200 without a body":              {say(200, ""), again, "not yes"},
		"an invalid token":                {say(403, "invalid_token"), never, "make a new one"},
		"a webhook that was removed":      {say(404, "no_service"), never, "make a new one"},
		"a channel that is gone":          {say(404, "channel_not_found"), never, "invite the app"},
		"an archived channel":             {say(410, "channel_is_archived"), never, "archived"},
		"not allowed":                     {say(403, "action_prohibited"), never, "make a new one"},
		"a refused message":               {say(400, "invalid_payload"), never, "report it"},
		"a 4xx nobody knows":              {say(400, "brand_new_reason"), never, "look the word up"},
		"a 4xx without a word":            {say(404, ""), never, "status 404"},
		"a request time-out may pass":     {say(408, ""), again, "408"},
		"500":                             {say(500, "<html>oops</html>"), again, "500"},
		"503 with its time is tried as 5": {say(503, "", "Retry-After", "5"), again, "503"},
		"a redirect is not followed":      {say(302, "", "Location", "https://evil.example/"), again, "redirect"},
		"429 with seconds":                {say(429, "rate_limited", "Retry-After", "30"), later, "no more messages"},
		"429 with a date":                 {say(429, "", "Retry-After", "Wed, 25 Nov 2026 10:00:00 GMT", "Date", "Wed, 25 Nov 2026 09:59:00 GMT"), later, ""},
		"429 without a time":              {say(429, ""), later, ""},
		"a reply without end":             {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) }, again, "longer"},
	} {
		t.Run(name, func(t *testing.T) {
			err := newDouble(t, c.answer).webhook(t).Notify(t.Context(), opened())
			if got := outcome(err); got != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %s (%v), want %s with %q", got, err, c.want, c.says)
			}
			noSecret(t, err)
		})
	}
}

func TestBotAnswers(t *testing.T) {
	failed := func(word string) http.HandlerFunc { return say(200, `{"ok":false,"error":"`+word+`"}`) }
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
		says   string
	}{
		"ok":                             {say(200, `{"ok":true,"channel":"C1","ts":"1.2"}`), yes, ""},
		"ok false without a word":        {say(200, `{"ok":false}`), again, "answered no"},
		"an empty word":                  {failed(""), again, "answered no"},
		"no JSON":                        {say(200, "ok"), again, "not Slack's"},
		"empty JSON":                     {say(200, "{}"), again, "answered no"},
		"an invalid token":               {failed("invalid_auth"), never, "make a new one"},
		"a scope that is missing":        {failed("missing_scope"), never, "chat:write"},
		"a channel that is not there":    {failed("channel_not_found"), never, "invite the app"},
		"not in the channel":             {failed("not_in_channel"), never, "/invite"},
		"refused blocks":                 {failed("invalid_blocks"), never, "report it"},
		"trouble of Slack's own":         {failed("internal_error"), again, "internal_error"},
		"a word nobody knows":            {failed("brand_new_reason"), again, "brand_new_reason"},
		"too fast by its word":           {failed("ratelimited"), later, "no more messages"},
		"429 with seconds":               {say(429, "", "Retry-After", "30"), later, ""},
		"429 with a date":                {say(429, "", "Retry-After", "Wed, 25 Nov 2026 10:00:00 GMT"), later, ""},
		"429 without a time":             {say(429, ""), later, ""},
		"a 4xx of what stands before it": {say(403, "<html>no</html>"), never, "status 403"},
		"a 4xx with Slack's word":        {say(401, `{"ok":false,"error":"invalid_auth"}`), never, "make a new one"},
		"500":                            {say(500, "<html>oops</html>"), again, "500"},
		"a redirect is not followed":     {say(307, "", "Location", "https://evil.example/"), again, "redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			err := newDouble(t, c.answer).bot(t).Notify(t.Context(), opened())
			if got := outcome(err); got != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %s (%v), want %s with %q", got, err, c.want, c.says)
			}
			noSecret(t, err)
		})
	}
}

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

func TestRetryAfter(t *testing.T) {
	const date = "Wed, 25 Nov 2026 09:59:00 GMT"
	for name, c := range map[string]struct {
		header []string
		want   time.Duration
	}{
		"seconds":                        {[]string{"Retry-After", "30"}, 30 * time.Second},
		"zero is a second":               {[]string{"Retry-After", "0"}, time.Second},
		"a date, by the clock of theirs": {[]string{"Retry-After", "Wed, 25 Nov 2026 10:01:30 GMT", "Date", date}, 150 * time.Second},
		"a date that is past":            {[]string{"Retry-After", "Wed, 25 Nov 2026 09:00:00 GMT", "Date", date}, time.Second},
		"nothing":                        {nil, time.Minute},
		"nonsense":                       {[]string{"Retry-After", "soon"}, time.Minute},
		"less than nothing":              {[]string{"Retry-After", "-5"}, time.Minute},
		"ten years are an hour":          {[]string{"Retry-After", "315360000"}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			err := newDouble(t, say(429, "", c.header...)).webhook(t).Notify(t.Context(), opened())
			var retry *alerts.RetryError
			if !errors.As(err, &retry) || retry.After != c.want {
				t.Errorf("got %v, want to wait %s", err, c.want)
			}
		})
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
				err := n.Notify(t.Context(), opened())
				if outcome(err) != again {
					t.Errorf("got %v, want an error that is tried again", err)
				}
				noSecret(t, err)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		d := newDouble(t, say(200, "ok"))
		n := d.webhook(t)
		d.Close()
		err := n.Notify(t.Context(), opened())
		if outcome(err) != again {
			t.Errorf("got %v", err)
		}
		noSecret(t, err)
	})
	t.Run("a certificate of nobody", func(t *testing.T) {
		s := httptest.NewUnstartedServer(say(200, "ok"))
		s.Config.ErrorLog = nil
		s.StartTLS()
		defer s.Close()
		err := must(t, Options{Webhook: s.URL + secretPath}).Notify(t.Context(), opened())
		if outcome(err) != again || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("got %v", err)
		}
		noSecret(t, err)
		ours := must(t, Options{Webhook: s.URL + secretPath, HTTPClient: s.Client()})
		if err := ours.Notify(t.Context(), opened()); err != nil {
			t.Errorf("with the transport given: %v", err)
		}
		s.Client().CloseIdleConnections()
	})
	t.Run("the caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		d := newDouble(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
		if err := d.webhook(t).Notify(ctx, opened()); !errors.Is(err, context.Canceled) {
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
			hook, bot := d.webhook(t).Notify(t.Context(), opened()), d.bot(t).Notify(t.Context(), opened())
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
		"webhook": {say(400, "invalid_blocks"), say(200, "ok")},
		"bot":     {say(200, `{"ok":false,"error":"invalid_blocks"}`), say(200, `{"ok":true}`)},
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
			if err := n.Notify(t.Context(), with(hostile)); err != nil {
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
			say(200, `{"ok":true}`)(w, r)
			return
		}
		say(200, "ok")(w, r)
	})
	n := opened()
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
	if hook["text"] != "New, major: 192.0.2.10 is listed by SpamCop. mail is not counted here. reputed incident show 12" {
		t.Errorf("text %q", hook["text"])
	}
	if a, b := fmt.Sprint(hook["blocks"]), fmt.Sprint(bot["blocks"]); a != b {
		t.Errorf("webhook and bot differ:\n%s\n%s", a, b)
	}
}

func TestRehearsalOptionMarksEveryMessage(t *testing.T) {
	d := newDouble(t, say(200, "ok"))
	n := must(t, Options{Webhook: d.URL + secretPath, Rehearsal: true})
	if err := n.Notify(t.Context(), opened()); err != nil {
		t.Fatal(err)
	}
	if text, _ := d.sent[0]["text"].(string); !strings.HasPrefix(text, "REHEARSAL: ") {
		t.Errorf("text %q", text)
	}
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	if os.Getenv("HTTP_PROXY") == "" {
		t.Fatal("no proxy set")
	}
	transport, ok := must(t, Options{Webhook: "https://hooks.slack.com/services/x"}).next.(*http.Transport)
	if !ok || transport.Proxy != nil {
		t.Errorf("the transport asks for a proxy")
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
