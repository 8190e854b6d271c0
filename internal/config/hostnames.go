package config

import (
	"maps"
	"slices"

	"reputed/checks"
)

// hostNames returns the names of a pool's servers that receivers may look up on lists of domains,
// as far as the file has them. A name that only we know (mx1.lan) is not among them: no receiver
// sees it, and it is nobody's business.
func (o Outbound) hostNames() []string {
	if !o.HostNames {
		return nil
	}
	var names []string
	for _, name := range slices.Concat(slices.Sorted(maps.Keys(o.Hosts)), o.Names) {
		if t, err := checks.Domain(name); err == nil && t.Public() {
			names = append(names, name)
		}
	}
	return names
}

// AsksHostNames says whether lists are asked about the host names of a pool. For addresses that
// are in no pool they are.
func (c *Config) AsksHostNames(pool string) bool {
	i := slices.IndexFunc(c.Outbound, func(o Outbound) bool { return o.Pool == pool })
	return i < 0 || c.Outbound[i].HostNames
}

// OurDomains returns the organisational domains of all names in the file: in domains, hosts, names
// and spf. A name below one of them is ours, while the PTR name of an address is often its
// provider's.
func (c *Config) OurDomains() map[string]bool {
	ours := map[string]bool{}
	for _, o := range c.Outbound {
		for _, name := range slices.Concat(o.Domains, slices.Collect(maps.Keys(o.Hosts)), o.Names, o.SPF) {
			if t, err := checks.Domain(name); err == nil && t.Public() {
				ours[t.Organisational()] = true
			}
		}
	}
	return ours
}
