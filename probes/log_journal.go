package probes

import (
	"context"
	"time"
)

type journalRun struct{ logHand }

func (j *journalRun) look(ctx context.Context) (time.Duration, error) { return time.Second, nil }
func (j *journalRun) close()                                          {}
