package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"reputed/checks"
)

func (v *validator) outbound() {
	pools := map[string]string{}
	words := map[string]string{} // target to the path that names it first
	var all ranges
	for i := range v.cfg.Outbound {
		o := &v.cfg.Outbound[i]
		at := fmt.Sprintf("outbound[%d]", i)
		v.name(at+".pool", o.Pool, pools)
		for j, word := range o.Addresses {
			o.Addresses[j] = v.address(fmt.Sprintf("%s.addresses[%d]", at, j), word, o.Pool, words, &all)
		}
		for j, word := range o.Domains {
			path := fmt.Sprintf("%s.domains[%d]", at, j)
			if isAddress(word) {
				v.at(path, "%s is an address: it belongs in addresses", shown(word))
				continue
			}
			o.Domains[j] = v.domain(path, word)
			v.once(path, o.Domains[j], words)
		}
		for j, tag := range o.Tags {
			if tag == "" || checks.Line(tag, 64) != tag {
				v.at(fmt.Sprintf("%s.tags[%d]", at, j), "want a word or two of plain text")
			}
		}
		v.hosts(o, at)
		v.sources(o, at, words)
		if len(o.Addresses)+len(o.Domains)+len(o.Sources()) == 0 {
			v.missing(at+".addresses", `missing; a pool needs addresses or domains, as in addresses = ["192.0.2.10"]`)
		}
	}
	// Only now, because the address of a host may be in a later pool.
	ts, err := v.cfg.Targets()
	if err != nil {
		return // told above
	}
	for i, o := range v.cfg.Outbound {
		for _, name := range slices.Sorted(maps.Keys(o.Hosts)) {
			addr, err := netip.ParseAddr(o.Hosts[name])
			if err != nil {
				continue
			}
			if _, watched := ts.Find(checks.Address(addr)); !watched && !v.cfg.expands() {
				v.warn(fmt.Sprintf("outbound[%d].hosts[%q]", i, name), "%s sends from %s, which is in no pool and so is not watched", shown(name), addr)
			}
		}
	}
}

// address checks one address or range, and returns it in the form in which it is compared.
func (v *validator) address(path, word, pool string, words map[string]string, all *ranges) string {
	var one checks.Targets
	if err := one.Add(word, "", nil); err != nil || one.Empty() {
		if err == nil {
			err = checks.ErrTarget
		}
		v.at(path, "%s: %s", shown(word), addressFault(word, err))
		return word
	}
	if !isAddress(word) {
		v.at(path, "%s is a name: it belongs in domains", shown(word))
		return word
	}
	prefix := prefixOf(word)
	text := prefix.String()
	if prefix.IsSingleIP() {
		text = prefix.Addr().String()
	}
	if !v.once(path, text, words) {
		return text
	}
	if other, ok := all.overlap(prefix); ok && other.pool != pool {
		v.warn(path, "%s overlaps with %s of pool %s, line %d: what is in both counts for the pool that comes first", text, other.prefix, shown(other.pool), v.line(other.path))
	}
	all.add(ranged{prefix, pool, path})
	if one, err := netip.ParsePrefix(strings.TrimSpace(word)); err == nil && one.Addr() != one.Masked().Addr() {
		// As "ip address" shows an interface: whoever pastes it means one address, and most of the range are neighbours.
		v.warn(path, "%s stands for the whole range %s: write %s if that one is meant", shown(word), text, one.Addr())
	}
	if checks.Inner(prefix.Addr()) {
		v.warn(path, "%s is not a public address, and no list knows it: write the one that receivers see", text)
	}
	return text
}

// addressFault says why a word is not a target, without the word, which shown quotes.
func addressFault(word string, err error) string {
	return strings.TrimPrefix(err.Error(), strconv.Quote(checks.Line(strings.TrimSpace(word), 80))+": ")
}

// once adds a mistake if the target is there for the second time.
func (v *validator) once(path, target string, words map[string]string) bool {
	if first, twice := words[target]; twice {
		v.at(path, "%s stands there twice, first on line %d", shown(target), v.line(first))
		return false
	}
	words[target] = path
	return true
}

// hosts converts names and addresses to the form in which bounces are compared with them.
func (v *validator) hosts(o *Outbound, at string) {
	if len(o.Hosts) == 0 {
		return
	}
	clean := make(map[string]string, len(o.Hosts))
	for _, name := range slices.Sorted(maps.Keys(o.Hosts)) {
		path := fmt.Sprintf("%s.hosts[%q]", at, name)
		host, addr := v.domain(path, name), o.Hosts[name]
		if addr != "" {
			a, err := netip.ParseAddr(addr)
			if err != nil || a.Zone() != "" {
				v.at(path, "%s: %s is not the address it sends from; write \"\" if there are several", shown(name), shown(addr))
				continue
			}
			addr = checks.Address(a).Addr.String()
		}
		if _, twice := clean[host]; twice {
			v.at(path, "%s stands there twice", shown(host))
		}
		clean[host] = addr
	}
	o.Hosts = clean
}

// isAddress says whether the word is meant as an address or range.
func isAddress(word string) bool {
	return strings.Contains(word, "/") && !strings.Contains(word, "://") || prefixOf(word).IsValid()
}
