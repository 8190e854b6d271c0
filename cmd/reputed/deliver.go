package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/probes"
)

// exitTempFail tells a mail server to keep the mail and try again (EX_TEMPFAIL of sysexits.h).
const exitTempFail = 75

// flagDeliver is the flag that makes a command line one of a mail server.
const flagDeliver = "deliver"

// delivering says whether a mail server runs this command line. To one, every failure is
// "try again", also a wrong flag or a configuration that cannot be read: with any other
// code it would return the mail, and what comes here has nobody to be returned to.
func delivering(args []string) bool {
	return slices.Contains(args, "--"+flagDeliver) || slices.Contains(args, "--"+flagDeliver+"=true")
}

// deliver takes the mail on standard input into the queue of the daemon. It needs no
// database, no configuration if the queue is named, and no daemon.
func (a *app) deliver(queue string) error {
	if queue == "" {
		cfg, err := a.loadConfig(config.Skip)
		if err != nil {
			return err
		}
		if queue = cfg.Bounces.Queue; queue == "" {
			return errors.New("no queue to deliver to: set queue in [bounces], or name one with --queue DIR")
		}
	}
	// It is the daemon that makes the queue. What is delivered to a name that was mistyped
	// would be read by nobody.
	err := probes.Deliver(queue, a.stdin, 0, time.Now())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("not delivered: there is no queue %s: the daemon makes it when it starts, if [bounces] queue names it", checks.Line(queue, 200))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("not delivered: %s: the user that the mail server runs this as must be able to write there (docs/bounces.md)", checks.Line(err.Error(), 300))
	case err != nil:
		return fmt.Errorf("not delivered: %s", checks.Line(err.Error(), 300))
	}
	return nil
}
