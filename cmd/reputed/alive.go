package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"reputed/internal/report"
)

// alive says whether a daemon works on the database, and nothing of incidents: a container
// must not be started anew because an address is listed. The daemon signs its lease each
// half minute, so that one that cannot write any more is not alive either.
func (a *app) alive(ctx context.Context, now time.Time) error {
	db, _, _, err := a.openStored(ctx)
	if exit := (*exitError)(nil); errors.As(err, &exit) {
		return err
	}
	if err != nil {
		return &exitError{exitUnknown, err}
	}
	defer db.Close()
	lease, err := db.LeaseInfo(ctx)
	if err != nil {
		return &exitError{exitUnknown, err}
	}
	switch {
	case lease.Alive(now):
		_, err := fmt.Fprintf(a.stdout, "alive: process %d on %s, last sign %s ago\n", lease.PID, lease.Host, now.Sub(lease.Renewed).Round(time.Second))
		return err
	case lease.Renewed.IsZero():
		return &exitError{int(report.LevelCritical), errors.New("no daemon runs on this database: it was stopped, or never ran")}
	}
	if lease.Held {
		return &exitError{int(report.LevelCritical), fmt.Errorf("the daemon is there, and has not been able to write the database for %s", now.Sub(lease.Renewed).Round(time.Second))}
	}
	return &exitError{int(report.LevelCritical), fmt.Errorf("the daemon is not running, last sign of life %s ago", now.Sub(lease.Renewed).Round(time.Second))}
}
