package acceptance

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

// names is a DNS: records by "name type", in the form of [probes.Answer.Records]. A name that is not there
// does not exist; an empty list is no answer.
type table map[string][]string

func (n table) Ask(ctx context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error {
	for q := range questions {
		a := probes.Answer{RCode: "NXDOMAIN"}
		texts, ok := n[strings.TrimSuffix(q.Name, ".")+" "+string(q.Type)]
		switch {
		case ok && len(texts) == 0:
			got(q, probes.Answer{}, &probes.AskError{Question: q, Err: probes.ErrTimeout})
			continue
		case ok:
			a.RCode = "NOERROR"
		}
		for _, text := range texts {
			r := probes.Record{Text: text}
			r.Addr, _ = netip.ParseAddr(text)
			a.Records = append(a.Records, r)
		}
		got(q, a, nil)
	}
	return ctx.Err()
}

func startSMTP(t *testing.T, opts probestest.SMTPOptions) *probestest.SMTP {
	t.Helper()
	s, err := probestest.StartSMTP(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if m := s.Messages(); len(m) > 0 {
			t.Errorf("it was told %q", m)
		}
	})
	return s
}

// origin knocks from an address of the loopback in the name of another.
func origin(t *testing.T, name, from string) Origin {
	t.Helper()
	r, err := probes.NewReceiver(probes.ReceiverOptions{Helo: "monitor.example.org", From: netip.MustParseAddr(from)})
	if err != nil {
		t.Fatal(err)
	}
	return Origin{address(name), r}
}

func address(s string) checks.Target { return checks.Address(netip.MustParseAddr(s)) }

// at is a receiver behind a double.
func at(domain string, s ...*probestest.SMTP) Destination {
	d := Destination{Domain: domain}
	for _, s := range s {
		d.Hosts = append(d.Hosts, Host{Name: s.Addr().Addr().String(), Port: s.Addr().Port()})
	}
	return d
}

func hastily(t *testing.T) Round { return Round{Asker: table{}, Rules: rules(t), Pause: -1, Gap: -1} }

func TestKnock(t *testing.T) {
	listed := "554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org"
	for name, c := range map[string]struct {
		smtp    probestest.SMTPOptions
		agreed  bool
		outcome Outcome
		vendor  string
		source  string // of the refusal
	}{
		"an open door":                                 {probestest.SMTPOptions{}, false, Accepted, "", ""},
		"an open door to postmaster":                   {probestest.SMTPOptions{}, true, Accepted, "", ""},
		"a Cisco gateway turns us away":                {probestest.SMTPOptions{Mode: probestest.SMTPRefuse}, false, Refused, "Cisco Talos", "cisco-talos"},
		"a list is named":                              {probestest.SMTPOptions{Mode: probestest.SMTPRefuse, Reply: listed}, false, Refused, "", "spamhaus-zen"},
		"a door that is shut without a word":           {probestest.SMTPOptions{Mode: probestest.SMTPRefuse, Reply: "554 mx.example.net"}, false, Refused, "", "example.net"},
		"no service here, for us at least":             {probestest.SMTPOptions{Mode: probestest.SMTPRefuse, Reply: "554 No SMTP service here"}, false, Refused, "", "example.net"},
		"a fault of the system is none of ours":        {probestest.SMTPOptions{Mode: probestest.SMTPRefuse, Reply: "554 5.3.2 mx.example.net system not accepting network messages"}, false, NoAnswer, "", ""},
		"put off for reputation with 421":              {probestest.SMTPOptions{Mode: probestest.SMTPRefuse, Reply: "421 4.7.0 [TSS04] Messages from 192.0.2.10 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1"}, false, Refused, "Yahoo", "yahoo"},
		"too busy is no refusal":                       {probestest.SMTPOptions{Mode: probestest.SMTPBusy}, false, Busy, "", ""},
		"greylisting is no refusal":                    {probestest.SMTPOptions{Mode: probestest.SMTPGreylist}, true, Accepted, "", ""},
		"no mailbox postmaster is no refusal":          {probestest.SMTPOptions{NoSuch: []string{"postmaster@example.net"}}, true, Accepted, "", ""},
		"a firewall that overwrites is an open door":   {probestest.SMTPOptions{Mode: probestest.SMTPPix}, false, Accepted, "", ""},
		"a connection that is closed proves nothing":   {probestest.SMTPOptions{Mode: probestest.SMTPClose}, false, NoAnswer, "", ""},
		"another protocol proves nothing":              {probestest.SMTPOptions{Mode: probestest.SMTPGarbage}, false, NoAnswer, "", ""},
		"a greeting without an end proves nothing":     {probestest.SMTPOptions{Mode: probestest.SMTPEndless}, false, NoAnswer, "", ""},
		"a greeting that breaks off is not half taken": {probestest.SMTPOptions{Mode: probestest.SMTPCut, CutAt: 20}, false, NoAnswer, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := startSMTP(t, c.smtp)
			d := at("example.net", s)
			d.Agreed = c.agreed
			all := hastily(t).Run(t.Context(), []Destination{d}, []Origin{origin(t, "192.0.2.10", "127.0.0.2")})
			if len(all) != 1 {
				t.Fatalf("%d knocks", len(all))
			}
			k := all[0]
			if k.Outcome != c.outcome || k.Vendor != c.vendor {
				t.Errorf("%s by %q (%s), want %s by %q", k.Outcome, k.Vendor, k.Reason, c.outcome, c.vendor)
			}
			if visits := map[bool]int{true: 2, false: 1}[c.outcome == Refused && k.Diagnostic.Reply != "421"]; s.Visits() != visits {
				t.Errorf("%d visits, want %d: a refusal is asked for twice, and nothing else", s.Visits(), visits)
			}
			for _, said := range s.Commands() {
				if rcpt := strings.HasPrefix(said, "RCPT"); rcpt && (!c.agreed || said != "RCPT TO:<postmaster@example.net>") {
					t.Errorf("said %q", said)
				}
			}
			findings, standing := Judge(all, JudgeOptions{Now: time.Now()})
			if c.outcome != Refused {
				if len(findings)+len(standing) != 0 {
					t.Errorf("findings %+v", findings)
				}
				return
			}
			if len(findings) != 1 || findings[0].Status != checks.Problem || findings[0].Key.Source != c.source || len(standing) != 1 {
				t.Fatalf("findings %+v", findings)
			}
		})
	}
}

// TestBusyStopsTheReceiver: whoever says 421 is left alone, for all our addresses and all domains behind the same server.
func TestBusyStopsTheReceiver(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{Mode: probestest.SMTPBusy})
	one, two := at("example.net", s), at("example.org", s)
	one.Vendor, two.Vendor = "Example", "Example"
	all := hastily(t).Run(t.Context(), []Destination{one, two}, []Origin{origin(t, "192.0.2.10", "127.0.0.2"), origin(t, "192.0.2.11", "127.0.0.3")})
	var got []Outcome
	for _, k := range all {
		got = append(got, k.Outcome)
	}
	if want := []Outcome{Busy, NotAsked, NotAsked, NotAsked}; !slices.Equal(got, want) || s.Visits() != 1 {
		t.Errorf("%v in %d visits, want %v in one", got, s.Visits(), want)
	}
}

// TestOneConversationAReceiver: however many addresses and domains.
func TestOneConversationAReceiver(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{})
	var destinations []Destination
	for _, domain := range []string{"example.net", "example.org", "example.com"} {
		d := at(domain, s)
		d.Vendor = "Example"
		destinations = append(destinations, d)
	}
	var origins []Origin
	for i := range 4 {
		origins = append(origins, origin(t, fmt.Sprintf("192.0.2.%d", 10+i), fmt.Sprintf("127.0.0.%d", 2+i)))
	}
	all := hastily(t).Run(t.Context(), destinations, origins)
	if len(all) != 12 || s.Visits() != 12 || s.AtOnce() != 1 {
		t.Errorf("%d knocks, %d visits, %d at once", len(all), s.Visits(), s.AtOnce())
	}
}

// TestARefusalThatPassesIsNone: two answers that contradict each other prove nothing.
func TestARefusalThatPassesIsNone(t *testing.T) {
	refused, accepted := Knock{Outcome: Refused}, Knock{Outcome: Accepted}
	for name, c := range map[string]struct {
		first, second Knock
		want          Outcome
	}{
		"twice refused":            {refused, refused, Refused},
		"twice let in":             {accepted, accepted, Accepted},
		"refused, then let in":     {refused, accepted, NoAnswer},
		"let in, then refused":     {accepted, refused, NoAnswer},
		"refused, then no answer":  {refused, Knock{Outcome: NoAnswer}, NoAnswer},
		"refused, then busy":       {refused, Knock{Outcome: Busy}, NoAnswer},
		"let in, then out of time": {accepted, Knock{Outcome: NotAsked}, NoAnswer},
	} {
		if got := confirmed(c.first, c.second); got.Outcome != c.want {
			t.Errorf("%s: %s, want %s", name, got.Outcome, c.want)
		}
	}
}

func TestServersOfAReceiver(t *testing.T) {
	zone := table{
		"example.net MX": {"20 mx2.example.net.", "10 mx1.example.net."}, "mx1.example.net A": {"192.0.2.25"}, "mx1.example.net AAAA": {"2001:db8::25"}, "mx2.example.net A": {"192.0.2.26"},
		"example.org A":   {"192.0.2.27"},
		"null.example MX": {"0 ."},
		"mute.example MX": {},
		"half.example MX": {"10 mx1.half.example.", "20 mx2.half.example."}, "mx1.half.example A": {}, "mx2.half.example A": {"192.0.2.28"},
		"bare.example MX": {"10 nowhere.example."},
	}
	for name, c := range map[string]struct {
		d    Destination
		want string
		why  string
	}{
		"by preference":               {Destination{Domain: "example.net"}, "mx1.example.net/192.0.2.25:25 mx1.example.net/[2001:db8::25]:25 mx2.example.net/192.0.2.26:25", ""},
		"no MX: the domain itself":    {Destination{Domain: "example.org"}, "example.org/192.0.2.27:25", ""},
		"null MX: it takes no mail":   {Destination{Domain: "null.example"}, "", "takes no mail"},
		"no answer: nothing is known": {Destination{Domain: "mute.example"}, "", "not known"},
		"one of two has no answer":    {Destination{Domain: "half.example"}, "mx2.half.example/192.0.2.28:25", ""},
		"a host without address":      {Destination{Domain: "bare.example"}, "", "no address"},
		"hosts given stand for MX":    {Destination{Domain: "example.net", Hosts: []Host{{"192.0.2.99", 2525}, {"mx2.example.net", 0}}}, "/192.0.2.99:2525 mx2.example.net/192.0.2.26:25", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := lookUp(t.Context(), zone, c.d)
			var servers []string
			for _, s := range got.servers {
				servers = append(servers, s.host+"/"+s.addr.String())
			}
			if strings.Join(servers, " ") != c.want || !strings.Contains(got.why, c.why) || (c.why == "") != (got.why == "") {
				t.Errorf("servers %q, %q", servers, got.why)
			}
		})
	}
}

// TestTheNextServerIsTried: where the first cannot be reached, as an MTA does; not where it says no.
func TestTheNextServerIsTried(t *testing.T) {
	gone := startSMTP(t, probestest.SMTPOptions{})
	gone.Close()
	up, no := startSMTP(t, probestest.SMTPOptions{}), startSMTP(t, probestest.SMTPOptions{Mode: probestest.SMTPRefuse})
	o := []Origin{origin(t, "192.0.2.10", "127.0.0.2")}
	if all := hastily(t).Run(t.Context(), []Destination{at("example.net", gone, up)}, o); all[0].Outcome != Accepted || len(all[0].Visits) != 2 {
		t.Errorf("%s in %d visits", all[0].Outcome, len(all[0].Visits))
	}
	if all := hastily(t).Run(t.Context(), []Destination{at("example.net", no, up)}, o); all[0].Outcome != Refused || up.Visits() != 1 {
		t.Errorf("%s, and %d visits at the second", all[0].Outcome, up.Visits())
	}
	v6 := []Origin{{address("2001:db8::10"), o[0].Visitor}}
	if all := hastily(t).Run(t.Context(), []Destination{at("example.net", up)}, v6); all[0].Outcome != NotAsked {
		t.Errorf("from IPv6 to IPv4: %s", all[0].Outcome)
	}
}

func TestTheEndOfTheContextEndsARound(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	all := hastily(t).Run(ctx, []Destination{at("example.net", s)}, []Origin{origin(t, "192.0.2.10", "127.0.0.2")})
	if len(all) != 1 || all[0].Outcome != NotAsked || s.Visits() != 0 {
		t.Errorf("%+v", all)
	}
}

func TestSample(t *testing.T) {
	var all []checks.Target
	for i := range 6 {
		a := address(fmt.Sprintf("192.0.2.%d", 10+i))
		a.Pool = []string{"a", "b"}[i/3]
		all = append(all, a)
	}
	troubled := func(t checks.Target) bool { return t.String() == "192.0.2.12" }
	seen := map[string]bool{}
	begin := time.Unix(0, 0)
	for hour := range 60 {
		got := Sample(all, troubled, begin.Add(time.Duration(2*hour)*time.Hour))
		for _, g := range got {
			seen[g.String()] = true
		}
		if !slices.ContainsFunc(got, troubled) || len(got) > 3 {
			t.Errorf("hour %d: %v, want one of each pool and the one in trouble", hour, got)
		}
	}
	if len(seen) != len(all) {
		t.Errorf("%d of %d had their turn", len(seen), len(all))
	}
}

func TestChoose(t *testing.T) {
	got := Choose([]Flow{
		{"c1.example", "Cisco Talos", 10}, {"c2.example", "Cisco Talos", 90}, {"c3.example", "Cisco Talos", 20},
		{"g.example", "Google", 500}, {"own.example", "", 5}, {"own2.example", "", 7}, {"own3.example", "", 1}, {"none.example", "Mimecast", 0},
	}, 2, 4)
	var domains []string
	for _, d := range got {
		domains = append(domains, d.Domain)
	}
	if want := []string{"g.example", "c2.example", "c3.example", "own2.example"}; !slices.Equal(domains, want) {
		t.Errorf("%v, want %v", domains, want)
	}
}
