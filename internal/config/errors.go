package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"reputed/checks"
)

// Error is everything that is wrong with a configuration. Reading it again helps
// once the file is mended.
type Error struct {
	Mistakes []Mistake // in the order of the file, at least one
}

// Mistake is one thing that is wrong, or probably not meant. Its text holds no secret.
type Mistake struct {
	File string // as it was named; empty for the defaults
	Line int    // counted from 1; 0: about the file as a whole
	Text string
}

// Error is one line for each mistake: `FILE:LINE: text`.
func (e *Error) Error() string {
	lines := make([]string, 0, len(e.Mistakes))
	for _, m := range e.Mistakes {
		lines = append(lines, m.String())
	}
	return strings.Join(lines, "\n")
}

// String is "FILE:LINE: text", "FILE: text" or "configuration: text".
func (m Mistake) String() string {
	file := cmp.Or(checks.Line(m.File, 0), "configuration")
	if m.Line > 0 {
		file += ":" + strconv.Itoa(m.Line)
	}
	return file + ": " + m.Text
}

// problems collects mistakes and warnings while a file is read. A place in the configuration is
// a path, as in `mailbox[0].tls` or `outbound[1].hosts["mx.example.org"]`.
type problems struct {
	file     string
	lines    map[string]int // path to the line that sets it
	mistakes []Mistake
	warnings []Mistake

	// What is missing in a table of which a key could not be read, or after a syntax error, is
	// probably there, and is not reported in addition.
	spoiled map[string]bool // tables of which a key could not be read
	cut     bool            // there was a syntax error
}

// at adds a mistake about what is at path.
func (p *problems) at(path, format string, args ...any) {
	p.mistakes = append(p.mistakes, p.mistake(path, format, args...))
}

// missing adds a mistake about a key that is missing or empty, unless what is there in its place
// has been reported already.
func (p *problems) missing(path, format string, args ...any) {
	if !p.cut && !p.spoiled[path] && !p.spoiled[parent(path)] {
		p.at(path, format, args...)
	}
}

// warn adds a warning about what is at path.
func (p *problems) warn(path, format string, args ...any) {
	p.warnings = append(p.warnings, p.mistake(path, format, args...))
}

func (p *problems) mistake(path, format string, args ...any) Mistake {
	text := fmt.Sprintf(format, args...)
	if where := label(path); where != "" {
		text = where + ": " + text
	}
	return Mistake{File: p.file, Line: p.line(path), Text: text}
}

// onLine adds a mistake on a line, whose text says what it is about.
func (p *problems) onLine(line int, format string, args ...any) {
	p.mistakes = append(p.mistakes, Mistake{File: p.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// line returns the line of path, or of what it is part of; 0 if it is a default.
func (p *problems) line(path string) int {
	for path != "" {
		if n, ok := p.lines[path]; ok {
			return n
		}
		path = parent(path)
	}
	return 0
}

// set says whether the file sets path.
func (p *problems) set(path string) bool {
	_, ok := p.lines[path]
	return ok
}

// err is nil if there was no mistake.
func (p *problems) err() error {
	if len(p.mistakes) == 0 {
		return nil
	}
	sortByLine(p.mistakes)
	return &Error{Mistakes: slices.Compact(p.mistakes)}
}

func sortByLine(ms []Mistake) {
	slices.SortStableFunc(ms, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
}

// parent returns a path without its last step; "" is above all.
func parent(path string) string {
	if before, _, ok := strings.Cut(path, `["`); ok { // the name in there may hold dots
		return before
	}
	if strings.HasSuffix(path, "]") {
		return path[:strings.LastIndexByte(path, '[')]
	}
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}

// label returns a path as people read it: `[[mailbox]] tls`, `[dns] servers`.
func label(path string) string {
	key := path
	if before, _, ok := strings.Cut(path, `["`); ok {
		key = before
	}
	switch {
	case !strings.HasSuffix(key, "]"):
	case strings.Contains(key, "."): // an item of a list
		key = parent(key)
	default: // a table of its own
		return tableName(key)
	}
	table := parent(key)
	if table == "" {
		return tableName(key)
	}
	return tableName(table) + " " + strings.TrimPrefix(key, table+".")
}

// tableName returns the header of the table at path: [dns], [[blocklists.list]].
func tableName(path string) string {
	var b strings.Builder
	for step := range strings.SplitSeq(path, ".") {
		name, _, _ := strings.Cut(step, "[")
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(name)
	}
	switch {
	case path == "":
		return ""
	case strings.HasSuffix(path, "]"):
		return "[[" + b.String() + "]]"
	}
	return "[" + b.String() + "]"
}

// shown quotes a text of the file for an error, unless it might be a secret in the wrong place:
// then the line number says enough.
func shown(s string) string {
	if secretive(s) {
		return "the value"
	}
	return strconv.Quote(checks.Line(s, 64))
}

// secretive says whether s could hold a password or token: a URL, user@host, or a
// long run of letters and digits.
func secretive(s string) bool {
	if strings.Contains(s, "://") || strings.Contains(s, "@") && !strings.HasPrefix(s, "@") {
		return true
	}
	run, digit, letter := 0, false, false
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digit = true
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letter = true
		case c == '-' || c == '_' || c == '+':
		default:
			run, digit, letter = 0, false, false
			continue
		}
		if run++; run >= 16 && digit && letter {
			return true
		}
	}
	return false
}

// Invalid is a configuration that reads well and cannot be used as it stands: a file that it names is not there, a
// server name is none. Trying again does not help before the configuration, or what it names, is mended.
type Invalid struct{ Err error }

func (e *Invalid) Error() string { return e.Err.Error() }

func (e *Invalid) Unwrap() error { return e.Err }
