package maillog

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"reputed/checks/bounce"
)

// eximOwn takes a line of Exim's own log apart: time, perhaps parts of a second,
// zone and process id (log_selector), and then the text.
func eximOwn(s string) (stamp, pid, text string, ok bool) {
	if len(s) < 20 || s[4] != '-' || s[7] != '-' || s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return "", "", "", false
	}
	i := 19
	if s[i] == '.' {
		for i++; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		}
	}
	if len(s) > i+6 && (s[i+1] == '+' || s[i+1] == '-') && s[i+6] == ' ' {
		i += 6
	}
	if i >= len(s) || s[i] != ' ' {
		return "", "", "", false
	}
	stamp, text = s[:i], s[i+1:]
	if strings.HasPrefix(text, "[") {
		if j := strings.Index(text, "] "); j > 0 && j < 12 {
			pid, text = text[1:j], text[j+2:]
		}
	}
	return stamp, pid, text, true
}

// eximID returns the message id that the text begins with: 6-6-2 letters and digits,
// 6-11-4 since Exim 4.97.
func eximID(s string) string {
	for _, n := range [2][3]int{{6, 13, 16}, {6, 18, 23}} {
		if len(s) > n[2] && s[n[0]] == '-' && s[n[1]] == '-' && s[n[2]] == ' ' && strings.Count(s[:n[2]], "-") == 2 && queueID(strings.ReplaceAll(s[:n[2]], "-", ""), n[2]-2, n[2]-2) {
			return s[:n[2]]
		}
	}
	return ""
}

// eximSyslog reads a line that Exim gave to syslog: with its own time before it
// unless told otherwise (syslog_timestamp), and in pieces where it is long.
func (r *Reader) eximSyslog(e *entry, out []Event) []Event {
	if n, of, sep, rest, ok := eximPiece(e.text); ok {
		key := r.key(e, "piece "+e.pid)
		note := r.memory.note(key)
		if n == "1" {
			note.Pieces = nil
		}
		if len(note.Pieces) < 200 {
			note.Pieces = append(note.Pieces, keptPiece(rest, sep))
		}
		r.memory.changed(note)
		if n != of {
			return out
		}
		e.text = strings.Join(note.Pieces, "")
		r.memory.forget(key)
	}
	if _, pid, text, ok := eximOwn(e.text); ok { // syslog's own time is as good
		e.text = text
		if e.pid == "" {
			e.pid = pid
		}
	}
	return r.exim(e, out)
}

// eximPiece reads "[1/3] ...", or "[1\3] ..." where the entry was divided at a line's end.
func eximPiece(s string) (n, of string, sep byte, rest string, ok bool) {
	if !strings.HasPrefix(s, "[") {
		return
	}
	i := strings.Index(s, "] ")
	j := strings.IndexAny(s, `/\`)
	if i < 0 || j < 2 || j > 4 || i < j+2 || i > j+4 || !queueID(s[1:j], 1, 3) || !queueID(s[j+1:i], 1, 3) {
		return
	}
	return s[1:j], s[j+1 : i], s[j], s[i+2:], true
}

// keptPiece cuts a piece loose. Blanks at its ends belong to the text, which is cleaned later.
func keptPiece(s string, sep byte) string {
	s = strings.ToValidUTF8(strings.Map(func(c rune) rune {
		if c < ' ' {
			return ' '
		}
		return c
	}, s), "?")
	if len(s) > 1200 {
		s = strings.ToValidUTF8(s[:1200], "")
	}
	if sep == '\\' {
		s += `\n`
	}
	return s
}

// exim reads the text of a line of Exim (specification chapter 52, "Log files").
func (r *Reader) exim(e *entry, out []Event) []Event {
	id := eximID(e.text)
	if id == "" || len(e.text) < len(id)+4 {
		return out
	}
	rest := e.text[len(id)+1:]
	key := r.key(e, id)
	switch {
	case strings.HasPrefix(rest, "<= "):
		n := r.memory.note(key)
		from, after, _ := strings.Cut(rest[3:], " ")
		n.Sender, n.From = kept(bounce.DomainOf(from), 253), keptSender(from)
		r.eximOrigin(n, after)
		if v, ok := between(" "+after, " id=", " "); ok {
			n.ID = kept(v, 300)
		}
		r.memory.changed(n)
	case strings.HasPrefix(rest, "=> "), strings.HasPrefix(rest, "-> "), strings.HasPrefix(rest, ">> "):
		return r.eximTo(e, key, id, rest[3:], bounce.Delivered, out)
	case strings.HasPrefix(rest, "** "):
		return r.eximTo(e, key, id, rest[3:], bounce.Failed, out)
	case strings.HasPrefix(rest, "== "):
		return r.eximTo(e, key, id, rest[3:], bounce.Delayed, out)
	case strings.HasPrefix(rest, "H="):
		f := eximFields(rest)
		if f.host == "" && !f.addr.IsValid() || bounceReply(f.text) == "" {
			return out
		}
		n := r.memory.note(key)
		a := r.answerOf(e, outcome{text: f.text, host: f.host, addr: f.addr})
		n.Heard = slices.DeleteFunc(n.Heard, func(o answer) bool { return o.Text == a.Text && o.Addr == a.Addr })
		n.hear(a)
		r.memory.changed(n)
	case rest == "Completed" || strings.HasPrefix(rest, "Completed "):
		r.memory.forget(key)
	}
	return out
}

// eximTo reads what became of one recipient.
func (r *Reader) eximTo(e *entry, key, id, rest string, action bounce.Action, out []Event) []Event {
	f := eximFields(rest)
	if f.to == "" {
		r.stats.Unread++
		return out
	}
	o := outcome{action: action, final: action != bounce.Delayed, to: f.to, qid: id, tag: f.transport, host: f.host, addr: f.addr, source: f.source, text: f.text, stage: f.stage}
	network := f.host != "" || f.addr.IsValid()
	if f.addr.IsLoopback() || action == bounce.Delivered && !network {
		return out // a mailbox, a file, a filter
	}
	n := r.memory.find(key)
	route := r.key(e, "to "+bounce.DomainOf(kept(o.to, 320)))
	if action == bounce.Delivered {
		r.memory.forget(route)
	} else if a, tag := r.eximReason(e, n, route, o); a != nil {
		if o = a.again(o); o.tag == "" {
			o.tag = tag
		}
	}
	if n = r.memory.find(key); n != nil {
		out = r.eximInterim(e, n, o, out)
	}
	ev := r.event(e, n, o)
	out = append(out, ev)
	if action == bounce.Delayed {
		n = r.memory.note(key)
	}
	if n != nil {
		n.put(last{To: kept(o.to, 320), Tag: kept(o.tag, 200), answer: r.answerOf(e, o)}, action != bounce.Delayed)
		r.memory.changed(n)
	}
	if ev.Diagnostic.Reply != "" && network {
		n := r.memory.note(route)
		n.Heard = []answer{r.answerOf(e, o)}
		r.memory.changed(n)
	}
	return out
}

// routeAge is how long a refusal explains why later mail to the same receiver is not even tried.
const routeAge = 24 * time.Hour

// eximReason returns why a recipient fails where the line does not say: what
// was answered last for this recipient, else for the domain.
func (r *Reader) eximReason(e *entry, n *note, route string, o outcome) (reason *answer, tag string) {
	if o.text != "retry timeout exceeded" && !strings.Contains(o.text, "retry time not reached") {
		return nil, ""
	}
	if l := n.lastOf(kept(o.to, 320)); l != nil && bounceReply(l.Text) != "" {
		return &l.answer, l.Tag
	}
	if n := r.memory.find(route); n != nil && len(n.Heard) > 0 && r.within(e, n.Heard[0].At, routeAge) {
		return &n.Heard[0], ""
	}
	return nil, ""
}

// within says whether the line comes no later than so long after at (Unix seconds).
func (r *Reader) within(e *entry, at int64, age time.Duration) bool {
	now := r.when(e)
	return now.IsZero() || at == 0 || now.Sub(time.Unix(at, 0)) <= age
}

// eximInterim gives the recipient the refusals of other hosts of the same
// receiver that were heard right before. What the recipient's own line says again is not counted twice.
func (r *Reader) eximInterim(e *entry, n *note, o outcome, out []Event) []Event {
	domain := bounce.DomainOf(kept(o.to, 320))
	text, addr := kept(o.text, maxReply), ""
	if o.addr.IsValid() {
		addr = o.addr.String()
	}
	for i := range n.Heard {
		h := &n.Heard[i]
		if h.Text == text && h.Addr == addr {
			h.For = domain
			continue
		}
		ours := h.For == domain || h.For == "" && (related(h.Host, o.host) || related(h.Host, domain))
		if !ours || !r.within(e, h.At, 10*time.Minute) {
			continue
		}
		h.For = domain
		out = append(out, r.event(e, n, h.again(outcome{action: bounce.Delayed, interim: true, to: o.to, qid: o.qid, tag: o.tag})))
	}
	r.memory.changed(n)
	return out
}

// eximLine is what the fields of a delivery line say.
type eximLine struct {
	to, host, transport, stage, text string
	addr, source                     netip.Addr
}

// eximStages are Exim's own error numbers of deferrals (macros.h): at which
// command the receiver said no for now.
var eximStages = map[string]string{"-44": "rcpt", "-45": "mail", "-46": "data"}

// eximFields reads "kim@example.net <list@example.org> R=x T=y H=host [addr]:25 I=[addr]:port
// X=... defer (-44): text".
func eximFields(s string) eximLine {
	var f eximLine
	for first := true; s != ""; first = false {
		if s[0] == ' ' {
			s = s[1:]
			continue
		}
		word := eximWord(s)
		s = s[len(word):]
		ends := strings.HasSuffix(word, ":") && (s == "" || s[0] == ' ')
		if ends {
			word = word[:len(word)-1]
		}
		switch {
		case strings.HasPrefix(word, "H="):
			f.host = word[2:]
			// "(helo)" and the address follow as words of their own.
			for !ends && strings.HasPrefix(s, " ") && len(s) > 1 && (s[1] == '[' || s[1] == '(') {
				next := eximWord(s[1:])
				s = s[1+len(next):]
				if ends = strings.HasSuffix(next, ":"); ends {
					next = next[:len(next)-1]
				}
				if next[0] == '[' {
					f.addr = bracketed(next)
				}
			}
			if strings.HasPrefix(f.host, "[") {
				f.addr, f.host = bracketed(f.host), ""
			}
			f.host = strings.Trim(f.host, "()")
		case strings.HasPrefix(word, "I="):
			f.source = bracketed(word[2:])
		case strings.HasPrefix(word, "T="):
			f.transport = word[2:]
		case word == "defer":
			if code, ok := between(s, "(", ")"); ok {
				f.stage = eximStages[code]
			}
		case first && !strings.Contains(word, "="):
			f.to = strings.Trim(word, "<>")
		case first && strings.Contains(word, "@") && !strings.HasPrefix(word, "R="):
			f.to = word // an address may hold "="
		case strings.HasPrefix(word, "<") && !strings.Contains(f.to, "@") && strings.Contains(word, "@"):
			f.to = strings.Trim(word, "<>") // a local part, and what it was before
		}
		if ends {
			f.text = strings.TrimSpace(s)
			break
		}
	}
	return f
}

// eximWord returns the next word; quotes hold blanks together.
func eximWord(s string) string {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ' ':
			if !quoted {
				return s[:i]
			}
		}
	}
	return s
}

// bracketed reads the address in "[198.51.100.7]:25".
func bracketed(s string) netip.Addr {
	in, _ := between(s, "[", "]")
	return parseAddr(in)
}

// bounceReply returns the reply code of a text, or "".
func bounceReply(text string) string {
	d, _, _ := bounce.Diagnose(text)
	return d.Reply
}
