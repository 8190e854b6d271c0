// Package wiring makes the parts of the program out of a configuration: who is asked, which lists, which channels,
// which mailboxes, by which rules and how loudly. Every command that needs a part makes it here, so that the daemon
// and a single check are built alike. Nothing here asks the network, and nothing is started: that is for
// who was handed the part.
package wiring

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"reputed/blocklists"
	"reputed/blocklists/mirror"
	"reputed/checks/dnsbl"
	"reputed/internal/config"
	"reputed/internal/store"
	"reputed/probes"
)

// Resolver is whom [dns] names, or the resolvers of /etc/resolv.conf. AuthorityPort is that of the name servers of
// lists; 0: the usual one. An error is a [config.Invalid].
func Resolver(cfg *config.Config, authorityPort int, log *slog.Logger) (*probes.Resolver, error) {
	r, err := probes.NewResolver(probes.ResolverOptions{
		Servers: cfg.DNS.Servers, Timeout: cfg.DNS.Timeout.Duration, Tries: cfg.DNS.Tries, Concurrency: cfg.DNS.Concurrency,
		Limits: Limits(Catalog(cfg)), AuthorityPort: authorityPort, Log: log,
	})
	if err != nil {
		return nil, &config.Invalid{Err: err}
	}
	return r, nil
}

// DNSBL is the check of the given lists with the settings of [dns], their forwarders and mirrors. An error is a [config.Invalid].
func DNSBL(cfg *config.Config, asker interface {
	dnsbl.Asker
	Servers() []string
}, zones []blocklists.Zone) (dnsbl.Check, error) {
	at := map[string]*probes.Servers{}
	for id, servers := range cfg.Blocklists.Forwarders {
		forwarders, err := probes.Forwarders(servers)
		if err != nil {
			return dnsbl.Check{}, &config.Invalid{Err: fmt.Errorf("list %q: %w", id, err)}
		}
		if slices.Contains(cfg.Blocklists.Mirrors, id) {
			forwarders = forwarders.Unlimited()
		}
		at[id] = forwarders
	}
	files := map[string]*dnsbl.Mirror{}
	for _, z := range zones {
		if named := cfg.Blocklists.Files[z.ID]; named != "" {
			kind, path := mirror.Split(named)
			files[z.ID] = &dnsbl.Mirror{Zone: &z, File: &mirror.File{Path: path, Kind: kind, Zone: z.Zone, MaxAge: cfg.Blocklists.FilesMaxAge.Duration}}
		}
	}
	return dnsbl.Check{
		Asker: asker, Zones: zones, Servers: asker.Servers(),
		Options: dnsbl.Options{Confirm: cfg.DNS.Confirm.Duration, Probe: cfg.DNS.Probe, Path: dnsbl.Path(cfg.DNS.Mode), Forwarders: at, Mirrors: files},
	}, nil
}

// OpenStore opens the database for writing, and copies it before its schema changes. The caller closes it. The error about a damaged one names the newest backup.
func OpenStore(ctx context.Context, cfg *config.Config, log *slog.Logger) (*store.DB, error) {
	db, err := store.Open(ctx, cfg.Database.Path, store.Options{Log: log, CopyTo: cfg.Backup.CopyTo(cfg.Database.Path)})
	return db, WithBackup(cfg, err)
}
