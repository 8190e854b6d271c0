package blocklists

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"reputed/blocklists/catalog"
)

// file is one file of the catalogue: the lists of one operator, or the dead ones.
type file struct {
	Checked string     `toml:"checked"` // date the facts were compiled; of every list that gives none of its own
	Lists   []Spec     `toml:"list"`
	Dead    []deadSpec `toml:"dead"`
}

// Builtin reads the embedded catalogue: every list, validated, in the order of file
// names and then of the files. It reads anew on each call; call it once. An
// error means that the program was built with a broken catalogue.
func Builtin() ([]Zone, error) {
	files, err := readAll(catalog.Files())
	if err != nil {
		return nil, fmt.Errorf("built-in blocklists: %w", err)
	}
	var zones []Zone
	var errs []error
	for _, f := range files {
		for _, s := range f.Lists {
			z, err := s.Zone()
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if z.Checked == "" {
				z.Checked = f.Checked
			}
			z.BuiltIn = true
			zones = append(zones, z)
		}
	}
	if err := errors.Join(append(errs, ValidateAll(zones))...); err != nil {
		return nil, fmt.Errorf("built-in blocklists: %w", err)
	}
	return zones, nil
}

// readAll decodes every TOML file, in the order of their names.
func readAll(fsys fs.FS) ([]file, error) {
	names, err := fs.Glob(fsys, "*.toml") // sorted: ReadDir promises it
	if err != nil {
		return nil, err
	}
	var files []file
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		f, err := read(name, data)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// read decodes one file strictly: an unknown key is an error with file and line.
func read(name string, data []byte) (file, error) {
	var f file
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(&f)
	var strict *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case err == nil:
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
