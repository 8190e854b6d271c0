package identity

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"reputed/checks"
	"reputed/probes"
)

// Policy is a DMARC record (RFC 7489 section 6.3, RFC 9989).
type Policy struct {
	P, SP, NP       string   // "none", "quarantine", "reject"; SP and NP are P where they are left out
	StrictDKIM      bool     // adkim=s: d= must be the domain in From, and not one with the same organisation
	StrictSPF       bool     // aspf=s
	Pct             int      // 0 to 100; 100 where it is left out
	Testing         bool     // t=y: receivers take the next milder policy
	Aggregate       []string // rua, as written
	Failure         []string // ruf
	Assumed         bool     // p= was no policy, and is taken for none since there is an rua (section 6.6.3)
	UnknownOrBroken []string // what receivers pass over
}

// ErrDMARC says that a text is no DMARC record that receivers accept. Trying again does not help
// until somebody mends it.
var ErrDMARC = errors.New("broken DMARC record")

// ParseDMARC reads a DMARC record. The error wraps [ErrDMARC] and says what is wrong. Tags that
// nobody defined, and values of others than p that cannot be, are passed over as receivers do
// (RFC 7489 section 6.3), and kept in UnknownOrBroken.
func ParseDMARC(text string) (Policy, error) {
	tags, err := parseTags(text)
	if err != nil {
		return Policy{}, fmt.Errorf("%w: %w", ErrDMARC, err)
	}
	if tags[0].name != "v" || tags[0].value != "DMARC1" {
		return Policy{}, fmt.Errorf("%w: it does not begin with v=DMARC1", ErrDMARC)
	}
	p := Policy{Pct: 100}
	given := ""
	for _, t := range tags[1:] {
		if t.name == "p" {
			given = t.value
		}
		if !p.tag(t) {
			p.UnknownOrBroken = append(p.UnknownOrBroken, checks.Line(t.name+"="+t.value, 60))
		}
	}
	switch {
	case p.P == "" && len(p.Aggregate) > 0:
		p.P, p.Assumed = "none", true
	case p.P == "" && given == "":
		return Policy{}, fmt.Errorf("%w: there is no p=", ErrDMARC)
	case p.P == "":
		return Policy{}, fmt.Errorf("%w: p=%s is no policy", ErrDMARC, checks.Line(given, 30))
	}
	p.SP = cmp.Or(p.SP, p.P)
	p.NP = cmp.Or(p.NP, p.SP)
	return p, nil
}

// tag takes one tag behind v= (RFC 7489 section 6.3; np, t and psd: RFC 9989, which drops pct, rf and ri).
// False: it is unknown, or its value cannot be, and receivers pass over it.
func (p *Policy) tag(t tag) bool {
	value := strings.ToLower(t.value)
	policy := value == "none" || value == "quarantine" || value == "reject"
	mode := value == "r" || value == "s"
	switch t.name {
	case "p":
		if policy {
			p.P = value
		}
		return true // the whole record hangs on it, and is judged by it
	case "sp":
		if policy {
			p.SP = value
		}
		return policy
	case "np":
		if policy {
			p.NP = value
		}
		return policy
	case "adkim":
		p.StrictDKIM = value == "s"
		return mode
	case "aspf":
		p.StrictSPF = value == "s"
		return mode
	case "pct":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > 100 {
			return false
		}
		p.Pct = n
	case "t":
		p.Testing = value == "y"
	case "rua":
		p.Aggregate = commas(t.value)
	case "ruf":
		p.Failure = commas(t.value)
	case "fo", "rf", "ri", "psd":
	default:
		return false
	}
	return true
}

func commas(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// reportDomain is the domain that a report address is at (RFC 7489 section 6.2); a mistake in the address is the error.
// Only mailto is used by receivers.
func reportDomain(uri string) (string, error) {
	bare := uri
	if i := strings.LastIndexByte(uri, '!'); i >= 0 { // a limit of size
		bare = uri[:i]
		size := strings.TrimRight(strings.ToLower(uri[i+1:]), "kmgt")
		if _, err := strconv.ParseUint(size, 10, 32); err != nil {
			return "", errors.New("what stands behind the exclamation mark is no size")
		}
	}
	u, err := url.Parse(bare)
	if err != nil || !strings.EqualFold(u.Scheme, "mailto") {
		return "", errors.New("it must begin with \"mailto:\"")
	}
	_, domain, ok := strings.Cut(u.Opaque, "@")
	d, err := checks.Domain(domain)
	if !ok || err != nil {
		return "", errors.New("it is no mail address")
	}
	return d.Name, nil
}

// found is the DMARC record that holds for a domain.
type found struct {
	at      string // the domain that it is published for: the domain itself, or its organisational one
	texts   []string
	policy  Policy
	err     error // of reading it
	unknown said  // with an error: it is not known what is published
}

// findDMARC looks for the record of a domain, and where it has none for that of its organisation
// (RFC 7489 section 6.6.3).
//
// The public suffix list says what the organisation is, as RFC 7489 has it and most receivers still do.
// RFC 9989 has them walk up the DNS tree instead: the organisation is where a record says psd=n, one
// label below one that says psd=y, or else the highest domain that has a record. The two differ where a
// suffix that the list does not know publishes psd=y, where a domain in between says psd=n, and
// where only a domain in between has a record; that is not seen here.
func (b *book) findDMARC(t checks.Target) found {
	var f found
	names := []string{t.Name}
	if org := t.Organisational(); org != "" && org != t.Name {
		names = append(names, org)
	}
	for _, name := range names {
		s := b.get("_dmarc."+name, probes.TypeTXT)
		if s.err != nil && !errors.Is(s.err, probes.ErrName) {
			return found{at: name, unknown: s}
		}
		f.at, f.texts = name, s.txt(begins("DMARC1"))
		if len(f.texts) > 0 {
			break
		}
	}
	if len(f.texts) == 1 {
		f.policy, f.err = ParseDMARC(f.texts[0])
	}
	return f
}

// applies is the policy that holds for the domain: sp where the record is that of its organisation.
func (f found) applies(domain string) string {
	if f.at != domain {
		return f.policy.SP
	}
	return f.policy.P
}

// dmarc judges the DMARC record.
func (b *book) dmarc(d Domain, f found) Item {
	name := d.Target.Name
	i := Item{Target: d.Target, Rule: RuleDMARC}
	for _, at := range []string{name, f.at} {
		if at == name && at == f.at && len(i.Evidence) > 0 {
			break
		}
		if _, asked := b.answers[question("_dmarc."+at, probes.TypeTXT)]; asked {
			i.Evidence = append(i.Evidence, b.evidence("_dmarc."+at, probes.TypeTXT))
		}
	}
	org := cmp.Or(d.Target.Organisational(), name)
	start := fmt.Sprintf(`_dmarc.%s. TXT "v=DMARC1; p=none; rua=mailto:postmaster@%s"`, org, org)
	bad := func(text string, fix Fix) Item {
		i.State, i.Severity, i.Code, i.Text, i.Fix = Bad, checks.Minor, checks.CodeDMARC, text, fix
		return i
	}
	switch {
	case f.unknown.err != nil:
		i.State, i.Text = Unknown, "not known: "+f.unknown.why()
		return i
	case len(f.texts) == 0:
		return bad("there is no DMARC record; Google, Yahoo and Microsoft want one of whoever sends much", Fix{"Publish this record, and read the reports that come for some weeks before you ask for more:", start})
	case len(f.texts) > 1: // section 6.6.3: then there is none
		return bad(fmt.Sprintf("there are %d DMARC records at _dmarc.%s, and receivers then use none", len(f.texts), f.at), Fix{Do: "Remove all but one."})
	case f.err != nil:
		i.Value = f.texts[0]
		return bad("the DMARC record cannot be read, and receivers then use none: "+strings.TrimPrefix(f.err.Error(), ErrDMARC.Error()+": "), Fix{"Publish this in its place:", start})
	}
	p, policy := f.policy, f.applies(name)
	i.Value = f.texts[0]
	where := ""
	if f.at != name {
		where = ", from " + f.at
	}
	said := "p=" + policy + where
	if want := d.wants(); rank(policy) < rank(want) {
		mended := fmt.Sprintf(`_dmarc.%s. TXT "v=DMARC1; p=%s; rua=mailto:postmaster@%s"`, name, want, org)
		return bad(fmt.Sprintf("%s, and configuration wants %s", said, want), Fix{"Publish this policy, with the addresses for reports that you have now:", mended})
	}
	switch {
	case p.Assumed:
		return bad("p= is missing or no policy; receivers take it for none, or use no record at all", Fix{"Publish this in its place:", start})
	case len(p.UnknownOrBroken) > 0:
		i.State, i.Text = Advice, said+"; receivers pass over "+strings.Join(p.UnknownOrBroken, ", ")
		i.Fix = Fix{Do: "Correct or remove that part of the record."}
	case len(p.Aggregate) == 0:
		i.State, i.Text = Advice, said+"; it asks for no reports, which tell who sends as you and what fails"
		i.Fix = Fix{Do: "Add rua=mailto: and an address that somebody or something reads."}
	case policy == "none":
		i.State, i.Text = Advice, said+": watching only; whoever forges the domain is not hindered"
		i.Fix = Fix{Do: "Once the reports show that all of your own mail passes, ask for p=quarantine, then p=reject."}
	case p.Pct < 100 || p.Testing:
		i.State, i.Text = Advice, said+", for a part of the mail only"
		i.Fix = Fix{Do: "Remove pct= and t= once the reports are clean."}
	default:
		i.State, i.Text = Good, said
	}
	return i
}

func rank(policy string) int { return slices.Index([]string{"none", "quarantine", "reject"}, policy) }

// reports judges where reports go: addresses that are none, and domains that have not agreed
// (RFC 7489 section 7.1).
func (b *book) reports(d Domain, f found) []Item {
	if len(f.texts) != 1 || f.err != nil || len(f.policy.Aggregate)+len(f.policy.Failure) == 0 {
		return nil
	}
	i := Item{Target: d.Target, Rule: RuleReports, State: Good, Value: strings.Join(f.policy.Aggregate, ", "),
		Evidence: []checks.Evidence{b.evidence("_dmarc."+f.at, probes.TypeTXT, f.texts...)}}
	at, _ := checks.Domain(f.at)
	bad := func(text string, fix Fix) []Item {
		i.State, i.Severity, i.Code, i.Text, i.Fix = Bad, checks.Informational, checks.CodeDMARCReports, text, fix
		return []Item{i}
	}
	var agreed []string
	for _, uri := range slices.Concat(f.policy.Aggregate, f.policy.Failure) {
		domain, err := reportDomain(uri)
		if err != nil {
			return bad(fmt.Sprintf("no reports go to %q: %v", checks.Line(uri, 60), err), Fix{Do: "Correct that address in the record; it is written mailto:name@example.org."})
		}
		to, _ := checks.Domain(domain)
		if cmp.Or(to.Organisational(), domain) == cmp.Or(at.Organisational(), f.at) || slices.Contains(agreed, domain) {
			continue
		}
		name := f.at + "._report._dmarc." + domain
		s := b.get(name, probes.TypeTXT)
		i.Evidence = append(i.Evidence, b.evidence(name, probes.TypeTXT))
		switch {
		case s.err != nil && !errors.Is(s.err, probes.ErrName):
			i.State, i.Text = Unknown, "not known whether "+domain+" takes reports: "+s.why()
			return []Item{i}
		case len(s.txt(begins("DMARC1"))) == 0:
			return bad(fmt.Sprintf("%s has not agreed to take reports about %s, so that receivers send none", domain, f.at),
				Fix{"Ask whoever runs " + domain + " to publish this record, or have reports sent to an address of your own:", name + `. TXT "v=DMARC1"`})
		}
		agreed = append(agreed, domain)
	}
	i.Text = "go to " + strings.Join(f.policy.Aggregate, ", ")
	if len(f.policy.Aggregate) == 0 {
		i.Text = "go to " + strings.Join(f.policy.Failure, ", ")
	}
	if len(agreed) > 0 {
		i.Text += ", and " + strings.Join(agreed, ", ") + " takes them"
	}
	return []Item{i}
}
