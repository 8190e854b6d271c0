package daemon

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"reputed/checks/acceptance"
	"reputed/checks/bounce"
	"reputed/internal/store"
	"reputed/internal/view"
)

// Who stands before the receivers of our mail is asked in the DNS, of those that get most of it
// and of those that refuse it: the same question that our mail servers ask before they deliver.
const (
	// frontsEvery is how often it is looked whether there is anybody to ask about, and
	// frontsFresh how long an answer is good for.
	frontsEvery = time.Hour
	frontsFresh = 20 * time.Hour
	// frontsMost bounds the questions of a day: receivers beyond it get hardly any mail.
	frontsMost = 500
)

// learnFronts asks who stands before receivers of whom nothing new is known.
func (d *Daemon) learnFronts(ctx context.Context, _ time.Time) error {
	now := time.Now().UTC()
	flows, err := d.db.Receivers(ctx, now.Add(-view.VendorsBack))
	if err != nil {
		return err
	}
	known, err := d.db.Fronts(ctx)
	if err != nil {
		return err
	}
	due := dueFronts(flows, known, now)
	if len(due) == 0 {
		return nil
	}
	learnt, err := acceptance.Learn(ctx, d.asker, d.rules, due, now)
	if err != nil {
		return err
	}
	doors, err := d.db.Doors(ctx)
	if err != nil {
		return err
	}
	greeted(learnt, known, doors)
	d.log.LogAttrs(ctx, slog.LevelDebug, "receivers looked up", slog.Int("asked", len(due)), slog.Int("answered", len(learnt)))
	return d.db.SaveReceivers(ctx, now, learnt)
}

// greeted adds to receivers whose MX records name nobody who spoke at their doors: a gateway on the
// receiver's own ground has a name of its own, and refuses in the words of its vendor. Once known that stays
// as long as the MX records do.
func greeted(learnt []acceptance.Receiver, known map[string]acceptance.Receiver, doors []acceptance.Standing) {
	spoke := map[string]string{}
	for _, s := range doors {
		if acceptance.About(s.Vendor).Kind != acceptance.Unknown { // else it is the operator of a list
			spoke[strings.ToLower(s.Receiver)] = s.Vendor
		}
	}
	for i := range learnt {
		r := &learnt[i]
		if r.Vendor != "" {
			continue
		}
		before := known[r.Domain]
		switch {
		case spoke[r.Domain] != "":
			r.Vendor, r.How = spoke[r.Domain], acceptance.ByGreeting
		case before.How == acceptance.ByGreeting && slices.Equal(before.MX, r.MX):
			r.Vendor, r.How = before.Vendor, before.How
		}
	}
}

// dueFronts are the receivers to ask about: of those that refuse our mail, and then those
// that get most of it, so many as are asked about at all, those of whom nothing is known or not since yesterday.
func dueFronts(flows []store.ReceiverFlow, known map[string]acceptance.Receiver, now time.Time) []string {
	type load struct{ refused, mails int }
	loads := map[string]load{}
	for _, f := range flows {
		domain := strings.ToLower(f.Domain)
		l := loads[domain]
		l.refused += f.Refused + f.Deferred
		l.mails = max(l.mails, f.Delivered)
		loads[domain] = l
	}
	domains := slices.SortedFunc(maps.Keys(loads), func(a, b string) int {
		return cmp.Or(cmp.Compare(loads[b].refused, loads[a].refused), cmp.Compare(loads[b].mails, loads[a].mails), strings.Compare(a, b))
	})
	var due []string
	for _, domain := range domains[:min(len(domains), frontsMost)] {
		r, ok := known[domain]
		if stale := !ok || now.Sub(r.At) >= frontsFresh || r.At.After(now); stale && strings.Contains(domain, ".") {
			due = append(due, domain)
		}
	}
	return due
}

// frontOf is who stands before a receiver, as the judge of refusals wants it.
func frontOf(known map[string]acceptance.Receiver) func(receiver string) (bounce.Front, bool) {
	return func(receiver string) (bounce.Front, bool) {
		r, ok := known[strings.ToLower(receiver)]
		return bounce.Front{Vendor: r.Vendor, MX: r.MX, At: r.At}, ok
	}
}
