package blocklists

import "net/netip"

// Family is a kind of thing that a list can be asked about.
type Family string

const (
	IPv4 Family = "ip4"
	IPv6 Family = "ip6"
	Name Family = "domain"
)

// NameForm says by which names a list of domains is asked about one.
type NameForm string

const (
	// FullName is the name itself. It is for lists whose zones have a wildcard below each entry.
	FullName NameForm = "full"
	// Organisational is the registered domain by the public suffix list. It is for lists that
	// hold no other names.
	Organisational NameForm = "organisational"
	// BothNames are one after the other, since an entry can be either. It is the default: most
	// operators do not say which they want.
	BothNames NameForm = "both"
)

// Decode is how the codes of a list are read.
type Decode string

const (
	Exact Decode = "exact"   // each A record is looked up in the code table
	Bits  Decode = "bitmask" // the last octet is a sum of bits, each in the code table
	Any   Decode = "any"     // any of 127.0.0.2 to 127.0.0.254 is a listing for an unknown reason
)

// Severity is how bad a listing is before any refusals are counted, in the words of
// checks.Severity.
type Severity string

const (
	SeverityCritical      Severity = "critical"      // receivers refuse mail for it widely
	SeverityMajor         Severity = "major"         // some large receivers refuse mail for it
	SeverityMinor         Severity = "minor"         // few refuse, more score
	SeverityInformational Severity = "informational" // no receiver of importance refuses mail for it
)

// Rank orders severities: informational 1, minor 2, major 3, critical 4; any
// other text, the empty one included, is 0.
func (s Severity) Rank() int {
	switch s {
	case SeverityCritical:
		return 4
	case SeverityMajor:
		return 3
	case SeverityMinor:
		return 2
	case SeverityInformational:
		return 1
	}
	return 0
}

// Zone is one blocklist. Every fact that could be doubted has a source, and the date on which it
// was read.
type Zone struct {
	ID       string // stable, lower case: "spamcop"
	Title    string // name for people: "SpamCop Blocking List"
	Operator string // one operator has one budget: "Cisco"
	Zone     string // without final dot, lower case, and without a subscriber's key: "bl.spamcop.net"
	// Also are other names under which a refusal may name the same data:
	// component zones of a combined list, mirrors for subscribers, former
	// names, and the operator's own domain if it runs one list only. They are
	// recognised ([Named]) and never asked.
	Also []string
	// Parent is the id of the list that is asked in place of this one, because every entry here
	// is an entry there: ZEN for SBL. Asking both would report one event twice, so a list with a
	// parent is enabled only by its id.
	Parent   string
	Families []Family
	Names    NameForm // which names it is asked for, if it serves them; empty: [BothNames]
	Decode   Decode
	Codes    []Code
	Refusals []Code // "I do not answer you", never a listing; 127.255.255.0/24 is one for every zone
	Controls Controls

	Severity Severity // of a listing whose code has none of its own
	Reach    string   // how widely it is used to reject, and why the severity is what it is
	Removal  Removal

	// KeyName is the name under which the configuration has the key that goes into the query
	// names of this list; lists of one account share it. Empty: it takes no key.
	KeyName     string
	KeyOptional bool // it can also be asked without a key
	Key         Key  // set by [Zone.WithKey]; without it QueryName and QueryDomain return ""

	Registration string // "none", "recommended", "required": what asking needs
	// PublicResolver is what public resolvers get: "allowed", "refused", or
	// "inconsistent", that is an answer now and none then; empty: not known.
	PublicResolver string
	Limits         string // published limit of free use, in words
	// Rate and PerDay are the published limits as numbers: questions a second, and
	// questions in 24 hours, of all the operator's lists together. 0: none is published.
	Rate    float64
	PerDay  int
	Terms   string
	Advice  string // what an operator should know when reading its answers
	Website string

	Default    bool // asked unless the configuration says otherwise
	Tags       []string
	Confidence string // high, medium, low: how well the facts are supported
	Sources    []string
	Checked    string // date the facts were compiled, YYYY-MM-DD
	Seen       string // date, month or year at which a public source last saw it answer; empty: not known
	BuiltIn    bool   // from the embedded catalogue
	File       string // the catalogue file that it was read from; empty: none
}

// ByIDOnly says whether the list is enabled only by its id and never by a tag: because another
// list holds its entries, or because little is known of it.
func (z Zone) ByIDOnly() bool { return z.Parent != "" || z.Confidence == "low" }

// Code is one row of a list's code table, or of its refusals.
type Code struct {
	// Match is an address ("127.0.0.2"), a range of last octets
	// ("127.0.0.4-127.0.0.7"), a pattern in which x stands for any octet
	// ("127.0.x.2"), or, in a bitmask list, one bit as a decimal number ("64").
	// A row for one address goes before ranges and patterns, and 127.0.0.1 is
	// matched by a row of its own only: what it means differs from list to
	// list.
	Match    string
	Meaning  string
	Class    Class
	Severity Severity // of a listing; empty: the zone's
	Fix      string   // of a refusal: what to do about it; empty: what its code usually asks for
	Neutral  bool     // of class informational: the operator itself calls it neither good nor bad
}

// Controls are the entries by which a list proves that it works. An empty field
// means that the list publishes none for that family.
type Controls struct {
	Listed4, Clean4       netip.Addr // RFC 5782 section 5: 127.0.0.2 and 127.0.0.1
	Listed6, Clean6       netip.Addr // ::ffff:127.0.0.2 and ::ffff:127.0.0.1, asked as they are
	ListedName, CleanName string     // "TEST" and "INVALID", or the list's own
	ListedCode            netip.Addr // the code the listed control must give, if it is a certain one
	Note                  string     // why a family that is served lacks one
}

// Removal is how one gets off the list. The URLs may hold {ip}, {domain}, or
// {q}, the reversed address as it is asked; [Zone.LookupURLFor] and
// [Zone.RemovalURLFor] fill them in.
type Removal struct {
	Method     string // one of self-service, network-owner, automatic, contact, paid, none; empty: not known
	LookupURL  string
	URL        string
	FixFirst   string // what must be true before asking
	AutoExpiry string // how entries end by themselves
	Typical    string // time to clear after an accepted request
	PayNever   bool   // the operator sells removal; do not buy it
	WhoMayAsk  string
}
