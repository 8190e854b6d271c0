package probes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// keeper is what a database keeps of a spool: mails and marks, together or not at all.
type keeper struct {
	mails  []string
	places []string
	mark   SpoolMark
	full   bool // nothing can be written
}

func (k *keeper) handle(_ context.Context, b SpoolBatch) error {
	if k.full {
		return errors.New("disk is full")
	}
	if k.mark.Seen == nil {
		k.mark.Seen = map[int64]struct{}{}
	}
	for _, m := range b.Messages {
		k.mails, k.places = append(k.mails, string(m.Bytes)), append(k.places, m.Place)
	}
	k.mark.Mbox = b.Mbox
	for _, n := range b.Seen {
		k.mark.Seen[n] = struct{}{}
	}
	for _, n := range b.Gone {
		delete(k.mark.Seen, n)
	}
	return nil
}

// spool is one as it is after a start of the daemon.
func (k *keeper) spool(t interface{ Fatal(...any) }, opts SpoolOptions) *Spool {
	opts.Name = "box"
	s, err := NewSpool(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.mark = SpoolMark{Mbox: k.mark.Mbox, Seen: maps.Clone(k.mark.Seen)}
	if s.mark.Seen == nil {
		s.mark.Seen = map[int64]struct{}{}
	}
	return s
}

func maildir(t interface {
	Fatal(...any)
}, dir string) string {
	for _, sub := range []string{"new", "cur", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(t interface{ Fatal(...any) }, path, text string) {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Whatever is appended to an mbox, taken out of it, and noted down in it by mail
// readers, each mail is known once by its content, and none is known by half.
func TestMboxOnceUnderRewritesAndRestarts(t *testing.T) {
	root, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(root, fmt.Sprint(n))
		k := &keeper{}
		opts := SpoolOptions{Path: path, Kind: SpoolMbox, BatchMessages: 2}
		s := k.spool(t, opts)
		var in, want []string // what lies in the file, in mbox form; every mail there was
		flush := func() { write(t, path, strings.Join(in, "")) }
		look := func(t *rapid.T) {
			if err := s.look(context.Background(), k.handle); err != nil {
				t.Fatal(err)
			}
		}
		append1 := func(t *rapid.T) (whole string) {
			mail := fmt.Sprintf("Subject: %d\n\n%s\n", len(want), rapid.SampledFrom([]string{"", "x", "From here on", "y\n\nz"}).Draw(t, "text"))
			want = append(want, mail)
			var b strings.Builder
			writeMbox(&b, mail)
			in = append(in, b.String())
			return b.String()
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) { append1(t); flush() },
			"append slowly": func(t *rapid.T) {
				whole := append1(t)
				cut := rapid.IntRange(0, len(whole)-1).Draw(t, "cut")
				write(t, path, strings.Join(in[:len(in)-1], "")+whole[:cut])
				look(t)
				flush()
			},
			"note as read": func(t *rapid.T) {
				for i := range in {
					in[i] = strings.Replace(in[i], "\nSubject:", "\nStatus: RO\nX-UID: 7\nSubject:", 1)
				}
				flush()
			},
			"expunge the first": func(t *rapid.T) {
				look(t)
				look(t)
				if len(in) > 0 {
					in = in[1:]
				}
				flush()
			},
			"empty": func(t *rapid.T) {
				look(t)
				look(t)
				in = nil
				if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			},
			"look":    look,
			"restart": func(t *rapid.T) { s = k.spool(t, opts) },
			"fail to store": func(t *rapid.T) {
				k.full = true
				_ = s.look(context.Background(), k.handle)
				k.full = false
			},
		})
		look(t)
		look(t)
		look(t)
		slices.Sort(k.mails)
		slices.Sort(want)
		if diff := cmp.Diff(want, slices.Compact(k.mails)); diff != "" {
			t.Fatalf("-want +known:\n%s", diff)
		}
	})
}

func TestMboxEndsAndLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mbox")
	k := &keeper{}
	s := k.spool(t, SpoolOptions{Path: path, Settle: time.Hour})
	look := func(want ...string) {
		t.Helper()
		if err := s.look(t.Context(), k.handle); err != nil && !errors.Is(err, errLater) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, k.mails); diff != "" {
			t.Error(diff)
		}
	}
	if err := s.look(t.Context(), k.handle); err == nil {
		t.Error("a path where nothing is, and nobody said that it is an mbox")
	}
	write(t, path, sepLine+"A: 1\n\none\n\n"+sepLine+"B: 2\n\ntw")
	write(t, path+".lock", "")
	look()
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	look("A: 1\n\none\n")
	look("A: 1\n\none\n") // the last one has no end yet
	s.file.changed = time.Now().Add(-2 * time.Hour)
	look("A: 1\n\none\n", "B: 2\n\ntw") // nobody has written for so long that this is all
	write(t, path, sepLine+"A: 1\n\none\n\n"+sepLine+"B: 2\n\ntwo\n\n")
	look("A: 1\n\none\n", "B: 2\n\ntw")
	look("A: 1\n\none\n", "B: 2\n\ntw", "B: 2\n\ntwo\n") // and yet it was not: it is read again as a whole
	write(t, path, "no mbox\n")
	if err := s.look(t.Context(), k.handle); err == nil || !strings.Contains(err.Error(), "no mbox") {
		t.Errorf("error %v", err)
	}
}

func TestSpoolWatchTellsItsState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "md")
	synctest.Test(t, func(t *testing.T) {
		s, err := NewSpool(SpoolOptions{Name: "box", Path: dir})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var states []bool
		k := &keeper{}
		done := make(chan error, 1)
		go func() {
			done <- s.Watch(ctx, SpoolMark{}, k.handle, func(s MailboxState) {
				if states = append(states, s.Connected); s.Connected != (s.LastErr == nil) {
					t.Errorf("connected %v, error %v", s.Connected, s.LastErr)
				}
			})
		}()
		synctest.Wait()
		maildir(t, dir)
		write(t, dir+"/new/1", "one")
		time.Sleep(6 * time.Second)
		synctest.Wait()
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) || !slices.Equal(states, []bool{false, true}) || len(k.mails) != 1 {
			t.Errorf("ended with %v, states %v, mails %q", err, states, k.mails)
		}
	})
}

// A folder that is missing for a night is one line in the log and not one every five seconds.
func TestSpoolWatchSaysOnceWhatIsWrong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "md")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s, err := NewSpool(SpoolOptions{Name: "box", Path: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		looks := 0
		if err := s.Watch(ctx, SpoolMark{}, (&keeper{}).handle, func(MailboxState) { looks++ }); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if got := strings.Count(log.String(), "spool not read"); got != 1 || looks < 10 {
			t.Errorf("said %d times in %d looks, want once:\n%s", got, looks, &log)
		}
		if !strings.Contains(log.String(), "is the path right") {
			t.Errorf("the log does not say what to do:\n%s", &log)
		}
	})
}

func TestNewSpoolSaysWhatIsWrong(t *testing.T) {
	for want, opts := range map[string]SpoolOptions{
		"no path":        {},
		`kind "mbx"`:     {Path: "x", Kind: "mbx"},
		"a Maildir only": {Path: "x", Kind: SpoolMbox, Remove: true},
	} {
		if _, err := NewSpool(opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", opts, err, want)
		}
	}
}
