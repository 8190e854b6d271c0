package heartbeat

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reputed/alerts/alertstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const path = "/ping/0b5a1c7e-canary-4f6d"

func heart(t *testing.T, o Options) *Heart {
	t.Helper()
	o.Timeout = 2 * time.Second
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h.pause = time.Millisecond
	return h
}

func TestBeats(t *testing.T) {
	for name, c := range map[string]struct {
		method   string
		fail     string
		complete bool
		want     string // method, path and body
	}{
		"complete":                       {"GET", "/fail", true, "GET " + path + " "},
		"not complete":                   {"GET", "/fail", false, "GET " + path + "/fail "},
		"not complete, nobody to call":   {"GET", "", false, ""},
		"complete, with a line of text":  {"POST", "/fail", true, "POST " + path + " 12 targets"},
		"the method is GET if not given": {"", "", true, "GET " + path + " "},
	} {
		t.Run(name, func(t *testing.T) {
			s := alertstest.NewServer(t, alertstest.Say(200, "OK"))
			o := Options{URL: s.URL + path, Method: c.method}
			if c.fail != "" {
				o.URLFail = s.URL + path + c.fail
			}
			if err := heart(t, o).Beat(t.Context(), c.complete, "12 targets"); err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, r := range s.Requests() {
				got += r.Method + " " + r.Path + " " + string(r.Body)
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestACallThatFailsIsMadeAgain(t *testing.T) {
	var calls atomic.Int32
	s := alertstest.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) < 3 {
			w.WriteHeader(500)
		}
	})
	if err := heart(t, Options{URL: s.URL + path}).Beat(t.Context(), true, ""); err != nil || calls.Load() != 3 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	s = alertstest.NewServer(t, alertstest.Say(404, path))
	err := heart(t, Options{URL: s.URL + path}).Beat(t.Context(), true, "")
	if err == nil || len(s.Requests()) != tries || !strings.Contains(err.Error(), "404") {
		t.Errorf("%v after %d calls", err, len(s.Requests()))
	}
	alertstest.NoSecret(t, err, path, "0b5a1c7e-canary-4f6d")
}

func TestNewRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"nothing":        {},
		"in the clear":   {URL: "http://hc.example.org" + path},
		"another method": {URL: "https://hc.example.org" + path, Method: "PUT"},
		"a bad url_fail": {URL: "https://hc.example.org" + path, URLFail: path},
	} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
