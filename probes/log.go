package probes

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"
)

// MaxLogLineBytes is how much of one log line is kept.
const MaxLogLineBytes = 64 << 10

// LogLine is one line of a log, literally. All fields but Text and Cut are the journal's, and
// zero for a line of a file.
type LogLine struct {
	At   time.Time // when the journal received the entry, UTC
	Host string
	Tag  string // syslog identifier, without the process id
	PID  int    // of the process that wrote the entry; 0: not known
	Text string // without its end and without NUL bytes, at most MaxLogLineBytes; untrusted, may not be UTF-8
	Cut  bool   // the line is longer than Text
}

// LogPosition is how far a log has been read. The zero value is "never read". It is stored as
// JSON, in the same transaction as what the lines said.
//
// A file is recognised by its first bytes; device and inode only say where to look first, since
// inodes are reused and copies have others.
type LogPosition struct {
	Device uint64    `json:"device,omitempty"`
	Inode  uint64    `json:"inode,omitempty"`
	Head   string    `json:"head,omitempty"` // first half of the SHA-256 of the first min(Offset, 4096) bytes, hex
	Offset int64     `json:"offset,omitempty"`
	At     time.Time `json:"at,omitzero"`      // when the file was last written, as far as known: older files have been read
	Cursor string    `json:"cursor,omitempty"` // of the journal's entry that was read last
}

// LogBatch is some lines that were read, and how far the log has been read with them.
type LogBatch struct {
	Lines    []LogLine   // in the order of writing; none if only Position and Gap are to be stored
	Position LogPosition // to be stored in one transaction with what the lines said
	Gap      string      // what may be missing before these lines, or come a second time; one line, said once; mostly empty
}

// LogState is how the reading of a log stands.
type LogState struct {
	Reading  bool      // the file is open, or journalctl runs
	Since    time.Time // since when Reading is what it is, UTC
	LastLook time.Time // when the log was last read to its end, UTC; zero: not yet
	LastErr  error     // why the last try failed; nil after a look that went well. One line that says what to do
	Position LogPosition
	Behind   int64 // bytes of the file that have not been handed over yet, as far as known; for the journal always 0
}

// Journal says which entries of the systemd journal are read: with neither Units nor
// Identifiers those of the syslog facility "mail".
type Journal struct {
	Units       []string // as journalctl --unit takes them; patterns are allowed
	Identifiers []string // as journalctl --identifier takes them; not together with Units
	Directory   string   // of the journal's files; empty: that of the system
	Command     string   // default "journalctl"
}

// LogOptions say which log is read, and how. Either Path or Journal is needed.
type LogOptions struct {
	Name    string   // in the configuration; for messages, errors and logs
	Path    string   // absolute, of the file that is being written
	Journal *Journal // in place of Path
	// History is how far back the first start reads: files last written within it are read from
	// their beginnings, compressed ones too; 0: only what comes from now on.
	History time.Duration

	Poll       time.Duration // between two looks at a file; default 1 s
	Settle     time.Duration // a file that was rotated is left once it has not grown for this long; default 5 s
	BatchLines int           // lines handed over at once; default 10,000
	BatchBytes int           // approximate size of one batch; default 2 MiB
	RetryMin   time.Duration // wait after the first failure, then doubled; default 1 s
	RetryMax   time.Duration // longest wait between tries; default 1 min

	Log *slog.Logger // default: none
}

// Log follows one log. It is safe for concurrent use; each Watch has a file or process of its
// own.
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

// Watch reads every line after from, hands it over, and goes on with new lines as they come,
// until ctx ends. It returns the error of ctx and no other.
//
// handle is given the batches one after the other, in the order of writing, and commits the
// content and the position of a batch in one transaction. Watch goes beyond the batch only once
// handle has returned nil; after an error it hands over the same batch again, later. So every
// line is committed once; where that cannot be promised, LogBatch.Gap says so.
//
// state, if not nil, is called whenever the state changes, and after every look. Both functions
// run on the goroutine of Watch.
//
// Failures are reported by state and tried again with growing delays; none of them ends Watch.
// One that stays the same is logged when it begins and once an hour.
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

// looker reads a log: a follower of a file, or a runner of journalctl.
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
