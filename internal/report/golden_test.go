package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// now is the instant of every report in these tests, in a zone that is not UTC
// so that a local time is told from one that is not.
var now = time.Date(2026, 11, 25, 10, 40, 0, 0, time.UTC)

var zone = time.FixedZone("CET", 3600)

func ago2(d time.Duration) time.Time { return now.Add(-d) }

// terms are the terminals that every text is looked at on.
var terms = map[string]Term{
	"80.txt":    {Width: 80, TTY: true, Location: zone},
	"200.txt":   {Width: 200, TTY: true, Location: zone},
	"piped.txt": {Location: zone},
	"color.txt": {Width: 80, TTY: true, Color: true, Location: zone},
}

// hostile is text as a stranger would write it into a TXT record or a bounce.
const hostile = "=cmd|'/C calc'!A0 \x1b[31mred\x1b]0;owned\x07\r\nFAKE: all clear\t\u202egnp.exe \u200b| listed=0"

// golden compares with testdata/name, or rewrites it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got), go test -update rewrites it:\n%s", name, diff)
	}
}

// goldenText renders on each terminal, holds the result to the golden file and to what must be true of any text.
func goldenText(t *testing.T, name string, render func(w *bytes.Buffer, term Term) error) {
	t.Helper()
	for suffix, term := range terms {
		t.Run(name+"."+suffix, func(t *testing.T) {
			var b bytes.Buffer
			if err := render(&b, term); err != nil {
				t.Fatal(err)
			}
			golden(t, name+"."+suffix, b.Bytes())
			harmless(t, b.String(), term)
		})
	}
}

// harmless: no control but our own colours, nothing wider than the terminal but a word that is.
func harmless(t *testing.T, out string, term Term) {
	t.Helper()
	bare := out
	if term.Color {
		for _, s := range []style{strong, faint, bad, warn, good, unknown, info, "0"} {
			bare = strings.ReplaceAll(bare, "\x1b["+string(s)+"m", "")
		}
	}
	if i := strings.IndexAny(bare, "\x1b\x07\r\t\u202e\u200b"); i >= 0 {
		t.Errorf("a control character from outside got through: %q", bare[max(0, i-20):min(len(bare), i+20)])
	}
	for l := range strings.SplitSeq(bare, "\n") {
		if term.Width > 0 && text.StringWidthWithoutEscSequences(l) > term.Width && strings.HasPrefix(l, " ") {
			t.Errorf("wider than %d: %q", term.Width, l)
		}
		if strings.HasPrefix(l, "FAKE") {
			t.Errorf("text from outside made a line of its own: %q", l)
		}
		if strings.HasSuffix(l, " ") {
			t.Errorf("trailing space: %q", l)
		}
	}
}
