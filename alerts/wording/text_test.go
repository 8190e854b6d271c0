package wording

import (
	"flag"
	"strings"
	"testing"
	"unicode/utf8"

	"reputed/alerts/alertstest"
	"reputed/checks"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestText(t *testing.T) {
	for name, n := range alertstest.Variants() {
		t.Run(name, func(t *testing.T) {
			m := Of(n)
			got := m.Title + "\n\n" + m.Text(76)
			alertstest.Golden(t, *update, name+".txt", got)
		})
	}
}

// Whatever comes from outside stays on the line that it was put on.
func TestNothingFromOutsideBeginsALine(t *testing.T) {
	m := Of(alertstest.With(alertstest.Hostile))
	for line := range strings.SplitSeq(m.Title+"\n"+m.Brief+"\n"+m.Text(0), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "forged") || strings.ContainsAny(line, "\x1b\r\t\u202e\u200b") || !utf8.ValidString(line) {
			t.Errorf("line %q", line)
		}
		if clean := strings.Join(strings.Fields(line), " "); checks.Line(clean, 0) != clean {
			t.Errorf("line %q holds what checks.Line takes out", line)
		}
	}
}

func TestWrapKeepsWordsWhole(t *testing.T) {
	for name, c := range map[string]struct {
		width int
		text  string
		want  string
	}{
		"by words":            {12, "aaa bbb ccc ddd", "1. aaa bbb\n   ccc ddd\n"},
		"a long word":         {8, "aaa https://list.example/very/long b", "1. aaa\n   https://list.example/very/long\n   b\n"},
		"no width":            {0, "aaa bbb ccc ddd", "1. aaa bbb ccc ddd\n"},
		"line breaks":         {20, "aaa\nbbb", "1. aaa\n   bbb\n"},
		"blanks in a command": {0, "awk  'x'", "1. awk  'x'\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sheet{width: c.width}
			if s.wrap("1. ", "   ", c.text); s.String() != c.want {
				t.Errorf("got %q, want %q", s.String(), c.want)
			}
		})
	}
}

func TestWhatIsTooLongIsCutByWholeLines(t *testing.T) {
	m := Message{Blocks: []Block{{{Spans: []Span{{Kind: Words, Text: "aaaa"}}}}, {{Spans: []Span{{Kind: Words, Text: "bbbb"}}}}, {{Spans: []Span{{Kind: Words, Text: "cccc"}}}}}}
	if got := m.Within(100); got != "aaaa\n\nbbbb\n\ncccc\n" {
		t.Errorf("all of it: %q", got)
	}
	if got := m.Within(16); got != "aaaa\n(cut here)\n" {
		t.Errorf("of 17: %q", got)
	}
	size := func(Block) int { return 4 }
	for max, want := range map[int]string{12: "aaaa bbbb cccc", 11: "aaaa cccc", 4: "cccc", 0: ""} {
		blocks, cut := m.Fit(max, size)
		var got []string
		for _, b := range blocks {
			got = append(got, b[0].Spans[0].Text)
		}
		if strings.Join(got, " ") != want || cut != (max < 12) {
			t.Errorf("within %d: %q, cut %v; want %q", max, got, cut, want)
		}
	}
}
