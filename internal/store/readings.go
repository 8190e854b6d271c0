package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"reputed/checks"
	"reputed/checks/reputation"
)

// How much is kept of the history of one source and target.
const (
	KeepReadings = 400 * 24 * time.Hour // a year, and a month to compare with
	MaxSpans     = 800                  // for a source that says something else each time
)

// SaveReadings writes what sources said, and gives for each reading the history of its
// source and target as it is then, oldest first; nil where there is none. Equal readings in a row
// are one row; one that is older than the last is known already and changes nothing. A first
// reading without data is no row: most addresses are in no allow list. [ErrLeaseLost] means that
// another daemon has taken over; [ErrBusy] and [ErrFull] may pass, and the same may be given again.
func (db *DB) SaveReadings(ctx context.Context, now time.Time, readings []reputation.Reading) (histories [][]reputation.Span, err error) {
	err = db.update(ctx, "write readings", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		q := compile(tx)
		histories = make([][]reputation.Span, 0, len(readings))
		for _, r := range readings {
			history, err := spans(ctx, q, "source = ? AND target = ?", r.Source, r.Target.ID())
			if err != nil {
				return err
			}
			if history, err = saveReading(ctx, q, now, r, history); err != nil {
				return err
			}
			histories = append(histories, history)
		}
		return nil
	})
	return histories, err
}

// saveReading lays a reading at the end of a history.
func saveReading(ctx context.Context, q querier, now time.Time, r reputation.Reading, history []reputation.Span) ([]reputation.Span, error) {
	r.At = r.At.UTC().Truncate(time.Microsecond) // as it is stored
	span := reputation.Span{Reading: r, First: r.At, Count: 1}
	if n := len(history); n > 0 {
		last := &history[n-1]
		switch {
		case r.At.Before(last.At) || r.At.Equal(last.At) && r.Same(last.Reading):
			return history, nil
		case r.Continues(*last):
			span.First, span.Count = last.First, last.Count+1
			history = history[:n-1]
		case r.At.Equal(last.First): // the source has corrected itself
			history = history[:n-1]
		}
	} else if r.Level == reputation.None && r.How == reputation.Measured {
		return nil, nil
	}
	evidence, err := document(r.Evidence)
	if err != nil {
		return nil, err
	}
	var number any
	if r.Numbered {
		number = r.Number
	}
	source, target := r.Source, r.Target.ID()
	if _, err := q.ExecContext(ctx, `INSERT OR REPLACE INTO readings (source, target, first, last, count, value, number, level, how, who, note, evidence)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, source, target, span.First.UnixMicro(), r.At.UnixMicro(), span.Count,
		checks.Line(r.Value, 200), number, r.Level, r.How, checks.Line(r.By, 200), checks.Line(r.Note, 500), evidence); err != nil {
		return nil, err
	}
	history = append(history, span)
	if old := now.Add(-KeepReadings); len(history) > MaxSpans || history[0].At.Before(old) {
		_, err = q.ExecContext(ctx, `DELETE FROM readings WHERE source = ?1 AND target = ?2 AND first < ?4 AND (last < ?3 OR first <= coalesce(
			(SELECT first FROM readings WHERE source = ?1 AND target = ?2 ORDER BY first DESC LIMIT 1 OFFSET ?5), -1))`,
			source, target, old.UnixMicro(), span.First.UnixMicro(), MaxSpans)
	}
	return history, err
}

// Readings are the histories of a target, or of all where target is empty: each source's
// together, oldest first. Since leaves out spans that ended before it; the zero time leaves out none.
func (db *DB) Readings(ctx context.Context, target string, since time.Time) (all []reputation.Span, err error) {
	err = db.view(ctx, "read readings", func(tx *sql.Tx) error {
		from := int64(0)
		if !since.IsZero() {
			from = since.UnixMicro()
		}
		if target == "" {
			all, err = spans(ctx, tx, "last >= ?", from)
		} else {
			all, err = spans(ctx, tx, "target = ? AND last >= ?", target, from)
		}
		return err
	})
	return all, err
}

// NotableReadings are the histories of at most so many questions that are a problem now or of which a person
// recorded anything, each source's together, oldest first, without evidence; and whether there are more of them. Runs that
// ended before since are left out.
func (db *DB) NotableReadings(ctx context.Context, since time.Time, most int) (all []reputation.Span, more bool, err error) {
	err = db.view(ctx, "read ratings", func(tx *sql.Tx) error {
		// Question by question: asked for all of them at once, every reading would be gone through.
		type question struct{ target, source string }
		var questions []question
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var q question
			err := r.Scan(&q.source, &q.target)
			questions = append(questions, q)
			return err
		}, selectNotable+" LIMIT ?", 2*most+1); err != nil { // one that is a problem and was recorded comes twice
			return err
		}
		seen := map[question]bool{}
		questions = slices.DeleteFunc(questions, func(q question) bool {
			twice := seen[q]
			seen[q] = true
			return twice
		})
		if more = len(questions) > most; more {
			questions = questions[:most]
		}
		slices.SortFunc(questions, func(a, b question) int {
			return cmp.Or(cmp.Compare(a.target, b.target), cmp.Compare(a.source, b.source))
		})
		for _, q := range questions {
			part, err := bareSpans(ctx, tx, "source = ? AND target = ? AND last >= ?", q.source, q.target, since.UnixMicro())
			if err != nil {
				return err
			}
			all = append(all, part...)
		}
		return nil
	})
	return all, more, err
}

// selectNotable are questions; those that are a problem first.
const selectNotable = `SELECT source, target FROM states WHERE check_name = 'reputation' AND status = 'problem' UNION ALL SELECT source, target FROM readings WHERE how = 'recorded'`

// FewReadings are the histories of all questions since a time, each source's together, oldest first, without
// evidence. False: there are more than so many runs of readings, and none is read.
func (db *DB) FewReadings(ctx context.Context, since time.Time, most int) (all []reputation.Span, few bool, err error) {
	err = db.view(ctx, "read ratings", func(tx *sql.Tx) error {
		n := 0
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM readings LIMIT ?)", most+1).Scan(&n); err != nil {
			return err
		}
		if few = n <= most; few {
			all, err = bareSpans(ctx, tx, "last >= ?", since.UnixMicro())
		}
		return err
	})
	return all, few, err
}

// bareSpans are spans without their evidence, which is most of what they hold.
func bareSpans(ctx context.Context, q querier, where string, args ...any) (all []reputation.Span, err error) {
	return spansOf(ctx, q, "'{}'", where, args...)
}

func spans(ctx context.Context, q querier, where string, args ...any) (all []reputation.Span, err error) {
	return spansOf(ctx, q, "evidence", where, args...)
}

func spansOf(ctx context.Context, q querier, evidence, where string, args ...any) (all []reputation.Span, err error) {
	err = each(ctx, q, func(r *sql.Rows) error {
		var s reputation.Span
		var target string
		var number sql.NullFloat64
		if err := r.Scan(&s.Source, &target, stamp{&s.First}, stamp{&s.At}, &s.Count, &s.Value, &number, &s.Level, &s.How, &s.By, &s.Note, value{&s.Evidence}); err != nil {
			return err
		}
		s.Number, s.Numbered = number.Float64, number.Valid
		t, err := checks.ParseID(target)
		if err != nil {
			return err
		}
		s.Target = t
		all = append(all, s)
		return nil
	}, "SELECT source, target, first, last, count, value, number, level, how, who, note, "+evidence+" FROM readings WHERE "+where+" ORDER BY target, source, first", args...)
	return all, err
}

// Recorded are the histories, oldest first, of all sources and targets of which a person recorded
// anything.
func (db *DB) Recorded(ctx context.Context) (histories [][]reputation.Span, err error) {
	err = db.view(ctx, "read recorded readings", func(tx *sql.Tx) error {
		all, err := spans(ctx, tx, "(source, target) IN (SELECT DISTINCT source, target FROM readings WHERE how = 'recorded')")
		for _, s := range all {
			if n := len(histories); n > 0 && histories[n-1][0].Source == s.Source && histories[n-1][0].Target.ID() == s.Target.ID() {
				histories[n-1] = append(histories[n-1], s)
			} else {
				histories = append(histories, []reputation.Span{s})
			}
		}
		return err
	})
	return histories, err
}

// VendorRefusals are the proved refusals and deferrals for reputation since a time, by target,
// vendor and receiver, of all vendors that are known.
func (db *DB) VendorRefusals(ctx context.Context, since time.Time) (all []reputation.Refusal, err error) {
	err = db.view(ctx, "read refusals", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var x reputation.Refusal
			err := r.Scan(&x.Target, &x.Vendor, &x.Receiver, &x.N, stamp{&x.First}, stamp{&x.Last})
			all = append(all, x)
			return err
		}, `SELECT target, vendor, domain, count(*), min(at), max(at) FROM bounces WHERE counted AND at >= ? AND vendor <> '' AND target <> ''
			GROUP BY target, vendor, domain ORDER BY target, vendor, domain`, since.UnixMicro())
	})
	return all, err
}
