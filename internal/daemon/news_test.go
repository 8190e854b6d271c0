package daemon

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/alerts"
	"reputed/alerts/slack"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/store"
)

// A second list, a receiver more and a PTR that is gone join an incident that is open: the message is edited, one answer stands
// in its thread and not in the channel, the mail account hears nothing, and the reminder comes when it would have come.
func TestWhatJoinsAnIncidentIsSaidInItsThreadAlone(t *testing.T) {
	var mu sync.Mutex
	var calls []string
	chat := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		mu.Lock()
		defer mu.Unlock()
		what := strings.TrimPrefix(r.URL.Path, "/api/")
		if r.PostForm.Get("thread_ts") != "" {
			what += " in the thread"
		}
		if r.PostForm.Get("reply_broadcast") == "true" {
			what += " and the channel"
		}
		calls = append(calls, what+": "+r.PostForm.Get("text"))
		fmt.Fprintf(w, `{"ok":true,"channel":"C1","ts":"%d.0"}`, len(calls))
	}))
	t.Cleanup(chat.Close)
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		cfg.Slack = []config.Slack{{Name: "ops", Token: config.NewSecret("xoxb-1"), Channel: "#ops"}}
	})
	r.cfg.Alerts.Channels = []string{"ops", "mail"}
	r.policy.Channels, r.policy.RemindMajor = r.cfg.Alerts.Channels, 2*time.Hour
	bot, err := slack.NewBot(slack.Options{Name: "ops", Token: "xoxb-1", Channel: "#ops", APIURL: chat.URL + "/api"}, slack.BotOptions{Roots: r.db})
	if err != nil {
		t.Fatal(err)
	}
	r.deliverer.Channels = map[string]alerts.Notifier{"ops": bot, "mail": nil}

	now := time.Now().UTC().Truncate(time.Second)
	step := func(after time.Duration, findings ...checks.Finding) {
		t.Helper()
		now = now.Add(after)
		for i := range findings {
			findings[i].At = now
		}
		if _, err := r.db.Commit(t.Context(), now, store.Batch{}, func(s store.Situation) store.Decision { return r.decide(s, findings, sight{}, false) }); err != nil {
			t.Fatal(err)
		}
		due, err := r.db.Due(t.Context(), "ops", now, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range due {
			if err := bot.Notify(t.Context(), d.Notification); err != nil {
				t.Fatal(err)
			}
			if err := r.db.Sent(t.Context(), d.ID, now); err != nil {
				t.Fatal(err)
			}
		}
	}
	finding := func(check, source string, code checks.Code, severity checks.Severity, summary string) checks.Finding {
		target, _ := checks.ParseID("192.0.2.10")
		return checks.Finding{Key: checks.Key{Check: check, Target: "192.0.2.10", Source: source}, Target: target, Code: code, Status: checks.Problem, Severity: severity, Summary: summary,
			Facts: map[string]string{checks.FactAddress: "192.0.2.10"}, Evidence: []checks.Evidence{{Question: "q of " + source, Answer: "a"}}}
	}
	step(0, finding("dnsbl", "spamcop", checks.CodeListed, checks.Major, "192.0.2.10 is listed by SpamCop"))
	step(20*time.Minute, finding("identity", "ptr", checks.CodeNoPTR, checks.Major, "192.0.2.10 has no PTR record"), finding("dnsbl", "psbl", checks.CodeListed, checks.Minor, "192.0.2.10 is listed by PSBL"))
	step(time.Minute, finding("acceptance", "example.net", checks.CodeShut, checks.Minor, "example.net puts off 192.0.2.10 at its door"))
	for range 20 {
		step(time.Minute)
	}
	step(80 * time.Minute) // two hours and a minute after the first message
	want := []string{
		"chat.postMessage: New, major: 192.0.2.10 is listed by SpamCop",
		"chat.postMessage in the thread: Also, major: 192.0.2.10 has no PTR record (and 2 more findings)",
		"chat.postMessage in the thread and the channel: Still open, major: 192.0.2.10 is listed by SpamCop (and 3 more findings)",
		"chat.update: Open, major: 192.0.2.10 is listed by SpamCop (and 3 more findings)",
	}
	mu.Lock()
	defer mu.Unlock()
	var got []string
	for _, c := range calls {
		said, _, _ := strings.Cut(c, ";")
		got = append(got, said)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Slack was told (-want +got):\n%s", diff)
	}
	h, err := r.db.Incident(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var mails []string
	for _, n := range h.Deliveries {
		if n.Channel == "mail" {
			mails = append(mails, string(n.Kind))
		}
	}
	if !slices.Equal(mails, []string{"opened", "reminder"}) {
		t.Errorf("mail was told %v", mails)
	}
	if !slices.ContainsFunc(h.Events, func(e store.Event) bool {
		return e.Kind == "updated" && e.Note == "192.0.2.10 has no PTR record and 2 more"
	}) {
		t.Errorf("nothing is on record of what was said: %+v", h.Events)
	}
}
