package probes

import (
	"encoding/binary"
	"time"

	"github.com/miekg/dns"
)

// What the second pair of octets of a header holds besides [Flags] (RFC 1035 section 4.1.1).
const (
	opcodeBits Flags = 15 << 11
	rcodeBits  Flags = 15
)

// reading says what a packet is to a question.
type reading int

const (
	stray     reading = iota // not the response: the question goes on waiting
	truncated                // the response, which did not fit into a packet
	bare                     // a header whose rcode is no answer
	nothing                  // NXDOMAIN, or NOERROR without any record: read in place
	message                  // any other response: read by the library
)

// response is what was read of a packet.
type response struct {
	rcode   int
	answer  Answer   // only with nothing; Server and RTT are missing
	message *dns.Msg // only with message
}

// authoritative is the AA bit.
func (r response) authoritative() bool {
	return r.answer.Authoritative || r.message != nil && r.message.Authoritative
}

// read reads a packet if it is the response to the question: QR set, our id, a standard
// query, and the very question that we asked, with letters in any case (RFC 5452 section 9.1,
// RFC 4343). All of this is checked on the octets, before anything in it is believed.
//
// The answer that nearly every question to a list gets, "no such name", is read in place
// without allocating. Whatever has records or is unusual in any way goes through the library.
func (w *wireQuestion) read(packet []byte, name string) (response, reading) {
	if len(packet) < headerBytes || binary.BigEndian.Uint16(packet) != w.id() {
		return response{}, stray
	}
	flags := Flags(binary.BigEndian.Uint16(packet[2:]))
	if flags&FlagQR == 0 || flags&opcodeBits != 0 {
		return response{}, stray
	}
	r := response{rcode: int(flags & rcodeBits)}
	if binary.BigEndian.Uint16(packet[4:]) == 0 && len(packet) == headerBytes && !isAnswer(r.rcode) {
		// Quirk: some servers send a bare header with FORMERR (old ones that do not know EDNS)
		// or REFUSED (public resolvers). It decides nothing about the name.
		return r, bare
	}
	if binary.BigEndian.Uint16(packet[4:]) != 1 || len(packet) < w.end || !sameQuestion(packet[headerBytes:w.end], w.section()) {
		return response{}, stray
	}
	if flags&FlagTC != 0 {
		return r, truncated // what follows may be cut anywhere, so that it is not read
	}
	if isAnswer(r.rcode) && w.readNothing(packet, name, flags, &r.answer) {
		return r, nothing
	}
	r.message = new(dns.Msg)
	if err := r.message.Unpack(packet); err != nil {
		return response{}, stray
	}
	// The library takes a packet that ends early for one with fewer records: a listing whose
	// end was cut off would read as "not listed".
	for i, got := range []int{len(r.message.Answer), len(r.message.Ns), len(r.message.Extra)} {
		if int(binary.BigEndian.Uint16(packet[6+2*i:])) != got {
			return response{}, stray
		}
	}
	r.rcode = r.message.Rcode // with the upper bits, which are in the OPT record
	return r, message
}

// isAnswer says whether an rcode says anything about the name.
func isAnswer(rcode int) bool { return rcode == dns.RcodeSuccess || rcode == dns.RcodeNameError }

// sameQuestion compares two question sections of the same length, with letters of the name in
// any case. A length octet is at most 63 and so never looks like a letter.
func sameQuestion(a, b []byte) bool {
	if string(a) == string(b) {
		return true
	}
	name := len(a) - 4
	for i := range name {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return string(a[name:]) == string(b[name:])
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// readNothing reads a negative answer (RFC 2308 section 2) into a: no answer record, at most
// one SOA of a zone at or above the name, at most a plain OPT record, and nothing left over.
// It is false for everything else, and then leaves a alone.
func (w *wireQuestion) readNothing(packet []byte, name string, flags Flags, a *Answer) bool {
	authority, additional := int(binary.BigEndian.Uint16(packet[8:])), int(binary.BigEndian.Uint16(packet[10:]))
	if binary.BigEndian.Uint16(packet[6:]) != 0 || authority > 1 || additional > 1 {
		return false
	}
	rest := packet[w.end:]
	var soa SOA
	if authority == 1 {
		var ok bool
		if soa, rest, ok = w.readSOA(packet, rest, name); !ok {
			return false
		}
	}
	if additional == 1 {
		after, ok := cutName(rest)
		if !ok || len(after) != len(rest)-1 { // the root
			return false
		}
		rr, after, ok := cutRecord(after)
		if !ok || rr.rrtype != dns.TypeOPT || rr.ttl>>16 != 0 { // no upper bits of an rcode, no version
			return false
		}
		rest = after
	}
	if len(rest) != 0 {
		return false
	}
	*a = Answer{RCode: "NOERROR", SOA: soa, Authoritative: flags&FlagAA != 0, Flags: flags & allFlags}
	if flags&rcodeBits == dns.RcodeNameError {
		a.RCode = "NXDOMAIN"
	}
	return true
}

// readSOA reads the SOA record that rest begins with, and returns what follows it.
func (w *wireQuestion) readSOA(packet, rest []byte, name string) (SOA, []byte, bool) {
	zone, rest, ok := w.zoneAbove(packet, rest, name)
	if !ok {
		return SOA{}, nil, false
	}
	rr, rest, ok := cutRecord(rest)
	// Only the last field of the data is wanted, MINIMUM; two names and four other numbers come
	// before it (RFC 1035 section 3.3.13).
	if !ok || rr.class != dns.ClassINET || rr.rrtype != dns.TypeSOA || len(rr.data) < 2+5*4 {
		return SOA{}, nil, false
	}
	names := rr.data[:len(rr.data)-5*4]
	for range 2 {
		if names, ok = cutName(names); !ok {
			return SOA{}, nil, false
		}
	}
	if len(names) != 0 {
		return SOA{}, nil, false
	}
	ceiling := ttl(binary.BigEndian.Uint32(rr.data[len(rr.data)-4:]))
	return SOA{Zone: zone, Minimum: min(ttl(rr.ttl), ceiling), Ceiling: ceiling}, rest, true
}

// zoneAbove reads the owner of an authority record, if it is the name asked or above it. In
// practice it always is, as a pointer into the question (RFC 1035 section 4.1.4) or spelt
// out. The zone that it returns is a part of name, so that it costs nothing.
func (w *wireQuestion) zoneAbove(packet, rest []byte, name string) (zone string, after []byte, ok bool) {
	if len(rest) < 2 || name[len(name)-1] != '.' || len(name) != w.end-headerBytes-1-4 {
		return "", nil, false // without a final dot, or with escapes, text and wire do not run in parallel
	}
	nameEnd := w.end - 4
	for at := headerBytes; at < nameEnd; at += int(packet[at]) + 1 {
		spelt := packet[at:nameEnd]
		switch {
		case rest[0] == 0xc0|byte(at>>8) && rest[1] == byte(at):
			after = rest[2:]
		case len(rest) >= len(spelt) && string(rest[:len(spelt)]) == string(spelt):
			after = rest[len(spelt):]
		default:
			continue
		}
		if packet[at] == 0 {
			return ".", after, true
		}
		return name[at-headerBytes:], after, true
	}
	return "", nil, false
}

// wireRecord is one resource record without its owner (RFC 1035 section 3.2.1).
type wireRecord struct {
	rrtype, class uint16
	ttl           uint32
	data          []byte
}

func cutRecord(b []byte) (wireRecord, []byte, bool) {
	const fixed = 2 + 2 + 4 + 2
	if len(b) < fixed {
		return wireRecord{}, nil, false
	}
	r := wireRecord{rrtype: binary.BigEndian.Uint16(b), class: binary.BigEndian.Uint16(b[2:]), ttl: binary.BigEndian.Uint32(b[4:])}
	n := int(binary.BigEndian.Uint16(b[8:]))
	if len(b) < fixed+n {
		return wireRecord{}, nil, false
	}
	r.data = b[fixed : fixed+n]
	return r, b[fixed+n:], true
}

// cutName returns what follows a name.
func cutName(b []byte) ([]byte, bool) {
	for len(b) > 0 {
		n := int(b[0])
		switch {
		case n == 0:
			return b[1:], true
		case n >= 0xc0:
			if len(b) < 2 {
				return nil, false
			}
			return b[2:], true
		case n > maxLabelBytes || len(b) < n+1:
			return nil, false
		}
		b = b[n+1:]
	}
	return nil, false
}

// ttl converts a TTL; one with the highest bit set counts as zero (RFC 2181 section 8).
func ttl(seconds uint32) time.Duration {
	if seconds > 1<<31-1 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
