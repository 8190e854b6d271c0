package probes

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// logWorld is a log that is written and rotated, and a reader of it that
// crashes. The database is what was committed: lines and position.
type logWorld struct {
	t       *rapid.T
	dir     string
	path    string
	log     *Log
	run     *follower
	written int
	partial bool
	lossy   bool // something was thrown away that may not have been read

	pos   []byte
	got   []string
	gaps  []string
	stuck bool // the database refuses
}

func (w *logWorld) must(err error) {
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *logWorld) append(text string) {
	file, err := os.OpenFile(w.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	w.must(err)
	_, err = file.WriteString(text)
	w.must(errors.Join(err, file.Close()))
}

// end ends a line that was begun.
func (w *logWorld) end() {
	if w.partial {
		w.append("\n")
	}
	w.partial = false
}

// knows says whether lines of what is in the file now were committed.
func (w *logWorld) knows() bool {
	var pos LogPosition
	if w.pos == nil || json.Unmarshal(w.pos, &pos) != nil || pos.Offset == 0 {
		return false
	}
	info, err := os.Stat(w.path)
	if err != nil {
		return false
	}
	f, err := find([]logEntry{{path: w.path, info: info, current: true}}, pos)
	if f != nil {
		f.close()
	}
	return err == nil && f != nil
}

// begins says whether the reader is at the very beginning of a file of which it
// knows nothing yet, and would not notice that it was copied and emptied.
func (w *logWorld) begins() bool {
	if f := w.run.file; f != nil && len(f.head) == 0 {
		return true
	}
	return w.pos != nil && !strings.Contains(string(w.pos), `"head"`)
}

func (w *logWorld) line() string {
	w.written++
	return fmt.Sprintf("%d %s", w.written, strings.Repeat("x", w.written*37%211))
}

// shift renames maillog.1 to maillog.2 and so on, keeping the extension.
func (w *logWorld) shift() {
	for n := 80; n > 0; n-- { // more rotations than steps
		for _, ext := range []string{"", ".gz"} {
			from := fmt.Sprintf("%s.%d%s", w.path, n, ext)
			if _, err := os.Stat(from); err == nil {
				w.must(os.Rename(from, fmt.Sprintf("%s.%d%s", w.path, n+1, ext)))
			}
		}
	}
}

func (w *logWorld) handle(_ context.Context, b LogBatch) error {
	if w.stuck {
		return errors.New("disk full")
	}
	pos, err := json.Marshal(b.Position)
	w.must(err)
	w.pos = pos
	for _, l := range b.Lines {
		w.got = append(w.got, l.Text)
	}
	if b.Gap != "" {
		w.gaps = append(w.gaps, b.Gap)
	}
	return nil
}

func (w *logWorld) start() {
	if w.run != nil {
		w.run.close()
	}
	var pos LogPosition
	if w.pos != nil {
		w.must(json.Unmarshal(w.pos, &pos))
	}
	w.run = newFollower(w.log, pos, w.handle, nil).(*follower)
}

// settle looks until there is nothing to do.
func (w *logWorld) settle() {
	for range 1000 {
		wait, err := w.run.look(context.Background())
		if wait > 0 || err != nil {
			return
		}
	}
	w.t.Fatal("never comes to an end")
}

func TestEveryLineOfALogIsHandedOverOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "log")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		w := &logWorld{t: t, dir: dir, path: filepath.Join(dir, "maillog")}
		w.log, err = NewLog(LogOptions{Name: "test", Path: w.path, History: time.Hour, Settle: 1, BatchLines: 3, BatchBytes: 300})
		w.must(err)
		w.start()
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				for range rapid.IntRange(1, 8).Draw(t, "lines") {
					w.end()
					w.append(w.line() + "\n")
				}
			},
			"write half a line": func(t *rapid.T) {
				if !w.partial {
					w.append(w.line())
				}
				w.partial = true
				w.append("-")
			},
			"end the line": func(t *rapid.T) {
				w.end()
			},
			"rotate by renaming": func(t *rapid.T) {
				w.shift()
				if os.Rename(w.path, w.path+".1") == nil && w.partial {
					w.partial = false // what is written next begins a line
				}
				if rapid.Bool().Draw(t, "create") {
					w.append("")
				}
			},
			"rotate by copying": func(t *rapid.T) {
				if w.begins() {
					return
				}
				w.shift()
				in, err := os.ReadFile(w.path)
				if err != nil {
					return
				}
				w.must(os.WriteFile(w.path+".1", in, 0o644))
				w.must(os.Truncate(w.path, 0))
				w.partial = false
			},
			"compress": func(t *rapid.T) {
				name := fmt.Sprintf("%s.%d", w.path, rapid.IntRange(1, 4).Draw(t, "number"))
				in, err := os.Open(name)
				if err != nil || w.begins() { // an empty file is known by its inode alone
					return
				}
				defer in.Close()
				info, err := in.Stat()
				w.must(err)
				out, err := os.Create(name + ".gz")
				w.must(err)
				z := gzip.NewWriter(out)
				_, err = io.Copy(z, in)
				w.must(errors.Join(err, z.Close(), out.Close(), os.Chtimes(name+".gz", info.ModTime(), info.ModTime())))
				if rapid.Bool().Draw(t, "remove") {
					w.must(os.Remove(name))
				}
			},
			"empty": func(t *rapid.T) {
				// What came and went between two looks leaves no trace.
				if rapid.IntRange(0, 5).Draw(t, "really") == 0 && w.knows() && os.Truncate(w.path, 0) == nil {
					w.lossy, w.partial = true, false
				}
			},
			"delete the oldest": func(t *rapid.T) {
				if rapid.IntRange(0, 5).Draw(t, "really") > 0 || w.pos == nil || w.begins() {
					return
				}
				names, err := siblings(w.path)
				w.must(err)
				if len(names) > 0 && !names[0].current {
					w.must(os.Remove(names[0].path))
					w.lossy = true
					w.start() // while it runs it has the file open, and loses nothing
				}
			},
			"look": func(*rapid.T) { _, _ = w.run.look(context.Background()) },
			"look long": func(*rapid.T) {
				w.settle()
			},
			"crash":            func(*rapid.T) { w.start() },
			"the disk is full": func(*rapid.T) { w.stuck = !w.stuck },
			"": func(t *rapid.T) {
				if len(w.gaps) > 0 && !w.lossy {
					t.Fatalf("a gap where nothing was lost: %q", w.gaps)
				}
				if len(w.gaps) == 0 {
					checkLines(t, w, false)
				}
			},
		})
		w.stuck = false
		w.end()
		w.append(w.line() + "\n")
		w.settle()
		w.settle()
		checkLines(t, w, len(w.gaps) == 0)
		if len(w.got) == 0 || !strings.HasPrefix(w.got[len(w.got)-1], fmt.Sprint(w.written)) && !w.partial {
			t.Fatalf("the last line never came: %q", w.got)
		}
		w.run.close()
	})
}

// checkLines says whether lines came in order and once; whole asks for all of them.
func checkLines(t *rapid.T, w *logWorld, whole bool) {
	next := 1
	for _, l := range w.got {
		var n int
		if _, err := fmt.Sscanf(l, "%d", &n); err != nil {
			t.Fatalf("a line that was never written: %q", l)
		}
		if len(w.gaps) == 0 && n != next {
			t.Fatalf("line %d where %d was expected, and no gap said", n, next)
		}
		next = n + 1
	}
	if whole && !w.partial && next != w.written+1 {
		t.Fatalf("%d lines written, the last one read is %d, and no gap said", w.written, next-1)
	}
}
