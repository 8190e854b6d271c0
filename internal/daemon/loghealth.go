package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"reputed/checks"
	"reputed/internal/store"
	"reputed/probes"
)

// fewLines is below how many lines nothing is said of a log that is not understood.
const fewLines = 1000

// logState takes note of how reading a log stands, for status and for tick.
func (d *Daemon) logState(ctx context.Context, l *mailLog, s probes.LogState) {
	now := time.Now()
	l.mu.Lock()
	news := l.state.Reading != s.Reading || (l.state.LastErr == nil) != (s.LastErr == nil) || now.Sub(l.noted) >= tickEvery
	l.state = s
	if news {
		l.noted = now
	}
	l.mu.Unlock()
	if !l.cfg.Journal { // a file is looked at each second, a journal says when there is something
		d.pulse.beat("log "+l.cfg.Name, readerPatience)
	}
	if ctx.Err() != nil || !news {
		return // a file is looked at each second
	}
	trouble := s.LastErr
	if trouble == nil && !s.Reading {
		trouble = fmt.Errorf("it is not being read")
	}
	if err := d.db.SetLogState(ctx, l.cfg.Name, now, trouble); err != nil {
		d.log.LogAttrs(ctx, slog.LevelWarn, "log state not stored", slog.String("log", l.cfg.Name), slog.Any("err", err))
	}
}

// trouble says since when the log cannot be read, and why; zero: it can.
func (l *mailLog) trouble(now time.Time) (since time.Time, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.state.Reading:
		return time.Time{}, nil
	case !l.state.Since.IsZero():
		return l.state.Since, l.state.LastErr
	case !l.began.IsZero():
		return l.began, l.state.LastErr
	}
	return now, l.state.LastErr
}

func (d *Daemon) logFindings(now time.Time) []checks.Finding {
	var out []checks.Finding
	for _, l := range d.logs {
		since, why := l.trouble(now)
		f := monitorFinding(checkLog, logPart(l.cfg.Name), now)
		switch {
		case since.IsZero():
			f.Summary = fmt.Sprintf("mail log %s is read again", l.cfg.Name)
		case now.Sub(since) < Patience:
			continue // neither well nor a finding yet
		default:
			f.Code, f.Status, f.Severity = checks.CodeLog, checks.Problem, checks.Major
			f.Summary = fmt.Sprintf("mail log %s has not been readable since %s", l.cfg.Name, since.UTC().Format("2006-01-02 15:04 MST"))
			if why != nil {
				f.Evidence = []checks.Evidence{{Question: "read mail log " + l.cfg.Name, Answer: why.Error(), At: now}}
			}
		}
		out = append(out, f)
	}
	return out
}

// notUnderstood says of logs that are read for nothing what may be wrong.
func (d *Daemon) notUnderstood(s store.Situation) []checks.Finding {
	var out []checks.Finding
	for _, stored := range s.Logs {
		known := false
		for _, l := range d.logs {
			known = known || l.cfg.Name == stored.Name
		}
		if !known || stored.Lines < fewLines {
			continue
		}
		f := monitorFinding(checkFormat, logPart(stored.Name), s.Now)
		switch {
		case stored.Told == 0:
			f.Code, f.Status, f.Severity = checks.CodeLogUnread, checks.Problem, checks.Minor
			f.Summary = fmt.Sprintf("none of %s of mail log %s tells what became of a mail: is it the right file, and the right format?", checks.Plural(stored.Lines, "line"), stored.Name)
		case stored.Unread > stored.Told:
			f.Code, f.Status, f.Severity = checks.CodeLogUnread, checks.Problem, checks.Minor
			f.Summary = fmt.Sprintf("%s of mail log %s that should tell what became of a mail are not understood, %s are: is its format right?",
				checks.Plural(stored.Unread, "line"), stored.Name, checks.Plural(stored.Told, "other"))
		default:
			f.Summary = fmt.Sprintf("mail log %s is understood", stored.Name)
		}
		out = append(out, f)
	}
	return out
}
