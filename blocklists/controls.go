package blocklists

import (
	"fmt"
	"net/netip"
	"slices"
)

// Control is one question by which a list proves that it works.
type Control struct {
	Name   string     // absolute name to ask for an A record
	Want   bool       // true: there must be an entry; false: there must be none
	Family Family     // what it proves the list for
	Code   netip.Addr // where Want: the code that must be among the answer's; invalid: any code will do
}

// RFC5782Controls returns the test entries of RFC 5782 section 5 for the given families, or for
// all three if none is given: 127.0.0.2 is listed and 127.0.0.1 is not, the same mapped into
// IPv6, and for names TEST and INVALID.
func RFC5782Controls(families ...Family) Controls {
	if len(families) == 0 {
		families = []Family{IPv4, IPv6, Name}
	}
	var c Controls
	listed, clean := netip.AddrFrom4([4]byte{127, 0, 0, 2}), netip.AddrFrom4(loopback)
	if slices.Contains(families, IPv4) {
		c.Listed4, c.Clean4 = listed, clean
	}
	if slices.Contains(families, IPv6) {
		c.Listed6, c.Clean6 = netip.AddrFrom16(listed.As16()), netip.AddrFrom16(clean.As16())
	}
	if slices.Contains(families, Name) {
		c.ListedName, c.CleanName = "TEST", "INVALID"
	}
	return c
}

// ControlQuestions returns the controls that the list publishes for the families it serves, in
// the order IPv4, IPv6, names, and for each first the one that must be listed. If there are none
// at all, only the list's own name servers can say "clean". [Zone.JudgeControl] reads the
// answers.
func (z Zone) ControlQuestions() []Control {
	var questions []Control
	addr := func(f Family, a netip.Addr, want bool) {
		if a.IsValid() && z.Serves(f) {
			questions = append(questions, z.control(z.QueryName(a), f, want))
		}
	}
	name := func(n string, want bool) {
		if n != "" && z.Serves(Name) {
			questions = append(questions, z.control(z.QueryDomain(n), Name, want))
		}
	}
	c := z.Controls
	addr(IPv4, c.Listed4, true)
	addr(IPv4, c.Clean4, false)
	addr(IPv6, c.Listed6, true)
	addr(IPv6, c.Clean6, false)
	name(c.ListedName, true)
	name(c.CleanName, false)
	return questions
}

func (z Zone) control(name string, f Family, want bool) Control {
	c := Control{Name: name, Want: want, Family: f}
	if want {
		c.Code = z.Controls.ListedCode
	}
	return c
}

// JudgeControl reads the answer to a control and says whether the list passed.
//
// If it did, the verdict is how the answer reads, for evidence: a test entry may well be
// informational. If it did not, the verdict is Refused or Unusable, and its Why says what to do.
// A missing entry that must be there is Refused, since operators that refuse may answer "no such
// name" too; a caller that sees no SOA for the zone makes that Unusable, as the zone is gone.
func (z Zone) JudgeControl(c Control, addrs []netip.Addr) (Verdict, bool) {
	v := z.Judge(addrs)
	switch {
	case v.Class == Refused || v.Class == Unusable:
		return v, false
	case !c.Want && len(addrs) > 0:
		v.Class, v.Severity = Unusable, ""
		v.Why = fmt.Sprintf("%s answers %s for an entry that must not exist: it lists the world, or the resolver invents answers. "+
			"Nothing it says counts; if it stays so, disable the list.", z.name(), addrs[0])
		return v, false
	case c.Want && len(addrs) == 0:
		v.Class = Refused
		v.Why = fmt.Sprintf("%s does not show its test entry, so \"not listed\" proves nothing: it does not answer this resolver, or it has been emptied. %s",
			z.name(), ownResolver)
		return v, false
	case c.Want && c.Code.IsValid() && !slices.Contains(addrs, c.Code):
		v.Class, v.Severity = Unusable, ""
		v.Why = fmt.Sprintf("%s answers %s for its test entry, which must be %s: somebody else answers in its place, or its codes have changed. "+
			"Nothing it says counts until the operator's page has been read.", z.name(), addrs[0], c.Code)
		return v, false
	}
	return v, true
}
