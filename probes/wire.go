package probes

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	headerBytes = 12 // RFC 1035 section 4.1.1
	// maxNameBytes is the longest name on the wire, length octets and root
	// included (RFC 1035 section 2.3.4). The library lets two octets more through.
	maxNameBytes  = 255
	maxLabelBytes = 63
	// ednsBytes is the answer we can take over UDP: it fits every path without
	// fragments (RFC 6891 section 6.2.5, DNS flag day 2020).
	ednsBytes = 1232
)

// Bits of the second pair of octets of a header (RFC 1035 section 4.1.1).
const (
	flagQR     = 1 << 15
	flagOpcode = 15 << 11
	flagAA     = 1 << 10
	flagTC     = 1 << 9
	flagRD     = 1 << 8
	flagRcode  = 15
)

// optRecord is an OPT record that says [ednsBytes] and nothing else (RFC 6891 section 6.1.2).
var optRecord = [...]byte{0, 0, byte(dns.TypeOPT), ednsBytes >> 8, ednsBytes & 0xff, 0, 0, 0, 0, 0, 0}

// wireQuestion is a question as it goes over the wire. Its buffer is used again
// for the next question, so that a round packs millions of them into a few.
type wireQuestion struct {
	packet []byte
	end    int // where the question section ends, and the OPT record begins
	qtype  uint16
}

// pack writes the question for a name and a type into the buffer, with id 0 and
// EDNS. ErrName is for what is no legal DNS name and no known type.
func (w *wireQuestion) pack(q Question) error {
	w.qtype = typeCode(q.Type)
	if w.qtype == 0 {
		return fmt.Errorf("record type %q: %w", q.Type, ErrName)
	}
	// The header: id 0, recursion desired, one question, one additional record.
	w.packet = append(w.packet[:0], 0, 0, flagRD>>8, 0, 0, 1, 0, 0, 0, 0, 0, 1)
	var err error
	if w.packet, err = appendName(w.packet, q.Name); err != nil {
		return err
	}
	w.packet = append(w.packet, byte(w.qtype>>8), byte(w.qtype), 0, dns.ClassINET)
	w.end = len(w.packet)
	w.packet = append(w.packet, optRecord[:]...)
	return nil
}

// setID writes the id (RFC 5452 section 4.3: one that nobody can guess).
func (w *wireQuestion) setID(id uint16) { binary.BigEndian.PutUint16(w.packet, id) }

func (w *wireQuestion) id() uint16 { return binary.BigEndian.Uint16(w.packet) }

// dropEDNS takes the OPT record off, for a server that does not know it. It is
// false if there was none any more.
func (w *wireQuestion) dropEDNS() bool {
	if len(w.packet) == w.end {
		return false
	}
	w.packet = w.packet[:w.end]
	w.packet[11] = 0 // ARCOUNT
	return true
}

// section is the question section.
func (w *wireQuestion) section() []byte { return w.packet[headerBytes:w.end] }

// typeCode is the number of a type that the library knows, else 0. Nearly all
// questions are of the first two.
func typeCode(t Type) uint16 {
	switch t {
	case TypeA:
		return dns.TypeA
	case TypeTXT:
		return dns.TypeTXT
	}
	return dns.StringToType[string(t)]
}

// appendName packs an absolute name, with or without its final dot (RFC 1035
// section 3.1).
func appendName(dst []byte, name string) ([]byte, error) {
	if strings.IndexByte(name, '\\') >= 0 {
		return appendEscaped(dst, name)
	}
	start := len(dst)
	label := start // where the length of the current label goes
	dst = append(dst, 0)
	for i := range len(name) {
		c := name[i]
		if c != '.' {
			dst = append(dst, c)
			continue
		}
		n := len(dst) - label - 1
		if n == 0 || n > maxLabelBytes {
			return dst, ErrName
		}
		dst[label] = byte(n)
		label = len(dst)
		dst = append(dst, 0)
	}
	if n := len(dst) - label - 1; n > 0 { // no final dot
		if n > maxLabelBytes {
			return dst, ErrName
		}
		dst[label] = byte(n)
		dst = append(dst, 0)
	}
	if n := len(dst) - start; n > maxNameBytes || n < 2 {
		return dst, ErrName
	}
	return dst, nil
}

// appendEscaped packs a name in presentation form with \DDD or \X in it.
func appendEscaped(dst []byte, name string) ([]byte, error) {
	var packed [maxNameBytes + 2]byte
	if _, ok := dns.IsDomainName(name); !ok {
		return dst, ErrName
	}
	n, err := dns.PackDomainName(dns.Fqdn(name), packed[:], 0, nil, false)
	if err != nil || n > maxNameBytes {
		return dst, ErrName
	}
	return append(dst, packed[:n]...), nil
}

// What a packet is to a question.
type reading int

const (
	stray     reading = iota // not the answer: the question goes on waiting
	truncated                // the answer, and it did not fit
	bare                     // only an rcode that is no answer
	nothing                  // NXDOMAIN, or NOERROR without any record: read in place
	message                  // anything else: read by the library
)

// response is what was read of a packet.
type response struct {
	rcode   int
	answer  Answer   // of nothing; without server and round trip
	message *dns.Msg // of message
}

// read reads a packet if it is the response to the question: QR set, our id, a
// plain query, and the very question that we asked, letters in any case (RFC 5452
// section 9.1, RFC 4343). All of that is checked on the octets, before any of it is believed.
//
// The answer that nearly every question to a list has, "no such name", is read
// in place and allocates nothing. Whatever has records or is odd in any way goes
// through the library.
func (w *wireQuestion) read(packet []byte, name string) (response, reading) {
	if len(packet) < headerBytes || binary.BigEndian.Uint16(packet) != w.id() {
		return response{}, stray
	}
	flags := binary.BigEndian.Uint16(packet[2:])
	if flags&flagQR == 0 || flags&flagOpcode != 0 {
		return response{}, stray
	}
	r := response{rcode: int(flags & flagRcode)}
	if binary.BigEndian.Uint16(packet[4:]) == 0 && len(packet) == headerBytes && !isAnswer(r.rcode) {
		// Quirk: some servers send a bare header with FORMERR (old ones that do
		// not know EDNS) or REFUSED (public resolvers). It decides nothing about the name.
		return r, bare
	}
	if binary.BigEndian.Uint16(packet[4:]) != 1 || len(packet) < w.end || !sameQuestion(packet[headerBytes:w.end], w.section()) {
		return response{}, stray
	}
	if flags&flagTC != 0 {
		return r, truncated // what follows may be cut anywhere, so it is not read
	}
	if isAnswer(r.rcode) && w.readNothing(packet, name, flags, &r.answer) {
		return r, nothing
	}
	r.message = new(dns.Msg)
	if err := r.message.Unpack(packet); err != nil {
		return response{}, stray
	}
	// The library takes a packet that ends early for one with fewer records, and
	// so a cut listing for "not listed".
	for i, got := range []int{len(r.message.Answer), len(r.message.Ns), len(r.message.Extra)} {
		if int(binary.BigEndian.Uint16(packet[6+2*i:])) != got {
			return response{}, stray
		}
	}
	r.rcode = r.message.Rcode // with the upper bits that EDNS has
	return r, message
}

// isAnswer says whether an rcode says anything about the name.
func isAnswer(rcode int) bool { return rcode == dns.RcodeSuccess || rcode == dns.RcodeNameError }

// sameQuestion compares name, type and class. A length octet is at most 63 and
// so never looks like a letter; type and class are compared as they are.
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

// readNothing reads a negative answer (RFC 2308 section 2): no answer record,
// at most one SOA of a zone above the name, at most a plain OPT record, and nothing
// left over. It is false for everything else, and then says nothing.
func (w *wireQuestion) readNothing(packet []byte, name string, flags uint16, a *Answer) bool {
	authority, additional := int(binary.BigEndian.Uint16(packet[8:])), int(binary.BigEndian.Uint16(packet[10:]))
	if binary.BigEndian.Uint16(packet[6:]) != 0 || authority > 1 || additional > 1 {
		return false
	}
	rest := packet[w.end:]
	var soa SOA
	if authority == 1 {
		zone, after, ok := w.zoneAbove(packet, rest, name)
		if !ok {
			return false
		}
		rr, after, ok := cutRecord(after)
		// Of the data only the last field is wanted, and it takes two names and four
		// more numbers to get there (RFC 1035 section 3.3.13).
		if !ok || rr.class != dns.ClassINET || rr.rrtype != dns.TypeSOA || len(rr.data) < 2+5*4 {
			return false
		}
		names := rr.data[:len(rr.data)-5*4]
		for range 2 {
			if names, ok = cutName(names); !ok {
				return false
			}
		}
		if len(names) != 0 {
			return false
		}
		ceiling := ttl(binary.BigEndian.Uint32(rr.data[len(rr.data)-4:]))
		soa, rest = SOA{Zone: zone, Minimum: min(ttl(rr.ttl), ceiling), Ceiling: ceiling}, after
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
	*a = Answer{RCode: "NOERROR", SOA: soa, Authoritative: flags&flagAA != 0, Flags: Flags(flags) & allFlags}
	if flags&flagRcode == dns.RcodeNameError {
		a.RCode = "NXDOMAIN"
	}
	return true
}

// zoneAbove reads the owner of an authority record, if it is the name asked or a
// parent of it, as what it always is in practice: a pointer into the question (RFC
// 1035 section 4.1.4), or spelt out. The zone is a part of name, so it costs nothing.
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

// cutName passes over a name.
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

// ttl reads a TTL; one with the highest bit set counts as zero (RFC 2181 section 8).
func ttl(seconds uint32) time.Duration {
	if seconds > 1<<31-1 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
