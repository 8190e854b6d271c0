package probes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// logFollow is a log and a follower of it that is driven by hand.
type logFollow struct {
	t    *testing.T
	path string
	opts LogOptions
	run  *follower
	got  []LogBatch
	err  error // of handle
	last LogState
}

func followLog(t *testing.T, change func(*LogOptions)) *logFollow {
	t.Helper()
	f := &logFollow{t: t, path: filepath.Join(t.TempDir(), "mail.log")}
	f.opts = LogOptions{Name: "mail", Path: f.path, Settle: 1}
	if change != nil {
		change(&f.opts)
	}
	f.start(LogPosition{})
	return f
}

func (f *logFollow) start(pos LogPosition) {
	f.t.Helper()
	l, err := NewLog(f.opts)
	if err != nil {
		f.t.Fatal(err)
	}
	if f.run != nil {
		f.run.close()
	}
	f.run = newFollower(l, pos, func(_ context.Context, b LogBatch) error {
		if f.err == nil {
			f.got = append(f.got, b)
		}
		return f.err
	}, func(s LogState) { f.last = s }).(*follower)
	f.t.Cleanup(f.run.close)
}

// look looks until there is nothing to do or something fails.
func (f *logFollow) look() error {
	f.t.Helper()
	for range 1000 {
		wait, err := f.run.look(f.t.Context())
		if wait > 0 || err != nil {
			return err
		}
	}
	f.t.Fatal("never comes to an end")
	return nil
}

func (f *logFollow) write(name, text string) {
	f.t.Helper()
	file, err := os.OpenFile(filepath.Join(filepath.Dir(f.path), name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *logFollow) age(name string, age time.Duration) {
	f.t.Helper()
	at := time.Now().Add(-age)
	if err := os.Chtimes(filepath.Join(filepath.Dir(f.path), name), at, at); err != nil {
		f.t.Fatal(err)
	}
}

func (f *logFollow) want(lines ...string) {
	f.t.Helper()
	if diff := cmp.Diff(lines, texts(f.got)); diff != "" {
		f.t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFirstStartBeginsAtTheEnd(t *testing.T) {
	f := followLog(t, nil)
	f.write("mail.log.1", "long ago\n")
	f.write("mail.log", "before\nhalf a ")
	if err := f.look(); err != nil {
		t.Fatal(err)
	}
	if len(f.got) != 1 || f.got[0].Position.Offset != 7 {
		t.Fatalf("the beginning is not committed: %+v", f.got)
	}
	f.write("mail.log", "line\n")
	f.start(f.got[0].Position)
	if err := f.look(); err != nil {
		t.Fatal(err)
	}
	f.want("half a line")
	if !f.last.Reading || f.last.LastErr != nil || f.last.Behind != 0 || f.last.LastLook.IsZero() {
		t.Errorf("state %+v", f.last)
	}
}

// A file that is not there is looked for every second. Its absence is said once and then each hour, not 86,400 times a
// day, and another failure in between is said at once.
func TestALogThatIsNotThereDoesNotFloodTheJournal(t *testing.T) {
	path, out := filepath.Join(t.TempDir(), "mail.log"), &bytes.Buffer{}
	synctest.Test(t, func(t *testing.T) {
		l, err := NewLog(LogOptions{Name: "mail", Path: path, Log: slog.New(slog.NewTextHandler(out, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Hour+30*time.Minute)
		defer stop()
		appear := time.AfterFunc(2*time.Hour+30*time.Minute, func() {
			if err := os.WriteFile(path, []byte("first\n"), 0o600); err != nil {
				t.Error(err)
			}
		})
		defer appear.Stop()
		_ = l.Watch(ctx, LogPosition{}, func(context.Context, LogBatch) error { return nil }, nil)
	})
	if missed, again := strings.Count(out.String(), "log not read"), strings.Count(out.String(), "log read again"); missed != 3 || again != 1 {
		t.Errorf("said %d times that it is not there in 2.5 hours, want 3, and %d times that it is, want 1:\n%.2000s", missed, again, out)
	}
	if !strings.Contains(out.String(), "journal = true") {
		t.Errorf("it does not say where the log is on a system without syslog:\n%.500s", out)
	}
}

func TestALogThatAppearsLaterIsReadFromItsBeginning(t *testing.T) {
	f := followLog(t, nil)
	if err := f.look(); !errors.Is(err, ErrLogMissing) || !strings.Contains(err.Error(), f.path) {
		t.Fatalf("got %v", err)
	}
	f.write("mail.log", "first\n")
	if err := f.look(); err != nil {
		t.Fatal(err)
	}
	f.want("first")
}

func TestHistoryIsReadInOrder(t *testing.T) {
	var xzText, zstText bytes.Buffer
	x, err := xz.NewWriter(&xzText)
	if err == nil {
		_, err = x.Write([]byte("in xz\n"))
		err = errors.Join(err, x.Close())
	}
	z, zerr := zstd.NewWriter(&zstText)
	if zerr == nil {
		_, zerr = z.Write([]byte("in zst\n"))
		zerr = errors.Join(zerr, z.Close())
	}
	if err := errors.Join(err, zerr); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][]string{
		"numbers":             {"mail.log.4.xz", "mail.log.3.zst", "mail.log.2.gz", "mail.log.1"},
		"dates":               {"mail.log-20261120.xz", "mail.log-20261121.zst", "mail.log-20261122.gz", "mail.log-20261123"},
		"dates before .log":   {"mail-20261120.log.xz", "mail-20261121.log.zst", "mail-20261122.log.gz", "mail-20261123.log"},
		"dates, no fixed one": {"mail.log.2026-11-20.xz", "mail.log.2026-11-21.zst", "mail.log.2026-11-22.gz", "mail.log.2026-11-23"},
	} {
		t.Run(name, func(t *testing.T) {
			f := followLog(t, func(o *LogOptions) { o.History = 72 * time.Hour })
			f.write(c[0], xzText.String())
			f.write(c[1], zstText.String())
			f.write(strings.TrimSuffix(c[2], ".gz"), "in gz\n")
			if out, err := exec.Command("gzip", filepath.Join(filepath.Dir(f.path), strings.TrimSuffix(c[2], ".gz"))).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			f.write(c[3], "plain\nno end")
			f.write("mail.log", "now\n")
			f.write("mail.log.9", "too old\n")
			f.write("mail.log.err", "another log\n")
			f.write("mail.logger", "another log\n")
			for i, n := range c {
				f.age(n, time.Duration(50-i)*time.Hour)
			}
			f.age("mail.log.9", 100*time.Hour)
			if err := f.look(); err != nil {
				t.Fatal(err)
			}
			f.want("in xz", "in zst", "in gz", "plain", "no end", "now")
			if g := gaps(f.got); len(g) > 0 {
				t.Errorf("gaps: %q", g)
			}
		})
	}
}

func TestLinesAsTheyAre(t *testing.T) {
	f := followLog(t, nil)
	_ = f.look()
	long := strings.Repeat("x", MaxLogLineBytes+5)
	f.write("mail.log", "\x00\x00\x00after a crash\r\n\n"+long+"\n"+strings.Repeat("y", 5<<20)+"\nlast\xff\n")
	if err := f.look(); err != nil {
		t.Fatal(err)
	}
	var lines []LogLine
	for _, b := range f.got {
		lines = append(lines, b.Lines...)
	}
	if len(lines) != 5 || lines[0].Text != "after a crash" || lines[1].Text != "" || lines[4].Text != "last\xff" {
		t.Fatalf("got %d lines: %.80q", len(lines), texts(f.got))
	}
	for i, first := range map[int]string{2: "x", 3: "y"} {
		if !lines[i].Cut || lines[i].Text != strings.Repeat(first, MaxLogLineBytes) {
			t.Errorf("line %d: %d bytes, cut %t", i, len(lines[i].Text), lines[i].Cut)
		}
	}
	if lines[0].Cut || lines[4].Cut {
		t.Error("short lines are called cut")
	}
	info, _ := os.Stat(f.path)
	if pos := f.got[len(f.got)-1].Position; pos.Offset != info.Size() {
		t.Errorf("position %d of %d", pos.Offset, info.Size())
	}
}

func TestARotatedFileIsLeftOnlyWhenItsWriterIsDone(t *testing.T) {
	f := followLog(t, func(o *LogOptions) { o.Settle = time.Hour })
	_ = f.look()
	f.write("mail.log", "one\n")
	_ = f.look()
	if err := os.Rename(f.path, f.path+".1"); err != nil {
		t.Fatal(err)
	}
	f.write("mail.log", "three\n")
	_ = f.look()
	f.want("one")
	f.write("mail.log.1", "two\n") // by a process that had it open
	_ = f.look()
	f.want("one", "two")
	f.age("mail.log.1", 2*time.Hour)
	f.start(f.got[len(f.got)-1].Position)
	_ = f.look()
	f.want("one", "two", "three")
}

func TestAnotherFileInTheSameInodeIsNoticed(t *testing.T) {
	f := followLog(t, nil)
	_ = f.look()
	f.write("mail.log", "one\ntwo\n")
	_ = f.look()
	pos := f.got[len(f.got)-1].Position
	if err := os.Truncate(f.path, 0); err != nil {
		t.Fatal(err)
	}
	f.write("mail.log", "other\nlines, more than before\n")
	f.start(pos)
	if err := f.look(); err != nil {
		t.Fatal(err)
	}
	f.want("one", "two", "other", "lines, more than before")
	if g := gaps(f.got); len(g) != 1 || !strings.Contains(g[0], "was emptied") {
		t.Errorf("gaps: %q", g)
	}
}

func TestWhatCannotBeStoredComesAgain(t *testing.T) {
	f := followLog(t, nil)
	_ = f.look()
	f.write("mail.log", "one\n")
	f.err = errors.New("disk full")
	if err := f.look(); !errors.Is(err, ErrHandle) || !strings.Contains(err.Error(), "disk full") {
		t.Fatalf("got %v", err)
	}
	f.write("mail.log", "two\n")
	f.err = nil
	if err := f.look(); err != nil {
		t.Fatal(err)
	}
	f.want("one", "two")
}

func TestADamagedFileIsPassedOverInTheEnd(t *testing.T) {
	f := followLog(t, func(o *LogOptions) { o.History = time.Hour })
	f.write("mail.log.1.gz", "no gzip at all")
	f.write("mail.log", "now\n")
	if err := f.look(); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Fatalf("got %v", err)
	}
	f.run.damaged = time.Now().Add(-damagedFor)
	if err := f.look(); err != nil {
		t.Fatal(err)
	}
	f.want("now")
	if g := gaps(f.got); len(g) != 1 || !strings.Contains(g[0], "mail.log.1.gz cannot be read") {
		t.Errorf("gaps: %q", g)
	}
}

func TestLogErrorsSayWhatToDo(t *testing.T) {
	f := followLog(t, nil)
	if err := os.Mkdir(f.path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := f.look(); !errors.Is(err, ErrLogUnread) || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
	denied := func(path string) string {
		return f.run.l.failed("open", path, &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES}).Error()
	}
	if got := denied(filepath.Join(f.path, "in a directory that may not be entered")); !strings.Contains(got, "enter the directory") {
		t.Error(got)
	}
	f.write("other.log", "")
	other := filepath.Join(filepath.Dir(f.path), "other.log")
	if got := denied(other); !strings.Contains(got, "right to read it") {
		t.Error(got)
	}
	if os.Getuid() == 0 {
		// As on Debian: root:adm, 0640. Root itself may read everything.
		if err := errors.Join(os.Chown(other, 0, 4), os.Chmod(other, 0o640)); err != nil {
			t.Fatal(err)
		}
		if got := denied(other); !strings.Contains(got, "to the group adm ") && !strings.Contains(got, "to the group 4 ") {
			t.Error(got)
		}
		// As a service with a user namespace of its own sees the same file.
		if err := os.Chown(other, 0, overflowID); err != nil {
			t.Fatal(err)
		}
		if got := denied(other); !strings.Contains(got, `"ls -l" shows`) || strings.Contains(got, "nogroup") {
			t.Error(got)
		}
		return
	}
	f = followLog(t, nil)
	f.write("mail.log", "secret\n")
	if err := os.Chmod(f.path, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.look(); !errors.Is(err, ErrLogDenied) || !strings.Contains(err.Error(), "right to read") {
		t.Errorf("got %v", err)
	}
}

func TestNewLogRefuses(t *testing.T) {
	for name, o := range map[string]LogOptions{
		"nothing to read":       {},
		"two things to read":    {Path: "/var/log/mail.log", Journal: &Journal{}},
		"a relative path":       {Path: "mail.log"},
		"units and identifiers": {Journal: &Journal{Units: []string{"a"}, Identifiers: []string{"b"}}},
		"a history in future":   {Path: "/var/log/mail.log", History: -1},
	} {
		if _, err := NewLog(o); err == nil || !strings.HasPrefix(err.Error(), "log ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWatchLooksEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "mail.log")
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := NewLog(LogOptions{Name: "mail", Path: path})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		var got []LogBatch
		go func() {
			done <- l.Watch(ctx, LogPosition{}, func(_ context.Context, b LogBatch) error { got = append(got, b); return nil }, nil)
		}()
		for i := range 3 {
			synctest.Wait()
			file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(file, "line %d\n", i)
			file.Close()
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"line 0", "line 1", "line 2"}, texts(got)); diff != "" {
			t.Error(diff)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
