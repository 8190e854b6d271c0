package slack

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"reputed/alerts"
	"reputed/alerts/alertstest"
	"reputed/checks"
)

var update = flag.Bool("update", false, "rewrite the golden files")

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
	for name, n := range alertstest.Variants() {
		t.Run(name, func(t *testing.T) {
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, payload(t, n), "", "  "); err != nil {
				t.Fatal(err)
			}
			pretty.WriteByte('\n')
			alertstest.Golden(t, *update, name+".json", pretty.String())
			alertstest.Golden(t, *update, name+".txt", Preview(n, 100))
		})
	}
}

func TestPreviewFitsTheTerminal(t *testing.T) {
	for name, n := range alertstest.Variants() {
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
	for name, n := range alertstest.Variants() {
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
	n := alertstest.Variants()["opened"]
	one := n.Incident.Members[0]
	for i := range 9 {
		m := one
		m.Finding.Target = checks.Address(netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + i)}))
		m.Finding.Key.Target = m.Finding.Target.ID()
		n.Incident.Members = append(n.Incident.Members, m)
	}
	whole := Preview(n, 100)
	n.Incident, n.Targets = n.Incident.Brief(4)
	if got := Preview(n, 100); !strings.Contains(got, "10 addresses: ") || !strings.Contains(got, " and 7 more") || !strings.Contains(got, "and more answers of this kind") {
		t.Errorf("of ten targets four are in the notice:\n%s\nthe whole is:\n%s", got, whole)
	}
}
