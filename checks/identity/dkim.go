package identity

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"reputed/checks"
	"reputed/probes"
)

// Key is a DKIM key record (RFC 6376 section 3.6.1).
type Key struct {
	Type    string // "rsa" or "ed25519"
	Bits    int    // of an RSA key
	Revoked bool   // p= is empty: signatures by it do not count any more
	Testing bool   // t=y: receivers treat a failed signature like none
	Strict  bool   // t=s: the domain in i= must be the one in d=
	Hashes  []string
	Service []string
}

// ErrKey says that a text is no DKIM key record that receivers accept. Trying again does not
// help until somebody mends it.
var ErrKey = errors.New("not a usable DKIM key")

// ParseKey reads a DKIM key record. The error wraps [ErrKey] and says what is wrong. A weak key
// is none: see [Key.Bits].
func ParseKey(text string) (Key, error) {
	bad := func(format string, args ...any) (Key, error) {
		return Key{}, fmt.Errorf("%w: %w", ErrKey, fmt.Errorf(format, args...))
	}
	tags, err := parseTags(text)
	if err != nil {
		return bad("%w", err)
	}
	k := Key{Type: "rsa"}
	given, data := false, ""
	for i, t := range tags {
		switch t.name {
		case "v":
			// Section 3.6.1: it is the first, and exactly this.
			if t.value != "DKIM1" {
				return bad("v=%s, and must be DKIM1", checks.Line(t.value, 30))
			}
			if i > 0 {
				return bad("v= must stand first")
			}
		case "k":
			k.Type = t.value
		case "p":
			given, data = true, strings.Join(strings.Fields(t.value), "")
		case "h":
			k.Hashes = colons(t.value)
		case "s":
			k.Service = colons(t.value)
		case "t":
			flags := colons(t.value)
			k.Testing, k.Strict = slices.Contains(flags, "y"), slices.Contains(flags, "s")
		}
	}
	switch {
	case !given:
		return bad("there is no p=, which holds the key")
	case data == "":
		k.Revoked = true
		return k, nil
	}
	der, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return bad("p= is no base64; a part of it may be missing, or a quote in the middle of it")
	}
	switch k.Type {
	case "rsa":
		public, err := rsaKey(der)
		if err != nil {
			return bad("p= holds no RSA key; a part of it may be missing")
		}
		k.Bits = public.N.BitLen()
	case "ed25519": // RFC 8463 section 4: the 32 octets as they are
		if len(der) != ed25519.PublicKeySize {
			return bad("p= holds %d octets, and a key of Ed25519 has %d", len(der), ed25519.PublicKeySize)
		}
	default:
		return bad("k=%s is no kind of key that receivers know", checks.Line(k.Type, 30))
	}
	return k, nil
}

// rsaKey reads the SubjectPublicKeyInfo that everybody publishes, or the bare RSAPublicKey that
// RFC 6376 has, and some publish.
func rsaKey(der []byte) (*rsa.PublicKey, error) {
	if public, err := x509.ParsePKIXPublicKey(der); err == nil {
		if key, ok := public.(*rsa.PublicKey); ok {
			return key, nil
		}
		return nil, ErrKey
	}
	return x509.ParsePKCS1PublicKey(der)
}

// colons are the parts of a list with colons, without white space.
func colons(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ":") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// String is the key in a few words: "RSA, 2048 bits".
func (k Key) String() string {
	s := "Ed25519"
	if k.Type == "rsa" {
		s = fmt.Sprintf("RSA, %d bits", k.Bits)
	}
	if k.Revoked {
		s = "revoked"
	}
	if k.Testing {
		s += ", t=y"
	}
	return s
}

// usual are selectors that many senders use. They are looked up where none is configured, and can
// only show that there is a key, never that there is none.
var usual = []string{"default", "dkim", "mail", "s1", "s2", "selector1", "selector2", "google", "k1", "smtp", "key1", "rsa", "ed25519", "dkim1", "20230601"}

// selectorName is where the key of a selector stands (RFC 6376 section 3.6.2.1).
func selectorName(selector, domain string) string { return selector + "._domainkey." + domain }

// dkim judges the keys of a domain. Good says whether there is one that receivers accept; known, whether that is known.
func (b *book) dkim(d Domain) (items []Item, good, known bool) {
	selectors, guessed := d.Selectors, len(d.Selectors) == 0
	if guessed {
		selectors = usual
	}
	var questions []probes.Question
	for _, s := range selectors {
		questions = append(questions, question(selectorName(s, d.Target.Name), probes.TypeTXT))
	}
	b.look(questions...)
	known = !guessed
	var silent said
	rsaToo := false
	for _, s := range selectors {
		i := b.selector(d, s)
		if i.State == Unknown {
			known, silent = false, b.get(selectorName(s, d.Target.Name), probes.TypeTXT)
		}
		rsaToo = rsaToo || strings.HasPrefix(i.Value, "RSA")
		good = good || i.State == Good || i.State == Advice || i.State == Bad && i.Severity == checks.Minor
		if guessed && (i.State == Unknown || i.State == Bad && i.Value == "") {
			continue
		}
		items = append(items, i)
	}
	if len(items) == 0 {
		i := Item{Target: d.Target, Rule: RuleDKIM, State: Unchecked,
			Text: fmt.Sprintf("not known: no selector is configured, and none of %d usual names has a key; write those that you sign with to selectors of its [[identity.sender]]", len(usual))}
		if silent.err != nil {
			i.State, i.Text = Unknown, "not known: "+silent.why()
		}
		return []Item{i}, false, false
	}
	for n := range items {
		if i := &items[n]; i.State == Good && !rsaToo && known { // RFC 8463 section 5: sign with both
			i.State, i.Text = Advice, i.Text+"; not every receiver knows Ed25519, and it is the only key"
			i.Fix = Fix{Do: "Sign with an RSA key of 2048 bits besides, under a selector of its own."}
		}
	}
	return items, good, known
}

// selector judges one key.
func (b *book) selector(d Domain, selector string) Item {
	name := selectorName(selector, d.Target.Name)
	s := b.get(name, probes.TypeTXT)
	i := Item{Target: d.Target, Rule: RuleDKIM, Part: selector, Evidence: []checks.Evidence{b.evidence(name, probes.TypeTXT)}}
	wrong := func(severity checks.Severity, text, do string) Item {
		i.State, i.Severity, i.Code, i.Text, i.Fix = Bad, severity, checks.CodeDKIM, "selector "+selector+": "+text, Fix{Do: do}
		return i
	}
	const publish = "Publish the key that the server signs with, or let it sign with a selector that is published. The record as a whole is what the signer's key tool has printed (OpenDKIM: opendkim-genkey, rspamd: rspamadm dkim_keygen)."
	switch {
	case s.err != nil:
		i.State, i.Text = Unknown, "selector "+selector+": not known: "+s.why()
		return i
	case len(s.Records) == 0:
		return wrong(checks.Major, "there is no key at "+name+" ("+s.Answer.String()+"); signatures by it fail", publish)
	}
	// Section 3.6.2.2: of several records, receivers may take any.
	if i.Value = "several records"; len(s.Records) > 1 {
		return wrong(checks.Major, fmt.Sprintf("there are %d TXT records at %s, and receivers take any of them", len(s.Records), name), "Remove all but the key.")
	}
	i.Value = checks.Line(s.Records[0].Text, 60)
	k, err := ParseKey(s.Records[0].Text)
	if err != nil {
		return wrong(checks.Major, strings.TrimPrefix(err.Error(), ErrKey.Error()+": ")+"; signatures by it fail", publish)
	}
	i.Value = k.String()
	switch {
	case k.Revoked:
		return wrong(checks.Major, "the key is revoked (p= is empty); signatures by it fail", "Sign with another selector, and take this one out of the configuration of the signer and of reputed.")
	case k.Service != nil && !slices.Contains(k.Service, "*") && !slices.Contains(k.Service, "email"):
		return wrong(checks.Major, "the key is not for mail (s="+strings.Join(k.Service, ":")+")", "Remove s= from the record, or make it s=email.")
	case k.Hashes != nil && !slices.Contains(k.Hashes, "sha256"): // RFC 8301 section 3.1
		return wrong(checks.Major, "the key allows no SHA-256 (h="+strings.Join(k.Hashes, ":")+"), and receivers accept nothing else", "Remove h= from the record, or make it h=sha256.")
	case k.Type == "rsa" && k.Bits < 1024: // RFC 8301 section 3.2: verifiers must not accept it
		return wrong(checks.Major, fmt.Sprintf("an RSA key of %d bits is not accepted; 1024 is the least, 2048 is usual", k.Bits), "Make a key of 2048 bits under a new selector, publish it, sign with it, and remove the old one after a week.")
	case k.Type == "rsa" && k.Bits < 2048: // RFC 8301 section 3.2: signers should use 2048
		return wrong(checks.Minor, fmt.Sprintf("an RSA key of %d bits is weak; 2048 is what RFC 8301 asks for", k.Bits), "Make a key of 2048 bits under a new selector, publish it, sign with it, and remove the old one after a week.")
	case k.Testing:
		i.State, i.Text = Advice, "selector "+selector+": "+k.String()+": testing; receivers may treat its signatures as if there were none"
		i.Fix = Fix{Do: "Remove t=y from the record once signatures pass."}
		return i
	}
	i.State, i.Text = Good, "selector "+selector+": "+k.String()
	return i
}
