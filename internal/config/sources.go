package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"reputed/checks"
)

// SourceKind is the kind of a [Source].
type SourceKind string

const (
	SourceHost SourceKind = "host" // a host name, for its addresses
	SourceSPF  SourceKind = "spf"  // a domain, for what its SPF record authorises
	SourceFile SourceKind = "file" // a file of addresses, ranges and domains
)

// Source is an entry that stands for addresses. They change without the configuration, and are
// looked up before each round.
type Source struct {
	Kind SourceKind
	Name string // host name or domain, lower case, without final dot; or path
}

// String returns the source as on a command line: "host:mail.example.org", "spf:example.org",
// "@addresses.txt".
func (s Source) String() string {
	if s.Kind == SourceFile {
		return "@" + s.Name
	}
	return string(s.Kind) + ":" + s.Name
}

// Sources returns the entries of the pool that stand for addresses, in the order of Names, SPF,
// AddressFiles.
func (o Outbound) Sources() []Source {
	var all []Source
	for _, n := range o.Names {
		all = append(all, Source{SourceHost, n})
	}
	for _, n := range o.SPF {
		all = append(all, Source{SourceSPF, n})
	}
	for _, n := range o.AddressFiles {
		all = append(all, Source{SourceFile, n})
	}
	return all
}

// Sources returns those of all pools, each once.
func (c *Config) Sources() []Source {
	var all []Source
	for _, o := range c.Outbound {
		for _, s := range o.Sources() {
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// expands says whether there are entries for addresses that are not in the file.
func (c *Config) expands() bool { return len(c.Sources()) > 0 }

// Targets returns what the file itself names: addresses and domains of all pools in the order of
// the file, and then the names of hosts. There is no error for a configuration that was loaded.
func (c *Config) Targets() (checks.Targets, error) { return c.TargetsWith(nil) }

// TargetsWith returns everything that is watched, given the addresses, ranges and domains for which
// each source stands. What a pool names itself takes precedence over what another one's source
// leads to: an SPF record often authorises the servers of every pool.
func (c *Config) TargetsWith(known func(Source) []string) (checks.Targets, error) {
	var ts checks.Targets
	add := func(o Outbound, words []string) error {
		for _, word := range words {
			if err := ts.Add(word, o.Pool, o.Tags); err != nil {
				return fmt.Errorf("pool %q: %w", o.Pool, err)
			}
		}
		return nil
	}
	for _, o := range c.Outbound {
		if err := add(o, slices.Concat(o.Addresses, o.Domains)); err != nil {
			return checks.Targets{}, err
		}
	}
	for _, o := range c.Outbound {
		if known == nil {
			break
		}
		for _, s := range o.Sources() {
			if err := add(o, known(s)); err != nil {
				return checks.Targets{}, err
			}
		}
	}
	for _, o := range c.Outbound {
		if err := add(o, o.hostNames()); err != nil {
			return checks.Targets{}, err
		}
	}
	return ts, nil
}

// sources checks the entries that stand for addresses.
func (v *validator) sources(o *Outbound, at string, words map[string]string) {
	for _, of := range []struct {
		key   string
		names []string
	}{{"names", o.Names}, {"spf", o.SPF}} {
		for j, name := range of.names {
			path := fmt.Sprintf("%s.%s[%d]", at, of.key, j)
			if isAddress(name) {
				v.at(path, "%s is an address: it belongs in addresses", shown(name))
				continue
			}
			of.names[j] = v.domain(path, name)
			v.onceIn(of.key, path, of.names[j], name, words)
		}
	}
	for j, name := range o.AddressFiles {
		path := fmt.Sprintf("%s.address_files[%d]", at, j)
		if name == "" {
			v.at(path, "want the path of a file")
			continue
		}
		o.AddressFiles[j] = v.path(name)
		if !v.onceIn("address_files", path, o.AddressFiles[j], name, words) {
			continue
		}
		_, err := ReadAddresses(o.AddressFiles[j])
		var bad *AddressError
		switch {
		case errors.As(err, &bad):
			for _, m := range bad.Mistakes {
				v.at(path, "%s, line %d: %s", shown(name), m.Line, m.Text)
			}
		case errors.Is(err, fs.ErrPermission) && v.opt.Secrets != Resolve && v.opt.Secrets != "":
			// People who only look at things may not be allowed to read what the daemon reads.
			v.warn(path, "%s may not be read: what is in it is not known here", shown(name))
		case err != nil:
			v.at(path, "%s: %v", shown(name), err)
		}
	}
}

// onceIn is once for the values of one key: a name may be both a domain and a host.
func (v *validator) onceIn(key, path, name, written string, words map[string]string) bool {
	if first, twice := words[key+" "+name]; twice {
		v.at(path, "%s stands there twice, first on line %d", shown(written), v.line(first))
		return false
	}
	words[key+" "+name] = path
	return true
}

// MaxAddressMistakes is how many wrong lines of one file are reported.
const MaxAddressMistakes = 10

// AddressError is what is wrong with a file of addresses.
type AddressError struct {
	Mistakes []Mistake // at most MaxAddressMistakes, in order; without the file
}

// Error is the first mistake, and how many more there are.
func (e *AddressError) Error() string {
	s := fmt.Sprintf("line %d: %s", e.Mistakes[0].Line, e.Mistakes[0].Text)
	if n := len(e.Mistakes) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// ReadAddresses reads a file of addresses, CIDR ranges and domains, one a line; # begins a
// comment, and an empty line is none. The error is an [*AddressError] that names
// the lines, or that of the file system, without the path. A file without any entry is an error too:
// it is more likely cut off in the middle of being written than meant.
func ReadAddresses(path string) ([]string, error) {
	data, _, err := readFile(path, MaxFileBytes)
	if err != nil {
		return nil, err
	}
	var words []string
	bad := &AddressError{}
	n := 0
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))) {
		n++
		word := AddressLine(string(line))
		if word == "" {
			continue
		}
		var one checks.Targets
		if err := one.Add(word, "", nil); err == nil {
			words = append(words, word)
		} else if len(bad.Mistakes) < MaxAddressMistakes {
			bad.Mistakes = append(bad.Mistakes, Mistake{Line: n, Text: shown(word) + ": " + addressFault(word, err)})
		}
	}
	switch {
	case len(bad.Mistakes) > 0:
		return nil, bad
	case len(words) == 0:
		return nil, errors.New("it names nothing: put an address, a range or a domain on each line")
	}
	return words, nil
}

// AddressLine returns a line of such a file without its comment.
func AddressLine(line string) string {
	word, _, _ := strings.Cut(line, "#")
	return strings.TrimSpace(word)
}
