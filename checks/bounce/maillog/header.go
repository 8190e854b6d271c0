package maillog

import (
	"strconv"
	"strings"
	"time"

	"reputed/probes"
)

// entry is one log line with what its syslog header says. The time is left
// unread, as most lines are nobody's business here.
type entry struct {
	at    time.Time // the journal's; else zero
	stamp string    // time as written
	host  string    // of the log, as it is written
	tag   string    // "postfix/out25/smtp", without the process id
	pid   string
	text  string
}

// header takes a line apart. It knows the traditional form (RFC 3164 section
// 4.1), the same with an RFC 3339 time, and RFC 5424. ok is false for a line that has
// none: Exim's own log, JSON, anything else.
func header(l *probes.LogLine) (e entry, ok bool) {
	if l.Tag != "" || !l.At.IsZero() {
		return entry{at: l.At, host: l.Host, tag: l.Tag, pid: number(l.PID), text: l.Text}, true
	}
	s := l.Text
	modern := false
	if len(s) > 3 && s[0] == '<' { // priority
		i := strings.IndexByte(s[:min(len(s), 6)], '>')
		if i < 0 {
			return e, false
		}
		s = s[i+1:]
		if modern = strings.HasPrefix(s, "1 "); modern { // the version, RFC 5424 section 6.2.2
			s = s[2:]
		}
	}
	switch {
	case len(s) > 16 && s[3] == ' ' && s[6] == ' ' && s[9] == ':' && s[12] == ':' && s[15] == ' ':
		e.stamp, s = s[:15], s[16:]
	case len(s) > 25 && s[4] == '-' && s[7] == '-' && s[10] == 'T':
		i := strings.IndexByte(s, ' ')
		if i < 19 || i > 40 {
			return e, false
		}
		e.stamp, s = s[:i], s[i+1:]
	default:
		return e, false
	}
	if strings.HasPrefix(s, "<") { // "<mail.info> ", as FreeBSD's syslogd writes if told to
		if i := strings.Index(s, "> "); i > 0 && i < 30 {
			s = s[i+2:]
		}
	}
	i := strings.IndexByte(s, ' ')
	if i <= 0 {
		return e, false
	}
	e.host, s = s[:i], s[i+1:]
	if modern {
		return e.fields(s)
	}
	return e.program(s)
}

// program reads what follows the host in the traditional form: TAG, perhaps "[PID]", a colon, and the text
// (RFC 3164 section 4.1.3).
func (e entry) program(s string) (entry, bool) {
	i := strings.IndexAny(s, ":[ ")
	if i <= 0 {
		return e, false
	}
	e.tag = s[:i]
	if s[i] == '[' {
		j := strings.IndexByte(s[i:], ']')
		if j < 0 {
			return e, false
		}
		e.pid = s[i+1 : i+j]
		i += j + 1
	}
	s = strings.TrimPrefix(s[i:], ":")
	e.text = strings.TrimPrefix(s, " ")
	return e, true
}

// fields reads what follows the host in RFC 5424: APP-NAME PROCID MSGID
// STRUCTURED-DATA MSG (section 6).
func (e entry) fields(s string) (entry, bool) {
	part := strings.SplitN(s, " ", 4)
	if len(part) < 4 {
		return e, false
	}
	e.tag, e.text = part[0], part[3]
	if part[1] != "-" {
		e.pid = part[1]
	}
	if strings.HasPrefix(e.text, "-") {
		e.text = e.text[1:]
	} else if i := strings.Index(e.text, "] "); strings.HasPrefix(e.text, "[") && i > 0 {
		e.text = e.text[i+1:]
	}
	e.text = strings.TrimPrefix(strings.TrimPrefix(e.text, " "), "\ufeff")
	return e, true
}

// number writes a process id; 0 is none.
func number(pid int) string {
	if pid <= 0 {
		return ""
	}
	return strconv.Itoa(pid)
}

// clock reads times. Lines come in bursts, so the last one read is kept.
type clock struct {
	zone  *time.Location
	now   time.Time // of the current lines, about
	stamp string
	at    time.Time
}

// read reads a time as syslog or Exim writes it, UTC; the zero time if it is none.
func (c *clock) read(stamp string) time.Time {
	if stamp == "" {
		return time.Time{}
	}
	if stamp != c.stamp {
		c.stamp, c.at = strings.Clone(stamp), c.parse(stamp)
	}
	return c.at
}

func (c *clock) parse(s string) time.Time {
	if len(s) == 15 && s[3] == ' ' {
		return c.yearless(s)
	}
	if len(s) > 10 && s[10] == 'T' {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return time.Time{}
		}
		return t.UTC()
	}
	for _, form := range [...]string{"2006-01-02 15:04:05", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05-0700"} { // with parts of a second, or without
		if t, err := time.ParseInLocation(form, s, c.zone); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// months by their first three letters (RFC 3164 section 4.1.2).
const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// yearless reads "Nov 22 11:38:53". The year is the last one in which that is not
// in the future; a clock that is a day ahead is forgiven.
func (c *clock) yearless(s string) time.Time {
	month := strings.Index(months, s[:3])
	if month < 0 || month%3 != 0 {
		return time.Time{}
	}
	two := func(i int) int {
		a, b := s[i], s[i+1]
		if a == ' ' {
			a = '0'
		}
		if a < '0' || a > '9' || b < '0' || b > '9' {
			return -1
		}
		return int(a-'0')*10 + int(b-'0')
	}
	day, hour, minute, second := two(4), two(7), two(10), two(13)
	if day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return time.Time{}
	}
	latest := c.now.In(c.zone).Add(24 * time.Hour)
	for year := latest.Year(); year > latest.Year()-9; year-- { // 29 February may be eight years ago
		t := time.Date(year, time.Month(month/3+1), day, hour, minute, second, 0, c.zone)
		if t.Day() == day && !t.After(latest) {
			return t.UTC()
		}
	}
	return time.Time{}
}
