package probes

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// What keeps a log from being read, besides ErrHandle.
var (
	// ErrLogMissing: there is no such file, directory or program. Trying again helps once there
	// is.
	ErrLogMissing = errors.New("log is not there")
	// ErrLogDenied: it may not be read. Trying again does not help until someone gives us the
	// right to.
	ErrLogDenied = errors.New("log may not be read")
	// ErrLogUnread: the system, or journalctl, failed. Trying again often helps.
	ErrLogUnread = errors.New("log could not be read")
)

var errNotRegular = errors.New("not a regular file")

// LogError says which step of reading which log failed, why, and what to do. It unwraps to
// ErrHandle or one of the errors above, and to the cause. Its text is one line.
type LogError struct {
	Log  string
	Step string // "open /var/log/mail.log", "start journalctl", "store"
	Kind error
	Err  error
	Hint string // what to do; may be empty
}

// Error returns one line: "log mail: open /var/log/mail.log: log may not be read: permission
// denied: add the user reputed to the group adm".
func (e *LogError) Error() string {
	text := "log " + oneLine(e.Log) + ": " + oneLine(e.Step) + ": " + e.Kind.Error()
	if e.Err != nil {
		text += ": " + oneLine(e.Err.Error())
	}
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

func (e *LogError) Unwrap() []error { return []error{e.Kind, e.Err} }

// failed makes a [LogError] for a step with a file.
func (l *Log) failed(step, path string, err error) error {
	e := &LogError{Log: l.opts.Name, Step: step + " " + path, Kind: ErrLogUnread, Err: err}
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		e.Step, e.Err = step+" "+cause.Path, cause.Err // the path is named once
		path = cause.Path
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Hint = ErrLogDenied, mayRead(path)
	case errors.Is(err, fs.ErrNotExist):
		e.Kind, e.Hint = ErrLogMissing, "check the path, or set journal = true in its place where syslog writes no files (Debian 12 and newer); it is read as soon as it is there"
	case errors.Is(err, errNotRegular):
		e.Hint = "give the file that the log is written to"
	case errors.Is(err, errDamaged):
		e.Hint = "it is tried again, and passed over if it stays so"
	}
	return e
}

// overflowID is the number that every user and group has that is not mapped into our user
// namespace, as with PrivateUsers= of systemd and in containers (user_namespaces(7)).
const overflowID = 65534

// mayRead says for people how to get the right to read a file.
func mayRead(path string) string {
	who := "the user that reputed runs as"
	if u, err := user.Current(); err == nil {
		who = "the user " + u.Username
	}
	info, err := os.Stat(path)
	if err != nil {
		return "let " + who + " enter the directory"
	}
	if gid, ok := fileGroup(info); ok && info.Mode().Perm()&0o040 != 0 && gid != 0 {
		if gid == overflowID { // the service's own user namespace hides which it is
			return "add " + who + " to the group that \"ls -l\" shows for it outside of the service and start reputed anew"
		}
		name := strconv.Itoa(gid)
		if g, err := user.LookupGroupId(name); err == nil {
			name = g.Name
		}
		return "add " + who + " to the group " + oneLine(name) + " and start reputed anew"
	}
	return "give " + who + " the right to read it, as by its group, and see that rotation keeps it"
}

// logHand hands batches over, keeps the one that could not be stored, and reports how the log
// stands.
type logHand struct {
	l       *Log
	handle  func(context.Context, LogBatch) error
	report  func(LogState)
	state   LogState
	pos     LogPosition // committed
	pending *LogBatch
	gap     string // goes with the next batch
}

// tell reports the state after change.
func (h *logHand) tell(change func(*LogState)) {
	change(&h.state)
	h.state.Position = h.pos
	if h.report != nil {
		h.report(h.state)
	}
}

// reading notes whether the log is being read.
func (h *logHand) reading(yes bool) {
	if h.state.Reading != yes {
		h.tell(func(s *LogState) { s.Reading, s.Since = yes, time.Now().UTC() })
	}
}

// lose notes what may be missing, to be said with the next batch.
func (h *logHand) lose(ctx context.Context, what string) {
	h.l.opts.Log.LogAttrs(ctx, slog.LevelWarn, "log lines may be missing", slog.String("log", h.l.opts.Name), slog.String("what", what))
	if h.gap != "" {
		what = h.gap + "; " + what
	}
	h.gap = oneLine(what)
}

// give hands a batch over. After an error the batch is kept, and again hands it over once more.
func (h *logHand) give(ctx context.Context, lines []LogLine, pos LogPosition) error {
	h.pending = &LogBatch{Lines: lines, Position: pos, Gap: h.gap}
	h.gap = ""
	return h.again(ctx)
}

// again hands over the batch that could not be stored before, if there is one.
func (h *logHand) again(ctx context.Context) error {
	if h.pending == nil {
		return nil
	}
	if err := h.handle(ctx, *h.pending); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &LogError{Log: h.l.opts.Name, Step: "store", Kind: ErrHandle, Err: err, Hint: "the same lines are tried again"}
	}
	h.pos, h.pending = h.pending.Position, nil
	return nil
}

// logRetry says how long to wait before a log is looked at again after failures.
type logRetry struct {
	grow *backoff.ExponentialBackOff
	most time.Duration
}

func newLogRetry(opts LogOptions) *logRetry {
	return &logRetry{&backoff.ExponentialBackOff{
		InitialInterval: opts.RetryMin, MaxInterval: opts.RetryMax, Multiplier: 2, RandomizationFactor: 0.5,
	}, opts.RetryMax}
}

// after returns how long to wait after err. It costs nothing to look for a file that is not
// there, and it may appear at any time.
func (r *logRetry) after(err error) time.Duration {
	if errors.Is(err, ErrLogMissing) {
		return min(r.grow.InitialInterval, r.most)
	}
	return min(r.grow.NextBackOff(), r.most)
}

func (r *logRetry) well() { r.grow.Reset() }

// saidEvery is how often a failure that stays the same is logged: we look every second for a
// file that is not there, and nobody finds anything in a journal that says so every second.
const saidEvery = time.Hour

// logSaid is the failure that was logged last; the zero value: none since all was well.
type logSaid struct {
	text string
	at   time.Time
}

// isNews says whether to log err, and takes it for logged if so.
func (s *logSaid) isNews(err error, now time.Time) bool {
	if err.Error() == s.text && now.Sub(s.at) < saidEvery {
		return false
	}
	s.text, s.at = err.Error(), now
	return true
}

// over says whether a failure was logged that is over now.
func (s *logSaid) over() bool {
	was := s.text != ""
	*s = logSaid{}
	return was
}
