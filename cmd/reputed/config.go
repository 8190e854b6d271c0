package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/report"
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
mistake and every warning, each with its line. Exit code 78 if there is a mistake,
or nothing to watch or to ask, so that "reputed run" would not start.`,
		Example: `  reputed config check                              the file that the daemon reads
  reputed config check --config ./config.toml
  reputed config check --no-secrets                 for who may not read the secrets`,
		Args: args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			mode := config.Resolve
			if noSecrets {
				mode = config.Skip
			}
			return a.inParagraphs(a.configCheck(c.Context(), mode))
		},
	}
	c.Flags().BoolVar(&noSecrets, "no-secrets", false, "do not look secrets up")
	return c
}

func (a *app) configCheck(ctx context.Context, mode config.SecretMode) error {
	cfg, err := a.loadConfig(mode)
	if err != nil {
		return err
	}
	if err := alertPath(ctx, cfg, net.DefaultResolver.LookupNetIP); err != nil {
		return err
	}
	return a.configOK(cfg)
}

// inParagraphs says what is wrong with the configuration in lines as wide as the terminal, and leaves the exit code.
func (a *app) inParagraphs(err error) error {
	exit := new(exitError)
	if !errors.As(err, &exit) || exit.err == nil {
		return err
	}
	term := report.Detect(a.stderr, os.Getenv)
	for line := range strings.SplitSeq("reputed: "+exit.err.Error(), "\n") {
		fmt.Fprint(a.stderr, term.Paragraph(line))
	}
	return &exitError{code: exit.code}
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
// was read. Without what the daemon needs it gives the error of "reputed run" in place of that line.
func (a *app) configOK(cfg *config.Config) error {
	ts, err := cfg.LocalTargets()
	if err != nil {
		return err
	}
	warnings := slices.Clone(cfg.Warnings)
	ready, lacks := cfg.ReadyToRun()
	warnings = append(warnings, ready...)
	term := report.Detect(a.stderr, os.Getenv)
	for _, w := range warnings {
		fmt.Fprint(a.stderr, term.Paragraph("warning: "+w))
	}
	if _, err := wiring.Rules(cfg); err != nil || lacks != nil {
		return configError(errors.Join(err, lacks))
	}
	name := cfg.Path
	if name == "" {
		name = "no file, the defaults"
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
	_, err = io.WriteString(a.stdout, a.term().Paragraph(fmt.Sprintf("ok: %s: targets %s, lists %d, mailboxes %d, logs %d, channels %d, warnings %d",
		name, targets, len(cfg.Blocklists.Zones), len(cfg.Mailboxes)+len(cfg.AllSpools()), len(cfg.MailLogs), len(cfg.Channels()), len(warnings))))
	return err
}
