package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/blocklists/mirror"
	"reputed/checks/dnsbl"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/probes"
)

// This file makes the pieces out of a configuration. Every command that needs
// one makes it here, so that the daemon and a single check are built alike.

// defaultConfig is read when --config names none, if it is there.
const defaultConfig = "/etc/reputed/config.toml"

// loadConfig reads the configuration. Without --config the default file is
// taken if it exists, else the built-in defaults. An error ends the program with exitConfig.
func (a *app) loadConfig(secrets config.SecretMode) (*config.Config, error) {
	cfg, err := config.Load(a.configFile(), config.LoadOptions{Secrets: secrets})
	if err != nil {
		return nil, configError(err)
	}
	if a.lapse != nil {
		a.lapse(cfg)
	}
	return cfg, nil
}

// configError ends the program with exitConfig and every mistake on a line of its own.
func configError(err error) error {
	var all *config.Error
	if errors.As(err, &all) && len(all.Mistakes) > 1 {
		err = fmt.Errorf("the configuration has %d mistakes:\n%w", len(all.Mistakes), err)
	}
	return &exitError{exitConfig, err}
}

// optionalConfig is for commands that work without a configuration and need no
// secret: if the default file may not be read, they say so and go on with the defaults.
func (a *app) optionalConfig() (*config.Config, error) { return a.configOr(config.Skip) }

// askingConfig is for commands that ask lists: it has the keys of lists too, and says
// which lists are left out for want of one.
func (a *app) askingConfig() (*config.Config, error) {
	cfg, err := a.configOr(config.ListKeys)
	if err != nil {
		return nil, err
	}
	if ids := cfg.Blocklists.WithoutKey; len(ids) > 0 {
		fmt.Fprintf(a.stderr, "reputed: not asked, for want of a key: %s; \"reputed config check\" says why\n", strings.Join(ids, ", "))
	}
	return cfg, nil
}

func (a *app) configOr(secrets config.SecretMode) (*config.Config, error) {
	cfg, err := a.loadConfig(secrets)
	if a.configPath == "" && errors.Is(err, fs.ErrPermission) {
		fmt.Fprintf(a.stderr, "reputed: %s may not be read, so the built-in defaults are used; run as its owner, or name another with --config\n", defaultConfig)
		cfg, err = config.Default()
	}
	return cfg, err
}

// newResolver is whom [dns] names, or the resolvers of /etc/resolv.conf.
func newResolver(cfg *config.Config, authorityPort int, log *slog.Logger) (*probes.Resolver, error) {
	r, err := probes.NewResolver(probes.ResolverOptions{
		Servers: cfg.DNS.Servers, Timeout: cfg.DNS.Timeout.Duration, Tries: cfg.DNS.Tries, Concurrency: cfg.DNS.Concurrency,
		Limits: limits(catalog(cfg)), AuthorityPort: authorityPort, Log: log,
	})
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	return r, nil
}

// newDNSBL is the check of the given lists with the settings of [dns] and their forwarders.
func newDNSBL(cfg *config.Config, asker interface {
	dnsbl.Asker
	Servers() []string
}, zones []blocklists.Zone) (dnsbl.Check, error) {
	at := map[string]*probes.Servers{}
	for id, servers := range cfg.Blocklists.Forwarders {
		forwarders, err := probes.Forwarders(servers)
		if err != nil {
			return dnsbl.Check{}, &exitError{exitConfig, fmt.Errorf("list %q: %w", id, err)}
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

// limits are the published rates of the operators. They count all of an
// operator's lists together, so of several the lowest holds.
func limits(zones []blocklists.Zone) map[string]float64 {
	limits := map[string]float64{}
	for _, z := range zones {
		if have := limits[z.Operator]; z.Rate > 0 && (have == 0 || z.Rate < have) {
			limits[z.Operator] = z.Rate
		}
	}
	return limits
}

// openStore opens the database for writing. The caller closes it.
func openStore(ctx context.Context, cfg *config.Config, log *slog.Logger) (*store.DB, error) {
	db, err := store.Open(ctx, cfg.Database.Path, store.Options{Log: log})
	return db, withBackup(cfg, err)
}

// runSummary is what is stored of a finished run: a list that works is "ok", and
// one that was not needed is not in it.
func runSummary(r dnsbl.Result) store.Summary {
	s := store.Summary{Targets: r.Targets, Domains: r.Domains, Questions: r.Questions}
	for _, l := range r.Lists {
		if l.State == dnsbl.NotNeeded {
			continue
		}
		out := store.ListSummary{List: l.ID, State: string(l.State), Why: l.Why, Counts: map[string]int{}, Next: l.Next}
		if l.State == dnsbl.Working {
			out.State = stateOK
		}
		for class, n := range map[blocklists.Class]int{
			blocklists.Listed: l.Listed, blocklists.Policy: l.Policy, blocklists.Informational: l.Informational, blocklists.Good: l.Good,
			blocklists.Clean: l.Clean + l.Unproved, blocklists.Refused: l.Refused, blocklists.Unusable: l.Unusable, blocklists.Unknown: l.Unknown,
		} {
			if n > 0 {
				out.Counts[string(class)] = n
			}
		}
		s.Lists = append(s.Lists, out)
	}
	return s
}

// stateOK is how a list that works stands in a [store.ListSummary].
const stateOK = "ok"

// catalog is every list that anybody could mean: those that are asked and have
// their keys, which come first, and the rest of the catalogue.
func catalog(cfg *config.Config) []blocklists.Zone {
	all := slices.Clone(cfg.Blocklists.Zones)
	known := map[string]bool{}
	for _, z := range all {
		known[z.ID] = true
	}
	for _, z := range cfg.Blocklists.Catalog.Zones {
		if !known[z.ID] {
			all = append(all, z)
		}
	}
	return all
}

// named is every list that a refusal may name: those of catalog, and those that no
// question reaches.
func named(cfg *config.Config) []blocklists.Zone {
	all := catalog(cfg)
	for _, u := range cfg.Blocklists.Catalog.Unasked {
		all = append(all, u.About())
	}
	return all
}

// lookup finds a list by its id.
func lookup(zones []blocklists.Zone) func(id string) (blocklists.Zone, bool) {
	byID := make(map[string]blocklists.Zone, len(zones))
	for _, z := range zones {
		byID[z.ID] = z
	}
	return func(id string) (blocklists.Zone, bool) {
		z, ok := byID[id]
		return z, ok
	}
}

// term is what is known about where the command's text goes.
func (a *app) term() report.Term { return report.Detect(a.stdout, os.Getenv) }
