package report

import (
	"io"
	"strings"
	"testing"

	"reputed/blocklists"
	"reputed/checks"
)

func FuzzTSVCell(f *testing.F) {
	for _, s := range []string{hostile, "", "-", "=1+1", " a", "a  b", "a ", "plain text", "\t", "+4930@example.net", "'=x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := tsvCell(s)
		if strings.ContainsAny(got, "\t\r\n\x1b") {
			t.Errorf("tsvCell(%q) = %q breaks the row", s, got)
		}
		if len(got) > 1 && strings.ContainsRune("=+-@", rune(got[0])) {
			t.Errorf("tsvCell(%q) = %q is a formula", s, got)
		}
		if want := checks.Line(s, 0); got != want && got != "'"+want {
			t.Errorf("tsvCell(%q) = %q, which is more than a cleaned line %q", s, got, want)
		}
	})
}

func FuzzWrap(f *testing.F) {
	f.Add("some words and https://example.org/a/very/long/link to wrap", 20)
	f.Fuzz(func(t *testing.T, s string, width int) {
		s = checks.Line(s, 0)
		width = width%100 + 20
		got := wrap(s, width)
		if joined := strings.Join(got, " "); strings.Join(strings.Fields(joined), " ") != strings.Join(strings.Fields(s), " ") {
			t.Errorf("wrap(%q, %d) lost or changed words: %q", s, width, got)
		}
	})
}

func BenchmarkCheckTSV(b *testing.B) {
	c := NewCheck(CheckOptions{Out: io.Discard, Format: TSV, All: true, Lists: someLists()})
	r := Result{Target: checks.Address(addr("192.0.2.10")), List: "spamcop", Verdict: blocklists.Clean}
	b.ReportAllocs()
	for b.Loop() {
		c.Add(r)
	}
}
