package expand

import (
	"context"
	"iter"
	"net/netip"
	"slices"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/identity"
	"reputed/internal/config"
)

// Pooled are the targets with the pools that the configuration puts them in.
func Pooled(cfg *config.Config, ts checks.Targets) iter.Seq[checks.Target] {
	known, err := cfg.LocalTargets()
	if err != nil || known.Empty() {
		return ts.All()
	}
	return func(yield func(checks.Target) bool) {
		for t := range ts.All() {
			t, _ = known.Find(t)
			if !yield(t) {
				return
			}
		}
	}
}

const (
	// MaxReverse is how many addresses are looked up: what a large sender has.
	MaxReverse = 65536
	// MaxHostNames is how many names they may come to. Each is asked about on every list of domains.
	MaxHostNames = 256
	// ReversePatience is how long a round waits for PTR names; those that are missing then are
	// looked up in the next one.
	ReversePatience = 20 * time.Second
	reverseAgain    = 24 * time.Hour // a name is looked up again
	reverseRetry    = 2 * time.Hour  // and one whose server gave no answer
)

// HostNames are the PTR names of addresses, as far as they are ours. It lives in memory.
type HostNames struct {
	Owed bool // there is an address whose names are not known; set before the first walk
	Left int  // names that are not asked about, as was last said

	known map[netip.Addr][]string // few: those of addresses that have one of ours
	tried map[netip.Addr]lookUp
}

// Again makes every name due, as a day does.
func (h *HostNames) Again() { clear(h.tried) }

// lookUp is how asking for the names of one address went.
type lookUp struct {
	again    int64 // when it is asked for again, in Unix seconds
	answered bool
}

// ourName says whether a PTR name is one to ask about: below a domain of ours, and not one
// that was made for every address of a network.
func ourName(name string, addr netip.Addr, ours map[string]bool) bool {
	t, err := checks.Domain(name)
	return err == nil && t.Public() && ours[t.Organisational()] && !identity.Spells(name, addr)
}

// Reversible are the addresses whose names are asked about: not those of a pool that does not
// want that, and not more than [MaxReverse].
func Reversible(cfg *config.Config, targets iter.Seq[checks.Target]) iter.Seq[checks.Target] {
	return func(yield func(checks.Target) bool) {
		n := 0
		for t := range targets {
			if t.Kind != checks.KindAddress || !cfg.AsksHostNames(t.Pool) {
				continue
			}
			if n++; n > MaxReverse || !yield(t) {
				return
			}
		}
	}
}

// Find asks for the names of those of the addresses ([Reversible]) that are due. What has no answer keeps the
// names it had. The error is the context's, if that ends before the patience does.
func (h *HostNames) Find(ctx context.Context, asker identity.Asker, addresses iter.Seq[checks.Target], ours map[string]bool, now time.Time) error {
	if h.known == nil {
		h.known, h.tried = map[netip.Addr][]string{}, map[netip.Addr]lookUp{}
	}
	watched := make(map[netip.Addr]bool, len(h.tried))
	limited, done := context.WithTimeout(ctx, ReversePatience)
	defer done()
	addrs := func(yield func(netip.Addr) bool) {
		for t := range addresses {
			watched[t.Addr] = true
			if h.tried[t.Addr].again > now.Unix() {
				continue
			}
			if !yield(t.Addr) {
				return
			}
		}
	}
	var failed []netip.Addr
	answered := false
	err := identity.Reverse(limited, asker, addrs, func(addr netip.Addr, names []string, err error) {
		if err != nil {
			h.tried[addr] = lookUp{0, h.tried[addr].answered}
			failed = append(failed, addr)
			return
		}
		answered = true
		h.tried[addr] = lookUp{now.Add(reverseAgain).Unix(), true}
		names = slices.DeleteFunc(names, func(name string) bool { return !ourName(name, addr, ours) })
		if delete(h.known, addr); len(names) > 0 {
			h.known[addr] = names
		}
	})
	if answered { // else it is not their servers that are silent, but the resolver, and the next round asks again
		for _, addr := range failed {
			h.tried[addr] = lookUp{now.Add(reverseRetry).Unix(), h.tried[addr].answered}
		}
	}
	if h.Owed = err != nil; h.Owed { // the walk did not come to its end, so that nothing is known to be gone
		return ctx.Err()
	}
	for addr, l := range h.tried {
		if !watched[addr] {
			delete(h.tried, addr)
			delete(h.known, addr)
			continue
		}
		h.Owed = h.Owed || !l.answered
	}
	return nil
}

// HostName is a name with the target whose PTR record it is.
type HostName struct {
	Name string
	Of   checks.Target
}

// Names are the names found of those addresses, each once, in their order; and how many there
// are besides those that are asked about.
func (h *HostNames) Names(addresses iter.Seq[checks.Target]) (names []HostName, left int) {
	if len(h.known) == 0 {
		return nil, 0
	}
	seen := map[string]bool{}
	for t := range addresses {
		for _, name := range h.known[t.Addr] {
			switch {
			case seen[name]:
			case len(names) == MaxHostNames:
				left++
			default:
				names = append(names, HostName{name, t})
			}
			seen[name] = true
		}
	}
	return names, left
}

// AnyOfNames says whether one of the lists is asked about names.
func AnyOfNames(zones []blocklists.Zone) bool {
	return slices.ContainsFunc(zones, func(z blocklists.Zone) bool { return z.Serves(blocklists.Name) })
}
