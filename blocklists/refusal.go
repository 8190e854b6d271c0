package blocklists

import (
	"fmt"
	"net/netip"
)

// ownResolver is what helps against most refusals: lists count questions by the address of the
// resolver, and thousands share a public one or a provider's.
const ownResolver = "Ask through a recursive resolver of your own, or get a key from the operator."

// usual returns what a refusal of 127.255.255.0/24 means by its last octet, as Spamhaus introduced
// it and others took it over. A zone's own table takes precedence.
func usual(last byte) Code {
	switch last {
	case 250:
		return Code{Meaning: "the key is disabled", Fix: "Ask the operator to enable it again, or take out the key."}
	case 251:
		return Code{Meaning: "the key is not accepted", Fix: "Compare the key in the configuration with the one that the operator gave."}
	case 252:
		return Code{Meaning: "the zone name is mistyped or unknown", Fix: "Correct the zone in the configuration."}
	case 254:
		return Code{Meaning: "asked through a public, open or shared resolver", Fix: ownResolver}
	case 255:
		return Code{Meaning: "this resolver asks too much, or is not registered", Fix: "Ask less often and through a recursive resolver of your own, or get a key from the operator."}
	}
	return Code{}
}

// refuses says whether a code means "I do not answer you" in this zone.
func (z Zone) refuses(b [4]byte) bool {
	if refusalOnEveryList.matches(b) {
		return true
	}
	_, ok := z.row(z.Refusals, b)
	return ok
}

// refusal says what a refusal code means and what to do about it.
func (z Zone) refusal(addr netip.Addr, b [4]byte) reading {
	code, _ := z.row(z.Refusals, b)
	var common Code
	if refusalOnEveryList.matches(b) {
		common = usual(b[3])
	}
	meaning, fix := code.Meaning, code.Fix
	if meaning == "" {
		meaning = common.Meaning
	}
	if meaning == "" {
		meaning = "the operator does not answer this resolver"
	}
	if fix == "" {
		fix = common.Fix
	}
	if fix == "" {
		fix = ownResolver
	}
	return reading{class: Refused, meaning: meaning,
		why: fmt.Sprintf("%s refuses to answer (%s): %s. %s", z.name(), addr, meaning, fix)}
}
