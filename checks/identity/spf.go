package identity

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"reputed/checks"
)

// ErrSPF says that an SPF record is wrong: what receivers call "permerror" (RFC 7208
// section 2.6.7). Trying again does not help until somebody mends the record.
var ErrSPF = errors.New("broken SPF record")

// Qualifier is what a mechanism that matches makes of the sender (RFC 7208 section 4.6.2).
type Qualifier byte

const (
	Pass     Qualifier = '+' // authorised; the default
	Fail     Qualifier = '-'
	SoftFail Qualifier = '~'
	Neutral  Qualifier = '?'
)

// Kind is the name of a mechanism or of a modifier, in lower case.
type Kind string

const (
	All      Kind = "all"      // section 5.1
	Include  Kind = "include"  // section 5.2
	A        Kind = "a"        // section 5.3
	MX       Kind = "mx"       // section 5.4
	PTR      Kind = "ptr"      // section 5.5, "do not use"
	IP4      Kind = "ip4"      // section 5.6
	IP6      Kind = "ip6"      // section 5.6
	Exists   Kind = "exists"   // section 5.7
	Redirect Kind = "redirect" // section 6.1
	Exp      Kind = "exp"      // section 6.2, an explanation for people
)

// Term is one mechanism, or a modifier that is known (RFC 7208 section 4.6.1).
type Term struct {
	Text      string // as it is written
	Qualifier Qualifier
	Kind      Kind
	Domain    string       // as written, macros included; empty: the domain of the record
	Prefix    netip.Prefix // of ip4 and ip6, masked
	Bits4     int          // of a and mx: how much of an IPv4 address counts, 0 to 32
	Bits6     int          // and of an IPv6 address, 0 to 128
}

// looksUp says whether the term counts towards the ten that a receiver looks up
// (RFC 7208 section 4.6.4).
func (t Term) looksUp() bool {
	switch t.Kind {
	case Include, A, MX, PTR, Exists, Redirect:
		return true
	}
	return false
}

// macro says whether the domain of the term hangs on the mail (RFC 7208 section 7).
func (t Term) macro() bool { return strings.Contains(t.Domain, "%") }

// Record is one SPF record: its terms in their order. Modifiers that nobody
// defined are left out, as RFC 7208 section 6 wants.
type Record []Term

// IsSPF says whether a TXT record is an SPF record: the version is a word of its own
// (RFC 7208 section 4.5), letters in any case.
func IsSPF(txt string) bool {
	version, _, _ := strings.Cut(txt, " ")
	return strings.EqualFold(version, "v=spf1")
}

// ParseSPF reads an SPF record. The error wraps [ErrSPF] and names the first term
// that is wrong; as for receivers (RFC 7208 section 4.6), one such term spoils the record.
func ParseSPF(txt string) (Record, error) {
	if !IsSPF(txt) {
		return nil, fmt.Errorf("%w: it does not begin with v=spf1", ErrSPF)
	}
	var r Record
	modifiers := map[Kind]bool{}
	for word := range strings.SplitSeq(txt[len("v=spf1"):], " ") {
		if word == "" {
			continue
		}
		t, err := parseTerm(word)
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %v", ErrSPF, checks.Line(word, 80), err)
		}
		if t.Kind == "" {
			continue // a modifier that nobody defined
		}
		if t.Kind == Redirect || t.Kind == Exp {
			if modifiers[t.Kind] {
				return nil, fmt.Errorf("%w: %q: there is another %s (RFC 7208 section 6)", ErrSPF, checks.Line(word, 80), t.Kind)
			}
			modifiers[t.Kind] = true
		}
		r = append(r, t)
	}
	return r, nil
}

// A modifier is a name and "="; no mechanism has "=" right after its name.
var modifierForm = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9._-]*)=(.*)$`)

// parseTerm reads one word of a record. A Term without Kind is a modifier that
// nobody defined.
func parseTerm(word string) (Term, error) {
	t := Term{Text: word, Qualifier: Pass}
	if m := modifierForm.FindStringSubmatch(word); m != nil {
		if !macroString.MatchString(m[2]) {
			return t, errors.New("it holds what is neither text nor a macro")
		}
		switch name := Kind(strings.ToLower(m[1])); name {
		case Redirect, Exp:
			t.Kind, t.Domain = name, m[2]
			return t, domainSpec(t.Domain)
		}
		return Term{}, nil
	}
	if strings.ContainsRune("+-~?", rune(word[0])) {
		t.Qualifier, word = Qualifier(word[0]), word[1:]
	}
	end := strings.IndexAny(word, ":/")
	if end < 0 {
		end = len(word)
	}
	t.Kind = Kind(strings.ToLower(word[:end]))
	rest := word[end:]
	argument, given := strings.CutPrefix(rest, ":")
	switch t.Kind {
	case All:
		if rest != "" {
			return t, errors.New("all stands alone")
		}
	case Include, Exists:
		if !given {
			return t, errors.New("it needs a domain")
		}
		t.Domain = argument
		return t, domainSpec(t.Domain)
	case PTR:
		t.Domain = argument
		if rest != "" {
			return t, domainSpec(t.Domain)
		}
	case A, MX:
		return t, t.hosts(rest)
	case IP4, IP6:
		if !given {
			return t, errors.New("it needs an address")
		}
		return t, t.network(argument)
	default:
		return t, errors.New("there is no such mechanism")
	}
	return t, nil
}

// dualCIDR is the end of a and mx: "/24", "//64", "/24//64" (RFC 7208 section 5).
var dualCIDR = regexp.MustCompile(`^(.*?)(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?$`)

// hosts reads what follows a or mx: a domain, and how many bits count.
func (t *Term) hosts(rest string) error {
	t.Bits4, t.Bits6 = 32, 128
	m := dualCIDR.FindStringSubmatch(rest)
	if m == nil {
		return errors.New("it holds a line break")
	}
	for i, bits := range []*int{2: &t.Bits4, 3: &t.Bits6} {
		if bits == nil || m[i] == "" {
			continue
		}
		n, err := strconv.Atoi(m[i])
		if err != nil || n > *bits {
			return fmt.Errorf("an address has no %s bits", m[i])
		}
		*bits = n
	}
	if m[1] == "" {
		return nil
	}
	domain, ok := strings.CutPrefix(m[1], ":")
	if !ok {
		return errors.New("want a colon and a domain, a slash and a number of bits, or nothing")
	}
	t.Domain = domain
	return domainSpec(domain)
}

// network reads the address or range of ip4 and ip6.
func (t *Term) network(text string) error {
	var err error
	if strings.Contains(text, "/") {
		t.Prefix, err = netip.ParsePrefix(text)
	} else {
		var a netip.Addr
		if a, err = netip.ParseAddr(text); err == nil {
			t.Prefix = netip.PrefixFrom(a, a.BitLen())
		}
	}
	if err != nil || strings.Contains(text, "%") || t.Prefix.Addr().Is4() != (t.Kind == IP4) {
		return fmt.Errorf("want an address or a range of %s", map[Kind]string{IP4: "IPv4", IP6: "IPv6"}[t.Kind])
	}
	t.Prefix = t.Prefix.Masked()
	return nil
}

// macroString is any visible text in which "%" begins a macro (RFC 7208 section 7.1).
var macroString = regexp.MustCompile(`^(?:[!-$&-~]|%[%_-]|%\{[slodiphcrtvSLODIPHCRTV][0-9]*[rR]?[.+,/_=-]*\})*$`)

// toplabel is how a domain that begins with macros ends (RFC 7208 section 7.1): with
// one more macro, or a label that is no number.
var toplabel = regexp.MustCompile(`(?:%\{[^}]*\}|\.(?:[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]+-[A-Za-z0-9-]*[A-Za-z0-9])\.?)$`)

// domainSpec checks a domain of a record, which may hold macros.
func domainSpec(s string) error {
	if strings.Contains(s, "%") {
		if !macroString.MatchString(s) || !toplabel.MatchString(s) {
			return errors.New("the domain holds a macro that is none, or ends in no domain")
		}
		return nil
	}
	if _, err := checks.Domain(s); err != nil || !isASCII(s) {
		return errors.New("want a domain name there")
	}
	return nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
