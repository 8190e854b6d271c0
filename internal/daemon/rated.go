package daemon

import (
	"context"
	"time"

	"reputed/checks"
	"reputed/checks/reputation"
	"reputed/internal/store"
)

// rated gathers readings, writes them a few hundred at a time, and judges what they come to.
type rated struct {
	d        *Daemon
	now      time.Time
	sources  map[string]reputation.Source
	known    map[checks.Key]struct{}
	waiting  []reputation.Reading
	findings map[checks.Key]checks.Finding // the last of each question
	order    []checks.Key
	err      error
}

func (d *Daemon) newRated(ctx context.Context, now time.Time, sources []reputation.Source) (*rated, error) {
	known, err := d.db.Known(ctx, reputation.CheckName)
	r := &rated{d: d, now: now, known: known, sources: map[string]reputation.Source{}, findings: map[checks.Key]checks.Finding{}}
	for _, s := range sources {
		r.sources[s.ID] = s
	}
	return r, err
}

func (r *rated) add(ctx context.Context, x reputation.Reading) {
	if r.waiting = append(r.waiting, x); len(r.waiting) >= saveEvery {
		r.flush(ctx)
	}
}

// flush writes what waits. After an error nothing more is: what was asked for is asked for again.
func (r *rated) flush(ctx context.Context) {
	if r.err != nil || len(r.waiting) == 0 {
		r.waiting = nil
		return
	}
	histories, err := r.d.db.SaveReadings(ctx, r.now, r.waiting)
	if r.err = err; err == nil {
		for i, history := range histories {
			if x := r.waiting[i]; len(history) > 0 {
				r.tell(r.sources[x.Source].Judge(x.Target, history, r.now))
			}
		}
	}
	r.waiting = nil
}

// tell keeps a finding if there is something to tell: a problem, or about what was one.
func (r *rated) tell(f checks.Finding) {
	_, known := r.known[f.Key]
	_, told := r.findings[f.Key]
	if f.Status != checks.Problem && !known && !told {
		return
	}
	if !told {
		r.order = append(r.order, f.Key)
	}
	r.findings[f.Key] = f
}

// commit writes what it all comes to.
func (r *rated) commit(ctx context.Context, first bool) error {
	r.flush(ctx)
	if r.err != nil {
		return r.err
	}
	var all []checks.Finding
	for _, key := range r.order {
		if f := r.findings[key]; f.Status == checks.Problem {
			all = append(all, f)
		} else if _, known := r.known[key]; known {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return r.d.commit(ctx, store.Batch{}, all, first)
}
