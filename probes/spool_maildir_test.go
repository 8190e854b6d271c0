package probes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Whatever happens to a Maildir and to the daemon, each mail that lies there long
// enough is handed over once, and the mark does not outgrow the folder.
func TestMaildirOnceUnderRenamesAndRestarts(t *testing.T) {
	root, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := maildir(t, filepath.Join(root, fmt.Sprint(n)))
		k := &keeper{}
		s := k.spool(t, SpoolOptions{Path: dir, BatchMessages: 3})
		at := map[int]string{} // mail to its file
		made := 0
		var want []string
		pick := func(t *rapid.T) int {
			if len(at) == 0 {
				t.Skip("no mail")
			}
			return rapid.SampledFrom(slices.Sorted(maps.Keys(at))).Draw(t, "mail")
		}
		move := func(i int, to string) {
			if err := os.Rename(at[i], to); err != nil {
				t.Fatal(err)
			}
			at[i] = to
		}
		look := func(t *rapid.T) {
			if err := s.look(context.Background(), k.handle); err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"deliver": func(t *rapid.T) {
				for range rapid.IntRange(1, 5).Draw(t, "mails") {
					made++
					text := fmt.Sprintf("Subject: %d\n\n", made)
					at[made] = filepath.Join(dir, "new", fmt.Sprintf("17%04d.M%dP1.mx1", made, made))
					write(t, at[made], text)
					want = append(want, text)
				}
			},
			"read by a person": func(t *rapid.T) {
				i := pick(t)
				base, _, _ := strings.Cut(filepath.Base(at[i]), ":")
				move(i, filepath.Join(dir, "cur", base+":2,"+rapid.SampledFrom([]string{"", "S", "FS", "RS"}).Draw(t, "flags")))
			},
			"put back": func(t *rapid.T) {
				i := pick(t)
				base, _, _ := strings.Cut(filepath.Base(at[i]), ":")
				move(i, filepath.Join(dir, "new", base))
			},
			"remove": func(t *rapid.T) {
				look(t)
				i := pick(t)
				if err := os.Remove(at[i]); err != nil {
					t.Fatal(err)
				}
				delete(at, i)
			},
			"look": look,
			"restart": func(t *rapid.T) {
				s = k.spool(t, SpoolOptions{Path: dir, BatchMessages: 3})
			},
			"fail to store": func(t *rapid.T) {
				k.full = true
				_ = s.look(context.Background(), k.handle)
				k.full = false
			},
		})
		look(t)
		slices.Sort(k.mails)
		slices.Sort(want)
		if diff := cmp.Diff(want, k.mails); diff != "" {
			t.Fatalf("-want +handed over:\n%s", diff)
		}
		for range 3 { // gone is what two looks miss, and it is told with the next mail
			look(t)
		}
		write(t, filepath.Join(dir, "new", "99.last"), "last")
		look(t)
		if len(k.mark.Seen) != len(at)+1 {
			t.Fatalf("%d names are kept of %d files", len(k.mark.Seen), len(at)+1)
		}
	})
}

func TestMaildirIsNeverChangedUnlessAsked(t *testing.T) {
	for name, c := range map[string]struct {
		remove bool
		left   []string
	}{
		"mails stay":                  {false, []string{"cur/2:2,S", "new/1", "new/3", "tmp/half"}},
		"mails go once they are kept": {true, []string{"tmp/half"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := maildir(t, t.TempDir())
			write(t, dir+"/new/1", "one")
			write(t, dir+"/cur/2:2,S", "two")
			write(t, dir+"/tmp/half", "hal")
			k := &keeper{}
			s := k.spool(t, SpoolOptions{Path: dir, Remove: c.remove})
			k.full = true
			if err := s.look(t.Context(), k.handle); err == nil {
				t.Error("no error though nothing could be stored")
			}
			k.full = false
			for range 2 {
				if err := s.look(t.Context(), k.handle); err != nil {
					t.Fatal(err)
				}
			}
			// Stored, and killed before it was removed.
			write(t, dir+"/new/3", "three")
			s = k.spool(t, SpoolOptions{Path: dir})
			if err := s.look(t.Context(), k.handle); err != nil {
				t.Fatal(err)
			}
			s = k.spool(t, SpoolOptions{Path: dir, Remove: c.remove})
			if err := s.look(t.Context(), k.handle); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"one", "two", "three"}, k.mails); diff != "" {
				t.Error(diff)
			}
			left, _ := filepath.Glob(dir + "/*/*")
			for i := range left {
				left[i], _ = filepath.Rel(dir, left[i])
			}
			if diff := cmp.Diff(c.left, left); diff != "" {
				t.Errorf("left in the folder: %s", diff)
			}
		})
	}
}

func TestMaildirOddFiles(t *testing.T) {
	dir := maildir(t, t.TempDir())
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "secret")
	if err := os.Symlink(secret, dir+"/new/2.link"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/new/3.folder", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/new/1.M1.mx1,S=5000000", strings.Repeat("x", 3000))
	write(t, dir+"/new/.nfs0001", "x")
	var got []Message
	s := (&keeper{}).spool(t, SpoolOptions{Path: dir, MaxMessageBytes: 1000})
	if err := s.look(t.Context(), func(_ context.Context, b SpoolBatch) error { got = append(got, b.Messages...); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || len(got[0].Bytes) != 1000 || !got[0].Cut || got[0].Size != 5000000 || got[0].Place != "1.M1.mx1,S=5000000" {
		t.Fatalf("%d mails, the first %+v", len(got), got[0])
	}
	for _, m := range got[1:] {
		if m.Trouble == "" || len(m.Bytes) > 0 {
			t.Errorf("%s: trouble %q, read %q", m.Place, m.Trouble, m.Bytes)
		}
	}
}

// A mail that may not be read holds up no other, and is not passed over.
func TestMaildirUnreadableMail(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := maildir(t, t.TempDir())
	write(t, dir+"/new/1", "one")
	write(t, dir+"/new/2", "two")
	if err := os.Chmod(dir+"/new/1", 0); err != nil {
		t.Fatal(err)
	}
	k := &keeper{}
	s := k.spool(t, SpoolOptions{Path: dir})
	if err := s.look(t.Context(), k.handle); !errors.Is(err, os.ErrPermission) {
		t.Errorf("error %v", err)
	}
	if err := os.Chmod(dir+"/new/1", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.look(t.Context(), k.handle); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"two", "one"}, k.mails); diff != "" {
		t.Error(diff)
	}
}

// A Maildir in which nothing happens is not listed again, also not after mails went from it.
func TestMaildirIsLeftAloneWhenNothingHappens(t *testing.T) {
	dir := maildir(t, t.TempDir())
	write(t, dir+"/new/1", "one")
	write(t, dir+"/new/2", "two")
	k := &keeper{}
	s := k.spool(t, SpoolOptions{Path: dir})
	old := time.Now().Add(-time.Hour)
	age := func() {
		t.Helper()
		for _, sub := range []string{"new", "cur"} {
			if err := os.Chtimes(filepath.Join(dir, sub), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	look := func(times int) {
		t.Helper()
		age()
		for range times {
			if err := s.look(t.Context(), k.handle); err != nil {
				t.Fatal(err)
			}
		}
	}
	look(1)
	if err := os.Remove(dir + "/new/1"); err != nil {
		t.Fatal(err)
	}
	s.dir.times = [2]time.Time{} // its time changed with that
	look(3)
	for range 3 {
		if s.dir.times[0].IsZero() || len(s.dir.gone) != 1 {
			t.Fatalf("times %v, gone %v", s.dir.times, s.dir.gone)
		}
		look(1)
	}
}
