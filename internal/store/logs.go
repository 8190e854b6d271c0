package store

import (
	"context"
	"database/sql"
	"time"

	"reputed/checks"
	"reputed/probes"
)

// Log is how far one log of an MTA has been read, and whether it can be.
type Log struct {
	Name     string
	Position probes.LogPosition // where to go on
	State    []byte             // what joining its lines needs after a restart
	ReadAt   time.Time          // when the position was last written; zero: never
	Began    time.Time          // when the first of it was read: what it counts is counted since then
	Upto     time.Time          // time of the latest event in it
	Lines    int                // lines since Began
	Mail     int                // of these, by programs of a mail server
	Told     int                // events that they told
	Unread   int                // lines that should have told one and could not be read
	Gap      string             // what was lost the last time that something was; empty: nothing yet
	GapAt    time.Time
	OK       bool      // it could be read when it was last looked at
	Since    time.Time // since when OK has its value; zero: never looked at
	Seen     time.Time // when it was last looked at
	Trouble  string    // why it could not be read; empty if it could
	// Watched is when it could first be read; zero: never. What was lost since, Gap says.
	Watched time.Time
}

const selectLogs = `SELECT name, position, state, read_at, began, upto, lines, mail, told, unread, gap, gap_at, ok, since, seen, trouble, watched FROM logs `

func scanLog(r *sql.Rows) (l Log, err error) {
	err = r.Scan(&l.Name, value{&l.Position}, &l.State, stamp{&l.ReadAt}, stamp{&l.Began}, stamp{&l.Upto}, &l.Lines, &l.Mail, &l.Told, &l.Unread, &l.Gap, stamp{&l.GapAt},
		&l.OK, stamp{&l.Since}, stamp{&l.Seen}, &l.Trouble, stamp{&l.Watched})
	return l, err
}

// Logs are all logs that were ever looked at, by name.
func (db *DB) Logs(ctx context.Context) (all []Log, err error) {
	err = db.view(ctx, "read logs", func(tx *sql.Tx) error {
		all, err = logs(ctx, tx)
		return err
	})
	return all, err
}

func logs(ctx context.Context, q querier) (all []Log, err error) {
	err = each(ctx, q, func(r *sql.Rows) error {
		l, err := scanLog(r)
		all = append(all, l)
		return err
	}, selectLogs+"ORDER BY name")
	return all, err
}

// Log is how far one log has been read; the zero Log with its name if never.
func (db *DB) Log(ctx context.Context, name string) (l Log, err error) {
	l.Name = name
	err = db.view(ctx, "read a log's position", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) (err error) {
			l, err = scanLog(r)
			return err
		}, selectLogs+"WHERE name = ?", name)
	})
	return l, err
}

// SetLogState writes down whether the log could be read at that time, and if
// not, why. [ErrLeaseLost] means that another daemon has taken over.
func (db *DB) SetLogState(ctx context.Context, name string, at time.Time, trouble error) error {
	why := ""
	if trouble != nil {
		why = checks.Line(trouble.Error(), 500)
	}
	return db.update(ctx, "note the state of a log", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO logs (name, ok, since, seen, trouble, watched) VALUES (?1, ?2, ?3, ?3, ?4, iif(?2, ?3, NULL))
			ON CONFLICT (name) DO UPDATE SET
				since = iif(ok = ?2 AND since IS NOT NULL, since, ?3), ok = ?2, seen = ?3, trouble = ?4, watched = coalesce(watched, iif(?2, ?3, NULL))`,
			name, trouble == nil, at.UnixMicro(), why)
		return err
	})
}

// LogRead is what was read of one log since its position was last written.
type LogRead struct {
	Log                 string
	Position            probes.LogPosition // every line before it is in this read or in an earlier one
	State               []byte             // see [Log].State
	Events              []LogEvent         // in the order of their lines
	Lines, Mail, Unread int                // as in [Log], of this read
	Gap                 string             // what was lost before these lines; empty: nothing
}

// CommitLog writes what was read of a log together with how far that is, in one
// transaction: all of it or nothing. It gives back the indexes of those events that
// are a refusal for reputation which was not known before, or which has become final:
// another try of the same message is not among them.
//
// Nothing is judged here, as a busy log would have all refusals of a day judged
// every second: the next [DB.Commit] does.
//
// [ErrLeaseLost] means that another daemon has taken over; [ErrBusy], [ErrFull] and
// [ErrSlow] may pass, and the same read may be given again: one that is written already adds nothing.
func (db *DB) CommitLog(ctx context.Context, now time.Time, r LogRead) (fresh []int, err error) {
	position, err := document(r.Position)
	if err != nil {
		return nil, err
	}
	err = db.update(ctx, "commit a log", func(tx *sql.Tx) error {
		fresh = nil
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		// After ErrSlow the same read comes again though the disk may have taken it: lines are counted once.
		if there, err := committed(ctx, tx, r, position); err != nil || there {
			return err
		}
		in := &logInserter{counter: newCounter(compile(tx)), log: r.Log, hash: db.recipientHash, now: now, sender: newSender(db.key), hands: map[hourKind]map[hand]*handed{}}
		if err := in.readWaiting(ctx); err != nil {
			return err
		}
		var upto time.Time
		for i := range r.Events {
			is, err := in.event(ctx, &r.Events[i])
			if err != nil {
				return err
			}
			if is {
				fresh = append(fresh, i)
			}
			if at := in.when(r.Events[i].At); at.After(upto) {
				upto = at
			}
		}
		if err := in.flush(ctx); err != nil {
			return err
		}
		if err := in.flushHands(ctx); err != nil {
			return err
		}
		if err := in.saveSent(ctx); err != nil {
			return err
		}
		_, err := in.q.ExecContext(ctx, `INSERT INTO logs (name, position, state, read_at, began, upto, lines, mail, told, unread, gap, gap_at)
			VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?9, ?10, ?7, ?8, iif(?8 = '', NULL, ?4))
			ON CONFLICT (name) DO UPDATE SET position = ?2, state = ?3, read_at = ?4, began = coalesce(began, ?4), upto = coalesce(max(upto, ?5), upto, ?5),
				lines = lines + ?6, mail = mail + ?9, told = told + ?10, unread = unread + ?7, gap = iif(?8 = '', gap, ?8), gap_at = iif(?8 = '', gap_at, ?4)`,
			r.Log, position, r.State, now.UnixMicro(), micros(upto), r.Lines, r.Unread, checks.Line(r.Gap, 300), r.Mail, len(r.Events))
		return err
	})
	if err != nil {
		return nil, err
	}
	return fresh, nil
}

// committed says whether a log has been read up to the position of r: each line moves it.
func committed(ctx context.Context, q querier, r LogRead, position string) (there bool, err error) {
	if r.Lines == 0 {
		return false, nil
	}
	err = q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM logs WHERE name = ? AND position = ?)", r.Log, position).Scan(&there)
	return there, err
}
