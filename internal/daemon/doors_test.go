package daemon

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/acceptance"
	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/probes/probestest"
)

// doorRig is a daemon that knocks at receivers on the loopback; see [daemontest.Doors].
func doorRig(t *testing.T, receivers map[string]*probestest.SMTP, change func(*config.Config)) *rig {
	t.Helper()
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		daemontest.Doors(cfg, receivers)
		if change != nil {
			change(cfg)
		}
	})
	r.doors.Round.Pause, r.doors.Round.Gap = -1, -1
	return r
}

func (r *rig) knockOnce() {
	r.t.Helper()
	if err := r.knock(r.t.Context(), time.Now()); err != nil {
		r.t.Fatal(err)
	}
}

// TestACiscoGatewayThatRefusesIsFoundInOneRound: before any mail comes back, with the way out, and until it greets again.
func TestACiscoGatewayThatRefusesIsFoundInOneRound(t *testing.T) {
	cisco, other := probestest.StartDoor(t, probestest.SMTPOptions{}), probestest.StartDoor(t, probestest.SMTPOptions{})
	r := doorRig(t, map[string]*probestest.SMTP{"cisco.example": cisco, "other.example": other}, nil)
	r.knockOnce()
	if open := r.open(); len(open) != 0 {
		t.Fatalf("all doors are open, and there is %q", daemontest.Titles(open))
	}
	cisco.Set(func(o *probestest.SMTPOptions) { o.OnlyFrom = []netip.Addr{netip.MustParseAddr("127.0.0.2")} })
	r.knockOnce()
	i := r.only("a gateway greets 192.0.2.10 with 554")
	f := i.Members[0].Finding
	if i.Severity != checks.Major || len(i.Members) != 1 || f.Code != checks.CodeShut || f.Target.String() != "192.0.2.10" || f.Key.Source != "cisco-talos" ||
		i.Title != "Cisco Talos refuses 192.0.2.10 at the door of cisco.example" {
		t.Errorf("%s incident %q: %+v", i.Severity, i.Title, f)
	}
	if e := f.Evidence[0]; !strings.Contains(e.Answer, "554") || !strings.Contains(e.Answer, "poor reputation") || !strings.Contains(e.Reason, "C: QUIT") || e.Via != "SMTP from 192.0.2.10 (here 127.0.0.2)" {
		t.Errorf("evidence %+v", e)
	}
	if way := r.book.ForAll(i.OpenFindings(), r.zone); len(way) != 1 || way[0].ID != "cisco-talos" || !strings.Contains(way[0].Steps[0].URL, "192.0.2.10") {
		t.Errorf("way out %+v", way)
	}
	if n, err := r.db.Due(t.Context(), "test", time.Now(), 10); err != nil || len(n) != 1 {
		t.Errorf("%d notices, %v, want one", len(n), err)
	}
	standing, err := r.db.Doors(t.Context())
	if err != nil || len(standing) != 1 || standing[0].Receiver != "cisco.example" || standing[0].Vendor != "Cisco Talos" {
		t.Errorf("doors %+v, %v", standing, err)
	}

	// No answer changes nothing.
	cisco.Set(func(o *probestest.SMTPOptions) { o.OnlyFrom, o.Mode = nil, probestest.SMTPClose })
	r.knockOnce()
	if i := r.only("no answer"); i.State == alerts.Clearing || len(i.Members) != 1 || i.Members[0].Unknown.IsZero() {
		t.Errorf("state %s, members %+v", i.State, i.Members)
	}

	cisco.Set(func(o *probestest.SMTPOptions) { o.Mode = probestest.SMTPAccept })
	r.knockOnce()
	if open := r.open(); len(open) != 0 {
		t.Errorf("it greets again, and open is %q", daemontest.Titles(open))
	}
	if standing, err = r.db.Doors(t.Context()); err != nil || len(standing) != 0 {
		t.Errorf("doors %+v, %v", standing, err)
	}
}

// TestSeveralReceiversOfOneVendorAreOneIncident: Cisco refuses us, at whichever door and whichever of us.
func TestSeveralReceiversOfOneVendorAreOneIncident(t *testing.T) {
	one, two := probestest.StartDoor(t, probestest.SMTPOptions{Mode: probestest.SMTPRefuse}), probestest.StartDoor(t, probestest.SMTPOptions{Mode: probestest.SMTPRefuse})
	r := doorRig(t, map[string]*probestest.SMTP{"one.example": one, "two.example": two}, nil)
	r.knockOnce()
	i := r.only("two receivers of one vendor, two addresses")
	if len(i.Members) != 2 || !strings.Contains(i.Title, "Cisco Talos") {
		t.Errorf("%q with %d members", i.Title, len(i.Members))
	}
	one.Set(func(o *probestest.SMTPOptions) { o.Mode = probestest.SMTPAccept })
	r.knockOnce()
	if i := r.only("the other one still refuses"); len(i.Members) != 2 || i.Members[0].Clear {
		t.Errorf("%+v", i.Members)
	}
	two.Set(func(o *probestest.SMTPOptions) { o.Mode = probestest.SMTPAccept })
	r.knockOnce()
	if open := r.open(); len(open) != 0 {
		t.Errorf("open is %q", daemontest.Titles(open))
	}
}

// TestADoorAndABounceAreOneIncident: what a bounce told, the door confirms.
func TestADoorAndABounceAreOneIncident(t *testing.T) {
	cisco := probestest.StartDoor(t, probestest.SMTPOptions{Mode: probestest.SMTPRefuse})
	r := doorRig(t, map[string]*probestest.SMTP{"cisco.example": cisco}, nil)
	bounced := checks.Finding{Key: checks.Key{Check: "bounce", Target: "192.0.2.10", Source: "cisco-talos"}, Target: checks.Address(netip.MustParseAddr("192.0.2.10")),
		Code: checks.CodeRefused, Status: checks.Problem, Severity: checks.Major, Summary: "Cisco Talos: 3 mails from 192.0.2.10 refused", At: time.Now(),
		Facts: map[string]string{checks.FactVendor: "Cisco Talos"}}
	if err := r.commit(t.Context(), store.Batch{}, []checks.Finding{bounced}, false); err != nil {
		t.Fatal(err)
	}
	r.knockOnce()
	i := r.only("one cause")
	if len(i.Members) != 3 {
		t.Errorf("%d members: %q", len(i.Members), i.Title)
	}
}

// TestWhoSaysBusyIsLeftAlone: for an hour, then for two.
func TestWhoSaysBusyIsLeftAlone(t *testing.T) {
	s := probestest.StartDoor(t, probestest.SMTPOptions{Mode: probestest.SMTPBusy})
	r := doorRig(t, map[string]*probestest.SMTP{"busy.example": s}, nil)
	r.knockOnce()
	r.knockOnce()
	if s.Visits() != 1 || len(r.open()) != 0 {
		t.Errorf("%d visits, %q", s.Visits(), daemontest.Titles(r.open()))
	}
	now := time.Now()
	told := []acceptance.Destination{{Domain: "busy.example"}}
	for after, want := range map[time.Duration]int{30 * time.Minute: 0, 61 * time.Minute: 1} {
		if due, _ := r.doors.due(told, now.Add(after)); len(due) != want {
			t.Errorf("after %v: %d due, want %d", after, len(due), want)
		}
	}
}

// TestAClosedWayOutIsOneFindingAboutUs: and nothing about the addresses.
func TestAClosedWayOutIsOneFindingAboutUs(t *testing.T) {
	one, two := probestest.StartDoor(t, probestest.SMTPOptions{}), probestest.StartDoor(t, probestest.SMTPOptions{})
	r := doorRig(t, map[string]*probestest.SMTP{"one.example": one, "two.example": two}, nil)
	one.Close()
	two.Close()
	r.knockOnce()
	i := r.only("no receiver can be reached")
	if f := i.Members[0].Finding; len(i.Members) != 1 || f.Target.Kind != checks.KindMonitor || f.Code != checks.CodeNoWayOut || f.Severity != checks.Minor {
		t.Errorf("%+v", i.Members)
	}
}

// TestNobodyIsKnockedAtUnlessConfigured: no name of ours, no address of ours, no receiver: no packet.
func TestNobodyIsKnockedAtUnlessConfigured(t *testing.T) {
	s := probestest.StartDoor(t, probestest.SMTPOptions{})
	r := doorRig(t, map[string]*probestest.SMTP{"one.example": s}, func(c *config.Config) { c.Acceptance.Helo = "" })
	if _, ok, err := r.doors.job(t.Context(), r.Daemon); ok || err != nil {
		t.Errorf("a job without a name to go by: %v", err)
	}
	r = doorRig(t, map[string]*probestest.SMTP{"one.example": s}, func(c *config.Config) { c.Acceptance.From = nil })
	r.knockOnce()
	run, _, err := r.db.LastRun(t.Context(), monitor.JobDoors)
	if err != nil || s.Visits() != 0 || !strings.Contains(run.Summary.Trouble, "none of the addresses") {
		t.Errorf("%d visits, %+v, %v", s.Visits(), run, err)
	}
}

func TestDestinations(t *testing.T) {
	c := config.Acceptance{Choose: 1, Except: []string{"never.example"}, Receivers: []config.KnockReceiver{{Domain: "named.example", Agreed: true, Hosts: []string{"192.0.2.25:2525", "mx.named.example:25"}}}}
	flows := []acceptance.Flow{{Domain: "never.example", Mails: 900}, {Domain: "a.example", Vendor: "Google", Mails: 50}, {Domain: "b.example", Vendor: "Google", Mails: 40}}
	got := Destinations(c, flows, []acceptance.Standing{{Target: "192.0.2.10", Receiver: "old.example"}, {Target: "192.0.2.10", Receiver: "never.example"}})
	var domains []string
	for _, d := range got {
		domains = append(domains, d.Domain)
	}
	if want := []string{"named.example", "a.example", "old.example"}; !slices.Equal(domains, want) {
		t.Errorf("%v, want %v", domains, want)
	}
	if d := got[0]; !d.Agreed || !slices.Equal(d.Hosts, []acceptance.Host{{Name: "192.0.2.25", Port: 2525}, {Name: "mx.named.example", Port: 25}}) {
		t.Errorf("%+v", d)
	}
}

func TestMailFlows(t *testing.T) {
	got := mailFlows([]store.ReceiverFlow{
		{Domain: "a.example", Vendor: "Cisco Talos", Refused: 3, Delivered: 10, Counted: true}, {Domain: "a.example", Vendor: "Spamhaus", Refused: 2, Delivered: 10, Counted: true},
		{Domain: "b.example", Delivered: 5, Counted: true}, {Domain: "not a domain", Delivered: 5}}, view.VendorsOf([]store.ReceiverFlow{{Domain: "a.example", Vendor: "Cisco Talos", Refused: 3}}, nil, nil, nil))
	want := []acceptance.Flow{{Domain: "a.example", Vendor: "Cisco Talos", Mails: 15}, {Domain: "b.example", Mails: 5}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
