package pagerduty

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"reputed/alerts"
	"reputed/alerts/alertstest"
	"reputed/checks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

const routingKey = "R0123456789ABCDEFCANARY"

func notifier(t *testing.T, url string) *Notifier {
	t.Helper()
	n, err := New(Options{Name: "duty", RoutingKey: routingKey, APIURL: url, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTroubles(t *testing.T) {
	alertstest.Troubles(t, func(url string) error { return notifier(t, url).Notify(t.Context(), alertstest.Opened()) }, routingKey)
}

func TestAnIncidentIsTriggeredTakenAndResolvedByOneKey(t *testing.T) {
	s := alertstest.NewServer(t, alertstest.Say(202, `{"status":"success"}`))
	n := notifier(t, s.URL)
	opened := alertstest.Opened()
	taken := alertstest.With(func(n *alerts.Notification) {
		n.Kind, n.Incident.AckedBy, n.Incident.AckedAt = alerts.Updated, "kim", alertstest.At.Add(time.Minute)
	})
	ended := alertstest.Variants()["resolved"]
	for _, err := range []error{
		n.Notify(t.Context(), opened),
		n.Follow(t.Context(), []alerts.Notification{opened}), // nobody has taken it
		n.Follow(t.Context(), []alerts.Notification{taken}),
		n.Follow(t.Context(), []alerts.Notification{taken}), // said already
		n.Notify(t.Context(), ended),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	keys := map[string]bool{}
	for _, r := range s.Requests() {
		var e event
		if err := json.Unmarshal(r.Body, &e); err != nil || r.Path != "/v2/enqueue" || e.RoutingKey != routingKey {
			t.Errorf("%s %s: %v", r.Path, r.Body, err)
		}
		got, keys[e.Key] = append(got, e.Action), true
	}
	if want := "trigger" + strings.Repeat(" acknowledge", 4) + strings.Repeat(" resolve", 4); strings.Join(got, " ") != want || len(keys) != 4 {
		t.Errorf("events %q with keys %v", got, keys)
	}
}

func TestAnAcknowledgementThatFailedIsSentAgain(t *testing.T) {
	first := alertstest.NewServer(t, alertstest.Say(500, ""))
	n := notifier(t, first.URL)
	taken := alertstest.With(func(n *alerts.Notification) { n.Incident.AckedAt = alertstest.At })
	for range 2 {
		if err := n.Follow(t.Context(), []alerts.Notification{taken}); err == nil {
			t.Error("a 500 is taken for a yes")
		}
	}
	if got := len(first.Requests()); got != 2 {
		t.Errorf("%d requests, want 2", got)
	}
}

func TestGolden(t *testing.T) {
	for name, n := range alertstest.Variants() {
		t.Run(name, func(t *testing.T) {
			if n.Kind == alerts.Ended || n.General() {
				t.Skip("has no payload")
			}
			e := trigger(n)
			got, err := json.MarshalIndent(e, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			alertstest.Golden(t, *update, name+".json", string(got)+"\n")
			if n := utf8.RuneCountInString(e.Payload.Summary); n == 0 || n > 1024 || len(e.Key) > 255 || len(got) > 512<<10 {
				t.Errorf("summary of %d, key of %d, event of %d", n, len(e.Key), len(got))
			}
			for _, l := range e.Links {
				if checks.Link(l.Href) == "" {
					t.Errorf("link %q", l.Href)
				}
			}
			if strings.ContainsAny(e.Payload.Summary+e.Payload.Source, "\x1b\r\n\u202e") {
				t.Errorf("summary %q", e.Payload.Summary)
			}
		})
	}
}

func TestSeverities(t *testing.T) {
	for s, want := range map[checks.Severity]string{checks.Critical: "critical", checks.Major: "error", checks.Minor: "warning", checks.Informational: "info", "": "info"} {
		if got := severity(s); got != want {
			t.Errorf("severity(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, o := range map[string]Options{"no key": {}, "in the clear": {RoutingKey: routingKey, APIURL: "http://events.example.com"}} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), routingKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestADigestIsRefusedAndNothingIsSent(t *testing.T) {
	s := alertstest.NewServer(t, alertstest.Say(202, ""))
	n := notifier(t, s.URL)
	if err := n.Notify(t.Context(), alertstest.Variants()["digest"]); !errors.Is(err, alerts.ErrRefused) || !strings.Contains(err.Error(), "digest_to") || len(s.Requests()) > 0 {
		t.Errorf("got %v, %d requests", err, len(s.Requests()))
	}
}

func TestWhatIsToldAgainKeepsItsKey(t *testing.T) {
	opened := trigger(alertstest.Opened())
	for _, name := range []string{"reminder", "escalated", "flapping", "silence-ending"} {
		n := alertstest.Variants()[name]
		n.Incident.Severity = alertstest.Opened().Incident.Severity
		if e := trigger(n); e.Action != "trigger" || e.Key != opened.Key {
			t.Errorf("%s: %s with key %s, want a trigger with %s", name, e.Action, e.Key, opened.Key)
		}
	}
}

// PagerDuty pages nobody for what is acknowledged there; what got worse has to page again.
func TestWhatGotWorsePagesAgain(t *testing.T) {
	s := alertstest.NewServer(t, alertstest.Say(202, ""))
	n := notifier(t, s.URL)
	for _, note := range []alerts.Notification{alertstest.Opened(), alertstest.Variants()["worsened"]} {
		if err := n.Notify(t.Context(), note); err != nil {
			t.Fatal(err)
		}
	}
	open := map[string]bool{}
	for i, r := range s.Requests() {
		var e event
		if err := json.Unmarshal(r.Body, &e); err != nil {
			t.Fatal(err)
		}
		open[e.Key] = e.Action == "trigger"
		if none := !slices.Contains(slices.Collect(maps.Values(open)), true); none {
			t.Errorf("nothing is open after event %d", i+1)
		}
	}
	if first, second := trigger(alertstest.Opened()).Key, trigger(alertstest.Variants()["worsened"]).Key; first == second || open[first] || !open[second] {
		t.Errorf("open are %v", open)
	}
}
