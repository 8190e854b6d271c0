package report

import (
	"cmp"
	"slices"
	"time"

	"reputed/checks"
)

// Target is everything about one target that is or was watched.
type Target struct {
	Target    checks.Target
	Watched   bool
	Bare      bool           // the configuration is not at hand: whether it is watched is not known
	Standings []Standing     // problems now, worst first
	Incidents []IncidentView // their worst findings are those about it
	History   History
	Course    Timeline
	Refusals  []Refusal // latest first
	Ratings   Ratings
	Now       time.Time
}

// ListHistory is what is known of a list, and our own history with it.
type ListHistory struct {
	List
	Silent    *SilentList    // it gave no usable answer in the last round; nil: it did, or was not asked
	Round     time.Time      // end of the last complete round
	Counts    map[string]int // answers in it, by verdict
	Standings []Standing     // what it lists of ours now
	History   History
	Budget    Budget
	Now       time.Time
}

// Receiver is what one receiver, or one vendor for several, did with our mail.
type Receiver struct {
	Name      string
	Vendor    string
	Domains   []string // receiving domains; of a vendor
	Refused   int
	Deferred  int
	Delivered checks.Count
	Last      time.Time // last refusal
	List      bool      // Vendor runs a blocklist that receivers name, and stands before none of them
	Share     float64   // refused and deferred of all, 0 to 1; -1: not known, as deliveries are not counted or there are too few mails
	Since     time.Time // since when it is counted

	// Of a page of its own.
	Course     Timeline
	Refusals   []Refusal
	Incidents  []IncidentView // in which it refuses
	Recoveries []checks.Recovery
	Now        time.Time
}

// ReceiverCount is what one receiving domain did, as the store has it.
type ReceiverCount struct {
	Domain, Vendor               string
	Refused, Deferred, Delivered int
	Counted                      bool
	Last                         time.Time
}

// BuildReceivers puts domains of one vendor together where it is the vendor that refuses: its
// verdict is about us and not about one domain. Most refused first, then most taken.
func BuildReceivers(counts []ReceiverCount, since, now time.Time) []Receiver {
	by := map[string]*Receiver{}
	delivered := map[[2]string]bool{} // a domain's deliveries count once for a vendor
	for _, c := range counts {
		name := checks.Line(cmp.Or(c.Vendor, c.Domain, "not known"), 100)
		r := by[name]
		if r == nil {
			r = &Receiver{Name: name, Vendor: checks.Line(c.Vendor, 60), Since: since, Now: now}
			by[name] = r
		}
		r.Refused += c.Refused
		r.Deferred += c.Deferred
		if key := [2]string{name, c.Domain}; !delivered[key] {
			delivered[key] = true
			r.Domains = append(r.Domains, checks.Line(c.Domain, 100))
			r.Delivered.N += c.Delivered
			r.Delivered.Counted = r.Delivered.Counted || c.Counted
		}
		if c.Last.After(r.Last) {
			r.Last = c.Last
		}
	}
	out := make([]Receiver, 0, len(by))
	for _, r := range by {
		slices.Sort(r.Domains)
		r.Share = -1
		if all := r.Refused + r.Deferred + r.Delivered.N; r.Delivered.Counted && all >= checks.MinMails {
			r.Share = float64(r.Refused+r.Deferred) / float64(all)
		}
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Receiver) int {
		return cmp.Or(cmp.Compare(b.Refused+b.Deferred, a.Refused+a.Deferred), cmp.Compare(b.Delivered.N, a.Delivered.N), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// Recovered is how far a vendor takes us again, in words.
func (t Term) Recovered(v checks.Recovery, now time.Time) string { return clean(t.recovered(v, now)) }

// Names are the names of receivers that have not taken mail again, at most so many.
func Names(all []string, max int) string { return some(cleanAll(all), max) }

// ByWhom is whose word a question was about: a list, a receiver, or a part of this monitor.
func ByWhom(k checks.Key) string { return byWhom(k) }

// Hit is one thing that a search found.
type Hit struct {
	Kind string // "incident", "target", "list", "receiver"
	ID   string // number, Target.ID, id of the list, name of the receiver
	Name string
	Note string
}

// SortStandings puts the worst first, then what has lasted longest.
func SortStandings(all []Standing) {
	slices.SortStableFunc(all, func(a, b Standing) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), a.Since.Compare(b.Since), a.Key.Compare(b.Key))
	})
}
