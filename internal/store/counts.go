package store

import (
	"context"
	"database/sql"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
)

// counts reads what [bounce.Judge] judges, for the targets of open incidents and those that
// the findings of this commit are about.
func counts(ctx context.Context, q querier, open, recent []alerts.Incident, about []string, now time.Time, window time.Duration) (c bounce.Counts, err error) {
	since := now.Add(-window)
	if c.Tallies, err = tallies(ctx, q, open, alerts.Ends(open, recent, now), since); err != nil {
		return c, err
	}
	if c.Complaints, err = complaints(ctx, q, since); err != nil {
		return c, err
	}
	var some bool
	if err := q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM traffic)").Scan(&some); err != nil || !some {
		return c, err
	}
	targets, pairs := concerned(c, open, about)
	rising, err := rising(ctx, q, open, now)
	if err != nil {
		return c, err
	}
	for _, read := range []struct {
		query string
		of    any
		since time.Time
	}{
		{selectTotals, targets, since},
		{selectHours, minus(pairs, rising), since},
		{selectHours, rising, now.Add(-bounce.RampHistory)},
	} {
		hours, err := hoursOf(ctx, q, read.query, read.of, read.since)
		if err != nil {
			return c, err
		}
		c.Hours = append(c.Hours, hours...)
	}
	c.Acceptances, err = acceptances(ctx, q, pairs)
	return c, err
}

// pair is a target and a receiver as a JSON array holds them.
type pair struct {
	Target   string `json:"t"`
	Receiver string `json:"r"`
}

// concerned are the targets whose deliveries matter, and the receivers that refused their mail.
func concerned(c bounce.Counts, open []alerts.Incident, about []string) (targets []string, pairs []pair) {
	seen, seenPair := map[string]bool{}, map[pair]bool{}
	targets, pairs = []string{}, []pair{} // nil would be "null"
	add := func(target string) {
		if !seen[target] {
			seen[target] = true
			targets = append(targets, target)
		}
	}
	for _, t := range c.Tallies {
		add(t.Target)
		if p := (pair{t.Target, t.Receiver}); !seenPair[p] {
			seenPair[p] = true
			pairs = append(pairs, p)
		}
	}
	for _, t := range c.Complaints {
		add(t.Target)
	}
	for _, inc := range open {
		for _, m := range inc.Members {
			add(m.Finding.Key.Target)
		}
	}
	for _, t := range about {
		add(t)
	}
	return targets, pairs
}

func minus(all, without []pair) []pair {
	skip := map[pair]bool{}
	for _, p := range without {
		skip[p] = true
	}
	out := []pair{}
	for _, p := range all {
		if !skip[p] {
			out = append(out, p)
		}
	}
	return out
}

const selectRising = `SELECT target, domain FROM traffic INDEXED BY traffic_deferred
	WHERE deferred > 0 AND hour >= ? AND domain <> '*' GROUP BY target, domain HAVING sum(deferred) >= ?`

// rising are receivers that may be deferring more and more just now, and those that are
// known to: their history is read too.
func rising(ctx context.Context, q querier, open []alerts.Incident, now time.Time) ([]pair, error) {
	out, seen := []pair{}, map[pair]bool{}
	err := each(ctx, q, func(r *sql.Rows) error {
		var p pair
		err := r.Scan(&p.Target, &p.Receiver)
		out, seen[p] = append(out, p), true
		return err
	}, selectRising, hourOf(now.Add(-bounce.RampWindow).UnixMicro()), checks.MinMails)
	for _, inc := range open {
		for _, m := range inc.Members {
			p := pair{m.Finding.Key.Target, m.Finding.Key.Source}
			if m.Finding.Key.Check == bounce.CheckRamp && !seen[p] {
				out, seen[p] = append(out, p), true
			}
		}
	}
	return out, err
}

const (
	selectTotals = `SELECT target, '', hour, delivered, deferred, refused FROM json_each(?1) k
		CROSS JOIN traffic ON target = k.value AND domain = '*' AND hour >= ?2`
	selectHours = `SELECT target, domain, hour, sum(delivered), sum(deferred), sum(refused) FROM json_each(?1) k
		CROSS JOIN traffic ON target = k.value ->> 't' AND domain = k.value ->> 'r' AND hour >= ?2 GROUP BY target, domain, hour`
	selectAcceptances = `SELECT target, domain, refused, first, last, accepted FROM json_each(?1) k
		CROSS JOIN acceptances ON target = k.value ->> 't' AND domain = k.value ->> 'r'`
)

func hoursOf(ctx context.Context, q querier, query string, of any, since time.Time) (all []bounce.Hour, err error) {
	keys, err := document(of)
	if err != nil {
		return nil, err
	}
	err = each(ctx, q, func(r *sql.Rows) error {
		var h bounce.Hour
		var hour int64
		err := r.Scan(&h.Target, &h.Receiver, &hour, &h.Delivered, &h.Deferred, &h.Refused)
		h.At = time.UnixMicro(hour * time.Hour.Microseconds()).UTC()
		all = append(all, h)
		return err
	}, query, keys, hourOf(since.UnixMicro()))
	return all, err
}

func acceptances(ctx context.Context, q querier, pairs []pair) (all []bounce.Acceptance, err error) {
	keys, err := document(pairs)
	if err != nil {
		return nil, err
	}
	err = each(ctx, q, func(r *sql.Rows) error {
		var a bounce.Acceptance
		err := r.Scan(&a.Target, &a.Receiver, stamp{&a.Refused}, stamp{&a.First}, stamp{&a.Last}, &a.Accepted)
		all = append(all, a)
		return err
	}, selectAcceptances, keys)
	return all, err
}

// complaints counts proved complaints about watched targets, by who reports.
func complaints(ctx context.Context, q querier, since time.Time) (all []bounce.ComplaintTally, err error) {
	err = each(ctx, q, func(r *sql.Rows) error {
		var t bounce.ComplaintTally
		var p Place
		err := r.Scan(&t.Target, &t.Reporter, &t.Count, stamp{&t.First}, stamp{&t.Last}, value{&t.Sample}, &p.Mailbox, &p.Position.UIDValidity, &p.Position.UID, &p.Spool, &t.Proof.Kind, &t.Proof.Detail)
		t.Via = p.String()
		all = append(all, t)
		return err
	}, selectComplaints, since.UnixMicro())
	return all, err
}

const selectComplaints = `WITH kinds AS (
		SELECT target, feedback ->> 'Reporter' AS reporter, count(*) AS n, min(complained) AS first, max(complained) AS last,
			CAST(substr(max(printf('%020d%020d', complained, id)), 21) AS INTEGER) AS sample
		FROM mails INDEXED BY mails_complaints WHERE kind = 'complaint' AND complained >= ?1 AND proof <> '' AND target <> '' GROUP BY 1, 2
	)
	SELECT c.target, c.reporter, n, first, last, m.feedback, m.mailbox, m.uid_validity, m.uid, m.place, m.proof, m.proof_detail
	FROM kinds c JOIN mails m ON m.id = sample ORDER BY 1, 2`

// Answer is what a list answered about a target that a refusal had named with it.
type Answer struct {
	Key      checks.Key // of the check of lists
	Status   checks.Status
	Summary  string
	Evidence []checks.Evidence
	At       time.Time
}

const selectAnswers = `SELECT target, source, at, status, summary, content FROM json_each(?1) k CROSS JOIN answers ON target = k.value`

// checkLists is the [checks.Key].Check of answers: that of package dnsbl.
const checkLists = "dnsbl"

// answers are those about these targets.
func answers(ctx context.Context, q querier, targets []string) (map[checks.Key]Answer, error) {
	keys, err := document(append([]string{}, targets...))
	if err != nil {
		return nil, err
	}
	all := map[checks.Key]Answer{}
	err = each(ctx, q, func(r *sql.Rows) error {
		a := Answer{Key: checks.Key{Check: checkLists}}
		var es []evidence
		if err := r.Scan(&a.Key.Target, &a.Key.Source, stamp{&a.At}, &a.Status, &a.Summary, value{&es}); err != nil {
			return err
		}
		a.Evidence = readEvidence(es)
		all[a.Key] = a
		return nil
	}, selectAnswers, keys)
	return all, err
}

// saveAnswers keeps the latest answer of each list that a refusal named.
func saveAnswers(ctx context.Context, q querier, all []Answer) error {
	for _, a := range all {
		content, err := document(storedEvidence(a.Evidence))
		if err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, `INSERT INTO answers (target, source, at, status, summary, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
			ON CONFLICT (target, source) DO UPDATE SET at = ?3, status = ?4, summary = ?5, content = ?6 WHERE ?3 >= at`,
			a.Key.Target, a.Key.Source, a.At.UnixMicro(), a.Status, checks.Line(a.Summary, 300), content); err != nil {
			return err
		}
	}
	return nil
}
