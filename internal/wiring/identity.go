package wiring

import (
	"reputed/checks/identity"
	"reputed/internal/config"
	"reputed/probes"
)

// Identity is the check with the rules of the configuration. With policy it fetches policy files.
func Identity(cfg *config.Config, asker identity.Asker, policy bool) *identity.Check {
	c := &identity.Check{Asker: asker}
	for _, rule := range cfg.Identity.Disable {
		c.Disable = append(c.Disable, identity.Rule(rule))
	}
	if policy {
		c.Fetch = probes.NewWeb(probes.WebOptions{Name: "mta-sts", Rules: cfg.HTTP.Rules(), Most: 64 << 10}).Get // RFC 8461 section 3.3: 64 KiB
	}
	seesOwn(c, cfg, asker)
	return c
}
