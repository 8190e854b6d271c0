package daemon

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"reputed/checks"
	"reputed/checks/reputation"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/internal/wiring"
	"reputed/probes"
)

// ratingTimeout ends a round of scores, or of one programme.
const ratingTimeout = time.Hour

// saveEvery is how many readings are written together.
const saveEvery = 500

// raters are those who rate senders, as the configuration has them.
type raters struct {
	scores     reputation.Scores
	programmes []*programme

	judged map[checks.Key]time.Time // of recorded readings: the last that was judged; of one job alone
}

// programme is one provider's programme and how reading it stands.
type programme struct {
	name, title string
	job         string
	sources     []reputation.Source
	// read asks for everything; of several domains those that could be read come with the error of the others.
	read func(ctx context.Context, d *Daemon, now time.Time) ([]reputation.Reading, error)

	mu    sync.Mutex
	since time.Time // since when it cannot be read; zero: it can
}

// newRaters puts them together. It connects to nothing.
func newRaters(cfg *config.Config, asker reputation.Asker, db *store.DB, log *slog.Logger) (*raters, error) {
	c := cfg.Reputation
	r := &raters{scores: reputation.Scores{Asker: asker, Scores: c.Scores, Span: Span(c.Times, time.Now())}, judged: map[checks.Key]time.Time{}}
	rules := cfg.HTTP.Rules()
	for _, s := range c.SNDS {
		secrets := func() []string { return []string{s.Key.Reveal()} }
		snds := reputation.SNDS{Web: probes.NewWeb(probes.WebOptions{Name: s.Name, Secrets: secrets, Rules: rules, Log: log}), Base: s.URL, Key: s.Key.Reveal}
		r.programmes = append(r.programmes, &programme{name: s.Name, title: "Microsoft SNDS", job: "source:" + s.Name, sources: reputation.SNDSSources(),
			read: func(ctx context.Context, d *Daemon, _ time.Time) ([]reputation.Reading, error) {
				return d.readSNDS(ctx, snds)
			}})
	}
	for _, p := range c.Postmaster {
		roots, err := wiring.Authorities(p.CAFile)
		if err != nil {
			return nil, &config.Invalid{Err: fmt.Errorf("[[reputation.postmaster]] %s: %w", p.Name, err)}
		}
		oauth, err := probes.NewOAuth(probes.OAuthOptions{
			Name: p.Name, Provider: probes.ProviderGoogle, TokenURL: p.TokenURL, ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal,
			RefreshToken: p.RefreshToken.Reveal, ServiceAccount: p.ServiceAccount.Reveal, Subject: p.Subject,
			Scopes: scopes(p), RootCAs: roots, Rules: rules, Keep: wiring.KeptToken{DB: db, Who: "source " + p.Name}, Log: log,
		})
		if err != nil {
			return nil, &config.Invalid{Err: err}
		}
		tools := reputation.Postmaster{Web: probes.NewWeb(probes.WebOptions{Name: p.Name, OAuth: oauth, RootCAs: roots, Rules: rules, Log: log}), Base: p.URL}
		var domains []checks.Target
		for _, name := range p.Domains {
			domain, err := checks.Domain(name)
			if err != nil {
				return nil, &config.Invalid{Err: err}
			}
			domains = append(domains, domain)
		}
		r.programmes = append(r.programmes, &programme{name: p.Name, title: "Google Postmaster Tools", job: "source:" + p.Name, sources: reputation.PostmasterSources(),
			read: func(ctx context.Context, d *Daemon, now time.Time) ([]reputation.Reading, error) {
				return d.readPostmaster(ctx, tools, domains, now)
			}})
	}
	return r, nil
}

// scopes are asked for where the token endpoint does not know them from the consent.
func scopes(p config.Postmaster) []string {
	if p.RefreshToken.Given() {
		return nil
	}
	return []string{reputation.PostmasterScope}
}

// jobs are the jobs of all raters, one each, so that one that is slow or gone delays nobody else. Last is when each last did its whole work.
func (r *raters) jobs(ctx context.Context, d *Daemon) ([]monitor.Job, error) {
	jobs := []monitor.Job{{Name: monitor.JobRecorded, Schedule: monitor.Every(tickEvery), First: true, Run: d.judgeRecorded}}
	add := func(name string, run func(context.Context, time.Time) error) error {
		last, _, err := d.db.LastCompleteRun(ctx, name)
		jobs = append(jobs, monitor.Job{Name: name, Schedule: d.cfg.Reputation.Times, First: true, Last: last.Started, Timeout: ratingTimeout, Run: run})
		return err
	}
	if len(r.scores.Scores) > 0 {
		if err := add(monitor.JobScores, d.askScores); err != nil {
			return nil, err
		}
	}
	for _, p := range r.programmes {
		if err := add(p.job, func(ctx context.Context, _ time.Time) error { return d.askProgramme(ctx, p) }); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

// rateable are the targets that scores are asked about.
func (d *Daemon) rateable() iter.Seq[checks.Target] { return d.watch.Load().targets.All() }

// askScores asks all scores about all targets once.
func (d *Daemon) askScores(ctx context.Context, _ time.Time) error {
	return d.asRun(ctx, monitor.JobScores, func(ctx context.Context, now time.Time, first bool) (store.Summary, error) {
		var sources []reputation.Source
		for _, s := range d.raters.scores.Scores {
			sources = append(sources, reputation.ScoreSource(s))
		}
		r, err := d.newRated(ctx, now, sources)
		if err != nil {
			return store.Summary{}, err
		}
		results, err := d.raters.scores.Ask(ctx, now, d.rateable(), func(x reputation.Reading) { r.add(ctx, x) })
		var summary store.Summary
		for _, s := range results {
			summary.Questions += s.Asked
			if s.State != reputation.Working {
				r.unknown(s)
			}
			if f, ok := s.Finding(now); ok {
				r.tell(f)
			}
			d.log.LogAttrs(ctx, slog.LevelDebug, "score asked", slog.String("score", s.ID), slog.String("state", string(s.State)),
				slog.Int("asked", s.Asked), slog.Int("answered", s.Answered), slog.String("why", s.Why))
		}
		return summary, errors.Join(err, r.commit(ctx, first))
	})
}

// unknown says of all that is known of a score that it gave no answer.
func (r *rated) unknown(s reputation.ScoreResult) {
	for key := range r.known {
		t, err := checks.ParseID(key.Target)
		if err != nil || key.Source != s.ID || t.Kind == checks.KindList {
			continue
		}
		if _, told := r.findings[key]; !told {
			r.tell(checks.Finding{Key: key, Target: t, Status: checks.Unknown, Code: checks.CodeUnrated, At: r.now.UTC(),
				Summary: checks.Line(fmt.Sprintf("Nothing is known of what %s says of %s: %s", s.Title, t, s.Why), 300)})
		}
	}
}

// asRun does a job as a run that the database knows, so that a restart does not do it again.
func (d *Daemon) asRun(ctx context.Context, job string, do func(ctx context.Context, now time.Time, first bool) (store.Summary, error)) error {
	now := time.Now().UTC()
	first, err := d.db.FirstRun(ctx, job)
	if err != nil {
		return err
	}
	run, err := d.db.BeginRun(ctx, job, now)
	if err != nil {
		return err
	}
	summary, failed := do(ctx, now, first)
	if failed != nil {
		summary.Trouble = checks.Line(failed.Error(), 300)
	}
	last, done := lasting(ctx)
	defer done()
	return errors.Join(failed, d.db.FinishRun(last, run, time.Now(), summary))
}

// askProgramme reads one programme. That it cannot be read is a finding once it lasts, and no error
// of the job.
func (d *Daemon) askProgramme(ctx context.Context, p *programme) error {
	return d.asRun(ctx, p.job, func(ctx context.Context, now time.Time, first bool) (store.Summary, error) {
		readings, failed := p.read(ctx, d, now)
		if ctx.Err() != nil {
			return store.Summary{}, ctx.Err()
		}
		r, err := d.newRated(ctx, now, p.sources)
		if err != nil {
			return store.Summary{}, err
		}
		for _, x := range readings {
			r.add(ctx, x)
		}
		r.flush(ctx)
		since := p.stands(failed, now)
		if failed != nil {
			d.log.LogAttrs(ctx, slog.LevelWarn, "source not read", slog.String("source", p.name), slog.Any("err", failed))
		}
		summary := store.Summary{Questions: len(readings)}
		if failed != nil {
			summary.Trouble = checks.Line(failed.Error(), 300)
		}
		if f, ok := reputation.ProgrammeFinding(p.name, p.title, failed, since, now); ok {
			about, err := d.db.Known(ctx, f.Key.Check)
			if err != nil {
				return summary, err
			}
			if _, known := about[f.Key]; known {
				r.known[f.Key] = struct{}{}
			}
			r.tell(f)
		}
		return summary, r.commit(ctx, first)
	})
}

// stands notes whether a programme could be read, and gives since when it cannot.
func (p *programme) stands(failed error, now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case failed == nil:
		p.since = time.Time{}
	case p.since.IsZero():
		p.since = now
	}
	return p.since
}

// readSNDS gives what SNDS says of the addresses that are watched.
func (d *Daemon) readSNDS(ctx context.Context, s reputation.SNDS) ([]reputation.Reading, error) {
	report, err := s.Ask(ctx)
	if err != nil {
		return nil, err
	}
	known, err := d.db.Known(ctx, reputation.CheckName)
	if err != nil {
		return nil, err
	}
	targets := d.watch.Load().targets
	var standing []checks.Target
	for key := range known {
		if t, err := checks.ParseID(key.Target); err == nil && key.Source == reputation.SNDSStatus {
			standing = append(standing, t)
		}
	}
	if report.Skipped > 0 {
		d.log.LogAttrs(ctx, slog.LevelWarn, "lines of SNDS not read", slog.Int("lines", report.Skipped))
	}
	return report.Readings(func(a netip.Addr) (checks.Target, bool) { return targets.Find(checks.Address(a)) }, standing), nil
}

// readPostmaster gives what Postmaster Tools says of each domain. A domain that the account does
// not see is no failure as long as it sees another.
func (d *Daemon) readPostmaster(ctx context.Context, tools reputation.Postmaster, domains []checks.Target, now time.Time) (all []reputation.Reading, err error) {
	seen := false
	var unseen error
	for _, domain := range domains {
		if t, ok := d.watch.Load().targets.Find(domain); ok {
			domain = t
		}
		readings, err := tools.Ask(ctx, domain, now)
		all = append(all, readings...)
		switch {
		case err == nil || len(readings) > 0 && reputation.NotSeen(err):
			seen = true
		case reputation.NotSeen(err):
			unseen = err
			d.log.LogAttrs(ctx, slog.LevelInfo, "domain not in Postmaster Tools", slog.String("target", domain.Name), slog.Any("err", err))
		default:
			return all, err // it would be so with the next one
		}
	}
	if !seen {
		return all, unseen
	}
	return all, nil
}

// judgeRecorded judges what people have recorded since the last time: the command that records
// writes the history, and the daemon makes of it what it makes of everything else.
func (d *Daemon) judgeRecorded(ctx context.Context, _ time.Time) error {
	histories, err := d.db.Recorded(ctx)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	var sources []reputation.Source
	for _, p := range reputation.Pages() {
		sources = append(sources, p.Source)
	}
	r, err := d.newRated(ctx, now, sources)
	if err != nil {
		return err
	}
	judged := map[checks.Key]time.Time{}
	for _, history := range histories {
		last := history[len(history)-1]
		source, ok := r.sources[last.Source]
		if !ok {
			continue
		}
		t := last.Target
		if watched, ok := d.watch.Load().targets.Find(t); ok {
			t = watched // with its pool and tags
		}
		f := source.Judge(t, history, now)
		if d.raters.judged[f.Key].Equal(last.At) {
			continue
		}
		judged[f.Key] = last.At
		r.tell(f)
	}
	if err := r.commit(ctx, false); err != nil {
		return err
	}
	for key, at := range judged {
		d.raters.judged[key] = at
	}
	return nil
}
