package slack

import (
	"net/http"
	"strings"
	"testing"

	"reputed/alerts/alertstest"
)

func TestReachProvesATokenAndWritesNothing(t *testing.T) {
	ok := true
	s := alertstest.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
		if ok {
			alertstest.Say(200, `{"ok":true,"user":"reputed"}`)(w, r)
			return
		}
		alertstest.Say(200, `{"ok":false,"error":"invalid_auth"}`)(w, r)
	})
	bot, err := NewBot(Options{Token: token, Channel: "#mail-ops", APIURL: s.URL + "/api/"}, BotOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := bot.Reach(t.Context()); err != nil || !r.Login {
		t.Errorf("a good token: %+v, %v", r, err)
	}
	ok = false
	if _, err := bot.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "make a new one") || strings.Contains(err.Error(), token) {
		t.Errorf("a bad token: %v", err)
	}
	hook, err := New(Options{Webhook: s.URL + "/services/T0/B0/secret0secret0"})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := hook.Reach(t.Context()); err != nil || r.Login {
		t.Errorf("a webhook: %+v, %v", r, err)
	}
	for _, q := range s.Requests() {
		if q.Path != "/api/auth.test" && (q.Method != http.MethodHead || q.Path != "/") {
			t.Errorf("%s %s", q.Method, q.Path)
		}
	}
}
