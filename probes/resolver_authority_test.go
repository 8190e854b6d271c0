package probes

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"reputed/probes/probestest"
)

// delegated is a resolver and a name server of bl.example, to which the resolver's records point.
func delegated(t *testing.T, mode probestest.ZoneMode, aa bool) (*Resolver, *probestest.DNS, *probestest.DNS) {
	t.Helper()
	site := probestest.StartDNS(t, probestest.Zone{Name: "bl.example"})
	own := probestest.StartDNS(t, probestest.Zone{Name: "bl.example", Mode: mode, Authoritative: aa})
	site.SetName("bl.example", "NS ns1.lists.example.")
	site.SetName("ns1.lists.example", "A 127.0.0.1")
	r, err := NewResolver(ResolverOptions{Servers: []string{site.Addr().String()}, AuthorityPort: int(own.Addr().Port()), Timeout: patient})
	if err != nil {
		t.Fatal(err)
	}
	return r, site, own
}

func TestNameServersAreAskedWithoutRecursion(t *testing.T) {
	r, site, own := delegated(t, probestest.ZoneNormal, true)
	own.SetListed("bl.example", "192.0.2.10", "")
	at, err := r.NameServers(t.Context(), "bl.example")
	if err != nil {
		t.Fatal(err)
	}
	if got := at.Names(); !slices.Equal(got, []string{own.Addr().String()}) {
		t.Fatalf("name servers %v", got)
	}
	before := site.Asked("bl.example").All
	a, err := r.AskOne(t.Context(), Question{Name: "10.2.0.192.bl.example.", Type: TypeA, At: at})
	if err != nil || !a.Authoritative || a.String() != "127.0.0.2" || a.Server != own.Addr().String() {
		t.Errorf("answer %+v, %v", a, err)
	}
	if now := site.Asked("bl.example").All; now != before {
		t.Errorf("the resolver was asked %d times", now-before)
	}
	if c := own.Asked("bl.example"); c.All != 1 || c.Recursive != 0 {
		t.Errorf("asked %+v, want once and without recursion", c)
	}
	if _, err := r.AskOne(t.Context(), Question{Name: "11.2.0.192.bl.example.", Type: TypeA}); err != nil {
		t.Error(err)
	}
	if c := site.Asked("bl.example"); c.Recursive != c.All {
		t.Errorf("the resolver was asked %+v, want recursion each time", c)
	}
}

func TestWhatANameServerDoesNotSayWithAuthorityIsNoAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		mode probestest.ZoneMode
		aa   bool
		want error
	}{
		"a listing without AA": {probestest.ZoneListWorld, false, ErrServFail},
		"nothing without AA":   {probestest.ZoneEmpty, false, ErrServFail},
		"a referral":           {probestest.ZoneReferral, false, ErrServFail},
		"REFUSED":              {probestest.ZoneRefused, false, ErrRefused},
		"SERVFAIL":             {probestest.ZoneServFail, true, ErrServFail},
		"over TCP too":         {probestest.ZoneTruncate, false, ErrServFail},
		"but with AA it is":    {probestest.ZoneEmpty, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, _, _ := delegated(t, c.mode, c.aa)
			at, err := r.NameServers(t.Context(), "bl.example.")
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.AskOne(t.Context(), Question{Name: "10.2.0.192.bl.example.", Type: TypeA, At: at})
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

// A name server that answers with an alias and nothing else does not know where the alias leads: that is
// not "no such record" (RFC 1034 section 4.3.2, step 3a).
func TestAnAliasIntoAnotherZoneIsNoAnswer(t *testing.T) {
	r, site, own := delegated(t, probestest.ZoneNormal, true)
	for _, d := range []*probestest.DNS{site, own} {
		d.SetName("10.2.0.192.bl.example", "CNAME listed.elsewhere.example.")
	}
	at, err := r.NameServers(t.Context(), "bl.example")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := r.AskOne(t.Context(), Question{Name: "10.2.0.192.bl.example.", Type: TypeA, At: at}); !errors.Is(err, ErrServFail) {
		t.Errorf("the zone's own server: %v, %v; want %v", a, err, ErrServFail)
	}
	// A resolver has followed the alias, and says that it leads to no address (RFC 2308 section 2.2, type 3).
	if a, err := r.AskOne(t.Context(), Question{Name: "10.2.0.192.bl.example.", Type: TypeA}); err != nil || a.String() != "NOERROR without records" {
		t.Errorf("the resolver: %v, %v", a, err)
	}
}

func TestOfSeveralNameServersALameOneCostsOneQuestion(t *testing.T) {
	r, _, own := delegated(t, probestest.ZoneNormal, true)
	lame := probestest.StartDNS(t, probestest.Zone{Name: "bl.example"})
	closed := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 99}), own.Addr().Port())
	at := newServers([]netip.AddrPort{closed, lame.Addr(), own.Addr()})
	for range 5 {
		a, err := r.AskOne(t.Context(), Question{Name: "2.0.0.127.bl.example.", Type: TypeA, At: at})
		if err != nil || a.Server != own.Addr().String() {
			t.Fatalf("answer %+v, %v", a, err)
		}
	}
	if n := lame.Asked("bl.example").All; n != 1 {
		t.Errorf("the lame server was asked %d times", n)
	}
}

func TestNameServersThatAreNotFound(t *testing.T) {
	for name, c := range map[string]struct {
		records map[string]string
		mode    probestest.ZoneMode
		want    error
	}{
		"no NS records":              {nil, "", ErrNoNameServers},
		"no address":                 {map[string]string{"bl.example": "NS ns.lists.example."}, "", ErrNoNameServers},
		"a null name":                {map[string]string{"bl.example": "NS ."}, "", ErrNoNameServers},
		"no address that can be one": {map[string]string{"bl.example": "NS ns.lists.example.", "ns.lists.example": "A 0.0.0.0"}, "", ErrNoNameServers},
		"the resolver refuses":       {nil, probestest.ZoneRefused, ErrRefused},
		"the resolver fails":         {nil, probestest.ZoneServFail, ErrServFail},
		"the zone is gone":           {nil, probestest.ZoneDead, ErrNoNameServers},
		"only referrals":             {nil, probestest.ZoneReferral, ErrServFail},
		"the loopback, in earnest":   {map[string]string{"bl.example": "NS ns.lists.example.", "ns.lists.example": "A 127.0.0.1"}, "", ErrNoNameServers},
	} {
		t.Run(name, func(t *testing.T) {
			site := probestest.StartDNS(t, probestest.Zone{Name: "bl.example", Mode: c.mode})
			for name, record := range c.records {
				site.SetName(name, record)
			}
			r, err := NewResolver(ResolverOptions{Servers: []string{site.Addr().String()}})
			if err != nil {
				t.Fatal(err)
			}
			at, err := r.NameServers(t.Context(), "bl.example")
			if !errors.Is(err, c.want) || at != nil {
				t.Errorf("%v, error %v, want %v", at, err, c.want)
			}
			if err == nil || !strings.Contains(err.Error(), "bl.example") {
				t.Errorf("error %v names no zone", err)
			}
		})
	}
}

func TestNameServersOfAPartOfAZoneAreThoseOfTheZone(t *testing.T) {
	site := probestest.StartDNS(t, probestest.Zone{Name: "lists.example"})
	site.SetName("bl.lists.example", `TXT "a name in the zone"`)
	site.SetName("lists.example", "NS ns.lists.example.")
	site.SetName("ns.lists.example", "AAAA ::1")
	r, err := NewResolver(ResolverOptions{Servers: []string{site.Addr().String()}, AuthorityPort: 5353})
	if err != nil {
		t.Fatal(err)
	}
	at, err := r.NameServers(t.Context(), "bl.lists.example")
	if err != nil || !slices.Equal(at.Names(), []string{"[::1]:5353"}) {
		t.Errorf("%v, %v", at, err)
	}
}

func TestNameServersAreBounded(t *testing.T) {
	site := probestest.StartDNS(t, probestest.Zone{Name: "bl.example"})
	var ns []string
	for i := range 20 {
		host := "ns" + string(rune('a'+i)) + ".lists.example"
		ns = append(ns, "NS "+host+".")
		var addrs []string
		for j := range 5 {
			addrs = append(addrs, "A "+netip.AddrFrom4([4]byte{127, 0, byte(i), byte(j + 1)}).String())
		}
		site.SetName(host, addrs...)
	}
	site.SetName("bl.example", ns...)
	r, err := NewResolver(ResolverOptions{Servers: []string{site.Addr().String()}, AuthorityPort: 5353})
	if err != nil {
		t.Fatal(err)
	}
	at, err := r.NameServers(t.Context(), "bl.example")
	if err != nil || len(at.Names()) != 12 {
		t.Errorf("%v, %v, want 6 servers with 2 addresses each", at, err)
	}
}

func TestAQuestionToNobodyIsNoAnswer(t *testing.T) {
	r, _, _ := delegated(t, "", true)
	if _, err := r.AskOne(t.Context(), Question{Name: "bl.example.", Type: TypeA, At: &Servers{}}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("error %v", err)
	}
}
