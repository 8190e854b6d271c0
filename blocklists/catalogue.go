package blocklists

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Catalog is what a set of catalogue files says.
type Catalog struct {
	Zones   []Zone     // lists that can be asked
	Unasked []Unasked  // lists that exist and cannot be asked
	Scores  []Score    // scores, allow lists and other facts in the DNS
	Dead    []DeadZone // zones that nobody should ask any more
}

// maxCatalogFile bounds one file; the largest of the built-in ones is far smaller.
const maxCatalogFile = 4 << 20

// ReadCatalog reads every *.toml at the top of a file system, in the order of their names. The
// files have the form of the built-in ones: tables [[list]] with the keys of [Spec],
// [[unasked]], [[score]] and [[dead]]. Unlike a list of the configuration, a [[list]] has no
// defaults: it has to say what it serves and how it is read.
//
// Dir is put in front of the file names in errors; it may be empty. The error joins everything
// that is wrong, each with file, line and list. Reading again helps once the files are mended.
func ReadCatalog(fsys fs.FS, dir string) (Catalog, error) {
	entries, err := fs.ReadDir(fsys, ".") // sorted by name
	if err != nil {
		return Catalog{}, fmt.Errorf("catalogue %s: %w", dir, pathFault(err))
	}
	b := &builder{owner: map[string]string{}}
	for _, e := range entries {
		if path.Ext(e.Name()) != ".toml" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		b.readFile(fsys, e.Name(), dir)
	}
	return b.Catalog, errors.Join(b.errs...)
}

// With returns c with what more adds. A list, score or unasked list whose id c has too replaces
// the old one completely. Everything else, also the dead zones, is appended.
func (c Catalog) With(more Catalog) Catalog {
	ids := map[string]bool{}
	for _, id := range more.ids() {
		ids[id] = true
	}
	return Catalog{
		Zones:   with(c.Zones, more.Zones, ids, func(z Zone) string { return z.ID }),
		Unasked: with(c.Unasked, more.Unasked, ids, func(u Unasked) string { return u.ID }),
		Scores:  with(c.Scores, more.Scores, ids, func(s Score) string { return s.ID }),
		Dead:    append(slices.Clone(c.Dead), more.Dead...),
	}
}

// with merges one table for [Catalog.With]. Ids are all those of more: one that has moved to
// another table is dropped from this one.
func with[T any](old, more []T, ids map[string]bool, id func(T) string) []T {
	out := make([]T, 0, len(old)+len(more))
	place := map[string]int{} // in more
	for i, x := range slices.Backward(more) {
		place[id(x)] = i
	}
	placed := map[string]bool{}
	for _, x := range old {
		name := id(x)
		i, replaced := place[name]
		switch {
		case replaced:
			out = append(out, more[i])
			placed[name] = true
		case !ids[name]:
			out = append(out, x)
		}
	}
	for _, x := range more {
		if !placed[id(x)] {
			out = append(out, x)
		}
	}
	return out
}

func (c Catalog) ids() []string {
	var ids []string
	for _, z := range c.Zones {
		ids = append(ids, z.ID)
	}
	for _, u := range c.Unasked {
		ids = append(ids, u.ID)
	}
	for _, s := range c.Scores {
		ids = append(ids, s.ID)
	}
	return ids
}

// builder builds the catalogue, file by file.
type builder struct {
	Catalog
	owner map[string]string // "id ...", "zone ..." or "dead ..." to the place that has taken it
	errs  []error
}

func (b *builder) readFile(fsys fs.FS, name, dir string) {
	shown := path.Join(dir, name)
	data, err := readRegular(fsys, name)
	if err != nil {
		b.errs = append(b.errs, fmt.Errorf("%s: %w", shown, err))
		return
	}
	f, err := read(shown, data)
	if err != nil {
		b.errs = append(b.errs, err)
		return
	}
	for i, s := range f.Lists {
		at := f.at("list", i)
		z, err := s.Zone()
		if b.located(f, at, err) {
			continue
		}
		if z.Checked == "" {
			z.Checked = f.Checked
		}
		z.File = shown
		if b.take(f, at, "list", z.ID, z.Zone) {
			b.Zones = append(b.Zones, z)
		}
	}
	for i, s := range f.Unasked {
		at := f.at("unasked", i)
		u, err := s.unasked(f.Checked, shown)
		if !b.located(f, at, err) && b.take(f, at, "unasked", u.ID, "") {
			b.Unasked = append(b.Unasked, u)
		}
	}
	for i, s := range f.Scores {
		at := f.at("score", i)
		sc, err := s.score(f.Checked, shown)
		// The zone may be that of a list: its other answers are what the list says.
		if !b.located(f, at, err) && b.take(f, at, "score", sc.ID, "") {
			b.Scores = append(b.Scores, sc)
		}
	}
	for i, s := range f.Dead {
		at := f.at("dead", i)
		d, err := s.dead()
		if b.located(f, at, err) {
			continue
		}
		ok := true
		for _, name := range append([]string{d.Zone}, d.Also...) {
			ok = b.take(f, at, "dead zone", "", name) && ok
		}
		if ok {
			b.Dead = append(b.Dead, d)
		}
	}
}

// take claims an id and a zone for the table at a place. It is false if another table has them.
func (b *builder) take(f file, at, kind, id, zone string) bool {
	p := &problems{kind: kind, id: id}
	if id == "" {
		p.id = zone
	}
	claim := func(field, word, name, text string) {
		if name == "" {
			return
		}
		if first, taken := b.owner[word+name]; taken {
			p.add(field, text, first) // without the zone, which may hold a subscriber's key
			return
		}
		b.owner[word+name] = f.place(at)
	}
	claim("id", "id ", id, "taken by what stands in %s: give each its own id")
	if kind == "dead zone" { // it may be the zone of a list too, which is seen where lists are chosen
		claim("zone", "dead ", zone, "it is told of in %s too")
	} else {
		claim("zone", "zone ", zone, "the same as that of the list in %s; each zone is asked once, so drop one of the two")
	}
	return !b.located(f, at, errors.Join(p.errs...))
}

// located adds what is wrong with the table at a place, each with its file and line. It says
// whether anything is.
func (b *builder) located(f file, at string, err error) bool {
	for _, e := range Each(err) {
		where := at
		var fe *fieldError
		if errors.As(e, &fe) {
			where = at + "." + fe.field
		}
		b.errs = append(b.errs, fmt.Errorf("%s: %w", f.place(where), e))
	}
	return err != nil
}

// Each splits the joined error of validating a list or reading a catalogue into its parts, each
// of which is one thing that is wrong. For nil there are none.
func Each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, Each(e)...)
	}
	return all
}
