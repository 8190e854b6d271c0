package maillog

import (
	"cmp"
	"net/netip"
	"strings"

	"reputed/checks/bounce"
)

// sendmail reads a line of Sendmail: "QID: to=<...>, ..., stat=...".
func (r *Reader) sendmail(e *entry, out []Event) []Event {
	qid, rest, ok := strings.Cut(e.text, ": ")
	if !ok || !queueID(qid, 8, 20) {
		return out
	}
	switch {
	case strings.HasPrefix(rest, "from="):
		n := r.memory.note(r.key(e, qid))
		from, after, _ := strings.Cut(rest[len("from="):], ", ")
		n.Sender, n.From = kept(bounce.DomainOf(strings.Trim(from, "<>")), 253), keptSender(from)
		sendmailOrigin(n, after)
		if id, ok := between(after, "msgid=", ", "); ok {
			n.ID = kept(strings.Trim(id, "<>"), 300)
		}
		r.memory.changed(n)
	case strings.HasPrefix(rest, "to="):
		return r.sendmailTo(e, qid, rest, out)
	case strings.Contains(rest, ": sender notify: Cannot send message") || strings.Contains(rest, ": return to sender: Cannot send message"):
		if n := r.memory.find(r.key(e, qid)); n != nil {
			return r.expire(e, n, qid, out)
		}
	}
	return out
}

// sendmailTo reads what became of one or several recipients.
func (r *Reader) sendmailTo(e *entry, qid, rest string, out []Event) []Event {
	list, after, ok := strings.Cut(rest[len("to="):], ", ")
	stat := strings.LastIndex(after, "stat=")
	if !ok || stat < 0 {
		r.stats.Unread++
		return out
	}
	fields := after[:stat]
	mailer, _ := between(fields, "mailer=", ", ")
	if !strings.Contains(mailer, "smtp") && mailer != "relay" {
		return out // a mailbox, a program, a file
	}
	o := outcome{qid: qid, tag: e.tag}
	if relay, ok := between(fields, "relay=", ", "); ok {
		o.host, o.addr = sendmailRelay(relay)
		if o.addr.IsLoopback() {
			return out
		}
	}
	if !o.sendmailStat(fields, strings.TrimSpace(after[stat+len("stat="):])) {
		return out
	}
	key := r.key(e, qid)
	n := r.memory.find(key)
	if n == nil && o.action == bounce.Delayed {
		n = r.memory.note(key)
	}
	for to := range strings.SplitSeq(list, ",") {
		if o.to = strings.Trim(to, "<> "); o.to == "" {
			continue
		}
		out = append(out, r.event(e, n, o))
		if n != nil {
			n.put(last{To: kept(o.to, 320), Tag: kept(o.tag, 200), answer: r.answerOf(e, o)}, o.action != bounce.Delayed)
		}
	}
	if n != nil {
		r.memory.changed(n)
	}
	return out
}

// sendmailStat takes over what became of the recipients: stat=, the reply before it if there was one, and
// dsn=. False: nothing yet.
func (o *outcome) sendmailStat(fields, status string) bool {
	reply := ""
	if i := strings.Index(fields, ", reply="); i >= 0 {
		reply = strings.TrimSuffix(fields[i+len(", reply="):], ", ")
	}
	refused := reply != "" && (reply[0] == '4' || reply[0] == '5')
	switch {
	case strings.HasPrefix(status, "Sent") && !refused:
		o.action, o.final = bounce.Delivered, true
	case strings.HasPrefix(status, "queued"):
		return false
	case strings.HasPrefix(status, "Deferred"):
		o.action = bounce.Delayed
		status = strings.TrimPrefix(strings.TrimPrefix(status, "Deferred"), ": ")
	default:
		o.action, o.final = bounce.Failed, true
	}
	if o.action != bounce.Delivered {
		o.status, _ = between(fields, "dsn=", ",")
	}
	if o.text = cmp.Or(reply, status); onlyName(o.text) {
		// Nothing but a code and a name is the first line of a greeting: no other
		// reply begins with the receiver's name.
		o.stage = "greeting"
	}
	return true
}

// sendmailRelay reads "mx1.example.net. [198.51.100.7]". A long name is cut in
// its middle ("mail-example.olc...ction.outlook.com."): its end still says whose it is.
func sendmailRelay(s string) (string, netip.Addr) {
	host, rest, _ := strings.Cut(s, " ")
	host = strings.TrimRight(host, ".")
	if i := strings.LastIndex(host, "..."); i >= 0 {
		if host = host[i+3:]; strings.IndexByte(host, '.') > 0 {
			host = host[strings.IndexByte(host, '.')+1:]
		}
	}
	if strings.HasPrefix(host, "[") {
		return "", bracketed(host)
	}
	return host, bracketed(rest)
}

// onlyName says whether a reply is a code and a host name, and nothing more.
func onlyName(s string) bool {
	if len(s) < 6 || s[0] != '4' && s[0] != '5' || s[3] != ' ' && s[3] != '-' {
		return false
	}
	name := s[4:]
	return strings.IndexByte(name, ' ') < 0 && strings.IndexByte(name, '.') > 0 && !strings.HasPrefix(name, s[:1]+".")
}
