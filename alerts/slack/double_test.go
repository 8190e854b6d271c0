package slack

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
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
