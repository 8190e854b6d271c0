package probes

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"
)

// MboxMail is one mail of an mbox.
type MboxMail struct {
	Bytes []byte // as it was delivered: without separator, quoting and what mail readers note down; at most the limit
	Size  int64  // of the whole mail, bytes
	Cut   bool   // the mail is longer than Bytes

	Begin, End int64     // offsets in the file: of the separator, and after the mail and its empty line
	Separated  bool      // it begins with a separator; only the first mail of a reader may not
	Finished   bool      // an empty line ends it; whoever writes an mbox puts one after each mail
	Received   time.Time // from the separator, UTC; zero if it could not be read
}

// MboxReader splits an mbox (RFC 4155) into its mails, and holds no more than one of them.
//
// A mail begins with a separator: "From ", a sender and a date, at the beginning of the file or
// after an empty line, and followed by a header field. All of this is required, because bounces
// return texts in which somebody writes "From here on", or a piece of an mbox. Content-Length is
// not believed: it comes from outside, and one that is too large would swallow the mails after
// it. Lines that were quoted with ">" are restored as in mboxrd, which differs from mboxo only
// for lines that were quoted before.
type MboxReader struct {
	r     *bufio.Reader
	limit int
	off   int64

	next  []byte // separator of the next mail, which was read already; nil: none yet
	begin int64  // offset of next
	done  bool
}

// NewMboxReader reads an mbox from r, at most limit bytes of each mail; 0 is [MaxMessageBytes].
// Offset is where in the file r begins: the offsets of mails count from the beginning of the
// file.
func NewMboxReader(r io.Reader, offset int64, limit int) *MboxReader {
	return &MboxReader{r: bufio.NewReaderSize(r, 64<<10), limit: positive(limit, MaxMessageBytes), off: offset}
}

// separator matches the line that begins a mail (RFC 4155 appendix A): a sender, which may be
// "-", and a date in the form of asctime, to which some programs add a comma or a zone.
var separator = regexp.MustCompile(`^From [^\r\n]*\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [^\r\n]*\d\d?:\d\d`)

// Next returns the next mail, and [io.EOF] after the last. Any other error is that of the reader;
// the mail in which it occurred is not returned.
func (m *MboxReader) Next() (MboxMail, error) {
	if m.next == nil && !m.first() && m.done {
		return MboxMail{}, io.EOF
	}
	mail := MboxMail{Begin: m.off, Separated: m.next != nil}
	if m.next != nil {
		mail.Begin, mail.Received = m.begin, separatorDate(m.next)
	}
	m.next = nil
	c := content{mail: &mail, limit: m.limit, header: true}
	for start, blank := true, false; ; {
		line, err := m.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return MboxMail{}, err
		}
		if start && blank && bytes.HasPrefix(line, fromSpace) {
			var begins bool
			if line, begins = m.separates(line); begins {
				mail.End, mail.Finished = m.off, true
				m.begin = m.off
				m.off += int64(len(line))
				return mail, nil
			}
		}
		m.off += int64(len(line))
		if len(line) > 0 {
			c.line(line, start)
			if start {
				blank = isBlank(line)
			} else {
				blank = false
			}
			start = line[len(line)-1] == '\n'
		}
		if errors.Is(err, io.EOF) {
			m.done = true
			mail.End = m.off
			mail.Finished = c.held != nil
			return mail, nil
		}
	}
}

var fromSpace = []byte("From ")

// first skips empty lines, and says whether a separator follows rather than the middle of a mail.
// It sets done at the end of the file.
func (m *MboxReader) first() bool {
	for !m.done {
		begin, err := m.r.Peek(5)
		switch {
		case len(begin) == 0:
			m.done = m.done || err != nil
			return false
		case begin[0] == '\n':
			_, _ = m.r.Discard(1)
			m.off++
		case bytes.HasPrefix(begin, []byte("\r\n")):
			_, _ = m.r.Discard(2)
			m.off += 2
		case !bytes.Equal(begin, fromSpace):
			return false
		default:
			line, err := m.r.Peek(m.r.Size())
			if i := bytes.IndexByte(line, '\n'); i >= 0 {
				line = line[:i+1]
			} else if err == nil {
				return false // longer than any separator
			}
			if !separator.Match(line) {
				return false
			}
			m.next, m.begin = bytes.Clone(line), m.off
			_, _ = m.r.Discard(len(line))
			m.off += int64(len(line))
			return true
		}
	}
	return false
}

// separates says whether a line after an empty one begins a mail, and keeps it in next if so. It
// returns the line, because looking at what follows overwrites the buffer that it was in.
func (m *MboxReader) separates(line []byte) ([]byte, bool) {
	if line[len(line)-1] != '\n' || !separator.Match(line) {
		return line, false
	}
	line = bytes.Clone(line)
	if after, _ := m.r.Peek(512); len(after) > 0 && !fieldBegins(after) {
		return line, false
	}
	m.next = line
	return line, true
}

// fieldBegins says whether a header field begins here (RFC 5322 section 2.2), or another
// separator, quoted or not, as in mails that were passed on between mailboxes. It skips lines of
// white space, with which some mails begin: taken for text, such a mail would be lost in the one
// before it.
func fieldBegins(b []byte) bool {
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 || len(bytes.TrimSpace(b[:end])) > 0 {
			break
		}
		b = b[end+1:]
	}
	if bytes.HasPrefix(b, fromSpace) || bytes.HasPrefix(b, []byte(">From ")) {
		return true
	}
	for i, c := range b {
		switch {
		case c == ':':
			return i > 0
		case (c == ' ' || c == '\t') && i > 0: // before the colon, as RFC 822 had it
			return bytes.HasPrefix(bytes.TrimLeft(b[i:], " \t"), []byte(":"))
		case c <= ' ' || c >= 0x7f:
			return false
		}
	}
	return false
}

func isBlank(line []byte) bool { return len(bytes.TrimRight(line, "\r\n")) == 0 }

// content collects the lines of one mail.
type content struct {
	mail   *MboxMail
	limit  int
	header bool   // still in the header of the mail
	skip   bool   // in a field that is left out
	held   []byte // an empty line: it belongs to the mail if another line follows, else it ends the mail
}

// line adds a line or a part of one; start says that it begins a line.
func (c *content) line(line []byte, start bool) {
	if c.held != nil {
		c.add(c.held)
		c.held = nil
	}
	if start {
		if line[0] == '>' {
			if rest := bytes.TrimLeft(line, ">"); bytes.HasPrefix(rest, fromSpace) {
				line = line[1:]
			}
		}
		blank := isBlank(line) && line[len(line)-1] == '\n'
		if c.header {
			folded := line[0] == ' ' || line[0] == '\t'
			c.skip = folded && c.skip || !folded && noted(line)
			c.header = !blank
		}
		if blank {
			c.held = []byte("\n")
			if len(line) > 1 {
				c.held = []byte("\r\n")
			}
			return
		}
	}
	if !c.skip || !c.header {
		c.add(line)
	}
}

// add appends a part of a line, as far as there is room.
func (c *content) add(b []byte) {
	c.mail.Size += int64(len(b))
	if room := c.limit - len(c.mail.Bytes); len(b) > room {
		b, c.mail.Cut = b[:room], true
	}
	c.mail.Bytes = append(c.mail.Bytes, b...)
}

// noted says whether a header field is not a part of the mail, but something that programs note
// about it in an mbox. They change it whenever somebody reads the mail, which must stay the same
// mail for us.
func noted(line []byte) bool {
	name, _, ok := bytes.Cut(line, []byte(":"))
	if !ok || len(name) > 24 {
		return false
	}
	switch strings.ToLower(string(bytes.TrimRight(name, " \t"))) {
	case "status", "x-status", "x-keywords", "x-uid", "x-imap", "x-imapbase", "x-evolution",
		"x-mozilla-status", "x-mozilla-status2", "x-mozilla-keys", "content-length", "lines":
		return true
	}
	return false
}

// separatorDate returns the date of a separator, UTC. Without a zone it is taken for local time,
// which is what mail servers write, although RFC 4155 asks for UTC.
func separatorDate(line []byte) time.Time {
	f := strings.Fields(string(line))
	for i := range f {
		if i == 0 || len(f[i]) < 3 || !strings.Contains("Mon Tue Wed Thu Fri Sat Sun", f[i][:3]) {
			continue
		}
		date := strings.Join(f[i:min(len(f), i+6)], " ")
		for _, layout := range []string{"Mon Jan 2 15:04:05 2006 -0700", "Mon Jan 2 15:04:05 -0700 2006", "Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 MST 2006", "Mon, 2 Jan 2006 15:04:05"} {
			at, err := time.ParseInLocation(layout, date, time.Local)
			if err != nil && len(f) > i+5 {
				at, err = time.ParseInLocation(layout, strings.Join(f[i:i+5], " "), time.Local)
			}
			if err == nil {
				return at.UTC()
			}
		}
	}
	return time.Time{}
}
