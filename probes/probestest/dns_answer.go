package probestest

import (
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/miekg/dns"
)

// serve answers one question the way its zone behaves.
func (d *DNS) serve(w dns.ResponseWriter, query *dns.Msg) {
	if len(query.Question) != 1 {
		return
	}
	_, tcp := w.RemoteAddr().(*net.TCPAddr)
	packets, forged := d.respond(query, tcp)
	if forged != nil {
		fromElsewhere(w.RemoteAddr(), forged)
	}
	for _, p := range packets {
		_, _ = w.Write(p) // a client that went away is none of our business
	}
}

// fromElsewhere sends a packet from a port of its own.
func fromElsewhere(to net.Addr, packet []byte) {
	c, err := net.Dial("udp", to.String())
	if err != nil {
		return // the client went away
	}
	_, _ = c.Write(packet)
	_ = c.Close()
}

// respond returns the packets to send, in order; none is silence. A forged one is to be sent
// before them, from another port.
func (d *DNS) respond(query *dns.Msg, tcp bool) (packets [][]byte, forged []byte) {
	q := query.Question[0]
	name := absolute(q.Name)

	d.mu.Lock()
	defer d.mu.Unlock()
	z := d.zoneOf(name)
	z.count(query, tcp)
	m := new(dns.Msg).SetReply(query)
	m.RecursionAvailable = true
	m.Authoritative = z.Authoritative
	if silent, decided := z.withoutLooking(m, query, name, tcp); silent {
		return nil, nil
	} else if decided {
		return packed(m), nil
	}
	if rrs, ok := d.names[name]; ok {
		fillName(m, q, rrs, z)
	} else {
		z.fill(m, q, name)
	}
	switch {
	case z.Mode == ZoneCaseFlip:
		flip(m)
	case z.Mode == ZoneHidden && q.Qtype == dns.TypeA:
		m.Answer = slices.DeleteFunc(m.Answer, func(rr dns.RR) bool { a, ok := rr.(*dns.A); return ok && a.A.IsLoopback() })
	case z.Mode == ZoneForgedPort && !tcp:
		if lie := packed(z.lie(m)); len(lie) == 1 {
			forged = lie[0]
		}
	}
	truth := m.Copy()
	if !tcp {
		size := dns.MinMsgSize
		if opt := query.IsEdns0(); opt != nil {
			size = max(size, int(opt.UDPSize()))
		}
		truth.Truncate(size)
	}
	return append(z.before(m), packed(truth)...), forged
}

// fifth says whether the nth asking of a question is of the fifth that is lost.
func fifth(q dns.Question, n int) bool {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d %d", q.Name, q.Qtype, n)
	return h.Sum64()%5 == 0
}

// count counts a question, and turns the mode of the zone when its time has come.
func (z *zone) count(query *dns.Msg, tcp bool) {
	z.counts.All++
	if z.After > 0 && z.counts.All > z.After {
		z.Mode = z.Then
	}
	if tcp {
		z.counts.TCP++
	}
	if query.RecursionDesired {
		z.counts.Recursive++
	}
	switch query.Question[0].Qtype {
	case dns.TypeA:
		z.counts.A++
	case dns.TypeTXT:
		z.counts.TXT++
	case dns.TypeSOA:
		z.counts.SOA++
	}
}

// withoutLooking is for the modes that answer, or are silent, whatever the zone holds: decided
// says that m is the answer.
func (z *zone) withoutLooking(m, query *dns.Msg, name string, tcp bool) (silent, decided bool) {
	switch z.Mode {
	case ZoneMute:
		return true, false
	case ZoneLossy, ZoneLossFifth:
		key := dns.Question{Name: name, Qtype: query.Question[0].Qtype}
		z.asked[key]++
		return z.Mode == ZoneLossy && z.asked[key] == 1 || z.Mode == ZoneLossFifth && fifth(key, z.asked[key]), false
	case ZoneServFail:
		m.Rcode = dns.RcodeServerFailure
		return false, true
	case ZoneRefused:
		m.Rcode = dns.RcodeRefused
		return false, true
	case ZoneReferral:
		m.Ns = []dns.RR{&dns.NS{Hdr: header(z.Name, dns.TypeNS, z.TTL), Ns: "ns.example.net."}}
		return false, true
	case ZoneNoEDNS:
		if query.IsEdns0() != nil {
			m.Rcode = dns.RcodeFormatError
			return false, true
		}
	case ZoneTruncate:
		m.Truncated = !tcp
		return false, !tcp
	}
	return false, false
}

// zoneOf returns the zone with the longest name that the name ends in.
func (d *DNS) zoneOf(name string) *zone {
	for rest := name; ; {
		if z, ok := d.zones[rest]; ok {
			return z
		}
		_, after, ok := strings.Cut(rest, ".")
		if !ok || after == "" {
			return d.zones["."]
		}
		rest = after
	}
}

// fill writes what the zone holds for the name.
func (z *zone) fill(m *dns.Msg, q dns.Question, name string) {
	front := strings.TrimSuffix(strings.TrimSuffix(name, z.Name), ".")
	apex := front == ""
	if apex && q.Qtype == dns.TypeSOA && z.Mode != ZoneDead {
		m.Answer = []dns.RR{z.soa(z.Name)}
		return
	}
	e, listed := z.entries[front]
	switch z.Mode {
	case ZoneListWorld:
		e, listed = entry{codes: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 2})}}, true
	case ZoneWildcard:
		if !listed {
			e, listed = entry{codes: []netip.Addr{WildcardAddr}}, true
		}
	case ZoneRewriting:
		if !listed {
			e, listed = entry{codes: []netip.Addr{ParkedAddr}}, true
		}
	case ZoneParked:
		e, listed = entry{codes: []netip.Addr{ParkedAddr}}, true
	case ZoneRefusalCode:
		e, listed = entry{codes: []netip.Addr{netip.AddrFrom4([4]byte{127, 255, 255, 254})}, txt: "Error: open resolver"}, true
	case ZoneEmpty, ZoneDead:
		listed = false
	}
	if !listed && apex && z.Mode != ZoneDead {
		m.Ns = []dns.RR{z.soa(z.Name)}
		return // the name exists, with other records
	}
	if !listed {
		m.Rcode = dns.RcodeNameError
		owner := z.Name
		if z.Mode == ZoneDead {
			owner = "."
		}
		m.Ns = []dns.RR{z.soa(owner)}
		return
	}
	owner := q.Name
	if z.Mode == ZoneCNAME {
		for _, next := range []string{"first.alias." + z.Name, "second.alias." + z.Name} {
			m.Answer = append(m.Answer, &dns.CNAME{Hdr: header(owner, dns.TypeCNAME, z.TTL), Target: next})
			owner = next
		}
	}
	before := len(m.Answer)
	switch q.Qtype {
	case dns.TypeA:
		for _, code := range e.codes {
			m.Answer = append(m.Answer, &dns.A{Hdr: header(owner, dns.TypeA, z.TTL), A: code.AsSlice()})
		}
	case dns.TypeTXT:
		if e.txt != "" {
			m.Answer = append(m.Answer, &dns.TXT{Hdr: header(owner, dns.TypeTXT, z.TTL), Txt: txtStrings(e.txt)})
		}
	}
	if len(m.Answer) == before {
		m.Ns = []dns.RR{z.soa(z.Name)}
	}
}

// before returns what is sent before the true answer m.
func (z *zone) before(m *dns.Msg) [][]byte {
	if z.Mode == ZoneGarbageFirst {
		return [][]byte{{}, {0}, []byte("not a DNS message at all"), make([]byte, 12)}
	}
	lie := z.lie(m)
	switch z.Mode {
	case ZoneForgedID:
		lie.Id++
	case ZoneForgedName:
		lie.Question[0].Name = "forged." + z.Name
	case ZoneForgedType:
		lie.Question[0].Qtype = dns.TypeMX
	case ZoneForgedQR:
		lie.Response = false
	case ZoneCutFirst:
		whole := packed(m)
		if len(whole) != 1 {
			return nil
		}
		question := new(dns.Msg).SetQuestion(m.Question[0].Name, m.Question[0].Qtype)
		p := packed(question)
		return [][]byte{whole[0][:len(p[0])]}
	default:
		return nil
	}
	return packed(lie)
}

// lie returns the opposite of the true answer m.
func (z *zone) lie(m *dns.Msg) *dns.Msg {
	lie := m.Copy()
	lie.Answer, lie.Ns, lie.Rcode = nil, nil, dns.RcodeSuccess
	if len(m.Answer) == 0 {
		lie.Answer = []dns.RR{&dns.A{Hdr: header(m.Question[0].Name, dns.TypeA, z.TTL), A: net.IPv4(127, 0, 0, 2)}}
	} else {
		lie.Rcode = dns.RcodeNameError
	}
	return lie
}

func (z *zone) soa(owner string) *dns.SOA {
	return &dns.SOA{
		Hdr: header(owner, dns.TypeSOA, z.Minimum), Ns: "ns.example.net.", Mbox: "hostmaster.example.net.",
		Serial: 1, Refresh: 600, Retry: 300, Expire: 86400, Minttl: seconds(z.Minimum),
	}
}

func header(name string, t uint16, ttl time.Duration) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: t, Class: dns.ClassINET, Ttl: seconds(ttl)}
}

func seconds(d time.Duration) uint32 { return uint32(d / time.Second) }

// txtStrings cuts a text into strings of at most 255 octets (RFC 1035 section
// 3.3.14) in the library's notation.
func txtStrings(text string) []string {
	var parts []string
	for {
		part := text[:min(255, len(text))]
		text = text[len(part):]
		part = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(part)
		parts = append(parts, part)
		if text == "" {
			return parts
		}
	}
}

// flip changes the case of every letter of the question. Records keep their own, which so is another than that of the question: both happen.
func flip(m *dns.Msg) {
	m.Question[0].Name = strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, m.Question[0].Name)
}

func packed(m *dns.Msg) [][]byte {
	p, err := m.Pack()
	if err != nil {
		// Only something that a test has put into a zone can be the reason; the client sees silence.
		return nil
	}
	return [][]byte{p}
}
