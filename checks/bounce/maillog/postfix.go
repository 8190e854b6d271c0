package maillog

import (
	"net/netip"
	"slices"
	"strings"

	"reputed/checks/bounce"
)

// postfixProgram returns the program that a syslog tag of Postfix ends with:
// syslog_name, a slash and the program (postconf(5), syslog_name). Other instances and
// services have other names before the slash.
func postfixProgram(tag string) string {
	i := strings.LastIndexByte(tag, '/')
	if i < 0 {
		return ""
	}
	return tag[i+1:]
}

// postfix reads a line of Postfix.
func (r *Reader) postfix(e *entry, out []Event) []Event {
	qid, rest, ok := strings.Cut(e.text, ": ")
	if !ok || !queueID(qid, 5, 40) {
		return out
	}
	switch postfixProgram(e.tag) {
	case "smtp", "error", "retry":
		if strings.HasPrefix(rest, "to=<") {
			return r.postfixTo(e, qid, rest, out)
		}
		// "host mx1.example.net[198.51.100.7] refused to talk to me: 554 ...": this one
		// refused and the next is tried. Which recipient it was about says a later
		// line of the same process.
		if strings.HasPrefix(rest, "host ") && (strings.Contains(rest, "] refused to talk to me: ") || strings.Contains(rest, "] said: ")) {
			n := r.memory.note(r.key(e, qid))
			a := r.answerOf(e, outcome{text: rest})
			n.Heard = slices.DeleteFunc(n.Heard, func(o answer) bool { return o.PID == a.PID && o.For != "" })
			n.hear(a)
			r.memory.changed(n)
		}
	case "smtpd":
		if strings.HasPrefix(rest, "client=") {
			r.postfixClient(e, qid, rest)
		}
	case "pickup":
		if strings.HasPrefix(rest, "uid=") {
			r.postfixPickup(e, qid, rest)
		}
	case "cleanup":
		// "message-id=<...>", or "resent-message-id=": the latter is not the message's.
		if id, ok := strings.CutPrefix(rest, "message-id="); ok {
			n := r.memory.note(r.key(e, qid))
			n.ID = kept(strings.Trim(id, "<> "), 300)
			r.memory.changed(n)
		}
	case "qmgr", "nqmgr":
		return r.postfixQueue(e, qid, rest, out)
	}
	return out
}

// postfixQueue reads a line of the queue manager.
func (r *Reader) postfixQueue(e *entry, qid, rest string, out []Event) []Event {
	key := r.key(e, qid)
	if rest == "removed" {
		r.memory.forget(key)
		return out
	}
	from, after, ok := strings.Cut(strings.TrimPrefix(rest, "from=<"), ">, ")
	if !ok || len(from) == len(rest) {
		return out
	}
	switch {
	case strings.HasPrefix(after, "size="): // a round of tries begins
		n := r.memory.note(key)
		n.Sender, n.From = kept(bounce.DomainOf(from), 253), keptSender(from)
		n.Heard = nil
		r.memory.changed(n)
	case strings.HasPrefix(after, "status=expired") || strings.HasPrefix(after, "status=force-expired"):
		// The recipients were deferred once more right before.
		if n := r.memory.find(key); n != nil {
			out = r.expire(e, n, qid, out)
		}
	}
	return out
}

// expire gives up every recipient that is still being tried, for the reason told last.
func (r *Reader) expire(e *entry, n *note, qid string, out []Event) []Event {
	for _, l := range n.Last {
		out = append(out, r.event(e, n, l.again(outcome{action: bounce.Failed, final: true, to: l.To, qid: qid, tag: l.Tag})))
	}
	n.Last = nil
	r.memory.changed(n)
	return out
}

// postfixTo reads what became of one recipient.
func (r *Reader) postfixTo(e *entry, qid, rest string, out []Event) []Event {
	o := outcome{qid: qid, tag: e.tag}
	to, after, ok := strings.Cut(rest[len("to=<"):], ">, ")
	relay, found := between(after, "relay=", ", ")
	status, has := between(after, ", status=", " (")
	if !ok || !found || !has {
		r.stats.Unread++
		return out
	}
	o.to = to
	if relay != "none" {
		host, addr, ok := postfixRelay(relay)
		if !ok {
			r.postfixHandedOn(e, qid, after)
			return out // our own: a mailbox server's socket, a filter on the loopback
		}
		o.host, o.addr = host, addr
	}
	o.text = after[strings.Index(after, ", status=")+len(", status=")+len(status):]
	o.text = strings.TrimPrefix(o.text, " (")
	o.text = strings.TrimSuffix(o.text, ")")
	switch strings.ToLower(status) {
	case "sent":
		o.action, o.final = bounce.Delivered, true
	case "bounced":
		o.action, o.final = bounce.Failed, true
	case "deferred", "softbounce": // soft_bounce=yes: what was final is tried again
		o.action = bounce.Delayed
	default: // deliverable, undeliverable: an address was verified, no mail was sent
		return out
	}
	if o.action != bounce.Delivered {
		o.stage = lostStage(o.text)
		o.status, _ = between(after, ", dsn=", ",")
		if !strings.HasPrefix(o.text, "host "+relay[:max(0, strings.LastIndexByte(relay, ':'))]) {
			o.relay, o.host, o.addr = o.host, "", netip.Addr{} // the text knows better who answered
		}
	}
	key := r.key(e, qid)
	n := r.memory.find(key)
	if n != nil {
		out = r.postfixInterim(e, n, o, out)
	}
	if o.action == bounce.Delayed && n == nil {
		n = r.memory.note(key)
	}
	out = append(out, r.event(e, n, o))
	if n != nil && (o.action == bounce.Delayed || len(n.Last) > 0) {
		n.put(last{To: kept(to, 320), Tag: kept(o.tag, 200), answer: r.answerOf(e, o)}, o.action != bounce.Delayed)
		r.memory.changed(n)
	}
	return out
}

// postfixInterim gives the recipient the refusals of other hosts that the same
// process heard right before. A process has one destination at a time, so that the
// domain of the first recipient says whose they are.
func (r *Reader) postfixInterim(e *entry, n *note, o outcome, out []Event) []Event {
	domain := bounce.DomainOf(kept(o.to, 320))
	for i := range n.Heard {
		h := &n.Heard[i]
		if h.PID != e.pid || h.For != "" && h.For != domain || o.text == h.Text {
			continue
		}
		h.For = domain
		i := h.again(outcome{action: bounce.Delayed, interim: true, to: o.to, qid: o.qid, tag: o.tag})
		out = append(out, r.event(e, n, i))
	}
	r.memory.changed(n)
	return out
}

// postfixRelay reads "mx1.example.net[198.51.100.7]:25"; false if that is no
// other machine.
func postfixRelay(s string) (string, netip.Addr, bool) {
	host, rest, ok := strings.Cut(s, "[")
	if !ok {
		return s, netip.Addr{}, s != "local" && s != "virtual"
	}
	in, _, _ := strings.Cut(rest, "]")
	addr := parseAddr(in)
	if !addr.IsValid() || addr.IsLoopback() {
		return "", addr, false
	}
	if host == in {
		host = ""
	}
	return host, addr, true
}

// lostPhrases say at which command a connection was lost or silent.
var lostPhrases = []struct{ words, stage string }{
	{"while receiving the initial server greeting", "greeting"},
	{"while performing the EHLO handshake", "ehlo"},
	{"while performing the LHLO handshake", "ehlo"},
	{"while performing the HELO handshake", "ehlo"},
	{"while sending MAIL FROM", "mail"},
	{"while sending RCPT TO", "rcpt"},
	{"while sending DATA command", "data"},
	{"while sending message body", "end of data"},
	{"while sending end of data", "end of data"},
}

func lostStage(text string) string {
	if i := strings.LastIndex(text, " while "); i >= 0 {
		for _, p := range lostPhrases {
			if strings.HasPrefix(text[i+1:], p.words) {
				return p.stage
			}
		}
	}
	return ""
}

// queueID says whether s can be a queue id: letters and digits, of such a length.
func queueID(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return false
		}
	}
	return s != "NOQUEUE" && s != "warning" && s != "fatal" && s != "error" && s != "panic"
}
