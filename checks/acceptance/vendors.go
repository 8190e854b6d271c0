package acceptance

import (
	"strings"

	"reputed/checks"
	"reputed/checks/bounce"
)

// How says by what a vendor is known.
type How string

// The surest first.
const (
	ByMX       How = "mx"       // names of the MX hosts end as the vendor's do
	ByGreeting How = "greeting" // the greeting's first word is a host of the vendor's
	ByWords    How = "words"    // the greeting refuses us in the vendor's own words
)

// Vendor names who stands before a receiver, and by what it is known: both are empty where
// nothing tells. The name is the one that [bounce.Rules.Classify] gives refusals. It is pure.
//
// mx are the names of the receiver's MX hosts, the most preferred first; where a domain has no MX
// record, its own name (RFC 5321 section 5.1). A vendor of more than half of them decides, so that a
// dead first entry against spam ("nolisting") hides nobody; else the first host does: a vendor
// that only keeps mail while the receiver's own server is down does not judge it. The
// null MX (RFC 7505) names nobody.
//
// greeting is the server's first reply as it came, one or more lines; empty where nobody has
// asked. It decides only where the names of the MX hosts do not, and what it claims is the
// receiver's own word: do not use it for any other receiver.
func Vendor(rules *bounce.Rules, mx []string, greeting string) (vendor string, how How) {
	of, hosts := map[string]int{}, 0
	first := ""
	for _, host := range mx {
		host = strings.TrimSuffix(strings.TrimSpace(host), ".")
		if host == "" {
			continue
		}
		v := rules.Vendor(host)
		if hosts++; hosts == 1 {
			first = v
		}
		of[v]++
	}
	for v, n := range of {
		if v != "" && 2*n > hosts {
			return v, ByMX
		}
	}
	if first != "" {
		return first, ByMX
	}
	return greeted(rules, greeting)
}

// greeted reads a greeting: "220 esa1.example.iphmx.com ESMTP", or "554-" and a refusal.
func greeted(rules *bounce.Rules, greeting string) (string, How) {
	if len(greeting) > maxGreeting {
		greeting = greeting[:maxGreeting]
	}
	greeting = strings.TrimSpace(greeting)
	code, rest := "", greeting
	if len(greeting) > 4 && strings.Trim(greeting[:3], "0123456789") == "" && (greeting[3] == ' ' || greeting[3] == '-') {
		code, rest = greeting[:3], greeting[4:]
	}
	// RFC 5321 section 4.3.1: the greeting begins with the server's name, whatever the code.
	host, _, _ := strings.Cut(strings.TrimSpace(checks.Line(rest, maxGreeting)), " ")
	if v := rules.Vendor(host); v != "" {
		return v, ByGreeting
	}
	if code == "" || code[0] != '4' && code[0] != '5' {
		return "", ""
	}
	j := rules.Classify(bounce.Diagnostic{Reply: code, Text: checks.Line(greeting, maxGreeting), Stage: "greeting"}, "")
	if j.Vendor != "" && j.Certainty == bounce.Certain && j.Blocklist == "" { // the operator of a list that is named is no filter
		return j.Vendor, ByWords
	}
	return "", ""
}

// maxGreeting is how much of a greeting is read, in bytes: 512 are allowed for a line (RFC 5321
// section 4.5.3.1.5), and refusals have several.
const maxGreeting = 4096
