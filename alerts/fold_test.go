package alerts

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// world plays runs of findings through Fold and remembers incidents as the
// store would.
type world struct {
	t        *testing.T
	policy   Policy
	now      time.Time
	nextID   int64
	open     []Incident
	resolved []Incident
	impacts  []checks.Impact
	first    bool
}

func newWorld(t *testing.T) *world {
	return &world{t: t, now: start, policy: Policy{RemindCritical: 4 * time.Hour, RemindMajor: 24 * time.Hour, MinSeverity: checks.Minor, Channels: []string{"chat"}}}
}

func (w *world) run(findings ...checks.Finding) []Change {
	for i := range findings {
		findings[i].At = w.now
	}
	in := Input{Open: w.open, Recent: w.resolved, Findings: findings, Impacts: w.impacts, Policy: w.policy, FirstRun: w.first, Now: w.now}
	before := fmt.Sprintf("%+v", in)
	changes := Fold(in)
	if after := fmt.Sprintf("%+v", in); after != before {
		w.t.Fatalf("Fold changed its input:\n%s\n%s", before, after)
	}
	if again := Fold(in); !reflect.DeepEqual(changes, again) {
		w.t.Fatalf("Fold twice is not the same:\n%+v\n%+v", changes, again)
	}
	for i := range changes {
		inc := &changes[i].Incident
		if inc.ID == 0 {
			w.nextID++
			inc.ID = w.nextID
		}
		same := func(x Incident) bool { return x.ID == inc.ID }
		w.open = slices.DeleteFunc(w.open, same)
		w.resolved = slices.DeleteFunc(w.resolved, same)
		if inc.State == Resolved {
			w.resolved = append(w.resolved, *inc)
		} else {
			w.open = append(w.open, *inc)
		}
	}
	w.now = w.now.Add(10 * time.Minute)
	return changes
}

// listing is a finding of one list about one target.
func listing(target, list string, status checks.Status, severity checks.Severity) checks.Finding {
	t, err := checks.ParseID(target)
	if err != nil {
		panic(err)
	}
	f := checks.Finding{
		Key: checks.Key{Check: "dnsbl", Target: t.ID(), Source: list}, Target: t, Status: status,
		Code: checks.CodeNotListed, Settle: 5 * time.Minute,
		Facts: map[string]string{checks.FactListName: list, checks.FactList: list},
	}
	switch status {
	case checks.Problem:
		f.Code, f.Severity = checks.CodeListed, severity
		f.Summary = target + " is listed by " + list
	case checks.Unknown:
		f.Code = checks.CodeNoAnswer
	}
	return f
}

func refusal(target, vendor string, status checks.Status, severity checks.Severity) checks.Finding {
	f := listing(target, vendor, status, severity)
	f.Key.Check, f.Settle = "bounce", 0
	f.Code = checks.CodeAccepted
	if status == checks.Problem {
		f.Code = checks.CodeRefused
		f.Summary = vendor + " refuses mail from " + target
	}
	return f
}

func refused(target string, receivers ...string) checks.Impact {
	i := checks.Impact{Target: target, Since: start}
	for _, r := range receivers {
		i.Receivers = append(i.Receivers, checks.ReceiverImpact{Receiver: r, Refused: checks.Count{N: 1, Counted: true}, First: start, Last: start})
	}
	return i
}

// told is the kinds of the changes that people hear of, or "." for none.
func told(changes []Change) string {
	var out []string
	for _, c := range changes {
		if c.Tell {
			out = append(out, string(c.Kind))
		}
	}
	if len(out) == 0 {
		return "."
	}
	return strings.Join(out, "+")
}

func TestRelapseContinuesTheSameHistory(t *testing.T) {
	w := newWorld(t)
	for _, s := range []checks.Status{checks.Problem, checks.OK, checks.OK} {
		w.run(listing("192.0.2.10", "spamcop", s, checks.Major))
	}
	w.now = w.now.Add(29 * 24 * time.Hour)
	c := w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major))
	if len(c) != 1 || c[0].Incident.ID != 1 || c[0].Incident.Relapses != 1 {
		t.Fatalf("within the window: %+v", c)
	}
	w.run(listing("192.0.2.10", "spamcop", checks.OK, ""))
	w.run(listing("192.0.2.10", "spamcop", checks.OK, ""))
	w.now = w.now.Add(31 * 24 * time.Hour)
	c = w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major))
	if len(c) != 1 || c[0].Incident.ID != 2 || c[0].Incident.Relapses != 0 {
		t.Fatalf("after the window: %+v", c)
	}
}

func TestOneHistoryIsReopenedByOneCause(t *testing.T) {
	w := newWorld(t)
	all := func(s checks.Status) []checks.Finding {
		return []checks.Finding{listing("192.0.2.1", "spamcop", s, checks.Major), listing("192.0.2.2", "spamcop", s, checks.Major), listing("192.0.2.2", "psbl", s, checks.Minor)}
	}
	w.run(all(checks.Problem)...)
	w.run(all(checks.OK)...)
	w.run(all(checks.OK)...)
	c := w.run(listing("192.0.2.1", "spamcop", checks.Problem, checks.Major), listing("192.0.2.2", "psbl", checks.Problem, checks.Minor))
	if len(c) != 2 || c[0].Incident.ID == c[1].Incident.ID {
		t.Errorf("two causes that were one: %+v", c)
	}
}

func TestManyTargetsOfOneSourceAreOneMessage(t *testing.T) {
	w := newWorld(t)
	var findings []checks.Finding
	for i := range 200 {
		findings = append(findings, listing(fmt.Sprintf("192.0.2.%d", i), "spamcop", checks.Problem, checks.Major))
	}
	c := w.run(findings...)
	if len(c) != 1 || !c[0].Tell || len(c[0].Incident.Members) != 200 {
		t.Fatalf("%d changes, want one incident of 200 members", len(c))
	}
	if got := c[0].Incident.Title; !strings.HasPrefix(got, "200 addresses, 192.0.2.0 among them: ") {
		t.Errorf("title %q", got)
	}
	if got := told(w.run(listing("192.0.2.200", "spamcop", checks.Problem, checks.Major))); got != "." {
		t.Errorf("one more of the same source: told %q, want nothing", got)
	}
}

func TestOneIncidentPerCause(t *testing.T) {
	w := newWorld(t)
	c := w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major), listing("198.51.100.7", "psbl", checks.Problem, checks.Minor))
	if len(c) != 2 {
		t.Fatalf("two targets, two lists: %d incidents, want 2", len(c))
	}
	c = w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major), listing("192.0.2.10", "psbl", checks.Problem, checks.Minor))
	if len(w.open) != 2 || told(c) != "." {
		t.Errorf("a lesser listing joins: %d open, told %q", len(w.open), told(c))
	}
	c = w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical))
	if told(c) != "worsened" || len(w.open) != 2 {
		t.Errorf("a worse listing worsens: told %q, %d open", told(c), len(w.open))
	}
}

func TestAnInformationalIncidentAbsorbsNoListing(t *testing.T) {
	w := newWorld(t)
	if got := told(w.run(listing("192.0.2.10", "uceprotect-3", checks.Problem, checks.Informational))); got != "." {
		t.Fatalf("informational told: %q", got)
	}
	if w.open[0].Severity != checks.Informational {
		t.Fatalf("%+v", w.open)
	}
	if got := told(w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical))); got != "opened" || len(w.open) != 2 {
		t.Errorf("told %q, %d open", got, len(w.open))
	}
	w = newWorld(t)
	w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical), listing("192.0.2.10", "uceprotect-3", checks.Problem, checks.Informational))
	if len(w.open) != 1 {
		t.Errorf("found together they are one incident, got %d", len(w.open))
	}
}

func TestEveryUntoldChangeHasAReason(t *testing.T) {
	w := newWorld(t)
	w.policy.MinSeverity = checks.Major
	c := w.run(listing("192.0.2.10", "psbl", checks.Problem, checks.Minor))
	if len(c) != 1 || c[0].Tell || !strings.Contains(c[0].Why, "min_severity") {
		t.Errorf("%+v", c)
	}
	w.run(listing("192.0.2.10", "psbl", checks.OK, ""))
	c = w.run(listing("192.0.2.10", "psbl", checks.OK, ""))
	if len(c) != 1 || c[0].Kind != Ended || c[0].Tell || c[0].Why == "" {
		t.Errorf("end of what nobody heard of: %+v", c)
	}
}

func TestRemindersOnlyWhileNobodyHasTakenIt(t *testing.T) {
	w := newWorld(t)
	p := func() []Change { return w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical)) }
	p()
	w.now = start.Add(3*time.Hour + 59*time.Minute)
	if got := told(p()); got != "." {
		t.Errorf("before its time: %q", got)
	}
	if got := told(p()); got != "reminder" {
		t.Errorf("after 4 h: %q", got)
	}
	if got := told(p()); got != "." {
		t.Errorf("reminded again within the interval: %q", got)
	}
	w.open[0].AckedBy, w.open[0].AckedAt, w.open[0].State = "kim", w.now, Acknowledged
	w.now = w.now.Add(5 * time.Hour)
	c := p()
	if told(c) != "." || !strings.Contains(c[0].Why, "kim") {
		t.Errorf("acknowledged: told %q, why %q", told(c), c[0].Why)
	}
	if w.open[0].State != Acknowledged {
		t.Errorf("state %s", w.open[0].State)
	}
}

func TestBlindnessIsOneIncidentAndFreezesTheRest(t *testing.T) {
	w := newWorld(t)
	var bad, blind []checks.Finding
	for i := range 5 {
		bad = append(bad, listing(fmt.Sprintf("192.0.2.%d", i), fmt.Sprintf("list%d", i), checks.Problem, checks.Critical))
		blind = append(blind, listing(fmt.Sprintf("192.0.2.%d", i), fmt.Sprintf("list%d", i), checks.Unknown, ""))
	}
	w.run(bad...)
	blind = append(blind, checks.Finding{Key: checks.Key{Check: "dnsbl", Target: "monitor:resolver"}, Target: checks.Monitor("resolver"),
		Code: checks.CodeBlind, Status: checks.Problem, Severity: checks.Major, Summary: "most lists could not be asked"})
	if got := told(w.run(blind...)); got != "opened" || len(w.open) != 6 {
		t.Errorf("outage: told %q, %d open; want one new incident", got, len(w.open))
	}
	w.now = w.now.Add(12 * time.Hour)
	c := w.run(blind...)
	for _, x := range c {
		if x.Tell {
			t.Errorf("told %s of %s while blind", x.Kind, x.Incident.Title)
		}
		if x.Incident.Severity == checks.Critical && !strings.Contains(x.Why, "no") {
			t.Errorf("no reason: %+v", x)
		}
	}
}

// Refusals that are critical for being many do not hide an entry that is critical by itself, and
// its like are told once.
func TestWhatIsGraverByItselfIsTold(t *testing.T) {
	w := newWorld(t)
	w.impacts = []checks.Impact{refused("192.0.2.10", "example.net", "example.com", "example.org")}
	c := w.run(refusal("192.0.2.10", "microsoft", checks.Problem, checks.Major))
	if told(c) != "opened" || c[0].Incident.Severity != checks.Critical {
		t.Fatalf("refusals by three: %s, %s", told(c), c[0].Incident.Severity)
	}
	w.open[0].State, w.open[0].AckedBy, w.open[0].AckedAt = Acknowledged, "kim", w.now
	if c := w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)); told(c) != "." || w.open[0].AckedBy == "" {
		t.Errorf("what is no graver was told: %s, taken by %q", told(c), w.open[0].AckedBy)
	}
	if c := w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical)); told(c) != "worsened" || w.open[0].AckedBy != "" {
		t.Errorf("an entry that stops mail everywhere: told %s, still taken by %q", told(c), w.open[0].AckedBy)
	}
	w.open[0].State, w.open[0].AckedBy, w.open[0].AckedAt = Acknowledged, "kim", w.now
	if c := w.run(listing("192.0.2.10", "dbl", checks.Problem, checks.Critical)); told(c) != "." || w.open[0].AckedBy == "" {
		t.Errorf("one more of the same was told: %s, taken by %q", told(c), w.open[0].AckedBy)
	}
}

func TestARiseVoidsTheAcknowledgement(t *testing.T) {
	w := newWorld(t)
	w.run(listing("192.0.2.10", "psbl", checks.Problem, checks.Minor))
	w.open[0].AckedBy, w.open[0].AckedAt = "kim", w.now
	c := w.run(listing("192.0.2.10", "psbl", checks.Problem, checks.Minor), listing("192.0.2.10", "zen", checks.Problem, checks.Critical))
	if told(c) != "worsened" || c[0].Incident.State != Open || c[0].Incident.AckedBy != "" {
		t.Errorf("%+v", c)
	}
}

func TestSilenceHoldsUntilItEnds(t *testing.T) {
	w := newWorld(t)
	w.run(listing("192.0.2.10", "psbl", checks.Problem, checks.Minor))
	w.open[0].Silence.Until = w.now.Add(time.Hour)
	c := w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical))
	if told(c) != "." || !strings.Contains(c[0].Why, "silenced until") || c[0].Incident.State != Silenced {
		t.Errorf("%+v", c)
	}
	w.now = w.now.Add(2 * time.Hour)
	w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical))
	if w.open[0].State != Open {
		t.Errorf("after the silence: %s", w.open[0].State)
	}
}

func TestHarmDecidesSeverity(t *testing.T) {
	for name, c := range map[string]struct {
		findings []checks.Finding
		impact   checks.Impact
		want     checks.Severity
	}{
		"reach alone": {
			[]checks.Finding{listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)}, checks.Impact{}, checks.Major},
		"a listing and refusals": {
			[]checks.Finding{listing("192.0.2.10", "spamcop", checks.Problem, checks.Major), refusal("192.0.2.10", "cisco", checks.Problem, checks.Major)},
			refused("192.0.2.10", "example.net"), checks.Critical},
		"a listing and a refusal that nobody counted": {
			[]checks.Finding{listing("192.0.2.10", "spamcop", checks.Problem, checks.Major), refusal("192.0.2.10", "cisco", checks.Problem, checks.Major)},
			checks.Impact{}, checks.Major},
		"refusals by one receiver": {
			[]checks.Finding{refusal("192.0.2.10", "cisco", checks.Problem, checks.Major)}, refused("192.0.2.10", "example.net"), checks.Major},
		"refusals by many receivers": {
			[]checks.Finding{refusal("192.0.2.10", "cisco", checks.Problem, checks.Major)}, refused("192.0.2.10", "a.example", "b.example", "c.example"), checks.Critical},
		"refusals of another target do not count": {
			[]checks.Finding{listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)}, refused("198.51.100.7", "a.example", "b.example", "c.example"), checks.Major},
		"counted deliveries lower": {
			[]checks.Finding{listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)},
			checks.Impact{Target: "192.0.2.10", Receivers: []checks.ReceiverImpact{{Receiver: "a.example", Delivered: checks.Count{N: 3120, Counted: true}}}}, checks.Minor},
		"deliveries to all receivers together lower": {
			[]checks.Finding{listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)},
			checks.Impact{Target: "192.0.2.10", Delivered: checks.Count{N: 3120, Counted: true}}, checks.Minor},
		"what was delivered before lowers nothing": {
			[]checks.Finding{listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)},
			checks.Impact{Target: "192.0.2.10", Delivered: checks.Count{Counted: true}, Before: checks.Before{Span: 24 * time.Hour, Delivered: 3120}}, checks.Major},
		"deliveries beside a refusal lower nothing": {
			[]checks.Finding{listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)},
			checks.Impact{Target: "192.0.2.10", Delivered: checks.Count{N: 3120, Counted: true}, Receivers: []checks.ReceiverImpact{{Receiver: "a.example", Deferred: checks.Count{N: 1, Counted: true}}}}, checks.Major},
		"few deliveries lower nothing": {
			[]checks.Finding{listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)},
			checks.Impact{Target: "192.0.2.10", Receivers: []checks.ReceiverImpact{{Receiver: "a.example", Delivered: checks.Count{N: 2, Counted: true}}}}, checks.Major},
		"deliveries that nobody counted lower nothing": {
			[]checks.Finding{listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)},
			checks.Impact{Target: "192.0.2.10", Receivers: []checks.ReceiverImpact{{Receiver: "a.example", Delivered: checks.Count{N: 500}}}}, checks.Major},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.impacts = []checks.Impact{c.impact}
			got := w.run(c.findings...)
			if len(got) != 1 || got[0].Incident.Severity != c.want {
				t.Errorf("got %+v, want one incident of severity %s", got, c.want)
			}
		})
	}
}

func TestWhatHappenedBeforeTheEndBringsNothingBack(t *testing.T) {
	w := newWorld(t)
	old := refusal("192.0.2.10", "cisco", checks.Problem, checks.Major)
	w.run(old)
	happened := old
	happened.At = start
	w.open[0].State, w.open[0].Resolved = Resolved, w.now // by a person
	w.resolved, w.open = w.open, nil
	w.now = w.now.Add(time.Minute)
	in := Input{Recent: w.resolved, Findings: []checks.Finding{happened}, Policy: w.policy, Now: w.now}
	if c := Fold(in); len(c) != 0 {
		t.Errorf("a refusal from before the end reopened it: %+v", c)
	}
	happened.At = w.now
	in.Findings = []checks.Finding{happened}
	if c := Fold(in); len(c) != 1 || c[0].Incident.Relapses != 1 {
		t.Errorf("a refusal after the end: %+v", c)
	}
}

// What was over stays over when something else of the same history comes back.
func TestARelapseBringsBackNothingOlder(t *testing.T) {
	w := newWorld(t)
	old := refusal("192.0.2.10", "cisco", checks.Problem, checks.Major)
	other := refusal("192.0.2.10", "microsoft", checks.Problem, checks.Major)
	w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical), old)
	w.step('r')
	w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical))
	if w.open[0].Relapses != 1 || w.open[0].Ended.IsZero() {
		t.Fatalf("%+v", w.open)
	}
	end := w.open[0].Ended
	if got := Ends(w.open, w.resolved, w.now); !got["192.0.2.10"].Equal(end) {
		t.Errorf("its refusals count from %v, want from %v on", got, end)
	}
	for _, f := range []checks.Finding{old, other} {
		f.At = end
		for _, c := range Fold(Input{Open: w.open, Findings: []checks.Finding{f}, Policy: w.policy, Now: w.now}) {
			if len(c.New) > 0 {
				t.Errorf("%s from before the end is back: %+v", f.Key.Source, c)
			}
		}
		f.At = end.Add(time.Second)
		if c := Fold(Input{Open: w.open, Findings: []checks.Finding{f}, Policy: w.policy, Now: w.now}); len(c) != 1 || len(c[0].New) != 1 {
			t.Errorf("%s from after the end: %+v", f.Key.Source, c)
		}
	}
	// An incident about the same target that was open then keeps what it counts.
	w.open = append(w.open, Incident{ID: 9, State: Open, Opened: end.Add(-time.Minute), Members: []Member{{Finding: other}}})
	if got := Ends(w.open, nil, w.now); len(got) != 0 {
		t.Errorf("ends %v, want none", got)
	}
}

func TestWhatCostsMostStandsFirst(t *testing.T) {
	w := newWorld(t)
	few, many := refusal("192.0.2.10", "a-few", checks.Problem, checks.Major), refusal("192.0.2.10", "z-many", checks.Problem, checks.Major)
	few.Facts[checks.FactCount], many.Facts[checks.FactCount] = "2", "1023"
	if c := w.run(few, many); len(c) != 1 || !strings.HasPrefix(c[0].Incident.Title, "z-many") {
		t.Errorf("headed by %q", c[0].Incident.Title)
	}
}

func TestAnEndedIncidentKeepsWhatItCost(t *testing.T) {
	w := newWorld(t)
	w.impacts = []checks.Impact{refused("192.0.2.10", "example.net")}
	w.run(refusal("192.0.2.10", "cisco", checks.Problem, checks.Major))
	w.impacts = nil
	c := w.run(refusal("192.0.2.10", "cisco", checks.OK, ""))
	if told(c) != "resolved" || c[0].Incident.Impact.Refusals() != 1 || c[0].Incident.Severity != checks.Major {
		t.Errorf("%+v", c)
	}
}

func TestFirstRunSaysAlreadyListed(t *testing.T) {
	w := newWorld(t)
	w.first = true
	if c := w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)); !c[0].Incident.Existing {
		t.Error("not marked as already listed")
	}
	w.first = false
	if c := w.run(listing("198.51.100.7", "psbl", checks.Problem, checks.Major)); c[0].Incident.Existing {
		t.Error("a later one is news")
	}
}

func TestWhatBeganBeforeAnybodyWatchedIsAlreadyThere(t *testing.T) {
	old, news := refusal("192.0.2.10", "cisco", checks.Problem, checks.Major), refusal("192.0.2.10", "example.net", checks.Problem, checks.Major)
	old.At, news.At = start, start
	already := map[checks.Key]bool{old.Key: true}
	for name, c := range map[string]struct {
		findings []checks.Finding
		want     bool
	}{
		"all of it":               {[]checks.Finding{old}, true},
		"with what is news":       {[]checks.Finding{old, news}, false},
		"it has nothing of these": {[]checks.Finding{news}, false},
	} {
		changes := Fold(Input{Findings: c.findings, Already: already, Policy: newWorld(t).policy, Now: start})
		if len(changes) != 1 || !changes[0].Tell || changes[0].Incident.Existing != c.want {
			t.Errorf("%s: %+v, want one that is told, already there: %v", name, changes, c.want)
		}
	}
}

// A round takes long. What it saw of an address before a bounce had it asked about
// anew must not close what was seen then.
func TestAnOlderAnswerClosesNothing(t *testing.T) {
	w := newWorld(t)
	w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)) // seen at 9:00
	old := listing("192.0.2.10", "spamcop", checks.OK, "")
	old.At, old.Settle = start.Add(-time.Minute), 0 // from the list's own name servers
	in := Input{Open: w.open, Findings: []checks.Finding{old}, Policy: w.policy, Now: w.now}
	if c := Fold(in); len(c) != 0 {
		t.Errorf("an answer of 8:59 made %+v", c)
	}
	in.Findings[0].At = start.Add(time.Minute)
	if c := Fold(in); told(c) != "resolved" {
		t.Errorf("an answer of 9:01: told %q, want resolved", told(c))
	}
}

// A clock that was years ahead and was put right must not silence anything until then.
func TestAClockThatWasAheadSilencesNothing(t *testing.T) {
	ahead := func() *world {
		w := newWorld(t)
		w.now = start.AddDate(9, 0, 0)
		w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical))
		return w
	}
	problem := func(w *world) string {
		return told(w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical)))
	}
	w := ahead()
	w.now = start
	if got := problem(w); got != "reminder" {
		t.Errorf("last told in the future: told %q, want a reminder", got)
	}
	w = ahead()
	w.run(listing("192.0.2.10", "zen", checks.OK, ""))
	w.run(listing("192.0.2.10", "zen", checks.OK, ""))
	w.now = start
	if got := problem(w); got != "opened" {
		t.Errorf("resolved in the future: told %q, want opened", got)
	}
	w = ahead()
	w.now = start
	for range 2 {
		w.run(listing("192.0.2.10", "zen", checks.OK, ""))
	}
	if len(w.open) != 0 {
		t.Errorf("seen in the future: still open after two clean answers")
	}
}

// The count of a sliding window goes up and down by one all day. Crossing the line
// is told once.
func TestACountOnTheLineIsToldOnce(t *testing.T) {
	w := newWorld(t)
	var got []string
	for _, n := range []int{19, 20, 19, 20, 12, 20, 10, 20, 9, 20} {
		w.impacts = []checks.Impact{refused("192.0.2.10", "example.net")}
		w.impacts[0].Receivers[0].Refused.N = n
		got = append(got, told(w.run(refusal("192.0.2.10", "cisco", checks.Problem, checks.Major))))
	}
	if g, want := strings.Join(got, " "), "opened worsened . . . . . . . worsened"; g != want {
		t.Errorf("19 20 19 20 12 20 10 20 9 20 refusals:\n got %s\nwant %s", g, want)
	}
}

// TestAMailOfAnAddressAndADomainIsOneMail: both are watched, and each mail counts for both.
func TestAMailOfAnAddressAndADomainIsOneMail(t *testing.T) {
	w := newWorld(t)
	n := func(n int) checks.Count { return checks.Count{N: n, Counted: true} }
	w.impacts = []checks.Impact{
		{Target: "192.0.2.10", Delivered: n(200), Before: checks.Before{Span: time.Hour, Delivered: 70}, Receivers: []checks.ReceiverImpact{{Receiver: "example.net", Refused: n(3), Delivered: n(100), Accepted: start}}},
		{Target: "192.0.2.11", Delivered: n(50), Before: checks.Before{Span: time.Hour, Delivered: 7}, Receivers: []checks.ReceiverImpact{{Receiver: "example.net", Refused: n(1), Delivered: n(10), Accepted: start.Add(time.Hour)}}},
		{Target: "example.org", Delivered: n(220), Before: checks.Before{Span: time.Hour, Delivered: 75}, Receivers: []checks.ReceiverImpact{{Receiver: "example.net", Refused: n(2), Delivered: n(105)}}},
	}
	got := w.run(refusal("192.0.2.10", "cisco", checks.Problem, checks.Major), refusal("192.0.2.11", "cisco", checks.Problem, checks.Major), refusal("example.org", "cisco", checks.Problem, checks.Major))
	if len(got) != 1 {
		t.Fatalf("%d changes, want one", len(got))
	}
	i := got[0].Incident.Impact
	if i.Delivered != n(250) || i.Before.Delivered != 77 {
		t.Errorf("delivered %+v, before %+v; want 250 and 77", i.Delivered, i.Before)
	}
	if len(i.Receivers) != 1 || i.Receivers[0].Refused != n(6) || i.Receivers[0].Delivered != n(110) || !i.Receivers[0].Accepted.IsZero() {
		t.Errorf("receivers %+v; want 6 refused, 110 delivered, and not all taken again", i.Receivers)
	}
}

// TestThatSomebodyLooksIsKeptAndNoNews: after a start an incident can open before mailboxes and logs are read.
func TestThatSomebodyLooksIsKeptAndNoNews(t *testing.T) {
	w := newWorld(t)
	w.impacts = []checks.Impact{{Target: "192.0.2.10"}}
	w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major))
	w.impacts[0].Watched = w.now
	got := w.run()
	if len(got) != 1 || got[0].Kind != Quiet || got[0].Tell || got[0].Incident.Impact.Watched.IsZero() {
		t.Errorf("got %+v, want kept that refusals would be seen, and nothing told", got)
	}
	if got := w.run(); len(got) != 0 {
		t.Errorf("got %+v, want nothing while nothing changes", got)
	}
}

// TestDeliveriesAreKeptAndNoNews: nobody is told that mail goes on being delivered.
func TestDeliveriesAreKeptAndNoNews(t *testing.T) {
	w := newWorld(t)
	w.impacts = []checks.Impact{{Target: "192.0.2.10", Delivered: checks.Count{N: 1, Counted: true}}}
	w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major))
	w.impacts[0].Delivered.N = 2
	got := w.run()
	if len(got) != 1 || got[0].Kind != Quiet || got[0].Tell || got[0].Incident.Impact.Delivered.N != 2 {
		t.Errorf("got %+v, want what is delivered kept, and nothing told", got)
	}
	if got := w.run(); len(got) != 0 {
		t.Errorf("got %+v, want nothing while nothing changes", got)
	}
}
