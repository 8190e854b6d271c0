package store

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

// What happened in a time that is over, for the report about it.

// Spell is one time that a question was a problem.
type Spell struct {
	Key      checks.Key
	Code     checks.Code
	Severity checks.Severity
	Began    time.Time // zero: it is not stored
	Ended    time.Time // zero: it has not
	Before   time.Time // when the one before it ended; zero: there was none
}

const (
	selectBegun = `SELECT t.check_name, t.target, t.source, t.code, t.severity, t.at, NULL,
		(SELECT max(e.at) FROM transitions e WHERE e.check_name = t.check_name AND e.target = t.target AND e.source = t.source AND e.at < t.at AND e.before = 'problem' AND e.status = 'ok')
		FROM transitions t INDEXED BY transitions_by_time WHERE t.at >= ? AND t.at < ? AND t.status = 'problem' AND t.before <> 'problem' ORDER BY t.at, t.id`
	// What ends says that all is well: what it was, the last problem before it says.
	selectEnded = `SELECT t.check_name, t.target, t.source, coalesce(p.code, t.code), coalesce(p.severity, t.severity),
		(SELECT max(b.at) FROM transitions b WHERE b.check_name = t.check_name AND b.target = t.target AND b.source = t.source AND b.at <= t.at AND b.status = 'problem' AND b.before <> 'problem'), t.at, NULL
		FROM transitions t INDEXED BY transitions_by_time LEFT JOIN transitions p ON p.id = (SELECT l.id FROM transitions l
			WHERE l.check_name = t.check_name AND l.target = t.target AND l.source = t.source AND l.at <= t.at AND l.status = 'problem' ORDER BY l.at DESC, l.id DESC LIMIT 1)
		WHERE t.at >= ? AND t.at < ? AND t.status = 'ok' AND t.before = 'problem' ORDER BY t.at, t.id`
	// A question's last beginning lies before its state's since where its code has changed meanwhile.
	selectStanding = `SELECT s.check_name, s.target, s.source, s.code, s.severity,
		(SELECT max(b.at) FROM transitions b WHERE b.check_name = s.check_name AND b.target = s.target AND b.source = s.source AND b.status = 'problem' AND b.before <> 'problem'), NULL, NULL
		FROM states s WHERE s.status = 'problem' AND s.since < ? ORDER BY s.check_name, s.target, s.source`
)

// Spells are the questions that became a problem in a time, those that ceased to be one, and those that
// are one now, each in the order of when that was.
func (db *DB) Spells(ctx context.Context, from, until time.Time) (begun, ended, open []Spell, err error) {
	err = db.view(ctx, "read what happened", func(tx *sql.Tx) error {
		for _, x := range []struct {
			query string
			to    *[]Spell
			args  []any
		}{{selectBegun, &begun, []any{from.UnixMicro(), until.UnixMicro()}}, {selectEnded, &ended, []any{from.UnixMicro(), until.UnixMicro()}}, {selectStanding, &open, []any{until.UnixMicro()}}} {
			if err := each(ctx, tx, func(r *sql.Rows) error {
				var s Spell
				err := r.Scan(&s.Key.Check, &s.Key.Target, &s.Key.Source, &s.Code, &s.Severity, stamp{&s.Began}, stamp{&s.Ended}, stamp{&s.Before})
				*x.to = append(*x.to, s)
				return err
			}, x.query, x.args...); err != nil {
				return err
			}
		}
		return nil
	})
	return begun, ended, open, err
}

// MailIn is what became of mail in a time, by who refused it.
type MailIn struct {
	Refusers []RefuserIn // most refused first
	// Refused, Deferred and Delivered are of all receivers. Counted says that deliveries are known.
	Refused, Deferred, Delivered int
	Counted                      bool
	// Apart says that all of it is known by receiver: no part of the time is older than that is kept ([Keep]). If not, what
	// RefuserIn.Delivered says is too little.
	Apart bool
}

// RefuserIn is what one vendor, or a receiver for which none is known, did.
type RefuserIn struct {
	Name              string
	Domains           int // receiving domains that it refused for
	Refused, Deferred int // for reputation
	Delivered         int // what these domains took
}

const (
	selectRefusedIn = `SELECT target, domain, iif(vendor = '', domain, vendor) AS name, sum(action = '` + string(bounce.Failed) + `'), sum(action <> '` + string(bounce.Failed) + `')
		FROM bounces INDEXED BY bounces_counted WHERE counted AND at >= ? AND at < ? GROUP BY target, domain, name`
	// An address and the domain that mail was sent as both count a delivery: each is summed by itself. The key of traffic
	// leads from one target to the next, and from there to its receivers and hours: a year of hours is not gone through.
	selectDeliveredIn = `WITH RECURSIVE t (target) AS (SELECT min(target) FROM traffic
			UNION ALL SELECT (SELECT min(target) FROM traffic WHERE target > t.target) FROM t WHERE t.target IS NOT NULL)
		SELECT f.target, (f.target GLOB '*:*' OR f.target GLOB '*[0-9]') AS address, f.domain, sum(f.delivered)
		FROM t CROSS JOIN json_each(?3) d CROSS JOIN traffic f ON f.target = t.target AND f.domain = d.value AND f.hour >= ?1 AND f.hour < ?2
		GROUP BY f.target, f.domain`
)

// MailIn is what became of the mail of the targets that are wanted in a time. Deliveries are counted by the
// hour: those of each hour of which any part is in that time are told of, so that no short time is without one.
func (db *DB) MailIn(ctx context.Context, from, until time.Time, wanted func(target string) bool) (m MailIn, err error) {
	type kind struct {
		address bool
		domain  string
	}
	at, domains := map[string]int{}, map[string]map[string]bool{}
	taken := map[kind]int{}
	err = db.view(ctx, "read what became of mail", func(tx *sql.Tx) error {
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var target, domain string
			var x RefuserIn
			if err := r.Scan(&target, &domain, &x.Name, &x.Refused, &x.Deferred); err != nil || !wanted(target) {
				return err
			}
			i, ok := at[x.Name]
			if !ok {
				i = len(m.Refusers)
				at[x.Name], domains[x.Name] = i, map[string]bool{}
				m.Refusers = append(m.Refusers, RefuserIn{Name: x.Name})
			}
			domains[x.Name][domain] = true
			m.Refusers[i].Refused += x.Refused
			m.Refusers[i].Deferred += x.Deferred
			m.Refused += x.Refused
			m.Deferred += x.Deferred
			return nil
		}, selectRefusedIn, from.UnixMicro(), until.UnixMicro()); err != nil {
			return err
		}
		refusing := []string{everywhere}
		for _, of := range domains {
			refusing = slices.AppendSeq(refusing, maps.Keys(of))
		}
		doc, err := document(refusing)
		if err != nil {
			return err
		}
		since, err := receiversKnown(ctx, tx)
		if err != nil {
			return err
		}
		m.Apart = hourOf(from.UnixMicro()) >= since
		return each(ctx, tx, func(r *sql.Rows) error {
			var target string
			var k kind
			var n int
			err := r.Scan(&target, &k.address, &k.domain, &n)
			if err == nil && wanted(target) {
				m.Counted = true
				taken[k] += n
			}
			return err
		}, selectDeliveredIn, hourOf(from.UnixMicro()), hourAfter(until), doc)
	})
	took := func(domain string) int { return max(taken[kind{true, domain}], taken[kind{false, domain}]) }
	m.Delivered = took(everywhere)
	for i := range m.Refusers {
		for domain := range domains[m.Refusers[i].Name] {
			m.Refusers[i].Domains++
			m.Refusers[i].Delivered += took(domain)
		}
	}
	slices.SortStableFunc(m.Refusers, func(a, b RefuserIn) int {
		return cmp.Or(cmp.Compare(b.Refused+b.Deferred, a.Refused+a.Deferred), cmp.Compare(a.Name, b.Name))
	})
	return m, err
}

// Deed is what a person did about an incident.
type Deed struct {
	At       time.Time
	Incident int64
	Title    string // of the incident
	Kind     string // as its event says it
	Who      string
	Note     string
}

// Deeds are what people did in a time, oldest first.
func (db *DB) Deeds(ctx context.Context, from, until time.Time) (all []Deed, err error) {
	err = db.view(ctx, "read what people did", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var d Deed
			err := r.Scan(stamp{&d.At}, &d.Incident, &d.Title, &d.Kind, &d.Who, &d.Note)
			all = append(all, d)
			return err
		}, `SELECT e.at, e.incident, i.title, e.kind, e.who, e.note FROM events e JOIN incidents i ON i.id = e.incident
			WHERE e.at >= ? AND e.at < ? AND e.who <> '' ORDER BY e.at, e.id`, from.UnixMicro(), until.UnixMicro())
	})
	return all, err
}

// Runs are the runs of a check that began in a time, in order, and when the first that is stored began.
func (db *DB) Runs(ctx context.Context, check string, from, until time.Time) (all []Run, first time.Time, err error) {
	err = db.view(ctx, "read runs", func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, "SELECT min(started) FROM runs WHERE check_name = ?", check).Scan(stamp{&first}); err != nil {
			return err
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			var x Run
			err := r.Scan(&x.ID, &x.Check, stamp{&x.Started}, stamp{&x.Finished}, &x.State, value{&x.Summary})
			all = append(all, x)
			return err
		}, "SELECT id, check_name, started, finished, state, summary FROM runs WHERE check_name = ? AND started >= ? AND started < ? ORDER BY id", check, from.UnixMicro(), until.UnixMicro())
	})
	return all, first, err
}

// QueueNotices puts notices about no single incident into the outbox. One that is there already, also if it
// was sent, is not queued again. [ErrLeaseLost] means that another daemon has taken over.
func (db *DB) QueueNotices(ctx context.Context, now time.Time, notices []Notice) error {
	return db.update(ctx, "queue notices", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		w := changeWriter{q: tx, log: db.log, now: now}
		for _, n := range notices {
			if _, err := w.enqueue(ctx, 0, n); err != nil {
				return err
			}
		}
		return nil
	})
}
