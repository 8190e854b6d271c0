package probes

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// LogTail is the end of a log.
type LogTail struct {
	Lines   []LogLine // the last ones, without one whose beginning or end is missing
	Size    int64     // of the file, bytes; for the journal always 0
	Written time.Time // when the file was last written, or the last entry made; zero: there is none
	Rotated int       // files beside it that it was rotated to
	Unread  string    // why the latest of these cannot be read; empty: it can, or there is none
}

const (
	tailBytes   = 256 << 10 // of a file
	tailEntries = 1000      // of the journal
)

// Tail reads the end of the log, to show whether it can be read and what is in it. Nothing is
// remembered of that. The error is one line that says what to do; an empty log is not an error.
func (l *Log) Tail(ctx context.Context) (t LogTail, err error) {
	if l.opts.Journal != nil {
		return l.tailJournal(ctx)
	}
	f, err := os.Open(l.opts.Path)
	if err != nil {
		return t, l.failed("open", l.opts.Path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return t, l.failed("open", l.opts.Path, err)
	case !info.Mode().IsRegular():
		return t, l.failed("open", l.opts.Path, errNotRegular)
	}
	t.Size, t.Written = info.Size(), info.ModTime().UTC()
	from := max(t.Size-tailBytes, 0)
	data, err := io.ReadAll(io.LimitReader(io.NewSectionReader(f, from, tailBytes), tailBytes))
	if err != nil {
		return t, l.failed("read", l.opts.Path, err)
	}
	if from > 0 {
		_, data, _ = bytes.Cut(data, []byte{'\n'})
	}
	for line := range bytes.Lines(data) {
		if line[len(line)-1] != '\n' {
			break // it is being written
		}
		text := strings.ReplaceAll(strings.TrimRight(string(line), "\r\n"), "\x00", "")
		t.Lines = append(t.Lines, LogLine{Text: text[:min(len(text), MaxLogLineBytes)], Cut: len(text) > MaxLogLineBytes})
	}
	t.Rotated, t.Unread = l.rotated()
	return t, ctx.Err()
}

// rotated counts the files that the log was rotated to, and says why the latest cannot be read:
// after a rotation, or a pause, reading goes on there.
func (l *Log) rotated() (n int, trouble string) {
	all, err := siblings(l.opts.Path)
	if err != nil {
		return 0, l.failed("list", filepath.Dir(l.opts.Path), err).Error()
	}
	var latest logEntry // they come oldest first
	for _, e := range all {
		if !e.current {
			n, latest = n+1, e
		}
	}
	if n == 0 {
		return 0, ""
	}
	f, err := os.Open(latest.path)
	if err != nil {
		return n, l.failed("open", latest.path, err).Error()
	}
	_ = f.Close()
	return n, ""
}

// tailJournal asks journalctl for the last entries.
func (l *Log) tailJournal(ctx context.Context) (t LogTail, err error) {
	args := append([]string{"--lines=" + strconv.Itoa(tailEntries)}, journalForm()...)
	p, err := runJournal(ctx, l.opts.Journal.Command, append(args, l.opts.Journal.chosen()...))
	if err != nil {
		return t, l.notStarted(err)
	}
	defer p.end()
	for over := false; !over; {
		select {
		case e := <-p.entries:
			t.take(e)
		case <-p.ended:
			over = true
		}
	}
	for len(p.entries) > 0 { // nobody writes to it any more
		t.take(<-p.entries)
	}
	if ctx.Err() != nil {
		return t, ctx.Err()
	}
	said := p.said.String()
	if err := l.complaint(said); err != nil {
		return t, err
	}
	if p.err != nil {
		e := &LogError{Log: l.opts.Name, Step: "read from " + l.opts.Journal.Command, Kind: ErrLogUnread, Err: p.err}
		if said != "" {
			e.Err = errors.New(said)
		}
		return t, e
	}
	return t, nil
}

func (t *LogTail) take(e journalEntry) {
	t.Lines = append(t.Lines, e.lines()...)
	if at := e.at(); at.After(t.Written) {
		t.Written = at
	}
}
