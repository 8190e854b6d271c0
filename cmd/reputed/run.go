package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

func (a *app) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Watch addresses, domains and the bounce mailbox until told to stop",
		Long: `Run the daemon: ask the lists on schedule, read the bounce mailbox, keep
incidents, send alerts. It stays in the foreground and logs to stderr.

SIGTERM or Ctrl-C stops it within 10 seconds. SIGHUP reads the configuration
again; if it is wrong, the old one stays in force and the log says why.`,
		Example: "  reputed run --config /etc/reputed/config.toml",
		Args:    args(0, 0, ""),
		RunE:    func(c *cobra.Command, _ []string) error { return a.runDaemon(c.Context()) },
	}
}

// runDaemon runs the daemon over and over: once for each configuration that
// SIGHUP brings, until ctx ends.
func (a *app) runDaemon(ctx context.Context) error {
	cfg, err := a.loadConfig(config.Resolve)
	if err != nil {
		return err
	}
	svc := daemon.NewService(newLog(a.stderr, cfg.Log))
	defer context.AfterFunc(ctx, svc.Stopping)()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		next, err := a.runWith(ctx, cfg, svc, hup)
		if err != nil || next == nil || ctx.Err() != nil {
			return err
		}
		cfg = next
	}
}

// runWith runs the daemon with one configuration, and gives the next one if a
// SIGHUP brought one that is right; nil means that it was told to stop.
func (a *app) runWith(ctx context.Context, cfg *config.Config, svc daemon.Service, hup <-chan os.Signal) (next *config.Config, err error) {
	log := newLog(a.stderr, cfg.Log)
	warnings, err := cfg.ReadyToRun()
	if err != nil {
		return nil, configError(err)
	}
	for _, w := range append(append([]string{}, cfg.Warnings...), warnings...) {
		log.LogAttrs(ctx, slog.LevelWarn, "configuration", slog.String("warning", w))
	}
	opened := svc.Opening()
	db, err := wiring.OpenStore(ctx, cfg, log)
	opened()
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil, nil // told to stop before it had begun
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	channels, err := wiring.Channels(cfg, db, log)
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	d, err := daemon.New(daemon.Options{Config: cfg, DB: db, Channels: channels, Version: version(), Log: log, Service: svc})
	if err != nil {
		return nil, err
	}

	run, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- d.Run(run) }()
	for {
		select {
		case err := <-done:
			if err == nil && (next == nil || ctx.Err() != nil) { // an error is told by whoever gets it, a reload was told
				log.LogAttrs(context.WithoutCancel(ctx), slog.LevelInfo, "stopped")
			}
			return next, err
		case <-hup:
			svc.Reloading() // ready says that it is over: at once if nothing changes, else when the new one works
			loaded, err := a.reload(ctx, cfg, db)
			if err != nil {
				log.LogAttrs(ctx, slog.LevelError, "configuration not reloaded, the old one stays in force", slog.Any("err", err))
				d.NotReloaded(ctx, err)
				svc.Ready()
				continue
			}
			log.LogAttrs(ctx, slog.LevelInfo, "configuration reloaded")
			next = loaded
			stop()
		}
	}
}

// reload reads the configuration again and puts a whole daemon together from it,
// which is thrown away: what cannot be started must not stop what runs.
func (a *app) reload(ctx context.Context, now *config.Config, db *store.DB) (_ *config.Config, err error) {
	loaded, err := a.loadConfig(config.Resolve)
	if err != nil {
		return nil, err
	}
	if _, err := loaded.ReadyToRun(); err != nil {
		return nil, err
	}
	channels, err := wiring.Channels(loaded, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if loaded.Database.Path != now.Database.Path {
		if db, err = wiring.OpenStore(ctx, loaded, nil); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
	}
	if _, err := daemon.New(daemon.Options{Config: loaded, DB: db, Channels: channels, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	return loaded, nil
}

// newLog is the daemon's log: text for people, coloured on a terminal, or JSON.
func newLog(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	term := report.Detect(w, os.Getenv)
	switch {
	case c.Format == "json":
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	case term.TTY:
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: level, NoColor: !term.Color}))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
