package probes

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// readAnswer turns a response to the question into an Answer, or into the error that its
// rcode stands for: only NOERROR and NXDOMAIN say anything about the name.
func readAnswer(m *dns.Msg, qtype uint16) (Answer, error) {
	if err := rcodeError(m.Rcode); err != nil {
		return Answer{}, err
	}
	a := Answer{RCode: rcodeName(m.Rcode), Authoritative: m.Authoritative, Flags: flagsOf(m.MsgHdr)}
	if len(m.Question) == 1 {
		var err error
		if a.Records, err = recordsOf(m.Answer, m.Question[0].Name, qtype); err != nil {
			return Answer{}, err
		}
	}
	delegated := false
	for _, rr := range m.Ns {
		switch rr := rr.(type) {
		case *dns.SOA:
			if rr.Hdr.Class != dns.ClassINET || rr.Hdr.Rdlength == 0 {
				continue
			}
			// RFC 2308 section 5: the lesser of MINIMUM and the TTL of the SOA itself.
			a.SOA = SOA{Zone: rr.Hdr.Name, Minimum: min(ttl(rr.Hdr.Ttl), ttl(rr.Minttl)), Ceiling: ttl(rr.Minttl)}
		case *dns.NS:
			delegated = true
		}
	}
	if a.RCode == "NOERROR" && len(m.Answer) == 0 && delegated && a.SOA.Zone == "" && !a.Authoritative {
		// RFC 2308 section 2.2: name servers without an SOA are a referral, not "no such record".
		return Answer{}, fmt.Errorf("%w: it only refers to other servers; ask a resolver that recurses", ErrServFail)
	}
	return a, nil
}

// rcodeError is the error that an rcode stands for; nil for the two that are answers.
func rcodeError(rcode int) error {
	switch rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		return nil
	case dns.RcodeRefused:
		return ErrRefused
	}
	return ErrServFail // SERVFAIL, FORMERR, NOTIMP, ...
}

// maxAliases is how long a chain of aliases may be. Resolvers give up at a similar length
// (unbound after 11, BIND after 16), and each step costs a pass over the answer.
const maxAliases = 16

// recordsOf returns the records of the type asked at the end of the chain of CNAMEs that
// starts at name, as far as the answer holds the chain (RFC 1034 section 3.6.2). Records of
// other names, types and classes are ignored. A chain without an end is no answer.
func recordsOf(section []dns.RR, name string, qtype uint16) ([]Record, error) {
	name, err := endOfAliases(section, name, qtype)
	if err != nil {
		return nil, err
	}
	var records []Record
	for _, rr := range section {
		if rr.Header().Rrtype != qtype || !ours(rr, name) {
			continue
		}
		r, ok := record(rr)
		if !ok {
			return nil, fmt.Errorf("%w: record without data", ErrServFail)
		}
		records = append(records, r)
	}
	return records, nil
}

func endOfAliases(section []dns.RR, name string, qtype uint16) (string, error) {
	for range maxAliases + 1 {
		next := ""
		for _, rr := range section {
			if c, ok := rr.(*dns.CNAME); ok && ours(rr, name) {
				next = c.Target
				break
			}
		}
		if next == "" || qtype == dns.TypeCNAME {
			return name, nil
		}
		name = next
	}
	return "", fmt.Errorf("%w: an alias that leads nowhere", ErrServFail)
}

// ours says whether a record belongs to the name. Both are in the library's notation, in
// which letters are the only octets that have a case.
func ours(rr dns.RR, name string) bool {
	return rr.Header().Class == dns.ClassINET && strings.EqualFold(rr.Header().Name, name)
}

// leadsAway says whether a name server's whole answer is an alias into a zone that it knows
// nothing of (RFC 1034 section 4.3.2, step 3a). Had it found that the target has no such
// record, it would have sent the SOA (RFC 2308 section 3).
func leadsAway(m *dns.Msg, a Answer) bool {
	return a.RCode == "NOERROR" && !a.Exists() && len(m.Answer) > 0 && a.SOA.Zone == ""
}

// record converts a resource record. It is false for one without data, which the library
// lets through.
func record(rr dns.RR) (Record, bool) {
	h := rr.Header()
	r := Record{Name: h.Name, TTL: ttl(h.Ttl)}
	if h.Rdlength == 0 {
		return r, false
	}
	switch rr := rr.(type) {
	case *dns.A:
		addr, ok := netip.AddrFromSlice(rr.A)
		r.Addr = addr.Unmap()
		return r, ok
	case *dns.AAAA:
		addr, ok := netip.AddrFromSlice(rr.AAAA)
		r.Addr = addr
		return r, ok
	case *dns.TXT:
		// The strings are one text, joined without a space (RFC 7208 section 3.3; lists do the same).
		r.Text = unescape(strings.Join(rr.Txt, ""))
	default:
		r.Text = strings.TrimPrefix(rr.String(), h.String())
	}
	return r, true
}

// unescape undoes the presentation form in which the library keeps texts (RFC 1035 section
// 5.1): \DDD is the octet with that decimal value, and \X is X.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		if i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 10, 8); err == nil {
				b = append(b, byte(n))
				i += 3
				continue
			}
		}
		i++
		b = append(b, s[i])
	}
	return string(b)
}

func rcodeName(rcode int) string {
	if name, ok := dns.RcodeToString[rcode]; ok {
		return name
	}
	return "RCODE" + strconv.Itoa(rcode)
}
