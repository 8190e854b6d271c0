package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// Moment is what was known at a time in the past, as far as it is still stored: from changes,
// events and runs. How the daemon, the mailboxes and the logs were is not kept, but for the
// incidents about them; neither is an impact, so that refusals are counted anew.
type Moment struct {
	First     time.Time    // of the oldest thing stored; zero: nothing is. Of before nothing is known
	Incidents []IncidentAt // that were not resolved, without impact
	Complete  Run          // the last that was complete; its zero value if none was
	Running   time.Time    // since when one was under way; zero: none was
	Waiting   []Channel    // how many notices waited for which channel, since when
}

// IncidentAt is an incident with the worst so many of its members that were problems then, and what was
// refused of the mail of all of its targets in the window before.
type IncidentAt struct {
	Shortened
	Refused []RefusedThen
}

// RefusedThen is how often one receiver refused or deferred mail of one target.
type RefusedThen struct {
	Target, Receiver, Vendor string
	Refused, Deferred        int
	First, Last              time.Time
}

// At reads what was known at a time: of runs of check, of refusals in the window before, and the worst so many
// members of each incident.
func (db *DB) At(ctx context.Context, at time.Time, check string, window time.Duration, worst int) (m Moment, err error) {
	err = db.view(ctx, "read the past", func(tx *sql.Tx) error {
		then := at.UnixMicro()
		if err := tx.QueryRowContext(ctx, `SELECT min(at) FROM (SELECT min(at) AS at FROM transitions UNION ALL SELECT min(at) FROM events
			UNION ALL SELECT started FROM (SELECT started FROM runs ORDER BY id LIMIT 1))`).Scan(stamp{&m.First}); err != nil {
			return err
		}
		open, err := incidentsAt(ctx, tx, then)
		if err != nil {
			return err
		}
		about, err := membersAt(ctx, tx, open, then, worst)
		if err != nil {
			return err
		}
		m.Incidents = open
		if m.Complete, _, err = runOf(ctx, tx, "check_name = ? AND state = 'complete' AND finished <= ?", check, then); err != nil {
			return err
		}
		under, ok, err := runOf(ctx, tx, "check_name = ? AND started <= ? AND (finished IS NULL OR finished > ?)", check, then, then)
		if ok {
			m.Running = under.Started
		}
		if err != nil {
			return err
		}
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var c Channel
			err := r.Scan(&c.Name, &c.Queued, stamp{&c.Oldest})
			m.Waiting = append(m.Waiting, c)
			return err
		}, "SELECT channel, count(*), min(queued) FROM outbox WHERE queued <= ?1 AND (done IS NULL OR done > ?1) GROUP BY channel ORDER BY channel", then); err != nil {
			return err
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			var x RefusedThen
			err := r.Scan(&x.Target, &x.Receiver, &x.Vendor, &x.Refused, &x.Deferred, stamp{&x.First}, stamp{&x.Last})
			for _, n := range about[x.Target] {
				m.Incidents[n].Refused = append(m.Incidents[n].Refused, x)
			}
			return err
		}, `SELECT target, domain, max(vendor), count(*) FILTER (WHERE action <> 'delayed'), count(*) FILTER (WHERE action = 'delayed'), min(first), min(max(at), ?1)
			FROM bounces WHERE counted AND at > ?2 AND first <= ?1 GROUP BY target, domain ORDER BY target, domain`, then, at.Add(-window).UnixMicro())
	})
	return m, err
}

// incidentsAt are the incidents that were not resolved at a time, as their events tell it.
func incidentsAt(ctx context.Context, tx *sql.Tx, then int64) ([]IncidentAt, error) {
	var all []alerts.Incident
	if err := each(ctx, tx, func(r *sql.Rows) error {
		var id int64
		var cause string
		var e Event
		if err := r.Scan(&id, &cause, stamp{&e.At}, &e.Kind, &e.Severity, &e.Who, &e.Note); err != nil {
			return err
		}
		if n := len(all); n == 0 || all[n-1].ID != id {
			all = append(all, alerts.Incident{ID: id, Cause: cause})
		}
		follow(&all[len(all)-1], e)
		return nil
	}, `SELECT e.incident, i.cause, e.at, e.kind, e.severity, e.who, e.note FROM events e JOIN incidents i ON i.id = e.incident
		WHERE e.at <= ? ORDER BY e.incident, e.at, e.id`, then); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(i alerts.Incident) bool { return i.State == alerts.Resolved || i.State == "" })
	for n := range all {
		if all[n].State == alerts.Silenced && all[n].Silence.Until.UnixMicro() <= then {
			all[n].State, all[n].Silence = alerts.Open, alerts.Silence{}
		}
	}
	open := make([]IncidentAt, len(all))
	for n, i := range all {
		open[n].Incident = i
	}
	return open, nil
}

// follow makes of an incident what an event made of it.
func follow(i *alerts.Incident, e Event) {
	i.Severity = e.Severity
	if e.Who == "" && e.Note != "" {
		i.Title = e.Note // the monitor's events carry the title
	}
	switch e.Kind {
	case string(alerts.Opened):
		if i.State == alerts.Resolved {
			i.Relapses++
		}
		*i = alerts.Incident{ID: i.ID, Cause: i.Cause, Title: i.Title, Severity: i.Severity, Relapses: i.Relapses, State: alerts.Open, Opened: e.At}
	case string(alerts.Worsened):
		if i.State == alerts.Acknowledged { // a rise voids it
			i.State, i.AckedBy, i.AckedAt = alerts.Open, "", time.Time{}
		}
	case string(alerts.Ended), alerts.ResolveHand.Done():
		i.State, i.Resolved = alerts.Resolved, e.At
	case string(alerts.Flapped):
		i.Flapping = e.At
	case alerts.Ack.Done():
		i.State, i.AckedBy, i.AckedAt, i.Note = alerts.Acknowledged, e.Who, e.At, e.Note
	case alerts.Mute.Done():
		_, reason, _ := strings.Cut(e.Note, ": ")
		i.State, i.Silence = alerts.Silenced, alerts.Silence{By: e.Who, Since: e.At, Until: silencedUntil(e.Note), Reason: reason}
	case alerts.Unmute.Done():
		i.State, i.Silence = alerts.Open, alerts.Silence{}
	case alerts.AddNote.Done():
		i.Note = e.Note
	}
	i.Changed, i.LastSeen = e.At, e.At
}

const (
	// selectMembersAt takes the ids of incidents and of their targets as JSON arrays. An incident that came
	// back has lost members of before, so that all questions about its target are looked at too; rank tells them apart.
	selectMembersAt = `WITH questions AS (
		SELECT i.value AS incident, 0 AS rank, m.check_name, m.target, m.source FROM json_each(?1) i CROSS JOIN members m ON m.incident = i.value
		UNION SELECT DISTINCT k.value ->> 'i', 1, x.check_name, x.target, x.source FROM json_each(?3) k CROSS JOIN transitions x ON x.target = k.value ->> 't' AND x.at <= ?2
	)
	SELECT q.incident, t.id, t.check_name, t.target, t.source, t.severity
	FROM questions q CROSS JOIN transitions t ON t.id = (SELECT x.id FROM transitions x WHERE x.check_name = q.check_name AND x.target = q.target AND x.source = q.source AND x.at <= ?2
		ORDER BY x.at DESC, x.id DESC LIMIT 1)
	WHERE t.status = 'problem' ORDER BY q.rank`
	selectSaid = `SELECT t.id, t.at, t.before, t.status, t.code, t.summary, t.facts, t.evidence FROM json_each(?) k CROSS JOIN transitions t ON t.id = k.value`
)

// membersAt fills in what was a problem then, by the last change before of each question: how many, and the worst so many of
// them with all that was said. It gives the places in all of the incidents that each target belonged to.
func membersAt(ctx context.Context, tx *sql.Tx, all []IncidentAt, then int64, worst int) (about map[string][]int, err error) {
	at := make(map[int64]int, len(all))
	ids := make([]int64, 0, len(all))
	targets := []map[string]any{}
	for n, i := range all {
		at[i.ID], ids = n, append(ids, i.ID)
		if t, ok := strings.CutPrefix(i.Cause, "target:"); ok {
			targets = append(targets, map[string]any{"i": i.ID, "t": t})
		}
	}
	doc, err := document(ids)
	if err != nil {
		return nil, err
	}
	of, err := document(targets)
	if err != nil {
		return nil, err
	}
	type member struct {
		change   int64
		key      checks.Key
		severity checks.Severity
	}
	members := make([][]member, len(all))
	taken := map[checks.Key]bool{}
	about = map[string][]int{}
	if err := each(ctx, tx, func(r *sql.Rows) error {
		var id int64
		var m member
		err := r.Scan(&id, &m.change, &m.key.Check, &m.key.Target, &m.key.Source, &m.severity)
		if err != nil || taken[m.key] {
			return err
		}
		taken[m.key] = true
		n := at[id]
		members[n] = append(members[n], m)
		if !slices.Contains(about[m.key.Target], n) {
			about[m.key.Target] = append(about[m.key.Target], n)
		}
		return nil
	}, selectMembersAt, doc, then, of); err != nil {
		return nil, err
	}
	said := map[int64]*alerts.Member{}
	changes := []int64{}
	for n := range all {
		slices.SortStableFunc(members[n], func(a, b member) int {
			return cmp.Or(cmp.Compare(b.severity.Rank(), a.severity.Rank()), a.key.Compare(b.key))
		})
		all[n].Open = len(members[n])
		if all[n].Open == 0 && all[n].State != alerts.Silenced {
			all[n].State = alerts.Clearing // every answer was clean, and the end was not yet confirmed
		}
		shown := members[n][:min(worst, len(members[n]))]
		all[n].Members = make([]alerts.Member, len(shown))
		for k, m := range shown {
			all[n].Members[k].Finding = checks.Finding{Key: m.key, Severity: m.severity}
			said[m.change] = &all[n].Members[k]
			changes = append(changes, m.change)
		}
	}
	doc, err = document(changes)
	if err != nil {
		return nil, err
	}
	return about, each(ctx, tx, func(r *sql.Rows) error {
		var id int64
		var t Transition
		var proof []evidence
		if err := r.Scan(&id, stamp{&t.At}, &t.Before, &t.Status, &t.Code, &t.Summary, value{&t.Facts}, value{&proof}); err != nil {
			return err
		}
		m := said[id]
		f := &m.Finding
		m.First, m.Last, f.At = t.At, t.At, t.At
		f.Code, f.Status, f.Summary, f.Facts, f.Evidence = t.Code, t.Status, t.Summary, t.Facts, readEvidence(proof)
		var err error
		f.Target, err = checks.ParseID(f.Key.Target)
		return err
	}, selectSaid, doc)
}
