package daemon

import (
	"context"
	"fmt"
	"time"

	"reputed/blocklists"
	"reputed/checks/dnsbl"
	"reputed/internal/monitor"
	"reputed/internal/store"
)

// stateQuarantined is how a list that is not asked for the time being stands in
// a [store.ListSummary].
const stateQuarantined = "quarantined"

// lastRound is what the last round that did its whole work came to. Rounds in
// which we were blind say nothing about a list.
func (d *Daemon) lastRound(ctx context.Context) (store.Summary, error) {
	last, _, err := d.db.LastCompleteRun(ctx, monitor.JobDNSBL)
	return last.Summary, err
}

// failing is how the lists did until then.
func failing(last store.Summary) map[string]dnsbl.Failing {
	all := map[string]dnsbl.Failing{}
	for _, l := range last.Lists {
		if l.Failing > 0 {
			all[l.List] = dnsbl.Failing{Runs: l.Failing, Since: l.Since, Last: l.Tested}
		}
	}
	return all
}

// sortOut divides lists into those that are asked now and those in quarantine.
func sortOut(zones []blocklists.Zone, failing map[string]dnsbl.Failing, now time.Time) (ask, quarantined []blocklists.Zone) {
	for _, z := range zones {
		if now.Before(failing[z.ID].Retest()) {
			quarantined = append(quarantined, z)
		} else {
			ask = append(ask, z)
		}
	}
	return ask, quarantined
}

// carry writes into a round's summary how long lists have been failing, and
// which of them were left out of it.
func carry(s *store.Summary, began time.Time, failing map[string]dnsbl.Failing, quarantined []blocklists.Zone) {
	for i := range s.Lists {
		l := &s.Lists[i]
		if l.State == store.ListOK {
			continue
		}
		f := failing[l.List]
		if f.Runs == 0 {
			f.Since = began
		}
		l.Failing, l.Since, l.Tested = f.Runs+1, f.Since, began
	}
	for _, z := range quarantined {
		f := failing[z.ID]
		s.Lists = append(s.Lists, store.ListSummary{List: z.ID, State: stateQuarantined, Failing: f.Runs, Since: f.Since, Tested: f.Last,
			Why: fmt.Sprintf("failed %d times since %s; tested again at %s", f.Runs, f.Since.UTC().Format("2 Jan 15:04"), f.Retest().UTC().Format("2 Jan 15:04 MST"))})
	}
}
