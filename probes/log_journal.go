package probes

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// maxEntryBytes is how long one entry of the journal may be as JSON, where a byte of binary data
// takes four.
const maxEntryBytes = 4*MaxLogLineBytes + 4096

// journalRun reads the journal through journalctl: the format of the files changes, and the
// program that comes with them knows it.
type journalRun struct {
	logHand
	run   *journalProcess // nil: to be started
	check bool            // the next entry should be the one that was read last
	since time.Time       // on the first start: earlier entries are not wanted
}

// journalProcess is one run of journalctl.
type journalProcess struct {
	stop    context.CancelFunc
	entries chan journalEntry
	ended   chan struct{} // closed when it is over; then err says why
	err     error
	said    cappedText // on standard error
}

// journalEntry is one entry, as "journalctl --output=json" writes it. A value is a string, an
// array of bytes if it is not UTF-8, or an array of these if the field occurs several times.
type journalEntry struct {
	Cursor     string `json:"__CURSOR"`
	Realtime   string `json:"__REALTIME_TIMESTAMP"` // microseconds
	Host       any    `json:"_HOSTNAME"`
	Identifier any    `json:"SYSLOG_IDENTIFIER"`
	SyslogPID  any    `json:"SYSLOG_PID"`
	PID        any    `json:"_PID"`
	Message    any    `json:"MESSAGE"`
}

func (j *journalRun) close() {
	if j.run != nil {
		j.run.end()
		j.run = nil
	}
}

// look waits for entries, at most for LogOptions.Poll, and hands them over.
func (j *journalRun) look(ctx context.Context) (time.Duration, error) {
	err := j.step(ctx)
	if err != nil && ctx.Err() == nil {
		j.tell(func(s *LogState) {
			if s.Reading && j.run == nil {
				s.Reading, s.Since = false, time.Now().UTC()
			}
			s.LastErr = err
		})
	}
	return 0, err
}

func (j *journalRun) step(ctx context.Context) error {
	if err := j.again(ctx); err != nil {
		return err
	}
	if j.run == nil {
		if err := j.start(ctx); err != nil {
			return err
		}
	}
	first := time.NewTimer(j.l.opts.Poll)
	defer first.Stop()
	var lines []LogLine
	pos, size := j.pos, 0
	var at time.Time // of the last entry
	read := func(e journalEntry) {
		pos, at = LogPosition{Cursor: e.Cursor}, e.at()
		if j.wanted(ctx, e) {
			for _, l := range e.lines() {
				size += len(l.Text)
				lines = append(lines, l)
			}
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case e := <-j.run.entries:
		read(e)
	case <-j.run.ended:
		return j.over()
	case <-first.C:
		if err := j.l.complaint(j.run.said.String()); err != nil {
			return err
		}
		j.tell(func(s *LogState) { s.LastErr, s.LastLook = nil, time.Now().UTC() })
		return nil
	}
	for more := true; more && len(lines) < j.l.opts.BatchLines && size < j.l.opts.BatchBytes; {
		select {
		case e := <-j.run.entries:
			read(e)
		default:
			more = false
		}
	}
	if pos == j.pos && j.gap == "" {
		return nil
	}
	if err := j.give(ctx, lines, pos); err != nil {
		return err
	}
	j.tell(func(s *LogState) {
		s.LastErr = nil
		// journalctl writes more slowly than we read, so that nothing to read is not yet the end:
		// an old entry is followed by others.
		if now := time.Now().UTC(); now.Sub(at) < journalFresh {
			s.LastLook = now
		}
	})
	return nil
}

// journalFresh is how old the last entry may be for the journal to count as read to its end.
// Otherwise it does once nothing comes for LogOptions.Poll.
const journalFresh = 10 * time.Second

// wanted says whether an entry is to be handed over. It also finds out whether the journal still
// has the entry that was read last: if not, journalctl begins with another one without a word.
func (j *journalRun) wanted(ctx context.Context, e journalEntry) bool {
	if j.check {
		j.check = false
		if e.Cursor == j.pos.Cursor {
			return false
		}
		j.lose(ctx, "the journal no longer has the entry read last: it was vacuumed, or other entries are chosen now")
	}
	return !e.at().Before(j.since)
}

// journalForm returns the arguments that say how journalctl is to write entries.
func journalForm() []string {
	return []string{"--output=json", "--merge", "--all", "--no-pager", "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_PID,_HOSTNAME"}
}

// chosen returns the arguments of journalctl that choose entries.
func (opt *Journal) chosen() (args []string) {
	if opt.Directory != "" {
		args = append(args, "--directory="+opt.Directory)
	}
	for _, u := range opt.Units {
		args = append(args, "--unit="+u)
	}
	for _, i := range opt.Identifiers {
		args = append(args, "--identifier="+i)
	}
	if len(opt.Units)+len(opt.Identifiers) == 0 {
		args = append(args, "SYSLOG_FACILITY=2") // mail, RFC 5424 section 6.2.1
	}
	return args
}

// notStarted makes the error that journalctl could not be run.
func (l *Log) notStarted(err error) error {
	e := &LogError{Log: l.opts.Name, Step: "start " + l.opts.Journal.Command, Kind: ErrLogUnread, Err: err}
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		e.Kind, e.Err, e.Hint = ErrLogMissing, nil, "this system has no journal: give the log's file as path"
	}
	return e
}

// start starts journalctl at the position.
func (j *journalRun) start(ctx context.Context) error {
	opt := j.l.opts.Journal
	// Without --merge, --follow shows the current boot only: what was written before a restart of
	// the machine would be skipped.
	args := append([]string{"--follow"}, journalForm()...)
	switch {
	case j.pos.Cursor != "":
		// Inclusive, to see that it is still there.
		args = append(args, "--no-tail", "--cursor="+j.pos.Cursor)
		j.check, j.since = true, time.Time{}
	case j.l.opts.History > 0:
		j.since = time.Now().Add(-j.l.opts.History)
		args = append(args, "--no-tail", "--since=@"+strconv.FormatInt(j.since.Unix(), 10))
	default:
		// The last entry is wanted for its cursor.
		if j.since.IsZero() {
			j.since = time.Now()
		}
		args = append(args, "--lines=1")
	}
	run, err := runJournal(ctx, opt.Command, append(args, opt.chosen()...))
	if err != nil {
		return j.l.notStarted(err)
	}
	j.run = run
	j.reading(true)
	return nil
}

// over makes an error of the end of journalctl, which ends only if something is wrong.
func (j *journalRun) over() error {
	if err := j.l.complaint(j.run.said.String()); err != nil {
		j.close()
		return err
	}
	e := &LogError{Log: j.l.opts.Name, Step: "read from " + j.l.opts.Journal.Command, Kind: ErrLogUnread, Err: j.run.err}
	if said := j.run.said.String(); said != "" {
		e.Err = errors.New(said)
	} else if e.Err == nil {
		e.Err = errors.New("it ended by itself")
	}
	j.close()
	return e
}

// complaint makes an error of what journalctl says on standard error while it goes on running
// and shows nothing; nil if it is nothing of the kind.
func (l *Log) complaint(said string) error {
	e := &LogError{Log: l.opts.Name, Step: "read from " + l.opts.Journal.Command, Err: errors.New(said)}
	switch {
	case strings.Contains(said, "not seeing messages from other users"), strings.Contains(said, "insufficient permissions"):
		e.Kind, e.Err, e.Hint = ErrLogDenied, nil, "add the user that reputed runs as to the group systemd-journal and start reputed anew"
	case strings.Contains(said, "No journal files were found"):
		e.Kind, e.Err, e.Hint = ErrLogMissing, nil, "no journal is kept here: give the log's file as path"
	default:
		return nil
	}
	return e
}

// passedOn returns what journalctl needs of our environment: there may be secrets in the rest.
func passedOn(environ []string) (kept []string) {
	for _, e := range environ {
		if name, _, _ := strings.Cut(e, "="); slices.Contains([]string{"PATH", "HOME", "TMPDIR", "TZ"}, name) || strings.HasPrefix(name, "SYSTEMD_") {
			kept = append(kept, e)
		}
	}
	return kept
}

// runJournal starts journalctl, which ends with ctx, or by journalProcess.end.
func runJournal(ctx context.Context, command string, args []string) (*journalProcess, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, command, args...) // #nosec G204 -- no shell; words of the configuration, each value joined to its option
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	cmd.Env = append(passedOn(os.Environ()), "LC_ALL=C") // what it says is compared
	p := &journalProcess{stop: cancel, entries: make(chan journalEntry, 256), ended: make(chan struct{})}
	cmd.Stderr = &p.said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	go func() {
		defer close(p.ended)
		readErr := readEntries(ctx, out, p.entries)
		if readErr != nil {
			cancel() // it may go on writing
		} else { // it has closed its output and ends by itself; if it were stopped now, it would seem to have failed
			defer time.AfterFunc(cmd.WaitDelay, cancel).Stop()
		}
		p.err = errors.Join(readErr, cmd.Wait())
	}()
	return p, nil
}

// end stops it and waits until it is over.
func (p *journalProcess) end() {
	p.stop()
	<-p.ended
}

// readEntries reads one JSON object on each line.
func readEntries(ctx context.Context, r io.Reader, to chan<- journalEntry) error {
	in := bufio.NewReaderSize(r, maxEntryBytes)
	for {
		line, err := in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !long {
			if errors.Is(err, io.EOF) {
				return nil // an incomplete line before it was cut off
			}
			return err
		}
		var e journalEntry
		switch {
		case long:
			e = longEntry(line)
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
		case json.Unmarshal(line, &e) != nil:
			return fmt.Errorf("not an entry: %s", oneLine(string(line[:min(len(line), 200)])))
		}
		if e.Cursor == "" {
			continue
		}
		select {
		case to <- e:
		case <-ctx.Done():
			return nil
		}
	}
}

// longEntry returns the place of an entry that is too long, without its text.
func longEntry(line []byte) journalEntry {
	_, rest, ok := bytes.Cut(line, []byte(`"__CURSOR":"`))
	if !ok {
		_, rest, _ = bytes.Cut(line, []byte(`"__CURSOR" : "`))
	}
	cursor, _, ok := bytes.Cut(rest, []byte{'"'})
	if !ok {
		return journalEntry{}
	}
	return journalEntry{Cursor: string(cursor)}
}

func (e journalEntry) at() time.Time {
	us, err := strconv.ParseInt(e.Realtime, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// lines returns the entry's lines: a message may have several.
func (e journalEntry) lines() []LogLine {
	l := LogLine{At: e.at(), Host: fieldText(e.Host), Tag: fieldText(e.Identifier)}
	for _, pid := range []any{e.SyslogPID, e.PID} {
		if l.PID, _ = strconv.Atoi(fieldText(pid)); l.PID != 0 {
			break
		}
	}
	var out []LogLine
	for text := range strings.SplitSeq(strings.TrimRight(fieldText(e.Message), "\n"), "\n") {
		l.Text = strings.ReplaceAll(strings.TrimSuffix(text, "\r"), "\x00", "")
		l.Cut = len(l.Text) > MaxLogLineBytes
		l.Text = l.Text[:min(len(l.Text), MaxLogLineBytes)]
		out = append(out, l)
	}
	return out
}

// fieldText returns the value of a field; of several the last.
func fieldText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		b := make([]byte, 0, len(v))
		for _, x := range v {
			n, ok := x.(float64)
			if !ok {
				return fieldText(v[len(v)-1])
			}
			b = append(b, byte(n))
		}
		return string(b)
	}
	return ""
}

// cappedText keeps the beginning of what is written to it.
type cappedText struct {
	mu sync.Mutex
	b  []byte
}

func (c *cappedText) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.b = append(c.b, p[:min(len(p), 2000-len(c.b))]...)
	return len(p), nil
}

func (c *cappedText) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.TrimSpace(string(c.b))
}
