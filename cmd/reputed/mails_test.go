package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"reputed/probes"
)

// foundIn is what a stream of a name holds.
func foundIn(t interface{ Fatal(...any) }, name string, r io.Reader) (all []found) {
	f := finder{one: func(x found) error { all = append(all, x); return nil }}
	f.stream(name, r, 0)
	if f.stopped != nil {
		t.Fatal(f.stopped)
	}
	return all
}

func packed(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

func TestStreamsAreToldApart(t *testing.T) {
	const sep = "From MAILER-DAEMON Wed Nov 25 09:40:00 2026\n"
	for name, c := range map[string]struct {
		file, in string
		want     map[string]string
	}{
		"a plain mail is one":                           {"a.eml", "Subject: x\n\nbody\n", map[string]string{"a.eml": "Subject: x\n\nbody\n"}},
		"a mail with a separator is one, with its name": {"a", sep + "Subject: x\n\nbody\n", map[string]string{"a": "Subject: x\n\nbody\n"}},
		"an mbox is split and numbered":                 {"box", sep + "A: 1\n\none\n\n" + sep + "B: 2\n\ntwo\n", map[string]string{"box#1": "A: 1\n\none\n", "box#2": "B: 2\n\ntwo\n"}},
		"an .eml is never split":                        {"a.EML", sep + "A: 1\n\n" + sep + "B: 2\n", map[string]string{"a.EML": sep + "A: 1\n\n" + sep + "B: 2\n"}},
		"nothing is one empty mail":                     {"-", "", map[string]string{"-": ""}},
		"a separator alone is one empty mail":           {"box", sep, map[string]string{"box": ""}},
		"gzip is unpacked":                              {"a.eml.gz", packed("Subject: x\n"), map[string]string{"a.eml.gz": "Subject: x\n"}},
		"gzip is known by its bytes":                    {"-", packed(sep + "A: 1\n\n\n" + sep + "B: 2\n"), map[string]string{"-#1": "A: 1\n\n", "-#2": "B: 2\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for _, x := range foundIn(t, c.file, strings.NewReader(c.in)) {
				if got[x.name] = string(x.data); x.err != nil {
					t.Error(x.err)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What breaks off is shown as far as it goes, and said.
func TestBrokenStreams(t *testing.T) {
	const sep = "From MAILER-DAEMON Wed Nov 25 09:40:00 2026\n"
	whole := packed("Subject: x\n\n" + strings.Repeat("Z9#k", 5000))
	got := foundIn(t, "a.gz", strings.NewReader(whole[:len(whole)-10]))
	if len(got) != 1 || !got[0].cut || got[0].err == nil || !bytes.HasPrefix(got[0].data, []byte("Subject: x\n\nZ9#k")) {
		t.Errorf("a gzip that is cut off: %+v", got)
	}
	got = foundIn(t, "box", io.MultiReader(strings.NewReader(sep+"A: 1\n\n\n"+sep+"B: 2\n"), iotest.ErrReader(errors.New("disk\nbroke"))))
	if len(got) != 2 || string(got[0].data) != "A: 1\n\n" || got[1].data != nil || got[1].err == nil {
		t.Errorf("an mbox on a broken disk: %+v", got)
	}
}

func TestHugeMailsAreCut(t *testing.T) {
	huge := strings.Repeat("x", 3*probes.MaxMessageBytes)
	for _, in := range []string{huge, packed(huge), "From a Wed Nov 25 09:40:00 2026\n" + huge + "\n\nFrom b Wed Nov 25 09:40:00 2026\nB: 2\n"} {
		got := foundIn(t, "box", strings.NewReader(in))
		if len(got[0].data) != probes.MaxMessageBytes || !got[0].cut || got[0].err != nil {
			t.Errorf("%d bytes, cut %v; want the first %d", len(got[0].data), got[0].cut, probes.MaxMessageBytes)
		}
		if last := got[len(got)-1]; len(got) > 1 && (string(last.data) != "B: 2\n" || last.cut) {
			t.Errorf("the mail after it: %q", last.data)
		}
	}
}

func TestEachMailWalksFoldersAndMaildirs(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.eml", "a.eml", ".hidden", "md/cur/1:2,S", "md/new/2", "md/tmp/3", "md/dovecot-uidlist", "md/.Junk/maildirfolder", "md/.Junk/cur/4", "md/.Junk/new/x", "md/.Junk/tmp/5", "tmp/6"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("Subject: x\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	var troubles []error
	f := finder{one: func(x found) error {
		if x.err != nil {
			troubles = append(troubles, x.err)
			return nil
		}
		rel, _ := filepath.Rel(dir, x.name)
		got = append(got, filepath.ToSlash(rel))
		return nil
	}}
	err := f.find(dir)
	want := []string{"a.eml", "b.eml", "md/.Junk/cur/4", "md/.Junk/new/x", "md/cur/1:2,S", "md/new/2", "tmp/6"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || troubles != nil {
		t.Errorf("err %v, troubles %v, -want +got:\n%s", err, troubles, diff)
	}
	if err := f.find(filepath.Join(dir, "none")); err != nil || len(troubles) != 1 {
		t.Errorf("a path that is not there: %v", troubles)
	}
	enough := errors.New("enough")
	n := 0
	f.one = func(found) error { n++; return enough }
	if err := f.find(dir); err != enough || n != 1 {
		t.Errorf("after %d it ended with %v, want the first one's error", n, err)
	}
}

func FuzzStream(f *testing.F) {
	f.Add("box", []byte("From a Wed Nov 25 09:40:00 2026\nA: 1\n\nFrom b Wed Nov 25 09:40:00 2026\nB: 2\n"))
	f.Add("a.gz", []byte(packed("From \n>From x")))
	f.Add("-", []byte("\x1f\x8bx"))
	f.Fuzz(func(t *testing.T, name string, in []byte) {
		if len(foundIn(t, name, bytes.NewReader(in))) == 0 {
			t.Error("nothing is shown")
		}
	})
}

// Results come in the order of the things, whoever is done first, and no more things are taken up than are allowed.
func TestOrdered(t *testing.T) {
	for name, c := range map[string]struct {
		stopAt, failAt int
	}{"all": {-1, -1}, "who takes has enough": {5, -1}, "what produces fails": {-1, 7}} {
		t.Run(name, func(t *testing.T) {
			var inside, most atomic.Int64
			var got []int
			broken := errors.New("broken")
			err := ordered(3, 4, func(emit func(int) error) error {
				for i := range 100 {
					if i == c.failAt {
						return broken
					}
					most.Store(max(most.Load(), inside.Add(1)))
					if err := emit(i); err != nil {
						return err
					}
				}
				return nil
			}, func(i int) int { return i * i }, func(i int) error {
				inside.Add(-1)
				if len(got) == c.stopAt {
					return broken
				}
				got = append(got, i)
				return nil
			})
			want := map[string]int{"all": 100, "who takes has enough": 5, "what produces fails": 7}[name]
			if len(got) != want || !slices.IsSorted(got) || errors.Is(err, broken) != (want < 100) {
				t.Errorf("%d results %v, error %v", len(got), got, err)
			}
			if n := most.Load(); n > 4+3+2 {
				t.Errorf("%d things were in memory at once", n)
			}
		})
	}
}
