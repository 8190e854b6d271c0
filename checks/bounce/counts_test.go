package bounce

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"
)

// hours makes hours of one receiver, the latest of them under way at noon: "delivered/deferred/refused".
func hoursUntilNoon(receiver string, all ...string) (hours []Hour) {
	for i, s := range all {
		h := Hour{Target: "192.0.2.10", Receiver: receiver, At: noon.Add(time.Duration(i-len(all)+1) * time.Hour)}
		if _, err := fmt.Sscanf(s, "%d/%d/%d", &h.Delivered, &h.Deferred, &h.Refused); err != nil {
			panic(err)
		}
		hours = append(hours, h)
	}
	return hours
}

func repeat(n int, s string) []string { return strings.Fields(strings.Repeat(s+" ", n)) }

func TestRamp(t *testing.T) {
	at := func(days int, s string) Hour {
		h := hoursUntilNoon("example.net", s)[0]
		h.At = h.At.Add(-time.Duration(days) * 24 * time.Hour)
		return h
	}
	for name, c := range map[string]struct {
		hours  []Hour
		rising bool
		over   bool
	}{
		"nothing":                              {nil, false, true},
		"few deferrals are no ramp":            {hoursUntilNoon("example.net", append(repeat(30, "50/0/0"), "0/19/0")...), false, false},
		"many where there are none":            {hoursUntilNoon("example.net", append(repeat(30, "50/0/0"), "50/20/0")...), true, false},
		"many, and in the hour before":         {hoursUntilNoon("example.net", append(repeat(30, "50/0/0"), "50/10/0", "50/10/0")...), true, false},
		"a small share is no ramp":             {hoursUntilNoon("example.net", append(repeat(30, "500/0/0"), "500/20/0")...), false, true},
		"as many as always":                    {hoursUntilNoon("example.net", repeat(30, "50/20/0")...), false, true},
		"three times as many as always":        {hoursUntilNoon("example.net", append(repeat(30, "50/20/0"), "50/100/0", "50/100/0")...), true, false},
		"no history, half waits":               {hoursUntilNoon("example.net", "20/20/0"), true, false},
		"no history, a fifth waits":            {hoursUntilNoon("example.net", "80/20/0"), false, false},
		"as on other days at this time":        {append([]Hour{at(1, "0/100/0"), at(2, "0/100/0"), at(3, "0/100/0")}, hoursUntilNoon("example.net", append(repeat(20, "50/0/0"), "0/140/0")...)...), false, true},
		"more than on other days at this time": {append([]Hour{at(1, "0/100/0"), at(2, "0/100/0"), at(3, "0/100/0")}, hoursUntilNoon("example.net", append(repeat(20, "50/0/0"), "0/400/0")...)...), true, false},
		"refusals are not deferrals":           {hoursUntilNoon("example.net", append(repeat(30, "50/0/0"), "0/0/100")...), false, true},
		"what came before a day without a log": {append([]Hour{at(7, "0/10/0")}, hoursUntilNoon("example.net", "50/40/0")...), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			if r := RampOf(c.hours, noon.Add(30*time.Minute)); r.Rising != c.rising || r.Over != c.over {
				t.Errorf("%+v, want rising %v, over %v", r, c.rising, c.over)
			}
		})
	}
}

func TestARampIsAFindingAndEnds(t *testing.T) {
	ramp := hoursUntilNoon("example.net", append(repeat(30, "50/0/0"), "10/40/0")...)
	key := checks.Key{Check: CheckRamp, Target: "192.0.2.10", Source: "example.net"}
	of := func(hours []Hour, known, readable bool) string {
		opt := JudgeOptions{}
		if known {
			opt.Known = []checks.Key{key}
		}
		all, _ := Judge(Counts{Tallies: []Tally{tally(func(t *Tally) { t.Refused, t.Deferred, t.Category = 0, 40, RateLimited })}, Hours: hours}, func(k checks.Key) bool { return known && k == key }, readable, noon.Add(30*time.Minute), opt)
		for _, f := range all {
			if f.Key == key {
				return fmt.Sprintf("%s %s %s: %s (%d pieces of evidence)", f.Code, f.Status, f.Severity, f.Summary, len(f.Evidence))
			}
		}
		return ""
	}
	for _, c := range []struct {
		name            string
		hours           []Hour
		known, readable bool
		want            string
	}{
		{"it begins", ramp, false, true, "bounce.ramp problem minor: example.net defers more and more mail from 192.0.2.10: 40 of 100 mails within two hours; usual are 0 (1 pieces of evidence)"},
		{"it is not known of quiet hours", hoursUntilNoon("example.net", "50/0/0"), false, true, ""},
		{"it is over", hoursUntilNoon("example.net", repeat(30, "50/0/0")...), true, true, "bounce.ramp-over ok : example.net does not defer more mail from 192.0.2.10 than usual any more (0 pieces of evidence)"},
		{"nothing is left of it", nil, true, true, "bounce.ramp-over ok : example.net does not defer more mail from 192.0.2.10 than usual any more (0 pieces of evidence)"},
		{"nobody read", nil, true, false, "bounce.ramp-over unknown : cannot tell whether example.net still defers mail from 192.0.2.10: logs were not read all the time (0 pieces of evidence)"},
	} {
		if got := of(c.hours, c.known, c.readable); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestAReceiverThatTakesMailAgainEndsAProblemSooner(t *testing.T) {
	refused := noon.Add(-2 * time.Hour)
	accept := func(receiver string, n int) Acceptance {
		return Acceptance{Target: "192.0.2.10", Receiver: receiver, Refused: refused, First: noon.Add(-90 * time.Minute), Last: noon, Accepted: n}
	}
	is := func(change func(*Tally)) Tally {
		return tally(func(t *Tally) {
			t.Last = refused
			if change != nil {
				change(t)
			}
		})
	}
	for name, c := range map[string]struct {
		tallies  []Tally
		accepted []Acceptance
		readable bool
		want     checks.Status
	}{
		"it has taken enough":                       {[]Tally{is(nil)}, []Acceptance{accept("example.net", 20)}, true, checks.OK},
		"not enough mail":                           {[]Tally{is(nil)}, []Acceptance{accept("example.net", 19)}, true, checks.Problem},
		"nothing is known":                          {[]Tally{is(nil)}, nil, true, checks.Problem},
		"nobody read in between":                    {[]Tally{is(nil)}, []Acceptance{accept("example.net", 500)}, false, checks.Problem},
		"a list, of a receiver that takes mail":     {[]Tally{is(func(t *Tally) { t.Category, t.Blocklist = Blocklist, "spamcop" })}, []Acceptance{accept("example.net", 20)}, true, checks.OK},
		"another receiver of the same refuser":      {[]Tally{is(nil), is(func(t *Tally) { t.Receiver = "example.com" })}, []Acceptance{accept("example.net", 500)}, true, checks.Problem},
		"both of them":                              {[]Tally{is(nil), is(func(t *Tally) { t.Receiver = "example.com" })}, []Acceptance{accept("example.net", 19), accept("example.com", 1)}, true, checks.OK},
		"how single mails look says nothing of all": {[]Tally{is(func(t *Tally) { t.Category = SpamContent })}, []Acceptance{accept("example.net", 500)}, true, checks.Problem},
		"too soon":                                  {[]Tally{is(func(t *Tally) { t.Last = noon.Add(-59 * time.Minute) })}, []Acceptance{{Target: "192.0.2.10", Receiver: "example.net", Refused: noon.Add(-59 * time.Minute), First: noon, Last: noon, Accepted: 500}}, true, checks.Problem},
		"a refusal that the logs have not":          {[]Tally{is(func(t *Tally) { t.Last = refused.Add(time.Minute) })}, []Acceptance{accept("example.net", 500)}, true, checks.Problem},
		"older refusals elsewhere play no part":     {[]Tally{is(nil), is(func(t *Tally) { t.Receiver, t.Last = "example.com", noon.Add(-30*time.Hour) })}, []Acceptance{accept("example.net", 20)}, true, checks.OK},
	} {
		t.Run(name, func(t *testing.T) {
			counts := Counts{Tallies: c.tallies, Acceptances: c.accepted}
			got, _ := Judge(counts, func(k checks.Key) bool { return k.Check == Check }, c.readable, noon, JudgeOptions{})
			if len(got) != 1 || got[0].Status != c.want {
				t.Fatalf("got %+v, want one finding, %s", got, c.want)
			}
			if c.want == checks.OK && (got[0].Code != checks.CodeAccepted || !strings.Contains(got[0].Summary, "last refusal 22 Nov 10:00 UTC, first accepted 22 Nov 10:30 UTC, 20 mails since")) {
				t.Errorf("summary %q", got[0].Summary)
			}
			// Once it is over it is not opened again by the refusals that are still in the window.
			if again, _ := Judge(counts, nil, c.readable, noon, JudgeOptions{}); c.want == checks.OK && len(again) != 0 {
				t.Errorf("nothing was known of it: %+v", again)
			}
		})
	}
}

func TestComplaintsWeighByTheirShare(t *testing.T) {
	for name, c := range map[string]struct {
		n, delivered int
		want         checks.Severity
	}{
		"one is an opinion":                   {1, 0, checks.Informational},
		"one of few mails is, too":            {1, 2, checks.Informational},
		"three, and nothing counted":          {3, 0, checks.Minor},
		"many, and nothing counted":           {20, 0, checks.Major},
		"three of few mails":                  {3, 19, checks.Minor},
		"three of very many":                  {3, 100000, checks.Informational},
		"a thousandth":                        {10, 10000, checks.Minor},
		"three thousandths":                   {30, 10000, checks.Major},
		"a little less than three thousandth": {29, 10000, checks.Minor},
	} {
		if got := complaintSeverity(c.n, c.delivered); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	y := ComplaintTally{Target: "192.0.2.10", Reporter: "SpamCop", Count: 3, First: noon, Last: noon, Sample: Feedback{Type: "abuse", URL: "https://www.spamcop.example/w3m?i=z1"}, Via: "mailbox fbl, UID 7"}
	got, _ := Judge(Counts{Complaints: []ComplaintTally{y}, Hours: hoursUntilNoon("", "1000/0/0")}, nil, true, noon.Add(time.Hour), JudgeOptions{})
	if len(got) != 1 || got[0].Key != (checks.Key{Check: CheckComplaint, Target: "192.0.2.10", Source: "spamcop"}) || got[0].Severity != checks.Major ||
		got[0].Summary != "SpamCop reports 3 complaints about mail from 192.0.2.10, of 1,000 mails delivered" || got[0].Facts[checks.FactLookupURL] != y.Sample.URL || !got[0].At.Equal(noon) {
		t.Errorf("got %+v", got)
	}
	over, _ := Judge(Counts{Complaints: []ComplaintTally{y}}, nil, true, noon.Add(25*time.Hour), JudgeOptions{Known: []checks.Key{got[0].Key}})
	if len(over) != 1 || over[0].Status != checks.OK || over[0].Code != checks.CodeNoComplaint {
		t.Errorf("a day later: %+v", over)
	}
}

func TestARefusalAndTheListItNamesAreShownTogether(t *testing.T) {
	y := tally(func(t *Tally) { t.Category, t.Blocklist = Blocklist, "spamcop" })
	for status, want := range map[checks.Status]string{
		checks.Problem: "listed by SpamCop, as the refusal says", checks.OK: "contradiction: the refusal names SpamCop", checks.Unknown: "no usable answer",
	} {
		opt := JudgeOptions{
			ListName: func(string) string { return "SpamCop" },
			Answers: func(k checks.Key) (Answer, bool) {
				return Answer{Status: status, At: noon, Evidence: []checks.Evidence{{Question: "10.2.0.192.bl.spamcop.net. A", Answer: "x"}}}, k == checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "spamcop"}
			},
		}
		got, _ := Judge(Counts{Tallies: []Tally{y}}, nil, true, noon, opt)
		if len(got) != 1 || len(got[0].Evidence) != 2 || !strings.Contains(got[0].Evidence[1].Reason, want) || got[0].Evidence[1].Question != "10.2.0.192.bl.spamcop.net. A" {
			t.Errorf("%s: %+v, want %q", status, got, want)
		}
	}
}

func TestImpactHasItsDenominator(t *testing.T) {
	y := tally(func(t *Tally) { t.First, t.Last, t.Refused = noon.Add(-100*time.Minute), noon.Add(-time.Minute), 41 })
	c := Counts{
		Tallies:     []Tally{y},
		Hours:       append(hoursUntilNoon("example.net", "500/0/0", "100/0/0", "50/0/0", "21/0/0"), hoursUntilNoon("", "5000/0/9", "1000/0/0", "900/0/0", "600/0/0")...),
		Acceptances: []Acceptance{{Target: "192.0.2.10", Receiver: "example.net", Refused: y.Last, First: noon, Last: noon, Accepted: 1}},
	}
	onset := noon.Add(-100 * time.Minute)
	_, impacts := Judge(c, nil, true, noon.Add(time.Minute), JudgeOptions{Since: func(string) time.Time { return onset }})
	if len(impacts) != 1 || len(impacts[0].Receivers) != 1 {
		t.Fatalf("got %+v", impacts)
	}
	i, r := impacts[0], impacts[0].Receivers[0]
	if got := i.Costs(1)[0].Text; got != "41 of 212 mails to example.net refused (Cisco Talos)" {
		t.Errorf("cost %q", got)
	}
	if !r.Accepted.Equal(noon) {
		t.Errorf("accepted %v", r.Accepted)
	}
	if i.Delivered != (checks.Count{N: 1500, Counted: true}) || i.Before.Delivered != 5000 || i.Before.Refused != 9 {
		t.Errorf("delivered %+v, before %+v", i.Delivered, i.Before)
	}
	_, impacts = Judge(Counts{Hours: hoursUntilNoon("", "5000/0/0", "1000/0/0")}, nil, true, noon.Add(time.Minute), JudgeOptions{})
	if got := impacts[0].Costs(1)[0].Text; got != "no refusal seen, and not enough mail since to tell; 5,000 mails delivered in the 24 hours before" {
		t.Errorf("a problem that only begins costs %q", got)
	}
}

// TestDeliveriesOfOneVendorAreCountedFromItsFirstRefusal, so that they can be added up.
func TestDeliveriesOfOneVendorAreCountedFromItsFirstRefusal(t *testing.T) {
	tally := func(receiver, vendor string, hoursAgo int) Tally {
		at := noon.Add(-time.Duration(hoursAgo) * time.Hour)
		return Tally{Target: "192.0.2.10", Receiver: receiver, Vendor: vendor, Category: IPReputation, Refused: 1, First: at, Last: at}
	}
	c := Counts{
		Tallies: []Tally{tally("a.example", "Microsoft", 3), tally("b.example", "Microsoft", 1), tally("c.example", "", 1)},
		Hours: slices.Concat(hoursUntilNoon("a.example", repeat(8, "10/0/0")...), hoursUntilNoon("b.example", repeat(8, "10/0/0")...),
			hoursUntilNoon("c.example", repeat(8, "10/0/0")...), hoursUntilNoon("", repeat(8, "30/0/0")...)),
	}
	all := impacts(c, func(string) time.Time { return time.Time{} }, noon, 24*time.Hour)
	if len(all) != 1 {
		t.Fatalf("%d impacts", len(all))
	}
	for _, r := range all[0].Receivers {
		if want := map[string]int{"a.example": 40, "b.example": 40, "c.example": 20}[r.Receiver]; r.Delivered.N != want {
			t.Errorf("%s took %d, want %d", r.Receiver, r.Delivered.N, want)
		}
	}
	if got := all[0].Costs(1)[0].Text; got != "2 of 82 mails to Microsoft (2 domains) refused" {
		t.Errorf("cost %q", got)
	}
}
