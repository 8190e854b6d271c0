package probes

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

const (
	headerBytes = 12 // RFC 1035 section 4.1.1
	// maxNameBytes is the length of the longest name on the wire, including length octets and
	// root (RFC 1035 section 2.3.4). The library lets two octets more through.
	maxNameBytes  = 255
	maxLabelBytes = 63
	// ednsBytes is how long an answer over UDP may be: so long it passes every path without
	// being fragmented (RFC 6891 section 6.2.5, DNS flag day 2020).
	ednsBytes = 1232
)

// optRecord is an OPT record that says [ednsBytes] and nothing else (RFC 6891 section 6.1.2).
var optRecord = [...]byte{0, 0, byte(dns.TypeOPT), ednsBytes >> 8, ednsBytes & 0xff, 0, 0, 0, 0, 0, 0}

// wireQuestion is a question as it goes over the wire. Its buffer is reused for the next
// question, so that a round packs millions of questions into a few buffers.
type wireQuestion struct {
	packet []byte
	end    int // of the question section; the OPT record begins there
	qtype  uint16
}

// pack writes a question into the buffer, with id 0, RD and EDNS. The error wraps ErrName.
func (w *wireQuestion) pack(q Question) error {
	w.qtype = typeCode(q.Type)
	if w.qtype == 0 {
		return fmt.Errorf("record type %q: %w", q.Type, ErrName)
	}
	// The header: id 0, recursion desired, one question, one additional record.
	w.packet = append(w.packet[:0], 0, 0, byte(FlagRD>>8), 0, 0, 1, 0, 0, 0, 0, 0, 1)
	var err error
	if w.packet, err = appendName(w.packet, q.Name); err != nil {
		return err
	}
	w.packet = append(w.packet, byte(w.qtype>>8), byte(w.qtype), 0, dns.ClassINET)
	w.end = len(w.packet)
	w.packet = append(w.packet, optRecord[:]...)
	return nil
}

// setID writes the id, which nobody should be able to guess (RFC 5452 section 4.3).
func (w *wireQuestion) setID(id uint16) { binary.BigEndian.PutUint16(w.packet, id) }

func (w *wireQuestion) id() uint16 { return binary.BigEndian.Uint16(w.packet) }

// dropEDNS removes the OPT record, for a server that does not know it. It is false if there
// was none any more.
func (w *wireQuestion) dropEDNS() bool {
	if len(w.packet) == w.end {
		return false
	}
	w.packet = w.packet[:w.end]
	w.packet[11] = 0 // ARCOUNT
	return true
}

// dropRecursion clears RD (RFC 1035 section 4.1.1): a server of the zone is not to ask others.
func (w *wireQuestion) dropRecursion() { w.packet[2] &^= byte(FlagRD >> 8) }

// section is the question section.
func (w *wireQuestion) section() []byte { return w.packet[headerBytes:w.end] }

// typeCode returns the number of a type that the library knows, else 0. Nearly all questions
// are of the two types that need no map.
func typeCode(t Type) uint16 {
	switch t {
	case TypeA:
		return dns.TypeA
	case TypeTXT:
		return dns.TypeTXT
	}
	return dns.StringToType[string(t)]
}

// appendName packs an absolute name, with or without its final dot (RFC 1035 section 3.1).
// The root is no name that anybody asks about: ErrName.
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

// appendEscaped packs a name whose presentation form has \DDD or \X in it.
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
