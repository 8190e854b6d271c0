package probes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func hdr(name string, rrtype, class uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: class, Ttl: 60, Rdlength: 4}
}

func a4(name, addr string) dns.RR {
	return &dns.A{Hdr: hdr(name, dns.TypeA, dns.ClassINET), A: net.ParseIP(addr)}
}

func cname(name, to string) dns.RR {
	return &dns.CNAME{Hdr: hdr(name, dns.TypeCNAME, dns.ClassINET), Target: to}
}

// aliases is a chain of n CNAMEs from q.example. on.
func aliases(n int) (chain []dns.RR) {
	for i := range n {
		chain = append(chain, cname(aliasName(i), aliasName(i+1)))
	}
	return chain
}

func aliasName(i int) string {
	if i == 0 {
		return "q.example."
	}
	return fmt.Sprintf("a%d.example.", i)
}

func TestRecordsOfAnAnswer(t *testing.T) {
	chaos := a4("q.example.", "127.0.0.2")
	chaos.Header().Class = dns.ClassCHAOS
	empty := &dns.A{Hdr: dns.RR_Header{Name: "q.example.", Rrtype: dns.TypeA, Class: dns.ClassINET}}
	for name, c := range map[string]struct {
		answer []dns.RR
		want   string
		err    error
	}{
		"nothing":                          {nil, "NOERROR without records", nil},
		"several, in order":                {[]dns.RR{a4("q.example.", "127.0.0.4"), a4("q.example.", "127.0.0.2")}, "127.0.0.4, 127.0.0.2", nil},
		"another name is not ours":         {[]dns.RR{a4("other.example.", "127.0.0.2")}, "NOERROR without records", nil},
		"another class is not ours":        {[]dns.RR{chaos}, "NOERROR without records", nil},
		"another type is not ours":         {[]dns.RR{&dns.TXT{Hdr: hdr("q.example.", dns.TypeTXT, dns.ClassINET), Txt: []string{"x"}}}, "NOERROR without records", nil},
		"a chain":                          {[]dns.RR{cname("Q.example.", "b."), cname("B.", "c."), a4("c.", "127.0.0.2")}, "127.0.0.2", nil},
		"a chain in any order":             {[]dns.RR{a4("c.", "127.0.0.2"), cname("b.", "c."), cname("q.example.", "b.")}, "127.0.0.2", nil},
		"a chain that ends nowhere":        {[]dns.RR{cname("q.example.", "b.")}, "NOERROR without records", nil},
		"a loop is no answer":              {[]dns.RR{cname("q.example.", "b."), cname("b.", "q.example.")}, "", ErrServFail},
		"nor is a chain without an end":    {aliases(maxAliases + 1), "", ErrServFail},
		"a long chain is followed":         {append(aliases(maxAliases), a4(aliasName(maxAliases), "127.0.0.2")), "127.0.0.2", nil},
		"a record without data is no data": {[]dns.RR{empty}, "", ErrServFail},
	} {
		t.Run(name, func(t *testing.T) {
			m := new(dns.Msg).SetQuestion("q.example.", dns.TypeA)
			m.Answer = c.answer
			a, err := readAnswer(m, dns.TypeA)
			if !errors.Is(err, c.err) || err == nil && a.String() != c.want {
				t.Errorf("got %v, %v; want %v, %v", a, err, c.want, c.err)
			}
		})
	}
}

func TestRCodes(t *testing.T) {
	for rcode := range 24 {
		m := new(dns.Msg).SetQuestion("q.example.", dns.TypeA)
		m.Rcode = rcode
		_, err := readAnswer(m, dns.TypeA)
		want := ErrServFail
		switch rcode {
		case dns.RcodeSuccess, dns.RcodeNameError:
			want = nil
		case dns.RcodeRefused:
			want = ErrRefused
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", rcodeName(rcode), err, want)
		}
	}
}

func TestNegativeTTLIsTheLesser(t *testing.T) {
	for _, c := range []struct {
		ttl, minimum uint32
		want         time.Duration
	}{{300, 60, time.Minute}, {60, 300, time.Minute}, {1 << 31, 60, 0}} {
		m := new(dns.Msg).SetQuestion("q.example.", dns.TypeA)
		m.Rcode = dns.RcodeNameError
		soa := &dns.SOA{Hdr: hdr("example.", dns.TypeSOA, dns.ClassINET), Minttl: c.minimum}
		soa.Hdr.Ttl = c.ttl
		m.Ns = []dns.RR{soa}
		a, err := readAnswer(m, dns.TypeA)
		if err != nil || a.SOA != (SOA{"example.", c.want, time.Duration(c.minimum) * time.Second}) {
			t.Errorf("TTL %d, MINIMUM %d: got %+v, %v; want %v", c.ttl, c.minimum, a.SOA, err, c.want)
		}
	}
}

func TestOtherTypesReadAsInAZoneFile(t *testing.T) {
	m := new(dns.Msg).SetQuestion("q.example.", dns.TypeMX)
	m.Answer = []dns.RR{&dns.MX{Hdr: hdr("q.example.", dns.TypeMX, dns.ClassINET), Preference: 10, Mx: "mx.example."}}
	a, err := readAnswer(m, dns.TypeMX)
	if err != nil || a.String() != "10 mx.example." {
		t.Errorf("got %q, %v", a, err)
	}
	m = new(dns.Msg).SetQuestion("q.example.", dns.TypeAAAA)
	m.Answer = []dns.RR{&dns.AAAA{Hdr: hdr("q.example.", dns.TypeAAAA, dns.ClassINET), AAAA: net.ParseIP("::ffff:192.0.2.1")}}
	a, err = readAnswer(m, dns.TypeAAAA)
	if err != nil || a.String() != "::ffff:192.0.2.1" {
		t.Errorf("got %q, %v: AAAA data is never unmapped", a, err)
	}
}

// Any octets, packed and read by the library, come out of unescape as they went in.
func TestUnescapeReversesTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 1, 255).Draw(t, "octets")
		rdata := append([]byte{byte(len(raw))}, raw...)
		wire := append([]byte{0, 0, byte(dns.TypeTXT), 0, 1, 0, 0, 0, 60}, binary.BigEndian.AppendUint16(nil, uint16(len(rdata)))...)
		rr, _, err := dns.UnpackRR(append(wire, rdata...), 0)
		if err != nil {
			t.Fatal(err)
		}
		r, ok := record(rr)
		if d := cmp.Diff(string(raw), r.Text); !ok || d != "" {
			t.Error(d)
		}
	})
}
