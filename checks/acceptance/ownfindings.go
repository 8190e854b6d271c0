package acceptance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"reputed/checks"
	"reputed/probes"
)

// When a certificate that ends is told: so early that a renewal that did not happen is seen, and again when it
// is urgent.
const (
	certificateSoon   = 21 * 24 * time.Hour
	certificateUrgent = 7 * 24 * time.Hour
)

// Sources of findings about a server of ours: [checks.Key].Source.
const (
	ownPort        = "port"
	ownStartTLS    = "starttls"
	ownCertificate = "certificate"
	ownRelay       = "relay"
	ownMailbox     = "mailbox"
)

// Findings are what a look at a server of ours came to: one for each thing that was looked for, those that are well
// among them. What could not be seen is unknown. It is pure.
func (v OwnVisit) Findings(now time.Time) []checks.Finding {
	if v.Trouble != "" || len(v.Visits) == 0 {
		return v.unseen(now, v.Trouble)
	}
	first := v.Visits[0]
	if errors.Is(first.Err, probes.ErrNotOurs) || errors.Is(first.Err, probes.ErrProxy) || errors.Is(first.Err, context.Canceled) {
		return v.unseen(now, first.Err.Error())
	}
	reached := !Unreached(first)
	port := v.finding(ownPort, now)
	switch {
	case v.Server.Closed && reached:
		port.problem(checks.CodePortOpen, checks.Major, "%s is reached, and the world must not reach it", v.Server.Name())
	case v.Server.Closed:
		port.Summary = v.Server.Name() + " is not reached, as it should be"
	case reached:
		port.Summary = v.Server.Name() + " is reached"
	default:
		port.problem(checks.CodePortClosed, checks.Major, "%s is not reached: %v", v.Server.Name(), errors.Unwrap(first.Err)) // the server is named already
	}
	port.Evidence = []checks.Evidence{visited("connect to "+first.Door.String(), first, answerOf(first))}
	out := []checks.Finding{port.Finding}
	if v.Server.Closed {
		return out
	}
	if first.Greeting.Code != 220 || !first.EHLO.Positive() { // it does not want to talk to us: nothing is known of the rest
		return append(out, v.unseen(now, "it does not let us in: "+answerOf(first))[1:]...)
	}
	if v.Server.StartTLS {
		out = append(out, v.secure(first, now)...)
	}
	if v.Server.Postmaster && len(v.Server.Domains) > 0 {
		out = append(out, v.roles(first, now))
	}
	if v.Server.Relay {
		out = append(out, v.relayed(now))
	}
	return out
}

// draft is a finding while it is written.
type draft struct{ checks.Finding }

func (v OwnVisit) finding(source string, now time.Time) draft {
	t := v.Server.target()
	remote := v.Server.Host
	if v.Server.Port != 0 {
		remote = fmt.Sprintf("%s:%d", remote, v.Server.Port)
	}
	f := checks.Finding{Key: checks.Key{Check: OwnCheck, Target: t.ID(), Source: source}, Target: t, Status: checks.OK, Code: checks.CodeOwnWell, At: now.UTC(),
		Facts: map[string]string{checks.FactRemote: remote}}
	if v.Server.Port != smtpPort && v.Server.Port != 0 {
		f.Key.Source = fmt.Sprintf("%s:%d", source, v.Server.Port) // two servers of one host are two
	}
	return draft{f}
}

func (d *draft) problem(code checks.Code, s checks.Severity, format string, args ...any) {
	d.Status, d.Code, d.Severity = checks.Problem, code, s
	d.Summary = checks.Line(fmt.Sprintf(format, args...), 300)
}

func (d *draft) unknown(format string, args ...any) {
	d.Status, d.Code = checks.Unknown, checks.CodeOwnUnknown
	d.Summary = checks.Line(fmt.Sprintf(format, args...), 300)
}

// unseen are findings that nothing is known of anything that was to be looked for.
func (v OwnVisit) unseen(now time.Time, why string) (out []checks.Finding) {
	sources := []string{ownPort}
	if !v.Server.Closed {
		if v.Server.StartTLS {
			sources = append(sources, ownStartTLS, ownCertificate)
		}
		if v.Server.Postmaster && len(v.Server.Domains) > 0 {
			sources = append(sources, ownMailbox)
		}
		if v.Server.Relay {
			sources = append(sources, ownRelay)
		}
	}
	for _, source := range sources {
		f := v.finding(source, now)
		f.unknown("nothing is known of %s (%s): %s", v.Server.Name(), source, why)
		out = append(out, f.Finding)
	}
	return out
}

// visited is one conversation as evidence.
func visited(question string, v probes.Visit, answer string) checks.Evidence {
	via := "SMTP"
	if v.From.IsValid() {
		via += " from " + v.From.String()
	}
	return checks.Evidence{Question: checks.Line(question, 300), Answer: checks.Line(answer, 500), Reason: transcript(v), Via: via, At: v.Began.UTC()}
}

func answerOf(v probes.Visit) string {
	switch {
	case v.Greeting.Code != 0:
		return v.Greeting.String()
	case v.Err != nil:
		return v.Err.Error()
	}
	return "connected"
}

// secure judges STARTTLS and the certificate. Their limits are for people who run a server: what mail needs is
// in RFC 3207 and RFC 8461.
func (v OwnVisit) secure(first probes.Visit, now time.Time) []checks.Finding {
	offer, cert := v.finding(ownStartTLS, now), v.finding(ownCertificate, now)
	answer := first.EHLO.String()
	if first.StartTLS.Code != 0 { // what is offered inside TLS is another thing (RFC 3207 section 4.2)
		answer = first.StartTLS.String()
	}
	offer.Evidence = []checks.Evidence{visited("EHLO and STARTTLS at "+first.Door.String(), first, answer)}
	offer.Summary = v.Server.Name() + " offers STARTTLS"
	switch {
	case first.StartTLS.Code == 0 && !first.Offer("STARTTLS"):
		offer.problem(checks.CodeNoStartTLS, checks.Major, "%s offers no STARTTLS: mail comes in the clear, or not at all", v.Server.Name())
	case first.StartTLS.Code/100 == 4: // 454: for a while (RFC 3207 section 4)
		offer.unknown("STARTTLS of %s is not to be had now: %s", v.Server.Name(), first.StartTLS)
	case first.StartTLS.Code/100 == 5:
		offer.problem(checks.CodeNoStartTLS, checks.Major, "%s offers STARTTLS and refuses it: %s", v.Server.Name(), first.StartTLS)
	case first.TLS == nil:
		offer.unknown("STARTTLS of %s was not seen: %v", v.Server.Name(), first.Err)
	case first.TLS.Version == "":
		offer.problem(checks.CodeNoStartTLS, checks.Major, "STARTTLS of %s fails: %v", v.Server.Name(), first.TLS.Trust)
	}
	if first.TLS == nil || len(first.TLS.Chain) == 0 {
		cert.unknown("no certificate of %s was seen", v.Server.Name())
		return []checks.Finding{offer.Finding, cert.Finding}
	}
	own := first.TLS.Chain[0]
	ends := own.NotAfter.UTC().Format("2006-01-02 15:04 MST")
	cert.Facts[checks.FactExpires] = "ends " + ends
	answer = fmt.Sprintf("%s, %s, for %s, from %s to %s, by %s, SHA-256 %s", first.TLS.Version, own.Subject, strings.Join(own.Names, " "), own.NotBefore.UTC().Format(time.DateOnly), ends, own.Issuer, own.SHA256)
	cert.Evidence = []checks.Evidence{visited("certificate of "+first.Door.String(), first, answer)}
	left := own.NotAfter.Sub(now)
	cert.Summary = fmt.Sprintf("the certificate of %s ends %s", v.Server.Name(), ends)
	switch {
	case left <= 0:
		cert.problem(checks.CodeCertificate, checks.Major, "the certificate of %s ended %s", v.Server.Name(), ends)
	case now.Before(own.NotBefore):
		cert.problem(checks.CodeCertificate, checks.Major, "the certificate of %s begins only %s", v.Server.Name(), own.NotBefore.UTC().Format("2006-01-02 15:04 MST"))
	case first.TLS.Trust != nil:
		// Most senders deliver all the same; those that follow MTA-STS do not.
		cert.problem(checks.CodeCertificate, checks.Minor, "the certificate of %s is not to be trusted: %v", v.Server.Name(), first.TLS.Trust)
	case left < certificateUrgent:
		cert.problem(checks.CodeCertificate, checks.Major, "the certificate of %s ends in %s, %s", v.Server.Name(), days(left), ends)
	case left < certificateSoon:
		cert.problem(checks.CodeCertificate, checks.Minor, "the certificate of %s ends in %s, %s", v.Server.Name(), days(left), ends)
	}
	return []checks.Finding{offer.Finding, cert.Finding}
}

func days(d time.Duration) string {
	if n := int(d / (24 * time.Hour)); n > 0 {
		return checks.Plural(n, "day")
	}
	return checks.Plural(max(int(d/time.Hour), 1), "hour")
}

// roles judges postmaster@ (RFC 5321 section 4.5.1) and abuse@ (RFC 2142 section 4).
func (v OwnVisit) roles(first probes.Visit, now time.Time) checks.Finding {
	f := v.finding(ownMailbox, now)
	var no, open []string
	for _, r := range v.Roles {
		switch {
		case r.Reply.Code/100 == 5:
			no = append(no, r.Address+" ("+checks.Line(r.Reply.String(), 120)+")")
		case !r.Reply.Positive(): // greylisting, a fault: it may take it the next time
			open = append(open, r.Address)
		}
	}
	f.Summary = v.Server.Name() + " takes mail to postmaster and abuse"
	switch asked := 2 * len(v.Server.Domains); {
	case len(no) > 0:
		f.problem(checks.CodeNoRole, checks.Minor, "%s refuses mail to %s", v.Server.Name(), strings.Join(no, ", "))
	case len(open) > 0 || len(v.Roles) < asked:
		f.unknown("%s gave no clear answer about postmaster and abuse", v.Server.Name())
	}
	f.Evidence = []checks.Evidence{visited("RCPT TO postmaster and abuse at "+first.Door.String(), first, first.Last().String())}
	return f.Finding
}

// relayed judges what a server said to strangers.
func (v OwnVisit) relayed(now time.Time) checks.Finding {
	f := v.finding(ownRelay, now)
	var taken, open []string
	anything := 0 // forms that are taken where every mailbox is
	for _, t := range v.Forms {
		switch {
		case t.Taken && t.Proves:
			taken = append(taken, t.Form.Name)
			f.Evidence = append(f.Evidence, checks.Evidence{Question: checks.Line(fmt.Sprintf("MAIL FROM:<%s> RCPT TO:<%s> at %s", t.Form.Sender, t.Form.Recipient, v.Server.Name()), 300),
				Answer: t.Reply, Reason: t.Form.Name, Via: v.cameFrom(), At: v.Visits[len(v.Visits)-1].Began.UTC()})
		case t.Taken:
			anything++
		case !t.Proves:
			open = append(open, t.Form.Name)
		}
	}
	f.Evidence = f.Evidence[:min(len(f.Evidence), maxEvidence)]
	if f.Summary = v.Server.Name() + " relays for no stranger"; anything > 0 {
		f.Summary += fmt.Sprintf("; %s say nothing, since it takes every mailbox of its domains before it looks", checks.Plural(anything, "form"))
	}
	switch {
	case len(taken) > 0:
		f.problem(checks.CodeOpenRelay, checks.Critical, "%s takes mail of strangers for strangers (%s)", v.Server.Name(), names(taken, "forms"))
		f.Facts[checks.FactForm] = checks.Line(taken[0], 100)
	case len(open) > 0:
		f.unknown("%s gave no clear answer to %s (%s)", v.Server.Name(), checks.Plural(len(open), "form"), names(open, "forms"))
	}
	return f.Finding
}

// cameFrom is where the server saw us come from: an address that it trusts makes the answer worthless.
func (v OwnVisit) cameFrom() string {
	for _, x := range v.Visits {
		if x.From.IsValid() {
			return "SMTP from " + x.From.String()
		}
	}
	return "SMTP"
}
