package maillog

import (
	"strings"
	"time"

	"reputed/checks/bounce"
)

// openSMTPD reads a line of OpenSMTPD's smtpd.
//
// A refusal in the greeting is told for the session alone. The mails that waited for it
// are deferred by lines without a session, for "Network error on
// destination MXs": the relay's name, or the time, says which refusal it was.
func (r *Reader) openSMTPD(e *entry, out []Event) []Event {
	if id, rest, ok := strings.Cut(e.text, ": "); ok && strings.HasPrefix(rest, "Expire for ") || strings.HasPrefix(id, "Expire for ") {
		return r.openSMTPDExpire(e, out)
	}
	session, rest, ok := strings.Cut(e.text, " mta ")
	if !ok || !queueID(session, 16, 16) {
		return out
	}
	key := r.key(e, "session "+session)
	switch {
	case strings.HasPrefix(rest, "connecting "):
		n := r.memory.note(key)
		addr, _ := between(rest, "address=", " ")
		if i := strings.Index(addr, "://"); i >= 0 {
			addr = addr[i+3:]
		}
		host, _ := between(rest, " host=", " ")
		a := answer{Host: kept(host, 253), Addr: kept(hostPart(addr), 60)}
		n.Heard = []answer{a}
		r.memory.changed(n)
	case strings.HasPrefix(rest, "error reason="):
		reason := rest[len("error reason="):]
		said, text, ok := strings.Cut(reason, " rejected: ")
		n := r.memory.find(key)
		if !ok || n == nil || len(n.Heard) == 0 {
			return out
		}
		stage := "ehlo"
		if strings.HasPrefix(said, "BANNER") {
			stage = "greeting"
		}
		to := n.Heard[0]
		a := r.answerOf(e, outcome{text: unglue(text, to.Host), host: to.Host, stage: stage})
		a.Addr = to.Addr
		for _, name := range []string{to.Host, "-"} { // "-" holds the latest of all
			n := r.memory.note(r.key(e, "relay "+name))
			n.Heard = []answer{a}
			r.memory.changed(n)
		}
	case strings.HasPrefix(rest, "delivery "):
		return r.openSMTPDTo(e, rest, out)
	case strings.HasPrefix(rest, "disconnected "):
		r.memory.forget(key)
	}
	return out
}

// openSMTPDTo reads what became of one recipient.
func (r *Reader) openSMTPDTo(e *entry, rest string, out []Event) []Event {
	evpid, ok := between(rest, "evpid=", " ")
	to, ok2 := between(rest, " to=<", ">")
	result, ok3 := between(rest, ` result="`, `"`)
	if !ok || !ok2 || !ok3 || len(evpid) != 16 {
		r.stats.Unread++
		return out
	}
	o := outcome{to: to, qid: evpid[:8], tag: e.tag, text: openSMTPDStat(rest)} // the message's id, as its Received field has it
	from, _ := between(rest, " from=<", ">")
	o.sender, o.from.Sender = kept(bounce.DomainOf(from), 253), keptSender(from)
	source, _ := between(rest, ` source="`, `"`)
	o.source = parseAddr(source)
	relay, _ := between(rest, ` relay="`, `"`)
	if addr, host, ok := strings.Cut(relay, " ("); ok {
		o.addr, o.host = parseAddr(addr), strings.TrimSuffix(host, ")")
	} else if o.addr = parseAddr(relay); !o.addr.IsValid() {
		o.host = relay
	}
	if o.addr.IsLoopback() {
		return out
	}
	switch result {
	case "Ok":
		o.action, o.final = bounce.Delivered, true
	case "TempFail", "LoopTempFail":
		o.action = bounce.Delayed
	case "PermFail", "Loop":
		o.action, o.final = bounce.Failed, true
	default:
		r.stats.Unread++
		return out
	}
	if o.action == bounce.Delayed && strings.HasPrefix(o.text, "Network error") {
		if a := r.openSMTPDReason(e, relay, bounce.DomainOf(kept(to, 320))); a != nil {
			o = a.again(o)
		}
	}
	if o.action == bounce.Delivered {
		r.memory.forget(r.key(e, "relay "+o.host))
	}
	key := r.key(e, o.qid)
	n := r.memory.find(key)
	out = append(out, r.event(e, n, o))
	if o.action == bounce.Delayed {
		n = r.memory.note(key)
	}
	if n != nil {
		n.put(last{To: kept(to, 320), Tag: kept(o.tag, 200), answer: r.answerOf(e, o)}, o.action != bounce.Delayed)
		if n.Sender = o.sender; len(n.Last) == 0 {
			r.memory.forget(key)
		}
		r.memory.changed(n)
	}
	return out
}

// openSMTPDReason returns the refusal behind a network error: of the relay by name,
// else the latest, if it was right before or its host is the receiver's.
func (r *Reader) openSMTPDReason(e *entry, relay, domain string) *answer {
	relayKey := r.key(e, "relay "+relay)
	if n := r.memory.find(relayKey); n != nil && len(n.Heard) > 0 && r.within(e, n.Heard[0].At, routeAge) {
		return &n.Heard[0]
	}
	n := r.memory.find(r.key(e, "relay -"))
	if n == nil || len(n.Heard) == 0 {
		return nil
	}
	a := n.Heard[0]
	near := r.within(e, a.At, 5*time.Second)
	own := related(a.Host, domain) || related(a.Host, relay)
	if !near && !(own && r.within(e, a.At, routeAge)) {
		return nil
	}
	known := r.memory.note(relayKey) // mails that come while the route is off fail for the same reason
	known.Heard = []answer{a}
	r.memory.changed(known)
	return &known.Heard[0]
}

// openSMTPDExpire reads "relay: Expire for 4ac79b1f30e8613a: from=<...>, to=<...>, ...".
func (r *Reader) openSMTPDExpire(e *entry, out []Event) []Event {
	evpid, ok := between(e.text, "Expire for ", ":")
	to, ok2 := between(e.text, " to=<", ">")
	if !ok || !ok2 || len(evpid) != 16 {
		r.stats.Unread++
		return out
	}
	from, _ := between(e.text, "from=<", ">")
	o := outcome{action: bounce.Failed, final: true, to: to, qid: evpid[:8], tag: e.tag, sender: kept(bounce.DomainOf(from), 253)}
	o.text, _ = between(e.text, "stat=", "\x00")
	n := r.memory.find(r.key(e, o.qid))
	if l := n.lastOf(kept(to, 320)); l != nil {
		o = l.again(o)
	}
	out = append(out, r.event(e, n, o))
	if n != nil {
		n.put(last{To: kept(to, 320)}, true)
		r.memory.changed(n)
	}
	return out
}

func openSMTPDStat(s string) string {
	if i := strings.Index(s, ` stat="`); i >= 0 {
		return strings.TrimSuffix(s[i+len(` stat="`):], `"`)
	}
	return ""
}

// hostPart drops the port of "198.51.100.7:25" and "[2001:db8::7]:25".
func hostPart(s string) string {
	if strings.HasPrefix(s, "[") {
		s, _ = between(s, "[", "]")
		return s
	}
	if i := strings.LastIndexByte(s, ':'); i > 0 && strings.Count(s, ":") == 1 {
		return s[:i]
	}
	return s
}

// unglue puts a blank back between the lines of a greeting: OpenSMTPD writes
// "554-mx1.example.netYour access ..." of "554-mx1.example.net" and "554 Your access ...".
func unglue(text, host string) string {
	if len(text) < 5 {
		return text
	}
	if text[3] == '-' { // of a reply in several lines, of which one is left
		text = text[:3] + " " + text[4:]
	}
	name := text[4:]
	if host != "" && len(name) > len(host) && strings.EqualFold(name[:len(host)], host) && name[len(host)] != ' ' && name[len(host)] != '.' {
		return text[:4+len(host)] + " " + name[len(host):]
	}
	for i := 1; i < len(name) && name[i] != ' '; i++ {
		if lower := name[i-1]; lower >= 'a' && lower <= 'z' && name[i] >= 'A' && name[i] <= 'Z' && strings.IndexByte(name[:i], '.') > 0 {
			return text[:4+i] + " " + name[i:]
		}
	}
	return text
}
