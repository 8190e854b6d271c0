package maillog

import (
	"strings"

	"reputed/checks/bounce"
)

// maxPieces is how many lines of a reply are kept; a reply of Courier's log has
// a line of the log for each of its lines.
const maxPieces = 20

// courier reads a line of courieresmtp: pieces of a reply, and then the verdict,
// each with "id=...,from=<...>,addr=<...>" before it.
func (r *Reader) courier(e *entry, out []Event) []Event {
	id, ok := between(e.text, "id=", ",")
	if !ok || !strings.HasPrefix(e.text, "id=") {
		return out
	}
	from, _ := between(e.text, ",from=<", ">")
	i := strings.Index(e.text, ",addr=<")
	if i < 0 {
		return out
	}
	to, rest, ok := strings.Cut(e.text[i+len(",addr=<"):], ">")
	if !ok {
		return out
	}
	key := r.key(e, id+" "+to)
	o := outcome{to: to, qid: id, tag: e.tag, sender: kept(bounce.DomainOf(from), 253)}
	switch {
	case strings.HasPrefix(rest, ": "):
		n := r.memory.note(key)
		if len(n.Pieces) < maxPieces {
			n.Pieces = append(n.Pieces, kept(strings.TrimSuffix(rest[2:], "..."), 300))
		}
		r.memory.changed(n)
		return out
	case strings.HasPrefix(rest, ",success: "):
		// "delivered: mx1.example.net [198.51.100.7]"
		_, where, _ := strings.Cut(rest[len(",success: "):], ": ")
		host, addr, _ := strings.Cut(where, " ")
		o.action, o.final, o.host, o.addr = bounce.Delivered, true, host, bracketed(addr)
	case strings.HasPrefix(rest, ",status: failure"):
		o.action, o.final = bounce.Failed, true
	case strings.HasPrefix(rest, ",status: deferred"):
		o.action = bounce.Delayed
	case strings.HasPrefix(rest, ",status: success"):
		return out // said already
	default:
		r.stats.Unread++
		return out
	}
	if n := r.memory.find(key); n != nil {
		o.text = strings.Join(n.Pieces, "\n")
		r.memory.forget(key)
	}
	if o.addr.IsLoopback() {
		return out
	}
	if onlyName(o.text) {
		o.stage = "greeting"
	} else if first, _, more := strings.Cut(o.text, "\n"); more && onlyName(first) {
		o.stage = "greeting" // no other reply begins with the receiver's name
	}
	return append(out, r.event(e, nil, o))
}
