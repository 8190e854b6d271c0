package remedy

import (
	"slices"
	"strings"
	"testing"

	"reputed/blocklists"
	"reputed/checks"
)

// An incident about an identity ends when the daemon looks again, which may be a day away.
func TestWhatIsMendedIsLookedAtAtOnce(t *testing.T) {
	for _, r := range load(t).runbooks {
		if !strings.HasPrefix(r.id, "identity-") || r.id == "identity-unknown" {
			continue
		}
		f := finding(checks.CodeNoPTR)
		steps := r.fill(f, values(f, blocklists.Zone{})).Steps
		if !slices.ContainsFunc(steps, func(s checks.Step) bool { return s.Command == "systemctl reload reputed" }) {
			t.Errorf("%s does not say how to have it looked at now", r.id)
		}
	}
}
