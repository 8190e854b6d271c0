package bounce

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reputed/blocklists"
	"reputed/checks"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func tally(f func(*Tally)) Tally {
	t := Tally{
		Target: "192.0.2.10", Receiver: "example.net", Vendor: "Cisco Talos", Category: IPReputation, Rule: "talos-banner", Remedy: "cisco-talos", Refused: 3,
		First: noon.Add(-140 * time.Minute), Last: noon.Add(-time.Minute), Via: "mailbox bounces, UID 4711", Proof: Proof{ByOwnMTA, "written by mx1.example.org"},
		Sample: Bounce{RemoteHost: "mx1.example.net", Diagnostic: Diagnostic{Reply: "554", Text: "554 no mail for kim@example.net, poor reputation"}},
	}
	if f != nil {
		f(&t)
	}
	return t
}

func TestJudge(t *testing.T) {
	key := checks.Key{Check: "bounce", Target: "192.0.2.10", Source: "cisco-talos"}
	yes := func(checks.Key) bool { return true }
	no := func(checks.Key) bool { return false }
	catalog, err := blocklists.BuiltinCatalog()
	if err != nil {
		t.Fatal(err)
	}
	names := catalog.Names()
	old := func(t *Tally) { t.First, t.Last = noon.Add(-50*time.Hour), noon.Add(-30*time.Hour) }
	for name, c := range map[string]struct {
		tallies  []Tally
		open     func(checks.Key) bool
		readable bool
		known    []checks.Key
		status   checks.Status
		severity checks.Severity
		summary  string
	}{
		"a refusal for reputation is a major problem": {[]Tally{tally(nil)}, no, true, nil, checks.Problem, checks.Major, "Cisco Talos: 3 mails from 192.0.2.10 refused for its reputation"},
		"a deferral alone is minor": {[]Tally{tally(func(t *Tally) {
			t.Refused, t.Deferred, t.Sample.Diagnostic.Reply, t.Sample.Judgement.Temporary = 0, 1, "451", true
		})}, no, true, nil, checks.Problem, checks.Minor, "Cisco Talos: 1 mail from 192.0.2.10 deferred for its reputation"},
		"a refusal that our server goes on trying is one": {[]Tally{tally(func(t *Tally) {
			t.Refused, t.Deferred, t.Sample.Diagnostic.Reply = 0, 9, "554"
		})}, no, true, nil, checks.Problem, checks.Major, "Cisco Talos: 9 mails from 192.0.2.10 refused for its reputation, still in our queue"},
		"a few spam verdicts are minor":       {[]Tally{tally(func(t *Tally) { t.Category = SpamContent })}, no, true, nil, checks.Problem, checks.Minor, "looking like spam"},
		"many of them are major":              {[]Tally{tally(func(t *Tally) { t.Category, t.Refused = SpamContent, checks.MinMails })}, no, true, nil, checks.Problem, checks.Major, "20 mails"},
		"the list is who refused":             {[]Tally{tally(func(t *Tally) { t.Blocklist, t.Category = "sbl.spamhaus.org", Blocklist })}, no, true, nil, checks.Problem, checks.Major, "the list spamhaus-zen: 3 mails"},
		"a receiver's own filter":             {[]Tally{tally(func(t *Tally) { t.Vendor = "" })}, no, true, nil, checks.Problem, checks.Major, "example.net: 3 mails"},
		"laid at the receiver's door":         {[]Tally{tally(func(t *Tally) { t.Target = "receiver:example.net" })}, no, true, nil, checks.Problem, checks.Major, "3 mails to example.net refused"},
		"quiet and read: over":                {[]Tally{tally(old)}, yes, true, nil, checks.OK, "", "no refusal of mail from 192.0.2.10"},
		"quiet, but nobody read":              {[]Tally{tally(old)}, yes, false, nil, checks.Unknown, "", "cannot tell"},
		"nothing left of it":                  {nil, yes, true, []checks.Key{key}, checks.OK, "", "no refusal"},
		"nothing left of it, and nobody read": {nil, yes, false, []checks.Key{key}, checks.Unknown, "", "cannot tell"},
		"over for long, and never known":      {[]Tally{tally(old)}, no, true, nil, "", "", ""},
		"other checks' keys are not ours":     {nil, yes, true, []checks.Key{{Check: "dnsbl", Target: "192.0.2.10", Source: "spamcop"}}, "", "", ""},
		"a tally of nothing":                  {[]Tally{tally(func(t *Tally) { t.Refused = 0 })}, yes, true, nil, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			opt := JudgeOptions{Known: c.known, Lists: names, ListName: func(id string) string {
				if id == "spamhaus-zen" {
					return "the list " + id
				}
				return id
			}}
			findings, _ := Judge(Counts{Tallies: c.tallies}, c.open, c.readable, noon, opt)
			if c.status == "" {
				if len(findings) != 0 {
					t.Fatalf("got %+v, want none", findings)
				}
				return
			}
			if len(findings) != 1 {
				t.Fatalf("got %d findings, want 1", len(findings))
			}
			f := findings[0]
			if f.Status != c.status || f.Severity != c.severity || !strings.Contains(f.Summary, c.summary) {
				t.Errorf("got %s %s %q, want %s %s %q", f.Status, f.Severity, f.Summary, c.status, c.severity, c.summary)
			}
			if f.Status == checks.Problem {
				if f.Code != checks.CodeRefused || f.Facts[checks.FactRemedy] == "" || len(f.Evidence) != 1 || f.Evidence[0].Proof == "" || !f.At.Equal(f.Evidence[0].At) {
					t.Errorf("incomplete: %+v", f)
				}
				if strings.Contains(f.Facts[checks.FactDiagnostic]+f.Evidence[0].Answer, "kim@") {
					t.Errorf("the recipient's address gets out: %+v", f)
				}
			}
		})
	}
}

// Window says what may open, Quiet what may close; each keeps to its own.
func TestJudgeWindowAndQuiet(t *testing.T) {
	yes := func(checks.Key) bool { return true }
	no := func(checks.Key) bool { return false }
	hoursAgo := []Tally{tally(func(t *Tally) { t.First, t.Last = noon.Add(-11*time.Hour), noon.Add(-10*time.Hour) })}
	for name, c := range map[string]struct {
		window, quiet time.Duration
		open          func(checks.Key) bool
		want          checks.Status
	}{
		"in both":                                {24 * time.Hour, 24 * time.Hour, no, checks.Problem},
		"out of the window, not quiet, known":    {time.Hour, 24 * time.Hour, yes, checks.Problem},
		"out of the window, not quiet, unknown":  {time.Hour, 24 * time.Hour, no, ""},
		"in the window, quiet for long enough":   {24 * time.Hour, time.Hour, yes, checks.OK},
		"what has been quiet is not opened anew": {24 * time.Hour, time.Hour, no, ""},
	} {
		t.Run(name, func(t *testing.T) {
			findings, _ := Judge(Counts{Tallies: hoursAgo}, c.open, true, noon, JudgeOptions{Window: c.window, Quiet: c.quiet})
			var got checks.Status
			if len(findings) == 1 {
				got = findings[0].Status
			}
			if got != c.want || len(findings) > 1 {
				t.Errorf("got %q (%d findings), want %q", got, len(findings), c.want)
			}
		})
	}
}

func TestImpactCountsByReceiver(t *testing.T) {
	_, impacts := Judge(Counts{Tallies: []Tally{
		tally(nil),
		tally(func(t *Tally) { t.Category, t.Rule = SpamContent, "x"; t.Refused, t.Deferred = 1, 2 }),
		tally(func(t *Tally) { t.Receiver, t.Vendor, t.Refused = "example.com", "Google", 40 }),
		tally(func(t *Tally) { t.Target = "192.0.2.11" }),
	}}, nil, true, noon, JudgeOptions{})
	if len(impacts) != 2 || impacts[0].Target != "192.0.2.10" || len(impacts[0].Receivers) != 2 {
		t.Fatalf("got %+v", impacts)
	}
	first, second := impacts[0].Receivers[0], impacts[0].Receivers[1]
	if first.Receiver != "example.com" || first.Refused.N != 40 || second.Refused.N != 4 || second.Deferred.N != 2 {
		t.Errorf("got %+v, %+v", first, second)
	}
	if first.Delivered.Counted {
		t.Error("deliveries are not counted here")
	}
	if !impacts[0].Counted() || impacts[0].Refusals() != 46 {
		t.Errorf("refusals %d", impacts[0].Refusals())
	}
}

// Nothing but refusals in the window is a problem, and without reading nothing is over.
func TestJudgeNeverClosesBlind(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var tallies []Tally
		for range rapid.IntRange(0, 6).Draw(rt, "tallies") {
			age := time.Duration(rapid.IntRange(0, 100).Draw(rt, "hours")) * time.Hour
			tallies = append(tallies, tally(func(t *Tally) {
				t.Target = rapid.SampledFrom([]string{"192.0.2.10", "192.0.2.11", "example.org", "receiver:example.net"}).Draw(rt, "target")
				t.Vendor = rapid.SampledFrom([]string{"", "Google", "Cisco Talos"}).Draw(rt, "vendor")
				t.Refused, t.Deferred = rapid.IntRange(0, 3).Draw(rt, "refused"), rapid.IntRange(0, 3).Draw(rt, "deferred")
				t.Last, t.First = noon.Add(-age), noon.Add(-age-time.Hour)
			}))
		}
		readable := rapid.Bool().Draw(rt, "readable")
		findings, _ := Judge(Counts{Tallies: tallies}, func(checks.Key) bool { return true }, readable, noon, JudgeOptions{})
		seen := map[checks.Key]bool{}
		for _, f := range findings {
			if seen[f.Key] {
				rt.Errorf("two findings of one key %+v", f.Key)
			}
			seen[f.Key] = true
			if f.Status == checks.OK && !readable {
				rt.Errorf("closed without reading: %+v", f)
			}
			if (f.Status == checks.Problem) != (f.Severity != "") {
				rt.Errorf("severity %q of %s", f.Severity, f.Status)
			}
		}
	})
}
