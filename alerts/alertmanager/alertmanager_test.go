package alertmanager

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"reputed/alerts"
	"reputed/alerts/alertstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

const password = "canary-password-1"

func notifier(t *testing.T, url string) *Notifier {
	t.Helper()
	n, err := New(Options{Name: "am", URL: url, User: "u", Password: password, Labels: map[string]string{"team": "mail"}, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTroubles(t *testing.T) {
	alertstest.Troubles(t, func(url string) error { return notifier(t, url).Notify(t.Context(), alertstest.Opened()) }, password)
}

// posted are the alerts of request i.
func posted(t *testing.T, s *alertstest.Server, i int) []alert {
	t.Helper()
	all := s.Requests()
	if len(all) <= i {
		t.Fatalf("%d requests came", len(all))
	}
	var got []alert
	if err := json.Unmarshal(all[i].Body, &got); err != nil || all[i].Path != "/api/v2/alerts" || all[i].Method != "POST" {
		t.Fatalf("%s %s: %v", all[i].Method, all[i].Path, err)
	}
	if auth := all[i].Header.Get("Authorization"); !strings.HasPrefix(auth, "Basic ") {
		t.Errorf("Authorization %q", auth)
	}
	return got
}

func until(t *testing.T, a alert) time.Duration {
	t.Helper()
	at, err := time.Parse(time.RFC3339, a.EndsAt)
	if err != nil {
		t.Fatal(err)
	}
	return time.Until(at)
}

func TestWhatIsOpenIsRepeatedUntilItHasEnded(t *testing.T) {
	s := alertstest.NewServer(t, alertstest.Say(200, ""))
	n := notifier(t, s.URL)
	opened, ended := alertstest.Opened(), alertstest.Variants()["resolved"]
	for _, err := range []error{n.Notify(t.Context(), opened), n.Follow(t.Context(), []alerts.Notification{opened}), n.Notify(t.Context(), ended)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	first, repeated, last := posted(t, s, 0)[0], posted(t, s, 1)[0], posted(t, s, 2)[0]
	if fmt.Sprint(first.Labels) != fmt.Sprint(repeated.Labels) || fmt.Sprint(first.Labels) != fmt.Sprint(last.Labels) {
		t.Errorf("it is known by %v, then by %v, then by %v", first.Labels, repeated.Labels, last.Labels)
	}
	if first.Labels["team"] != "mail" || until(t, first) < 2*alerts.FollowEvery || until(t, repeated) < 2*alerts.FollowEvery || until(t, last) > 0 {
		t.Errorf("opened %+v, repeated %+v, ended %+v", first, repeated, last)
	}
	// What was read before it ended and is repeated after must not open it again.
	if err := n.Follow(t.Context(), []alerts.Notification{opened}); err != nil || len(s.Requests()) != 3 {
		t.Errorf("repeated after its end: %v", err)
	}
}

func TestEndedThreadsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, err := New(Options{URL: "http://127.0.0.1:1", Timeout: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		n.ended["12-1"] = time.Now()
		time.Sleep(lasts + time.Second)
		if err := n.Follow(t.Context(), nil); err != nil || len(n.ended) != 0 {
			t.Errorf("%v, still there: %v", err, n.ended)
		}
	})
}

func TestARiseInSeverityEndsTheOldAlert(t *testing.T) {
	s := alertstest.NewServer(t, alertstest.Say(200, ""))
	if err := notifier(t, s.URL).Notify(t.Context(), alertstest.Variants()["worsened"]); err != nil {
		t.Fatal(err)
	}
	firing := 0
	for _, a := range posted(t, s, 0) {
		if until(t, a) > 0 {
			firing++
			if a.Labels["severity"] != "critical" {
				t.Errorf("fires as %v", a.Labels)
			}
		}
	}
	if firing != 1 {
		t.Errorf("%d fire", firing)
	}
}

func TestManyGoInSeveralRequests(t *testing.T) {
	s := alertstest.NewServer(t, alertstest.Say(200, ""))
	var open []alerts.Notification
	for i := range 2*maxAtOnce + 1 {
		open = append(open, alertstest.With(func(n *alerts.Notification) { n.Incident.ID = int64(i + 1) }))
	}
	if err := notifier(t, s.URL).Follow(t.Context(), open); err != nil || len(s.Requests()) != 3 || len(posted(t, s, 2)) != 1 {
		t.Errorf("%v, %d requests", err, len(s.Requests()))
	}
}

func TestGolden(t *testing.T) {
	n := notifier(t, "http://127.0.0.1:9093")
	for name, note := range alertstest.Variants() {
		t.Run(name, func(t *testing.T) {
			if note.General() {
				t.Skip("is never an alert here")
			}
			a := n.alert(note, note.Incident.Severity, alertstest.At.Add(48*time.Hour))
			got, err := json.MarshalIndent(a, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			alertstest.Golden(t, *update, name+".json", string(got)+"\n")
			for label, value := range a.Labels {
				if value == "" || strings.ContainsAny(value, "\x1b\r\n\u202e") {
					t.Errorf("label %s = %q", label, value)
				}
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"nothing":                 {},
		"a password in the clear": {URL: "http://alertmanager:9093", User: "u", Password: password},
		"a token in the clear":    {URL: "http://alertmanager:9093", Token: password},
	} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(Options{URL: "http://alertmanager:9093"}); err != nil {
		t.Error(err)
	}
}

func TestADigestIsRefusedAndNothingIsSent(t *testing.T) {
	s := alertstest.NewServer(t, alertstest.Say(202, ""))
	n := notifier(t, s.URL)
	if err := n.Notify(t.Context(), alertstest.Variants()["digest"]); !errors.Is(err, alerts.ErrRefused) || !strings.Contains(err.Error(), "digest_to") || len(s.Requests()) > 0 {
		t.Errorf("got %v, %d requests", err, len(s.Requests()))
	}
}
