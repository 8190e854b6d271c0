package probestest

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// ZoneMode is how a [Zone] behaves, or misbehaves.
type ZoneMode string

const (
	// ZoneNormal answers truthfully. It is the mode of the zero value.
	ZoneNormal ZoneMode = ""

	// Lists that are no lists any more.
	ZoneListWorld ZoneMode = "listworld" // every name has 127.0.0.2
	ZoneWildcard  ZoneMode = "wildcard"  // every name that is no entry has WildcardAddr
	ZoneParked    ZoneMode = "parked"    // every name has ParkedAddr
	ZoneRewriting ZoneMode = "rewriting" // every name that is no entry has ParkedAddr: a resolver that invents answers
	ZoneDead      ZoneMode = "dead"      // the zone does not exist: NXDOMAIN with its parent's SOA
	ZoneEmpty     ZoneMode = "empty"     // the zone exists and holds nothing, not even its controls

	// Lists that do not answer us.
	ZoneRefusalCode ZoneMode = "refusal-code" // every name has 127.255.255.254
	ZoneRefused     ZoneMode = "refused"      // rcode REFUSED
	ZoneServFail    ZoneMode = "servfail"     // rcode SERVFAIL
	ZoneMute        ZoneMode = "mute"         // no answer at all
	ZoneReferral    ZoneMode = "referral"     // NOERROR, name servers, no records: a server that does not recurse
	ZoneHidden      ZoneMode = "hidden"       // a resolver that takes addresses of 127/8 out of answers, against rebinding

	// Lists that answer truthfully, in ways that trip a careless client.
	ZoneTruncate     ZoneMode = "truncate"      // over UDP only TC
	ZoneNoEDNS       ZoneMode = "no-edns"       // FORMERR to every question with EDNS
	ZoneLossy        ZoneMode = "lossy"         // the first asking of every name and type is lost
	ZoneLossFifth    ZoneMode = "loss-fifth"    // a fifth of all askings is lost, always the same of one name and type
	ZoneCNAME        ZoneMode = "cname"         // entries stand at the end of two CNAMEs
	ZoneCaseFlip     ZoneMode = "case-flip"     // letters of the question come back in the other case, those of the records do not
	ZoneGarbageFirst ZoneMode = "garbage-first" // junk comes before the answer

	// The same, and before the answer comes a forged one that says the opposite.
	ZoneForgedID   ZoneMode = "forged-id"   // with another id
	ZoneForgedName ZoneMode = "forged-name" // for another name
	ZoneForgedType ZoneMode = "forged-type" // for another type
	ZoneForgedQR   ZoneMode = "forged-qr"   // that is a query and no response
	ZoneForgedPort ZoneMode = "forged-port" // from another port, and right in all else
	ZoneCutFirst   ZoneMode = "cut-first"   // that ends before the records its header announces
)

// ParkedAddr is what a parked zone answers.
var ParkedAddr = netip.AddrFrom4([4]byte{203, 0, 113, 9})

// WildcardAddr is what a zone with a wildcard answers.
var WildcardAddr = netip.AddrFrom4([4]byte{127, 0, 0, 9})

// Zone is one DNS blocklist that a [DNS] serves.
type Zone struct {
	Name          string        // "bl.example.net", with or without final dot
	TTL           time.Duration // of entries; default 5 m
	Minimum       time.Duration // SOA minimum; default 60 s
	Mode          ZoneMode      // default ZoneNormal
	Authoritative bool          // sets the AA bit, as the list's own name servers do
	// NoControls leaves out the entries of RFC 5782 section 5: 127.0.0.2,
	// ::ffff:127.0.0.2 and TEST, each with 127.0.0.2.
	NoControls bool
	// Then is the mode that the zone turns to once it has been asked After questions; 0: never.
	Then  ZoneMode
	After int
}

// Counts is how often a zone was asked, lost and refused questions included.
type Counts struct {
	All, TCP, A, TXT, SOA int
	Recursive             int // with RD set
}

// DNS is a DNS server on the loopback, over UDP and TCP, that serves blocklists.
// Names outside its zones do not exist; the zone "." stands for them, and its
// mode can be set too ([ZoneParked] makes a resolver that invents answers).
// All methods may be called while it is being asked.
type DNS struct {
	addr netip.AddrPort
	udp  *dns.Server
	tcp  *dns.Server
	done sync.WaitGroup

	mu    sync.Mutex
	zones map[string]*zone
	names map[string][]dns.RR // what SetName gave
}

// zone is a Zone and what it holds: entries by the labels in front of it.
type zone struct {
	Zone
	entries map[string]entry
	counts  Counts
	asked   map[dns.Question]int // how often, for ZoneLossy and ZoneLossFifth
}

type entry struct {
	codes []netip.Addr
	txt   string
}

// NewDNS starts a server on a port of 127.0.0.1 that the kernel chooses. The
// error is that no port could be had; trying again may help.
func NewDNS(zones ...Zone) (*DNS, error) {
	d := &DNS{zones: map[string]*zone{}}
	d.AddZone(Zone{Name: ".", NoControls: true})
	for _, z := range zones {
		d.AddZone(z)
	}
	pc, ln, err := listenBoth()
	if err != nil {
		return nil, fmt.Errorf("start DNS on the loopback: %w", err)
	}
	d.addr = ln.Addr().(*net.TCPAddr).AddrPort()
	d.udp = &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(d.serve), UDPSize: dns.MaxMsgSize}
	d.tcp = &dns.Server{Listener: ln, Handler: dns.HandlerFunc(d.serve)}
	for _, s := range []*dns.Server{d.udp, d.tcp} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		d.done.Go(func() { _ = s.ActivateAndServe() }) // ends with Close
		<-started                                      // Shutdown before this would be an error
	}
	return d, nil
}

// listenBoth finds a port that is free for UDP and for TCP.
func listenBoth() (net.PacketConn, net.Listener, error) {
	var last error
	for range 20 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		pc, err := net.ListenPacket("udp", ln.Addr().String())
		if err == nil {
			return pc, ln, nil
		}
		last = errors.Join(err, ln.Close())
	}
	return nil, nil, last
}

// StartDNS is [NewDNS] for tests: t is a testing.TB, and the server is closed when the test ends.
func StartDNS(t tb, zones ...Zone) *DNS {
	t.Helper()
	d, err := NewDNS(zones...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// Addr is where the server listens, over UDP and TCP.
func (d *DNS) Addr() netip.AddrPort { return d.addr }

// Close stops the server and waits until nothing of it runs any more.
func (d *DNS) Close() error {
	err := errors.Join(d.udp.Shutdown(), d.tcp.Shutdown())
	d.done.Wait()
	return err
}

// AddZone adds a zone, or replaces it together with its entries and counts.
func (d *DNS) AddZone(z Zone) {
	z.Name = absolute(z.Name)
	z.TTL = cmp.Or(z.TTL, 5*time.Minute)
	z.Minimum = cmp.Or(z.Minimum, time.Minute)
	added := &zone{Zone: z, entries: map[string]entry{}, asked: map[dns.Question]int{}}
	if !z.NoControls {
		control := entry{codes: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 2})}, txt: "test entry, RFC 5782 section 5"}
		for _, what := range []string{"127.0.0.2", "::ffff:127.0.0.2", "test"} {
			added.entries[label(what)] = control
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.zones[z.Name] = added
}

// SetListed puts an address or a name on a list, with the reason that its TXT
// record gives (none if empty) and its return codes (127.0.0.2 if none), or
// changes both. It panics on a zone that was never added, which is a mistake of the caller.
func (d *DNS) SetListed(list, addrOrName, txt string, codes ...netip.Addr) {
	if len(codes) == 0 {
		codes = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 2})}
	}
	d.change(list, func(z *zone) { z.entries[label(addrOrName)] = entry{codes, txt} })
}

// Delist takes an address or a name off a list; it may be a control too.
func (d *DNS) Delist(list, addrOrName string) {
	d.change(list, func(z *zone) { delete(z.entries, label(addrOrName)) })
}

// SetMode changes how a zone behaves from now on.
func (d *DNS) SetMode(list string, mode ZoneMode) {
	d.change(list, func(z *zone) { z.Mode, z.After = mode, 0 })
}

// Turn lets a zone turn to a mode once it has been asked so many questions more.
func (d *DNS) Turn(list string, after int, then ZoneMode) {
	d.change(list, func(z *zone) { z.Mode, z.Then, z.After = ZoneNormal, then, z.counts.All+after })
}

// Asked is how often the zone was asked until now.
func (d *DNS) Asked(list string) Counts {
	var c Counts
	d.change(list, func(z *zone) { c = z.counts })
	return c
}

func (d *DNS) change(list string, f func(*zone)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	z, ok := d.zones[absolute(list)]
	if !ok {
		panic("probestest: no zone " + list)
	}
	f(z)
}

// absolute is a name in lower case with a final dot.
func absolute(name string) string { return dns.CanonicalName(name) }

// label is what stands in front of the zone for an address or a name (RFC 5782
// sections 2.1, 2.4, 3.1), in lower case.
func label(addrOrName string) string {
	addr, err := netip.ParseAddr(addrOrName)
	if err != nil {
		return strings.ToLower(strings.TrimSuffix(addrOrName, "."))
	}
	reversed, err := dns.ReverseAddr(addr.Unmap().String())
	if addr.Is4In6() {
		// The library unmaps; a list's IPv6 controls are mapped addresses.
		reversed = ""
		b := addr.As16()
		for i := len(b) - 1; i >= 0; i-- {
			reversed += fmt.Sprintf("%x.%x.", b[i]&15, b[i]>>4)
		}
		err = nil
	}
	if err != nil {
		panic("probestest: " + err.Error())
	}
	for _, tail := range []string{".in-addr.arpa.", ".ip6.arpa.", "."} {
		reversed = strings.TrimSuffix(reversed, tail)
	}
	return reversed
}
