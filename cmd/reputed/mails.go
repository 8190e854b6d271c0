package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"reputed/probes"
)

// rawMail is one mail as it lies in a file.
type rawMail struct {
	name string // path, with "#n" for the nth mail of an mbox; "-" for standard input
	data []byte // at most probes.MaxMessageBytes
	cut  bool   // the mail is longer
}

// eachMail gives every mail at path: of a file one, or all of an mbox; of a folder those of all
// files in and below it, in the order of their names, Maildir's tmp and what is hidden left out. Whatever
// cannot be read is told to trouble, and the rest is read. It stops when one returns an error.
func eachMail(path string, stdin io.Reader, one func(rawMail) error, trouble func(error)) error {
	if path == "-" {
		return mailsOf("-", stdin, one)
	}
	return filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			trouble(err)
			return nil
		case p != path && strings.HasPrefix(d.Name(), "."), d.IsDir() && d.Name() == "tmp" && isMaildir(filepath.Dir(p)):
			if d.IsDir() && !isMaildir(p) { // Maildir++ keeps its folders in hidden ones
				return fs.SkipDir
			}
			if !d.IsDir() {
				return nil
			}
		}
		if d.IsDir() {
			return nil
		}
		if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
			if err == nil {
				err = &fs.PathError{Op: "read", Path: p, Err: errors.New("not a regular file")}
			}
			trouble(err)
			return nil
		}
		f, err := os.Open(p)
		if err != nil {
			trouble(err)
			return nil
		}
		defer f.Close()
		failed := false
		err = mailsOf(p, f, func(m rawMail) error {
			err := one(m)
			failed = err != nil
			return err
		})
		if err != nil && !failed { // reading broke, not the caller
			trouble(err)
			return nil
		}
		return err
	})
}

// isMaildir says whether a folder has the three that make one.
func isMaildir(dir string) bool {
	for _, sub := range []string{"cur", "new", "tmp"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// separator is the line that begins a mail in an mbox (RFC 4155 appendix A): sender
// and a date in the form of asctime. It is read strictly, since a line that only begins with "From " may be text.
var separator = regexp.MustCompile(`^From \S* ?.*(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .*\d\d:\d\d`)

// mailsOf splits a stream. What does not begin with an mbox separator is one
// mail, and so is whatever is called .eml: a bounce may hold an mbox as text.
func mailsOf(name string, r io.Reader, one func(rawMail) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	if begin, _ := br.Peek(5); string(begin) != "From " || strings.HasSuffix(strings.ToLower(name), ".eml") {
		data, err := io.ReadAll(io.LimitReader(br, probes.MaxMessageBytes+1))
		if err != nil {
			return err
		}
		cut := len(data) > probes.MaxMessageBytes
		return one(rawMail{name, data[:min(len(data), probes.MaxMessageBytes)], cut})
	}
	return splitMbox(name, br, one)
}

// splitMbox gives the mails of an mbox one by one and holds no more than one of them.
func splitMbox(name string, r *bufio.Reader, one func(rawMail) error) error {
	var m rawMail
	n, blank, begun := 0, true, false
	var first *rawMail // held back until it is known whether there is a second
	give := func() error {
		n++
		m.name = name + "#" + strconv.Itoa(n)
		if n == 1 {
			held := m
			first = &held
			return nil
		}
		if first != nil {
			if err := one(*first); err != nil {
				return err
			}
			first = nil
		}
		return one(m)
	}
	for start := true; ; {
		line, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if start && blank && separator.Match(line) || !begun {
			if begun {
				if err := give(); err != nil {
					return err
				}
			}
			m, begun = rawMail{}, true
			if !separator.Match(line) {
				m.add(line) // "From " and no separator: somebody's text, kept
			}
		} else {
			if start && quotedFrom(line) {
				line = line[1:]
			}
			m.add(line)
		}
		if start {
			blank = len(bytes.TrimRight(line, "\r\n")) == 0
		}
		start = len(line) == 0 || line[len(line)-1] == '\n'
		if errors.Is(err, io.EOF) {
			break
		}
	}
	if err := give(); err != nil {
		return err
	}
	if first != nil { // a single mail keeps the plain name
		first.name = name
		return one(*first)
	}
	return nil
}

// quotedFrom says whether a line is "From " quoted as mboxrd does.
func quotedFrom(line []byte) bool {
	rest := bytes.TrimLeft(line, ">")
	return len(rest) < len(line) && bytes.HasPrefix(rest, []byte("From "))
}

// add appends a line as far as there is room.
func (m *rawMail) add(line []byte) {
	room := probes.MaxMessageBytes - len(m.data)
	if len(line) > room {
		line, m.cut = line[:room], true
	}
	m.data = append(m.data, line...)
}
