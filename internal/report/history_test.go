package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reputed/blocklists"
	"reputed/checks"
)

func turn(source string, before time.Duration, was, is checks.Status) Turn {
	t := Turn{At: ago2(before), Key: checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: source}, Before: was, Status: is, Code: checks.CodeNotListed, Summary: "192.0.2.10 is not listed by " + source}
	if is == checks.Problem {
		t.Code, t.Severity, t.Summary = checks.CodeListed, checks.Major, "192.0.2.10 is listed by "+source
	}
	return t
}

const day = 24 * time.Hour

// TestHistorySaysWhatNobodyWasToldOf: the reason is on record where people look for it, and it is no problem.
func TestHistorySaysWhatNobodyWasToldOf(t *testing.T) {
	over := Turn{At: ago2(time.Hour), Key: checks.Key{Check: "bounce", Target: "192.0.2.10", Source: "spamcop"}, Status: checks.OK, Code: checks.CodeOverBefore,
		Summary: "over before it was watched, so nobody was told: 4 mails refused"}
	h := NewHistory([]Turn{over}, time.Time{}, now)
	var b bytes.Buffer
	if err := h.Write(&b, Term{Width: 200}, Text); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); len(h.Spells) != 0 || !strings.Contains(s, "What nobody was told of") || !strings.Contains(s, "192.0.2.10: "+over.Summary) {
		t.Errorf("%q, %d spells", s, len(h.Spells))
	}
}

// turns is a target with two lists: one that comes back, and one that ended long ago.
func turns() []Turn {
	worse := turn("spamcop", 2*time.Hour, checks.Problem, checks.Problem)
	worse.Severity, worse.Summary = checks.Critical, "192.0.2.10 is listed by spamcop: "+hostile
	other := turn("psbl", 100*day, "", checks.Problem)
	other.Severity = checks.Minor
	return []Turn{
		other, turn("psbl", 99*day, checks.Problem, checks.OK),
		turn("spamcop", 20*day, "", checks.Problem), turn("spamcop", 19*day, checks.Problem, checks.OK),
		turn("spamcop", 9*day, checks.OK, checks.Problem), turn("spamcop", 6*day, checks.Problem, checks.OK),
		turn("spamcop", 5*time.Hour, checks.OK, checks.Problem), worse,
	}
}

func TestHistory(t *testing.T) {
	for name, since := range map[string]time.Time{"history": {}, "history-since": ago2(7 * day)} {
		h := NewHistory(turns(), since, now)
		h.Target = "192.0.2.10"
		goldenText(t, name, func(w *bytes.Buffer, term Term) error { return h.Write(w, term, Text) })
	}
	goldenText(t, "history-empty", func(w *bytes.Buffer, term Term) error {
		return History{Target: "192.0.2.11", Source: "spamcop", Now: now}.Write(w, term, Text)
	})
	h := NewHistory(turns(), ago2(30*day), now)
	for name, f := range map[string]Format{"history.json": JSON, "history.csv": CSV} {
		var b bytes.Buffer
		if err := h.Write(&b, Term{}, f); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

func TestDwellRules(t *testing.T) {
	key := checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "spamcop"}
	for name, c := range map[string]struct {
		turns []Turn
		since time.Time
		want  Dwell
	}{
		"what is not over lasts until now": {[]Turn{turn("spamcop", 5*time.Hour, "", checks.Problem)}, time.Time{},
			Dwell{Key: key, Spells: 1, Open: ago2(5 * time.Hour), Sum: 5 * time.Hour, Longest: 5 * time.Hour, Severity: checks.Major}},
		"a return within 30 days is a relapse": {[]Turn{
			turn("spamcop", 40*day, "", checks.Problem), turn("spamcop", 39*day, checks.Problem, checks.OK),
			turn("spamcop", 10*day, checks.OK, checks.Problem), turn("spamcop", 9*day, checks.Problem, checks.OK)}, time.Time{},
			Dwell{Key: key, Spells: 2, Last: ago2(9 * day), Sum: 2 * day, Clear: day, Longest: day, Relapses: 1, Severity: checks.Major}},
		"a return later than that is not": {[]Turn{
			turn("spamcop", 41*day, "", checks.Problem), turn("spamcop", 40*day, checks.Problem, checks.OK),
			turn("spamcop", 3*day, checks.OK, checks.Problem), turn("spamcop", day, checks.Problem, checks.OK)}, time.Time{},
			Dwell{Key: key, Spells: 2, Last: ago2(day), Sum: 3 * day, Clear: 36 * time.Hour, Longest: 2 * day, Severity: checks.Major}},
		"the sum is cut at since, the length is not": {[]Turn{
			turn("spamcop", 10*day, "", checks.Problem), turn("spamcop", day, checks.Problem, checks.OK)}, ago2(3 * day),
			Dwell{Key: key, Spells: 1, Last: ago2(day), Sum: 2 * day, Clear: 9 * day, Longest: 9 * day, Severity: checks.Major}},
		"one whose beginning is not known says nothing of how long it takes to clear": {[]Turn{
			turn("spamcop", 10*day, checks.Problem, checks.Problem), turn("spamcop", day, checks.Problem, checks.OK)}, time.Time{},
			Dwell{Key: key, Spells: 1, Last: ago2(day), Sum: 9 * day, Longest: 9 * day, Severity: checks.Major}},
		"a rise in severity is the same spell": {[]Turn{
			turn("spamcop", 10*day, "", checks.Problem), turn("spamcop", 9*day, checks.Problem, checks.Problem)}, time.Time{},
			Dwell{Key: key, Spells: 1, Open: ago2(10 * day), Sum: 10 * day, Longest: 10 * day, Severity: checks.Major}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]Dwell{c.want}, Dwells(NewHistory(c.turns, c.since, now).Spells, c.since, now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever the changes: no spell ends before it begins, two of one question never overlap, and each
// change that opens or ends one is in exactly one.
func TestSpellsNeverOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []Turn
		at := ago2(100 * day)
		was := map[string]checks.Status{}
		for range rapid.IntRange(0, 30).Draw(t, "changes") {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(3*day)).Draw(t, "step")))
			source := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "source")
			is := rapid.SampledFrom([]checks.Status{checks.OK, checks.Problem}).Draw(t, "status")
			x := turn(source, 0, was[source], is)
			x.At = at
			all, was[source] = append(all, x), is
		}
		last := map[checks.Key]time.Time{}
		open := map[checks.Key]bool{}
		for _, s := range Spells(all) {
			if open[s.Key] || s.Began.Before(last[s.Key]) || !s.Ended.IsZero() && s.Ended.Before(s.Began) {
				t.Fatalf("%+v overlaps", s)
			}
			open[s.Key], last[s.Key] = s.Ended.IsZero(), s.Ended
		}
		for source, status := range was {
			if key := turn(source, 0, "", "").Key; open[key] != (status == checks.Problem) {
				t.Fatalf("%s ends as %s, and open is %v", source, status, open[key])
			}
		}
	})
}

// Of very many rows a person is shown some and told of the rest; scripts get all.
func TestHistoryOfANetworkIsShort(t *testing.T) {
	var all []Turn
	for i := range 500 {
		x := turn("spamcop", time.Hour, "", checks.Problem)
		x.Key.Target = fmt.Sprintf("192.0.2.%d", i)
		all = append(all, x)
	}
	h := NewHistory(all, time.Time{}, now)
	var text, rows bytes.Buffer
	if err := errors.Join(h.Write(&text, Term{Width: 80}, Text), h.Write(&rows, Term{}, CSV)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(text.String(), "\n"); n > 100 || strings.Count(text.String(), "and 460 more") != 2 {
		t.Errorf("%d lines:\n%.500s", n, text.String())
	}
	if n := strings.Count(rows.String(), "\n"); n != 501 {
		t.Errorf("%d rows of CSV, want 501", n)
	}
}

// What strangers write is no formula in a spreadsheet, and no line of its own.
func TestHistoryCSVIsNoFormula(t *testing.T) {
	x := turn("spamcop", time.Hour, "", checks.Problem)
	x.Summary, x.Key.Source = hostile, "@SUM(A1)\n"
	var b bytes.Buffer
	if err := NewHistory([]Turn{x}, time.Time{}, now).Write(&b, Term{}, CSV); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil || len(rows) != 2 || strings.Count(b.String(), "\n") != 2 {
		t.Fatalf("%d rows, %v:\n%s", len(rows), err, &b)
	}
	for _, cell := range rows[1] {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			t.Errorf("%q is a formula", cell)
		}
	}
}

// pair is the usual question: is it really listed?
func pair() Pair {
	e := Pair{
		Target: checks.Address(addr("192.0.2.10")), Watched: true, Asked: true, Confirm: 15 * time.Second, Now: now, Round: ago2(4 * time.Minute),
		List:   blocklists.Zone{ID: "spamcop", Title: "SpamCop Blocking List", Zone: "bl.spamcop.net", Removal: blocklists.Removal{AutoExpiry: "about 24 hours after the last report", URL: "https://www.example.net/remove?ip={ip}", Typical: "a day"}},
		Status: checks.Problem, Code: checks.CodeListed, Severity: checks.Major, Since: ago2(5 * time.Hour), Seen: ago2(4 * time.Minute), Incidents: []int64{12, 7},
	}
	for _, x := range turns() {
		if x.Key.Source == "spamcop" {
			e.Turns = append(e.Turns, x)
		}
	}
	ev := checks.Evidence{Question: "10.2.0.192.bl.spamcop.net. A", Answer: "127.0.0.2", Reason: hostile, Via: "192.0.2.53:53", Controls: "127.0.0.2 listed, 127.0.0.1 not",
		Wire: "NOERROR, flags qr rd ra, TTL 2100 s, 12 ms", At: ago2(5 * time.Hour)}
	again := ev
	again.Via, again.Wire = "198.51.100.53:53", "NOERROR, flags qr aa, TTL 2100 s, 31 ms"
	e.Proofs = []Proof{{At: ago2(5 * time.Hour), Summary: "192.0.2.10 is listed by SpamCop", Code: checks.CodeListed, Facts: map[string]string{checks.FactMeaning: "listed"}, Evidence: []checks.Evidence{ev, again}}}
	return e
}

func TestPair(t *testing.T) {
	asked := pair()
	asked.Status, asked.Proofs, asked.Turns, asked.Incidents, asked.Target = "", nil, nil, nil, checks.Address(addr("192.0.2.11"))
	asked.AskedWhy, asked.OnePath = "nothing is stored of this pair", "its name servers do not answer"
	asked.Paths = []PathAnswer{{Path: "resolver", Verdict: blocklists.Clean, Proof: Proof{At: now, Summary: "192.0.2.11 is not listed by SpamCop", Code: checks.CodeNotListed,
		Evidence: []checks.Evidence{{Question: "11.2.0.192.bl.spamcop.net. A", Answer: "NXDOMAIN", Via: "192.0.2.53:53", Wire: `NXDOMAIN, flags qr rd ra, "no" holds for 150 s (SOA of bl.spamcop.net.), 9 ms`, At: now}}},
		Controls: []ControlResult{{Question: "2.0.0.127.bl.spamcop.net. A", Want: "listed", Answer: "127.0.0.2", Passed: true}, {Question: "1.0.0.127.bl.spamcop.net. A", Want: "not listed", Answer: hostile}}}}
	blind := pair()
	blind.Unknown, blind.Aside = ago2(time.Hour), "SpamCop did not answer its test entry: "+hostile
	for name, e := range map[string]Pair{"pair": pair(), "pair-asked": asked, "pair-blind": blind} {
		goldenText(t, name, func(w *bytes.Buffer, term Term) error { return e.Write(w, term, Text) })
	}
	var b bytes.Buffer
	if err := asked.Write(&b, Term{}, JSON); err != nil {
		t.Fatal(err)
	}
	golden(t, "pair.json", b.Bytes())
}

func TestPairVerdict(t *testing.T) {
	listed := PathAnswer{Path: "resolver", Verdict: blocklists.Listed, Severity: checks.Major}
	for name, c := range map[string]struct {
		change func(*Pair)
		want   blocklists.Class
		level  Level
	}{
		"what is stored counts":                  {func(*Pair) {}, blocklists.Listed, LevelCritical},
		"what is answered now counts more":       {func(e *Pair) { e.Paths = []PathAnswer{{Verdict: blocklists.Clean}} }, blocklists.Clean, LevelOK},
		"of two paths the graver answer":         {func(e *Pair) { e.Paths = []PathAnswer{{Verdict: blocklists.Clean}, listed} }, blocklists.Listed, LevelCritical},
		"a path without an answer takes nothing": {func(e *Pair) { e.Paths = []PathAnswer{listed, {Verdict: blocklists.Refused}} }, blocklists.Listed, LevelCritical},
		"nor does it make anything of a clean":   {func(e *Pair) { e.Paths = []PathAnswer{{Verdict: blocklists.Clean}, {Verdict: blocklists.Unknown}} }, blocklists.Clean, LevelOK},
		"no answer at all is not knowing":        {func(e *Pair) { e.Paths = []PathAnswer{{Verdict: blocklists.Unknown}} }, blocklists.Unknown, LevelUnknown},
		"nothing stored and nothing asked":       {func(e *Pair) { e.Status = "" }, blocklists.Unknown, LevelUnknown},
		"a policy entry is no accusation":        {func(e *Pair) { e.Code = checks.CodePolicy }, blocklists.Policy, LevelWarning},
	} {
		t.Run(name, func(t *testing.T) {
			e := pair()
			c.change(&e)
			if e.Verdict() != c.want || e.Level() != c.level {
				t.Errorf("got %s %v, want %s %v", e.Verdict(), e.Level(), c.want, c.level)
			}
		})
	}
}

// What a list answers and a refusal that names it are two things.
func TestByWhomTellsListingsFromRefusals(t *testing.T) {
	for want, k := range map[string]checks.Key{
		"spamcop":          {Check: "dnsbl", Target: "192.0.2.10", Source: "spamcop"},
		"refusal: spamcop": {Check: "bounce", Target: "192.0.2.10", Source: "spamcop"},
		"request: spamcop": {Check: "request", Target: "192.0.2.10", Source: "spamcop"},
		"resolver":         {Check: "resolver", Target: "monitor:resolver"},
	} {
		if got := byWhom(k); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The latest answer of a list that a refusal named may be that of any round.
func TestExplainDoesNotCallARoundAskedForARefusal(t *testing.T) {
	answer := Proof{At: ago2(time.Hour), Summary: "192.0.2.10 is listed"}
	later := Proof{At: ago2(time.Minute), Summary: "192.0.2.10 is listed"}
	for name, c := range map[string]struct {
		proofs []Proof
		named  *Proof
		want   bool
	}{
		"a later round":        {[]Proof{answer}, &later, true},
		"the same answer":      {[]Proof{answer}, &answer, false},
		"nothing else is had":  {nil, &later, true},
		"no refusal named one": {[]Proof{answer}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			e := Pair{Target: checks.Address(addr("192.0.2.10")), List: someLists()[0], Proofs: c.proofs, Named: c.named, Now: now}
			if err := e.Write(&b, Term{}, Text); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(b.String(), "Latest answer, kept because a refusal names the list: "); got != c.want || strings.Contains(b.String(), "Asked when") {
				t.Errorf("got %v, want %v:\n%s", got, c.want, b.String())
			}
		})
	}
}
