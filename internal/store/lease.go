package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"
)

// LeaseInfo is who holds the database. The zero LeaseInfo means nobody.
type LeaseInfo struct {
	Holder   string // what it calls itself: "reputed 1.2.0"
	Host     string
	PID      int
	Acquired time.Time
	Renewed  time.Time // its last sign of life
	Expires  time.Time // when another may take over unless it renews
	Gone     bool      // its process is certainly dead: nobody holds its lock file, or no process has its pid
	Held     bool      // its process is certainly there: it holds the lock file; so if it has not renewed, it could not write
}

// Alive says whether the holder has renewed in time, as far as its clock and now
// agree, and is not known to be dead.
func (l LeaseInfo) Alive(now time.Time) bool { return now.Before(l.Expires) && !l.Gone }

// Lease is the right to be the one daemon on a database. It is a row with a
// random token: a holder that was suspended for too long and finds another
// token there has lost it, and its [DB.Commit] is refused from then on. And it is a
// lock on a file beside the database, where there are such locks, which ends with its process.
type Lease struct {
	db    *DB
	token string
	ttl   time.Duration
}

// Lease takes the database for holder until now+ttl; call [Lease.Renew] at least
// three times within ttl. Runs that a dead process left unfinished are marked as
// abandoned.
//
// It gives a [LeaseError] while another process holds it, which includes one on this
// machine that is there and has not renewed. The lease of a process that is known to be
// dead (its lock is free, or on the same machine its pid is gone) is taken over at once,
// that of any other when it has expired.
func (db *DB) Lease(ctx context.Context, holder string, ttl time.Duration, now time.Time) (*Lease, error) {
	l := &Lease{db: db, token: rand.Text(), ttl: ttl}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	self := LeaseInfo{Holder: holder, Host: host, PID: os.Getpid()}
	lock, err := lockFile(db.path)
	if errors.Is(err, errLocked) {
		held, err := db.LeaseInfo(ctx)
		if err != nil {
			return nil, err
		}
		return nil, &LeaseError{Lease: held, Locked: true}
	} else if err != nil {
		db.log.LogAttrs(ctx, slog.LevelWarn, "no lock beside the database, after a crash a start may have to wait", slog.Any("err", err))
	}
	err = db.update(ctx, "take the lease", func(tx *sql.Tx) error {
		held, token, scope, err := lease(ctx, tx)
		if err != nil {
			return err
		}
		if token != "" && held.Alive(now) && !gone(held, scope, lock.identity()) {
			return &LeaseError{Lease: held}
		}
		at := now.UnixMicro()
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO lease (id, token, holder, host, pid, scope, acquired, renewed, expires)
			VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)`, l.token, self.Holder, self.Host, self.PID, here(lock.identity()).String(), at, at, now.Add(ttl).UnixMicro())
		if err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, "UPDATE runs SET state = 'abandoned', finished = ? WHERE state = 'running'", at)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err == nil && n > 0 {
			db.log.LogAttrs(ctx, slog.LevelWarn, "runs were abandoned by a process that ended", slog.Int64("runs", n))
		}
		return nil
	})
	if err != nil {
		lock.release()
		return nil, err
	}
	db.lock.Swap(lock).release()
	db.token.Store(&l.token)
	return l, nil
}

// Renew holds the lease until now+ttl. [ErrLeaseLost] means that another has
// taken over; every other error may pass by itself, so try again while time is left.
func (l *Lease) Renew(ctx context.Context, now time.Time) error {
	return l.db.update(ctx, "renew the lease", func(tx *sql.Tx) error {
		ok, err := changed(tx.ExecContext(ctx, "UPDATE lease SET renewed = ?, expires = ? WHERE token = ?", now.UnixMicro(), now.Add(l.ttl).UnixMicro(), l.token))
		if err == nil && !ok {
			err = l.db.lost(ctx, tx)
		}
		return err
	})
}

// Release gives the lease back, so that the next daemon need not wait. It does
// no harm when it was lost or given back already.
func (l *Lease) Release(ctx context.Context) error {
	err := l.db.update(ctx, "give the lease back", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM lease WHERE token = ?", l.token)
		return err
	})
	if own := l.db.token.Load(); own != nil && *own == l.token {
		l.db.lock.Swap(nil).release() // after the row: who gets the lock finds no lease
	}
	return err
}

// LeaseInfo says who holds the database: the zero value if nobody does.
// Whether that process is alive is for [LeaseInfo.Alive] to say.
func (db *DB) LeaseInfo(ctx context.Context) (LeaseInfo, error) {
	var info LeaseInfo
	err := db.view(ctx, "read the lease", func(tx *sql.Tx) (err error) {
		var scope string
		info, _, scope, err = lease(ctx, tx)
		unheld, held := locked(db.path)
		info.Gone = err == nil && gone(info, scope, unheld)
		info.Held = err == nil && held != "" && held == parseScope(scope).lock
		return err
	})
	return info, err
}

func lease(ctx context.Context, q querier) (l LeaseInfo, token, scope string, err error) {
	err = q.QueryRowContext(ctx, "SELECT token, holder, host, pid, scope, acquired, renewed, expires FROM lease").
		Scan(&token, &l.Holder, &l.Host, &l.PID, &scope, stamp{&l.Acquired}, stamp{&l.Renewed}, stamp{&l.Expires})
	if errors.Is(err, sql.ErrNoRows) {
		return LeaseInfo{}, "", "", nil
	}
	return l, token, scope, err
}

// fence fails with [ErrLeaseLost] if this process took a lease and no longer
// has it. A process that never took one is a command of a person, and passes.
func (db *DB) fence(ctx context.Context, q querier) error {
	own := db.token.Load()
	if own == nil {
		return nil
	}
	var still bool
	if err := q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM lease WHERE token = ?)", *own).Scan(&still); err != nil {
		return err
	}
	if !still {
		return db.lost(ctx, q)
	}
	return nil
}

func (db *DB) lost(ctx context.Context, q querier) error {
	held, token, _, err := lease(ctx, q)
	if err != nil || token == "" {
		return errors.Join(ErrLeaseLost, err)
	}
	return fmt.Errorf("%w: %s, process %d on %s, took over at %s", ErrLeaseLost, held.Holder, held.PID, held.Host, held.Acquired.Format(time.RFC3339))
}

// gone says whether the holder is certainly dead. Unheld is the id of the lock file if no
// other process holds it: who held the same file under the same kernel is no more. Else
// a pid decides, which means something only within one boot of one kernel and one pid
// namespace. Where all this differs or cannot be read, the answer is no and the lease has to expire.
func gone(l LeaseInfo, where, unheld string) bool {
	at := parseScope(where)
	self := here("")
	if at.boot == "" || at.boot != self.boot {
		return false
	}
	if at.lock != "" && at.lock == unheld {
		return true
	}
	if at.pids != self.pids || l.PID == os.Getpid() { // the latter is another DB in this very process
		return false
	}
	p, err := os.FindProcess(l.PID)
	if err != nil {
		return false
	}
	return errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
