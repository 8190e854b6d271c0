package wiring

import (
	"log/slog"
	"net/netip"
	"strings"

	"reputed/checks/bounce"
	"reputed/checks/bounce/maillog"
	"reputed/internal/config"
	"reputed/probes"
)

// MailLog is one log of a mail server, and how its lines are read.
type MailLog struct {
	Probe   *probes.Log
	Options maillog.Options
	Hosts   map[string]netip.Addr // what the hosts that write it send from, as syslog and they themselves name them; the zero one: several addresses
}

// NewMailLog is a log as the configuration describes it. An error is a [config.Invalid].
func NewMailLog(m config.MailLog, cfg *config.Config, rules *bounce.Rules, log *slog.Logger) (*MailLog, error) {
	opts := probes.LogOptions{Name: m.Name, Path: m.Path, History: m.History.Duration, Log: log}
	if m.Journal {
		opts.Journal = &probes.Journal{Units: m.Units, Identifiers: m.Identifiers}
	}
	probe, err := probes.NewLog(opts)
	if err != nil {
		return nil, &config.Invalid{Err: err}
	}
	l := &MailLog{Probe: probe, Hosts: map[string]netip.Addr{}}
	l.Options = maillog.Options{Format: logFormat(m.Format), Rules: rules, Zone: m.Zone(), Host: m.Host}
	short := map[string]int{}
	for _, pool := range cfg.Outbound {
		for host, address := range pool.Hosts {
			addr, _ := netip.ParseAddr(address) // validated; "" is a host that sends from several
			l.Hosts[host] = addr
			label, _, _ := strings.Cut(host, ".")
			short[label]++
			if _, whole := pool.Hosts[label]; !whole {
				l.Hosts[label] = addr // syslog writes the first label only
			}
		}
	}
	for label, n := range short {
		if n > 1 {
			delete(l.Hosts, label) // mx1.example.org and mx1.example.net
		}
	}
	return l, nil
}

func logFormat(word string) maillog.Format {
	if word == config.LogAuto {
		return maillog.Auto
	}
	return maillog.Format(word)
}
