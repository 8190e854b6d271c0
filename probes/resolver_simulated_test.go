package probes

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// network is a network without sockets: it answers every question after a while
// with "no such name", and loses, silences and counts as a test wants. With
// testing/synctest its time is the bubble's, so that minutes pass at once.
type network struct {
	trip  func() time.Duration             // of one packet and its answer; nil: at once
	lost  float64                          // part of the packets that has no answer
	twice float64                          // part of the answers that come a second time, later
	mute  func(server, name string) bool   // who does not answer; nil: all do
	close func(server netip.AddrPort) bool // whose port is closed; nil: nobody's

	mu      sync.Mutex
	rand    *rand.Rand
	sent    map[string][]time.Time // packets by the last labels of their names
	packets int
	flying  map[string]int // by the same
	most    map[string]int // of them at one time
}

func newNetwork() *network {
	return &network{rand: rand.New(rand.NewPCG(1, 2)), sent: map[string][]time.Time{}, flying: map[string]int{}, most: map[string]int{}}
}

// resolver asks through the network.
func (n *network) resolver(t testing.TB, opts ResolverOptions) *Resolver {
	t.Helper()
	if len(opts.Servers) == 0 {
		opts.Servers = []string{"192.0.2.53"}
	}
	r, err := NewResolver(opts)
	if err != nil {
		t.Fatal(err)
	}
	r.open = func(server netip.AddrPort, s *socket, in *inbox) (way, error) {
		return &simulated{network: n, server: server, socket: s, in: in}, nil
	}
	r.nap = time.Sleep
	return r
}

// simulated is a way through a network.
type simulated struct {
	*network
	server netip.AddrPort
	socket *socket
	in     *inbox
	closed bool

	arrived [][]byte // and not taken yet: what the kernel's buffer holds
	awaited bool
}

func (s *simulated) Send(packets [][]byte) (int, error) {
	for i, p := range packets {
		if s.network.close != nil && s.network.close(s.server) {
			return i, syscall.ECONNREFUSED
		}
		s.packet(append([]byte(nil), p...))
	}
	return len(packets), nil
}

func (s *simulated) packet(p []byte) {
	var query dns.Msg
	if err := query.Unpack(p); err != nil {
		panic(err)
	}
	name := strings.ToLower(query.Question[0].Name)
	list := name[strings.Index(name, "bl"):]
	s.mu.Lock()
	s.packets++
	s.sent[list] = append(s.sent[list], time.Now())
	s.flying[list]++
	s.most[list] = max(s.most[list], s.flying[list])
	lost := s.rand.Float64() < s.lost || s.mute != nil && s.mute(s.server.String(), name)
	s.mu.Unlock()
	binary.BigEndian.PutUint16(p[2:], uint16(FlagQR|FlagRD|dns.RcodeNameError))
	deliver := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.flying[list]--
		if !lost && !s.closed {
			s.arrived = append(s.arrived, p)
			s.hand()
		}
	}
	if s.trip == nil {
		deliver()
		return
	}
	trip := s.trip()
	time.AfterFunc(trip, deliver)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !lost && s.rand.Float64() < s.twice {
		time.AfterFunc(trip+s.trip(), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.closed {
				s.arrived = append(s.arrived, slices.Clone(p))
				s.hand()
			}
		})
	}
}

func (s *simulated) Receive() ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.arrived
	s.arrived = nil
	return all, nil
}

func (s *simulated) Await() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaited = true
	s.hand()
}

// hand hands to the inbox what has arrived, if that is awaited.
func (s *simulated) hand() {
	if s.awaited && len(s.arrived) > 0 {
		s.in.put(s.socket, s.arrived, nil)
		s.arrived, s.awaited = nil, false
	}
}

func (s *simulated) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// peak is the most packets of a list in any one second.
func (n *network) peak(list string) int {
	most, first := 0, 0
	for i, at := range n.sent[list] {
		for at.Sub(n.sent[list][first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
