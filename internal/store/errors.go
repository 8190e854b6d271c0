package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"modernc.org/sqlite"

	"reputed/alerts"
)

// What a caller tells apart. Every other error is about the one statement that failed.
var (
	// ErrNoDatabase: there is no database at the path. It appears once the daemon has run.
	ErrNoDatabase = errors.New("no database")
	// ErrNotOurs: the file is a database, but of another program. Trying again never helps.
	ErrNotOurs = errors.New("not a database of reputed")
	// ErrSchema: the database is newer than this binary, or too old for it to read without
	// migrating. Trying again with the same binary does not help.
	ErrSchema = errors.New("schema does not fit")
	// ErrCorrupt: the file is damaged or is no database. Trying again does not help.
	ErrCorrupt = errors.New("database is damaged")
	// ErrFull: the disk is full. Nothing was written; trying again helps once there is space.
	ErrFull = errors.New("disk is full")
	// ErrBusy: another process held the write lock for longer than we wait. Nothing
	// was written; trying again helps.
	ErrBusy = errors.New("database is locked")
	// ErrSlow: the disk has not taken what was written within Options.Patience. It may be written yet, whole or not at all, or
	// it had to wait for another write of which that is true. Trying again helps once the disk keeps up; nothing that was
	// read or found is stored twice by it.
	ErrSlow = errors.New("the disk hangs or is too slow")
	// ErrDisk: the disk failed, or its file system did and is read-only since. Nothing was written; trying again helps
	// once it is mended, which for a file system takes another mount, and so another [Open].
	ErrDisk = errors.New("the disk or its file system fails")
	// ErrPermission: the operating system does not let us. Trying again as the same user does not help.
	ErrPermission = errors.New("permission denied")
	// ErrReadOnly: something was to be written to a database opened by [OpenReadOnly].
	ErrReadOnly = errors.New("database is open for reading only")
	// ErrLeaseLost: another daemon has taken the database over. Stop; do not try again.
	ErrLeaseLost = errors.New("lease lost")
	// ErrNoIncident: there is no incident of that number.
	ErrNoIncident = errors.New("no such incident")
	// ErrIncidentOver: the incident is resolved already, so there is nothing to take on or to end.
	ErrIncidentOver = alerts.ErrOver
	// ErrNoDelivery: there is no delivery of that number that still waits.
	ErrNoDelivery = errors.New("no such delivery waits")
	// ErrNoRun: there is no unfinished run of that number; it was abandoned, or never begun.
	ErrNoRun = errors.New("no such run is unfinished")
)

// ErrLeased is what [errors.Is] finds in a [LeaseError].
var ErrLeased = errors.New("another daemon runs on this database")

// LeaseError says who holds the database. It wraps [ErrLeased]; trying again
// helps after Lease.Expires, if the holder is dead by then.
type LeaseError struct {
	Lease  LeaseInfo
	Locked bool // the holder is on this machine, and alive for certain
}

func (e *LeaseError) Error() string {
	switch {
	case e.Locked && e.Lease.PID == 0:
		return fmt.Sprintf("%v, or it is being restored: another process has locked it and has not said yet who it is; try again", ErrLeased)
	case e.Locked:
		return fmt.Sprintf("%v: %s, process %d on %s, alive, its last sign of life in the database is of %s; stop that one first",
			ErrLeased, e.Lease.Holder, e.Lease.PID, e.Lease.Host, e.Lease.Renewed.Format(time.RFC3339))
	}
	return fmt.Sprintf("%v: %s, process %d on %s, until %s unless it renews; stop that one first, or wait until then if it is dead",
		ErrLeased, e.Lease.Holder, e.Lease.PID, e.Lease.Host, e.Lease.Expires.Format(time.RFC3339))
}

func (e *LeaseError) Unwrap() error { return ErrLeased }

// Primary result codes, https://www.sqlite.org/rescode.html. The low byte of an
// extended code is the primary one.
const (
	codePerm     = 3
	codeBusy     = 5
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeAuth     = 23
	codeNotADB   = 26
)

// damagedHint is what to do about a database that is damaged.
const damagedHint = "restore the newest backup (reputed restore FILE); only without one, move the file away (with its -wal and -shm) and start with a new one"

// hinted is an error with what to do about it behind it.
type hinted struct {
	error
	do string
}

func (h *hinted) Error() string { return h.error.Error() + ": " + h.do }
func (h *hinted) Unwrap() error { return h.error }

// code is the primary result code of SQLite in err, or 0.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// explain puts the operation before err; and, if it comes from the database, the
// file before that, and what to do after it where a person can do something.
func (db *DB) explain(op string, err error) error {
	if err == nil || code(err) != 0 {
		return explain(db.path, op, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

func explain(path, op string, err error) error {
	return explainTo(path, op, "run it as the user of the daemon (sudo -u reputed reputed ...), for whom the file and its folder must be writable", err)
}

// explainRead is explain for whoever only reads. With a -wal file beside it, part of the database is
// in there, and that can be read only together with the -shm file.
func explainRead(path string, err error) error {
	access := "the file must be readable for you: run as the user that the daemon runs as, or get read permission for it"
	if exists(path + "-wal") {
		access += " and for its -wal and -shm files"
	}
	return explainTo(path, "open for reading", access, err)
}

// explainTo is explain with what the operating system must allow.
func explainTo(path, op, access string, err error) error {
	if err == nil {
		return nil
	}
	var known error
	hint := ""
	switch code(err) {
	case codeFull:
		known, hint = ErrFull, "free some space; nothing was lost and it is tried again"
	case codeBusy:
		known, hint = ErrBusy, "another process is writing; try again"
	case codeIO: // also of a file system that turned read-only while the file was open
		known, hint = ErrDisk, "see what the kernel says (dmesg); after an error Linux keeps a file system read-only until it is checked (fsck) and mounted anew"
	case codeCorrupt:
		known, hint = ErrCorrupt, damagedHint
	case codeNotADB: // a file of another kind, mostly, which nobody should move away
		known, hint = ErrCorrupt, "is it the right file? If it is, "+damagedHint
	case codePerm, codeReadOnly, codeCantOpen, codeAuth:
		known, hint = ErrPermission, access
	}
	if errors.Is(err, fs.ErrPermission) {
		known, hint = ErrPermission, access
	}
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", op, err) // says nothing about the database
	case known != nil && errors.Is(err, known):
		return err // explained already
	case known != nil:
		return &hinted{fmt.Errorf("database %s: %s: %w (%w)", path, op, known, err), hint}
	}
	return fmt.Errorf("database %s: %s: %w", path, op, err)
}
