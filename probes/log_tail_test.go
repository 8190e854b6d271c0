package probes

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func tailOf(t *testing.T, o LogOptions) (LogTail, error) {
	t.Helper()
	l, err := NewLog(o)
	if err != nil {
		t.Fatal(err)
	}
	return l.Tail(t.Context())
}

func tailTexts(t LogTail) (all []string) {
	for _, l := range t.Lines {
		all = append(all, l.Text)
	}
	return all
}

func TestTheEndOfALogFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mail.log")
	if _, err := tailOf(t, LogOptions{Name: "mx1", Path: path}); !errors.Is(err, ErrLogMissing) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte("one\r\ntw\x00o\nbeing written"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := tailOf(t, LogOptions{Name: "mx1", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one", "two"}, tailTexts(got)); diff != "" || got.Size == 0 || got.Written.IsZero() || got.Rotated != 0 {
		t.Errorf("%+v\n%s", got, diff)
	}
	// Of a long one the end, from the beginning of a line.
	var long strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&long, "line number %06d of the log\n", i)
	}
	if err := os.WriteFile(path, []byte(long.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".1", []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err = tailOf(t, LogOptions{Name: "mx1", Path: path}); err != nil {
		t.Fatal(err)
	}
	n := len(got.Lines)
	if n < 5000 || n > 10000 || got.Lines[n-1].Text != "line number 019999 of the log" || !strings.HasPrefix(got.Lines[0].Text, "line number ") || got.Rotated != 1 || got.Unread != "" {
		t.Errorf("%d lines, first %q, %d rotated %q", n, got.Lines[0].Text, got.Rotated, got.Unread)
	}
	if _, err := tailOf(t, LogOptions{Name: "mx1", Path: dir}); err == nil || !strings.Contains(err.Error(), "give the file that the log is written to") {
		t.Errorf("a folder: %v", err)
	}
}

func TestTheEndOfTheJournal(t *testing.T) {
	defer goleak.VerifyNone(t)
	command, calls := standIn(t, "cat <<'X'\n"+entryText("c1", `"one\ntwo"`)+"\n"+entryText("c2", `"three"`)+"\nX")
	got, err := tailOf(t, LogOptions{Name: "mx1", Journal: &Journal{Command: command, Units: []string{"postfix@-"}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one", "two", "three"}, tailTexts(got)); diff != "" || got.Written.IsZero() {
		t.Errorf("%+v\n%s", got, diff)
	}
	args, _ := os.ReadFile(calls)
	if strings.Contains(string(args), "--follow") || !strings.Contains(string(args), "--unit=postfix@-") || !strings.Contains(string(args), "--lines=") {
		t.Errorf("called with %q", args)
	}
	// It has something to do yet after its last word.
	command, _ = standIn(t, "cat <<'X'\n"+entryText("c1", `"one"`)+"\nX\nexec >&-\ni=0; while [ $i -lt 30000 ]; do i=$((i+1)); done")
	if got, err := tailOf(t, LogOptions{Name: "mx1", Journal: &Journal{Command: command}}); err != nil || len(got.Lines) != 1 {
		t.Errorf("one that ends a moment after its output: %+v, %v", got, err)
	}
	command, _ = standIn(t, "echo 'Hint: You are currently not seeing messages from other users and the system.' >&2")
	if _, err := tailOf(t, LogOptions{Name: "mx1", Journal: &Journal{Command: command}}); !errors.Is(err, ErrLogDenied) {
		t.Errorf("no rights: %v", err)
	}
	command, _ = standIn(t, "echo broken >&2; exit 3")
	if _, err := tailOf(t, LogOptions{Name: "mx1", Journal: &Journal{Command: command}}); !errors.Is(err, ErrLogUnread) || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a failure: %v", err)
	}
	if _, err := tailOf(t, LogOptions{Name: "mx1", Journal: &Journal{Command: filepath.Join(t.TempDir(), "none")}}); !errors.Is(err, ErrLogMissing) {
		t.Errorf("no journalctl: %v", err)
	}
}
