package slack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const appToken = "xapp-1-A0CANARY-1234567890-abcdef"

// call is one request to the API.
type call struct {
	method string // chat.postMessage
	form   map[string]string
}

// workspace is a Slack on the loopback that an app can come back to: it numbers messages, takes
// edits and opens the connection of Socket Mode.
type workspace struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	calls   []call
	answers map[string]string // by method, in place of yes; "" is none
	happens chan struct{}     // a value for each call

	socket func(n int, c *websocket.Conn) // what connection n does; it ends with this
	dials  int
}

func newWorkspace(t *testing.T) *workspace {
	w := &workspace{t: t, answers: map[string]string{}, happens: make(chan struct{}, 1000)}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", w.api)
	mux.HandleFunc("/link", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("ticket") != "canary-ticket-1" {
			t.Errorf("ticket %q", r.URL.RawQuery)
		}
		w.mu.Lock()
		w.dials++
		n, serve := w.dials, w.socket
		w.mu.Unlock()
		if serve == nil {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		c, err := (&websocket.Upgrader{}).Upgrade(rw, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		serve(n, c)
	})
	w.Server = httptest.NewServer(mux)
	t.Cleanup(w.Close)
	return w
}

func (w *workspace) api(rw http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		w.t.Error(err)
	}
	c := call{strings.TrimPrefix(r.URL.Path, "/api/"), map[string]string{}}
	for name, values := range r.PostForm {
		c.form[name] = values[0]
	}
	if auth := r.Header.Get("Authorization"); auth != "" {
		c.form["auth"] = auth
	}
	w.mu.Lock()
	w.calls = append(w.calls, c)
	number, answer := len(w.calls), w.answers[c.method]
	w.mu.Unlock()
	switch {
	case answer != "":
	case c.method == "apps.connections.open":
		answer = fmt.Sprintf(`{"ok":true,"url":"%s/link?ticket=canary-ticket-1"}`, strings.Replace(w.URL, "http", "ws", 1))
	case c.method == "chat.update":
		answer = fmt.Sprintf(`{"ok":true,"channel":"C1","ts":%q}`, c.form["ts"])
	default:
		answer = fmt.Sprintf(`{"ok":true,"channel":"C1","ts":"%d.0"}`, number)
	}
	_, _ = rw.Write([]byte(answer))
	w.happens <- struct{}{}
}

func (w *workspace) answer(method, answer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[method] = answer
}

// said are the calls so far, each as "method where", where being the thread or the message.
func (w *workspace) said() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, c := range w.calls {
		where := strings.Join([]string{c.form["ts"], c.form["thread_ts"]}, "")
		if c.form["reply_broadcast"] == "true" {
			where += " and the channel"
		}
		all = append(all, strings.TrimSpace(c.method+" "+where))
	}
	return all
}

func (w *workspace) last(method string) map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.calls) - 1; i >= 0; i-- {
		if w.calls[i].method == method {
			return w.calls[i].form
		}
	}
	return nil
}

func (w *workspace) bot(change ...func(*Options, *BotOptions)) *Bot {
	w.t.Helper()
	o, b := Options{Name: "ops", Token: token, Channel: "#mail-ops", APIURL: w.URL + "/api", Timeout: 5 * time.Second}, BotOptions{AppToken: appToken}
	for _, c := range change {
		c(&o, &b)
	}
	bot, err := NewBot(o, b)
	if err != nil {
		w.t.Fatal(err)
	}
	bot.firstPause = time.Millisecond
	return bot
}

// pressing is an envelope of somebody who presses a button of ours.
func pressing(envelope, button, thread string, number int) []byte {
	raw, err := json.Marshal(map[string]any{
		"type": "interactive", "envelope_id": envelope,
		"payload": map[string]any{
			"type": "block_actions", "user": map[string]any{"id": "U024BE7LH", "username": "kim\n<!channel>"},
			"channel": map[string]any{"id": "C1"}, "container": map[string]any{"message_ts": "1.0", "channel_id": "C1"},
			"actions": []any{map[string]any{"action_id": button, "value": thread, "action_ts": strconv.Itoa(number) + ".5"}},
		},
	})
	if err != nil {
		panic(err)
	}
	return raw
}
