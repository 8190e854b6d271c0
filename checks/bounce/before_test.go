package bounce

import (
	"strings"
	"testing"
	"time"

	"reputed/checks"
)

// TestWhatWasOverBeforeItWasWatchedIsNoNews: the first start on a log with history, at 11:00.
func TestWhatWasOverBeforeItWasWatchedIsNoNews(t *testing.T) {
	key := checks.Key{Check: Check, Target: "192.0.2.10", Source: "cisco-talos"}
	began := noon.Add(-time.Hour)
	at := func(hhmm string) time.Time {
		d, err := time.Parse("15:04", hhmm)
		if err != nil {
			t.Fatal(err)
		}
		return time.Date(2026, 11, 22, d.Hour(), d.Minute(), 0, 0, time.UTC)
	}
	taken := func(refused, first string) []Acceptance {
		return []Acceptance{{Target: "192.0.2.10", Receiver: "example.net", Refused: at(refused), First: at(first), Last: at(first), Accepted: 1}}
	}
	for name, c := range map[string]struct {
		first, last string
		accepted    []Acceptance
		began       time.Time
		now         string
		unread      bool
		known       bool
		want        string // code, or code and "already"; empty: nothing
	}{
		"taken again before it was watched":               {"09:50", "10:02", taken("10:02", "10:20"), began, "11:00", false, false, "bounce.over-before"},
		"taken again, and not read to the end yet":        {"09:50", "10:02", taken("10:02", "10:20"), began, "11:00", true, false, ""},
		"not taken again, and not read to the end yet":    {"09:50", "10:02", nil, began, "11:00", true, false, ""},
		"something else is never read to its end":         {"09:50", "10:02", nil, began, "11:10", true, false, "bounce.refused already"},
		"never taken again":                               {"09:50", "10:02", nil, began, "11:00", false, false, "bounce.refused already"},
		"refused since it was taken":                      {"09:50", "10:30", taken("10:02", "10:20"), began, "11:00", false, false, "bounce.refused already"},
		"it goes on while the log is read":                {"09:50", "11:03", nil, began, "11:03", false, false, "bounce.refused already"},
		"one that comes later is news":                    {"09:50", "11:40", taken("11:40", "11:50"), began, "12:00", false, false, "bounce.refused"},
		"what comes first later is news":                  {"11:01", "11:01", nil, began, "11:02", false, false, "bounce.refused"},
		"nothing is known of when anybody began to watch": {"09:50", "10:02", taken("10:02", "10:20"), time.Time{}, "11:00", false, false, "bounce.refused"},
		"what is open takes its course":                   {"09:50", "10:02", taken("10:02", "10:20"), began, "11:00", false, true, "bounce.refused already"},
	} {
		counts := Counts{Acceptances: c.accepted, Tallies: []Tally{tally(func(t *Tally) { t.First, t.Last = at(c.first), at(c.last) })}}
		open := func(k checks.Key) bool { return c.known && k == key }
		opt := JudgeOptions{Began: c.began}
		found, impacts := Judge(counts, open, !c.unread, at(c.now), opt)
		got := ""
		for _, f := range found {
			got = string(f.Code)
			if Already(counts, open, at(c.now), opt)[f.Key] && f.Status == checks.Problem {
				got += " already"
			}
		}
		if got != c.want || len(found) > 1 {
			t.Errorf("%s: %q (%+v), want %q", name, got, found, c.want)
		}
		over := c.want == string(checks.CodeOverBefore)
		if over && (found[0].Status != checks.OK || !strings.HasPrefix(found[0].Summary, "over before it was watched, so nobody was told: 3 mails refused or deferred; cisco-talos takes mail from 192.0.2.10 again")) {
			t.Errorf("%s: %s %q", name, found[0].Status, found[0].Summary)
		}
		if (len(impacts) == 0) != over {
			t.Errorf("%s: it costs %+v", name, impacts)
		}
	}
}
