package report

import (
	"fmt"
	"strings"
	"time"
)

// Screen is text as one picture on a terminal, written over the one before: each line replaces
// what stood there, and what is left below is wiped. It is as high as the terminal; of what does
// not fit, the last line says how much it is.
func Screen(t Term, text string, now time.Time) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	foot := "refreshed " + t.local(now).Format("15:04:05") + ", Ctrl-C ends"
	if t.Height > 0 {
		room := max(t.Height-2, 1) // an empty line, and the last
		if rest := len(all) - room; rest > 0 {
			all, foot = all[:room], fmt.Sprintf("%s below; %s", plural(rest, "more line", "more lines"), foot)
		}
		for len(all) < room {
			all = append(all, "")
		}
	}
	all = append(all, "", t.paint(faint, foot))
	// Synchronized output (DEC private mode 2026): a terminal that knows it shows the whole at once.
	return "\x1b[?2026h\x1b[H" + strings.Join(all, "\x1b[K\r\n") + "\x1b[K\x1b[J\x1b[?2026l"
}
