package probes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"reputed/probes/serverstest"
)

// standIn is an executable in the place of journalctl: it notes how it was
// called and runs the script.
func standIn(t *testing.T, script string) (command, calls string) {
	t.Helper()
	dir := t.TempDir()
	command, calls = filepath.Join(dir, "journalctl"), filepath.Join(dir, "calls")
	text := fmt.Sprintf("#!/bin/sh\necho \"$*\" >> %s\n%s\n", calls, script)
	if err := os.WriteFile(command, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return command, calls
}

// entryText is an entry as journalctl writes it.
func entryText(cursor, message string) string {
	return fmt.Sprintf(`{"__CURSOR":"%s","__REALTIME_TIMESTAMP":"1795510800000000","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"postfix/smtp","_PID":"42","MESSAGE":%s}`, cursor, message)
}

// watchJournal watches until so many lines and gaps came, or an error was reported.
func watchJournal(t *testing.T, opts LogOptions, from LogPosition, want int) (got []LogBatch, last error) {
	t.Helper()
	opts.Name, opts.Poll, opts.RetryMin = "mail", 20*time.Millisecond, time.Millisecond
	l, err := NewLog(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	n := 0
	_ = l.Watch(ctx, from, func(_ context.Context, b LogBatch) error {
		got = append(got, b)
		if n += len(b.Lines); n >= want && want > 0 {
			cancel()
		}
		return nil
	}, func(s LogState) {
		if s.LastErr != nil && want == 0 {
			last = s.LastErr
			cancel()
		}
	})
	return got, last
}

func texts(batches []LogBatch) (out []string) {
	for _, b := range batches {
		for _, l := range b.Lines {
			out = append(out, l.Text)
		}
	}
	return out
}

func gaps(batches []LogBatch) (out []string) {
	for _, b := range batches {
		if b.Gap != "" {
			out = append(out, b.Gap)
		}
	}
	return out
}

func TestJournalGoesOnBehindTheCursor(t *testing.T) {
	defer goleak.VerifyNone(t)
	command, calls := standIn(t, "cat <<'X'\n"+entryText("c1", `"old"`)+"\n"+entryText("c2", `"one\ntwo"`)+"\n"+entryText("c3", `[100,195,169,0]`)+"\n"+entryText("c4", `null`)+"\nX\nexec sleep 60")
	got, _ := watchJournal(t, LogOptions{Journal: &Journal{Command: command, Units: []string{"postfix@-"}}}, LogPosition{Cursor: "c1"}, 4)
	if diff := cmp.Diff([]string{"one", "two", "dé", ""}, texts(got)); diff != "" {
		t.Error(diff)
	}
	if g := gaps(got); len(g) > 0 {
		t.Errorf("gaps where the cursor was found: %q", g)
	}
	want := LogLine{At: time.UnixMicro(1795510800000000).UTC(), Host: "mx1", Tag: "postfix/smtp", PID: 42, Text: "one"}
	if first := got[0].Lines[0]; first != want {
		t.Errorf("got %+v, want %+v", first, want)
	}
	if pos := got[len(got)-1].Position; pos != (LogPosition{Cursor: "c4"}) {
		t.Errorf("position %+v", pos)
	}
	args, _ := os.ReadFile(calls)
	for _, want := range []string{"--cursor=c1", "--no-tail", "--merge", "--unit=postfix@-", "--all"} {
		if !strings.Contains(string(args), want) {
			t.Errorf("called with %q, without %s", args, want)
		}
	}
}

func TestJournalSaysThatTheCursorIsGone(t *testing.T) {
	command, _ := standIn(t, "echo '"+entryText("c9", `"new"`)+"'\nexec sleep 60")
	got, _ := watchJournal(t, LogOptions{Journal: &Journal{Command: command}}, LogPosition{Cursor: "c1"}, 1)
	if g := gaps(got); len(g) != 1 || !strings.Contains(g[0], "vacuumed") || len(texts(got)) != 1 {
		t.Errorf("gaps %q, lines %q", g, texts(got))
	}
}

func TestJournalIsRunAnewAfterItEnds(t *testing.T) {
	// It gives the entry behind the cursor and dies; the cursor comes from the last call.
	command, calls := standIn(t, `n=$(wc -l < "$0.n" 2>/dev/null || echo 0); echo >> "$0.n"
[ $n -gt 0 ] && echo '`+entryText("c$n", `"seen"`)+`' | sed "s/\$n/$n/"
echo '`+entryText("c$n", `"line $n"`)+`' | sed "s/\$n/$((n+1))/g"`)
	got, _ := watchJournal(t, LogOptions{Journal: &Journal{Command: command}, History: 30 * 24 * 365 * time.Hour}, LogPosition{}, 3)
	if diff := cmp.Diff([]string{"line 1", "line 2", "line 3"}, texts(got)); diff != "" {
		t.Error(diff)
	}
	args, _ := os.ReadFile(calls)
	lines := strings.Split(strings.TrimSpace(string(args)), "\n")
	if len(lines) < 3 || !strings.Contains(lines[0], "--since=@") || !strings.Contains(lines[1], "--cursor=c1") || !strings.Contains(lines[2], "--cursor=c2") {
		t.Errorf("calls: %q", lines)
	}
}

// TestJournalWithAHistoryIsNotAtItsEndWhenNothingWaits: journalctl writes more slowly than we read.
func TestJournalWithAHistoryIsNotAtItsEndWhenNothingWaits(t *testing.T) {
	for name, c := range map[string]struct {
		at  time.Time
		end bool
	}{
		"an old entry":     {time.Now().Add(-time.Hour), false},
		"one that is made": {time.Now(), true},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			entry := strings.Replace(entryText("c1", `"line"`), "1795510800000000", strconv.FormatInt(c.at.UnixMicro(), 10), 1)
			command, _ := standIn(t, "echo '"+entry+"'; exec sleep 60")
			l, err := NewLog(LogOptions{Name: "mail", Journal: &Journal{Command: command}, History: 24 * time.Hour, Poll: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			handed, look := false, time.Time{}
			_ = l.Watch(ctx, LogPosition{}, func(context.Context, LogBatch) error { handed = true; return nil }, func(s LogState) {
				if handed && ctx.Err() == nil {
					look = s.LastLook
					stop()
				}
			})
			if !handed || look.IsZero() == c.end {
				t.Errorf("read to its end at %s, want that it was: %v", look, c.end)
			}
		})
	}
}

func TestJournalErrorsSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		kind   error
		want   string
	}{
		"no rights":     {"echo 'Hint: You are currently not seeing messages from other users and the system.' >&2; exec sleep 60", ErrLogDenied, "systemd-journal"},
		"no journal":    {"echo 'No journal files were found.' >&2; exec sleep 60", ErrLogMissing, "give the log's file"},
		"it fails":      {"echo 'Failed to add match: Invalid argument' >&2; exit 1", ErrLogUnread, "Failed to add match"},
		"it says other": {"echo nonsense", ErrLogUnread, "not an entry: nonsense"},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			command, _ := standIn(t, c.script)
			_, err := watchJournal(t, LogOptions{Journal: &Journal{Command: command}}, LogPosition{}, 0)
			if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.want) {
				t.Errorf("got %v, want %v with %q", err, c.kind, c.want)
			}
		})
	}
	_, err := watchJournal(t, LogOptions{Journal: &Journal{Command: filepath.Join(t.TempDir(), "none")}}, LogPosition{}, 0)
	if !errors.Is(err, ErrLogMissing) || !strings.Contains(fmt.Sprint(err), "give the log's file") {
		t.Errorf("a program that is not there: %v", err)
	}
}

func TestJournalPassesOverAnEndlessEntry(t *testing.T) {
	command, _ := standIn(t, `printf '{"__CURSOR":"c1","MESSAGE":"'; head -c 1000000 /dev/zero | tr '\0' x; echo '"}'
echo '`+entryText("c2", `"next"`)+`'; exec sleep 60`)
	got, _ := watchJournal(t, LogOptions{Journal: &Journal{Command: command}, History: 30 * 24 * 365 * time.Hour}, LogPosition{}, 1)
	if diff := cmp.Diff([]string{"next"}, texts(got)); diff != "" {
		t.Error(diff)
	}
}

// TestRealJournal reads a journal that systemd's own tool wrote, with the real
// journalctl, over a change of boots.
func TestRealJournal(t *testing.T) {
	const remote = "/lib/systemd/systemd-journal-remote"
	if _, err := exec.LookPath("journalctl"); err != nil {
		serverstest.Skip(t, "no journalctl here: apt-get install systemd")
	}
	if _, err := os.Stat(remote); err != nil {
		serverstest.Skip(t, "nothing to write a journal with: apt-get install systemd-journal-remote")
	}
	dir := t.TempDir()
	write := func(from, to int, boot string) {
		t.Helper()
		var text strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&text, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n_HOSTNAME=mx1\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=postfix/smtp\n_PID=42\nMESSAGE=line %d\n\n",
				1795510800000000+i*1000000, i+1, strings.Repeat(boot, 32), i)
		}
		cmd := exec.Command(remote, "--output="+filepath.Join(dir, "mail.journal"), "-")
		cmd.Stdin = strings.NewReader(text.String())
		if out, err := cmd.CombinedOutput(); err != nil {
			serverstest.Skip(t, fmt.Sprintf("a journal cannot be written here: %v: %s", err, out))
		}
	}
	write(0, 4, "a")
	opts := LogOptions{Journal: &Journal{Directory: dir}, History: 30 * 24 * 365 * time.Hour}
	got, _ := watchJournal(t, opts, LogPosition{}, 4)
	if diff := cmp.Diff([]string{"line 0", "line 1", "line 2", "line 3"}, texts(got)); diff != "" {
		t.Fatal(diff)
	}
	write(4, 6, "a")
	write(6, 8, "b")
	again, _ := watchJournal(t, opts, got[len(got)-1].Position, 4)
	if diff := cmp.Diff([]string{"line 4", "line 5", "line 6", "line 7"}, texts(again)); diff != "" {
		t.Error(diff)
	}
	if g := gaps(append(got, again...)); len(g) > 0 {
		t.Errorf("gaps: %q", g)
	}
}
