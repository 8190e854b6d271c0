package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/wiring"
)

func (a *app) configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Read the configuration and say what is wrong with it",
		Example: `  reputed config check --config ./config.toml
  reputed config show                          what is in force, with all defaults
  reputed config import rbls.ini               lists of dnsbl_exporter or check_rbl`,
	}
	group(c)
	c.AddCommand(a.configCheckCommand(), a.configShowCommand(), a.configImportCommand())
	return c
}

func (a *app) configShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Show the configuration in force, defaults included, secrets left out",
		Example: "  reputed config show --config ./config.toml",
		Args:    args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.optionalConfig()
			if err != nil {
				return err
			}
			_, err = io.WriteString(a.stdout, cfg.Show())
			return err
		},
	}
}

func (a *app) configCheckCommand() *cobra.Command {
	var noSecrets bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Say everything that is wrong with the configuration",
		Long: `Reads the configuration as the daemon would, secrets included, and says every
mistake and every warning, each with its line. Exit code 78 if there is a mistake.`,
		Example: `  reputed config check                              the file that the daemon reads
  reputed config check --config ./config.toml
  reputed config check --no-secrets                 for who may not read the secrets`,
		Args: args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			mode := config.Resolve
			if noSecrets {
				mode = config.Skip
			}
			cfg, err := a.loadConfig(mode)
			if err != nil {
				return err
			}
			if err := alertPath(c.Context(), cfg, net.DefaultResolver.LookupNetIP); err != nil {
				return err
			}
			return a.configOK(cfg)
		},
	}
	c.Flags().BoolVar(&noSecrets, "no-secrets", false, "do not look secrets up")
	return c
}

// lookUpLimit is how long config check waits for the addresses of mail servers: what it cannot
// know it lets pass.
const lookUpLimit = 3 * time.Second

// alertPath refuses mail servers of alerts whose names lead to addresses that are watched: by
// the name alone, the file did not show it.
func alertPath(ctx context.Context, cfg *config.Config, lookUp func(ctx context.Context, network, host string) ([]netip.Addr, error)) error {
	ctx, cancel := context.WithTimeout(ctx, lookUpLimit)
	defer cancel()
	var failed []error
	for _, e := range cfg.Emails {
		host, _, err := net.SplitHostPort(e.Server)
		if err != nil || e.Force {
			continue
		}
		addrs, err := lookUp(ctx, "ip", host)
		if err != nil {
			continue
		}
		if why := cfg.Watches(host, addrs); why != "" {
			failed = append(failed, fmt.Errorf("%s: [[email]] server of channel %s: %s: %s, and the alert path must not be the blocked mail path: use an account elsewhere, or set force = true",
				checks.Line(cfg.Path, 0), e.Name, host, why))
		}
	}
	if len(failed) > 0 {
		return &exitError{exitConfig, errors.Join(failed...)}
	}
	return nil
}

// configOK prints the warnings, those of the daemon included, and one line about what
// was read. A file without targets is good enough for commands that name them, so that what
// the daemon lacks is a warning here.
func (a *app) configOK(cfg *config.Config) error {
	ts, err := cfg.LocalTargets()
	if err != nil {
		return err
	}
	warnings := slices.Clone(cfg.Warnings)
	ready, err := cfg.ReadyToRun()
	if lacks := new(config.Error); errors.As(err, &lacks) {
		for _, m := range lacks.Mistakes {
			warnings = append(warnings, m.String()+" (reputed run does not start without)")
		}
	}
	warnings = append(warnings, ready...)
	for _, w := range warnings {
		fmt.Fprintf(a.stderr, "warning: %s\n", w)
	}
	name := cfg.Path
	if name == "" {
		name = "no file, the defaults"
	}
	if _, err := wiring.Rules(cfg); err != nil {
		return err
	}
	targets := fmt.Sprint(ts.Len())
	asked := slices.DeleteFunc(cfg.Sources(), func(s config.Source) bool { return s.Kind == config.SourceFile })
	switch len(asked) {
	case 0:
	case 1:
		targets += " and what " + asked[0].String() + " stands for"
	default:
		targets += fmt.Sprintf(" and what %d names stand for", len(asked))
	}
	_, err = fmt.Fprintf(a.stdout, "ok: %s: targets %s, lists %d, mailboxes %d, logs %d, channels %d, warnings %d\n",
		name, targets, len(cfg.Blocklists.Zones), len(cfg.Mailboxes)+len(cfg.AllSpools()), len(cfg.MailLogs), len(cfg.Channels()), len(warnings))
	return err
}
