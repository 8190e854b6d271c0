package main

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"regexp"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/checks/bounce/rules"
	"reputed/internal/config"
	"reputed/probes"
)

// newMailbox is a bounce mailbox as the configuration describes it.
func newMailbox(m config.Mailbox, log *slog.Logger) (*probes.Mailbox, error) {
	var roots *x509.CertPool // nil: whom the system trusts
	if m.CAFile != "" {
		pem, err := os.ReadFile(m.CAFile)
		if err != nil {
			return nil, &exitError{exitConfig, fmt.Errorf("mailbox %s: ca_file: %w", m.Name, err)}
		}
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, &exitError{exitConfig, fmt.Errorf("mailbox %s: ca_file %s holds no PEM certificate", m.Name, m.CAFile)}
		}
	}
	box, err := probes.NewMailbox(probes.MailboxOptions{
		Name: m.Name, Server: m.Server, TLS: probes.TLSMode(m.TLS), RootCAs: roots,
		User: m.User, Password: m.Password.Reveal, Folder: m.Folder, Poll: m.Poll.Duration, Log: log,
	})
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	return box, nil
}

// newRules are the rules that refusals are judged by: the built-in ones, and above
// them those of [bounces] rules_dir.
func newRules(cfg *config.Config) (*bounce.Rules, error) {
	lists := cfg.Blocklists.Catalog.Names()
	dir := cfg.Bounces.RulesDir
	if dir == "" {
		set, err := bounce.BuiltinRules()
		if err != nil {
			return nil, err
		}
		return set.WithLists(lists), nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, &exitError{exitConfig, fmt.Errorf("[bounces] rules_dir %s: it is no folder that can be read", checks.Line(dir, 0))}
	}
	set, err := bounce.LoadRules(lists, rules.Files, os.DirFS(dir))
	if err != nil {
		return nil, &exitError{exitConfig, fmt.Errorf("[bounces] rules_dir %s: %w", checks.Line(dir, 0), err)}
	}
	return set, nil
}

// newOurs is what is known of our own servers and mail: by it a report is proved
// to be ours, and laid at one of our addresses, which are those of targets.
func newOurs(cfg *config.Config, targets checks.Targets) (bounce.Ours, error) {
	ours := bounce.Ours{Targets: targets, Hosts: map[string]netip.Addr{}, MessageIDDomains: cfg.Bounces.MessageIDDomains}
	for _, pool := range cfg.Outbound {
		for host, address := range pool.Hosts {
			// Validated when the file was read; "" is a host that sends from several addresses.
			addr, _ := netip.ParseAddr(address)
			ours.Hosts[host] = addr
		}
	}
	if cfg.Bounces.VERP != "" {
		var err error
		if ours.VERP, err = regexp.Compile(cfg.Bounces.VERP); err != nil {
			return ours, &exitError{exitConfig, fmt.Errorf("[bounces] verp: %w", err)}
		}
	}
	return ours, nil
}
