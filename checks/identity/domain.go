package identity

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"reputed/checks"
	"reputed/probes"
)

// Domain is one domain that mail is sent as, or one of ours that sends none.
type Domain struct {
	Target     checks.Target
	Selectors  []string  // of the DKIM keys that it is signed with; none: the usual names are tried
	ReturnPath string    // domain of MAIL FROM, which SPF is asked about; empty: the domain itself
	Addresses  []Address // those that send as it, each of which SPF has to let pass
	Silent     bool      // it sends no mail, and should say so
	// Implied says that nobody called it a sending domain: it may be the name of a host, of which less is
	// required.
	Implied bool
	// Want is the policy that DMARC should have at least: "none", "quarantine" or "reject"; empty: any.
	Want string
}

// wants is the least policy.
func (d Domain) wants() string {
	if d.Want == "" && d.Silent {
		return "reject"
	}
	return d.Want
}

// MailFrom is the domain that SPF is asked about.
func (d Domain) MailFrom() string { return cmp.Or(d.ReturnPath, d.Target.Name) }

// lookDomains asks what judging these domains needs and can be known beforehand, at once.
func (b *book) lookDomains(all []Domain) {
	var questions []probes.Question
	for _, d := range all {
		name := d.Target.Name
		questions = append(questions, question(name, probes.TypeTXT), question(name, probes.TypeMX), question("_dmarc."+name, probes.TypeTXT))
		if d.Silent {
			continue
		}
		questions = append(questions, question(d.MailFrom(), probes.TypeTXT), question("_mta-sts."+name, probes.TypeTXT), question("_smtp._tls."+name, probes.TypeTXT))
		for _, s := range d.Selectors {
			questions = append(questions, question(selectorName(s, name), probes.TypeTXT))
		}
	}
	b.look(questions...)
}

// domain judges one domain.
func (c *Check) domain(b *book, d Domain) []Item {
	f := b.findDMARC(d.Target)
	if d.Silent {
		return slices.Concat([]Item{b.silentSPF(d), b.dmarc(d, f)}, b.reports(d, f), []Item{b.silentMX(d)})
	}
	if d.Implied && b.isHost(d.Target) {
		return []Item{hostSPF(b, d)}
	}
	keys, signed, known := b.dkim(d)
	audit := b.audit(d.MailFrom())
	senders, passes := b.authorised(d, audit)
	items := append(b.spf(d, audit, signed), keys...)
	items = append(items, b.dmarc(d, f))
	items = append(items, b.reports(d, f)...)
	items = append(items, b.aligned(d, f, audit, passes, signed, known), b.mx(d), c.mailboxes(b.ctx, d), c.mtaSTS(b, d), b.tlsRPT(d))
	return append(items, senders...)
}

// isHost says whether a name is that of a server, and of no mail domain: it lies under somebody's domain, has
// an address, and neither MX nor SPF nor DMARC.
func (b *book) isHost(t checks.Target) bool {
	if org := t.Organisational(); org == "" || org == t.Name {
		return false
	}
	b.look(question(t.Name, probes.TypeA), question(t.Name, probes.TypeAAAA))
	for _, name := range []string{t.Name, "_dmarc." + t.Name} {
		if s := b.get(name, probes.TypeTXT); s.err != nil || len(s.txt(IsSPF))+len(s.txt(begins("DMARC1"))) > 0 {
			return false
		}
	}
	if s := b.get(t.Name, probes.TypeMX); s.err != nil || len(s.Records) > 0 {
		return false
	}
	return len(b.get(t.Name, probes.TypeA).Records)+len(b.get(t.Name, probes.TypeAAAA).Records) > 0
}

// hostSPF is what there is to say of the name of a server: its own bounces have an empty MAIL FROM,
// and SPF is asked about the name in HELO then (RFC 7208 sections 2.3 and 2.4).
func hostSPF(b *book, d Domain) Item {
	return Item{Target: d.Target, Rule: RuleSPF, State: Advice, Evidence: []checks.Evidence{b.evidence(d.Target.Name, probes.TypeTXT)},
		Text: "is the name of a server, it seems, and has no SPF record of its own, which its bounces are judged by",
		Fix:  Fix{"Publish this record:", d.Target.Name + `. TXT "v=spf1 a -all"`}}
}

// silentSPF judges the SPF record of a domain that sends no mail.
func (b *book) silentSPF(d Domain) Item {
	a := b.audit(d.Target.Name)
	i := Item{Target: d.Target, Rule: RuleSPF, Value: a.Text, Evidence: []checks.Evidence{b.spfEvidence(d.Target.Name, a)}}
	terms, err := ParseSPF(a.Text)
	switch {
	case a.Unknown.err != nil:
		i.State, i.Text = Unknown, "not known: "+a.Unknown.why()
	case err == nil && len(terms) == 1 && terms[0].Kind == All && terms[0].Qualifier == Fail:
		i.State, i.Text = Good, "says that nobody sends as it"
	default:
		i.State, i.Severity, i.Code = Bad, checks.Minor, checks.CodeSPF
		i.Text = "sends no mail, and its SPF record does not say so; others can send as it"
		i.Fix = Fix{"Publish this record in place of what there is:", d.Target.Name + `. TXT "v=spf1 -all"`}
	}
	return i
}

// silentMX judges the MX record of a domain that sends no mail: it should not take any (RFC 7505).
func (b *book) silentMX(d Domain) Item {
	s := b.get(d.Target.Name, probes.TypeMX)
	i := Item{Target: d.Target, Rule: RuleMX, Value: s.Answer.String(), Evidence: []checks.Evidence{b.evidence(d.Target.Name, probes.TypeMX)}}
	switch {
	case s.err != nil:
		i.Value, i.State, i.Text = "", Unknown, "not known: "+s.why()
	case s.NullMX():
		i.State, i.Text = Good, "says that it takes no mail"
	case len(s.Records) == 0:
		i.State, i.Text, i.Fix = Advice, "sends no mail, and does not say that it takes none", Fix{"Publish this record:", d.Target.Name + ". MX 0 ."}
	default:
		i.State, i.Text = Good, "takes mail, and sends none"
	}
	return i
}

// mx judges whether bounces and replies have somewhere to go.
func (b *book) mx(d Domain) Item {
	name := d.Target.Name
	s := b.get(name, probes.TypeMX)
	i := Item{Target: d.Target, Rule: RuleMX, Evidence: []checks.Evidence{b.evidence(name, probes.TypeMX)}}
	bad := func(severity checks.Severity, text string, fix Fix) Item {
		i.State, i.Severity, i.Code, i.Text, i.Fix = Bad, severity, checks.CodeMX, text, fix
		return i
	}
	publish := Fix{"Publish MX records that name the servers which take its mail:", name + ". MX 10 <name of your mail server>."}
	switch {
	case s.err != nil:
		i.State, i.Text = Unknown, "not known: "+s.why()
		return i
	case s.NullMX(): // RFC 7505 section 4.2
		return bad(checks.Minor, "says that it takes no mail (null MX), and sends some; receivers may refuse what cannot be answered", publish)
	case len(s.Records) == 0:
		return b.withoutMX(i, bad, publish)
	case len(s.MX()) == 0:
		return bad(checks.Major, "none of its MX records names a server", publish)
	}
	good, gone, silent := b.haveAddresses(s.MX())
	i.Value = strings.Join(slices.Concat(good, gone), ", ")
	for _, x := range s.MX() {
		if _, err := netip.ParseAddr(x.Host); err == nil {
			i.Value = ""
			return bad(checks.Minor, fmt.Sprintf("its MX record holds the address %s in place of a name; many senders cannot use that", x.Host), publish)
		}
	}
	switch {
	case len(gone) > 0 && len(good) == 0 && silent.err == nil:
		return bad(checks.Major, "none of its mail exchangers has an address: "+strings.Join(gone, ", "), Fix{Do: "Give them addresses, or correct the MX records."})
	case len(gone) > 0:
		return bad(checks.Minor, "its mail exchanger "+gone[0]+" has no address", Fix{Do: "Give it an address, or remove it from the MX records."})
	case len(good) == 0:
		i.State, i.Text = Unknown, "not known whether its mail exchangers have addresses: "+silent.why()
		return i
	}
	i.State, i.Text = Good, "goes to "+some(good, 4)
	return i
}

// withoutMX judges a domain without MX records, whose own address stands in for one (RFC 5321 section 5.1).
func (b *book) withoutMX(i Item, bad func(checks.Severity, string, Fix) Item, publish Fix) Item {
	name := i.Target.Name
	b.look(question(name, probes.TypeA), question(name, probes.TypeAAAA))
	a, aaaa := b.get(name, probes.TypeA), b.get(name, probes.TypeAAAA)
	switch {
	case len(a.Records)+len(aaaa.Records) > 0:
		i.State, i.Text, i.Fix = Advice, "has no MX record; its own address takes its mail, if anything does", publish
		return i
	case a.err != nil || aaaa.err != nil:
		i.State, i.Text = Unknown, "has no MX record, and whether it has an address is not known"
		return i
	}
	return bad(checks.Major, "has neither MX nor address; receivers refuse sender domains that they cannot answer, and no bounce comes back", publish)
}

// haveAddresses divides mail exchangers into those with an address and those without; silent is one of
// which neither is known, if its err is set.
func (b *book) haveAddresses(all []probes.MX) (good, gone []string, silent said) {
	var questions []probes.Question
	for _, x := range all {
		questions = append(questions, question(x.Host, probes.TypeA), question(x.Host, probes.TypeAAAA))
	}
	b.look(questions...)
	for _, x := range all {
		a, aaaa := b.get(x.Host, probes.TypeA), b.get(x.Host, probes.TypeAAAA)
		switch {
		case len(a.Records)+len(aaaa.Records) > 0:
			good = append(good, x.Host)
		case a.err != nil && !errors.Is(a.err, probes.ErrName):
			silent = a
		case aaaa.err != nil && !errors.Is(aaaa.err, probes.ErrName):
			silent = aaaa
		default:
			gone = append(gone, x.Host)
		}
	}
	return good, gone, silent
}

// some are the first few of names.
func some(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// aligned judges whether DMARC can pass (RFC 7489 section 3.1): whether SPF passes for a domain
// that goes with the one in From, or a key of it is there to sign with.
func (b *book) aligned(d Domain, f found, a Audit, passes int, signed, known bool) Item {
	i := Item{Target: d.Target, Rule: RuleAlignment, Evidence: []checks.Evidence{b.spfEvidence(d.MailFrom(), a)}}
	if f.at != "" {
		i.Evidence = append(i.Evidence, b.evidence("_dmarc."+f.at, probes.TypeTXT))
	}
	for _, s := range d.Selectors {
		i.Evidence = append(i.Evidence, b.evidence(selectorName(s, d.Target.Name), probes.TypeTXT))
	}
	if f.unknown.err != nil || a.Unknown.err != nil {
		i.State, i.Text = Unknown, "not known, as what is published is not"
		return i
	}
	from, path := d.Target, checks.Target{Kind: checks.KindDomain, Name: d.MailFrom()}
	bySPF := path.Name == from.Name || !f.policy.StrictSPF && from.Organisational() != "" && path.Organisational() == from.Organisational()
	usable := a.Text != "" && len(a.Broken) == 0
	switch {
	case bySPF && usable && passes > 0 && signed:
		i.State, i.Text = Good, fmt.Sprintf("by SPF if the return path is at %s, by DKIM if d=%s", path.Name, from.Name)
	case bySPF && usable && passes > 0:
		i.State, i.Text = Advice, fmt.Sprintf("by SPF alone, if the return path is at %s; forwarded mail fails then", path.Name)
		i.Fix = Fix{Do: "Sign with DKIM with d=" + from.Name + " too, and write the selector to [[identity.sender]]."}
	case signed && len(d.Addresses) == 0:
		i.State, i.Text = Good, fmt.Sprintf("by DKIM, if d=%s", from.Name)
	case signed:
		i.State, i.Text = Advice, fmt.Sprintf("by DKIM alone, if d=%s", from.Name)
		if !bySPF {
			i.Text += "; the return path is at " + path.Name + ", which does not go with it"
		}
	case !known || len(d.Addresses) == 0:
		i.State, i.Text = Unchecked, "not known: it hangs on the addresses that send and on the keys that sign, and neither is known"
	default:
		i.State, i.Severity, i.Code = Bad, checks.Minor, checks.CodeAlignment
		if p := f.applies(from.Name); p == "quarantine" || p == "reject" {
			i.Severity = checks.Major
		}
		i.Text = "neither SPF nor DKIM can pass for it, so that DMARC fails for all of its mail"
		i.Fix = Fix{Do: "Publish a key to sign with, or have the return path at a domain with the same organisation, whose SPF record names the addresses."}
	}
	return i
}
