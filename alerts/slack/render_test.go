package slack

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"reputed/alerts"
	"reputed/checks"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var at = time.Date(2026, 11, 25, 9, 40, 0, 0, time.UTC)

func count(n int) checks.Count { return checks.Count{N: n, Counted: true} }

// listing is one address on SpamCop.
func listing(addr string) alerts.Member {
	target := checks.Address(netip.MustParseAddr(addr))
	return alerts.Member{First: at, Last: at.Add(time.Minute), Finding: checks.Finding{
		Key: checks.Key{Check: "dnsbl", Target: addr, Source: "spamcop"}, Target: target,
		Code: checks.CodeListed, Status: checks.Problem, Severity: checks.Major,
		Summary: addr + " is listed by SpamCop",
		Facts:   map[string]string{checks.FactMeaning: "reported or trapped spam"},
		Evidence: []checks.Evidence{{
			Question: "10.2.0.192.bl.spamcop.net. A", Answer: "127.0.0.2", Reason: "Blocked - see https://www.spamcop.net/bl.shtml?" + addr,
			Via: "192.0.2.53:53", Controls: "127.0.0.2 listed, 127.0.0.1 clean", At: at.Add(time.Minute),
		}},
	}}
}

// refusedByCisco is a refusal at the greeting of a receiver with a Cisco gateway.
func refusedByCisco() alerts.Member {
	m := listing("192.0.2.10")
	m.Finding.Key = checks.Key{Check: "bounce", Target: "192.0.2.10", Source: "cisco-talos"}
	m.Finding.Code, m.Finding.Summary = checks.CodeRefused, "example.net refuses mail from 192.0.2.10 for its reputation (Cisco Talos)"
	m.Finding.Facts = nil
	m.Finding.Evidence = []checks.Evidence{{
		Question: "mail to kim@… at mx1.example.net",
		Answer:   "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means.",
		Via:      "mailbox bounces, UID 4711", Proof: "written by mx.example.org", At: at.Add(3 * time.Minute),
	}}
	return m
}

func monitorMember() alerts.Member {
	return alerts.Member{First: at, Finding: checks.Finding{
		Key: checks.Key{Check: "resolver", Target: "monitor:resolver"}, Target: checks.Monitor("resolver"),
		Code: checks.CodeBlind, Status: checks.Problem, Severity: checks.Critical,
		Summary:  "41 of 60 lists could not be asked: look at our own resolver or network",
		Evidence: []checks.Evidence{{Question: "2.0.0.127.bl.spamcop.net. A", Answer: "no answer within 3 s", Via: "192.0.2.53:53", At: at}},
	}}
}

func spamcopRunbook() checks.Remediation {
	return checks.Remediation{
		ID: "spamcop", Title: "Get 192.0.2.10 off SpamCop", WhoAsk: "nobody: the entry ends by itself", Takes: "about 24 hours after the last report",
		Never: []string{"Never let the mail go on while you wait: every new report starts the 24 hours again."},
		Steps: []checks.Step{
			{Text: "Read how it was listed.", URL: "https://www.spamcop.net/w3m?action=checkblock&ip=192.0.2.10"},
			{Text: "Find the sender. Postfix:", Command: "grep -ho 'sasl_username=[^, ]*' /var/log/mail.log | sort | uniq -c | sort -rn | head"},
			{Text: "Lock that login and change its password."},
		},
	}
}

func talosRunbook() checks.Remediation {
	r := checks.Remediation{ID: "cisco-talos", Title: "Bring 192.0.2.10 back to a good score at Cisco Talos", Takes: "hours to about a week"}
	r.Steps = append(r.Steps, checks.Step{Text: "Read the rating.", URL: "https://talosintelligence.com/reputation_center/lookup?search=192.0.2.10"})
	for i := 2; i <= 8; i++ {
		r.Steps = append(r.Steps, checks.Step{Text: fmt.Sprintf("Do step %d.", i)})
	}
	return r
}

// opened is the plainest notification: one address on one list.
func opened() alerts.Notification {
	return alerts.Notification{
		ID: "12/opened/1", Kind: alerts.Opened, At: at, Command: "reputed incident show 12",
		Remediation: []checks.Remediation{spamcopRunbook()},
		Incident: alerts.Incident{
			ID: 12, Cause: "target:192.0.2.10", Title: "192.0.2.10 is listed by SpamCop", State: alerts.Open, Severity: checks.Major,
			Members: []alerts.Member{listing("192.0.2.10")}, Opened: at, Changed: at, LastSeen: at,
		},
	}
}

func with(change func(n *alerts.Notification)) alerts.Notification {
	n := opened()
	change(&n)
	return n
}

// variants are the shapes that a message can have, one golden file each.
func variants() map[string]alerts.Notification {
	return map[string]alerts.Notification{
		"opened": opened(),
		"already-listed": with(func(n *alerts.Notification) {
			n.Incident.Existing = true
			n.Incident.Impact = checks.Impact{Since: at, Receivers: []checks.ReceiverImpact{{Receiver: "example.net", Delivered: count(3120)}}}
		}),
		"relapse": with(func(n *alerts.Notification) { n.Incident.Relapses = 2 }),
		"worsened": with(func(n *alerts.Notification) {
			n.Kind, n.At = alerts.Worsened, at.Add(4*time.Minute)
			n.Incident.Severity = checks.Critical
			n.Incident.Title = "example.net refuses mail from 192.0.2.10 for its reputation (Cisco Talos) (and 1 more finding)"
			n.Incident.Members = []alerts.Member{refusedByCisco(), listing("192.0.2.10")}
			n.Incident.Impact = checks.Impact{Target: "192.0.2.10", Since: at, Receivers: []checks.ReceiverImpact{
				{Receiver: "example.net", Vendor: "Cisco Talos", Refused: count(2), First: at},
				{Receiver: "Microsoft", Refused: count(41), Delivered: count(171), First: at.Add(time.Minute)},
			}}
			n.Remediation = []checks.Remediation{talosRunbook(), spamcopRunbook()}
		}),
		"reminder": with(func(n *alerts.Notification) {
			n.Kind, n.At = alerts.Reminder, at.Add(24*time.Hour)
			n.Incident.Reminded = 3
			n.Incident.Members[0].Unknown = at.Add(23 * time.Hour)
		}),
		"updated": with(func(n *alerts.Notification) {
			n.Kind = alerts.Updated
			cleared := listing("192.0.2.10")
			cleared.Clear = true
			n.Incident.Members = []alerts.Member{refusedByCisco(), cleared}
			n.Incident.AckedBy, n.Incident.AckedAt, n.Incident.Note = "kim", at.Add(time.Minute), "password of sales@ changed"
		}),
		"resolved": with(func(n *alerts.Notification) {
			n.Kind, n.At = alerts.Ended, at.Add(26*time.Hour+20*time.Minute)
			n.Incident.State, n.Incident.Resolved, n.Incident.AckedBy = alerts.Resolved, n.At, "kim"
			n.Incident.Members[0].Clear = true
			n.Incident.Impact = checks.Impact{Receivers: []checks.ReceiverImpact{{Receiver: "example.net", Refused: count(2), First: at}}}
		}),
		"monitor-blind": with(func(n *alerts.Notification) {
			n.Incident = alerts.Incident{ID: 13, Cause: "monitor:resolver", Title: "41 of 60 lists could not be asked", Severity: checks.Critical, Members: []alerts.Member{monitorMember()}, Opened: at}
			n.Command = "reputed incident show 13"
			n.Remediation = []checks.Remediation{{ID: "resolver-blind", Title: "Give this monitor its sight back", Steps: []checks.Step{{Text: "Ask the resolver by hand:", Command: "dig -p 53 @192.0.2.53 2.0.0.127.bl.spamcop.net A"}}}}
		}),
		"list-refused": with(func(n *alerts.Notification) {
			m := listing("192.0.2.10")
			m.Finding.Target, m.Finding.Key.Target = checks.List("spamhaus-zen"), "list:spamhaus-zen"
			m.Finding.Code, m.Finding.Severity, m.Finding.Summary, m.Finding.Facts = checks.CodeListRefused, checks.Minor, "Spamhaus ZEN refuses to answer our resolver", nil
			m.Finding.Evidence = []checks.Evidence{{Question: "2.0.0.127.zen.spamhaus.org. A", Answer: "127.255.255.254", Via: "192.0.2.53:53", At: at}}
			n.Incident.Title, n.Incident.Severity, n.Incident.Members, n.Remediation = m.Finding.Summary, checks.Minor, []alerts.Member{m}, nil
		}),
		"informational": with(func(n *alerts.Notification) {
			n.Incident.Severity = checks.Informational
			n.Incident.Members[0].Finding.Severity = checks.Informational
		}),
		"many-targets": with(func(n *alerts.Notification) {
			n.Incident.Title = "41 targets, 192.0.2.1 among them: Listed on a blocklist (SpamCop)"
			n.Incident.Members = nil
			for i := 1; i <= 41; i++ {
				n.Incident.Members = append(n.Incident.Members, listing(fmt.Sprintf("192.0.2.%d", i)))
			}
		}),
		"rehearsal": with(func(n *alerts.Notification) { n.Rehearsal = true }),
		"hostile":   with(hostile),
	}
}

// hostile fills every text that may come from outside with what would do harm
// if it were believed.
func hostile(n *alerts.Notification) {
	const evil = "<!channel> @here <https://evil.example|Slack> *bold* _it_ ~s~ `code` ```box``` :fire: & &lt;!here&gt; \x1b[31m\r\nforged: line \u202egnp.exe\u200b"
	m := &n.Incident.Members[0]
	n.Incident.Title, n.Incident.Note, n.Incident.AckedBy = evil, evil, "<@U123>"
	m.Finding.Summary, m.Finding.Facts[checks.FactMeaning] = evil, evil
	m.Finding.Evidence[0] = checks.Evidence{Question: evil, Answer: evil + strings.Repeat("<", 5000), Reason: evil, Via: evil, Controls: evil, Proof: evil, At: at}
	n.Incident.Impact = checks.Impact{Receivers: []checks.ReceiverImpact{{Receiver: evil, Vendor: evil, Refused: count(1), First: at}}}
	n.Remediation = []checks.Remediation{
		{Title: evil, WhoAsk: evil, Takes: evil, Never: []string{evil}, Steps: []checks.Step{{Text: evil, URL: "javascript:alert(1)", Command: evil}, {Text: "x", URL: "https://user@evil.example/"}}},
		{Title: evil, Steps: []checks.Step{{URL: "https://evil.example/<!channel>"}}},
	}
	n.Command = evil
}

// payload is the JSON of a webhook message, as it is sent.
func payload(t tester, n alerts.Notification) []byte {
	t.Helper()
	m := build(n)
	raw, err := json.Marshal(&slack.WebhookMessage{Text: m.text, Blocks: blockSet(m.blocks)})
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	return raw
}

func TestGolden(t *testing.T) {
	for name, n := range variants() {
		t.Run(name, func(t *testing.T) {
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, payload(t, n), "", "  "); err != nil {
				t.Fatal(err)
			}
			pretty.WriteByte('\n')
			golden(t, name+".json", pretty.String())
			golden(t, name+".txt", Preview(n, 100))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestAnAnswerThatWasConfirmedIsShownOnce(t *testing.T) {
	e := checks.Evidence{Question: "10.2.0.192.bl.example. A", Answer: "127.0.0.2"}
	other := checks.Evidence{Question: e.Question, Answer: "NXDOMAIN"}
	for name, c := range map[string]struct {
		in   []checks.Evidence
		want []string
	}{
		"asked twice, same answer":  {[]checks.Evidence{e, e}, []string{"127.0.0.2 (asked 2 times)"}},
		"asked twice, other answer": {[]checks.Evidence{e, other}, []string{"127.0.0.2", "NXDOMAIN"}},
		"asked once":                {[]checks.Evidence{e}, []string{"127.0.0.2"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, x := range latest(c.in) {
				got = append(got, x.Answer)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestHeadlineSaysStateAndSeverityInWords(t *testing.T) {
	for name, want := range map[string]string{
		"opened":         "New, major: 192.0.2.10 is listed by SpamCop",
		"already-listed": "Already there, major: 192.0.2.10 is listed by SpamCop",
		"relapse":        "Back again, major: 192.0.2.10 is listed by SpamCop",
		"worsened":       "Worse, critical: example.net refuses mail from 192.0.2.10 for its reputation (Cisco Talos) (and 1 more finding)",
		"reminder":       "Still open, major: 192.0.2.10 is listed by SpamCop",
		"updated":        "Changed, major: 192.0.2.10 is listed by SpamCop",
		"resolved":       "Resolved: 192.0.2.10 is listed by SpamCop",
		"monitor-blind":  "New, the monitor itself, critical: 41 of 60 lists could not be asked",
		"informational":  "New, for information: 192.0.2.10 is listed by SpamCop",
		"rehearsal":      "REHEARSAL: New, major: 192.0.2.10 is listed by SpamCop",
	} {
		if got := headline(variants()[name]); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestPreviewFitsTheTerminal(t *testing.T) {
	for name, n := range variants() {
		for _, width := range []int{0, 20, 40, 60, 80, 132} {
			got := Preview(n, width)
			want := width
			if width == 0 {
				want = 80
			}
			for _, line := range strings.Split(strings.TrimSuffix(got, "\n"), "\n") {
				if !strings.HasPrefix(line, "┃") {
					t.Errorf("%s: line without its bar: %q", name, line)
				}
				if len([]rune(line)) > max(want, minWidth) && strings.ContainsRune(strings.TrimLeft(line, "┃│ 0123456789.•"), ' ') {
					t.Errorf("%s at %d: %d columns: %q", name, width, len([]rune(line)), line)
				}
			}
		}
	}
}

func TestDrawShowsWhatArrived(t *testing.T) {
	for name, n := range variants() {
		got, err := Draw(payload(t, n), 80)
		if diff := cmp.Diff(Preview(n, 80), got); err != nil || diff != "" {
			t.Errorf("%s: %v (-preview +drawn):\n%s", name, err, diff)
		}
	}
	for name, c := range map[string]struct{ payload, want string }{
		"a text without blocks":      {`{"text":"a &lt; b\nc"}`, "┃ a < b\n┃ c\n"},
		"control characters":         {`{"text":"\u001b[31mred\u202e"}`, "┃ [31mred\n"},
		"control characters in code": {`{"blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a\u001bb","style":{"code":true}}]}]}]}`, "┃ `ab`\n"},
	} {
		if got, err := Draw([]byte(c.payload), 80); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, c.want)
		}
	}
	for name, payload := range map[string]string{
		"no JSON":           "ok",
		"a foreign block":   `{"blocks":[{"type":"divider"}]}`,
		"a mention":         `{"blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"broadcast","range":"channel"}]}]}]}`,
		"a foreign element": `{"blocks":[{"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[]}]}]}`,
	} {
		if got, err := Draw([]byte(payload), 80); err == nil {
			t.Errorf("%s: drawn as %q", name, got)
		}
	}
}

func TestEscapeCutsByRunesAndNeverInsideAnEscape(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		max  int
		want string
	}{
		"short text stays":                 {"a < b", 20, "a &lt; b"},
		"an escape that just fits":         {"ab<", 6, "ab&lt;"},
		"an escape that does not":          {"ab<", 5, "ab…"},
		"text of just the limit":           {"äöü", 3, "äöü"},
		"one more is cut":                  {"äöüx", 3, "äö…"},
		"the mark has its place":           {"a<b", 5, "a…"},
		"an entity in the text is escaped": {"&lt;", 20, "&amp;lt;"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := escape(c.in, c.max); got != c.want {
				t.Errorf("escape(%q, %d) = %q, want %q", c.in, c.max, got, c.want)
			}
		})
	}
}

func TestPlainDefusesMarkup(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"mentions":       {"<!channel> @here @Everyone", "&lt;!channel&gt; ＠here ＠Everyone"},
		"formatting":     {"*b* _i_ ~s~ `c`", "∗b∗ ˍiˍ ∼s∼ ˋcˋ"},
		"emoji codes":    {":fire::fire: a:b:c", "∶fire∶∶fire∶ a∶b∶c"},
		"an address":     {"on 2001:db8:0:25::1, port :25", "on 2001:db8:0:25::1, port :25"},
		"an address at":  {"kim@example.net", "kim@example.net"},
		"lines and bidi": {"a\nb\u202ec", "a bc"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := plain(c.in, 1000); got != c.want {
				t.Errorf("plain(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

// A notice of a whole network holds its worst members only, and tells of all.
func TestABriefNoticeTellsOfAllTargets(t *testing.T) {
	n := variants()["opened"]
	one := n.Incident.Members[0]
	for i := range 9 {
		m := one
		m.Finding.Target = checks.Address(netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + i)}))
		m.Finding.Key.Target = m.Finding.Target.ID()
		n.Incident.Members = append(n.Incident.Members, m)
	}
	whole := Preview(n, 100)
	n.Incident, n.Targets = n.Incident.Brief(4)
	if got := Preview(n, 100); !strings.Contains(got, "10 targets: ") || !strings.Contains(got, " and 7 more") || !strings.Contains(got, "and more answers of this kind") {
		t.Errorf("of ten targets four are in the notice:\n%s\nthe whole is:\n%s", got, whole)
	}
}
