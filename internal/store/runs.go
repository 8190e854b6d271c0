package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// RunState is how a run stands.
type RunState string

const (
	Running   RunState = "running"
	Complete  RunState = "complete"  // every question was put; whatever the answers were
	Troubled  RunState = "troubled"  // it ended, but could not do its whole work
	Abandoned RunState = "abandoned" // its process ended before it did
)

// Run is one round of one check.
type Run struct {
	ID       int64
	Check    string
	Started  time.Time
	Finished time.Time // when it was found abandoned, for such a run; zero while it runs
	State    RunState
	Summary  Summary // zero unless it finished
}

// Summary is what a run came to, in counts: all that is stored of clean answers.
type Summary struct {
	Targets   int           `json:"targets"`
	Domains   int           `json:"domains,omitempty"` // of these; 0 also where an older version wrote it
	Questions int           `json:"questions"`
	Lists     []ListSummary `json:"lists,omitempty"`
	// Trouble is why the run could not do its whole work, one line; empty: it did.
	Trouble string `json:"trouble,omitempty"`
}

// ListOK is the State of a list that works.
const ListOK = "ok"

// ListSummary is what one list did in one run.
type ListSummary struct {
	List   string         `json:"list"`             // catalogue id
	State  string         `json:"state"`            // how its controls came out: [ListOK], or the verdict that set it aside
	Why    string         `json:"why,omitempty"`    // one line
	Counts map[string]int `json:"counts,omitempty"` // answers about targets, by verdict
	// Failing is how many tests in a row, up to this run, the list failed, Since and
	// Tested when the first and the latest of them were; all zero for one that works.
	Failing int       `json:"failing,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Tested  time.Time `json:"tested,omitzero"`
	// Next is the number of the target with which the next run goes on, where the
	// list is asked about a part of them in each.
	Next int `json:"next,omitempty"`
}

// BeginRun writes down that a run of check has begun, and gives its number. A
// run of the same check that never finished is abandoned: there is only one at a time.
func (db *DB) BeginRun(ctx context.Context, check string, at time.Time) (id int64, err error) {
	err = db.update(ctx, "begin a run", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE runs SET state = 'abandoned', finished = ? WHERE check_name = ? AND state = 'running'", at.UnixMicro(), check)
		if err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, "INSERT INTO runs (check_name, started, state) VALUES (?, ?, 'running')", check, at.UnixMicro())
		if err != nil {
			return err
		}
		id, err = r.LastInsertId()
		return err
	})
	return id, err
}

// FinishRun writes down what run id came to. [ErrNoRun] means that it was
// abandoned meanwhile, or never begun, [ErrLeaseLost] that another daemon has taken over.
func (db *DB) FinishRun(ctx context.Context, id int64, at time.Time, s Summary) error {
	state := Complete
	if s.Trouble != "" {
		state = Troubled
	}
	summary, err := document(s)
	if err != nil {
		return err
	}
	return db.update(ctx, "finish a run", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		ok, err := changed(tx.ExecContext(ctx, "UPDATE runs SET state = ?, finished = ?, summary = ? WHERE id = ? AND state = 'running'",
			state, at.UnixMicro(), summary, id))
		if err == nil && !ok {
			err = fmt.Errorf("run %d: %w", id, ErrNoRun)
		}
		return err
	})
}

// LastRun is the latest run of check, in whatever state; false if there never was one.
func (db *DB) LastRun(ctx context.Context, check string) (Run, bool, error) {
	return db.lastRun(ctx, check, "")
}

// LastCompleteRun is the latest run of check that did its whole work; false if
// there never was one.
func (db *DB) LastCompleteRun(ctx context.Context, check string) (Run, bool, error) {
	return db.lastRun(ctx, check, " AND state = 'complete'")
}

// FirstRun says whether check has never yet done its whole work: what it finds
// bad was so before we looked.
func (db *DB) FirstRun(ctx context.Context, check string) (bool, error) {
	_, ok, err := db.LastCompleteRun(ctx, check)
	return !ok, err
}

func (db *DB) lastRun(ctx context.Context, check, also string) (r Run, ok bool, err error) {
	err = db.view(ctx, "read runs", func(tx *sql.Tx) error {
		r, ok, err = runOf(ctx, tx, "check_name = ?"+also, check)
		return err
	})
	return r, ok, err
}

// runOf is the latest of the runs of which where is true.
func runOf(ctx context.Context, q querier, where string, args ...any) (r Run, ok bool, err error) {
	err = q.QueryRowContext(ctx, "SELECT id, check_name, started, finished, state, summary FROM runs WHERE "+where+" ORDER BY id DESC LIMIT 1", args...).
		Scan(&r.ID, &r.Check, stamp{&r.Started}, stamp{&r.Finished}, &r.State, value{&r.Summary})
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, false, nil
	}
	return r, err == nil, err
}
