package report

import (
	"bytes"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/bounce"
)

func wholeIncident() Incident {
	view := listedIncident()
	view.Suspicion = bounce.Suspicion{From: ago2(13 * time.Hour), To: now, Known: true, Mails: 1400, Names: 12, Suspects: []bounce.Suspect{
		{Origin: bounce.Origin{Kind: bounce.OriginLogin, Name: "kim@example.org"}, Mails: 1240, Reasons: []string{"1,240 mails in 14 hours, usual are 30", "212 of 1,240 mails to unknown users"}},
		{Origin: bounce.Origin{Kind: bounce.OriginClient, Name: hostile}, Mails: 20, Reasons: []string{"2 complaints"}},
	}}
	return Incident{
		IncidentView: view, Now: now,
		Events: []Event{
			{At: ago2(time.Hour), What: "opened", Severity: checks.Major},
			{At: ago2(30 * time.Minute), What: "updated", Note: "Cisco Talos refuses mail from 192.0.2.10 for its reputation"},
			{At: ago2(10 * time.Minute), What: "acknowledged", By: "kim\x1b[2J", Note: hostile},
		},
		Asked: []alerts.Asked{
			{Request: alerts.Request{List: "spamcop", Promised: 30 * time.Minute, Key: checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "spamcop"}}, By: "kim", At: ago2(50 * time.Minute), Note: hostile},
			{Request: alerts.Request{List: "spamhaus-zen", Ref: "SBL123", Promised: 24 * time.Hour, Key: checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "spamhaus-zen"}}, By: "kim", At: ago2(30 * time.Hour), Cleared: ago2(11 * time.Hour)},
		},
		Untold: []Untold{{What: "updated", Why: "below the severity that is told at once", First: ago2(30 * time.Minute), Last: ago2(5 * time.Minute), Times: 3}},
		Deliveries: []Delivery{
			{Channel: "slack", What: "opened", Queued: ago2(time.Hour), Sent: ago2(time.Hour), State: "sent"},
			{Channel: "pager", What: "opened", Queued: ago2(time.Hour), Tries: 7, Next: now.Add(4 * time.Minute), State: "waiting", Error: "500 " + hostile},
			{Channel: "old", What: "opened", Queued: ago2(time.Hour), State: "refused", Error: "no such channel"},
		},
	}
}

func TestIncidentShow(t *testing.T) {
	goldenText(t, "incident", func(w *bytes.Buffer, term Term) error { return wholeIncident().Write(w, term, Text) })
	var b bytes.Buffer
	if err := wholeIncident().Write(&b, Term{}, JSON); err != nil {
		t.Fatal(err)
	}
	golden(t, "incident.json", b.Bytes())
}

func TestSuspectsWithoutDataSaySo(t *testing.T) {
	for want, s := range map[string]bounce.Suspicion{
		"no data: neither a log nor a report":                               {From: ago2(13 * time.Hour), To: now},
		"nothing unusual among 1,400 mails from 12 senders: look for a mac": {From: ago2(13 * time.Hour), To: now, Known: true, Mails: 1400, Names: 12},
	} {
		i := wholeIncident()
		i.Suspicion = s
		var b bytes.Buffer
		if err := i.Write(&b, Term{}, Text); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("want %q in\n%s", want, b.String())
		}
	}
}

// Hours are looked at whole; the one that is not over is no reason to name a time to come.
func TestSuspectsAreOfTimeThatWas(t *testing.T) {
	i := wholeIncident()
	i.Suspicion.To = now.Add(40 * time.Minute)
	if s, ok := i.Suspects(); !ok || !s.To.Equal(now) {
		t.Errorf("to %v, %v", s.To, ok)
	}
}

func TestExplain(t *testing.T) {
	e := Explanation{Incident: wholeIncident(), Outlook: alerts.Outlook{Class: alerts.Page, Channels: []string{"pager", "slack"},
		Escalate: now.Add(10 * time.Minute), Reminder: now.Add(3 * time.Hour)}}
	goldenText(t, "explain", func(w *bytes.Buffer, term Term) error { return e.Write(w, term, Text) })
	var b bytes.Buffer
	if err := e.Write(&b, Term{}, JSON); err != nil {
		t.Fatal(err)
	}
	golden(t, "explain.json", b.Bytes())
}

// What quiet hours held back was told: one decision, and not "told" beside "not told".
func TestWhatWasHeldBackIsOneDecision(t *testing.T) {
	at := now.Add(-time.Hour)
	e := Explanation{Incident: wholeIncident()}
	e.Events = nil
	e.Deliveries = []Delivery{{Channel: "mail", What: "opened", Queued: at.Add(300 * time.Millisecond), Sent: at.Add(9 * time.Minute), State: "sent"}}
	e.Untold = []Untold{{What: "opened", Why: "quiet hours: held until 2026-11-25 07:00 UTC", First: at, Last: at, Times: 1}, {What: "quiet", Why: "nothing new", First: at, Last: at, Times: 1}}
	var got []string
	for _, d := range e.decisions(rfc3339) {
		got = append(got, d.what+": "+d.text)
	}
	want := []string{"opened: told by mail, 9 min later, quiet hours: held until 2026-11-25 07:00 UTC", "quiet: not told: nothing new"}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Several ways out of one trouble begin with the same search for its cause.
func TestAStepIsSaidOnce(t *testing.T) {
	i := wholeIncident()
	find := checks.Step{Text: "Find the sender: one login far above the rest. Postfix:", Command: "postqueue -p"}
	look := checks.Step{Text: "Look again tomorrow:", Command: "reputed identity example.org"}
	i.Remediation = []checks.Remediation{
		{Title: "Be accepted by Microsoft", Steps: []checks.Step{find, look, {Text: "Send the form."}}},
		{Title: "Get off SpamCop", Steps: []checks.Step{{Text: "Look it up."}, find, look, {Text: "Send the form.", URL: "https://www.example.org/form"}}},
	}
	var b bytes.Buffer
	if err := i.Write(&b, Term{}, Text); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(b.String(), "What to do: Get off SpamCop\n")
	got, _, _ = strings.Cut(got, "\n\n")
	want := `  1. Look it up.
  2. As above: Find the sender: one login far above the rest.
  3. As above: Look again tomorrow.
  4. Send the form.
     https://www.example.org/form`
	if got != want || strings.Count(b.String(), "$ postqueue -p") != 1 {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestIncidentList(t *testing.T) {
	var all []IncidentView
	for _, v := range badDay().Incidents {
		all = append(all, IncidentView{Incident: v.Incident})
	}
	for _, i := range badDay().Resolved {
		all = append(all, IncidentView{Incident: i})
	}
	goldenText(t, "incidents", func(w *bytes.Buffer, term Term) error { return WriteIncidents(w, term, Text, all, now) })
	for name, f := range map[string]Format{"incidents.json": JSON, "incidents.tsv": TSV} {
		var b bytes.Buffer
		if err := WriteIncidents(&b, Term{}, f, all, now); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

// someMails are one mail of each kind, written by a stranger.
func someMails() []Mail {
	return []Mail{
		{File: "bounces/1.eml", Report: bounce.Report{Kind: bounce.KindBounce, Hash: "00ff", Subject: "Undelivered mail", MessageID: "a@mx1.example.org",
			Proof: bounce.Proof{Kind: bounce.ByOwnMTA, Detail: "written by mx1.example.org"},
			Bounces: []bounce.Bounce{
				{Action: bounce.Failed, Recipient: "kim@example.net", Domain: "example.net", RemoteHost: "mx.example.net", ReportingHost: "mx1.example.org", MessageID: "x@example.org", At: now,
					Diagnostic: bounce.Diagnostic{Reply: "554", Status: "5.7.1", Text: "554 5.7.1 Your access to this mail system has been rejected due to the sending MTA's poor reputation."},
					Judgement:  bounce.Judgement{Category: bounce.IPReputation, Reputation: true, Vendor: "Cisco Talos", Rule: "cisco-talos-poor", Certainty: bounce.Certain, Remedy: "cisco-talos"}},
				{Action: bounce.Delayed, Recipient: "lee@example.com", RemoteAddr: netip.MustParseAddr("198.51.100.25"),
					Diagnostic: bounce.Diagnostic{Reply: "451", Status: "4.7.1", Text: "451 " + hostile},
					Judgement:  bounce.Judgement{Category: bounce.Blocklist, Reputation: true, Temporary: true, Blocklist: "spamcop", Address: netip.MustParseAddr("192.0.2.10"), URL: "https://www.spamcop.net/bl.shtml?192.0.2.10", Rule: "named-list", Certainty: bounce.Likely}},
				{Action: bounce.Delivered, Recipient: "pat@example.com"},
			}}},
		{File: "bounces/2.eml", Report: bounce.Report{Kind: bounce.KindComplaint, Complaint: bounce.Feedback{Type: "abuse", Source: netip.MustParseAddr("192.0.2.10"), Reporter: "example.com", Recipient: "sam@example.com"}}},
		{File: "bounces/3.eml", Report: bounce.Report{Kind: bounce.KindOther, Subject: hostile}},
		{File: "bounces/4.eml", Report: bounce.Report{Kind: bounce.KindUnparsed, Cut: true, Trouble: "no header: " + hostile}},
		{File: "=evil\t.eml", Report: bounce.Report{Kind: bounce.KindBounce, Bounces: []bounce.Bounce{{Recipient: "=cmd@example.net", Judgement: bounce.Judgement{Category: bounce.RecipientFault, Rule: "user-unknown", Certainty: bounce.Guess}}}}},
	}
}

func TestBounces(t *testing.T) {
	write := func(w *bytes.Buffer, term Term, f Format) error {
		b := NewBounces(w, term, f)
		b.Proving = true
		for _, m := range someMails() {
			b.Add(m)
		}
		b.Unreadable++
		return b.Finish()
	}
	goldenText(t, "bounces", func(w *bytes.Buffer, term Term) error { return write(w, term, Text) })
	for name, f := range map[string]Format{"bounces.json": JSON, "bounces.tsv": TSV} {
		var b bytes.Buffer
		if err := write(&b, Term{}, f); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
		if f != TSV {
			continue
		}
		for l := range strings.Lines(b.String()) {
			if n := strings.Count(l, "\t"); n != 11 {
				t.Errorf("%d tabs, want 11: %q", n, l)
			}
			if strings.HasPrefix(l, "=") || strings.Contains(l, "\t=") {
				t.Errorf("a spreadsheet would run this: %q", l)
			}
		}
	}
}

func spamcop() blocklists.Zone {
	return blocklists.Zone{
		ID: "spamcop", Title: "SpamCop Blocking List", Operator: "Cisco", Zone: "bl.spamcop.net", Families: []blocklists.Family{blocklists.IPv4, blocklists.IPv6},
		Decode: blocklists.Exact, Codes: []blocklists.Code{{Match: "127.0.0.2", Meaning: "reported by users or hit spam traps", Class: blocklists.Listed}},
		Refusals: []blocklists.Code{{Match: "127.255.255.254", Meaning: "asked through a public resolver"}},
		Controls: blocklists.Controls{Listed4: netip.MustParseAddr("127.0.0.2"), Clean4: netip.MustParseAddr("127.0.0.1")},
		Severity: "major", Reach: "Used to reject by mid-size receivers and as a score by most filters; entries are short-lived but come back with every report.",
		Removal: blocklists.Removal{Method: "automatic", LookupURL: "https://www.spamcop.net/w3m?action=checkblock&ip={ip}", AutoExpiry: "about 24 hours after the last report", PayNever: true},
		Limits:  "none published", Default: true, BuiltIn: true, Tags: []string{"address"}, Confidence: "high", Sources: []string{"https://www.spamcop.net/fom-serve/cache/291.html"}, Checked: "2026-11-22",
	}
}

func TestLists(t *testing.T) {
	own := blocklists.Zone{ID: "own", Title: "own", Zone: "a-very-long-zone-name.blocklists.internal.example.org", Families: []blocklists.Family{blocklists.IPv4}, Severity: "minor"}
	all := []List{{Zone: spamcop(), Asked: true}, {Zone: own}}
	goldenText(t, "lists", func(w *bytes.Buffer, term Term) error { return WriteLists(w, term, Text, all) })
	goldenText(t, "list", func(w *bytes.Buffer, term Term) error { return WriteList(w, term, Text, all[0]) })
	tests := ListTests{Tests: []ListTest{
		{Zone: spamcop(), Verdict: blocklists.Clean, Took: 12 * time.Millisecond, Path: "resolver", Paths: []PathTest{
			{Path: "resolver", Verdict: blocklists.Clean, Took: 12 * time.Millisecond}, {Path: "authoritative", Verdict: blocklists.Refused, Why: "refuses: " + hostile}}, Controls: []ControlResult{
			{Question: "2.0.0.127.bl.spamcop.net. A", Want: "listed", Answer: "127.0.0.2", Passed: true},
			{Question: "1.0.0.127.bl.spamcop.net. A", Want: "not listed", Answer: "NXDOMAIN", Passed: true}}},
		{Zone: own, Verdict: blocklists.Unusable, Why: "lists the world: " + hostile, Advice: "take it out of the configuration"},
	}}
	goldenText(t, "lists-test", func(w *bytes.Buffer, term Term) error { return tests.Write(w, term, Text) })
	for name, write := range map[string]func(*bytes.Buffer) error{
		"lists.json":        func(w *bytes.Buffer) error { return WriteLists(w, Term{}, JSON, all) },
		"lists.tsv":         func(w *bytes.Buffer) error { return WriteLists(w, Term{}, TSV, all) },
		"list.json":         func(w *bytes.Buffer) error { return WriteList(w, Term{}, JSON, all[0]) },
		"lists-test.json":   func(w *bytes.Buffer) error { return tests.Write(w, Term{}, JSON) },
		"lists-test.tsv":    func(w *bytes.Buffer) error { return tests.Write(w, Term{}, TSV) },
		"lists-test.plugin": func(w *bytes.Buffer) error { return tests.Write(w, Term{}, Plugin) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
	if got := tests.Level(); got != LevelOK {
		t.Errorf("one minor list of two does not work: %v, want OK", got)
	}
}

func TestDetect(t *testing.T) {
	env := func(vars map[string]string) func(string) string { return func(k string) string { return vars[k] } }
	for name, c := range map[string]struct {
		vars  map[string]string
		width int
	}{
		"a pipe has no width":           {nil, 0},
		"COLUMNS gives a pipe one":      {map[string]string{"COLUMNS": "120"}, 120},
		"nonsense in COLUMNS is no one": {map[string]string{"COLUMNS": "wide"}, 0},
		"too narrow is widened":         {map[string]string{"COLUMNS": "3"}, 40},
	} {
		t.Run(name, func(t *testing.T) {
			got := Detect(&bytes.Buffer{}, env(c.vars))
			if got.Width != c.width || got.Color || got.TTY {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// The shell of an editor is a terminal, and shows what moves the cursor on others as signs.
func TestADumbTerminalIsNotDrawnOn(t *testing.T) {
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer pty.Close()
	for _, c := range []struct {
		vars       map[string]string
		tty, color bool
	}{
		{map[string]string{"TERM": "xterm"}, true, true},
		{map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, true, false},
		{map[string]string{"TERM": "dumb"}, false, false},
	} {
		got := Detect(pty, func(k string) string { return c.vars[k] })
		if got.TTY != c.tty || got.Color != c.color || got.Width == 0 {
			t.Errorf("%v: %+v", c.vars, got)
		}
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		number(65536): "65,536", number(-1234567): "-1,234,567", number(999): "999",
		plural(1, "list", "lists"): "1 list", plural(0, "list", "lists"): "0 lists",
		some([]string{"a"}, 2): "a", some([]string{"a", "b", "c"}, 2): "a, b and c", some([]string{"a", "b", "c", "d"}, 2): "a, b and 2 more", some(nil, 2): "",
		span(40 * time.Second): "40 s", span(89*time.Minute + 40*time.Second): "1 h 30 min", span(2 * time.Hour): "2 h", span(27 * time.Hour): "27 h", span(72 * time.Hour): "3 d",
		ago(time.Time{}, now): "never", ago(now.Add(time.Hour), now): "just now", ahead(now.Add(-3*time.Hour), now): "overdue by 3 h", ahead(now, now): "now",
		Term{Location: zone}.clock(now, now): "11:40", Term{Location: zone}.clock(ago2(24*time.Hour), now): "24 Nov 11:40", Term{}.clock(ago2(365*24*time.Hour), now): "25 Nov 2025 10:40",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What was confirmed by the same answer is shown once, and a recovery in one place.
func TestIncidentShowSaysThingsOnce(t *testing.T) {
	i := wholeIncident()
	m := &i.Incident.Members[0]
	m.Finding.Evidence = append(slices.Clone(m.Finding.Evidence), m.Finding.Evidence...)
	i.Incident.Impact.Receivers[0].Accepted = now
	var b bytes.Buffer
	if err := i.Write(&b, Term{}, Text); err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]int{"10.2.0.192.bl.spamcop.net. A": 1, "127.0.0.2 (asked 2 times)": 1, "first taken again": 1, "takes mail again": 0} {
		if got := strings.Count(b.String(), s); got != want {
			t.Errorf("%q stands %d times, want %d:\n%s", s, got, want, b.String())
		}
	}
}

// The end of a silence is told in local time to people, and as RFC 3339 to programs.
func TestTheEndOfASilenceIsLocalTime(t *testing.T) {
	i := Incident{IncidentView: listedIncident(), Now: now, Events: []Event{{At: now, What: "silenced", By: "kim", Note: "moving", Until: now.Add(time.Hour)}}}
	e := Explanation{Incident: i}
	term := Term{Location: time.FixedZone("CET", 3600)}
	for want, write := range map[string]func(*bytes.Buffer) error{
		"silenced by kim: until 12:40: moving":  func(b *bytes.Buffer) error { return i.Write(b, term, Text) },
		"silenced: by kim: until 12:40: moving": func(b *bytes.Buffer) error { return e.Write(b, term, Text) },
		`"until 2026-11-25T11:40:00Z: moving"`:  func(b *bytes.Buffer) error { return i.Write(b, term, JSON) },
		"by kim: until 2026-11-25T11:40:00Z: m": func(b *bytes.Buffer) error { return e.Write(b, term, JSON) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%v, want %q in\n%s", err, want, b.String())
		}
	}
}

// Of an incident about a network people read the worst findings and the latest events, and how many there are besides.
func TestAnIncidentAboutANetworkIsReadable(t *testing.T) {
	i := Incident{IncidentView: badDay().Incidents[0], Now: now}
	m := i.IncidentView.Incident.Members[0]
	i.IncidentView.Incident.Members = slices.Repeat([]alerts.Member{m}, 65_000)
	i.Events = slices.Repeat([]Event{{At: now, What: "answer", Note: "said"}}, 65_000)
	var b bytes.Buffer
	if err := i.Write(&b, Term{}, Text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"64,900 more: --format json has all", "64,900 earlier: --format json has all"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("does not say %q", want)
		}
	}
	if n := strings.Count(b.String(), "\n"); n > 3000 {
		t.Errorf("%d lines", n)
	}
}
