package dnsbl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// standing is what the controls of a list prove about one family, or about the
// list as a whole.
type standing struct {
	state State
	why   string
	// proved says that a test entry was there: the list shows us its entries, so
	// that having none means something.
	proved bool
	// rcode says that the refusal is the rcode REFUSED. A list's servers may have sent it,
	// but a resolver that does not serve us sends it for every list.
	rcode    bool
	controls string            // the controls and their answers, for evidence
	evidence []checks.Evidence // of an answer in the middle of the run that set the list aside
}

// standings are those of the families; nil for one that is not needed.
type standings [3]*standing

func (s *standings) of(f blocklists.Family) **standing {
	switch f {
	case blocklists.IPv4:
		return &s[0]
	case blocklists.IPv6:
		return &s[1]
	}
	return &s[2]
}

// trouble orders states by which one stands for the whole.
func (s State) trouble() int {
	switch s {
	case Unusable:
		return 3
	case Refused:
		return 2
	case Unknown:
		return 1
	}
	return 0
}

// worse keeps the standing with more trouble, of two equals the first.
func worse(a, b standing) standing {
	if b.state.trouble() > a.state.trouble() {
		return b
	}
	return a
}

// controlAnswer is one control question and what came of it.
type controlAnswer struct {
	control blocklists.Control
	answer  probes.Answer
	err     error
}

// judge decides what the controls of a list prove. Whole is what is wrong with
// the list, if that is so whatever it is asked about; families are those that were
// asked for. Soa is the answer to the question for the zone itself, and
// is looked at only where [needsSOA] said so; nil there means that it was not asked.
//
// It is a pure function of the zone's tables and the answers.
func judge(zone *blocklists.Zone, families []blocklists.Family, answers []controlAnswer, soa *controlAnswer) (whole standing, each map[blocklists.Family]standing) {
	whole = standing{state: Working}
	each = map[blocklists.Family]standing{}
	for _, f := range families {
		each[f] = standing{state: Working, proved: hasEntry(f, answers)}
	}
	family := func(f blocklists.Family, s standing) { each[f] = worse(each[f], s) }
	for _, a := range answers {
		v, passed := zone.JudgeControl(a.control, a.answer.Addrs())
		switch {
		case errors.Is(a.err, probes.ErrRefused):
			whole = worse(whole, refuses(zone))
		case a.err != nil:
			family(a.control.Family, silent(zone, "its test entry", a.err))
		case passed:
		case !missing(a):
			whole = worse(whole, standing{state: State(v.Class), why: v.Why})
		case a.answer.RCode == "NOERROR": // the name is there, and its address is not
			family(a.control.Family, hidden(zone))
		case zoneSeen(zone, a.answer):
			family(a.control.Family, standing{state: Refused, why: v.Why})
		default:
			s := existence(zone, soa)
			if s.state == Working {
				s = standing{state: Refused, why: v.Why}
			}
			if s.state == Unusable {
				whole = worse(whole, s)
			}
			family(a.control.Family, s)
		}
	}
	for _, f := range families {
		if hasEntry(f, answers) {
			continue
		}
		// Without a test entry the zone must at least be there.
		s := existence(zone, soa)
		if s.state == Unusable || s.state == Refused {
			whole = worse(whole, s)
		}
		family(f, s)
	}
	return whole, each
}

// needsSOA says whether the zone itself has to be asked for: where its test
// entry is missing, since a refusal and a dead zone look the same, and for a family
// that has no test entry.
func needsSOA(zone *blocklists.Zone, families []blocklists.Family, answers []controlAnswer) bool {
	return unproved(families, answers) || slices.ContainsFunc(answers, func(a controlAnswer) bool { return missing(a) && !zoneSeen(zone, a.answer) })
}

// missing says that an entry that must be there is not.
func missing(a controlAnswer) bool { return a.err == nil && a.control.Want && !a.answer.Exists() }

// zoneSeen says whether a negative answer carries the SOA of the list itself.
func zoneSeen(zone *blocklists.Zone, a probes.Answer) bool { return sameName(a.SOA.Zone, zone.Zone) }

// hasEntry says whether a list publishes an entry for the family that must be there.
func hasEntry(f blocklists.Family, answers []controlAnswer) bool {
	return slices.ContainsFunc(answers, func(a controlAnswer) bool { return a.control.Family == f && a.control.Want })
}

// existence reads the answer to the question for the zone. Any answer but
// NXDOMAIN will do: a list may be part of a larger zone and have no SOA of its own.
func existence(zone *blocklists.Zone, soa *controlAnswer) standing {
	switch {
	case soa == nil:
		return standing{state: Unknown, why: title(zone) + " was not asked whether it exists."}
	case errors.Is(soa.err, probes.ErrRefused):
		return refuses(zone)
	case soa.err != nil:
		return silent(zone, "the question for its zone", soa.err)
	case soa.answer.RCode == "NXDOMAIN":
		return standing{state: Unusable, why: title(zone) + " is gone: its zone does not exist any more. Disable the list."}
	}
	return standing{state: Working}
}

func refuses(zone *blocklists.Zone) standing {
	return standing{state: Refused, rcode: true, why: title(zone) + " refuses this resolver (REFUSED). Ask through a recursive resolver of your own, or get a key from the operator."}
}

// hidden is how a list stands whose test entry is a name without an address. Lists hardly ever do that, and a
// resolver that protects against DNS rebinding does it to all of them.
func hidden(zone *blocklists.Zone) standing {
	return standing{state: Refused, why: title(zone) + " gives its test entry no address: as a rule the resolver takes addresses of 127.0.0.0/8 out of answers (private-address of unbound, stop-dns-rebind of dnsmasq). Take that range out of its settings, or ask through another resolver."}
}

// unlessItLasts is what to do about a list that is silent, where the others are not.
const unlessItLasts = " Nothing to do unless it lasts; then ask through another resolver, or disable the list."

func silent(zone *blocklists.Zone, what string, err error) standing {
	if file := (noData{}); errors.As(err, &file) {
		return standing{state: Unknown, why: fmt.Sprintf("%s has no data: %v. See whether its file is still fetched, and whether this program may read it.", title(zone), file.error)}
	}
	return standing{state: Unknown, why: fmt.Sprintf("%s did not answer %s: %s.%s", title(zone), what, said(probes.Answer{}, err), unlessItLasts)}
}

// said is the literal answer, or in its place what went wrong.
func said(a probes.Answer, err error) string {
	if err == nil {
		return a.String()
	}
	var ask *probes.AskError
	if !errors.As(err, &ask) {
		return err.Error()
	}
	if ask.RCode != "" {
		return fmt.Sprintf("%v (%s)", ask.Err, ask.RCode)
	}
	return ask.Err.Error()
}

// via is the server that answered, or the last that did not.
func via(a probes.Answer, err error) string {
	var ask *probes.AskError
	if errors.As(err, &ask) {
		return ask.Server
	}
	return a.Server
}

// sameName compares names with or without final dot, letters in any case (RFC 4343).
func sameName(a, b string) bool {
	return a != "" && strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// title is the list's name for people.
func title(zone *blocklists.Zone) string {
	if zone.Title != "" {
		return zone.Title
	}
	return zone.ID
}
