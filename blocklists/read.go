package blocklists

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// file is one file of a catalogue.
type file struct {
	Checked string        `toml:"checked"` // date the facts were compiled; of every table that gives none of its own
	Lists   []Spec        `toml:"list"`
	Unasked []unaskedSpec `toml:"unasked"`
	Scores  []ScoreSpec   `toml:"score"`
	Dead    []deadSpec    `toml:"dead"`

	name  string
	lines map[string]int // "list[2].removal.url" to its line
}

// read decodes one file strictly: an unknown key is an error with file and line.
func read(name string, data []byte) (file, error) {
	f := file{name: name}
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(&f)
	var strict *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case err == nil:
		f.lines = lines(data)
		return f, nil
	case errors.As(err, &strict):
		// The library's own text quotes the lines around; name the keys only.
		var errs []error
		for _, e := range strict.Errors {
			line, _ := e.Position()
			errs = append(errs, fmt.Errorf("%s:%d: unknown key %q", name, line, strings.Join(e.Key(), ".")))
		}
		return file{}, errors.Join(errs...)
	case errors.As(err, &bad):
		line, column := bad.Position()
		return file{}, fmt.Errorf("%s:%d:%d: %w", name, line, column, err)
	}
	return file{}, fmt.Errorf("%s: %w", name, err)
}

// readRegular reads a file that is one: a pipe or a device would block or never end.
func readRegular(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, pathFault(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	r, err := fsys.Open(name)
	if err != nil {
		return nil, pathFault(err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxCatalogFile+1))
	if err != nil {
		return nil, pathFault(err)
	}
	if len(data) > maxCatalogFile {
		return nil, fmt.Errorf("larger than %d bytes", maxCatalogFile)
	}
	return data, nil
}

// pathFault is what the operating system said, without its call and the path.
func pathFault(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// at is the path of the table number i of a kind.
func (f file) at(kind string, i int) string { return fmt.Sprintf("%s[%d]", kind, i) }

// place is "FILE:LINE" of a path, or of what it is part of.
func (f file) place(path string) string {
	for path != "" {
		if n := f.lines[path]; n > 0 {
			return fmt.Sprintf("%s:%d", f.name, n)
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return f.name
}

// lines are the lines of every table and key, by their paths. The decoder tells
// the place of what it cannot decode only, and most mistakes are found later.
func lines(data []byte) map[string]int {
	l := &liner{lines: map[string]int{}, counts: map[string]int{}}
	for i, c := range data {
		if c == '\n' {
			l.breaks = append(l.breaks, i)
		}
	}
	var p unstable.Parser
	p.Reset(data)
	table := ""
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = l.header(e)
		case unstable.KeyValue:
			l.keyValue(table, e)
		}
	}
	return l.lines
}

type liner struct {
	lines  map[string]int
	counts map[string]int // tables of a list of tables so far
	breaks []int          // offsets of the line breaks
}

// header is the path of [a.b] or [[a.b]], with numbers where a list of tables is meant.
func (l *liner) header(e *unstable.Node) string {
	path, line := "", 0
	for it := e.Key(); it.Next(); {
		line = l.line(it.Node())
		path = dotted(path, string(it.Node().Data))
		if e.Kind == unstable.ArrayTable && it.IsLast() {
			l.counts[path]++
		}
		if n := l.counts[path]; n > 0 {
			path = fmt.Sprintf("%s[%d]", path, n-1)
		}
	}
	l.lines[path] = line
	return path
}

func (l *liner) keyValue(table string, e *unstable.Node) {
	path, line := table, 0
	for it := e.Key(); it.Next(); {
		line = l.line(it.Node())
		path = dotted(path, string(it.Node().Data))
		l.lines[path] = line
	}
	l.value(path, e.Value())
}

// value goes into lists and inline tables.
func (l *liner) value(path string, v *unstable.Node) {
	switch v.Kind {
	case unstable.Array:
		i := 0
		for it := v.Children(); it.Next(); i++ {
			l.value(fmt.Sprintf("%s[%d]", path, i), it.Node())
		}
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			l.keyValue(path, it.Node())
			if keys := it.Node().Key(); l.lines[path] == 0 && keys.Next() {
				l.lines[path] = l.line(keys.Node())
			}
		}
	}
}

// line returns the line of a key, counted from 1.
func (l *liner) line(n *unstable.Node) int {
	before, _ := slices.BinarySearch(l.breaks, int(n.Raw.Offset))
	return before + 1
}

func dotted(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
