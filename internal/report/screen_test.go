package report

import (
	"strings"
	"testing"
)

// A picture is never higher than the terminal, which would scroll, and wipes nothing before it writes.
func TestScreenFitsTheTerminal(t *testing.T) {
	text := strings.Repeat("a line\n", 30)
	for height, want := range map[int]int{0: 32, 24: 24, 10: 10, 3: 3, 100: 100} {
		got := Screen(Term{Width: 80, Height: height, Location: zone}, text, now)
		if n := strings.Count(got, "\n") + 1; n != want {
			t.Errorf("height %d: %d lines, want %d", height, n, want)
		}
		if strings.Contains(got, "\x1b[2J") || !strings.HasPrefix(got, "\x1b[?2026h\x1b[H") {
			t.Errorf("height %d: it flickers: %q", height, got[:20])
		}
		more := strings.Contains(got, "more lines below")
		if short := height > 0 && height < 32; more != short {
			t.Errorf("height %d: says that there is more: %v", height, more)
		}
		if !strings.Contains(got, "refreshed 11:40:00, Ctrl-C ends") {
			t.Errorf("height %d: %q", height, got)
		}
	}
}
