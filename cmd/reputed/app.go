package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// app is the command line with its three streams, so that a test runs it as a
// user does.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	configPath string // --config; empty: /etc/reputed/config.toml if it exists
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
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintf(a.stderr, "reputed: %v\n", exit.err)
		}
		return exit.code
	default:
		fmt.Fprintf(a.stderr, "reputed: %v\n", err)
		return exitMinor
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "reputed",
		Short:         "Watch what the mail world thinks of the servers you send from",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError(c, err)
	})
	root.PersistentFlags().StringVar(&a.configPath, "config", "", "configuration `FILE` (default /etc/reputed/config.toml if it exists)")
	// Every command is named here, one file each.
	root.AddCommand(
		a.versionCommand(),
	)
	return root
}

// usageError says what is wrong with a command line and where to look it up.
func usageError(c *cobra.Command, err error) error {
	return &exitError{exitUsage, fmt.Errorf("%w\nTry \"%s --help\"", err, c.CommandPath())}
}
