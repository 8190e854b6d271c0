package acceptance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"reputed/checks"
	"reputed/probes"
)

// OwnCheck is the [checks.Key].Check of what is found about servers of our own.
const OwnCheck = "own"

// Own is a mail server of ours, and what is expected of it.
type Own struct {
	Host       string // name or address
	Port       uint16
	Closed     bool     // the world must not reach it; nothing else is looked at then
	StartTLS   bool     // it offers STARTTLS with a certificate that is good
	Relay      bool     // it takes no mail of strangers for strangers
	Postmaster bool     // it takes mail to postmaster@ and abuse@ of Domains
	Domains    []string // that it takes mail for
	Visitor    Visitor
}

// Servers are our own servers. Nothing else is ever asked for a relay.
type Servers []Own

// ErrNotOurs: the host is none of our own servers. Trying again helps once it stands in the configuration.
var ErrNotOurs = errors.New("not one of our own servers: only what stands under [[acceptance.own]] is tested")

// Find is the server that is meant by a host name or address, with or without its port. The error wraps [ErrNotOurs]; no
// name is looked up for it, and nothing is sent.
func (s Servers) Find(host string) (Own, error) {
	host = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(host), "."))
	for _, o := range s {
		if host == o.Host || host == o.Name() {
			return o, nil
		}
	}
	return Own{}, fmt.Errorf("%s: %w", checks.Line(host, 80), ErrNotOurs)
}

// Name is the server as people write it: with its port where that is not 25.
func (o Own) Name() string {
	if o.Port == smtpPort || o.Port == 0 {
		return o.Host
	}
	if strings.Contains(o.Host, ":") {
		return fmt.Sprintf("[%s]:%d", o.Host, o.Port)
	}
	return fmt.Sprintf("%s:%d", o.Host, o.Port)
}

// target is what findings about it are about.
func (o Own) target() checks.Target {
	if a, err := netip.ParseAddr(o.Host); err == nil {
		return checks.Address(a)
	}
	if t, err := checks.Domain(o.Host); err == nil {
		return t
	}
	return checks.Receiver(o.Host)
}

// Tried is one form of address that a server was asked for, and its answer.
type Tried struct {
	Form  Form
	Taken bool // it would relay
	// Proves says whether the answer proves anything: not where the server takes every recipient of that kind,
	// or was not asked to the end.
	Proves bool
	Reply  string // literal, one line; empty: not asked
}

// OwnVisit is all that was asked of one server of ours.
type OwnVisit struct {
	Server  Own
	Visits  []probes.Visit // the first is the plain one
	Trouble string         // why the server could not be looked at at all; empty: it was
	Forms   []Tried
	Roles   []Role
}

// Role is whether a server takes mail to one of the addresses that everybody must have.
type Role struct {
	Address string
	Reply   probes.Reply
}

// formsAtOnce is how many forms are asked for in one conversation: most servers break off after ten or twenty
// refusals, and slow down before that.
const formsAtOnce = 5

// JudgeOwn makes findings of looks at all servers. It is pure.
func JudgeOwn(all []OwnVisit, now time.Time) (findings []checks.Finding) {
	for _, v := range Doubted(all) {
		findings = append(findings, v.Findings(now)...)
	}
	return findings
}

// Doubted returns the looks at all servers with the doubt that they cast on each other: if none of several
// servers that should be reachable is reached, our own way out is shut, and nothing is known of any of them.
func Doubted(all []OwnVisit) []OwnVisit {
	all = slices.Clone(all)
	open, reached := 0, 0
	for _, v := range all {
		if !v.Server.Closed {
			open++
			if len(v.Visits) > 0 && !Unreached(v.Visits[0]) {
				reached++
			}
		}
	}
	for i := range all {
		if open >= leastDoors && reached == 0 {
			all[i].Trouble = cmp.Or(all[i].Trouble, "none of our servers is reached from here, so that the fault is here or on the way")
		}
	}
	return all
}

// Look looks at a server of ours: its port, STARTTLS and certificate, mailboxes, and whether it relays. It asks for
// recipients and hands over no message.
func Look(ctx context.Context, asker Asker, o Own, outside string) OwnVisit {
	v := OwnVisit{Server: o}
	d := lookUp(ctx, asker, Destination{Domain: o.Host, Hosts: []Host{{o.Host, o.Port}}})
	if len(d.servers) == 0 {
		v.Trouble = d.why
		return v
	}
	at := d.servers[0]
	door := probes.Door{Host: o.Host, Addr: at.addr, StartTLS: o.StartTLS && !o.Closed}
	if o.Postmaster && !o.Closed {
		for _, domain := range o.Domains {
			door.Envelopes = append(door.Envelopes, probes.Envelope{Recipients: []string{"postmaster@" + domain, "abuse@" + domain}})
		}
	}
	first := o.Visitor.Visit(ctx, door)
	if Unreached(first) { // its other address, or once more: a lost packet is no closed port
		at = d.servers[min(1, len(d.servers)-1)]
		door.Addr = at.addr
		first = o.Visitor.Visit(ctx, door)
	}
	v.Visits = append(v.Visits, first)
	for _, a := range first.Asked {
		for i, r := range a.Rcpts {
			v.Roles = append(v.Roles, Role{Address: a.Envelope.Recipients[i], Reply: r})
		}
	}
	if o.Relay && !o.Closed && first.Greeting.Code == 220 {
		v.relay(ctx, at, outside)
	}
	return v
}

// Reach makes one connection to a server, and says nothing there but EHLO and QUIT. Why is not empty where there is no
// address to try.
func Reach(ctx context.Context, asker Asker, visitor Visitor, h Host) (v probes.Visit, why string) {
	d := lookUp(ctx, asker, Destination{Domain: h.Name, Hosts: []Host{h}})
	for _, s := range d.servers {
		if v = visitor.Visit(ctx, probes.Door{Host: s.host, Addr: s.addr}); !Unreached(v) {
			break
		}
	}
	return v, d.why
}

// Unreached says whether there was no connection at all.
func Unreached(v probes.Visit) bool {
	return v.Stage == probes.StageConnect && v.Err != nil && !errors.Is(v.Err, probes.ErrCut)
}

// relay asks for every form, and first for what tells whether an answer proves anything.
func (v *OwnVisit) relay(ctx context.Context, at server, outside string) {
	ours := v.Server.Host
	if len(v.Server.Domains) > 0 {
		ours = v.Server.Domains[0]
	} else if _, err := netip.ParseAddr(ours); err == nil {
		ours = Literal(at.addr.Addr())
	}
	forms := Forms(ours, outside, at.addr.Addr())
	var all []probes.Envelope
	for _, c := range controls(forms) {
		all = append(all, probes.Envelope{Sender: relayLocal + "@" + outside, Recipients: []string{c}})
	}
	for _, f := range forms {
		all = append(all, probes.Envelope{Sender: f.Sender, Recipients: []string{f.Recipient}})
	}
	answers := map[string]probes.Reply{} // by sender and recipient
	early := map[string]bool{}           // that were given to MAIL FROM
	for some := range slices.Chunk(all, formsAtOnce) {
		visit := v.Server.Visitor.Visit(ctx, probes.Door{Host: v.Server.Host, Addr: at.addr, Envelopes: some})
		v.Visits = append(v.Visits, visit)
		for _, a := range visit.Asked {
			reply := a.Mail
			if len(a.Rcpts) > 0 {
				reply = a.Rcpts[0]
			} else if reply.Positive() {
				continue // it broke off before it answered
			}
			asked := a.Envelope.Sender + " " + a.Envelope.Recipients[0]
			answers[asked], early[asked] = reply, len(a.Rcpts) == 0
		}
	}
	for _, f := range forms {
		asked := f.Sender + " " + f.Recipient
		reply := answers[asked]
		t := Tried{Form: f, Reply: checks.Line(reply.String(), 300), Proves: reply.Code/100 == 2 || reply.Code/100 == 5, Taken: reply.Positive()}
		if early[asked] && f.Sender == relayLocal+"@"+outside {
			t.Proves = false // it does not like this stranger; another one may be welcome
		}
		if control, asked := answers[relayLocal+"@"+outside+" "+f.Control]; f.Control != "" && t.Taken && (!asked || control.Code/100 != 5) {
			t.Proves = false // it takes what does not exist, too
		}
		v.Forms = append(v.Forms, t)
	}
}
