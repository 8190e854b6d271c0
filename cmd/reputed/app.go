package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"reputed/internal/config"
)

// app is the command line with its three streams, so that a test runs it as a
// user does.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	configPath   string // --config; empty: /etc/reputed/config.toml if it exists
	databasePath string // --database of commands that only look; empty: that of the configuration

	authorityPort int                  // of lists' own name servers; 0: the usual one
	lapse         func(*config.Config) // shortens the waits of each configuration that is read; nil: they stay
}

// Exit codes (design section 6). check, status and "lists test" speak the monitoring-plugin
// convention; usage and configuration errors are those of sysexits.h.
const (
	exitOK      = 0
	exitMinor   = 1 // something minor or policy; for other commands: failed
	exitMajor   = 2 // something critical or major
	exitUnknown = 3 // could not tell
	exitUsage   = 64
	exitConfig  = 78
)

// exitError ends the program with a code. Err may be nil: everything was said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// main runs one command line and gives the exit code.
func (a *app) main(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var exit *exitError
	var invalid *config.Invalid
	switch {
	case err != nil && delivering(args):
		fmt.Fprintf(a.stderr, "reputed: %v\n", err)
		return exitTempFail
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintf(a.stderr, "reputed: %v\n", exit.err)
		}
		return exit.code
	case errors.As(err, &invalid):
		fmt.Fprintf(a.stderr, "reputed: %v\n", err)
		return exitConfig
	default:
		fmt.Fprintf(a.stderr, "reputed: %v\n", err)
		return exitMinor
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "reputed",
		Short: "Watch what the mail world thinks of the servers you send from",
		Long: `reputed asks the DNS blocklists about the addresses and domains you send from,
reads the bounces that come back, and says what happened, how we know, what it
costs, and what to do.`,
		Example: `  reputed check 192.0.2.10                 ask now; no configuration needed
  reputed bounce mail.eml                  say what a bounce means
  reputed run --config /etc/reputed/config.toml
  reputed status                           how things stand`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	group(root)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { _, _ = io.WriteString(a.stdout, help(c, a.term())) })
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError(c, err)
	})
	root.PersistentFlags().StringVar(&a.configPath, "config", "", "`FILE` with the configuration (default "+defaultConfig+", if it is there)")
	// Every command is named here, one file each.
	root.AddCommand(
		a.demoCommand(),
		a.checkCommand(),
		a.runCommand(),
		a.statusCommand(),
		a.webCommand(),
		a.shareCommand(),
		a.incidentCommand(),
		a.letterCommand(),
		a.explainCommand(),
		a.reputationCommand(),
		a.identityCommand(),
		a.recordCommand(),
		a.historyCommand(),
		a.reportCommand(),
		a.replayCommand(),
		a.bounceCommand(),
		a.vendorsCommand(),
		a.knockCommand(),
		a.relayCommand(),
		a.egressCommand(),
		a.listsCommand(),
		a.doctorCommand(),
		a.planCommand(),
		a.drillCommand(),
		a.backupCommand(),
		a.restoreCommand(),
		a.configCommand(),
		a.manCommand(),
		a.versionCommand(),
	)
	a.complete(root)
	return root
}

// takesArguments is the annotation of a command that does something by itself besides holding others.
const takesArguments = "takes arguments"

// usageError says what is wrong with a command line and where to look it up.
func usageError(c *cobra.Command, err error) error {
	return &exitError{exitUsage, fmt.Errorf("%w\nTry \"%s --help\"", err, c.CommandPath())}
}
