package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/checks/identity"
	"reputed/internal/config"
	"reputed/internal/expand"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

// watch is what the daemon watches at one time. It is replaced, never changed.
type watch struct {
	targets checks.Targets
	ours    bounce.Ours
}

// sources is what the entries that stand for addresses stood for when that was last
// known. It lives in memory: a daemon that starts asks first of all.
type sources struct {
	all   []config.Source
	asker identity.Asker
	log   *slog.Logger
	began time.Time

	turn   sync.Mutex // held while one asks and what follows is stored
	mu     sync.Mutex
	known  map[config.Source]expand.Expansion
	failed map[config.Source]error // of the last try; nil: it went well
}

const (
	// expandPatience is how long a start waits for sources. Mails wait for it too.
	expandPatience = 30 * time.Second
)

func newSources(cfg *config.Config, asker identity.Asker, log *slog.Logger) *sources {
	return &sources{all: cfg.Sources(), asker: asker, log: log, began: time.Now(), known: map[config.Source]expand.Expansion{}, failed: map[config.Source]error{}}
}

// refresh expands sources again. What cannot be expanded now keeps what it last stood for. The
// error is the context's: then nothing changes.
func (s *sources) refresh(ctx context.Context, some []config.Source) error {
	outcomes := expand.Each(ctx, s.asker, some)
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, source := range some {
		x, err := outcomes[i].Expansion, outcomes[i].Err
		before, known := s.known[source]
		s.failed[source] = err
		if err != nil {
			s.log.LogAttrs(ctx, slog.LevelWarn, "target not expanded", slog.String("target", source.String()),
				slog.String("kept", before.String()), slog.Any("err", err))
			continue
		}
		s.known[source] = x
		fresh, gone := missingFrom(before.Words, x.Words), missingFrom(x.Words, before.Words)
		switch {
		case !known:
			s.log.LogAttrs(ctx, slog.LevelInfo, "target expanded", slog.String("target", source.String()), slog.String("to", x.String()))
		case len(fresh)+len(gone) > 0:
			s.log.LogAttrs(ctx, slog.LevelInfo, "target changed", slog.String("target", source.String()),
				slog.String("new", expand.Some(fresh)), slog.String("gone", expand.Some(gone)))
		}
		for _, text := range missingFrom(before.Left, x.Left) {
			s.log.LogAttrs(ctx, slog.LevelWarn, "part of a target is not asked about", slog.String("target", source.String()), slog.String("why", text))
		}
	}
	return nil
}

// missingFrom are the words that were not there before.
func missingFrom(before, now []string) []string {
	had := make(map[string]bool, len(before))
	for _, w := range before {
		had[w] = true
	}
	return slices.DeleteFunc(slices.Clone(now), func(w string) bool { return had[w] })
}

// words are what a source stands for, as far as is known.
func (s *sources) words(source config.Source) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[source].Words
}

// unknown are the sources that have never been expanded.
func (s *sources) unknown() []config.Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.all), func(source config.Source) bool {
		_, known := s.known[source]
		return known
	})
}

// findings say of each source whether it can be expanded, where that is a problem or was
// one. That the DNS does not answer moves nothing, unless nothing was ever known and it lasts.
func (s *sources) findings(now time.Time, was func(checks.Key) bool) []checks.Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []checks.Finding
	for _, source := range s.all {
		err, tried := s.failed[source]
		x, known := s.known[source]
		f := expand.Missed(source, err)
		f.At = now
		switch {
		case !tried:
			continue
		case err == nil:
			f = monitorFinding(expand.Check, expand.Part(source), now)
			f.Summary = fmt.Sprintf("%s stands for %s", source, x)
			if !was(f.Key) {
				continue
			}
		case errors.Is(err, identity.ErrUnanswered) && (known || now.Sub(s.began) < Patience):
			continue
		case known:
			f.Severity = checks.Minor
			f.Summary = fmt.Sprintf("%s leads nowhere any more, and what it stood for before is watched (%s): %v", source, x, err)
		}
		if err != nil {
			f.Summary = checks.Line(f.Summary, 300)
			f.Evidence = []checks.Evidence{{Question: "expand " + source.String(), Answer: err.Error(), At: now}}
		}
		out = append(out, f)
	}
	return out
}

// rewatch makes a new watch of what is known.
func (d *Daemon) rewatch() error {
	targets, err := d.cfg.TargetsWith(d.sources.words)
	if err != nil {
		return err
	}
	names, _ := d.hosts.Names(expand.Reversible(d.cfg, targets.All()))
	for _, n := range names {
		if err := targets.Add(n.Name, n.Of.Pool, n.Of.Tags); err != nil {
			return err
		}
	}
	ours, err := wiring.Ours(d.cfg, targets)
	if err != nil {
		return err
	}
	d.watch.Store(&watch{targets, ours})
	for _, w := range d.cfg.Pace(targets) {
		if !d.paced[w] {
			d.paced[w] = true
			d.log.LogAttrs(context.Background(), slog.LevelWarn, "limits of a list", slog.String("warning", w))
		}
	}
	return nil
}

// expandFirst expands everything when the daemon starts, and waits no longer than a while.
func (d *Daemon) expandFirst(ctx context.Context) {
	limited, done := context.WithTimeout(ctx, expandPatience)
	defer done()
	if err := d.expand(limited, d.sources.all); err != nil && ctx.Err() == nil {
		d.log.LogAttrs(ctx, slog.LevelWarn, "targets not expanded at the start, trying again", slog.Any("err", err))
	}
}

// expandAgain tries sources that have never been expanded, without waiting for the next round.
func (d *Daemon) expandAgain(ctx context.Context, _ time.Time) error {
	if unknown := d.sources.unknown(); len(unknown) > 0 {
		return d.expand(ctx, unknown)
	}
	return nil
}

// expand finds out what sources stand for, and watches that from then on.
func (d *Daemon) expand(ctx context.Context, some []config.Source) error {
	d.sources.turn.Lock()
	defer d.sources.turn.Unlock()
	if err := d.sources.refresh(ctx, some); err != nil {
		return err
	}
	if err := d.rewatch(); err != nil {
		return err
	}
	known, err := d.db.Known(ctx, expand.Check)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	findings := d.sources.findings(now, func(k checks.Key) bool { _, ok := known[k]; return ok })
	gone, err := d.gone(ctx, now)
	if err != nil {
		return err
	}
	if findings = append(findings, gone...); len(findings) == 0 {
		return nil
	}
	return d.commit(ctx, store.Batch{}, findings, false)
}

// goneNote is what an incident about targets that are not asked about any more says.
const goneNote = "%s: no longer among what the configuration leads to, so not asked about any more. Whether it is still listed is not known; resolve the incident by hand once it does not matter"

// gone gives findings about listings of targets that are not watched any more. Nobody will
// ask about them again, so nothing is known from now on: an incident neither goes on as if it were
// seen, nor ends as if somebody had found it clean. It gets a note, once, and is a person's
// to resolve. Where a source has never been expanded, nothing can be said to be gone.
func (d *Daemon) gone(ctx context.Context, now time.Time) ([]checks.Finding, error) {
	if len(d.sources.unknown()) > 0 {
		return nil, nil
	}
	known, err := d.db.Known(ctx, monitor.JobDNSBL)
	if err != nil {
		return nil, err
	}
	targets := d.watch.Load().targets
	var findings []checks.Finding
	left := map[string]bool{}
	for key := range known {
		t, err := checks.ParseID(key.Target)
		if err != nil || t.Kind != checks.KindAddress && t.Kind != checks.KindDomain {
			continue
		}
		if _, watched := targets.Find(t); watched || t.Kind == checks.KindDomain && d.hosts.Owed {
			continue // it may be the PTR name of an address whose name is not known now
		}
		left[key.Target] = true
		findings = append(findings, checks.Finding{
			Key: key, Target: t, Code: checks.CodeNoAnswer, Status: checks.Unknown, At: now,
			Summary: fmt.Sprintf("%s is not asked about any more: the configuration does not lead to it", t),
		})
	}
	if len(left) == 0 {
		return nil, nil
	}
	return findings, d.noteGone(ctx, left, now)
}

// noteGone writes into each open incident which of its targets are not asked about
// any more, once.
func (d *Daemon) noteGone(ctx context.Context, left map[string]bool, now time.Time) error {
	open, err := d.db.Incidents(ctx, store.IncidentFilter{Limit: -1})
	if err != nil {
		return err
	}
	for _, inc := range open {
		var of []string
		for _, m := range inc.Members {
			if t := m.Finding.Key.Target; m.Finding.Key.Check == monitor.JobDNSBL && !m.Clear && left[t] && !slices.Contains(of, t) {
				of = append(of, t)
			}
		}
		if len(of) == 0 {
			continue
		}
		slices.Sort(of)
		note := fmt.Sprintf(goneNote, expand.Some(of))
		history, err := d.db.Incident(ctx, inc.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(history.Events, func(e store.Event) bool { return e.Kind == alerts.AddNote.Done() && e.Note == checks.Line(note, 500) }) {
			continue
		}
		if _, err := d.db.Act(ctx, alerts.Action{Kind: alerts.AddNote, Incident: inc.ID, Note: note, At: now}, nil); err != nil && !errors.Is(err, store.ErrIncidentOver) {
			return err
		}
	}
	return nil
}
