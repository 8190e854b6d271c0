package blocklists

import "net/netip"

// Class is what a return code or a whole answer means.
type Class string

const (
	Listed        Class = "listed"        // for abuse: receivers refuse mail for it
	Policy        Class = "policy"        // this range should not send to MX hosts (PBL, dynamic, generic PTR)
	Informational Class = "informational" // neighbours, age, scores, neutral marks
	Good          Class = "good"          // an allow list, or a good score
	Clean         Class = "clean"         // no entry; counts only if the zone's controls passed in the same run
	Refused       Class = "refused"       // the operator does not answer our resolver
	Unusable      Class = "unusable"      // an answer no working list gives
	Unknown       Class = "unknown"       // no answer
)

// Rank orders classes by which one decides when an answer holds several: unusable and refused
// spoil the answer as a whole; then come listed, policy, informational, good and clean.
func (c Class) Rank() int {
	switch c {
	case Unusable:
		return 7
	case Refused:
		return 6
	case Listed:
		return 5
	case Policy:
		return 4
	case Informational:
		return 3
	case Good:
		return 2
	case Clean:
		return 1
	}
	return 0
}

// Verdict is how one answer of one list reads.
type Verdict struct {
	Class    Class
	Severity Severity     // of the worst code; empty for clean, refused, unusable, unknown
	Codes    []netip.Addr // all A records, in the order of the answer
	Meanings []string     // of each code; for a bitmask one for each bit
	Why      string       // for refused and unusable: what the answer means and what to do
}
