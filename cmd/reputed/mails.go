package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"reputed/checks/bounce"
	"reputed/checks/bounce/maillog"
	"reputed/probes"
)

// found is one thing that was found in what a command line names: a mail, an
// event of a mail server's log, or what could not be read.
type found struct {
	name     string // path, with "#n" for the nth mail of an mbox; "-" for standard input
	data     []byte // of a mail, at most probes.MaxMessageBytes
	cut      bool   // the mail is longer
	received time.Time
	event    *maillog.Event
	err      error  // why it could not be read; with data: why not to its end
	note     string // what is worth knowing of a log
}

// finder looks through paths for mails and logs.
type finder struct {
	stdin io.Reader
	rules *bounce.Rules // for logs
	one   func(found) error
	bytes func(int) // told what was read, may be nil

	stopped error // what one returned: it ends everything
}

// find gives what lies at path: in a file a mail, all mails of an mbox, or the events of a
// log; in a folder those of all files in and below it, in the order of their names,
// Maildir's tmp and indices and what is hidden left out. Gzip is unpacked. What cannot be read is
// given with its error, and the rest is read. An error is that of one.
func (f *finder) find(path string) error {
	if path == "-" {
		f.stream("-", f.stdin, 0)
		return f.stopped
	}
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return f.give(found{name: p, err: err})
		case p != path && strings.HasPrefix(d.Name(), "."), d.IsDir() && d.Name() == "tmp" && isMaildir(filepath.Dir(p)):
			if d.IsDir() && !isMaildir(p) { // Maildir++ keeps its folders in hidden ones
				return fs.SkipDir
			}
			return nil
		case d.IsDir(), p != path && isMaildir(filepath.Dir(p)): // beside cur, new and tmp lie the server's indices
			return nil
		}
		return f.file(p)
	})
	return f.stopped
}

// give passes one on, and remembers if that was to be the last.
func (f *finder) give(x found) error {
	if f.stopped == nil {
		f.stopped = f.one(x)
	}
	return f.stopped
}

func (f *finder) file(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return f.give(found{name: path, err: err})
	}
	file, err := os.Open(path)
	if err != nil {
		return f.give(found{name: path, err: err})
	}
	defer file.Close()
	f.stream(path, file, info.Size())
	return f.stopped
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

// metered counts what is read.
type metered struct {
	r     io.Reader
	count func(int)
}

func (m metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.count(n)
	return n, err
}

// stream tells an mbox, a log and a mail apart by how they begin. What is called .eml is one mail
// whatever it holds: a bounce may be an mbox by its looks. Size is that of the file, if known.
func (f *finder) stream(name string, r io.Reader, size int64) {
	if f.bytes != nil {
		r = metered{r, f.bytes}
	}
	br := bufio.NewReaderSize(r, 64<<10)
	plain := strings.ToLower(name)
	if magic, _ := br.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) { // RFC 1952 section 2.3.1
		z, err := gzip.NewReader(br)
		if err != nil {
			_ = f.give(found{name: name, err: ofFile(name, err)})
			return
		}
		br, size = bufio.NewReaderSize(z, 64<<10), 0
		plain = strings.TrimSuffix(plain, ".gz")
	}
	begin, _ := br.Peek(8 << 10)
	switch eml := strings.HasSuffix(plain, ".eml"); {
	case !eml && bytes.HasPrefix(begin, []byte("From ")):
		f.mbox(name, br)
	case !eml && maillog.Looks(begin):
		f.log(name, br)
	default:
		f.mail(name, br, size)
	}
}

// mail gives a stream as one mail. If it breaks off, what was read until then is given all the same.
func (f *finder) mail(name string, r io.Reader, size int64) {
	const most = probes.MaxMessageBytes
	buf := bytes.NewBuffer(make([]byte, 0, min(max(size, 1<<10), most)+bytes.MinRead))
	_, err := buf.ReadFrom(io.LimitReader(r, most+1))
	data := buf.Bytes()
	_ = f.give(found{name: name, data: data[:min(len(data), most)], cut: len(data) > most || err != nil, err: ofFile(name, err)})
}

// mbox gives the mails of an mbox one by one. A single one keeps the plain name.
func (f *finder) mbox(name string, r io.Reader) {
	box := probes.NewMboxReader(r, 0, probes.MaxMessageBytes)
	var first *found // held back until it is known whether there is a second
	for n := 1; ; n++ {
		m, err := box.Next()
		if err != nil && n == 1 && errors.Is(err, io.EOF) {
			err = nil // a "From " line and nothing else
			m, first = probes.MboxMail{}, nil
		}
		if err != nil {
			if first != nil && errors.Is(err, io.EOF) {
				first.name = name
			}
			if first != nil {
				_ = f.give(*first)
			}
			if !errors.Is(err, io.EOF) {
				_ = f.give(found{name: name, err: ofFile(name, err)})
			}
			return
		}
		x := found{name: name + "#" + strconv.Itoa(n), data: m.Bytes, cut: m.Cut, received: m.Received}
		if n == 1 {
			first = &x
			continue
		}
		if first != nil {
			if f.give(*first) != nil {
				return
			}
			first = nil
		}
		if f.give(x) != nil {
			return
		}
	}
}

// linesAtOnce is how many lines are handed to the reader of a log at once.
const linesAtOnce = 1000

// log gives the events of a log.
func (f *finder) log(name string, r *bufio.Reader) {
	host, _ := os.Hostname()
	reader := maillog.New(maillog.Options{Rules: f.rules, Host: host})
	var lines []probes.LogLine
	flush := func() error {
		for _, e := range reader.Read(lines) {
			if err := f.give(found{name: name, event: &e}); err != nil {
				return err
			}
		}
		lines = lines[:0]
		return nil
	}
	for {
		line, err := readLine(r)
		if line != "" {
			lines = append(lines, probes.LogLine{Text: line})
		}
		if len(lines) == linesAtOnce || err != nil {
			if flush() != nil {
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				_ = f.give(found{name: name, err: ofFile(name, err)})
			}
			if st := reader.Stats(); st.Unread > 0 || st.Events == 0 {
				_ = f.give(found{name: name, note: fmt.Sprintf("%s: %d lines, %d of a mail server, %d events; %d lines that should tell one could not be read",
					name, st.Lines, st.Mail, st.Events, st.Unread)})
			}
			return
		}
	}
}

// readLine reads one line, without its end.
func readLine(r *bufio.Reader) (string, error) {
	part, err := r.ReadSlice('\n')
	line := string(bytes.TrimRight(part, "\r\n"))
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = r.ReadSlice('\n')
		if room := probes.MaxLogLineBytes - len(line); room > 0 {
			line += string(bytes.TrimRight(part[:min(len(part), room)], "\r\n"))
		}
	}
	return line, err
}

// ofFile puts the name before an error that lacks it.
func ofFile(name string, err error) error {
	if p := (*fs.PathError)(nil); err == nil || errors.As(err, &p) {
		return err
	}
	return fmt.Errorf("%s: %w", cmp.Or(name, "-"), err)
}
