package expand

import (
	"net/netip"
	"slices"

	"reputed/checks"
	"reputed/checks/identity"
	"reputed/internal/config"
)

// Identity is what is to be looked at.
type Identity struct {
	Addresses []identity.Address
	Domains   []identity.Domain
}

// ForIdentity says what is to be looked at: targets, with what the configuration knows of them. Named says that
// a person named them, and not the configuration; selectors are those of the domains then. Left is how
// many addresses are too many.
func ForIdentity(cfg *config.Config, ts checks.Targets, named bool, selectors []string) (plan Identity, left int) {
	known, _ := cfg.LocalTargets()
	single, wide := spelledOut(cfg)
	byPool := map[string][]identity.Address{}
	wanted := map[string]bool{}
	for t := range Pooled(cfg, ts) {
		if t.Kind == checks.KindDomain {
			wanted[t.Name] = true
			continue
		}
		if t.Kind != checks.KindAddress {
			continue
		}
		if len(plan.Addresses) >= MaxReverse {
			left++
			continue
		}
		if k, ok := known.Find(t); ok {
			t = k
		}
		x := identity.Address{Target: t, HELO: greetings(cfg, t)}
		x.Spare = !single[t.Addr] && len(x.HELO) == 0 && slices.ContainsFunc(wide, func(p netip.Prefix) bool { return p.Contains(t.Addr) })
		plan.Addresses = append(plan.Addresses, x)
		byPool[t.Pool] = append(byPool[t.Pool], x)
	}
	for _, s := range cfg.SendingDomains() {
		if named && !wanted[s.Domain] {
			continue
		}
		delete(wanted, s.Domain)
		d, ok := sender(s)
		if !ok {
			continue // not after validation
		}
		for _, pool := range s.Pools {
			d.Addresses = append(d.Addresses, byPool[pool]...)
		}
		if named && len(byPool) > 0 {
			d.Addresses = plan.Addresses // whoever names both wants to know of both
		}
		d.Selectors = append(d.Selectors, selectors...)
		plan.Domains = append(plan.Domains, d)
	}
	if named {
		for t := range ts.All() {
			if t.Kind == checks.KindDomain && wanted[t.Name] {
				plan.Domains = append(plan.Domains, identity.Domain{Target: t, Selectors: selectors, Addresses: plan.Addresses, Implied: true})
			}
		}
	}
	return plan, left
}

// sender is a domain as the check has it.
func sender(s config.Sender) (identity.Domain, bool) {
	t, err := checks.Domain(s.Domain)
	return identity.Domain{Target: t, Selectors: slices.Clone(s.Selectors), ReturnPath: s.ReturnPath, Silent: !s.Sends, Want: s.DMARC, Implied: s.Implied}, err == nil
}

// spelledOut are the addresses that stand in the configuration by themselves, and the ranges.
func spelledOut(cfg *config.Config) (single map[netip.Addr]bool, wide []netip.Prefix) {
	single = map[netip.Addr]bool{}
	for _, o := range cfg.Outbound {
		for _, word := range o.Addresses {
			if p, err := netip.ParsePrefix(word); err == nil && !p.IsSingleIP() {
				wide = append(wide, p)
			} else if addr, err := netip.ParseAddr(word); err == nil {
				single[addr] = true
			}
		}
	}
	return single, wide
}

// greetings are the names that an address greets with, as far as hosts say so. A host without an address
// is that of all addresses of its pool, if it is the only one.
func greetings(cfg *config.Config, t checks.Target) (names []string) {
	for _, o := range cfg.Outbound {
		for name, addr := range o.Hosts {
			if addr == t.String() || addr == "" && len(o.Hosts) == 1 && o.Pool == t.Pool {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
