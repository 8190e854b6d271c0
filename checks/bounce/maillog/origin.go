package maillog

import (
	"net/netip"
	"strings"
)

// keptSender keeps an envelope sender, its domain in lower case.
func keptSender(from string) string {
	from = strings.Trim(from, "<> ")
	if i := strings.LastIndexByte(from, '@'); i >= 0 {
		from = from[:i] + strings.ToLower(from[i:])
	}
	return kept(from, 320)
}

// clientOf writes a client out; "" for one on the loopback, which is a filter of our own that
// hands a mail back.
func clientOf(name string, addr netip.Addr) string {
	name = strings.ToLower(strings.TrimRight(name, "."))
	switch {
	case addr.IsLoopback():
		return ""
	case !addr.IsValid():
		return kept(name, 253)
	case name == "" || name == "unknown" || name == addr.String():
		return addr.String()
	}
	return kept(name, 253) + " [" + addr.String() + "]"
}

// comesFrom takes over what is known better: a login before none.
func (n *note) comesFrom(login, client string) {
	if login != "" {
		n.Login = kept(login, 320)
	}
	if client != "" {
		n.Client = client
	}
}

// postfixClient reads "client=pc.example.org[192.0.2.80], sasl_method=PLAIN, sasl_username=kim".
func (r *Reader) postfixClient(e *entry, qid, rest string) {
	client, after, _ := strings.Cut(rest[len("client="):], ", ")
	name, in, _ := strings.Cut(client, "[")
	addr, _, _ := strings.Cut(in, "]")
	n := r.memory.note(r.key(e, qid))
	login, _ := between(", "+after, ", sasl_username=", ", ")
	n.comesFrom(login, clientOf(name, parseAddr(addr)))
	r.memory.changed(n)
}

// postfixPickup reads "uid=33 from=<www-data>": a mail of a program on this machine.
func (r *Reader) postfixPickup(e *entry, qid, rest string) {
	uid, after, _ := strings.Cut(rest[len("uid="):], " ")
	user, _ := between(after, "from=<", ">")
	if user == "" {
		user = uid
	}
	n := r.memory.note(r.key(e, qid))
	n.comesFrom("", kept("user "+user+" (uid "+uid+")", 253))
	r.memory.changed(n)
}

// postfixHandedOn lets the mail that a filter of our own hands back have the origin of the one that
// it was handed: "status=sent (250 2.0.0 Ok: queued as 4Rab12D)" by a relay on the loopback.
func (r *Reader) postfixHandedOn(e *entry, qid, text string) {
	i := strings.LastIndex(text, "queued as ")
	if i < 0 {
		return
	}
	next, _, _ := strings.Cut(strings.TrimRight(text[i+len("queued as "):], ")> "), " ")
	from := r.memory.find(r.key(e, qid))
	if from == nil || !queueID(next, 5, 40) || next == qid {
		return
	}
	login, client := from.Login, from.Client
	n := r.memory.find(r.key(e, next)) // known by now: it came in before this line
	if n == nil || login == "" && client == "" {
		return
	}
	n.comesFrom(login, client)
	r.memory.changed(n)
}

// eximOrigin reads the fields of an arrival: "H=pc.example.org (pc) [192.0.2.80]:1025 ... A=plain_login:kim ..."
// or "U=www-data P=local" (specification chapter 52, "Logging message reception").
func (r *Reader) eximOrigin(n *note, fields string) {
	f := eximFields(fields)
	client := clientOf(f.host, f.addr)
	login, _ := between(" "+fields, " A=", " ")
	if _, id, ok := strings.Cut(login, ":"); ok {
		login = id
	} else {
		login = "" // a certificate's, or a driver without an id
	}
	if user, ok := between(" "+fields, " U=", " "); ok && !f.addr.IsValid() {
		client = kept("user "+user, 253)
	}
	n.comesFrom(login, client)
}

// sendmailOrigin reads "relay=pc.example.org [192.0.2.80] (may be forged)", or "relay=kim@localhost".
func sendmailOrigin(n *note, fields string) {
	relay, ok := between(fields, "relay=", ", ")
	if !ok {
		return
	}
	host, addr := sendmailRelay(relay)
	if user, local, ok := strings.Cut(host, "@"); ok && !addr.IsValid() && strings.HasPrefix(local, "localhost") {
		n.comesFrom("", kept("user "+user, 253))
		return
	}
	n.comesFrom("", clientOf(host, addr))
}
