package dnsbl

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

// Every cell of the table of verdicts: what a list does, how the answer about a
// target reads, and what may be told when the pair was not known and when it was.
func TestTableOfVerdicts(t *testing.T) {
	const target = "192.0.2.10"
	codes := func(texts ...string) func(*probestest.DNS) {
		return func(d *probestest.DNS) {
			var addrs []netip.Addr
			for _, c := range texts {
				addrs = append(addrs, netip.MustParseAddr(c))
			}
			d.SetListed("bl.example", target, "because", addrs...)
		}
	}
	table := []blocklists.Code{
		{Match: "127.0.0.2", Meaning: "spam source", Class: blocklists.Listed, Severity: blocklists.SeverityCritical},
		{Match: "127.0.0.10", Meaning: "dynamic range", Class: blocklists.Policy, Severity: blocklists.SeverityMajor},
		{Match: "127.0.0.20", Meaning: "bad neighbours", Class: blocklists.Informational},
		{Match: "127.0.0.30", Meaning: "well known", Class: blocklists.Good},
	}
	for name, c := range map[string]struct {
		zone   probestest.Zone
		set    func(*probestest.DNS)
		want   blocklists.Class
		state  State
		fresh  string // codes told when nothing is known
		known  string // when everything is
		status checks.Status
	}{
		"listed":                        {set: codes("127.0.0.2"), want: blocklists.Listed, state: Working, fresh: "dnsbl.listed", known: "dnsbl.listed monitor.ok monitor.ok", status: checks.Problem},
		"policy":                        {set: codes("127.0.0.10"), want: blocklists.Policy, state: Working, fresh: "dnsbl.policy", known: "dnsbl.policy monitor.ok monitor.ok", status: checks.Problem},
		"the worst of several":          {set: codes("127.0.0.30", "127.0.0.10", "127.0.0.2"), want: blocklists.Listed, state: Working, fresh: "dnsbl.listed", known: "dnsbl.listed monitor.ok monitor.ok", status: checks.Problem},
		"informational":                 {set: codes("127.0.0.20"), want: blocklists.Informational, state: Working, fresh: "dnsbl.informational", known: "dnsbl.informational monitor.ok monitor.ok", status: checks.Problem},
		"a code nobody documented":      {set: codes("127.0.0.99"), want: blocklists.Informational, state: Working, fresh: "dnsbl.informational", known: "dnsbl.informational monitor.ok monitor.ok", status: checks.Problem},
		"good takes nothing back":       {set: codes("127.0.0.30"), want: blocklists.Good, state: Working, fresh: "", known: "dnsbl.unknown monitor.ok monitor.ok", status: checks.Unknown},
		"clean":                         {want: blocklists.Clean, state: Working, fresh: "", known: "dnsbl.clean monitor.ok monitor.ok", status: checks.OK},
		"clean over TCP":                {zone: probestest.Zone{Mode: probestest.ZoneTruncate}, want: blocklists.Clean, state: Working, fresh: "", known: "dnsbl.clean monitor.ok monitor.ok", status: checks.OK},
		"refusal code":                  {zone: probestest.Zone{Mode: probestest.ZoneRefusalCode}, want: blocklists.Refused, state: Refused, fresh: "list.refused", known: "dnsbl.unknown list.refused monitor.ok", status: checks.Unknown},
		"rcode REFUSED":                 {zone: probestest.Zone{Mode: probestest.ZoneRefused}, want: blocklists.Refused, state: Refused, fresh: "list.refused", known: "dnsbl.unknown list.refused monitor.ok", status: checks.Unknown},
		"NXDOMAIN for its test entry":   {zone: probestest.Zone{Mode: probestest.ZoneEmpty}, want: blocklists.Refused, state: Refused, fresh: "list.refused", known: "dnsbl.unknown list.refused monitor.ok", status: checks.Unknown},
		"refusal in the middle":         {set: codes("127.255.255.254"), want: blocklists.Refused, state: Refused, fresh: "list.refused", known: "dnsbl.unknown list.refused monitor.ok", status: checks.Unknown},
		"refusal beside a listing":      {set: codes("127.0.0.2", "127.255.255.255"), want: blocklists.Refused, state: Refused, fresh: "list.refused", known: "dnsbl.unknown list.refused monitor.ok", status: checks.Unknown},
		"lists the world":               {zone: probestest.Zone{Mode: probestest.ZoneListWorld}, want: blocklists.Unusable, state: Unusable, fresh: "list.unusable", known: "dnsbl.unknown list.unusable monitor.ok", status: checks.Unknown},
		"parked":                        {zone: probestest.Zone{Mode: probestest.ZoneParked}, want: blocklists.Unusable, state: Unusable, fresh: "list.unusable", known: "dnsbl.unknown list.unusable monitor.ok", status: checks.Unknown},
		"gone":                          {zone: probestest.Zone{Mode: probestest.ZoneDead}, want: blocklists.Unusable, state: Unusable, fresh: "list.unusable", known: "dnsbl.unknown list.unusable monitor.ok", status: checks.Unknown},
		"outside 127/8 in the middle":   {set: codes("203.0.113.9"), want: blocklists.Unusable, state: Unusable, fresh: "list.unusable", known: "dnsbl.unknown list.unusable monitor.ok", status: checks.Unknown},
		"outside 127/8 and a listing":   {set: codes("127.0.0.2", "203.0.113.9"), want: blocklists.Unusable, state: Unusable, fresh: "list.unusable", known: "dnsbl.unknown list.unusable monitor.ok", status: checks.Unknown},
		"127.0.0.1 in the middle":       {set: codes("127.0.0.1"), want: blocklists.Unusable, state: Unusable, fresh: "list.unusable", known: "dnsbl.unknown list.unusable monitor.ok", status: checks.Unknown},
		"silence":                       {zone: probestest.Zone{Mode: probestest.ZoneMute}, want: blocklists.Unknown, state: Unknown, fresh: "list.unknown", known: "dnsbl.unknown list.unknown monitor.ok", status: checks.Unknown},
		"SERVFAIL":                      {zone: probestest.Zone{Mode: probestest.ZoneServFail}, want: blocklists.Unknown, state: Unknown, fresh: "list.unknown", known: "dnsbl.unknown list.unknown monitor.ok", status: checks.Unknown},
		"a referral":                    {zone: probestest.Zone{Mode: probestest.ZoneReferral}, want: blocklists.Unknown, state: Unknown, fresh: "list.unknown", known: "dnsbl.unknown list.unknown monitor.ok", status: checks.Unknown},
		"forged answers change nothing": {zone: probestest.Zone{Mode: probestest.ZoneForgedName}, want: blocklists.Clean, state: Working, fresh: "", known: "dnsbl.clean monitor.ok monitor.ok", status: checks.OK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.zone.Name = "bl.example"
			// A second and a third list that work, so that one without an answer is not most of them.
			d := probestest.StartDNS(t, c.zone, probestest.Zone{Name: "second.example"}, probestest.Zone{Name: "third.example"})
			if c.set != nil {
				c.set(d)
			}
			zone := list4("bl")
			zone.Decode, zone.Codes = blocklists.Exact, table
			asker := impatient{
				group:   "Operator of bl",
				with:    resolver(t, d, probes.ResolverOptions{Timeout: 30 * time.Millisecond, Tries: 1}),
				patient: resolver(t, d, probes.ResolverOptions{Timeout: time.Minute}),
			}
			if c.zone.Mode != probestest.ZoneMute {
				asker.with = asker.patient
			}
			check := Check{Asker: asker, Zones: []blocklists.Zone{zone, list4("second"), list4("third")}}
			// Of the two that work only their being well is of no interest here.
			onlyThis := func(k checks.Key) bool {
				return k.Source == "bl" || k.Target == "list:bl" || k.Source == "" && k.Check == "resolver"
			}
			for _, run := range []struct {
				known func(checks.Key) bool
				want  string
			}{{none, c.fresh}, {onlyThis, c.known}} {
				got := runCheck(t.Context(), check, run.known, addr(target))
				if got.err != nil {
					t.Fatal(got.err)
				}
				if codes := strings.Join(got.codes(), " "); codes != run.want {
					t.Errorf("told %q, want %q", codes, run.want)
				}
				key := checks.Key{Check: "dnsbl", Target: target, Source: "bl"}
				if v := got.each[key]; v.Class != c.want || v.Why == "" && (v.Class == blocklists.Refused || v.Class == blocklists.Unusable || v.Class == blocklists.Unknown) {
					t.Errorf("verdict %+v, want %s", v, c.want)
				}
				if l := got.list("bl"); l.State != c.state || l.Pairs() != 1 || (l.Why == "") != (c.state == Working) {
					t.Errorf("list %+v, want state %s", l, c.state)
				}
				for _, f := range got.about(target) {
					if f.Status != c.status {
						t.Errorf("status %s, want %s", f.Status, c.status)
					}
				}
			}
		})
	}
}

func TestAListingSaysHowWeKnow(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d, err := probestest.NewDNS(probestest.Zone{Name: "bl.example"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.SetListed("bl.example", "192.0.2.10", "see\nhttps://bl.example/?192.0.2.10 \x1b[31m")
	check := Check{Asker: resolver(t, d, probes.ResolverOptions{}), Zones: []blocklists.Zone{list4("bl")}, Servers: []string{"192.0.2.53:53"}}
	got := runCheck(t.Context(), check, none, addr("192.0.2.10"), addr("192.0.2.11"), addr("192.0.2.12"))
	if len(got.findings) != 1 {
		t.Fatalf("findings: %+v", got.findings)
	}
	f := got.findings[0]
	at := d.Addr().String()
	want := checks.Finding{
		Key:  checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "bl"},
		Code: checks.CodeListed, Target: addr("192.0.2.10"), Status: checks.Problem, Severity: checks.Major,
		Summary: "192.0.2.10 is listed by List bl: listed; the code gives no reason",
		Facts: map[string]string{"address": "192.0.2.10", "list": "bl", "list_name": "List bl", "zone": "bl.example", "codes": "127.0.0.2",
			"meaning": "listed; the code gives no reason", "reason": "see https://bl.example/?192.0.2.10 [31m", "servers": "192.0.2.53:53", "operator": "Operator of bl",
			"lookup_url": "https://bl.example/?ip=192.0.2.10", "removal_url": "https://bl.example/remove/192.0.2.10"},
		Evidence: []checks.Evidence{{Question: "10.2.0.192.bl.example. A", Answer: "127.0.0.2", Reason: "see\nhttps://bl.example/?192.0.2.10 \x1b[31m", Via: at,
			Controls: "2.0.0.127.bl.example. A: 127.0.0.2; 1.0.0.127.bl.example. A: NXDOMAIN"}},
	}
	if f.At.Before(runAt) || f.At.Sub(runAt) > time.Hour || f.Evidence[0].At != f.At {
		t.Errorf("at %v, evidence at %v; the run's time is %v", f.At, f.Evidence[0].At, runAt)
	}
	if wire := f.Evidence[0].Wire; !strings.HasPrefix(wire, "NOERROR, flags qr rd ra, TTL 300 s, ") || !strings.HasSuffix(wire, " ms") {
		t.Errorf("wire %q", wire)
	}
	f.At, f.Evidence[0].At, f.Evidence[0].Wire = time.Time{}, time.Time{}, ""
	if diff := cmp.Diff(want, f, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if n := d.Asked("bl.example"); n.TXT != 1 || n.A != 7 || n.SOA != 0 {
		t.Errorf("asked %+v; want one TXT for the one listed, three targets, and two controls before and after", n)
	}
	if got.evidence[f.Key].Reason == "" {
		t.Error("Each was told no reason")
	}
	if r := got.result; r.Targets != 3 || r.Asked != 3 || r.Answered != 3 || r.Worst() != checks.Major || r.Policy() || r.UnknownShare() != 0 || r.CannotTell() != nil {
		t.Errorf("result %+v", r)
	}
}

func TestARemovalSaysHowLongItMayBeCached(t *testing.T) {
	for name, c := range map[string]struct {
		zone probestest.Zone
		want time.Duration
	}{
		"the SOA minimum":               {probestest.Zone{Minimum: 150 * time.Second}, 150 * time.Second},
		"no longer than caches keep it": {probestest.Zone{Minimum: 24 * time.Hour}, 3 * time.Hour},
		"its own name servers know":     {probestest.Zone{Minimum: 150 * time.Second, Authoritative: true}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.zone.Name = "bl.example"
			d := probestest.StartDNS(t, c.zone)
			got := runCheck(t.Context(), Check{Asker: resolver(t, d, probes.ResolverOptions{}), Zones: []blocklists.Zone{list4("bl")}}, all, addr("192.0.2.10"))
			fs := got.about("192.0.2.10")
			if len(fs) != 1 || fs[0].Status != checks.OK || fs[0].Settle != c.want {
				t.Errorf("got %+v, want settle %v", fs, c.want)
			}
		})
	}
}

func TestEachListIsAskedOnlyForWhatItServes(t *testing.T) {
	v6 := list4("six")
	v6.Families, v6.Controls = []blocklists.Family{blocklists.IPv4, blocklists.IPv6}, blocklists.RFC5782Controls(blocklists.IPv4, blocklists.IPv6)
	names := list4("names")
	names.Families, names.Controls = []blocklists.Family{blocklists.Name}, blocklists.RFC5782Controls(blocklists.Name)
	d := probestest.StartDNS(t, probestest.Zone{Name: "four.example"}, probestest.Zone{Name: "six.example"}, probestest.Zone{Name: "names.example"}, probestest.Zone{Name: "idle.example"})
	d.SetListed("six.example", "2001:db8::25", "")
	d.SetListed("names.example", "example.org", "")
	idle := list4("idle")
	idle.Families = nil
	check := Check{Asker: resolver(t, d, probes.ResolverOptions{}), Zones: []blocklists.Zone{list4("four"), v6, names, idle}}
	got := runCheck(t.Context(), check, none, addr("192.0.2.10"), addr("2001:db8::25"), domain(t, "mail.example.org"), checks.Receiver("example.net"))
	var listed []string
	for _, f := range got.findings {
		listed = append(listed, f.Key.Target+" "+f.Key.Source+" "+f.Evidence[0].Question)
	}
	want := []string{
		"2001:db8::25 six 5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.six.example. A",
		// A host is asked for as it is, and as the domain that the organisation registered.
		"mail.example.org names example.org.names.example. A",
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Error(diff)
	}
	for id, want := range map[string][3]int{"four": {1, 1, 2}, "six": {2, 2, 1}, "names": {1, 1, 2}, "idle": {0, 0, 3}} {
		l := got.list(id)
		if got := [3]int{l.Asked, l.Pairs(), l.NotCovered}; got != want {
			t.Errorf("%s: asked, pairs, not covered: %v, want %v", id, got, want)
		}
	}
	if s := got.list("idle").State; s != NotNeeded {
		t.Errorf("idle: %s", s)
	}
	// Controls are asked only for the families that targets need.
	if n := d.Asked("four.example").All; n != 3 {
		t.Errorf("four: asked %d times", n)
	}
	if got := runCheck(t.Context(), check, none, addr("192.0.2.10")); len(got.list("six").Controls) != 2 {
		t.Errorf("controls: %+v", got.list("six").Controls)
	}
}

// What a list wants to be asked for is a fact about it; an organisational domain that is a
// target itself is told of once.
func TestEachListIsAskedByTheNamesThatItWants(t *testing.T) {
	var zones []blocklists.Zone
	for _, form := range []blocklists.NameForm{blocklists.BothNames, blocklists.FullName, blocklists.Organisational} {
		z := list4(string(form))
		z.Families, z.Names, z.Controls = []blocklists.Family{blocklists.Name}, form, blocklists.RFC5782Controls(blocklists.Name)
		zones = append(zones, z)
	}
	for name, c := range map[string]struct {
		targets []string
		known   string // target and list
		want    map[string]string
	}{
		"a host": {[]string{"mail.example.org"}, "", map[string]string{
			"both": "example.org mail.example.org", "full": "mail.example.org", "organisational": "example.org"}},
		"a host, and its domain": {[]string{"mail.example.org", "example.org"}, "", map[string]string{
			"both": "example.org mail.example.org", "full": "example.org mail.example.org", "organisational": "example.org"}},
		"a host of which something is known": {[]string{"mail.example.org", "example.org"}, "mail.example.org organisational", map[string]string{
			"both": "example.org mail.example.org", "full": "example.org mail.example.org", "organisational": "example.org example.org"}},
		"a suffix under which anybody registers": {[]string{"mail.example.co.uk", "co.uk"}, "", map[string]string{
			"both": "co.uk example.co.uk mail.example.co.uk", "full": "co.uk mail.example.co.uk", "organisational": "co.uk example.co.uk"}},
	} {
		t.Run(name, func(t *testing.T) {
			dns := &script{answer: func(q probes.Question, _ int) (probes.Answer, error) {
				if strings.HasPrefix(strings.ToLower(q.Name), "test.") {
					return yes("127.0.0.2"), nil
				}
				return no("example."), nil
			}}
			check := Check{Asker: dns, Zones: zones}
			var targets []checks.Target
			for _, name := range c.targets {
				targets = append(targets, domain(t, name))
			}
			var last, total int
			check.Options.Progress = func(done, all int) { last, total = done, all }
			runCheck(t.Context(), check, func(k checks.Key) bool { return k.Target+" "+k.Source == c.known }, targets...)
			for list, want := range c.want {
				var asked []string
				for _, q := range dns.asked {
					if name, of := strings.CutSuffix(q.Name, "."+list+".example."); of && strings.Contains(name, ".") {
						asked = append(asked, name)
					}
				}
				slices.Sort(asked)
				if got := strings.Join(asked, " "); got != want {
					t.Errorf("%s was asked for %q, want %q", list, got, want)
				}
			}
			if last != total {
				t.Errorf("progress ends at %d of %d", last, total)
			}
		})
	}
}

func TestAListWithoutATestEntryClosesNothing(t *testing.T) {
	bare := list4("bl")
	bare.Controls = blocklists.Controls{}
	for name, c := range map[string]struct {
		zone   probestest.Zone
		listed bool
		want   string
		state  State
	}{
		"its listings count":                {probestest.Zone{}, true, "dnsbl.listed", Working},
		"its silence about a target is not": {probestest.Zone{}, false, "dnsbl.unknown", Working},
		"unless its own servers say it":     {probestest.Zone{Authoritative: true}, false, "dnsbl.clean", Working},
		"if it exists at all":               {probestest.Zone{Mode: probestest.ZoneDead}, false, "dnsbl.unknown", Unusable},
		"and the answer is not its heir's":  {probestest.Zone{Mode: probestest.ZoneDead, Authoritative: true}, false, "dnsbl.unknown", Unusable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.zone.Name, c.zone.NoControls = "bl.example", true
			d := probestest.StartDNS(t, c.zone)
			if c.listed {
				d.SetListed("bl.example", "192.0.2.10", "")
			}
			got := runCheck(t.Context(), Check{Asker: resolver(t, d, probes.ResolverOptions{}), Zones: []blocklists.Zone{bare}}, all, addr("192.0.2.10"))
			fs := got.about("192.0.2.10")
			if len(fs) != 1 || string(fs[0].Code) != c.want || got.list("bl").State != c.state {
				t.Errorf("got %+v, list %+v; want %s", fs, got.list("bl"), c.want)
			}
			if c.want == "dnsbl.unknown" && c.state == Working && (got.list("bl").Unproved != 1 || got.list("bl").Clean != 0 || got.result.UnknownShare() != 0) {
				t.Errorf("counts %+v", got.list("bl").Counts)
			}
		})
	}
}

// A list that breaks in the middle of a run, and lists the world or nobody from then
// on, neither opens nor closes anything, even if nobody waits for a confirmation.
func TestAListThatBreaksInTheMiddleIsNotBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		then  func(string) (probes.Answer, error) // what it says once it is broken
		known func(checks.Key) bool
	}{
		"it lists the world": {func(string) (probes.Answer, error) { return yes("127.0.0.2"), nil }, nil},
		"it lists nobody":    {func(string) (probes.Answer, error) { return no("bl.example."), nil }, all},
		"it is parked":       {func(string) (probes.Answer, error) { return yes("203.0.113.9"), nil }, all},
		"it falls silent":    {func(string) (probes.Answer, error) { return probes.Answer{}, probes.ErrTimeout }, all},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			asker := &script{window: 3, answer: func(q probes.Question, _ int) (probes.Answer, error) {
				if asked++; asked > 10 && q.Group != "" {
					return c.then(q.Name)
				}
				if controlOf(q.Name) == "127.0.0.2" {
					return yes("127.0.0.2"), nil
				}
				return no("bl.example."), nil
			}}
			drawn := 0
			targets := slices.Collect(many(30, &drawn))
			got := runCheck(t.Context(), Check{Asker: asker, Zones: []blocklists.Zone{list4("bl")}}, c.known, targets...)
			for _, f := range got.findings {
				if f.Target.Kind == checks.KindAddress && f.Status != checks.Unknown {
					t.Errorf("%s: %s", f.Status, f.Summary)
				}
			}
			if l := got.list("bl"); l.Pairs() != 30 || l.Listed != 0 || l.State == Working {
				t.Errorf("list %+v", l)
			}
		})
	}
}

func TestTestAsksTheControlsAndNothingElse(t *testing.T) {
	d := probestest.StartDNS(t, probestest.Zone{Name: "works.example"}, probestest.Zone{Name: "world.example", Mode: probestest.ZoneListWorld}, probestest.Zone{Name: "bare.example", NoControls: true})
	bare := list4("bare")
	bare.Controls = blocklists.Controls{}
	res, err := Check{Asker: resolver(t, d, probes.ResolverOptions{}), Zones: []blocklists.Zone{list4("works"), list4("world"), bare}}.Test(t.Context(), runAt)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range res.Lists {
		s := l.ID + " " + string(l.State) + ":"
		for _, c := range l.Controls {
			s += map[bool]string{true: " +", false: " -"}[c.Passed]
			if c.RTT <= 0 {
				t.Errorf("%+v has no round trip", c)
			}
		}
		got = append(got, s)
	}
	if diff := cmp.Diff([]string{"works working: + +", "world unusable: + -", "bare working: +"}, got); diff != "" {
		t.Error(diff)
	}
	var told []string
	for _, f := range res.Notices {
		told = append(told, f.Target.ID()+" "+string(f.Code))
	}
	if diff := cmp.Diff([]string{"list:world list.unusable"}, told); diff != "" {
		t.Error(diff)
	}
}
