package checks

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Kind is what sort of thing a [Target] is.
type Kind string

const (
	KindAddress  Kind = "address"  // one IPv4 or IPv6 address that mail leaves from
	KindDomain   Kind = "domain"   // one domain or host name that mail is sent as
	KindReceiver Kind = "receiver" // a receiving domain or provider
	KindList     Kind = "list"     // a blocklist, by its catalogue id
	KindMonitor  Kind = "monitor"  // this monitor itself: its resolver, mailbox, channels
)

// Target is what is watched. The zero Target is not valid.
//
// Exactly one of Addr (for KindAddress) and Name (for every other kind) is
// set. Pool and Tags come from the configuration and play no part in identity.
type Target struct {
	Kind Kind
	Addr netip.Addr // never an IPv4-mapped IPv6 address: parsing unmaps
	Name string     // lower case, ASCII (IDNA A-labels), no trailing dot
	Pool string     // name of the outbound pool it belongs to; may be empty
	Tags []string   // free words from the configuration
}

// ErrTarget says that a text is no address, domain or range. Trying the same
// text again does not help.
var ErrTarget = errors.New("not an address, a CIDR range or a domain name")

// Address returns the target for addr, unmapping an IPv4-mapped IPv6 address.
// This is the one place where that happens; a zone identifier is dropped.
func Address(addr netip.Addr) Target {
	return Target{Kind: KindAddress, Addr: addr.Unmap().WithZone("")}
}

// Domain returns the target for a domain or host name, or an error that wraps
// [ErrTarget] if name cannot be one: it needs two labels, each of 1 to 63
// octets, 253 octets in all (RFC 1035 section 2.3.4), and letters, digits, hyphens
// or underscores after conversion to A-labels (RFC 5891).
func Domain(name string) (Target, error) {
	trimmed := strings.TrimSuffix(strings.TrimSpace(name), ".")
	if len(trimmed) > 4*253 { // no A-label conversion makes it short enough, and long ones are slow
		return Target{}, fmt.Errorf("%q: %w", Line(name, 80), ErrTarget)
	}
	profile := idna.New(idna.MapForLookup(), idna.StrictDomainName(false))
	ascii, err := profile.ToASCII(trimmed)
	ascii = strings.ToLower(ascii)
	// The library accepts invalid UTF-8 and makes an A-label of it that it refuses itself.
	again, errAgain := profile.ToASCII(ascii)
	if err != nil || errAgain != nil || again != ascii || !utf8.ValidString(name) || !plausibleDomain(ascii) {
		return Target{}, fmt.Errorf("%q: %w", Line(name, 80), ErrTarget)
	}
	return Target{Kind: KindDomain, Name: ascii}, nil
}

// Receiver returns the target for a receiving domain or provider.
func Receiver(name string) Target {
	return Target{Kind: KindReceiver, Name: strings.ToLower(strings.TrimSuffix(name, "."))}
}

// List returns the target for a blocklist, by its catalogue id.
func List(id string) Target { return Target{Kind: KindList, Name: id} }

// Monitor returns the target for a part of this monitor: "resolver",
// "mailbox:NAME", "channel:NAME".
func Monitor(part string) Target { return Target{Kind: KindMonitor, Name: part} }

// ID names the target uniquely, for keys, the database and JSON: an address or
// a domain as it is, every other kind as "kind:name". [ParseID] reverses it.
func (t Target) ID() string {
	switch t.Kind {
	case KindAddress:
		return t.Addr.String()
	case KindDomain:
		return t.Name
	default:
		return string(t.Kind) + ":" + t.Name
	}
}

// String is what a person reads: an address or name, without its kind.
func (t Target) String() string {
	if t.Kind == KindAddress {
		return t.Addr.String()
	}
	return t.Name
}

// shared are the addresses between a provider's NAT and its customers (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// Inner says whether no receiver can see mail come from an address, so that no list says anything of it: private (RFC 1918,
// RFC 4193), shared (RFC 6598), loopback, link-local, unspecified, multicast, broadcast.
func Inner(a netip.Addr) bool {
	return !a.IsGlobalUnicast() || a.IsPrivate() || shared.Contains(a)
}

// Scope is the range that many lists judge an IPv6 address as a part of: its /64, since
// that is what one customer is given at least and can send from at will. It is false
// for everything else.
func (t Target) Scope() (netip.Prefix, bool) {
	if t.Kind != KindAddress || !t.Addr.Is6() {
		return netip.Prefix{}, false
	}
	p, err := t.Addr.Prefix(64)
	return p, err == nil
}

// Organisational is the registered domain that the name is or lies under, by the public suffix list:
// example.org for mail.example.org. It is empty for every other kind of target, and for a public suffix
// itself (co.uk), under which anybody can register.
func (t Target) Organisational() string {
	if t.Kind != KindDomain {
		return ""
	}
	org, err := publicsuffix.EffectiveTLDPlusOne(t.Name)
	if err != nil {
		return ""
	}
	return org
}

// Public says whether a domain lies under a suffix of the public suffix list, so that others can have
// seen it: mx1.lan does not, nor does a suffix itself.
func (t Target) Public() bool {
	suffix, managed := publicsuffix.PublicSuffix(t.Name)
	return t.Organisational() != "" && (managed || strings.Contains(suffix, ".")) // a suffix of two labels is in the list
}

// ParseID reads what [Target.ID] wrote. Pool and tags are not part of it.
func ParseID(id string) (Target, error) {
	for _, kind := range []Kind{KindReceiver, KindList, KindMonitor} {
		if name, ok := strings.CutPrefix(id, string(kind)+":"); ok && name != "" {
			return Target{Kind: kind, Name: name}, nil
		}
	}
	if addr, err := netip.ParseAddr(id); err == nil {
		return Address(addr), nil
	}
	return Domain(id)
}

func plausibleDomain(name string) bool {
	if len(name) == 0 || len(name) > 253 {
		return false
	}
	labels := strings.Split(name, ".")
	if len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if len(label) == 0 || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			ok := c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
			if !ok {
				return false
			}
		}
	}
	// A name whose last label is a number is a mistyped address (RFC 3696 section 2).
	last := labels[len(labels)-1]
	return strings.Trim(last, "0123456789") != ""
}
