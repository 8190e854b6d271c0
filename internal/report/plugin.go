package report

import (
	"fmt"
	"io"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// perf is one value of performance data; the guidelines ask for
// 'label'=value;warn;crit;min;max. No thresholds are given, as severity is not a number.
type perf struct {
	label string
	value int
}

// maxPlugin is how long the text of a plugin line may be: old schedulers read 4 KiB in all, people a line.
const maxPlugin = 500

// writePlugin writes the one line of the Monitoring Plugins Development
// Guidelines: SERVICE STATUS - text | performance data. The bar is taken out of the text, as it
// would begin the data.
func writePlugin(w io.Writer, level Level, text string, data []perf) error {
	var b strings.Builder
	for i, p := range data {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%d;;;0", p.label, p.value)
	}
	text = strings.ReplaceAll(checks.Line(text, maxPlugin), "|", "/")
	_, err := fmt.Fprintf(w, "REPUTED %s - %s|%s\n", level, text, b.String())
	return err
}

// checkPlugin is a check as one line.
type checkPlugin struct{}

func (checkPlugin) result(Result) {}

func (checkPlugin) finish(c *Check) error {
	var n countsJSON
	for _, l := range c.tallies {
		n.add(l.Verdicts)
	}
	asked, unanswered := c.questions()
	return writePlugin(c.Out, c.Level(), c.Summary(), []perf{
		{string(blocklists.Listed), n.Listed}, {string(blocklists.Policy), n.Policy},
		{string(blocklists.Unknown), unanswered}, {"questions", asked},
	})
}
