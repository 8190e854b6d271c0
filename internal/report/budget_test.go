package report

import (
	"strings"
	"testing"
	"time"
)

func TestBudgetSaysWhatIsNotKnown(t *testing.T) {
	for name, c := range map[string]struct {
		b    Budget
		used float64
		want string
	}{
		"nothing is known": {Budget{}, -1, "asked: not known: no round has ended in the last 24 h; a day: not known: no limit is published as a number; rate: not known: no limit is published as a number"},
		"no limit is published": {Budget{Since: ago2(23 * time.Hour), Rounds: 46, Asked: 4600}, -1,
			"asked: 4,600 questions about targets in the last 24 h, in 46 rounds; besides: controls and what is asked again to be sure come on top: about a dozen a round; a day: not known: no limit is published as a number; rate: not known: no limit is published as a number"},
		"lists of one operator count together, since a short while": {Budget{Since: ago2(2 * time.Hour), Rounds: 1, Asked: 100, Together: 300, Lists: 3, PerDay: 1000, Rate: 5, Operator: "Op", Parts: true}, 0.3,
			"asked: 100 questions about targets since 09:40, 2 h, in 1 round; together: 300 questions with 2 other lists of Op, which count together; besides: controls and what is asked again to be sure come on top: about a dozen a round; a day: 1,000 allowed, 30 % used; rate: 5 a second allowed, and never exceeded; so: each round asks about as many targets as that allows, and the next one goes on from there"},
	} {
		var got []string
		for _, f := range c.b.Facts(Term{Location: zone}, now) {
			got = append(got, f.Label+": "+f.Text)
		}
		if s := strings.Join(got, "; "); s != c.want || c.b.Used() != c.used {
			t.Errorf("%s: %g\n%s\nwant %g\n%s", name, c.b.Used(), s, c.used, c.want)
		}
	}
}
