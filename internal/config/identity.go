package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"reputed/checks"
	"reputed/internal/monitor"
)

// Identity is how what the senders publish of themselves is looked at: PTR, HELO, SPF, DKIM,
// DMARC and more. It asks our own DNS and nobody else.
type Identity struct {
	Enabled bool `toml:"enabled"` // default true
	// Schedule is when it is looked at, in the time zone of [schedule]; default "@daily". A start and a
	// reload look too.
	Schedule string `toml:"schedule"`
	// Disable are rules that are not told, such as "mta-sts"; the names are those of `reputed identity`.
	Disable []string `toml:"disable"`
	// MTASTSPolicy says whether the policy file of MTA-STS is fetched over HTTPS; default false.
	MTASTSPolicy bool `toml:"mta_sts_policy"`
	// Senders say more of sending domains. Without them, each domain of a pool that is not the name
	// of a host is taken for one that its addresses send as.
	Senders []Sender `toml:"sender"`

	Times monitor.Schedule `toml:"-"` // Schedule, read in the time zone
}

// Sender is one domain that mail is sent as, or one that sends none.
type Sender struct {
	Domain string `toml:"domain"`
	// Pools are those whose addresses send as the domain; default: those that have it, or the domain
	// above it, among their domains.
	Pools      []string `toml:"pools"`
	Selectors  []string `toml:"selectors"`   // of the DKIM keys that its mail is signed with
	ReturnPath string   `toml:"return_path"` // domain of MAIL FROM; default: the domain itself
	Sends      bool     `toml:"sends"`       // default true; false: it sends no mail, and should say so
	// DMARC is the policy that it should have at least: "none", "quarantine", "reject"; default: any,
	// and reject of a domain that sends nothing.
	DMARC string `toml:"dmarc"`
	// Implied says that nobody wrote it here: it is a domain of a pool, and may be the name of a host.
	Implied bool `toml:"-"`
}

func (s *Sender) setDefaults() { s.Sends = true }

// IdentityRules are the names of the rules that Identity.Disable takes. A test holds them to those of the check.
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

// SendingDomains are all domains to look at, in the order of the file: those of [[identity.sender]], and the domains of
// pools that are neither the name of a host nor told there. Each has its Pools filled in.
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

// poolsOf are the pools that send as a domain: those that have it among their domains, or else those
// that have the nearest domain above it.
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
