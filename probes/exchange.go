package probes

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	headerBytes = 12 // RFC 1035 section 4.1.1
	// maxNameBytes is the longest name on the wire, length octets and root
	// included (RFC 1035 section 2.3.4). The library lets two octets more through.
	maxNameBytes = 255
	// ednsBytes is the answer we can take over UDP: it fits every path without
	// fragments (RFC 6891 section 6.2.5, DNS flag day 2020).
	ednsBytes = 1232
	// udpBufferBytes is more than we asked for: some servers do not keep to it.
	udpBufferBytes = 4096
)

// question is a question as it goes over the wire, once with EDNS and once
// without, for servers that know none.
type question struct {
	edns, plain []byte
	section     int // octets of the question section, after the header
	qtype       uint16
}

// packQuestion gives ErrName for what is no legal DNS name or no known type.
func packQuestion(q Question) (question, error) {
	t, ok := dns.StringToType[string(q.Type)]
	if !ok {
		return question{}, fmt.Errorf("record type %q: %w", q.Type, ErrName)
	}
	if _, ok := dns.IsDomainName(q.Name); !ok {
		return question{}, ErrName
	}
	var m dns.Msg
	m.RecursionDesired = true
	m.Question = []dns.Question{{Name: dns.Fqdn(q.Name), Qtype: t, Qclass: dns.ClassINET}}
	plain, err := m.Pack()
	if err != nil {
		return question{}, fmt.Errorf("%w: %v", ErrName, err)
	}
	if len(plain)-headerBytes-4 > maxNameBytes {
		return question{}, ErrName
	}
	edns, err := m.SetEdns0(ednsBytes, false).Pack()
	if err != nil {
		return question{}, fmt.Errorf("%w: %v", ErrName, err)
	}
	return question{edns: edns, plain: plain, section: len(plain) - headerBytes, qtype: t}, nil
}

// exchange is one try at one server: over UDP, over TCP if the answer does
// not fit, and once more without EDNS if the server does not know it. The
// error carries what went wrong in Err and RCode; the caller fills in the rest.
func exchange(ctx context.Context, addr netip.AddrPort, q question, timeout time.Duration) (Answer, *AskError) {
	wire := q.edns
	m, rtt, err := overUDP(ctx, addr, wire, q.section, timeout)
	// RFC 6891 section 7: a server that does not know EDNS answers FORMERR; older ones NOTIMP.
	if err == nil && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented) {
		wire = q.plain
		m, rtt, err = overUDP(ctx, addr, wire, q.section, timeout)
	}
	if err == nil && m.Truncated {
		// RFC 2181 section 9: what came with TC set is not used.
		m, rtt, err = overTCP(ctx, addr, wire, q.section, timeout)
		if err != nil {
			err = fmt.Errorf("%w over TCP, after a truncated answer", err)
		}
	}
	if err != nil {
		return Answer{}, &AskError{Err: err}
	}
	a, err := readAnswer(m, q.qtype)
	if err != nil {
		return Answer{}, &AskError{RCode: rcodeName(m.Rcode), Err: err}
	}
	a.RTT = rtt
	return a, nil
}

var udpBuffers = sync.Pool{New: func() any { return new([udpBufferBytes]byte) }}

// overUDP sends the question from a port of its own, which the kernel chooses
// (RFC 5452 section 4.5), and reads until the answer comes or the time is up. What
// does not parse or does not match is passed over: anyone can send a packet to
// the port, and one that is not the answer says nothing about the answer.
func overUDP(ctx context.Context, addr netip.AddrPort, wire []byte, section int, timeout time.Duration) (*dns.Msg, time.Duration, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, 0, networkError(err)
	}
	defer conn.Close()
	// Cancellation closes the socket, because a read knows only deadlines.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	start := time.Now()
	if err := conn.SetDeadline(start.Add(timeout)); err != nil {
		return nil, 0, networkError(err)
	}
	sent, id := withID(wire)
	if _, err := conn.Write(sent); err != nil {
		return nil, 0, networkError(err)
	}
	buf := udpBuffers.Get().(*[udpBufferBytes]byte)
	defer udpBuffers.Put(buf)
	for {
		n, err := conn.Read(buf[:])
		if err != nil {
			return nil, 0, networkError(err)
		}
		if m := match(buf[:n], sent, id, section); m != nil {
			return m, time.Since(start), nil
		}
	}
}

// overTCP is the same with the two octets of length in front (RFC 1035 section 4.2.2).
func overTCP(ctx context.Context, addr netip.AddrPort, wire []byte, section int, timeout time.Duration) (*dns.Msg, time.Duration, error) {
	start := time.Now()
	dialer := net.Dialer{Deadline: start.Add(timeout)}
	conn, err := dialer.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return nil, 0, networkError(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.SetDeadline(start.Add(timeout)); err != nil {
		return nil, 0, networkError(err)
	}
	sent, id := withID(wire)
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(sent)), uint16(len(sent)))
	if _, err := conn.Write(append(framed, sent...)); err != nil {
		return nil, 0, networkError(err)
	}
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return nil, 0, networkError(err)
		}
		buf := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, buf); err != nil {
			return nil, 0, networkError(err)
		}
		if m := match(buf, sent, id, section); m != nil {
			return m, time.Since(start), nil
		}
	}
}

// withID is the packet with an unpredictable id in front (RFC 5452 section 4.3).
func withID(wire []byte) ([]byte, uint16) {
	id := dns.Id()
	sent := append([]byte(nil), wire...)
	binary.BigEndian.PutUint16(sent, id)
	return sent, id
}

// match reads reply if it is the response to what was sent, else it gives nil:
// QR set, our id, a plain query, and the very question that we asked, letters
// in any case (RFC 5452 section 9.1, RFC 4343). Checked on the octets, before any
// of it is believed.
func match(reply, sent []byte, id uint16, section int) *dns.Msg {
	const qr, opcode, tc = 1 << 15, 15 << 11, 1 << 9 // RFC 1035 section 4.1.1
	if len(reply) < headerBytes || binary.BigEndian.Uint16(reply) != id {
		return nil
	}
	flags := binary.BigEndian.Uint16(reply[2:])
	if flags&qr == 0 || flags&opcode != 0 {
		return nil
	}
	rcode := int(flags & 15)
	if binary.BigEndian.Uint16(reply[4:]) == 0 && len(reply) == headerBytes &&
		rcode != dns.RcodeSuccess && rcode != dns.RcodeNameError {
		// Quirk: some servers send a bare header with FORMERR (old ones that do
		// not know EDNS) or REFUSED (public resolvers). It decides nothing about the name.
		m := new(dns.Msg)
		m.Rcode = rcode
		return m
	}
	end := headerBytes + section
	if binary.BigEndian.Uint16(reply[4:]) != 1 || len(reply) < end || !sameQuestion(reply[headerBytes:end], sent[headerBytes:end]) {
		return nil
	}
	if flags&tc != 0 {
		// What follows may be cut anywhere, so it is not read.
		m := new(dns.Msg)
		m.Truncated, m.Rcode = true, rcode
		return m
	}
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		return nil
	}
	// The library takes a packet that ends early for one with fewer records, and
	// so a cut listing for "not listed".
	for i, got := range []int{len(m.Answer), len(m.Ns), len(m.Extra)} {
		if int(binary.BigEndian.Uint16(reply[6+2*i:])) != got {
			return nil
		}
	}
	return m
}

// sameQuestion compares name, type and class. A length octet is at most 63 and
// so never looks like a letter; type and class are compared as they are.
func sameQuestion(a, b []byte) bool {
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

// networkError names what the network did. A connection that was closed
// without an answer is silence.
func networkError(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return ErrTimeout
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return ErrTimeout
	}
	// A closed port, no route, no permission, no descriptor left: the reason
	// is the kernel's last words, without addresses that the error names anyway.
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return fmt.Errorf("%w: %s", ErrUnreachable, text)
}
