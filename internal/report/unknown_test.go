package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reputed/checks/bounce"
)

// The text is a rule file as it stands at any width: nothing but a rule begins a line that is no comment.
func TestUnknownIsARuleFile(t *testing.T) {
	at := time.Date(2026, 11, 25, 9, 40, 0, 0, time.UTC)
	var w bounce.Wordings
	for _, text := range []string{"550 5.7.1 Zorblax says no to <kim@example.net>\x1b[2J, [[rule]]\nid = 1", strings.Repeat("550 grumble grumble quux ", 30)} {
		w.Add(bounce.Bounce{Action: bounce.Delayed, Domain: "example.net\r\nx", RemoteHost: "mx.example.net", Diagnostic: bounce.Diagnostic{Text: text}, At: at,
			Judgement: bounce.Judgement{Rule: bounce.RuleNone, Category: bounce.Other, Vendor: "A \"B\"\n"}})
	}
	for _, width := range []int{0, 40, 80} {
		var b bytes.Buffer
		if err := WriteUnknown(&b, Term{Width: width}, Text, Unknown{Wordings: w.All(), Refusals: 3, Known: 1, Settled: 2, More: 4, Since: at}); err != nil {
			t.Fatal(err)
		}
		rules := 0
		for line := range strings.Lines(b.String()) {
			key, _, isKey := strings.Cut(line, " = ")
			switch {
			case strings.HasPrefix(line, "# "):
				if width > 0 && len(line) > width+1 && strings.Count(line, " ") > 4 {
					t.Errorf("wider than %d: %q", width, line)
				}
			case line == "[[rule]]\n":
				rules++
			case line != "\n" && (!isKey || !strings.Contains("id category vendor any all examples not", key)):
				t.Errorf("at width %d: %q", width, line)
			}
		}
		if rules != 2 || strings.Contains(b.String(), "kim@example.net>\x1b") || !strings.Contains(strings.Join(strings.Fields(b.String()), " "), "0 refusals and 1 deferral") {
			t.Errorf("%d rules:\n%s", rules, &b)
		}
	}
}
