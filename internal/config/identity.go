package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"reputed/checks"
	"reputed/internal/monitor"
)

// Identity says how to look at what senders publish about themselves: PTR, HELO, SPF, DKIM, DMARC
// and more. Only the DNS is asked for it, and with MTASTSPolicy the policy host.
type Identity struct {
	Enabled bool `toml:"enabled"` // default true
	// Schedule is when to look, in the time zone of [schedule]; default "@daily". The daemon also
	// looks when it starts and when it reloads.
	Schedule string `toml:"schedule"`
	// Disable are rules that are not reported, such as "mta-sts"; `reputed identity` shows their names.
	Disable []string `toml:"disable"`
	// MTASTSPolicy says whether the policy file of MTA-STS is fetched over HTTPS; default false.
	MTASTSPolicy bool `toml:"mta_sts_policy"`
	// Senders say more about sending domains. Without them, each domain of a pool that is not the
	// name of a host is taken for one as which its addresses send.
	Senders []Sender `toml:"sender"`

	Times monitor.Schedule `toml:"-"` // Schedule, read in the time zone
}

// Sender is one domain as which mail is sent, or one that sends none.
type Sender struct {
	Domain string `toml:"domain"`
	// Pools are those whose addresses send as the domain; default: those that have the domain, or
	// the nearest one above it, among their domains.
	Pools      []string `toml:"pools"`
	Selectors  []string `toml:"selectors"`   // of the DKIM keys with which its mail is signed
	ReturnPath string   `toml:"return_path"` // domain of MAIL FROM; default: the domain itself
	Sends      bool     `toml:"sends"`       // default true; false: it sends no mail, and should say so
	// DMARC is the policy that it should at least have: "none", "quarantine" or "reject"; default:
	// any, and "reject" for a domain that sends nothing.
	DMARC string `toml:"dmarc"`
	// Implied says that it is not in the file as a sender: it is a domain of a pool, and may be the
	// name of a host.
	Implied bool `toml:"-"`
}

func (s *Sender) setDefaults() { s.Sends = true }

// IdentityRules returns the names of the rules for Identity.Disable. A test compares them with
// those of the check.
func IdentityRules() []string {
	return []string{"ptr", "fcrdns", "generic", "helo", "certificate", "spf-address",
		"spf", "spf-limits", "dkim", "dmarc", "dmarc-reports", "alignment", "mx", "mailboxes", "mta-sts", "tls-rpt"}
}

func (v *validator) identity() {
	c := &v.cfg.Identity
	c.Times, _ = v.times("identity.schedule", c.Schedule, `"@daily"`)
	for i, rule := range c.Disable {
		v.oneOf(fmt.Sprintf("identity.disable[%d]", i), rule, IdentityRules()...)
	}
	pools := v.cfg.poolNames()
	seen := map[string]string{}
	for i := range c.Senders {
		s, at := &c.Senders[i], fmt.Sprintf("identity.sender[%d]", i)
		if s.Domain == "" {
			v.missing(at+".domain", `missing; such as "example.org"`)
			continue
		}
		s.Domain = v.domain(at+".domain", s.Domain)
		v.once(at+".domain", s.Domain, seen)
		if s.ReturnPath != "" {
			s.ReturnPath = v.domain(at+".return_path", s.ReturnPath)
		}
		for j, pool := range s.Pools {
			if !slices.Contains(pools, pool) {
				v.at(fmt.Sprintf("%s.pools[%d]", at, j), "no [[outbound]] pool is called %s; there are %s", shown(pool), strings.Join(pools, ", "))
			}
		}
		for j, selector := range s.Selectors {
			// RFC 6376 section 3.1: one or more labels of a name.
			if t, err := checks.Domain(selector + "._domainkey." + s.Domain); err != nil || selector == "" || t.Name != strings.ToLower(selector)+"._domainkey."+s.Domain {
				v.at(fmt.Sprintf("%s.selectors[%d]", at, j), "%s is no selector: it is what stands behind s= in DKIM-Signature", shown(selector))
				continue
			}
			s.Selectors[j] = strings.ToLower(selector)
		}
		if s.DMARC != "" {
			v.oneOf(at+".dmarc", s.DMARC, "none", "quarantine", "reject")
		}
		if !s.Sends && len(s.Pools)+len(s.Selectors) > 0 {
			v.at(at+".sends", "a domain that sends nothing has neither pools nor selectors")
		}
	}
}

func (c *Config) poolNames() []string {
	var names []string
	for _, o := range c.Outbound {
		names = append(names, o.Pool)
	}
	return names
}

// SendingDomains returns all domains to look at, in the order of the file: those of
// [[identity.sender]], and the other domains of pools that are not the name of a host. Their Pools
// are filled in.
func (c *Config) SendingDomains() []Sender {
	var all []Sender
	known := map[string]bool{}
	for _, s := range c.Identity.Senders {
		if s.Sends && len(s.Pools) == 0 {
			s.Pools = c.poolsOf(s.Domain)
		}
		known[s.Domain] = true
		all = append(all, s)
	}
	hosts := map[string]bool{}
	for _, o := range c.Outbound {
		for _, name := range slices.Concat(slices.Collect(maps.Keys(o.Hosts)), o.Names) {
			hosts[name] = true
		}
	}
	for _, o := range c.Outbound {
		for _, name := range o.Domains {
			if !known[name] && !hosts[name] {
				known[name] = true
				all = append(all, Sender{Domain: name, Sends: true, Implied: true, Pools: c.poolsOf(name)})
			}
		}
	}
	return all
}

// poolsOf returns the pools that send as a domain: those that have it among their domains, else
// those that have the nearest domain above it.
func (c *Config) poolsOf(domain string) []string {
	for name := domain; strings.Contains(name, "."); _, name, _ = strings.Cut(name, ".") {
		var pools []string
		for _, o := range c.Outbound {
			if slices.Contains(o.Domains, name) {
				pools = append(pools, o.Pool)
			}
		}
		if len(pools) > 0 {
			return pools
		}
	}
	return nil
}
