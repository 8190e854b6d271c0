package wiring

import (
	"fmt"
	"log/slog"
	"net/netip"

	"reputed/checks/acceptance"
	"reputed/internal/config"
	"reputed/probes"
)

// OwnServers are the servers of the configuration; it connects to nothing.
func OwnServers(cfg *config.Config, log *slog.Logger) (acceptance.Servers, error) {
	helo := cfg.Acceptance.Helo
	if helo == "" {
		helo = "reputed.invalid" // RFC 2606: our own servers may see that nobody has given it a name
	}
	var all acceptance.Servers
	for _, s := range cfg.Acceptance.Own {
		roots, err := Authorities(s.CAFile)
		if err != nil {
			return nil, &config.Invalid{Err: fmt.Errorf("[[acceptance.own]] %s: %w", s.Host, err)}
		}
		opts := probes.ReceiverOptions{Helo: helo, Roots: roots, Log: log}
		if s.From != "" {
			opts.From, _ = netip.ParseAddr(s.From) // which was checked
		}
		visitor, err := probes.NewReceiver(opts)
		if err != nil {
			return nil, &config.Invalid{Err: err}
		}
		host, port := config.SplitHost(s.Host)
		all = append(all, acceptance.Own{Host: host, Port: port, Closed: s.Expect == config.ExpectClosed, StartTLS: s.StartTLS, Relay: s.Relay, Postmaster: s.Postmaster, Domains: s.Domains, Visitor: visitor})
	}
	return all, nil
}
