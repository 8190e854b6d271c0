package checks

import (
	"fmt"
	"iter"
	"math"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"
)

// MaxTargets is how many addresses one range may stand for: an IPv4 /8 or an
// IPv6 /104. More than that is a typing mistake, not somebody's mail servers.
const MaxTargets = 1 << 24

// Targets is an ordered set of targets in which a range counts as one entry, so
// that 65,536 addresses cost no more memory than one. The zero value is empty.
type Targets struct {
	entries []entry
	names   map[string]int     // domain to its entry
	singles map[netip.Addr]int // single address to its entry
	ranges  []int              // entries that are ranges of several addresses
}

// entry is one argument: a range of addresses, or one domain.
type entry struct {
	prefix netip.Prefix // valid for addresses; a single one is a /32 or /128
	domain string       // the name of a domain target; empty for addresses
	pool   string
	tags   []string
}

// tooWide is an [ErrTarget] that says what is wrong with it: it is a range, and no
// list could be asked about all of it.
type tooWide struct{ ip6 bool }

func (w tooWide) Error() string {
	if w.ip6 { // see [Target.Scope]
		return fmt.Sprintf("a range of more than %d addresses: name the addresses that mail leaves from: lists list a /64 by any of its addresses", MaxTargets)
	}
	return fmt.Sprintf("a range of more than %d addresses: name those that mail leaves from, or smaller ranges", MaxTargets)
}

func (tooWide) Is(target error) bool { return target == ErrTarget }

// ParseTargets reads command-line or configuration words: addresses, CIDR
// ranges, domain or host names. Empty words are skipped. The error names the
// first word that is none of these and wraps [ErrTarget].
func ParseTargets(words ...string) (Targets, error) {
	var ts Targets
	for _, w := range words {
		if err := ts.Add(w, "", nil); err != nil {
			return Targets{}, err
		}
	}
	return ts, nil
}

// Add appends one address, CIDR range or domain with the pool and tags it has.
// A target that is already covered keeps its first pool.
func (ts *Targets) Add(word, pool string, tags []string) error {
	word = strings.TrimSpace(word)
	if word == "" {
		return nil
	}
	if strings.Contains(word, "/") {
		p, err := netip.ParsePrefix(word)
		if err == nil {
			p, err = unmapPrefix(p.Masked())
		}
		if err != nil {
			return fmt.Errorf("%q: %w", Line(word, 80), ErrTarget)
		}
		if p.Addr().BitLen()-p.Bits() > 24 {
			return fmt.Errorf("%q: %w", Line(word, 80), tooWide{ip6: p.Addr().Is6()})
		}
		ts.addPrefix(entry{prefix: p, pool: pool, tags: tags})
		return nil
	}
	if addr, err := netip.ParseAddr(strings.Trim(word, "[]")); err == nil {
		addr = Address(addr).Addr
		ts.addPrefix(entry{prefix: netip.PrefixFrom(addr, addr.BitLen()), pool: pool, tags: tags})
		return nil
	}
	d, err := Domain(word)
	if err != nil {
		return err
	}
	if _, known := ts.names[d.Name]; known {
		return nil
	}
	if ts.names == nil {
		ts.names = map[string]int{}
	}
	ts.names[d.Name] = len(ts.entries)
	ts.entries = append(ts.entries, entry{domain: d.Name, pool: pool, tags: tags})
	return nil
}

func (ts *Targets) addPrefix(e entry) {
	i := len(ts.entries)
	if !e.prefix.IsSingleIP() {
		ts.ranges = append(ts.ranges, i)
	} else {
		if ts.covered(i, e.prefix.Addr()) {
			return
		}
		if ts.singles == nil {
			ts.singles = map[netip.Addr]int{}
		}
		ts.singles[e.prefix.Addr()] = i
	}
	ts.entries = append(ts.entries, e)
}

// All counts the targets off one at a time, in order, each once.
func (ts Targets) All() iter.Seq[Target] {
	return func(yield func(Target) bool) {
		for i, e := range ts.entries {
			if e.domain != "" {
				if !yield(e.target(Target{Kind: KindDomain, Name: e.domain})) {
					return
				}
				continue
			}
			last := netipx.PrefixLastIP(e.prefix)
			for a := e.prefix.Addr(); ; a = a.Next() {
				if !ts.covered(i, a) && !yield(e.target(Target{Kind: KindAddress, Addr: a})) {
					return
				}
				if a == last {
					break
				}
			}
		}
	}
}

// Len is how many targets the entries stand for; overlapping ranges count twice.
func (ts Targets) Len() int {
	ip4, ip6, domains := ts.Sizes()
	return int(ip4 + ip6 + domains)
}

// Sizes are how many IPv4 addresses, IPv6 addresses and domains the entries stand for;
// overlapping ranges count twice.
func (ts Targets) Sizes() (ip4, ip6, domains float64) {
	for _, e := range ts.entries {
		n := math.Exp2(float64(e.prefix.Addr().BitLen() - e.prefix.Bits()))
		switch {
		case e.domain != "":
			domains++
		case e.prefix.Addr().Is4():
			ip4 += n
		default:
			ip6 += n
		}
	}
	return ip4, ip6, domains
}

// Find returns the target as the set knows it, with pool and tags, and whether
// the set covers it at all.
func (ts Targets) Find(t Target) (Target, bool) {
	found := -1
	switch t.Kind {
	case KindAddress:
		if j, ok := ts.singles[t.Addr]; ok {
			found = j
		}
		for _, j := range ts.ranges {
			if ts.entries[j].prefix.Contains(t.Addr) && (found < 0 || j < found) {
				found = j
			}
		}
	case KindDomain:
		if j, ok := ts.names[t.Name]; ok {
			found = j
		}
	}
	if found < 0 {
		return t, false
	}
	return ts.entries[found].target(Target{Kind: t.Kind, Addr: t.Addr, Name: t.Name}), true
}

// Only returns the one address of the set if it holds exactly one, so that a
// refusal which names no address can still be laid at its door.
func (ts Targets) Only() (Target, bool) {
	var only Target
	n := 0
	for t := range ts.All() {
		if t.Kind != KindAddress {
			continue
		}
		if n++; n > 1 {
			return Target{}, false
		}
		only = t
	}
	return only, n == 1
}

// Empty says whether there is nothing to watch.
func (ts Targets) Empty() bool { return len(ts.entries) == 0 }

func (e entry) target(t Target) Target {
	t.Pool, t.Tags = e.pool, e.tags
	return t
}

// covered says whether an entry before entry i already holds the address.
func (ts Targets) covered(i int, a netip.Addr) bool {
	if j, ok := ts.singles[a]; ok && j < i {
		return true
	}
	return slices.ContainsFunc(ts.ranges, func(j int) bool { return j < i && ts.entries[j].prefix.Contains(a) })
}

func unmapPrefix(p netip.Prefix) (netip.Prefix, error) {
	if !p.Addr().Is4In6() {
		return p, nil
	}
	if p.Bits() < 96 {
		return netip.Prefix{}, ErrTarget
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96), nil
}
