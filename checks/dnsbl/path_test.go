package dnsbl

import (
	"context"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/probes"
	"reputed/probes/probestest"
)

// counting counts the questions that go to name servers, and how often those are looked for.
type counting struct {
	*probes.Resolver
	own, found atomic.Int64
}

func (c *counting) Ask(ctx context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error {
	return c.Resolver.Ask(ctx, func(yield func(probes.Question) bool) {
		for q := range questions {
			if q.At != nil {
				c.own.Add(1)
			}
			if !yield(q) {
				return
			}
		}
	}, got)
}

func (c *counting) NameServers(ctx context.Context, zone string) (*probes.Servers, error) {
	c.found.Add(1)
	return c.Resolver.NameServers(ctx, zone)
}

// bothPaths are a resolver that answers for bl.example as one mode says, and its own
// name server, that does as another and lists the address asked about if it answers.
type bothPaths struct {
	site, own *probestest.DNS
	asker     *counting
}

func newBothPaths(t *testing.T, resolverMode probestest.ZoneMode, own probestest.Zone) bothPaths {
	t.Helper()
	own.Name = "bl.example"
	b := bothPaths{site: probestest.StartDNS(t, probestest.Zone{Name: "bl.example", Mode: resolverMode}), own: probestest.StartDNS(t, own)}
	b.own.SetListed("bl.example", "192.0.2.10", "seen by the list itself")
	b.site.SetName("bl.example", "NS ns1.lists.test.")
	b.site.SetName("ns1.lists.test", "A 127.0.0.1")
	b.asker = &counting{Resolver: resolver(t, b.site, probes.ResolverOptions{Timeout: time.Minute, AuthorityPort: int(b.own.Addr().Port())})}
	return b
}

func (b bothPaths) check(path Path) Check {
	return Check{Asker: b.asker, Zones: []blocklists.Zone{list4("bl")}, Options: Options{Path: path}}
}

var aa = probestest.Zone{Authoritative: true}

func TestTheControlsDecideByWhichPathAListIsAsked(t *testing.T) {
	refusal, hiding := probestest.ZoneRefusalCode, probestest.ZoneHidden
	for name, c := range map[string]struct {
		path     Path
		resolver probestest.ZoneMode
		own      probestest.Zone
		spoil    func(b bothPaths)
		want     Path
		state    State
		code     string // of the finding about the target; empty: none
	}{
		"auto: a refusal code, and the list itself answers":     {PathAuto, refusal, aa, nil, PathAuthoritative, Working, "dnsbl.listed"},
		"auto: REFUSED, the name servers too":                   {PathAuto, probestest.ZoneRefused, aa, nil, PathResolver, Refused, ""},
		"auto: a resolver that hides 127/8":                     {PathAuto, hiding, aa, nil, PathAuthoritative, Working, "dnsbl.listed"},
		"auto: a resolver that lists the world":                 {PathAuto, probestest.ZoneListWorld, aa, nil, PathAuthoritative, Working, "dnsbl.listed"},
		"auto: SERVFAIL, the name servers too":                  {PathAuto, probestest.ZoneServFail, aa, nil, PathResolver, Unknown, ""},
		"auto: what works through the resolver stays there":     {PathAuto, "", aa, nil, PathResolver, Working, ""},
		"auto: the list itself refuses too":                     {PathAuto, refusal, probestest.Zone{Authoritative: true, Mode: refusal}, nil, PathResolver, Refused, ""},
		"auto: a lame name server":                              {PathAuto, refusal, probestest.Zone{}, nil, PathResolver, Refused, ""},
		"auto: a dead name server":                              {PathAuto, refusal, aa, func(b bothPaths) { b.site.SetName("ns1.lists.test", "A 127.0.0.99") }, PathResolver, Refused, ""},
		"auto: no name servers":                                 {PathAuto, refusal, aa, func(b bothPaths) { b.site.SetName("bl.example") }, PathResolver, Refused, ""},
		"resolver: nothing else is tried":                       {PathResolver, refusal, aa, nil, PathResolver, Refused, ""},
		"no path named: the same":                               {"", refusal, aa, nil, PathResolver, Refused, ""},
		"authoritative: whatever the resolver says":             {PathAuthoritative, "", aa, nil, PathAuthoritative, Working, "dnsbl.listed"},
		"authoritative: a lame name server":                     {PathAuthoritative, "", probestest.Zone{}, nil, PathResolver, Working, ""},
		"authoritative: no name servers":                        {PathAuthoritative, "", aa, func(b bothPaths) { b.site.SetName("bl.example") }, PathResolver, Working, ""},
		"authoritative: the list refuses, the resolver doesn't": {PathAuthoritative, "", probestest.Zone{Authoritative: true, Mode: refusal}, nil, PathResolver, Working, ""},
		"authoritative: neither works":                          {PathAuthoritative, hiding, probestest.Zone{Authoritative: true, Mode: refusal}, nil, PathAuthoritative, Refused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBothPaths(t, c.resolver, c.own)
			if c.spoil != nil {
				c.spoil(b)
			}
			got := runCheck(t.Context(), b.check(c.path), none, addr("192.0.2.10"))
			if got.err != nil {
				t.Fatal(got.err)
			}
			l := got.list("bl")
			if l.Path != c.want || l.State != c.state {
				t.Errorf("path %q, %s (%s), want %q, %s; tried %+v", l.Path, l.State, l.Why, c.want, c.state, l.Paths)
			}
			if l.Pairs() != 1 || got.result.Asked > 1 {
				t.Errorf("%d pairs, %d asked, want 1", l.Pairs(), got.result.Asked)
			}
			about := got.about("192.0.2.10")
			if c.code == "" && len(about) > 0 || c.code != "" && (len(about) != 1 || string(about[0].Code) != c.code) {
				t.Fatalf("told %+v, want %q", about, c.code)
			}
			if c.code != "" && (about[0].Evidence[0].Via != b.own.Addr().String() || about[0].Evidence[0].Reason != "seen by the list itself") {
				t.Errorf("evidence %+v, want it of the name server", about[0].Evidence)
			}
			if c.path != PathAuto && c.path != PathAuthoritative && b.asker.found.Load()+b.asker.own.Load() > 0 {
				t.Error("name servers were looked for, or asked")
			}
		})
	}
}

func TestANewListingIsConfirmedByTheListItself(t *testing.T) {
	for name, c := range map[string]struct {
		own   probestest.Zone
		spoil func(b bothPaths)
		code  string
		via   func(b bothPaths) *probestest.DNS
	}{
		"and stands":                           {aa, nil, "dnsbl.listed", func(b bothPaths) *probestest.DNS { return b.own }},
		"and is not there: nobody knows":       {aa, func(b bothPaths) { b.own.Delist("bl.example", "192.0.2.10") }, "dnsbl.unknown", func(b bothPaths) *probestest.DNS { return b.own }},
		"by the resolver, if it has no server": {aa, func(b bothPaths) { b.site.SetName("bl.example") }, "dnsbl.listed", func(b bothPaths) *probestest.DNS { return b.site }},
		"by the resolver, if it is lame":       {probestest.Zone{}, nil, "dnsbl.listed", func(b bothPaths) *probestest.DNS { return b.site }},
		"by the resolver, if it refuses us":    {probestest.Zone{Authoritative: true, Mode: probestest.ZoneRefused}, nil, "dnsbl.listed", func(b bothPaths) *probestest.DNS { return b.site }},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBothPaths(t, "", c.own)
			b.site.SetListed("bl.example", "192.0.2.10", "seen by the resolver")
			if c.spoil != nil {
				c.spoil(b)
			}
			check := b.check(PathAuto)
			check.Options.Confirm = time.Millisecond
			got := runCheck(t.Context(), check, none, addr("192.0.2.10"))
			about := got.about("192.0.2.10")
			if len(about) != 1 || string(about[0].Code) != c.code || len(about[0].Evidence) != 2 {
				t.Fatalf("told %+v, want %s", about, c.code)
			}
			if ev := about[0].Evidence; ev[0].Via != b.site.Addr().String() || ev[1].Via != c.via(b).Addr().String() {
				t.Errorf("asked %s and then %s", ev[0].Via, ev[1].Via)
			}
			if l := got.list("bl"); l.Path != PathResolver || l.State != Working {
				t.Errorf("path %q, %s: %s", l.Path, l.State, l.Why)
			}
		})
	}
}

func TestATestTriesBothPaths(t *testing.T) {
	for name, c := range map[string]struct {
		path     Path
		resolver probestest.ZoneMode
		own      probestest.Zone
		want     Path
		state    State
		each     string
	}{
		"both work":               {PathAuto, "", aa, PathResolver, Working, "resolver working, authoritative working"},
		"both work, other first":  {PathAuthoritative, "", aa, PathAuthoritative, Working, "resolver working, authoritative working"},
		"the resolver is refused": {PathAuto, probestest.ZoneRefusalCode, aa, PathAuthoritative, Working, "resolver refused, authoritative working"},
		"the server is lame":      {PathAuthoritative, "", probestest.Zone{}, PathResolver, Working, "resolver working, authoritative unknown"},
		"one path only":           {PathResolver, "", aa, PathResolver, Working, "resolver working"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBothPaths(t, c.resolver, c.own)
			res, err := b.check(c.path).Test(t.Context(), runAt)
			if err != nil {
				t.Fatal(err)
			}
			var each []string
			for _, p := range res.Lists[0].Paths {
				each = append(each, string(p.Path)+" "+string(p.State))
				if len(p.Controls) == 0 {
					t.Errorf("%s without controls", p.Path)
				}
			}
			if l := res.Lists[0]; l.Path != c.want || l.State != c.state || strings.Join(each, ", ") != c.each {
				t.Errorf("path %q, %s, of %v", l.Path, l.State, each)
			}
		})
	}
}

// All lists of a rehearsal are on one server that knows of no name servers. However
// they behave, nobody else may be asked.
func TestListsWithoutNameServersLeadNowhereElse(t *testing.T) {
	zones, err := blocklists.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []probestest.ZoneMode{"", probestest.ZoneEmpty, probestest.ZoneDead, probestest.ZoneRefusalCode, probestest.ZoneRefused, probestest.ZoneListWorld, probestest.ZoneParked, probestest.ZoneReferral, probestest.ZoneServFail} {
		for _, path := range []Path{PathAuto, PathAuthoritative} {
			t.Run(string(path)+" "+string(mode), func(t *testing.T) {
				var served []probestest.Zone
				for _, z := range zones {
					served = append(served, probestest.Zone{Name: z.Zone, Mode: mode})
				}
				d := probestest.StartDNS(t, served...)
				for _, z := range zones {
					d.SetListed(z.Zone, "192.0.2.10", "")
				}
				asker := &counting{Resolver: resolver(t, d, probes.ResolverOptions{Timeout: time.Minute})}
				got := runCheck(t.Context(), Check{Asker: asker, Zones: zones, Options: Options{Path: path, Confirm: time.Millisecond}}, none, addr("192.0.2.10"))
				if got.err != nil {
					t.Fatal(got.err)
				}
				// A list without any answer is left at that: its name servers would be as silent.
				silent := path == PathAuto && (mode == probestest.ZoneReferral || mode == probestest.ZoneServFail)
				if looked := asker.found.Load() > 0; looked == silent {
					t.Errorf("name servers were looked for: %v, want %v", looked, !silent)
				}
				if n := asker.own.Load(); n != 0 {
					t.Errorf("%d questions to others than the resolver", n)
				}
			})
		}
	}
}

func TestARunCutShortBetweenTwoPathsTellsNothing(t *testing.T) {
	b := newBothPaths(t, probestest.ZoneRefusalCode, aa)
	ctx, cancel := context.WithCancel(t.Context())
	check := b.check(PathAuto)
	check.Asker = cutting{b.asker, cancel}
	got := runCheck(ctx, check, none, addr("192.0.2.10"))
	if got.err == nil || len(got.findings) > 0 || got.result.Asked > 0 {
		t.Errorf("error %v, told %+v", got.err, got.findings)
	}
}

// cutting ends the run when name servers are looked for.
type cutting struct {
	*counting
	cancel func()
}

func (c cutting) NameServers(ctx context.Context, zone string) (*probes.Servers, error) {
	c.cancel()
	return c.counting.NameServers(ctx, zone)
}
