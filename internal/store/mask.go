package store

import (
	"regexp"
	"strings"

	"reputed/checks"
)

// address matches what looks like a mail address in a text: a local part of dot-atom
// characters (RFC 5322 section 3.2.3, and those of RFC 6531), and a domain. A quoted
// local part is matched from its closing quote's word on.
var address = regexp.MustCompile(`[^\s<>()\[\]:;,\\"']+"?@[\pL\pN](?:[\pL\pN.-]*[\pL\pN])?`)

// roles are local parts that name an office and no person (RFC 2142 and usage):
// whom a refusal tells to write to.
var roles = map[string]bool{
	"abuse": true, "postmaster": true, "hostmaster": true, "noc": true, "security": true,
	"mailer-daemon": true, "support": true, "helpdesk": true, "delist": true, "delisting": true,
	"removal": true, "removals": true, "unblock": true, "whitelist": true, "allowlist": true, "blocklist": true,
}

// mask makes one line of text from outside in which nobody's full address stands:
// the local part of whatever looks like an address becomes "…", but for offices;
// and every recipient of the mail is masked wherever it stands, also in the
// kim=example.net form of return paths (VERP).
func mask(text string, max int, recipients []string) string {
	text = checks.Line(text, 0)
	for _, r := range recipients {
		local, domain, ok := cutAddress(r)
		if !ok {
			continue
		}
		for _, sep := range []string{"@", "=", "%40", "#"} {
			text = replaceFold(text, local+sep+domain, "…"+sep+domain)
		}
	}
	text = address.ReplaceAllStringFunc(text, func(a string) string {
		at := strings.LastIndexByte(a, '@')
		if roles[strings.ToLower(a[:at])] || a[:at] == "…" {
			return a
		}
		return "…" + a[at:]
	})
	return checks.Line(text, max)
}

// cutAddress splits an address at its last @.
func cutAddress(address string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return "", "", false
	}
	return address[:at], address[at+1:], true
}

// replaceFold replaces old in s wherever it stands, in upper or lower case.
func replaceFold(s, old, with string) string {
	if old == "" {
		return s
	}
	return regexp.MustCompile("(?i)"+regexp.QuoteMeta(old)).ReplaceAllLiteralString(s, with)
}
