package report

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// someLists are the lists of these tests.
func someLists() []blocklists.Zone {
	return []blocklists.Zone{
		{ID: "spamhaus-zen", Title: "Spamhaus ZEN", Operator: "Spamhaus Project", Zone: "zen.spamhaus.org", Severity: "critical"},
		{ID: "spamhaus-dbl", Title: "Spamhaus DBL", Operator: "Spamhaus Project", Zone: "dbl.spamhaus.org", Severity: "critical"},
		{ID: "spamcop", Title: "SpamCop Blocking List", Operator: "Cisco", Zone: "bl.spamcop.net", Severity: "major"},
		{ID: "psbl", Title: "Passive Spam Block List", Operator: "PSBL", Zone: "psbl.surriel.com", Severity: "minor"},
		{ID: "parked", Title: "Parked List", Operator: "Nobody", Zone: "bl.parked.example", Severity: "minor"},
		{ID: "proofless", Title: "Proofless List", Operator: "Proofless", Zone: "bl.proofless.example", Severity: "minor"},
		{ID: "silent", Title: "Silent List", Operator: "Silent", Zone: "bl.silent.example", Severity: "minor"},
	}
}

// mixed is a run in which something of everything happens.
func mixed(c *Check) {
	a, b := checks.Address(addr("192.0.2.10")), checks.Address(addr("2001:db8::25"))
	a.Pool = "bulk"
	for _, t := range []checks.Target{b, a} {
		c.Add(Result{Target: t, List: "spamhaus-zen", Verdict: blocklists.Refused, Codes: []netip.Addr{addr("127.255.255.254")},
			Reason: "asked through a public, open or unattributable resolver", Advice: "ask through a resolver of your own, or get a free key"})
		c.Add(Result{Target: t, List: "spamhaus-dbl", Verdict: blocklists.Refused, Reason: "asked through a public, open or unattributable resolver",
			Advice: "ask through a resolver of your own, or get a free key"})
		c.Add(Result{Target: t, List: "parked", Verdict: blocklists.Unusable, Codes: []netip.Addr{addr("203.0.113.9")},
			Reason: "answers 203.0.113.9, which no list gives: its domain is parked", Advice: "take it out of the configuration"})
	}
	c.Add(Result{Target: a, List: "silent", Verdict: blocklists.Unknown, Reason: "no answer"})
	c.Add(Result{Target: b, List: "silent", Verdict: blocklists.Clean})
	c.Add(Result{Target: b, List: "spamcop", Verdict: blocklists.Clean})
	c.Add(Result{Target: b, List: "psbl", Verdict: blocklists.Listed, Severity: checks.Minor, Codes: []netip.Addr{addr("127.0.0.2")},
		Meanings: []string{"sent mail to a spam trap"}, Reason: hostile})
	c.Add(Result{Target: a, List: "spamcop", Verdict: blocklists.Listed, Severity: checks.Major, Codes: []netip.Addr{addr("127.0.0.2")},
		Meanings: []string{"reported by SpamCop users or hit its traps"}, Reason: "Blocked - see https://www.spamcop.net/bl.shtml?192.0.2.10",
		Advice:  "Find and stop the source of the mail; the entry ends by itself about 24 hours after the last report.",
		Command: "mailq | grep -c office@example.org", URL: "https://www.spamcop.net/w3m?action=checkblock&ip=192.0.2.10",
		Evidence: []checks.Evidence{{Question: "10.2.0.192.bl.spamcop.net. A", Answer: "127.0.0.2", Via: "192.0.2.53:53",
			Controls: "127.0.0.2 listed, 127.0.0.1 not", At: now}}})
	c.Add(Result{Target: a, List: "psbl", Verdict: blocklists.Clean})
	c.Add(Result{Target: a, List: "proofless", Verdict: blocklists.Clean, Reason: "the list publishes no test entry"})
}

func newMixed(out *bytes.Buffer, f Format, term Term, all bool) *Check {
	c := NewCheck(CheckOptions{Out: out, Term: term, Format: f, All: all, Addresses: 2, Lists: someLists(), Started: ago2(3 * time.Second)})
	mixed(c)
	c.Path("psbl", "authoritative")
	return c
}

func TestCheckText(t *testing.T) {
	goldenText(t, "check", func(w *bytes.Buffer, term Term) error {
		_, err := newMixed(w, Text, term, false).Finish(now, false)
		return err
	})
	goldenText(t, "check-all", func(w *bytes.Buffer, term Term) error {
		_, err := newMixed(w, Text, term, true).Finish(now, false)
		return err
	})
	goldenText(t, "check-dead", func(w *bytes.Buffer, term Term) error {
		_, err := dead(w, Text, term).Finish(now, false)
		return err
	})
}

// On a bad day most lists say the same is to be done, and it is told once for each target.
func TestTheSameAdviceIsToldOnce(t *testing.T) {
	var b bytes.Buffer
	c := NewCheck(CheckOptions{Out: &b, Format: Text, Addresses: 2, Lists: someLists(), Started: now})
	for _, a := range []string{"192.0.2.10", "192.0.2.11"} {
		for _, list := range []string{"spamcop", "psbl", "proofless"} {
			r := Result{Target: checks.Address(addr(a)), List: list, Verdict: blocklists.Listed, Severity: checks.Major, Advice: "Find the sender.", Command: "mailq"}
			if list == "proofless" {
				r.Advice, r.Command = "", ""
			}
			c.Add(r)
		}
	}
	if _, err := c.Finish(now, false); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"first  Find the sender.\n": 2, "$ mailq\n": 2, "first  as above\n": 2} {
		if got := strings.Count(b.String(), text); got != want {
			t.Errorf("%q stands there %d times, want %d:\n%s", text, got, want, b.String())
		}
	}
}

// A public resolver is refused by many lists in the same words: told once, and not once for each operator.
func TestTheSameRefusalOfManyIsToldOnce(t *testing.T) {
	var b bytes.Buffer
	c := NewCheck(CheckOptions{Out: &b, Format: Text, Addresses: 1, Lists: someLists(), Started: now})
	refused := func(list, why, advice string) {
		c.Add(Result{Target: checks.Address(addr("192.0.2.10")), List: list, Verdict: blocklists.Refused, Reason: c.byID[list].name() + " " + why, Advice: advice})
	}
	for _, list := range []string{"spamhaus-zen", "spamcop", "psbl"} {
		refused(list, "refuses to answer (127.255.255.254)", "Ask through a resolver of your own.")
	}
	refused("silent", "refuses to answer (127.255.255.254)", "Get a key.")
	refused("parked", "refuses to answer (127.0.0.1)", "Ask through a resolver of your own.")
	if _, err := c.Finish(now, false); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(b.String(), "Not known\n")
	want := `  refused  spamhaus-zen, spamcop and psbl
           each refuses to answer (127.255.255.254)
           Ask through a resolver of your own.
  refused  Nobody: parked
           Parked List refuses to answer (127.0.0.1)
           Ask through a resolver of your own.
  refused  Silent: silent
           Silent List refuses to answer (127.255.255.254)
           Get a key.

`
	if got, _, _ = strings.Cut(got, "Cannot tell"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// dead is a run in which no server answered.
func dead(out *bytes.Buffer, f Format, term Term) *Check {
	c := NewCheck(CheckOptions{Out: out, Term: term, Format: f, Addresses: 1, Lists: someLists(), Started: now})
	for _, z := range c.Lists {
		c.Add(Result{Target: checks.Address(addr("192.0.2.10")), List: z.ID, Verdict: blocklists.Unknown, Reason: "no answer from 192.0.2.53:53"})
	}
	c.Note(checks.Finding{Code: checks.CodeBlind, Summary: "the resolver at 192.0.2.53:53 does not answer",
		Facts: map[string]string{checks.FactInstruction: "Start the resolver, or name another under [dns] servers."}})
	return c
}

func TestCheckMachineForms(t *testing.T) {
	for name, c := range map[string]struct {
		format Format
		all    bool
		cut    bool
	}{
		"check.json": {JSON, false, false}, "check-all.json": {JSON, true, false}, "check.tsv": {TSV, false, false},
		"check-all.tsv": {TSV, true, false}, "check.plugin": {Plugin, false, false}, "check-cut.plugin": {Plugin, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if _, err := newMixed(&b, c.format, Term{}, c.all).Finish(now, c.cut); err != nil {
				t.Fatal(err)
			}
			golden(t, name, b.Bytes())
			if c.format == JSON && !json.Valid(b.Bytes()) {
				t.Error("not JSON")
			}
			if c.format == Plugin && (strings.Count(b.String(), "\n") != 1 || strings.Count(b.String(), "|") != 1) {
				t.Errorf("a plugin line is one line with one bar: %q", b.String())
			}
			if c.format == TSV {
				for l := range strings.Lines(b.String()) {
					if n := strings.Count(l, "\t"); n != 5 {
						t.Errorf("%d tabs, want 5: %q", n, l)
					}
				}
				if strings.Contains(b.String(), "\t=") {
					t.Error("a cell begins with =, which a spreadsheet runs")
				}
			}
		})
	}
}

func TestACheckThatIsCutShortSaysHowFarItCame(t *testing.T) {
	c := newMixed(new(bytes.Buffer), Plugin, Term{}, false)
	c.Planned = 1966080
	if _, err := c.Finish(now, true); err != nil {
		t.Fatal(err)
	}
	const want = "Cut short after 13 of 1,966,080 questions about 2 addresses; so far 2 listed (SpamCop Blocking List and Passive Spam Block List), "
	if got := c.Summary(); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s...", got, want)
	}
}

func TestCheckWithoutResultsIsStillJSON(t *testing.T) {
	var b bytes.Buffer
	level, err := NewCheck(CheckOptions{Out: &b, Format: JSON, Domains: 1}).Finish(now, false)
	if err != nil || level != LevelUnknown || !json.Valid(b.Bytes()) {
		t.Errorf("level %v, err %v, output %s", level, err, b.String())
	}
}

func TestExitCode(t *testing.T) {
	for name, c := range map[string]struct {
		tally Tally
		want  Level
	}{
		"everything clean is 0":                           {Tally{Asked: 10}, LevelOK},
		"something critical is 2":                         {Tally{Worst: checks.Critical, Asked: 10}, LevelCritical},
		"something major is 2":                            {Tally{Worst: checks.Major, Asked: 10}, LevelCritical},
		"something minor is 1":                            {Tally{Worst: checks.Minor, Asked: 10}, LevelWarning},
		"policy is 1":                                     {Tally{Policy: true, Asked: 10}, LevelWarning},
		"informational is 0":                              {Tally{Worst: checks.Informational, Asked: 10}, LevelOK},
		"half unknown is still told":                      {Tally{Asked: 10, Unknown: 5}, LevelOK},
		"more than half unknown is 3":                     {Tally{Asked: 10, Unknown: 6}, LevelUnknown},
		"a critical list unknown is 3":                    {Tally{Asked: 10, Unknown: 1, CriticalUnknown: true}, LevelUnknown},
		"nothing asked is 3":                              {Tally{}, LevelUnknown},
		"a proved listing counts more than the unknown":   {Tally{Worst: checks.Major, Asked: 10, Unknown: 9, CriticalUnknown: true}, LevelCritical},
		"something minor counts more than the unknown":    {Tally{Worst: checks.Minor, Asked: 10, Unknown: 9}, LevelWarning},
		"informational does not hide that all is unknown": {Tally{Worst: checks.Informational, Asked: 10, Unknown: 9}, LevelUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.tally.Level(); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestCheckLevels(t *testing.T) {
	a := checks.Address(addr("192.0.2.10"))
	for name, c := range map[string]struct {
		results []Result
		cut     bool
		want    Level
	}{
		"a policy entry of a critical list is 1":  {[]Result{{Target: a, List: "spamhaus-zen", Verdict: blocklists.Policy, Severity: checks.Major}}, false, LevelWarning},
		"a listing without a severity is minor":   {[]Result{{Target: a, List: "psbl", Verdict: blocklists.Listed}}, false, LevelWarning},
		"a critical list refuses":                 {[]Result{{Target: a, List: "spamhaus-zen", Verdict: blocklists.Refused}, {Target: a, List: "psbl", Verdict: blocklists.Clean}, {Target: a, List: "spamcop", Verdict: blocklists.Clean}}, false, LevelUnknown},
		"a minor list refuses":                    {[]Result{{Target: a, List: "psbl", Verdict: blocklists.Refused}, {Target: a, List: "spamcop", Verdict: blocklists.Clean}}, false, LevelOK},
		"clean as far as it went cannot be clean": {[]Result{{Target: a, List: "spamcop", Verdict: blocklists.Clean}}, true, LevelUnknown},
		"an allow list is no problem":             {[]Result{{Target: a, List: "spamcop", Verdict: blocklists.Good}}, false, LevelOK},
	} {
		t.Run(name, func(t *testing.T) {
			k := NewCheck(CheckOptions{Out: &bytes.Buffer{}, Format: Plugin, Addresses: 1, Lists: someLists()})
			for _, r := range c.results {
				k.Add(r)
			}
			if got, err := k.Finish(now, c.cut); got != c.want || err != nil {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestWhatNobodyWasAskedAboutIsNotClean(t *testing.T) {
	for name, c := range map[string]struct {
		unasked Unasked
		want    string
		level   Level
	}{
		"a domain": {Unasked{Domains: 1, First: []string{"example.org"}},
			"Cannot tell: 2 addresses on 1 list: 1 list answered clean, no list was asked about example.org", LevelUnknown},
		"an address and the domain": {Unasked{Addresses: 1, Domains: 1, First: []string{"2001:db8::25", "example.org"}},
			"Cannot tell: 1 address on 1 list: 1 list answered clean, no list was asked about 2001:db8::25 and example.org", LevelUnknown},
		"none": {Unasked{}, "2 addresses and 1 domain on 1 list: 1 list answered clean", LevelOK},
	} {
		t.Run(name, func(t *testing.T) {
			k := NewCheck(CheckOptions{Out: &bytes.Buffer{}, Format: Plugin, Addresses: 2, Domains: 1, Unasked: c.unasked, Lists: someLists()})
			k.Add(Result{Target: checks.Address(addr("192.0.2.10")), List: "spamcop", Verdict: blocklists.Clean})
			if got, _ := k.Finish(now, false); got != c.level || k.Summary() != c.want {
				t.Errorf("got %v, %q, want %v, %q", got, k.Summary(), c.level, c.want)
			}
		})
	}
}

func TestManyTargetsStayReadable(t *testing.T) {
	goldenText(t, "check-many", func(w *bytes.Buffer, term Term) error {
		c := NewCheck(CheckOptions{Out: w, Term: term, Format: Text, Addresses: 256, Lists: someLists(), Started: now})
		a := addr("192.0.2.0")
		for i := range 24 {
			r := Result{Target: checks.Address(a), List: "psbl", Verdict: blocklists.Listed, Severity: checks.Minor, Codes: []netip.Addr{addr("127.0.0.2")}}
			c.Add(r)
			if i == 20 {
				r.List, r.Severity = "spamcop", checks.Major
				c.Add(r)
			}
			a = a.Next()
		}
		_, err := c.Finish(now, false)
		return err
	})
}

// TestTSVStreams: rows are written as they come and not kept.
func TestTSVStreams(t *testing.T) {
	w := &counter{}
	c := NewCheck(CheckOptions{Out: w, Format: TSV, All: true, Addresses: 65536, Lists: someLists()})
	a := checks.Address(addr("192.0.2.10"))
	for range 5000 {
		c.Add(Result{Target: a, List: "spamcop", Verdict: blocklists.Clean})
	}
	if w.n == 0 {
		t.Error("nothing was written before the end")
	}
	if _, err := c.Finish(now, false); err != nil {
		t.Fatal(err)
	}
}

type counter struct{ n int }

func (c *counter) Write(b []byte) (int, error) { c.n += len(b); return len(b), nil }

func TestProgress(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, Term{Width: 80, TTY: true}, now)
	p.Step(Step{Done: 1200, Total: 4800, Lists: 40, Answers: 38, Listed: 1}, now.Add(2*time.Second))
	p.Step(Step{Done: 1201, Total: 4800}, now.Add(2*time.Second+time.Millisecond)) // too soon
	p.Done()
	want := "\r[###---------]  25%  1,200/4,800  38/40 lists  1 listed  600/s  6 s left\x1b[K\r\x1b[K"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
	b.Reset()
	p = NewProgress(&b, Term{}, now)
	p.Step(Step{Done: 1, Total: 2}, now.Add(time.Hour))
	if p.Done(); b.Len() != 0 {
		t.Errorf("a pipe got a progress bar: %q", b.String())
	}
}

func TestListingsOfALongRunComeAboveTheLine(t *testing.T) {
	const clear = "\r\x1b[K"
	listed := Result{Target: checks.Address(addr("192.0.2.10")), List: "spamcop", Verdict: blocklists.Listed, Severity: checks.Major, Codes: []netip.Addr{addr("127.0.0.2")}}
	step := func(p *Progress, at time.Duration) { p.Step(Step{Done: 1, Total: 2}, now.Add(at)) }
	for name, c := range map[string]struct {
		term Term
		run  func(p *Progress)
		want string
	}{
		"a run that is done soon shows its report only": {Term{TTY: true, Width: 40}, func(p *Progress) {
			p.Listed(listed)
			step(p, patience-time.Millisecond)
		}, "\r[######------]  50%  1/2  0 listed  0/s\x1b[K" + clear},
		"what came early is shown once the run takes long, and once": {Term{TTY: true, Width: 80}, func(p *Progress) {
			p.Listed(listed)
			step(p, 0)
			step(p, 4*time.Second)
			step(p, 5*time.Second)
		}, "\r[######------]  50%  1/2  0 listed\x1b[K" +
			clear + "listed  192.0.2.10  spamcop  127.0.0.2  major\n" +
			"\r[######------]  50%  1/2  0 listed  0/s  4 s left\x1b[K" +
			"\r[######------]  50%  1/2  0 listed  0/s  5 s left\x1b[K" + clear + "\n" + clear},
		"a line fits the terminal": {Term{TTY: true, Width: 40}, func(p *Progress) {
			r := listed
			r.Target = checks.Address(addr("2001:db8:1111:2222:3333:4444:5555:6666"))
			p.Listed(r)
			step(p, 2*time.Second)
		}, clear + "listed  2001:db8:1111:2222:3333:4444:5…\n" +
			"\r[######------]  50%  1/2  0 listed  0/s\x1b[K" + clear + "\n" + clear},
		"a pipe gets nothing": {Term{}, func(p *Progress) {
			p.Listed(listed)
			step(p, time.Hour)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			p := NewProgress(&b, c.term, now)
			c.run(p)
			if p.Done(); b.String() != c.want {
				t.Errorf("got  %q\nwant %q", b.String(), c.want)
			}
		})
	}
}

func TestAFloodOfListingsIsCutOff(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, Term{TTY: true, Width: 80, Color: true}, now)
	for range 3 * mostLive {
		p.Listed(Result{Target: checks.Address(addr("192.0.2.10")), List: "a\x1b[2J\nb", Verdict: blocklists.Listed, Severity: checks.Major})
	}
	p.Step(Step{Done: 1, Total: 2}, now.Add(time.Minute))
	if got := strings.Count(b.String(), "\n"); got != mostLive+1 {
		t.Errorf("got %d lines, want %d and one that says that there are more", got, mostLive)
	}
	if !strings.Contains(b.String(), "there are more") || !strings.Contains(b.String(), "\x1b[1;31mlisted\x1b[0m  192.0.2.10") || strings.Contains(b.String(), "\x1b[2J") {
		t.Errorf("got %q", b.String())
	}
}
