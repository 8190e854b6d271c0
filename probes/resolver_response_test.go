package probes

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

func packedQuestion(t testing.TB, q Question) *wireQuestion {
	t.Helper()
	w := new(wireQuestion)
	if err := w.pack(q); err != nil {
		t.Fatal(err)
	}
	return w
}

func packedMessage(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// What we pack is what the library would.
func TestQuestionsOnTheWire(t *testing.T) {
	for _, q := range []Question{
		{Name: listedName, Type: TypeA},
		{Name: "bl.example", Type: TypeSOA},
		{Name: `a\.b.\066l.example.`, Type: TypeTXT},
		{Name: strings.Repeat("abcdefghi.", 25) + "abc.", Type: TypeAAAA},
	} {
		m := new(dns.Msg).SetQuestion(dns.Fqdn(q.Name), dns.StringToType[string(q.Type)])
		m.Id = 0xbeef
		plain := packedMessage(t, m)
		edns := packedMessage(t, m.SetEdns0(ednsBytes, false))
		w := packedQuestion(t, q)
		w.setID(0xbeef)
		if !slices.Equal(w.packet, edns) {
			t.Errorf("%s: got %x, want %x", q, w.packet, edns)
		}
		if !w.dropEDNS() || !slices.Equal(w.packet, plain) || w.dropEDNS() {
			t.Errorf("%s without EDNS: got %x, want %x", q, w.packet, plain)
		}
	}
}

// A name that the library finds legal is packed as the library packs it, but for
// those that are too long, which it lets through; all others are ErrName.
func TestNamesOnTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOfN(rapid.RuneFrom([]rune(`aB0-_.\`)), 0, 300, -1).Draw(t, "name")
		got, err := appendName(nil, name)
		var want [400]byte
		n, bad := dns.PackDomainName(dns.Fqdn(name), want[:], 0, nil, false)
		if _, ok := dns.IsDomainName(name); !ok || bad != nil || n > maxNameBytes || name == "." {
			if !errors.Is(err, ErrName) {
				t.Fatalf("%q: packed as %x, %v", name, got, err)
			}
			return
		}
		if err != nil || !slices.Equal(got, want[:n]) {
			t.Fatalf("%q: got %x, %v; want %x", name, got, err, want[:n])
		}
	})
}

func TestWhatAPacketIsToAQuestion(t *testing.T) {
	w := packedQuestion(t, Question{Name: listedName, Type: TypeA})
	w.setID(7)
	query := new(dns.Msg)
	if err := query.Unpack(w.packet); err != nil {
		t.Fatal(err)
	}
	soa := &dns.SOA{Hdr: hdr("bl.example.", dns.TypeSOA, dns.ClassINET), Ns: "ns.example.net.", Mbox: "hostmaster.example.net.", Minttl: 300}
	reply := func(change func(*dns.Msg)) []byte {
		m := new(dns.Msg).SetReply(query)
		m.Rcode, m.Ns = dns.RcodeNameError, []dns.RR{soa}
		m.SetEdns0(4096, false)
		m.Compress = true
		change(m)
		return packedMessage(t, m)
	}
	same := func(*dns.Msg) {}
	for name, c := range map[string]struct {
		packet []byte
		want   reading
	}{
		"no such name":              {reply(same), nothing},
		"nothing of this type":      {reply(func(m *dns.Msg) { m.Rcode = dns.RcodeSuccess }), nothing},
		"without an SOA":            {reply(func(m *dns.Msg) { m.Ns = nil }), nothing},
		"without EDNS":              {reply(func(m *dns.Msg) { m.Extra = nil }), nothing},
		"the zone spelt out":        {reply(func(m *dns.Msg) { m.Compress = false }), nothing},
		"the zone in other letters": {reply(func(m *dns.Msg) { m.Compress = false; m.Question[0].Name = strings.ToUpper(listedName) }), message},
		"a record":                  {reply(func(m *dns.Msg) { m.Answer = []dns.RR{a4(listedName, "127.0.0.2")} }), message},
		"a referral": {reply(func(m *dns.Msg) {
			m.Ns = []dns.RR{&dns.NS{Hdr: hdr("bl.example.", dns.TypeNS, dns.ClassINET), Ns: "ns."}}
		}), message},
		"SERVFAIL":                          {reply(func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }), message},
		"the SOA of another zone":           {reply(func(m *dns.Msg) { m.Ns = []dns.RR{a4("other.example.", "192.0.2.1")} }), message},
		"an rcode of EDNS":                  {reply(func(m *dns.Msg) { m.Rcode = dns.RcodeBadVers }), message},
		"TC":                                {reply(func(m *dns.Msg) { m.Truncated = true }), truncated},
		"another id":                        {reply(func(m *dns.Msg) { m.Id++ }), stray},
		"another name":                      {reply(func(m *dns.Msg) { m.Question[0].Name = "3.0.0.127.bl.example." }), stray},
		"another type":                      {reply(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT }), stray},
		"another class":                     {reply(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }), stray},
		"no response":                       {reply(func(m *dns.Msg) { m.Response = false }), stray},
		"another opcode":                    {reply(func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }), stray},
		"cut":                               {reply(same)[:60], stray},
		"a record announced that is absent": {func() []byte { p := reply(same); p[7] = 1; return p }(), stray},
		"a bare refusal":                    {[]byte{0, 7, 0x80, 5, 0, 0, 0, 0, 0, 0, 0, 0}, bare},
		"a bare no":                         {[]byte{0, 7, 0x80, 3, 0, 0, 0, 0, 0, 0, 0, 0}, stray},
		"our own question":                  {w.packet, stray},
		"nothing at all":                    {nil, stray},
	} {
		t.Run(name, func(t *testing.T) {
			r, got := w.read(c.packet, listedName)
			if got != c.want {
				t.Fatalf("got %d, want %d", got, c.want)
			}
			if got == nothing && len(c.packet) > 60 {
				want := SOA{Zone: "bl.example.", Minimum: time.Minute, Ceiling: 5 * time.Minute}
				if name == "without an SOA" {
					want = SOA{}
				}
				if r.answer.SOA != want {
					t.Errorf("got %+v, want %+v", r.answer.SOA, want)
				}
			}
		})
	}
}

func TestANegativeAnswerAllocatesNothing(t *testing.T) {
	w := packedQuestion(t, Question{Name: cleanName, Type: TypeA})
	query := new(dns.Msg)
	if err := query.Unpack(w.packet); err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg).SetRcode(query, dns.RcodeNameError)
	m.Compress = true
	m.Ns = []dns.RR{&dns.SOA{Hdr: hdr("bl.example.", dns.TypeSOA, dns.ClassINET), Ns: "ns.example.net.", Mbox: "h.example.net.", Minttl: 60}}
	packet := packedMessage(t, m)
	if n := testing.AllocsPerRun(100, func() {
		if err := w.pack(Question{Name: cleanName, Type: TypeA}); err != nil {
			t.Fatal(err)
		}
		if _, what := w.read(packet, cleanName); what != nothing {
			t.Fatal(what)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever a packet holds, it is read only if it is the response to our question;
// reading it neither panics nor makes an answer of an error; and what is read in
// place reads the same through the library.
func FuzzRead(f *testing.F) {
	w := packedQuestion(f, Question{Name: "2.0.0.127.bl.example.", Type: TypeA})
	query := new(dns.Msg)
	if err := query.Unpack(w.packet); err != nil {
		f.Fatal(err)
	}
	listed := new(dns.Msg).SetReply(query)
	listed.Answer = []dns.RR{cname("2.0.0.127.bl.example.", "b."), a4("b.", "127.0.0.2"), &dns.TXT{Hdr: hdr("b.", dns.TypeTXT, dns.ClassINET), Txt: []string{`a\"\027`}}}
	listed.Ns = []dns.RR{&dns.SOA{Hdr: hdr("bl.example.", dns.TypeSOA, dns.ClassINET), Ns: "n.", Mbox: "m.", Minttl: 60}}
	clean := new(dns.Msg).SetRcode(query, dns.RcodeNameError)
	clean.Ns = listed.Ns
	clean.SetEdns0(1232, false)
	for _, reply := range []*dns.Msg{listed, clean} {
		for _, compress := range []bool{false, true} {
			reply.Compress = compress
			f.Add(packedMessage(f, reply))
		}
	}
	f.Add(w.packet)
	f.Add([]byte{0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, packet []byte) {
		r, what := w.read(packet, "2.0.0.127.bl.example.")
		if what == stray {
			return
		}
		if packet[2]&0x80 == 0 {
			t.Fatal("a query was taken for a response")
		}
		if what == bare {
			if rcodeError(r.rcode) == nil {
				t.Fatal("a bare header was taken for an answer")
			}
			return
		}
		if !sameQuestion(packet[headerBytes:w.end], w.section()) {
			t.Fatal("an answer to another question")
		}
		m := r.message
		if what == nothing {
			m = new(dns.Msg)
			if err := m.Unpack(packet); err != nil {
				t.Fatalf("read in place what the library cannot read: %v", err)
			}
		} else if what == truncated {
			return
		}
		a, err := readAnswer(m, w.qtype)
		if err == nil && a.RCode != "NOERROR" && a.RCode != "NXDOMAIN" {
			t.Fatalf("answer %+v", a)
		}
		for _, r := range a.Records {
			if !r.Addr.Is4() {
				t.Fatalf("record %+v", r)
			}
		}
		if what != nothing {
			return
		}
		a.SOA.Zone, r.answer.SOA.Zone = strings.ToLower(a.SOA.Zone), strings.ToLower(r.answer.SOA.Zone)
		if d := cmp.Diff(a, r.answer); err != nil || d != "" {
			t.Fatalf("the library reads it otherwise: %v %s", err, d)
		}
	})
}
