package report

import (
	"strings"
	"testing"

	"reputed/checks/bounce"
)

// A report that decides nothing says what is missing, with nothing of its own but a name.
func TestAnUnprovedReportSaysWhatIsMissing(t *testing.T) {
	for id, want := range map[string]string{
		"":                              "returns no Message-ID",
		"ee783431433@ex.example.org":    "Message-ID ends in ex.example.org: if only your systems write that",
		"<a@b\x1b[2J\nAll clear.>":      "ends in b [2J All clear.: if",
		"no-domain@":                    "returns no Message-ID",
		"x@" + strings.Repeat("a", 200): "aaa…: if",
	} {
		r := bounce.Report{Kind: bounce.KindBounce, Bounces: []bounce.Bounce{{}, {MessageID: id}}}
		if got := missingProof(r); !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q in it", id, got, want)
		}
	}
}
