package daemon

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
	"reputed/internal/view"
	"reputed/internal/wiring"
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

// A zone that has no names for a moment wakes nobody: what is new is asked twice.
func TestWhatIsNewIsAskedTwice(t *testing.T) {
	r := identityRig(t, nil)
	plan, _ := expand.ForIdentity(r.Daemon.cfg, r.watch.Load().targets, false, nil)
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
		if err := r.confirmIdentity(t.Context(), wiring.Identity(r.Daemon.cfg, r.asker, false), plan, &s); err != nil {
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
	v, err := view.New(r.db, r.Daemon.cfg)
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
