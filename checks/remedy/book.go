package remedy

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"reputed/checks"
)

//go:embed runbooks/*.toml
var embedded embed.FS

var builtin = sync.OnceValues(func() (*Book, error) { return Read(embedded) })

// Load gives the built-in runbooks; they are read once. An error is a mistake in
// the data: it names file and runbook, and the tests of this package do not let it out.
func Load() (*Book, error) { return builtin() }

// Book is a set of runbooks. It does not change, and may be used from several
// goroutines.
type Book struct {
	runbooks []runbook // in order of file name and place: earlier ones win a tie
}

// has says whether there is a runbook with this id.
func (b *Book) has(id string) bool {
	return slices.ContainsFunc(b.runbooks, func(r runbook) bool { return r.id == id })
}

// file is one runbook file as it is written.
type file struct {
	Fragments []struct {
		ID    string    `toml:"id"`
		Steps []rawStep `toml:"step"`
	} `toml:"fragment"`
	Runbooks []rawRunbook `toml:"runbook"`
}

type rawRunbook struct {
	ID        string `toml:"id"`
	Title     string `toml:"title"`
	TitleElse string `toml:"title_else"`
	// What it is for; see runbook.fits.
	Lists      []string      `toml:"lists"`
	CodesOf    []string      `toml:"codes_of"`
	Codes      []string      `toml:"codes"`
	Meanings   []string      `toml:"meanings"`
	Findings   []checks.Code `toml:"findings"`
	Categories []string      `toml:"categories"`
	Rules      []string      `toml:"rules"`
	Vendors    []string      `toml:"vendors"`
	General    bool          `toml:"general"`

	LookupURL  string    `toml:"lookup_url"`
	RemovalURL string    `toml:"removal_url"`
	WhoAsk     string    `toml:"who_asks"`
	Takes      string    `toml:"takes"`
	TakesElse  string    `toml:"takes_else"`
	Again      string    `toml:"again"`
	Promised   string    `toml:"promised"`  // "36h", "2d"
	CoolDown   string    `toml:"cool_down"` // likewise; default: as promised, a day at least
	Never      []string  `toml:"never"`
	Steps      []rawStep `toml:"step"`
}

type rawStep struct {
	Use     string   `toml:"use"`     // id of a fragment whose steps stand here; nothing else is set then
	Text    string   `toml:"text"`    // imperative sentence
	Else    string   `toml:"else"`    // instead of text, if that needs a fact that is not known
	Needs   []string `toml:"needs"`   // facts without which the step is left out
	URL     string   `toml:"url"`     // where to do it
	Command string   `toml:"command"` // can be pasted into a shell
}

// Read reads every runbooks/*.toml of fsys. Every error names file and runbook:
// an unknown key or placeholder, a step without text, a link that is not https, an
// id or a claim made twice. Trying again does not help; the data must change.
func Read(fsys fs.FS) (*Book, error) {
	names, err := fs.Glob(fsys, "runbooks/*.toml")
	if err != nil {
		return nil, fmt.Errorf("list runbooks: %w", err)
	}
	if len(names) == 0 {
		return nil, errors.New("no runbooks/*.toml")
	}
	files := make([]file, len(names))
	fragments := map[string][]rawStep{}
	for i, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read runbook: %w", err)
		}
		if err := decode(text, &files[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, f := range files[i].Fragments {
			if f.ID == "" || fragments[f.ID] != nil || len(f.Steps) == 0 {
				return nil, fmt.Errorf("%s: fragment %q has no id or no steps, or is there twice", name, f.ID)
			}
			fragments[f.ID] = f.Steps
		}
	}
	b := &Book{}
	for i, f := range files {
		for _, raw := range f.Runbooks {
			r, err := raw.compile(fragments)
			if err == nil && b.has(r.id) {
				err = errors.New("there is another runbook with this id")
			}
			if err == nil {
				err = b.claimed(r)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: runbook %q: %w", names[i], raw.ID, err)
			}
			b.runbooks = append(b.runbooks, r)
		}
	}
	return b, nil
}

// claimed says if a finding code or category already has its runbook: which of
// two is used must not depend on the name of a file.
func (b *Book) claimed(r runbook) error {
	for _, rule := range r.rules {
		for _, other := range b.runbooks {
			if slices.Contains(other.rules, rule) {
				return fmt.Errorf("rule %s has runbook %q already", rule, other.id)
			}
		}
	}
	if r.narrow() {
		return nil // lists are shared: by return code, and by kind of finding; vendors by category
	}
	for _, other := range b.runbooks {
		if other.narrow() {
			continue
		}
		for _, code := range r.findings {
			if slices.Contains(other.findings, code) {
				return fmt.Errorf("finding %s has runbook %q already", code, other.id)
			}
		}
		for _, category := range r.categories {
			if slices.Contains(other.categories, category) {
				return fmt.Errorf("category %s has runbook %q already", category, other.id)
			}
		}
	}
	return nil
}

// decode reads TOML strictly. The library's own error texts quote whole lines
// around the mistake; position and key are enough.
func decode(text []byte, into *file) error {
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(into)
	var strict *toml.StrictMissingError
	var syntax *toml.DecodeError
	switch {
	case errors.As(err, &strict) && len(strict.Errors) > 0:
		row, column := strict.Errors[0].Position()
		return fmt.Errorf("line %d, column %d: unknown key %v", row, column, strict.Errors[0].Key())
	case errors.As(err, &syntax):
		row, column := syntax.Position()
		return fmt.Errorf("line %d, column %d: not valid TOML: %w", row, column, err)
	}
	return err
}
