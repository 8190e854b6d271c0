package acceptance

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/probes"
)

// CheckName is the [checks.Key].Check of what knocking at receivers finds.
const CheckName = "acceptance"

// Visitor has one conversation with one server, from one address. [probes.Receiver] is one.
type Visitor interface {
	Visit(ctx context.Context, d probes.Door) probes.Visit
}

// Origin is one address of ours to knock from.
type Origin struct {
	Target  checks.Target
	Visitor Visitor
}

// Destination is one receiver to knock at.
type Destination struct {
	Domain string // lower case
	Vendor string // who stands before it; empty: its MX records or its greeting say so
	// Agreed says that its operator knows of us: only then MAIL FROM and RCPT TO postmaster are asked, because many
	// take that for abuse where nobody agreed to it.
	Agreed bool
	Hosts  []Host // to knock at in place of those of its MX records
	Why    string // it is knocked at, for people
}

// Host is one SMTP server by its name or address.
type Host struct {
	Name string
	Port uint16 // 0: 25
}

// Outcome is what came of one knock.
type Outcome string

const (
	// Accepted: greeted, and EHLO taken. Nothing was refused for who we are: a greylisting, a mailbox that does not
	// exist and trouble with TLS are no refusals.
	Accepted Outcome = "accepted"
	// Refused: turned away for who we are, as the reply says; or with 5yz before anything but our address was known.
	Refused Outcome = "refused"
	// Busy: told 421 (RFC 5321 section 3.8). Says nothing about us; nothing more is asked there for a while.
	Busy Outcome = "busy"
	// NoAnswer: no usable answer: not reached, broken off, or a fault of the server's.
	NoAnswer Outcome = "no answer"
	// NotAsked: the receiver had told another of our addresses 421, or nothing can be knocked at.
	NotAsked Outcome = "not asked"
)

// Knock is one address of ours at one receiver's door, and what came of it.
type Knock struct {
	Origin   checks.Target
	Receiver Destination
	Vendor   string // who stands before the receiver; empty: not known
	MX       []string
	Outcome  Outcome
	Reason   string // why it is no refusal, or no answer, for people; may be empty

	Diagnostic bounce.Diagnostic // the reply that decided; zero where there was none
	Judgement  bounce.Judgement  // what was made of it; zero unless a reply said no
	Host       string            // the server that answered, or was tried last
	Visits     []probes.Visit    // all conversations, in order
	At         time.Time
}

// Last is the conversation that decided; false if there was none.
func (k Knock) Last() (probes.Visit, bool) {
	if len(k.Visits) == 0 {
		return probes.Visit{}, false
	}
	return k.Visits[len(k.Visits)-1], true
}

// maxTries is how many servers of a receiver are tried in one knock: a receiver with a server that is down
// usually has another, and more tries only take time.
const maxTries = 3

// knock knocks once, at the servers of a receiver in order until one speaks.
func (r Round) knock(ctx context.Context, d destination, o Origin) Knock {
	k := Knock{Origin: o.Target, Receiver: d.Destination, Vendor: d.Vendor, MX: d.mx, Outcome: NoAnswer, At: time.Now().UTC()}
	if len(d.servers) == 0 {
		k.Outcome, k.Reason = NotAsked, d.why
		return k
	}
	tries := 0
	for _, server := range d.servers {
		if o.Target.Kind == checks.KindAddress && o.Target.Addr.Is4() != server.addr.Addr().Unmap().Is4() {
			continue // mail from this address does not go there either
		}
		if tries++; tries > maxTries || ctx.Err() != nil {
			break
		}
		door := probes.Door{Host: server.host, Addr: server.addr}
		if d.Agreed {
			door.StartTLS = true
			door.Envelopes = []probes.Envelope{{Recipients: []string{"postmaster@" + d.Domain}}}
		}
		v := o.Visitor.Visit(ctx, door)
		k.Visits, k.Host, k.At = append(k.Visits, v), cmp.Or(server.host, server.addr.Addr().String()), v.Began
		j := Read(r.Rules, v)
		k.Outcome, k.Diagnostic, k.Judgement, k.Reason = j.Outcome, j.Diagnostic, j.Judgement, j.Reason
		if v.Greeting.Code != 0 {
			k.Vendor = cmp.Or(j.named(), d.Vendor, greetedBy(r.Rules, d, v))
			return k
		}
	}
	if tries == 0 {
		k.Outcome, k.Reason = NotAsked, "none of its servers has an address of the family of "+o.Target.String()
	}
	return k
}

// greetedBy is who stands before a receiver as its greeting tells, where nobody knows from elsewhere.
func greetedBy(rules *bounce.Rules, d destination, v probes.Visit) string {
	vendor, _ := Vendor(rules, d.mx, v.Greeting.String())
	return vendor
}

// server is one address to connect to.
type server struct {
	host string // its name; empty: only an address is known
	addr netip.AddrPort
}

// destination is a Destination with its servers looked up.
type destination struct {
	Destination
	mx      []string // names of its MX hosts
	servers []server // in order of preference
	why     string   // there are none
}

const smtpPort = 25

// lookUp finds the servers of a receiver (RFC 5321 section 5.1). It never fails: where nothing is known there is nothing
// to knock at, and why.
func lookUp(ctx context.Context, asker Asker, d Destination) destination {
	out := destination{Destination: d}
	var at []Host
	if len(d.Hosts) > 0 {
		at = d.Hosts
	} else {
		a, err := askOne(ctx, asker, d.Domain, probes.TypeMX)
		switch {
		case err != nil:
			out.why = "its MX records are not known: " + err.Error()
			return out
		case len(a.Records) == 0:
			at = []Host{{Name: d.Domain}} // RFC 5321 section 5.1: without MX records the domain is its own
		}
		for _, name := range hosts(a) {
			at = append(at, Host{Name: name})
			out.mx = append(out.mx, name)
		}
		if len(at) == 0 {
			out.why = "it takes no mail (null MX, RFC 7505)"
			return out
		}
	}
	at = at[:min(len(at), 2*maxTries)]
	for _, h := range at {
		port := cmp.Or(h.Port, smtpPort)
		if a, err := netip.ParseAddr(h.Name); err == nil {
			out.servers = append(out.servers, server{addr: netip.AddrPortFrom(a.Unmap(), port)})
			continue
		}
		for _, t := range []probes.Type{probes.TypeA, probes.TypeAAAA} {
			a, err := askOne(ctx, asker, h.Name, t)
			if err != nil {
				out.why = "the address of " + h.Name + " is not known: " + err.Error()
				continue
			}
			addrs := a.Addrs()
			slices.SortFunc(addrs, netip.Addr.Compare)
			for _, addr := range addrs[:min(len(addrs), maxTries)] {
				out.servers = append(out.servers, server{h.Name, netip.AddrPortFrom(addr.Unmap(), port)})
			}
		}
	}
	if out.why = cmp.Or(out.why, "its servers have no address"); len(out.servers) > 0 {
		out.why = ""
	}
	return out
}

// askOne puts one question.
func askOne(ctx context.Context, asker Asker, name string, t probes.Type) (answer probes.Answer, err error) {
	asked := asker.Ask(ctx, func(yield func(probes.Question) bool) {
		yield(probes.Question{Name: name + ".", Type: t})
	}, func(_ probes.Question, a probes.Answer, failed error) { answer, err = a, failed })
	if asked != nil {
		return answer, asked
	}
	return answer, err
}
