package probes

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"
)

// MaxLogLineBytes is how much of one log line is kept; the rest of it is passed over.
const MaxLogLineBytes = 64 << 10

// LogLine is one line of a log, literally: nothing in it has been looked at.
type LogLine struct {
	At   time.Time // when the journal took it, UTC; zero for a line of a file, whose text says it
	Host string    // of the journal's entry; empty for a line of a file
	Tag  string    // syslog identifier of the journal's entry, without the process id; empty for a line of a file
	PID  int       // process that wrote the journal's entry; 0 if not known, and for a line of a file
	Text string    // without its end, NUL bytes removed, at most MaxLogLineBytes; untrusted, may be no UTF-8
	Cut  bool      // the line is longer than Text
}

// LogPosition is how far a log has been read. The zero value is "never read".
// It is stored, as JSON, in the same transaction as what the lines said.
//
// A file is known again by its first bytes; device and inode are only where
// to look first, since inodes are used again and copies have others.
type LogPosition struct {
	Device uint64    `json:"device,omitempty"`
	Inode  uint64    `json:"inode,omitempty"`
	Head   string    `json:"head,omitempty"` // SHA-256 of the first min(Offset, 4096) bytes, hex
	Offset int64     `json:"offset,omitempty"`
	At     time.Time `json:"at,omitzero"`      // when the file was last written, as far as known: files older than it have been read
	Cursor string    `json:"cursor,omitempty"` // of the journal's entry read last
}

// LogBatch is some lines that were read, and how far the log has been read with them.
type LogBatch struct {
	Lines    []LogLine   // in the order of writing; none where only Position and Gap are to be stored
	Position LogPosition // to be stored in one transaction with what the lines said
	Gap      string      // what may be missing before these lines, or come for the second time; one line, said once; mostly empty
}

// LogState is how reading a log stands.
type LogState struct {
	Reading  bool      // the file is open, or journalctl runs
	Since    time.Time // since when Reading is as it is, UTC
	LastLook time.Time // when the log was last read to its end, UTC; zero: not yet
	LastErr  error     // why the last try failed; nil after a look that went well. One line that says what to do
	Position LogPosition
	Behind   int64 // bytes of the file that are not handed over yet, as far as known; of the journal always 0
}

// Journal says which entries of the systemd journal are read. With neither
// Units nor Identifiers it is those of the syslog facility "mail".
type Journal struct {
	Units       []string // as journalctl --unit takes them; patterns are allowed
	Identifiers []string // as journalctl --identifier takes them; not together with Units
	Directory   string   // of the journal's files; empty: the system's own
	Command     string   // default "journalctl"
}

// LogOptions says which log is read, and how. Either Path or Journal is given.
type LogOptions struct {
	Name    string        // in the configuration; for messages, errors and logs
	Path    string        // absolute, of the file that is being written
	Journal *Journal      // in place of Path
	History time.Duration // on the first start, files last written within it are read too, from their beginnings, compressed ones included; 0: only what comes from now on

	Poll       time.Duration // between two looks at a file; default 1 s
	Settle     time.Duration // a file that was rotated is left once it has not grown for so long; default 5 s
	BatchLines int           // lines handed over at once; default 10,000
	BatchBytes int           // of one batch, about; default 2 MiB
	RetryMin   time.Duration // before the first new try after a failure, then doubled; default 1 s
	RetryMax   time.Duration // the longest wait between tries; default 1 min

	Log *slog.Logger // default: none
}

// Log follows one log. It is safe for use by several goroutines; each Watch
// has its own file or process.
type Log struct {
	opts LogOptions
}

// NewLog checks the options and fills in defaults. It opens nothing.
func NewLog(opts LogOptions) (*Log, error) {
	fail := func(format string, args ...any) (*Log, error) {
		return nil, fmt.Errorf("log %s: %s", oneLine(opts.Name), fmt.Sprintf(format, args...))
	}
	switch {
	case (opts.Path == "") == (opts.Journal == nil):
		return fail("needs either a file or the journal")
	case opts.Path != "" && !filepath.IsAbs(opts.Path):
		return fail("path %q is not absolute", opts.Path)
	case opts.Journal != nil && len(opts.Journal.Units) > 0 && len(opts.Journal.Identifiers) > 0:
		return fail("journal entries are chosen by units or by identifiers, not both")
	case opts.History < 0:
		return fail("history %s is negative", opts.History)
	}
	if j := opts.Journal; j != nil {
		own := *j
		if own.Command == "" {
			own.Command = "journalctl"
		}
		opts.Journal = &own
		for _, s := range append(append([]string{own.Directory}, own.Units...), own.Identifiers...) {
			if strings.ContainsAny(s, "\x00\n") {
				return fail("%q is not one line", s)
			}
		}
	}
	opts.Poll, opts.Settle = positive(opts.Poll, time.Second), positive(opts.Settle, 5*time.Second)
	opts.RetryMin, opts.RetryMax = positive(opts.RetryMin, time.Second), positive(opts.RetryMax, time.Minute)
	opts.BatchLines, opts.BatchBytes = positive(opts.BatchLines, 10_000), positive(opts.BatchBytes, 2<<20)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Log{opts: opts}, nil
}

// Watch reads every line behind from, hands it over, and goes on with new
// lines as they come, until ctx ends; it returns ctx's error and no other.
//
// handle is given the batches one after the other, in the order of writing,
// and commits the content and the position of a batch in one transaction. Only
// once it has returned nil does Watch go beyond the batch; after an error the
// same lines are read and handed over again, later. So every line is handed
// over and committed once; where that cannot be promised, LogBatch.Gap says so.
//
// state, if not nil, is told whenever the state changes, and after every
// look. Both functions are called by the goroutine of Watch.
//
// Failures are reported and tried again with growing delay; none of them ends
// Watch. One that stays the same is logged when it begins and once an hour.
func (l *Log) Watch(ctx context.Context, from LogPosition, handle func(context.Context, LogBatch) error, state func(LogState)) error {
	pause, said := newLogRetry(l.opts), logSaid{}
	run := newFollower(l, from, handle, state)
	defer run.close()
	for {
		wait, err := run.look(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			wait = pause.after(err)
			if said.isNews(err, time.Now()) {
				l.opts.Log.LogAttrs(ctx, slog.LevelWarn, "log not read",
					slog.String("log", l.opts.Name), slog.Any("err", err), slog.Duration("again_in", wait))
			}
		} else {
			pause.well()
			if said.over() {
				l.opts.Log.LogAttrs(ctx, slog.LevelInfo, "log read again", slog.String("log", l.opts.Name))
			}
		}
		if wait > 0 && !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

// looker is what reads a log: a follower of a file, or a runner of journalctl.
type looker interface {
	// look reads a little, hands it over, and says how long to wait before the next look.
	look(ctx context.Context) (wait time.Duration, err error)
	close()
}

// sleep waits, and says whether it did so to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
