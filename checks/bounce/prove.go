package bounce

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"reputed/checks"
)

// Ours is what this installation knows of itself, for [Prove] and [Attribute].
type Ours struct {
	Targets          checks.Targets        // addresses and domains that are watched
	Hosts            map[string]netip.Addr // our mail hosts by name, lower case, and the address each sends from; an invalid address means "several, or not known"
	MessageIDDomains []string              // domains on the right of our Message-IDs, lower case
	VERP             *regexp.Regexp        // return paths of ours that hold a token; nil if there are none
	VERPKey          []byte                // key of the tokens ([Token]), if they are computed; VERP has the groups "data" and "token" then
}

// Prove says why a report counts as ours, or gives the zero [Proof].
//
// Anyone can write to a bounce mailbox, so what a report says of itself (From,
// Reporting-MTA, its text) proves nothing. These do, the strongest first:
//
//   - Our own MTA wrote it: there is a Received field, every one of them was
//     written by a host of ours, and no address in any of them is foreign. A mail
//     from outside always leaves the address it came from in the field that our
//     own host wrote on top of it. Our internal hosts have to be configured for that.
//   - It was sent to a return path of ours that holds a token. The pattern has
//     to demand something that cannot be guessed.
//   - It returns a message whose Message-ID ends in a domain of ours. That is
//     weaker: whoever has received a mail from us has seen one, and the domain
//     alone can be guessed. It keeps out backscatter of forged senders, not an
//     attacker who means us; configure MessageIDDomains for names that nobody else uses.
//
// A report of a message that a log of ours tells of is proved by that, as one refusal ([ByLog]) or
// as a mail that left for the domain that refuses ([ByMessageID]): the store knows, which counts both.
//
// A complaint comes from outside by its nature, so that it is proved in the same ways but
// the first: its feedback loop is registered for an address that holds a token, or it returns
// a message of ours. The address that it names as the source proves nothing: anybody knows it.
func Prove(r Report, ours Ours) Proof {
	if host, ok := ownMTA(r.Trace.Received, ours); ok {
		return Proof{ByOwnMTA, "written by " + host}
	}
	for _, to := range r.Trace.To {
		if ours.returnPath(to) {
			return Proof{ByVERP, "return path of ours"}
		}
	}
	ids := []string{r.Complaint.MessageID}
	for i := range r.Bounces {
		ids = append(ids, r.Bounces[i].MessageID)
	}
	for _, id := range ids {
		if d := DomainOf(id); d != "" && slices.Contains(ours.MessageIDDomains, d) {
			return Proof{ByMessageID, "Message-ID domain " + checks.Line(d, 100)}
		}
	}
	return Proof{}
}

// ownMTA says whether the Received fields show hosts of ours and nothing else,
// and which host wrote the first of them.
func ownMTA(received []string, ours Ours) (string, bool) {
	if len(received) == 0 || len(ours.Hosts) == 0 {
		return "", false
	}
	origin := ""
	for _, line := range received {
		if strings.HasPrefix(line, "(qmail ") {
			continue // it names no host, and stands beside a field that does
		}
		by, ok := receivedBy(line)
		if !ok {
			return "", false
		}
		if _, known := ours.Hosts[by]; !known && !isLoopbackName(by) {
			return "", false
		}
		from, _, _ := strings.Cut(line, " by ")
		seen := 0
		foreign := false
		eachAddr(line, func(a netip.Addr) {
			seen++
			foreign = foreign || !ours.own(a)
		})
		if foreign || strings.HasPrefix(from, "from ") && seen == 0 && !localSubmission(line) {
			return "", false // a hop from a host whose address nobody wrote down
		}
		if !isLoopbackName(by) {
			origin = by
		}
	}
	return origin, origin != ""
}

// localSubmission recognises the ways in which MTAs say, without an address,
// that a mail did not come over the network: Exim's "with local", Sendmail's
// "from localhost (localhost)", OpenSMTPD's "[local]". For a mail from the network each
// of them writes the address, whatever greeting name it was told.
func localSubmission(line string) bool {
	return strings.Contains(line, " with local ") || strings.HasPrefix(line, "from localhost (localhost) ") || strings.Contains(line, "[local])")
}

// receivedBy returns the host that wrote a Received field (RFC 5321 section 4.4).
func receivedBy(line string) (string, bool) {
	rest := line
	if !strings.HasPrefix(line, "by ") {
		i := strings.Index(line, " by ")
		if i < 0 || strings.Count(line, " by ") > 1 && !strings.HasPrefix(line, "(") && ambiguousBy(line) {
			return "", false
		}
		rest = line[i+1:]
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(rest, "by "), " ")
	name = strings.ToLower(strings.Trim(name, "();,."))
	return name, name != ""
}

// ambiguousBy says whether a second " by " stands outside comments: a greeting name
// from outside may hold one, to pass for the host that wrote the field.
func ambiguousBy(line string) bool {
	depth, n := 0, 0
	for i := range len(line) {
		switch line[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ' ':
			if depth == 0 && strings.HasPrefix(line[i:], " by ") {
				n++
			}
		}
	}
	return n != 1
}

func isLoopbackName(name string) bool {
	return name == "localhost" || name == "localhost.localdomain" || name == "localhost.local"
}

// own says whether an address is one of our hosts, watched, or this very machine.
func (o Ours) own(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	if _, ok := o.Targets.Find(checks.Address(a)); ok {
		return true
	}
	for _, h := range o.Hosts {
		if h.IsValid() && h.Unmap() == a {
			return true
		}
	}
	return false
}

// eachAddr yields every address in the text, in brackets or bare.
func eachAddr(line string, yield func(netip.Addr)) {
	for i := 0; i < len(line); i++ {
		c := line[i]
		if !digit(c) && unhex(c) < 0 && c != ':' || i > 0 && (wordByte(line[i-1]) || line[i-1] == '.' || line[i-1] == '-') {
			continue
		}
		a, end := scanAddr(line, i)
		if !a.IsValid() {
			continue
		}
		// "8.17.1.9/8.17.1" is Sendmail's version, not an address.
		if end < len(line) && line[end] == '/' || i > 0 && line[i-1] == '/' {
			continue
		}
		yield(a)
		i = end - 1
	}
}

// Attribute says whose problem a refusal is: at which of our targets it is laid.
// In order: the address that the refusal names, if it is ours; the address that the
// reporting host sends from; the only address there is; the sender's domain, if
// watched; else the receiver, so that it is counted somewhere.
// It sets b.Source where an address was found.
func Attribute(b *Bounce, ours Ours) checks.Target {
	if a := b.Judgement.Address; a.IsValid() {
		if t, ok := ours.Targets.Find(checks.Address(a)); ok {
			b.Source = t.Addr
			return t
		}
	}
	// A refusal of a domain is the domain's, whichever address it left from.
	if b.Judgement.Category == DomainReputation || b.Judgement.Category == AuthFailure {
		for _, name := range []string{b.Judgement.Domain, b.Sender} {
			if t, ok := ours.Domain(name); ok {
				return t
			}
		}
	}
	if b.Source.IsValid() {
		if t, ok := ours.Targets.Find(checks.Address(b.Source)); ok {
			return t
		}
	}
	if a, ok := ours.Hosts[strings.ToLower(b.ReportingHost)]; ok && a.IsValid() {
		if t, ok := ours.Targets.Find(checks.Address(a)); ok {
			b.Source = t.Addr
			return t
		}
	}
	if t, ok := ours.Targets.Only(); ok {
		b.Source = t.Addr
		return t
	}
	if t, ok := ours.Domain(b.Sender); ok {
		return t
	}
	return checks.Receiver(b.Domain)
}

// Sends says whether a mail with a sender of this domain, to this receiving domain, is one of ours
// to somebody else: not one that comes in or goes round, and not one that is only passed on.
func (o Ours) Sends(sender, receiver string) bool {
	if _, in := o.Domain(receiver); in || sender == "" || receiver == "" {
		return false
	}
	_, ours := o.Domain(sender)
	return ours || slices.Contains(o.MessageIDDomains, sender)
}

// Domain returns the watched domain that name is or lies below.
func (o Ours) Domain(name string) (checks.Target, bool) {
	for name != "" {
		if d, err := checks.Domain(name); err == nil {
			if t, ok := o.Targets.Find(d); ok {
				return t, true
			}
		}
		_, rest, ok := strings.Cut(name, ".")
		if !ok || !strings.Contains(rest, ".") {
			break
		}
		name = rest
	}
	return checks.Target{}, false
}

// Accused says which of our targets a complaint is about: the address that it names, else
// the sending domain; false if neither is ours.
func Accused(f Feedback, ours Ours) (checks.Target, bool) {
	if f.Source.IsValid() {
		if t, ok := ours.Targets.Find(checks.Address(f.Source)); ok {
			return t, true
		}
	}
	return ours.Domain(f.Domain)
}
