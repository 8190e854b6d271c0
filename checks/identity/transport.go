package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"reputed/checks"
	"reputed/probes"
)

// STSPolicy is a policy of MTA-STS (RFC 8461 section 3.2).
type STSPolicy struct {
	Mode   string   // "enforce", "testing", "none"
	MX     []string // names, or "*." and a name
	MaxAge time.Duration
}

// ErrSTS says that a text is no MTA-STS record or policy. Trying again does not help until somebody mends it.
var ErrSTS = errors.New("not usable for MTA-STS")

// ParseSTSRecord gives the id of an MTA-STS record (RFC 8461 section 3.1).
func ParseSTSRecord(text string) (id string, err error) {
	tags, err := parseTags(text)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSTS, err)
	}
	if tags[0].name != "v" || tags[0].value != "STSv1" {
		return "", fmt.Errorf("%w: it does not begin with v=STSv1", ErrSTS)
	}
	for _, t := range tags[1:] {
		if t.name != "id" {
			continue
		}
		if len(t.value) < 1 || len(t.value) > 32 || strings.Trim(t.value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			return "", fmt.Errorf("%w: id= must be 1 to 32 letters and digits", ErrSTS)
		}
		return t.value, nil
	}
	return "", fmt.Errorf("%w: there is no id=", ErrSTS)
}

// ParseSTSPolicy reads a policy file (RFC 8461 section 3.2): the first of equal keys counts, mx
// excepted, and keys that nobody defined are passed over.
func ParseSTSPolicy(text string) (STSPolicy, error) {
	var p STSPolicy
	bad := func(format string, args ...any) (STSPolicy, error) {
		return STSPolicy{}, fmt.Errorf("%w: %s", ErrSTS, fmt.Sprintf(format, args...))
	}
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.Trim(line, " \t\r\n")
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return bad("the line %q has no colon", checks.Line(line, 60))
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if seen[key] && key != "mx" {
			continue
		}
		seen[key] = true
		switch key {
		case "version":
			if value != "STSv1" {
				return bad("version is %q, and must be STSv1", checks.Line(value, 30))
			}
		case "mode":
			if value != "enforce" && value != "testing" && value != "none" {
				return bad("mode is %q, and must be enforce, testing or none", checks.Line(value, 30))
			}
			p.Mode = value
		case "max_age":
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil || n > 31557600 { // a year
				return bad("max_age must be a number of seconds, of at most a year")
			}
			p.MaxAge = time.Duration(n) * time.Second
		case "mx":
			d, err := checks.Domain(strings.TrimPrefix(value, "*."))
			if err != nil {
				return bad("mx %q is no name", checks.Line(value, 60))
			}
			name := d.Name
			if strings.HasPrefix(value, "*.") {
				name = "*." + name
			}
			p.MX = append(p.MX, name)
		}
	}
	switch {
	case !seen["version"]:
		return bad("there is no version")
	case p.Mode == "":
		return bad("there is no mode")
	case !seen["max_age"]:
		return bad("there is no max_age")
	case p.Mode != "none" && len(p.MX) == 0:
		return bad("there is no mx")
	}
	return p, nil
}

// Allows says whether the policy names a mail exchanger (RFC 8461 section 4.1): a wildcard stands for one label.
func (p STSPolicy) Allows(mx string) bool {
	_, parent, _ := strings.Cut(mx, ".")
	return slices.Contains(p.MX, mx) || slices.Contains(p.MX, "*."+parent)
}

// mtaSTS judges what keeps others from sending us mail in the clear. It concerns mail that comes in, which
// bounces and replies do.
func (c *Check) mtaSTS(b *book, d Domain) Item {
	name := "_mta-sts." + d.Target.Name
	s := b.get(name, probes.TypeTXT)
	i := Item{Target: d.Target, Rule: RuleMTASTS, Evidence: []checks.Evidence{b.evidence(name, probes.TypeTXT)}}
	bad := func(severity checks.Severity, text, do string) Item {
		i.State, i.Severity, i.Code, i.Text, i.Fix = Bad, severity, checks.CodeMTASTS, text, Fix{Do: do}
		return i
	}
	texts := s.txt(begins("STSv1"))
	switch {
	case s.err != nil && !errors.Is(s.err, probes.ErrName):
		i.State, i.Text = Unknown, "not known: "+s.why()
		return i
	case len(texts) == 0:
		i.State, i.Text = Advice, "is not published; it keeps others from sending you mail in the clear"
		return i
	case len(texts) > 1: // section 3.1
		return bad(checks.Informational, fmt.Sprintf("there are %d MTA-STS records, and senders then use none", len(texts)), "Remove all but one.")
	}
	i.Value = texts[0]
	if _, err := ParseSTSRecord(texts[0]); err != nil {
		return bad(checks.Informational, "the record cannot be read: "+strings.TrimPrefix(err.Error(), ErrSTS.Error()+": "), "Correct the record; it is v=STSv1; id= and a number that changes with the policy.")
	}
	if c.Fetch == nil {
		i.State, i.Text = Good, "is published; its policy file was not fetched"
		return i
	}
	return c.policy(b, d, i, bad)
}

// policy judges the policy file.
func (c *Check) policy(b *book, d Domain, i Item, bad func(checks.Severity, string, string) Item) Item {
	address := "https://mta-sts." + d.Target.Name + "/.well-known/mta-sts.txt" // section 3.3
	page, err := c.Fetch(b.ctx, address)
	switch {
	case err != nil:
		i.State, i.Text = Unknown, "the policy file could not be fetched: "+checks.Line(err.Error(), 200)
		return i
	case page.Status != 200: // section 3.3: redirects count as none
		return bad(checks.Minor, fmt.Sprintf("%s answers %d, so that senders have no policy", address, page.Status), "Put the policy file there, over HTTPS, without a redirect.")
	}
	i.Evidence = append(i.Evidence, checks.Evidence{Question: "GET " + address, Answer: checks.Line(string(page.Body), maxAnswer), At: b.now})
	p, err := ParseSTSPolicy(string(page.Body))
	if err != nil {
		return bad(checks.Minor, "the policy file cannot be read: "+strings.TrimPrefix(err.Error(), ErrSTS.Error()+": "), "Correct the file, and change id= in the record.")
	}
	for _, x := range b.get(d.Target.Name, probes.TypeMX).MX() {
		if p.Mode != "none" && !p.Allows(x.Host) {
			severity := checks.Minor
			if p.Mode == "enforce" { // section 5: mail to it is not delivered
				severity = checks.Major
			}
			return bad(severity, fmt.Sprintf("the policy (%s) does not name the mail exchanger %s; others do not deliver to it", p.Mode, x.Host), "Add it to the file as a line mx: "+x.Host+", and change id= in the record.")
		}
	}
	i.State, i.Text = Good, "mode "+p.Mode+", and names all mail exchangers"
	if p.Mode != "enforce" {
		i.State, i.Text = Advice, "mode "+p.Mode+"; it protects nothing yet"
		i.Fix = Fix{Do: "Set mode: enforce once TLS reports show no failures, and change id= in the record."}
	}
	return i
}

// ErrTLSRPT says that a text is no TLS-RPT record. Trying again does not help until somebody mends it.
var ErrTLSRPT = errors.New("broken TLS-RPT record")

// ParseTLSRPT gives where reports go (RFC 8460 section 3): mailto: and https:.
func ParseTLSRPT(text string) ([]string, error) {
	tags, err := parseTags(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTLSRPT, err)
	}
	if tags[0].name != "v" || tags[0].value != "TLSRPTv1" {
		return nil, fmt.Errorf("%w: it does not begin with v=TLSRPTv1", ErrTLSRPT)
	}
	for _, t := range tags[1:] {
		if t.name != "rua" {
			continue
		}
		all := commas(t.value)
		for _, uri := range all {
			u, err := url.Parse(uri)
			if err != nil || !(strings.EqualFold(u.Scheme, "mailto") && strings.Contains(u.Opaque, "@")) && !(strings.EqualFold(u.Scheme, "https") && u.Host != "") {
				return nil, fmt.Errorf("%w: %q is neither a mailto nor an https address", ErrTLSRPT, checks.Line(uri, 60))
			}
		}
		if len(all) > 0 {
			return all, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no rua=", ErrTLSRPT)
}

// tlsRPT judges where reports of failed TLS go.
func (b *book) tlsRPT(d Domain) Item {
	name := "_smtp._tls." + d.Target.Name
	s := b.get(name, probes.TypeTXT)
	i := Item{Target: d.Target, Rule: RuleTLSRPT, Evidence: []checks.Evidence{b.evidence(name, probes.TypeTXT)}}
	texts := s.txt(begins("TLSRPTv1"))
	switch {
	case s.err != nil && !errors.Is(s.err, probes.ErrName):
		i.State, i.Text = Unknown, "not known: "+s.why()
	case len(texts) == 0:
		i.State, i.Text = Advice, "is not published; it has others report when they cannot send to you over TLS"
	case len(texts) > 1:
		i.State, i.Severity, i.Code, i.Text = Bad, checks.Informational, checks.CodeTLSRPT, fmt.Sprintf("there are %d TLS-RPT records, and senders then use none", len(texts))
		i.Fix = Fix{Do: "Remove all but one."}
	default:
		i.Value = texts[0]
		all, err := ParseTLSRPT(texts[0])
		if i.State, i.Text = Good, "reports go to "+strings.Join(all, ", "); err != nil {
			i.State, i.Severity, i.Code = Bad, checks.Informational, checks.CodeTLSRPT
			i.Text = "the record cannot be read: " + strings.TrimPrefix(err.Error(), ErrTLSRPT.Error()+": ")
			i.Fix = Fix{"Publish this in its place:", name + `. TXT "v=TLSRPTv1; rua=mailto:postmaster@` + cmp.Or(d.Target.Organisational(), d.Target.Name) + `"`}
		}
	}
	return i
}

// mailboxes judges postmaster@ and abuse@, which this package asks nobody about.
func (c *Check) mailboxes(ctx context.Context, d Domain) Item {
	i := Item{Target: d.Target, Rule: RuleMailboxes, State: Unchecked, Text: "not checked: send a mail to postmaster@ and to abuse@ once, and see that somebody reads it"}
	if c.Mailboxes != nil {
		if found, ok := c.Mailboxes(ctx, d.Target.Name); ok {
			found.Target, found.Rule = d.Target, RuleMailboxes
			return found
		}
	}
	return i
}
