package monitor

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// logEnd logs how a run ended; ctx is the Monitor's. Being told to stop is no failure.
func (j *job) logEnd(ctx context.Context, slot time.Time, took time.Duration, err error) {
	attrs := []slog.Attr{slog.Time("slot", slot), slog.Duration("took", took)}
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		j.log.LogAttrs(ctx, slog.LevelInfo, "job stopped", attrs...)
	case err != nil:
		j.log.LogAttrs(ctx, slog.LevelWarn, "job failed", append(attrs, slog.Any("err", err))...)
	default:
		j.log.LogAttrs(ctx, slog.LevelDebug, "job done", attrs...)
	}
}

// Why a slot had no run of its own.
const (
	skipRunning = "the run before it had not ended"
	skipMissed  = "the machine slept, its clock was set forward, or this program did not run; missed slots are one run"
)

// logSkip logs that n slots, the last of them given, get no run of their own.
func (j *job) logSkip(ctx context.Context, slot time.Time, n int, why string, lastStart time.Time) {
	j.log.LogAttrs(ctx, slog.LevelWarn, "slot skipped", slog.Time("slot", slot), slog.Int("slots", n),
		slog.String("reason", why), slog.Time("last_start", lastStart))
}
