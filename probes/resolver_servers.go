package probes

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// dnsPort is where DNS servers listen (RFC 1035 section 4.2).
const dnsPort = 53

// silentFor is for how long a server that did not answer is tried after the others. It is
// short because nothing is gained by it when all are silent, and because a dead list makes a
// healthy resolver look silent too.
const silentFor = 30 * time.Second

// server is one DNS server and when it was last seen to be silent.
type server struct {
	addr  netip.AddrPort
	name  string
	until atomic.Int64 // it is tried after the others until then, in Unix nanoseconds; 0: it is well
}

func (s *server) answered() {
	if s.until.Load() != 0 {
		s.until.Store(0)
	}
}

func (s *server) silent(now time.Time) { s.until.Store(now.Add(silentFor).UnixNano()) }

// Servers are DNS servers in order of preference, with what is known of how they did lately.
// A [Question] names them to be asked there: [Resolver.NameServers] finds those of a zone,
// [Forwarders] makes them of addresses.
type Servers struct {
	all      []*server
	forwards bool // they are asked to recurse, and believed without the AA bit
	free     bool // the limits of the group do not hold there
}

// Forwarders returns the servers at the given addresses, with or without a port, in order of
// preference. They may be mirrors of a zone or resolvers, so that they are asked to recurse
// (RFC 1035 section 4.1.1, RD) and need not speak with authority. The error says which text
// is not an address; trying again does not help.
func Forwarders(addrs []string) (*Servers, error) {
	var found []netip.AddrPort
	for _, text := range addrs {
		a, ok := parseServer(strings.TrimSpace(text))
		if !ok {
			return nil, fmt.Errorf(`forwarder %q is not an address with or without a port: write "127.0.0.1:5302" or "[2001:db8::53]:53"`, text)
		}
		found = append(found, a)
	}
	ss := newServers(found)
	ss.forwards = true
	return ss, nil
}

// Local stands for something on this machine that answers in place of servers, such as a
// file. It has a name and no address: whoever puts it into a [Question] must answer that
// question before a [Resolver] sees it, which would find nobody to ask.
func Local(name string) *Servers {
	return &Servers{all: []*server{{name: name}}, forwards: true, free: true}
}

// Unlimited returns the same servers without the limits of [ResolverOptions.Limits]. It is for
// mirrors of a list: its operator's limits are about the operator's own servers.
func (ss *Servers) Unlimited() *Servers {
	return &Servers{all: ss.all, forwards: ss.forwards, free: true}
}

func newServers(addrs []netip.AddrPort) *Servers {
	ss := &Servers{}
	for _, a := range addrs {
		ss.all = append(ss.all, &server{addr: a, name: a.String()})
	}
	return ss
}

// Names returns the servers as "192.0.2.53:53", in the form of [Answer].Server.
func (ss *Servers) Names() []string {
	var names []string
	for _, s := range ss.all {
		names = append(names, s.name)
	}
	return names
}

// order returns the servers in the order in which to try them: as configured, then those
// that were silent a moment ago, and last the one to avoid. It overwrites buf.
func (ss *Servers) order(buf []*server, now time.Time, avoid string) []*server {
	if len(ss.all) == 1 {
		return append(buf[:0], ss.all[0])
	}
	order := buf[:0]
	well, silent := 0, 0
	for _, s := range ss.all {
		switch {
		case s.name == avoid:
			order = append(order, s)
		case now.UnixNano() < s.until.Load():
			order = slices.Insert(order, well+silent, s)
			silent++
		default:
			order = slices.Insert(order, well, s)
			well++
		}
	}
	return order
}

// parseServers reads addresses with or without a port.
func parseServers(texts []string) ([]netip.AddrPort, error) {
	var addrs []netip.AddrPort
	for _, text := range texts {
		a, ok := parseServer(strings.TrimSpace(text))
		if !ok {
			return nil, fmt.Errorf("DNS server %q is not an address with or without a port: "+
				`write servers = ["192.0.2.53"], or "192.0.2.53:5353", or "[2001:db8::53]:53", under [dns]`, strings.TrimSpace(text))
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

func parseServer(text string) (addr netip.AddrPort, ok bool) {
	if ap, err := netip.ParseAddrPort(text); err == nil && ap.Port() != 0 {
		return ap, true
	}
	bare := text
	if b, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(b, "]") {
		bare = strings.TrimSuffix(b, "]")
	}
	if a, err := netip.ParseAddr(bare); err == nil {
		return netip.AddrPortFrom(a, dnsPort), true
	}
	return netip.AddrPort{}, false
}

// systemServers returns the name servers of a resolv.conf(5) file.
func systemServers(path string) ([]netip.AddrPort, error) {
	const hint = `write servers = ["127.0.0.1:53"], or whatever resolver you run, under [dns] in the configuration`
	conf, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("read resolvers of the system: %w; %s", err, hint)
	}
	port, err := strconv.ParseUint(conf.Port, 10, 16)
	if err != nil {
		port = dnsPort
	}
	var addrs []netip.AddrPort
	for _, text := range conf.Servers {
		// What is not an address is ignored, as the C library does.
		if a, err := netip.ParseAddr(text); err == nil {
			addrs = append(addrs, netip.AddrPortFrom(a, uint16(port)))
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("%s names no resolver; %s", path, hint)
	}
	return addrs, nil
}

// worseFailure returns the one of two failures of one question that is to be reported: what
// a server said counts for more than silence, and "refused" stands only if every server that
// said anything refused.
func worseFailure(a, b *AskError) *AskError {
	if a == nil {
		return b
	}
	if failureRank(b) > failureRank(a) {
		return b
	}
	return a
}

func failureRank(e *AskError) int {
	switch {
	case errors.Is(e, ErrServFail):
		return 3
	case errors.Is(e, ErrRefused):
		return 2
	case errors.Is(e, ErrTimeout):
		return 1
	}
	return 0
}
