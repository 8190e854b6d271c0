package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/checks/identity"
	"reputed/internal/config"
	"reputed/internal/expand"
	"reputed/internal/lab"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/internal/wiring"
	"reputed/probes/probestest"
)

// reverseName is where the PTR record of the address of the lab stands.
const reverseName = "10.2.0.192.in-addr.arpa"

func identityRig(t *testing.T, change func(*config.Config)) *rig {
	t.Helper()
	return newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		cfg.DNS.Confirm.Duration = time.Millisecond
		if change != nil {
			change(cfg)
		}
	})
}

func (r *rig) lookAt() {
	r.t.Helper()
	if err := r.lookAtIdentity(r.t.Context(), time.Now()); err != nil {
		r.t.Fatal(err)
	}
}

func TestALabThatIsWellHasNothingToTell(t *testing.T) {
	r := identityRig(t, nil)
	r.lookAt()
	if open := r.open(); len(open) > 0 {
		t.Errorf("opened %+v", open)
	}
}

// The PTR name goes, receivers refuse for it, and it comes back: one incident from end to end.
func TestAMissingPTRNameJoinsTheRefusalsThatItCauses(t *testing.T) {
	r := identityRig(t, nil)
	r.lookAt()
	address := checks.Address(lab.OurAddress)
	refusal := checks.Finding{Key: checks.Key{Check: "bounce", Target: address.ID(), Source: "example.net"}, Target: address, Code: checks.CodeRefused,
		Status: checks.Problem, Severity: checks.Major, Summary: "refused", Facts: map[string]string{checks.FactCategory: string(bounce.RDNS)}, At: time.Now().UTC()}
	if err := r.commit(t.Context(), store.Batch{}, []checks.Finding{refusal}, false); err != nil {
		t.Fatal(err)
	}
	r.world.Lists.SetName(reverseName)
	r.lookAt()
	open := r.open()
	if len(open) != 1 || len(open[0].Members) != 2 {
		t.Fatalf("want one incident of two findings, got %+v", open)
	}
	m, ok := r.member(checks.CodeNoPTR)
	if want := reverseName + ". PTR " + lab.OurHost + "."; !ok || m.Finding.Severity != checks.Major || m.Finding.Facts[checks.FactRecord] != want {
		t.Fatalf("got %+v, want the record %q", m, want)
	}
	// What changed stands in the incident, in every form, and the change alone told nobody.
	for _, format := range []string{"text", "json"} {
		shown := r.command("incident", "show", "1", "--format", format)
		for _, want := range []string{"PTR of " + address.ID(), lab.OurHost, "10.2.0.192.in-addr.arpa. PTR"} {
			if !strings.Contains(shown, want) {
				t.Errorf("incident show --format %s does not say %q:\n%s", format, want, shown)
			}
		}
		if format == "text" && !strings.Contains(shown, "What changed before") {
			t.Errorf("nothing says what changed before:\n%s", shown)
		}
		if history := r.command("history", address.ID(), "--format", format); !strings.Contains(history, lab.OurHost) {
			t.Errorf("history --format %s does not tell of the change:\n%s", format, history)
		}
	}
	// No answer moves nothing.
	r.world.Lists.AddZone(probestest.Zone{Name: "2.0.192.in-addr.arpa", NoControls: true, Mode: probestest.ZoneServFail})
	r.lookAt()
	if m, ok := r.member(checks.CodeNoPTR); !ok || m.Unknown.IsZero() {
		t.Errorf("after no answer: %v %+v", ok, m)
	}
	r.world.Lists.SetMode("2.0.192.in-addr.arpa", probestest.ZoneNormal)
	r.world.Lists.SetName(reverseName, "PTR "+lab.OurHost+".")
	r.lookAt()
	if _, ok := r.member(checks.CodeNoPTR); ok {
		t.Error("the name is back, and the finding is not clear")
	}
}

func TestAChangeAloneOpensNothing(t *testing.T) {
	r := identityRig(t, nil)
	r.lookAt()
	r.world.Lists.SetName("_dmarc."+lab.OurDomain, `TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.org"`)
	r.lookAt()
	if open := r.open(); len(open) > 0 {
		t.Errorf("opened %+v", open)
	}
	all, err := r.db.Drift(t.Context(), store.DriftFilter{})
	if err != nil || len(all) != 1 || all[0].What != "DMARC" || !strings.Contains(all[0].Before, "reject") || !strings.Contains(all[0].Now, "quarantine") {
		t.Errorf("changes: %+v, %v", all, err)
	}
	var out bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &out}
	if code := a.main(t.Context(), []string{"identity", "--config", r.path}); code != exitOK || !strings.Contains(out.String(), "DMARC of example.org, between") {
		t.Errorf("identity: exit code %d\n%s", code, &out)
	}
}

// A zone that has no names for a moment wakes nobody: what is new is asked twice.
func TestWhatIsNewIsAskedTwice(t *testing.T) {
	r := identityRig(t, nil)
	plan, _ := expand.ForIdentity(r.daemon.cfg, r.watch.Load().targets, false, nil)
	key := checks.Key{Check: identity.CheckName, Target: checks.Address(lab.OurAddress).ID(), Source: string(identity.RulePTR)}
	for name, c := range map[string]struct {
		records []string // of the PTR name when it is asked again
		known   bool     // to be bad before
		stays   bool
	}{
		"is there again":                    {[]string{"PTR " + lab.OurHost + "."}, false, false},
		"is still missing":                  {nil, false, true},
		"was known to be missing, and told": {[]string{"PTR " + lab.OurHost + "."}, true, true},
	} {
		r.world.Lists.SetName(reverseName, c.records...)
		s := seen{known: map[checks.Key]struct{}{}, looked: map[checks.Key]bool{}, findings: map[checks.Key]checks.Finding{key: {Key: key, Status: checks.Problem, Severity: checks.Major}}}
		if c.known {
			s.known[key] = struct{}{}
		}
		if err := r.confirmIdentity(t.Context(), wiring.Identity(r.daemon.cfg, r.asker, false), plan, &s); err != nil {
			t.Fatal(err)
		}
		if _, stays := s.findings[key]; stays != c.stays {
			t.Errorf("%s: the finding stays %v, want %v", name, stays, c.stays)
		}
	}
}

// A selector that a person takes out of the configuration is over; an address that is gone is not known.
func TestWhatIsNotLookedAtAnyMore(t *testing.T) {
	address, _ := checks.ParseID("192.0.2.99")
	domain, err := checks.Domain(lab.OurDomain)
	if err != nil {
		t.Fatal(err)
	}
	key := func(t checks.Target, source string) checks.Key {
		return checks.Key{Check: identity.CheckName, Target: t.ID(), Source: source}
	}
	plan := expand.Identity{Domains: []identity.Domain{{Target: domain, Selectors: []string{"s2"}}}}
	for name, c := range map[string]struct {
		key  checks.Key
		want checks.Status
	}{
		"a selector that was taken out":                   {key(domain, "dkim:s1"), checks.OK},
		"one that is there and was not looked at":         {key(domain, "dkim:s2"), checks.Unknown},
		"a rule that is turned off":                       {key(domain, "tls-rpt"), checks.OK},
		"one that another trouble hides":                  {key(domain, "spf"), checks.Unknown},
		"an address that is gone":                         {key(address, "ptr"), checks.Unknown},
		"an address that does not send as the domain now": {key(domain, "spf-address:example.org"), checks.OK},
	} {
		s := seen{known: map[checks.Key]struct{}{c.key: {}}, findings: map[checks.Key]checks.Finding{}, looked: map[checks.Key]bool{}}
		s.leave(plan, []identity.Rule{identity.RuleTLSRPT}, time.Now())
		if got := s.findings[c.key].Status; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestTheStatusSaysWhatIsUnknownForLong(t *testing.T) {
	r := identityRig(t, nil)
	domain, _ := checks.Domain(lab.OurDomain)
	long, short := time.Now().Add(-72*time.Hour), time.Now().Add(-time.Hour)
	if err := r.db.SavePublished(t.Context(), long, []identity.Published{{Target: domain, What: "SPF", Unknown: true, At: long}}, false); err != nil {
		t.Fatal(err)
	}
	if err := r.db.SavePublished(t.Context(), short, []identity.Published{{Target: domain, What: "MX", Unknown: true, At: short}}, false); err != nil {
		t.Fatal(err)
	}
	v, err := view.New(r.db, r.daemon.cfg)
	if err != nil {
		t.Fatal(err)
	}
	st := v.Status(t.Context(), time.Now())
	for _, f := range []report.Format{report.Text, report.JSON} {
		var b bytes.Buffer
		if err := st.Write(&b, report.Term{}, f); err != nil || !strings.Contains(b.String(), "SPF") || strings.Contains(b.String(), "MX of") {
			t.Errorf("%s: %v\n%s", f, err, &b)
		}
	}
}

func TestRefusalsForPTRAndAuthenticationAreLookedIntoAtOnce(t *testing.T) {
	for c, want := range map[bounce.Category]bool{bounce.RDNS: true, bounce.AuthFailure: true, bounce.Blocklist: false, bounce.RecipientFault: false} {
		if got := aboutIdentity(c); got != want {
			t.Errorf("%s: %v, want %v", c, got, want)
		}
	}
}

func TestIdentityRulesOfTheConfigurationAreThoseOfTheCheck(t *testing.T) {
	var names []string
	for _, rule := range identity.Rules() {
		names = append(names, string(rule))
	}
	if got, want := strings.Join(config.IdentityRules(), " "), strings.Join(names, " "); got != want {
		t.Errorf("configuration has %s, the check %s", got, want)
	}
}

// The daemon and the command ask them as soon as the configuration has some.
func TestOwnServersOfTheConfigurationAreSeen(t *testing.T) {
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		cfg.Acceptance.Own = []config.OwnServer{{Host: "127.0.0.1:2525", Expect: config.ExpectOpen, Postmaster: true, Domains: []string{"example.org"}}}
	})
	if c := wiring.Identity(r.cfg, r.asker, false); c.Mailboxes == nil || c.Certificate == nil {
		t.Error("the check has nobody to ask about our own servers")
	}
}
