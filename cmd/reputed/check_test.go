package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/report"
)

// The other forms write each answer as it comes, so that a second telling would be one too many.
func TestListingsOfALongCheckAreShownAsTheyComeInTextOnly(t *testing.T) {
	target, err := checks.ParseID("192.0.2.10")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text    bool
		verdict blocklists.Class
		want    bool
	}{
		"a listing in text":         {true, blocklists.Listed, true},
		"a listing in another form": {false, blocklists.Listed, false},
		"a policy in text":          {true, blocklists.Policy, false},
		"no answer in text":         {true, blocklists.Unknown, false},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			line := report.NewProgress(&b, report.Term{TTY: true, Width: 80}, time.Now().Add(-time.Hour))
			p := &checkProgress{line: line, live: true, text: c.text, lists: map[string]bool{}}
			p.result(report.Result{Target: target, List: "spamcop", Verdict: c.verdict, Severity: checks.Major})
			p.step(1, 2)
			if got := strings.Contains(b.String(), "listed  192.0.2.10  spamcop"); got != c.want {
				t.Errorf("got %q, want the listing in it: %v", b.String(), c.want)
			}
		})
	}
}
