package post

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"reputed/alerts/alertstest"
)

func TestReachTellsTheServerNothing(t *testing.T) {
	const secret = "T0SECRET0secret0secret0"
	s := alertstest.NewServer(t, alertstest.Say(http.StatusNotFound, "", "Date", "Wed, 25 Nov 2026 09:40:00 GMT"))
	c, err := New("the webhook", Options{URL: s.URL + "/services/" + secret + "?key=" + secret, Secrets: []string{"bearer" + secret}, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Reach(t.Context())
	if err != nil || r.Login || !r.Clock.Equal(time.Date(2026, 11, 25, 9, 40, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, q := range s.Requests() {
		if q.Method != http.MethodHead || q.Path != "/" || len(q.Body) > 0 || q.Header.Get("Authorization") != "" || strings.Contains(q.Path, secret) {
			t.Errorf("%+v", q)
		}
	}
	s.Close()
	if _, err := c.Reach(t.Context()); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("nobody there: %v", err)
	}
}
