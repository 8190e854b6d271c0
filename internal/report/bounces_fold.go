package report

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

// A receiver that refuses says the same of every mail. In text, what one log tells of one receiver
// in the same words stands once, with how often and when.

// mostFolds and mostHeld bound how many different refusals of one log, and recipients of them, are
// held back; what is over begins anew.
const (
	mostFolds = 10_000
	mostHeld  = 100_000
)

// foldKey is what refusals that are told as one have in common.
type foldKey struct {
	action                                       bounce.Action
	receiver, rule, text, list, domain, category string
	about, source                                netip.Addr
}

// fold is one refusal or more that are told as one.
type fold struct {
	mail        Mail // the first
	n           int
	first, last time.Time // zero: no time is known
	recipients  []string  // the first few, each once
	remotes     []string  // likewise
	people      map[string]bool
}

// folds are those of one log, in the order they began.
type folds struct {
	file string
	all  []*fold
	held int // recipients
	by   map[foldKey]*fold
}

// alike is the key of a refusal. What a receiver says often names the recipient: that is no difference.
func alike(x bounce.Bounce) foldKey {
	text := x.Diagnostic.Text
	if x.Recipient != "" {
		text = strings.ReplaceAll(text, x.Recipient, "<>")
	}
	j := x.Judgement
	return foldKey{x.Action, cmp.Or(x.Domain, remote(x)), j.Rule, text, j.Blocklist, j.Domain, string(j.Category), j.Address, x.Source}
}

// mostPeople is how many recipients and hosts of a fold are named.
const mostPeople = 3

// add takes a refusal of a log.
func (f *folds) add(m Mail, x bounce.Bounce) {
	if f.by == nil {
		f.by = map[foldKey]*fold{}
	}
	key := alike(x)
	g := f.by[key]
	if g == nil {
		g = &fold{mail: m, people: map[string]bool{}}
		f.file, f.by[key], f.all = m.File, g, append(f.all, g)
	}
	g.n++
	if at := x.At; !at.IsZero() {
		if g.first.IsZero() || at.Before(g.first) {
			g.first = at
		}
		if at.After(g.last) {
			g.last = at
		}
	}
	if who := checks.Line(x.Recipient, 200); who != "" && !g.people[who] {
		g.people[who] = true
		f.held++
		if len(g.recipients) < mostPeople+1 {
			g.recipients = append(g.recipients, who)
		}
	}
	if host := clean(remote(x)); host != "" && len(g.remotes) < mostPeople && !slices.Contains(g.remotes, host) {
		g.remotes = append(g.remotes, host)
	}
}

// foldLog holds a refusal of a log back, to be told with those like it; false: it is to be told at once.
func (b *Bounces) foldLog(m Mail) bool {
	switch b.f {
	case TSV, JSON:
		return false
	}
	failed := failures(m.Report)
	if !m.Log || m.Unread || len(failed) != 1 {
		b.unfold()
		return false
	}
	if m.File != b.folds.file || len(b.folds.all) >= mostFolds || b.folds.held >= mostHeld {
		b.unfold()
	}
	b.folds.add(m, failed[0])
	return true
}

// unfold writes what was held back.
func (b *Bounces) unfold() {
	for _, g := range b.folds.all {
		b.text(g.mail, g)
	}
	b.folds = folds{}
}

// times is how many there are and when: "12 times, 2026-11-25 09:40:00 CET to 2026-11-25 10:12:00 CET"; empty of one.
func (g *fold) times(t Term) string {
	switch {
	case g == nil || g.n < 2:
		return ""
	case g.first.IsZero():
		return plural(g.n, "time", "times")
	case g.first.Equal(g.last):
		return plural(g.n, "time", "times") + ", " + t.stamp(g.first)
	}
	return plural(g.n, "time", "times") + ", " + t.stamp(g.first) + " to " + t.stamp(g.last)
}
