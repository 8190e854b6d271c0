package probes

import (
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reputed/probes/probestest"
)

const (
	listedName = "2.0.0.127.bl.example."
	cleanName  = "1.0.0.127.bl.example."
	// patient is a timeout that no passing test waits for. Hasty is one that a
	// test waits for because nothing ever comes; with fair there is a live server
	// besides, which answers in that time on any machine.
	patient = time.Minute
	hasty   = 30 * time.Millisecond
	fair    = time.Second
)

func testResolver(t testing.TB, opts ResolverOptions, servers ...*probestest.DNS) *Resolver {
	t.Helper()
	for _, s := range servers {
		opts.Servers = append(opts.Servers, s.Addr().String())
	}
	if opts.Timeout == 0 {
		opts.Timeout = patient
	}
	r, err := NewResolver(opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func blExample(mode probestest.ZoneMode) probestest.Zone {
	return probestest.Zone{Name: "bl.example", Mode: mode}
}

func TestAnswersAreReportedLiterally(t *testing.T) {
	for name, c := range map[string]struct {
		mode   probestest.ZoneMode
		opts   ResolverOptions
		listed string // answer to the listed name, or the error
		clean  string
	}{
		"an entry and no entry":                       {probestest.ZoneNormal, ResolverOptions{}, "127.0.0.2", "NXDOMAIN"},
		"a truncated answer is fetched over TCP":      {probestest.ZoneTruncate, ResolverOptions{}, "127.0.0.2", "NXDOMAIN"},
		"a server without EDNS is asked without":      {probestest.ZoneNoEDNS, ResolverOptions{}, "127.0.0.2", "NXDOMAIN"},
		"garbage before the answer is passed over":    {probestest.ZoneGarbageFirst, ResolverOptions{}, "127.0.0.2", "NXDOMAIN"},
		"a forged id is passed over":                  {probestest.ZoneForgedID, ResolverOptions{}, "127.0.0.2", "NXDOMAIN"},
		"a forged name is passed over":                {probestest.ZoneForgedName, ResolverOptions{}, "127.0.0.2", "NXDOMAIN"},
		"a forged type is passed over":                {probestest.ZoneForgedType, ResolverOptions{}, "127.0.0.2", "NXDOMAIN"},
		"a query is no response":                      {probestest.ZoneForgedQR, ResolverOptions{}, "127.0.0.2", "NXDOMAIN"},
		"a packet that ends early is no answer":       {probestest.ZoneCutFirst, ResolverOptions{}, "127.0.0.2", "NXDOMAIN"},
		"letters come back in any case":               {probestest.ZoneCaseFlip, ResolverOptions{}, "127.0.0.2", "NXDOMAIN"},
		"CNAMEs inside the answer are followed":       {probestest.ZoneCNAME, ResolverOptions{}, "127.0.0.2", "NXDOMAIN"},
		"a lost packet is sent again":                 {probestest.ZoneLossy, ResolverOptions{Timeout: fair}, "127.0.0.2", "NXDOMAIN"},
		"SERVFAIL is no answer":                       {probestest.ZoneServFail, ResolverOptions{}, "server failure (SERVFAIL)", "server failure (SERVFAIL)"},
		"REFUSED is no answer":                        {probestest.ZoneRefused, ResolverOptions{}, "refused (REFUSED)", "refused (REFUSED)"},
		"silence is no answer":                        {probestest.ZoneMute, ResolverOptions{Timeout: hasty}, "no answer", "no answer"},
		"a referral is not an empty answer":           {probestest.ZoneReferral, ResolverOptions{}, "server failure: it only refers to other servers; ask a resolver that recurses (NOERROR)", "server failure: it only refers to other servers; ask a resolver that recurses (NOERROR)"},
		"an address outside 127/8 is reported as any": {probestest.ZoneParked, ResolverOptions{}, "203.0.113.9", "203.0.113.9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := probestest.StartDNS(t, blExample(c.mode))
			r := testResolver(t, c.opts, d)
			for q, want := range map[string]string{listedName: c.listed, cleanName: c.clean} {
				a, err := r.AskOne(t.Context(), Question{Name: q, Type: TypeA})
				got := a.String()
				if err != nil {
					got = strings.TrimPrefix(err.Error(), "query "+q+" A at "+d.Addr().String()+": ")
				} else if a.Server != d.Addr().String() || a.RTT <= 0 {
					t.Errorf("%s: server %q, round trip %v", q, a.Server, a.RTT)
				}
				if got != want {
					t.Errorf("%s: got %s, want %s", q, got, want)
				}
			}
		})
	}
}

func TestErrorsHaveNames(t *testing.T) {
	closed := closedPort(t)
	long := strings.Repeat("abcdefghi.", 25) // 250 octets on the wire, with the root 251
	for name, c := range map[string]struct {
		mode   probestest.ZoneMode
		server string
		q      string
		want   error
	}{
		"silence":               {probestest.ZoneMute, "", listedName, ErrTimeout},
		"SERVFAIL":              {probestest.ZoneServFail, "", listedName, ErrServFail},
		"REFUSED":               {probestest.ZoneRefused, "", listedName, ErrRefused},
		"a closed port":         {"", closed, listedName, ErrUnreachable},
		"an empty label":        {"", "", "a..bl.example.", ErrName},
		"an empty name":         {"", "", "", ErrName},
		"a label of 64":         {"", "", strings.Repeat("a", 64) + ".bl.example.", ErrName},
		"a name of 256 octets":  {"", "", long + "abcd.", ErrName},
		"a name of 257 octets":  {"", "", long + "abcde.", ErrName},
		"a name of 255 is fine": {"", "", long + "abc.", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := ResolverOptions{Timeout: hasty}
			if c.want != ErrTimeout {
				opts.Timeout = patient
			}
			d := probestest.StartDNS(t, blExample(c.mode))
			opts.Servers = []string{d.Addr().String()}
			if c.server != "" {
				opts.Servers = []string{c.server}
			}
			_, err := testResolver(t, opts).AskOne(t.Context(), Question{Name: c.q, Type: TypeA})
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			var ask *AskError
			if err != nil && (!errors.As(err, &ask) || ask.Question.Name != c.q) {
				t.Errorf("%v does not say which question", err)
			}
		})
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	return pc.LocalAddr().String()
}

func TestAnotherServerIsTried(t *testing.T) {
	for name, c := range map[string]struct {
		first probestest.ZoneMode
		asked int // how often the first server was asked
	}{
		"after SERVFAIL": {probestest.ZoneServFail, 1},
		"after REFUSED":  {probestest.ZoneRefused, 1},
		"after silence":  {probestest.ZoneMute, 1},
		"not without":    {probestest.ZoneNormal, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := probestest.StartDNS(t, blExample(c.first))
			good := probestest.StartDNS(t, blExample(""))
			opts := ResolverOptions{}
			if c.first == probestest.ZoneMute {
				opts.Timeout = fair
			}
			r := testResolver(t, opts, bad, good)
			for _, q := range []string{listedName, cleanName} {
				a, err := r.AskOne(t.Context(), Question{Name: q, Type: TypeA})
				if err != nil {
					t.Fatal(err)
				}
				if c.first != "" && a.Server != good.Addr().String() {
					t.Errorf("answer by %s, want the second server", a.Server)
				}
			}
			got := bad.Asked("bl.example").All
			// SERVFAIL is an answer: the server is well, and is asked first again.
			if c.first == probestest.ZoneServFail || c.first == probestest.ZoneRefused {
				got--
			}
			if got != c.asked {
				t.Errorf("the first server was asked %d times, want %d", got, c.asked)
			}
		})
	}
}

func TestAServerThatSaidNoIsNotAskedTheSameAgain(t *testing.T) {
	d := probestest.StartDNS(t, blExample(probestest.ZoneServFail))
	_, err := testResolver(t, ResolverOptions{Tries: 5}, d).AskOne(t.Context(), Question{Name: listedName, Type: TypeA})
	if n := d.Asked("bl.example").All; !errors.Is(err, ErrServFail) || n != 1 {
		t.Errorf("asked %d times, %v", n, err)
	}
}

func TestASecondOpinionComesFromAnotherServer(t *testing.T) {
	one, two := probestest.StartDNS(t, blExample("")), probestest.StartDNS(t, blExample(""))
	r := testResolver(t, ResolverOptions{}, one, two)
	q := Question{Name: listedName, Type: TypeA}
	a, err := r.AskOne(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	q.Avoid = a.Server
	b, err := r.AskOne(t.Context(), q)
	if err != nil || a.Server == b.Server {
		t.Errorf("first %s, then %s, %v", a.Server, b.Server, err)
	}
	alone := testResolver(t, ResolverOptions{}, one)
	if b, err = alone.AskOne(t.Context(), q); err != nil || b.Server != a.Server {
		t.Errorf("with one server only: %v, %v", b, err)
	}
}

func TestWhatIsReportedWhenServersFailDifferently(t *testing.T) {
	for name, c := range map[string]struct {
		modes []probestest.ZoneMode
		want  error
	}{
		"what was said counts for more than silence": {[]probestest.ZoneMode{probestest.ZoneRefused, probestest.ZoneMute}, ErrRefused},
		"refused only if all that spoke refused":     {[]probestest.ZoneMode{probestest.ZoneRefused, probestest.ZoneServFail}, ErrServFail},
		"the order does not matter":                  {[]probestest.ZoneMode{probestest.ZoneServFail, probestest.ZoneRefused}, ErrServFail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var servers []*probestest.DNS
			for _, m := range c.modes {
				servers = append(servers, probestest.StartDNS(t, blExample(m)))
			}
			opts := ResolverOptions{}
			if slices.Contains(c.modes, probestest.ZoneMute) {
				opts.Timeout = fair
			}
			_, err := testResolver(t, opts, servers...).AskOne(t.Context(), Question{Name: listedName, Type: TypeA})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestTextsArriveAsTheListWroteThem(t *testing.T) {
	d := probestest.StartDNS(t, blExample(""))
	reason := `listed; "see" C:\new\012 https://bl.example/?ip=192.0.2.10 ` + strings.Repeat("0123456789", 40) + " ü\x1b[31m"
	d.SetListed("bl.example", "192.0.2.10", reason)
	a, err := testResolver(t, ResolverOptions{}, d).AskOne(t.Context(), Question{Name: "10.2.0.192.BL.example.", Type: TypeTXT})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Records) != 1 || a.Records[0].Text != reason {
		t.Errorf("got  %q\nwant %q", a, reason)
	}
}

func TestNegativeAnswersCarryTheirSOA(t *testing.T) {
	d := probestest.StartDNS(t, probestest.Zone{Name: "bl.example", Minimum: 150 * time.Second, Authoritative: true})
	a, err := testResolver(t, ResolverOptions{}, d).AskOne(t.Context(), Question{Name: cleanName, Type: TypeA})
	want := SOA{Zone: "bl.example.", Minimum: 150 * time.Second, Ceiling: 150 * time.Second}
	if err != nil || a.SOA != want || !a.Authoritative || a.Exists() {
		t.Errorf("got %+v, %v; want SOA %+v", a, err, want)
	}
}

// rawDNS answers each packet with what reply makes of it, octet by octet.
func rawDNS(t *testing.T, addr string, reply func([]byte) [][]byte) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			for _, p := range reply(buf[:n]) {
				_, _ = pc.WriteTo(p, from)
			}
		}
	}()
	t.Cleanup(func() { pc.Close(); <-done })
	return pc.LocalAddr().String()
}

func TestABareHeaderEndsTheTryButDecidesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		rcode byte
		want  error
		times int32 // 0: as often as there is time for
	}{
		"FORMERR: asked again without EDNS": {1, ErrServFail, 2},
		"REFUSED":                           {5, ErrRefused, 1},
		"NXDOMAIN proves nothing":           {3, ErrTimeout, 0},
		"NOERROR proves nothing":            {0, ErrTimeout, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			addr := rawDNS(t, "127.0.0.1:0", func(q []byte) [][]byte {
				asked.Add(1)
				return [][]byte{{q[0], q[1], 0x80, c.rcode, 0, 0, 0, 0, 0, 0, 0, 0}}
			})
			opts := ResolverOptions{Servers: []string{addr}}
			if c.want == ErrTimeout {
				opts.Timeout = hasty
			}
			_, err := testResolver(t, opts).AskOne(t.Context(), Question{Name: listedName, Type: TypeA})
			if n := asked.Load(); !errors.Is(err, c.want) || c.times > 0 && n != c.times {
				t.Errorf("got %v after asking %d times, want %v after %d", err, n, c.want, c.times)
			}
		})
	}
}

func TestTheDebugLogNamesNoQuestion(t *testing.T) {
	d := probestest.StartDNS(t, blExample(""))
	var log strings.Builder
	r := testResolver(t, ResolverOptions{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}, d)
	for _, q := range []string{"key.bl.example.", "key..bl.example."} {
		_, _ = r.AskOne(t.Context(), Question{Name: q, Type: TypeA, Group: "Example"})
	}
	if s := log.String(); strings.Count(s, "operator=Example") != 2 || strings.Contains(s, "key") || !strings.Contains(s, "rcode=NXDOMAIN") {
		t.Errorf("log: %s", s)
	}
}
