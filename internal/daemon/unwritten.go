package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/monitor"
	"reputed/internal/store"
)

// A database that cannot be written (its disk is full or read-only, something holds it locked) can keep no
// incident and no notice. The daemon goes on asking, keeps in memory what it sees, and tells of it directly, past the
// outbox: first that the database cannot be written, then every hour, and once when it is over. What it saw is
// found and told anew by the first round that can be stored.

const (
	// unwrittenPatience is how long the database may refuse to be written before anybody is told.
	unwrittenPatience = 5 * time.Minute
	// unwrittenAgain is how often that is repeated as long as it lasts.
	unwrittenAgain = time.Hour
	// unwrittenMost bounds what is kept of what could not be stored. A network that is listed as a whole has more.
	unwrittenMost = 1000
	// checkDatabase is the check of the finding about it: can the database be written?
	checkDatabase = "database"
)

// unwritten is what is known of a database that cannot be written. The zero value is one that can.
type unwritten struct {
	mu    sync.Mutex
	since time.Time // of the first failure in a row; zero: it can be written
	why   error     // the latest
	seen  map[checks.Key]checks.Finding
	left  int // problems that were seen besides

	well  time.Time       // since when it can be written again
	began time.Time       // since when it could not be, as was told; zero: nobody was told
	told  time.Time       // when last
	heard map[string]bool // the channels that have told of it
	about []alerts.Member // the trouble itself as it was told, for its end
}

// unwritable says whether err means that nothing can be written for now. Another daemon that has taken over, and
// being told to stop, mean something else.
func unwritable(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrLeaseLost) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// failed notes that findings could not be stored. Known says of which there was an incident before: those are no news.
func (u *unwritten) failed(now time.Time, err error, findings []checks.Finding, known func(checks.Key) bool) (first bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	first = u.since.IsZero()
	if first {
		u.since = now
	}
	u.why = err
	for _, f := range findings {
		switch _, there := u.seen[f.Key]; {
		case f.Status == checks.OK:
			delete(u.seen, f.Key)
		case f.Status != checks.Problem || !there && known(f.Key):
		case !there && len(u.seen) >= unwrittenMost:
			u.left++
		default:
			if u.seen == nil {
				u.seen = map[checks.Key]checks.Finding{}
			}
			u.seen[f.Key] = f
		}
	}
	return first
}

// worked notes that the database can be written, and says for how long it could not and whether there is something to be
// found again.
func (u *unwritten) worked(now time.Time) (lasted time.Duration, found bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	lasted, found = now.Sub(u.since), len(u.seen) > 0
	u.since, u.why, u.seen, u.left, u.well = time.Time{}, nil, nil, 0, now
	return lasted, found
}

// trouble says since when the database cannot be written, and why; zero: it can be.
func (u *unwritten) trouble() (since time.Time, why error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.since, u.why
}

// due gives what is to be told directly, and to which of the channels. quiet says whether people sleep, whom
// nothing but a critical problem wakes.
func (u *unwritten) due(now time.Time, channels []string, quiet bool) (n alerts.Notification, to []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, t := range []*time.Time{&u.since, &u.told, &u.well} { // a clock that is put back waits for nothing
		if now.Before(*t) {
			*t = now
		}
	}
	if u.since.IsZero() {
		if u.began.IsZero() || now.Sub(u.well) < unwrittenPatience {
			return n, nil // it is well, or may be out of space again in a moment
		}
		n = u.notification(alerts.Ended, now, u.began)
		for _, c := range channels {
			if u.heard[c] {
				to = append(to, c)
			}
		}
		u.began, u.told, u.heard, u.about = time.Time{}, time.Time{}, nil, nil
		return n, to
	}
	kind, began, wait := alerts.Reminder, u.began, now.Sub(u.told) < unwrittenAgain
	if len(u.heard) == 0 { // nobody has been told, whether or not that was tried
		kind, wait = alerts.Opened, now.Sub(u.told) < unwrittenPatience
	}
	if began.IsZero() {
		began, wait = u.since, now.Sub(u.since) < unwrittenPatience
	}
	if wait {
		return n, nil
	}
	n = u.notification(kind, now, began)
	if quiet && n.Incident.Severity != checks.Critical {
		return alerts.Notification{}, nil
	}
	u.began, u.told = began, now
	return n, channels
}

// took notes that a channel has told of it.
func (u *unwritten) took(channel string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.heard == nil {
		u.heard = map[string]bool{}
	}
	u.heard[channel] = true
}

// notification needs u.mu.
func (u *unwritten) notification(kind alerts.ChangeKind, now, began time.Time) alerts.Notification {
	about := monitorFinding(checkDatabase, "database", now)
	about.Code, about.Status, about.Severity = checks.CodeDatabase, checks.Problem, checks.Major
	about.Summary = fmt.Sprintf("the database has not been writable since %s", began.UTC().Format("2006-01-02 15:04 MST"))
	inc := alerts.Incident{Cause: "monitor:database", State: alerts.Open, Severity: checks.Major, Opened: began, Changed: now, LastSeen: now}
	if kind == alerts.Ended {
		inc.State, inc.Resolved = alerts.Resolved, now
		inc.Title = fmt.Sprintf("the database can be written again, which it could not since %s", began.UTC().Format("2006-01-02 15:04 MST"))
		for _, m := range u.about { // what else was seen is stored and told by the next round that sees it
			m.Clear = true
			inc.Members = append(inc.Members, m)
		}
	} else {
		about.Evidence = []checks.Evidence{{Question: "write the database", Answer: checks.Line(u.why.Error(), 300), At: now}}
		inc.Title = about.Summary
		inc.Members = []alerts.Member{{Finding: about, First: began, Last: now}}
		for _, f := range slices.SortedFunc(maps.Values(u.seen), worstFirst) {
			inc.Members = append(inc.Members, alerts.Member{Finding: f, First: f.At, Last: f.At})
			if f.Severity.Rank() > inc.Severity.Rank() {
				inc.Severity = f.Severity
			}
		}
		switch n := len(u.seen) + u.left; n {
		case 0:
		case 1:
			inc.Title += "; 1 problem was seen meanwhile"
		default:
			inc.Title += fmt.Sprintf("; %d problems were seen meanwhile", n)
		}
		u.about = slices.Clone(inc.Members[:1])
	}
	brief, targets := inc.Brief(alerts.ToldMembers)
	return alerts.Notification{
		ID: fmt.Sprintf("database/%d/%s/%d", began.UnixMicro(), kind, now.UnixMicro()), Kind: kind, At: now, Incident: brief, Targets: targets,
		Command: "reputed doctor",
	}
}

func worstFirst(a, b checks.Finding) int {
	if a.Severity != b.Severity {
		return b.Severity.Rank() - a.Severity.Rank()
	}
	return a.Key.Compare(b.Key)
}

// tryWriting looks whether a database that could not be written can be by now.
func (d *Daemon) tryWriting(ctx context.Context) {
	if since, _ := d.unwritten.trouble(); since.IsZero() {
		return
	}
	if err := d.db.TryWriting(ctx); err != nil {
		d.unable(ctx, nil, err)
		return
	}
	lasted, found := d.unwritten.worked(time.Now())
	d.log.LogAttrs(ctx, slog.LevelInfo, "database can be written again", slog.Duration("after", lasted.Round(time.Second)))
	d.deliverer.Poke()
	if found { // it is found again and stored at once, not at the next slot
		d.monitor.Poke(monitor.JobDNSBL)
	}
}

// unable takes note that the database cannot be written, and of what could not be stored.
func (d *Daemon) unable(ctx context.Context, findings []checks.Finding, err error) {
	now := time.Now()
	if !unwritable(ctx, err) {
		return
	}
	known := map[string]map[checks.Key]struct{}{}
	for _, f := range findings {
		if _, read := known[f.Key.Check]; !read {
			known[f.Key.Check], _ = d.db.Known(ctx, f.Key.Check) // what cannot be read is told once more rather than never
		}
	}
	first := d.unwritten.failed(now, err, findings, func(k checks.Key) bool {
		_, ok := known[k.Check][k]
		return ok
	})
	if first {
		d.log.LogAttrs(ctx, slog.LevelError, "database cannot be written, what is found is kept in memory", slog.Any("err", err))
	}
}

// tellUnwritten tells all channels directly what has to be told of a database that cannot be written. What a
// channel does not take is told again when it is repeated: there is nothing that could keep it.
func (d *Daemon) tellUnwritten(ctx context.Context) {
	now := time.Now().UTC()
	_, quiet := d.policy.Quiet.Until(now)
	n, to := d.unwritten.due(now, slices.Sorted(maps.Keys(d.deliverer.Channels)), quiet)
	if len(to) == 0 {
		return
	}
	n.Remediation = d.book.ForAll(n.Incident.OpenFindings(), d.zone)
	var wg sync.WaitGroup
	for _, name := range to {
		wg.Go(func() {
			if outcome, err := alerts.Try(ctx, name, d.deliverer.Channels[name], n); err != nil {
				d.log.LogAttrs(ctx, slog.LevelError, "not told that the database cannot be written", slog.String("channel", name), slog.String("outcome", outcome))
				return
			}
			d.unwritten.took(name)
		})
	}
	wg.Wait()
}
