package daemon

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/dnsbl"
	"reputed/internal/monitor"
	"reputed/internal/store"
)

// round asks all lists about all targets once, commits what follows, and lets whoever
// watches us from outside know how it went.
func (d *Daemon) round(ctx context.Context, _ time.Time) error {
	summary, err := d.askAll(ctx)
	d.beat(ctx, summary, err)
	return err
}

// askAll is the round itself.
func (d *Daemon) askAll(ctx context.Context) (summary store.Summary, err error) {
	began := time.Now()
	// A database that cannot be written keeps nobody from asking: what is seen is kept in memory and told from there.
	var unstored error
	if err := d.expand(ctx, d.sources.all); err != nil {
		if !unwritable(ctx, err) {
			return summary, err
		}
		unstored = err
	}
	if err := d.lookUpHostNames(ctx); err != nil {
		return summary, err
	}
	first, err := d.db.FirstRun(ctx, monitor.JobDNSBL)
	if err != nil {
		return summary, err
	}
	before, err := d.lastRound(ctx)
	if err != nil {
		return summary, err
	}
	run, err := d.db.BeginRun(ctx, monitor.JobDNSBL, began)
	if err != nil {
		if !unwritable(ctx, err) {
			return summary, err
		}
		d.unable(ctx, nil, err)
		unstored = err
	}
	lists := d.lists
	targets := d.watch.Load().targets
	var quarantined []blocklists.Zone
	lists.Options.Failing = failing(before)
	lists.Zones, quarantined = sortOut(d.lists.Zones, lists.Options.Failing, began)
	lists.Options.Turns = Turns(d.cfg.Blocklists.Paced(lists.Zones), targets.All(), Span(d.cfg.Schedule.DNSBLTimes, began), before)
	result, err := d.ask(ctx, lists, targets.All(), first)
	summary = runSummary(result)
	carry(&summary, began, lists.Options.Failing, quarantined)
	switch {
	case err != nil:
		summary.Trouble = checks.Line(err.Error(), 300)
	case result.Rewriting:
		summary.Trouble = "the resolver invents answers"
	case result.Blind:
		summary.Trouble = "most lists had no answer"
	}
	// What a run came to is written down even if it was cut short by the end of ctx.
	last, done := lasting(ctx)
	defer done()
	if unstored != nil {
		return summary, errors.Join(unstored, err)
	}
	if finish := d.db.FinishRun(last, run, time.Now(), summary); err == nil {
		err = finish
	}
	if err != nil {
		return summary, err
	}
	d.log.LogAttrs(ctx, slog.LevelInfo, "round finished",
		slog.Int("targets", summary.Targets), slog.Int("questions", summary.Questions), slog.Int("lists", len(summary.Lists)),
		slog.Duration("took", time.Since(began).Round(time.Millisecond)), slog.String("trouble", summary.Trouble))
	return summary, nil
}

// lasting is ctx and a second more, for writing down what a run came to even if it was cut short. As long as ctx lasts
// nothing is cut short: on a slow disk one commit waits for another, and a round that was asked in vain is asked again.
func lasting(ctx context.Context) (last context.Context, done context.CancelFunc) {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, cancel) })
	return last, func() { stop(); cancel() }
}

// lastBeat bounds the call of a round whose own time is over.
const lastBeat = 5 * time.Second

// beat calls the heartbeat: after a complete round, or after one that was not. One that
// was cut short because we are told to stop is neither.
func (d *Daemon) beat(ctx context.Context, s store.Summary, failed error) {
	if d.heart == nil || errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	if ctx.Err() != nil { // the round's own time is over
		var done context.CancelFunc
		ctx, done = context.WithTimeout(context.WithoutCancel(ctx), lastBeat)
		defer done()
	}
	complete := failed == nil && s.Trouble == ""
	text := fmt.Sprintf("round complete: %d targets, %d questions, %d lists", s.Targets, s.Questions, len(s.Lists))
	switch {
	case failed != nil:
		text = "round not complete: " + checks.Line(failed.Error(), 300)
	case !complete:
		text = "round not complete: " + s.Trouble
	}
	if err := d.heart.Beat(ctx, complete, text); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		d.log.LogAttrs(ctx, slog.LevelWarn, "heartbeat not taken", slog.Bool("complete", complete), slog.Any("err", err))
	}
}

// askNamed asks about the targets that bounces have just named, without waiting
// for the next round.
func (d *Daemon) askNamed(ctx context.Context, _ time.Time) error {
	waiting := d.named.take()
	if len(waiting) == 0 {
		return nil
	}
	before, err := d.lastRound(ctx)
	if err != nil {
		return err
	}
	var targets []checks.Target
	named := map[checks.Key]bool{}
	for _, n := range waiting {
		targets = append(targets, n.target)
		for list := range n.lists {
			named[checks.Key{Check: monitor.JobDNSBL, Target: n.target.ID(), Source: list}] = true
		}
	}
	lists := d.lists
	lists.Options.Failing = failing(before)
	lists.Zones, _ = sortOut(d.lists.Zones, lists.Options.Failing, time.Now())
	lists.Options.Named = func(k checks.Key) bool { return named[k] }
	if _, err = d.ask(ctx, lists, slices.Values(targets), false); err != nil {
		for _, n := range waiting { // for the next time that one is named
			d.named.add(n.target, "", time.Now())
			for list := range n.lists {
				d.named.add(n.target, list, time.Now())
			}
		}
		return err
	}
	d.named.done(waiting, time.Now())
	return nil
}

// commitEvery is how long a finding waits at most for others of its round: those
// that come together are told together.
const commitEvery = 30 * time.Second

// sightless says that no list at all had an answer.
func sightless(r dnsbl.Result) bool {
	return r.Blind && !slices.ContainsFunc(r.Lists, func(l dnsbl.ListResult) bool {
		return l.State != dnsbl.Unknown && l.State != dnsbl.NotNeeded
	})
}

// ask runs the check over some targets and commits its findings. Of a run that is
// cut short it commits what was seen until then: a question that was not put has no
// finding, and so moves nothing.
func (d *Daemon) ask(ctx context.Context, lists dnsbl.Check, targets iter.Seq[checks.Target], first bool) (dnsbl.Result, error) {
	known, err := d.db.Known(ctx, monitor.JobDNSBL)
	if err != nil {
		return dnsbl.Result{}, err
	}
	resolver, err := d.db.Known(ctx, "resolver")
	if err != nil {
		return dnsbl.Result{}, err
	}
	maps.Copy(known, resolver)
	// A round of a large user takes an hour where a list asks for patience. What a
	// list that is done has said is not held back until the slowest is.
	var findings []checks.Finding
	var trouble error
	committed := time.Now()
	flush := func(ctx context.Context) {
		switch {
		case len(findings) == 0:
			return
		case trouble == nil:
			trouble = d.commit(ctx, store.Batch{}, findings, first)
		default: // not tried again in this round: to wait for a lock takes as long each time
			d.unable(ctx, findings, trouble)
		}
		findings, committed = nil, time.Now()
	}
	look := func() (dnsbl.Result, error) {
		return lists.Run(ctx, time.Now().UTC(), targets,
			func(k checks.Key) bool {
				_, ok := known[k]
				// What a refusal named is told of even if it is clean: that the two disagree is news.
				return ok || lists.Options.Named != nil && lists.Options.Named(k)
			},
			func(f checks.Finding) {
				// Never between two findings of one list: many of its targets are one incident.
				next := len(findings) > 0 && findings[len(findings)-1].Key.Source != f.Key.Source
				if next && time.Since(committed) > commitEvery {
					flush(ctx)
				}
				findings = append(findings, f)
			})
	}
	result, err := look()
	if err == nil && sightless(result) && len(resolver) == 0 && lists.Options.Confirm > 0 {
		// A resolver that is restarted is away for a second or two, and nobody is to be told of that.
		// The second look costs little, because lists that fail their controls are asked nothing else.
		d.log.LogAttrs(ctx, slog.LevelWarn, "no list answers, all are asked again", slog.Duration("after", lists.Options.Confirm))
		findings = nil // nothing but that it is not known; told only once it is confirmed, so not if we are stopped meanwhile
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(lists.Options.Confirm):
			result, err = look()
		}
	}
	last, done := lasting(ctx)
	defer done()
	flush(last)
	return result, errors.Join(err, trouble)
}
