package blocklists

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// maxName is the longest DNS name as text, without the final dot (RFC 1035
	// section 2.3.4).
	maxName = 253
	// Labels of a reversed address in front of the zone, with their dots.
	reversed4, reversed6 = len("255.255.255.255."), 32 * len("f.")
)

// problems collects what is wrong with one list, each with the field that it is about.
type problems struct {
	kind string // list, score, dead zone
	id   string
	errs []error
}

func (p *problems) add(field, format string, args ...any) {
	p.errs = append(p.errs, &fieldError{kind: p.kind, id: p.id, field: field, text: fmt.Sprintf(format, args...)})
}

// fieldError is one thing that is wrong with one field, so that a reader of files
// can name its line.
type fieldError struct{ kind, id, field, text string }

func (e *fieldError) Error() string {
	return fmt.Sprintf("%s %q: %s: %s", e.kind, e.id, e.field, e.text)
}

// oneOf adds a problem unless got is one of the words. A caller that allows the empty word lists
// it.
func oneOf[T ~string](p *problems, field string, got T, words ...T) {
	if slices.Contains(words, got) {
		return
	}
	var names []string
	for _, w := range words {
		if w != "" {
			names = append(names, string(w))
		}
	}
	p.add(field, "%q is none of %s", got, strings.Join(names, ", "))
}

// Validate returns everything that is wrong with a zone, built-in or user-defined, joined, each
// with the field and what would be right. Nil means that every other method can be used. Trying
// again does not help.
func (z Zone) Validate() error {
	p := &problems{kind: "list", id: z.ID}
	if !word(z.ID) {
		p.add("id", "want lower-case letters, digits and hyphens, at most 63, like \"my-list\"")
	}
	z.validateNames(p)
	z.validateFamilies(p)
	z.validateCodes(p)
	z.validateControls(p)
	oneOf(p, "severity", z.Severity, SeverityCritical, SeverityMajor, SeverityMinor, SeverityInformational)
	oneOf(p, "registration", z.Registration, "", "none", "recommended", "required")
	if !(z.Rate >= 0 && z.Rate <= 1e6) { // NaN too
		p.add("rate", "want questions a second, from 0 (no limit is known) to 1000000")
	}
	if z.PerDay < 0 {
		p.add("per_day", "want questions a day, or 0 if no limit is known")
	}
	oneOf(p, "public_resolver", z.PublicResolver, "", "allowed", "refused", "inconsistent")
	oneOf(p, "confidence", z.Confidence, "", "high", "medium", "low")
	oneOf(p, "removal.method", z.Removal.Method, removalMethods()...)
	checkURL(p, "website", z.Website, "https", "http") // a page to read; nothing of ours is in its address
	if strings.Contains(z.Website, "{") {
		p.add("website", "want a link without placeholders; they belong into removal.lookup_url and removal.url")
	}
	checkURL(p, "removal.lookup_url", z.Removal.LookupURL, "https")
	checkURL(p, "removal.url", z.Removal.URL, "https")
	for _, t := range z.Tags {
		if !word(t) {
			p.add("tags", "%q: want lower-case letters, digits and hyphens", t)
		}
	}
	if _, err := time.Parse(time.DateOnly, z.Checked); z.Checked != "" && err != nil {
		p.add("checked", "%q: want a date, like 2026-01-31", z.Checked)
	}
	if z.Seen != "" && !dated(z.Seen) {
		p.add("seen", "%q: want a date, a month or a year, like 2026-01-31, 2026-01 or 2026", z.Seen)
	}
	z.validateText(p)
	return errors.Join(p.errs...)
}

func (z Zone) validateFamilies(p *problems) {
	if len(z.Families) == 0 {
		p.add("families", "want at least one of ip4, ip6, domain")
	}
	for i, f := range z.Families {
		oneOf(p, "families", f, IPv4, IPv6, Name)
		if slices.Contains(z.Families[:i], f) {
			p.add("families", "%q stands there twice", f)
		}
	}
	oneOf(p, "names", z.Names, "", FullName, Organisational, BothNames)
	if z.Names != "" && !z.Serves(Name) {
		p.add("names", "the list serves no names; add \"domain\" to families, or leave it out")
	}
}

func (z Zone) validateNames(p *problems) {
	room := z.room()
	if z.Key.Set() {
		room -= len(z.Key.text()) + 1
	}
	switch {
	case z.Zone == "":
		p.add("zone", "missing; want the zone of the list, like \"bl.example.org\"")
	case strings.Contains(z.Zone, "{"):
		p.add("zone", "the key goes in front of the whole zone and nowhere else, like %q", keyLabel+"bl.example.org")
	case !domainName(z.Zone) || !strings.Contains(z.Zone, "."):
		// It is not repeated: the zone of a subscriber may hold a key.
		p.add("zone", "no legal name (RFC 1035 section 2.3.4); want two labels or more in ASCII and lower case, without final dot, like \"bl.example.org\"")
	case len(z.Zone) > room:
		p.add("zone", "%d octets, and a reversed address in front of it leaves room for %d (RFC 1035 section 2.3.4)", len(z.Zone), room)
	}
	if z.Parent != "" && (!word(z.Parent) || z.Parent == z.ID) {
		p.add("parent", "want the id of another list")
	}
	if z.KeyName != "" && !word(z.KeyName) {
		p.add("key", "want a name in lower-case letters, digits and hyphens; the key itself belongs in the configuration")
	}
	for i, a := range z.Also {
		if !domainName(a) || !strings.Contains(a, ".") {
			p.add("also", "%q: want a domain name of two labels or more in lower case, without final dot", a)
		}
		if a == z.Zone || slices.Contains(z.Also[:i], a) {
			p.add("also", "%q stands there twice", a)
		}
	}
}

func removalMethods() []string {
	return []string{"", "self-service", "network-owner", "automatic", "contact", "paid", "none"}
}

// dated says whether s is a date, a month or a year.
func dated(s string) bool {
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// room returns how long a zone, with its key, can be after the longest reversed address.
func (z Zone) room() int {
	if z.Serves(IPv6) {
		return maxName - reversed6
	}
	return maxName - reversed4
}

// validateCodes checks the code table and the refusals: no refusal, and nothing outside
// 127.0.0.0/8, can be a listing.
func (z Zone) validateCodes(p *problems) {
	oneOf(p, "decode", z.Decode, Exact, Bits, Any)
	if len(z.Codes) == 0 && z.Decode != Any {
		p.add("codes", "missing; a list that is read as %q needs its code table, or decode = \"any\"", z.Decode)
	}
	var refusals []matcher
	for i, code := range z.Refusals {
		field := fmt.Sprintf("refusals[%d]", i)
		if code.Class != Refused && code.Class != "" || code.Severity != "" {
			p.add(field, "a refusal has neither class nor severity")
		}
		m, err := parseMatch(code.Match, z.Decode)
		if err != nil {
			p.add(field+".match", "%q: %v", code.Match, err)
			continue
		}
		refusals = append(refusals, m)
	}
	var seen []matcher
	for i, code := range z.Codes {
		field := fmt.Sprintf("codes[%d]", i)
		oneOf(p, field+".class", code.Class, Listed, Policy, Informational, Good)
		oneOf(p, field+".severity", code.Severity, "", SeverityCritical, SeverityMajor, SeverityMinor, SeverityInformational)
		if (code.Class == Informational || code.Class == Good) && code.Severity.Rank() > SeverityInformational.Rank() {
			p.add(field+".severity", "%q: what is %s has no severity but informational", code.Severity, code.Class)
		}
		if code.Meaning == "" {
			p.add(field+".meaning", "missing; say in a few words what the code means")
		}
		m, err := parseMatch(code.Match, z.Decode)
		field += ".match"
		switch {
		case err != nil:
			p.add(field, "%q: %v", code.Match, err)
			continue
		case z.Decode == Bits && m.bit == 0:
			p.add(field, "%q: %v", code.Match, errBit)
			continue
		case m.overlaps(refusalOnEveryList):
			p.add(field, "%q: 127.255.255.0/24 is a refusal on every list", code.Match)
		case slices.ContainsFunc(refusals, m.overlaps):
			p.add(field, "%q is a refusal too", code.Match)
		case slices.Contains(seen, m):
			p.add(field, "%q stands there twice", code.Match)
		}
		seen = append(seen, m)
	}
}

// controlRange says whether an address may be a test entry: loopback (RFC 5782 section 5) and
// documentation addresses. Any other belongs to somebody, and may be listed tomorrow.
func controlRange(a netip.Addr) bool {
	for _, prefix := range []string{
		"127.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",
		"::ffff:127.0.0.0/104", "2001:db8::/32",
	} {
		if p := netip.MustParsePrefix(prefix); p.Contains(a) {
			return true
		}
	}
	return false
}

func (z Zone) validateControls(p *problems) {
	c := z.Controls
	for _, x := range []struct {
		field  string
		addr   netip.Addr
		family Family
	}{
		{"listed4", c.Listed4, IPv4},
		{"clean4", c.Clean4, IPv4},
		{"listed6", c.Listed6, IPv6},
		{"clean6", c.Clean6, IPv6},
	} {
		field := "controls." + x.field
		switch {
		case !x.addr.IsValid():
		case FamilyOf(x.addr) != x.family:
			p.add(field, "%s is of the other family; IPv4 is tested with 127.0.0.2, IPv6 with ::ffff:127.0.0.2", x.addr)
		case !z.Serves(x.family):
			p.add(field, "the list does not serve %s", x.family)
		case !controlRange(x.addr):
			p.add(field, "%s belongs to somebody; want a test entry in 127.0.0.0/8, ::ffff:127.0.0.0/104 or a documentation range", x.addr)
		}
	}
	for _, x := range [][2]string{{"listed_name", c.ListedName}, {"clean_name", c.CleanName}} {
		switch field := "controls." + x[0]; {
		case x[1] == "":
		case !z.Serves(Name):
			p.add(field, "the list does not serve domain names")
		case !domainName(strings.ToLower(x[1])):
			p.add(field, "%q: want a domain name, like \"TEST\"", x[1])
		case len(z.QueryDomain(x[1]))-1 > maxName:
			p.add(field, "too long in front of this zone (RFC 1035 section 2.3.4)")
		}
	}
	if c.Listed4.IsValid() && c.Listed4 == c.Clean4 || c.Listed6.IsValid() && c.Listed6 == c.Clean6 ||
		c.ListedName != "" && strings.EqualFold(c.ListedName, c.CleanName) {
		p.add("controls", "the same entry cannot be listed and clean")
	}
	if !c.ListedCode.IsValid() {
		return
	}
	if b, ok := octets(c.ListedCode); !ok || z.refuses(b) {
		p.add("controls.listed_code", "%s: want a code in 127.0.0.0/8 that is no refusal", c.ListedCode)
	}
	if !c.Listed4.IsValid() && !c.Listed6.IsValid() && c.ListedName == "" {
		p.add("controls.listed_code", "there is no listed control that could answer it")
	}
}

// oneLine adds a problem unless a table or an alert can show the text.
func oneLine(p *problems, field, s string) {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		p.add(field, "want one line of text without control characters")
	}
}

// validateText checks that every text is one line: they are shown in alerts and tables.
func (z Zone) validateText(p *problems) {
	text := func(field, s string) { oneLine(p, field, s) }
	for _, x := range [][2]string{
		{"title", z.Title}, {"operator", z.Operator}, {"reach", z.Reach}, {"limits", z.Limits}, {"terms", z.Terms}, {"advice", z.Advice},
		{"controls.note", z.Controls.Note}, {"removal.fix_first", z.Removal.FixFirst}, {"removal.auto_expiry", z.Removal.AutoExpiry},
		{"removal.typical", z.Removal.Typical}, {"removal.who_may_ask", z.Removal.WhoMayAsk},
	} {
		text(x[0], x[1])
	}
	for i, c := range z.Codes {
		text(fmt.Sprintf("codes[%d].meaning", i), c.Meaning)
	}
	for i, c := range z.Refusals {
		text(fmt.Sprintf("refusals[%d].meaning", i), c.Meaning)
		text(fmt.Sprintf("refusals[%d].fix", i), c.Fix)
	}
	for _, s := range z.Sources {
		text("sources", s)
	}
}

// word says whether s can be an id or a tag.
func word(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// domainName says whether s is a name as the DNS takes it (RFC 1035 section 2.3.4),
// lower case, without final dot. Underscores pass: test entries have them.
func domainName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	return true
}
