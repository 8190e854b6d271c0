package daemontest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"reputed/internal/config"
	"reputed/probes/probestest"
)

// Doors makes a configuration one that knocks at receivers on the loopback, from 127.0.0.2 in the name of 192.0.2.10
// and from 127.0.0.3 in that of 192.0.2.11.
func Doors(cfg *config.Config, receivers map[string]*probestest.SMTP) {
	cfg.Outbound = []config.Outbound{{Pool: "default", Addresses: []string{"192.0.2.10", "192.0.2.11"}}}
	a := &cfg.Acceptance
	a.Helo, a.Sample = "monitor.example.org", config.SampleAll
	for domain, s := range receivers {
		a.Receivers = append(a.Receivers, config.KnockReceiver{Domain: domain, Hosts: []string{s.Addr().String()}})
	}
	slices.SortFunc(a.Receivers, func(a, b config.KnockReceiver) int { return strings.Compare(a.Domain, b.Domain) })
	for last, bind := range map[int]string{10: "127.0.0.2", 11: "127.0.0.3"} {
		a.From = append(a.From, config.KnockFrom{Bind: bind, Ranges: []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/32", last))}})
	}
}
