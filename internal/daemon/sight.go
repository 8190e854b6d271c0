package daemon

import (
	"context"
	"time"

	"reputed/internal/store"
)

// sight is how reading mailboxes and logs stands.
type sight struct {
	any   bool // there are some
	whole bool // each is being read, and has been read to its end: the absence of refusals means something
	// near: each was whole not longer than patience ago, if not by this process then by the one before: a
	// restart, a reload and a lost connection hide nothing.
	near bool
}

// sight looks at all mailboxes and logs.
func (d *Daemon) sight(now time.Time) sight {
	s := sight{any: len(d.mailboxes)+len(d.logs) > 0, whole: true, near: true}
	for _, l := range d.logs {
		l.mu.Lock()
		if l.state.Reading && l.state.Behind == 0 && !l.state.LastLook.IsZero() {
			l.whole = now
		} else {
			s.whole = false
		}
		s.near = s.near && now.Sub(l.whole) < Patience
		l.mu.Unlock()
	}
	for _, m := range d.mailboxes {
		m.mu.Lock()
		if m.state.Connected && m.state.Behind == 0 {
			m.whole = now
		} else {
			s.whole = false
		}
		s.near = s.near && now.Sub(m.whole) < Patience
		m.mu.Unlock()
	}
	s.whole, s.near = s.whole && s.any, s.near && s.any
	return s
}

// remember takes over from the database when the daemon before this one could read each of them last.
func (d *Daemon) remember(ctx context.Context) error {
	logs, err := d.db.Logs(ctx)
	if err != nil {
		return err
	}
	mailboxes, err := d.db.Mailboxes(ctx, time.Now())
	if err != nil {
		return err
	}
	for _, stored := range logs {
		for _, l := range d.logs {
			if l.cfg.Name == stored.Name && stored.OK {
				l.whole = stored.Seen
			}
		}
	}
	for _, stored := range mailboxes {
		for _, m := range d.mailboxes {
			if m.name == stored.Name && stored.OK {
				m.whole = stored.Seen.Add(m.poll) // it is not looked at more often
			}
		}
	}
	return nil
}

// watching is since when every refusal would have been seen, as the database knows it: each mailbox and log has been watched
// since then, and nothing of it was lost. Began is when the last of them that was ever read began to be.
// Zero: one has never been read, or none has.
func (d *Daemon) watching(s store.Situation) (since, began time.Time) {
	here := map[string]time.Time{}
	lost := map[string]time.Time{}
	for _, m := range s.Mailboxes {
		here[mailboxPart(m.Name)] = m.Watched
	}
	for _, l := range s.Logs {
		here[logPart(l.Name)] = l.Watched
		lost[logPart(l.Name)] = l.GapAt
	}
	all := true
	look := func(part string) {
		at := here[part]
		all = all && !at.IsZero()
		if at.After(began) {
			began = at
		}
		for _, t := range []time.Time{at, lost[part]} {
			if t.After(since) {
				since = t
			}
		}
	}
	for _, m := range d.mailboxes {
		look(mailboxPart(m.name))
	}
	for _, l := range d.logs {
		look(logPart(l.cfg.Name))
	}
	if !all {
		since = time.Time{}
	}
	return since, began
}
