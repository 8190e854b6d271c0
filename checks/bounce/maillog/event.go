package maillog

import (
	"net/netip"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

// outcome is what one line says of one recipient, before it is judged.
type outcome struct {
	action  bounce.Action
	final   bool
	interim bool
	to      string
	qid     string
	tag     string
	at      time.Time
	host    string     // receiver
	addr    netip.Addr // of the receiver
	source  netip.Addr // of ours
	relay   string     // receiver, where the text names no host that answered
	text    string     // what was answered, in the MTA's words
	stage   string     // where the words do not tell it
	status  string     // enhanced status that the MTA gives the outcome (RFC 3463), where the words have none
	sender  string     // domain; "" where earlier lines told it
	id      string     // Message-ID; likewise
	from    Origin     // likewise
}

// event completes an outcome and has it judged. n may be nil.
func (r *Reader) event(e *entry, n *note, o outcome) Event {
	var ev Event
	b := &ev.Bounce
	b.Action, ev.Final, ev.Interim = o.action, o.final, o.interim
	b.Recipient = kept(o.to, 320)
	b.Domain = bounce.DomainOf(b.Recipient)
	b.QueueID = kept(o.qid, 100)
	b.RemoteHost, b.RemoteAddr = kept(strings.ToLower(strings.TrimRight(o.host, ".")), 253), o.addr
	b.ReportingHost = r.hostOf(e)
	b.Source = o.source
	b.Sender, b.MessageID = o.sender, o.id
	if n != nil {
		if b.Sender == "" {
			b.Sender = n.Sender
		}
		if b.MessageID == "" {
			b.MessageID = n.ID
		}
		ev.Origin = Origin{Sender: n.From, Login: n.Login, Client: n.Client}
	}
	if o.from.Sender != "" || o.from.Login != "" || o.from.Client != "" {
		ev.Origin = o.from
	}
	b.At = o.at
	if b.At.IsZero() {
		b.At = r.when(e)
	}
	ev.Tag = kept(o.tag, 200)
	r.stats.Events++
	if o.action == bounce.Delivered {
		b.Judgement.Vendor = r.vendor(b.RemoteHost)
		return ev
	}
	d, host, addr := bounce.Diagnose(o.text)
	if d.Stage == "" {
		d.Stage = o.stage
	}
	if d.Status == "" && !strings.HasSuffix(o.status, ".0.0") { // which says nothing
		d.Status = kept(o.status, 12)
	}
	b.Diagnostic = d
	if b.RemoteHost == "" && !b.RemoteAddr.IsValid() {
		if b.RemoteHost = host; host == "" && !addr.IsValid() {
			b.RemoteHost = kept(strings.ToLower(strings.TrimRight(o.relay, ".")), 253)
		}
	}
	if !b.RemoteAddr.IsValid() && (host == b.RemoteHost || host == "") {
		b.RemoteAddr = addr
	}
	if r.opt.Rules != nil {
		b.Judgement = r.opt.Rules.Classify(d, b.RemoteHost)
		if b.Judgement.Address == b.RemoteAddr {
			b.Judgement.Address = netip.Addr{} // "lost connection with mx1.example.net[198.51.100.7]": theirs
		}
		if !b.Source.IsValid() {
			b.Source = b.Judgement.Address
		}
	}
	return ev
}

// vendor names whose receiver a host is. There are few hosts and many deliveries.
func (r *Reader) vendor(host string) string {
	if r.opt.Rules == nil || host == "" {
		return ""
	}
	v, ok := r.vendors[host]
	if !ok {
		if len(r.vendors) >= 10_000 {
			clear(r.vendors)
		}
		v = r.opt.Rules.Vendor(host)
		r.vendors[host] = v
	}
	return v
}

// hostOf is the logging host.
func (r *Reader) hostOf(e *entry) string {
	if e.host == "" {
		return r.opt.Host
	}
	if e.host != r.rawHost { // nearly always the same
		r.rawHost, r.host = strings.Clone(e.host), kept(strings.ToLower(e.host), 253)
	}
	return r.host
}

// when is when the line was written, UTC; zero if it does not say.
func (r *Reader) when(e *entry) time.Time {
	if !e.at.IsZero() {
		return e.at.UTC()
	}
	return r.clock.read(e.stamp)
}

// again makes an outcome of what was remembered.
func (a answer) again(o outcome) outcome {
	o.text, o.host, o.stage = a.Text, a.Host, a.Stage
	o.addr = parseAddr(a.Addr)
	return o
}

// answerOf keeps what an outcome was told.
func (r *Reader) answerOf(e *entry, o outcome) answer {
	a := answer{Text: kept(o.text, maxReply), Host: kept(o.host, 253), Stage: o.stage, PID: kept(e.pid, 20)}
	if o.addr.IsValid() {
		a.Addr = o.addr.String()
	}
	if at := r.when(e); !at.IsZero() {
		a.At = at.Unix()
	}
	return a
}

// parseAddr reads an address, and gives the invalid one for anything else.
func parseAddr(s string) netip.Addr {
	if len(s) > 5 && strings.EqualFold(s[:5], "ipv6:") {
		s = s[5:]
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// between returns what stands between two marks, the nearest after the first.
func between(s, from, to string) (string, bool) {
	i := strings.Index(s, from)
	if i < 0 {
		return "", false
	}
	s = s[i+len(from):]
	if j := strings.Index(s, to); j >= 0 {
		return s[:j], true
	}
	return s, true
}

// related says whether two hosts, or a host and a domain, belong to one organisation as far as names tell:
// they lie below one registered domain.
func related(a, b string) bool {
	a, b = organisation(a), organisation(b)
	return a != "" && a == b
}

// organisation is the registered domain that a name is or lies below; "" for none.
func organisation(name string) string {
	t := checks.Target{Kind: checks.KindDomain, Name: strings.ToLower(strings.TrimRight(name, "."))}
	return t.Organisational()
}
