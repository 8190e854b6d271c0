package daemon

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/store"
)

// newTeams is a rig with two pools, each with a channel of its own, and what waits for the channels, which is then sent.
func newTeams(t *testing.T) (r *rig, told func(now time.Time) []string) {
	r = newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		cfg.Outbound[0].Pool, cfg.Outbound[0].Addresses = "mail", append(cfg.Outbound[0].Addresses, "192.0.2.11")
		cfg.Outbound = append(cfg.Outbound, config.Outbound{Pool: "bulk", Addresses: []string{"192.0.2.12"}})
	})
	r.deliverer.Channels = map[string]alerts.Notifier{"mail-team": nil, "bulk-team": nil, "others": nil}
	r.policy.Channels = []string{"others"}
	r.policy.Routes = []alerts.Route{{Pools: []string{"mail"}, Channels: []string{"mail-team"}}, {Pools: []string{"bulk"}, Channels: []string{"bulk-team"}}}
	return r, func(now time.Time) (all []string) {
		t.Helper()
		for _, channel := range []string{"bulk-team", "mail-team", "others"} {
			due, err := r.db.Due(t.Context(), channel, now, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range due {
				all = append(all, fmt.Sprintf("%s: %s", channel, d.Notification.Kind))
				if err := r.db.Sent(t.Context(), d.ID, now); err != nil {
					t.Fatal(err)
				}
			}
		}
		return all
	}
}

func TestEachPoolOfAnIncidentIsToldByItsOwnChannels(t *testing.T) {
	r, told := newTeams(t)
	now := time.Now().UTC().Truncate(time.Second)
	for _, s := range []struct {
		status    checks.Status
		addresses []string
		want      []string
	}{
		{checks.Problem, []string{"192.0.2.10", "192.0.2.11"}, []string{"mail-team: opened"}},
		{checks.Problem, []string{"192.0.2.12"}, []string{"bulk-team: opened"}},
		{checks.Problem, []string{"192.0.2.10", "192.0.2.11", "192.0.2.12"}, nil},
		{checks.OK, []string{"192.0.2.10", "192.0.2.11", "192.0.2.12"}, []string{"bulk-team: resolved", "mail-team: resolved"}},
	} {
		now = now.Add(10 * time.Minute)
		r.found(now, s.status, s.addresses...)
		if diff := cmp.Diff(s.want, told(now)); diff != "" {
			t.Errorf("%s of %q: %s", s.status, s.addresses, diff)
		}
	}
}

// found stores what SpamCop says of some addresses.
func (r *rig) found(now time.Time, status checks.Status, addresses ...string) {
	r.t.Helper()
	var findings []checks.Finding
	for _, a := range addresses {
		f := checks.Finding{Key: checks.Key{Check: "dnsbl", Target: a, Source: "spamcop"}, Target: r.Daemon.watched(a), Status: status, Code: checks.CodeNotListed, At: now}
		if status == checks.Problem {
			f.Code, f.Severity, f.Summary = checks.CodeListed, checks.Major, a+" is listed by SpamCop"
		}
		findings = append(findings, f)
	}
	if _, err := r.db.Commit(r.t.Context(), now, store.Batch{}, func(s store.Situation) store.Decision { return r.decide(s, findings, sight{}, false) }); err != nil {
		r.t.Fatal(err)
	}
}

// What is held through a night for one channel, and joined for another, is told to both in the morning as it is by then.
func TestWhatJoinsForAnotherIsInWhatIsHeld(t *testing.T) {
	r, _ := newTeams(t)
	night := time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
	r.policy.Quiet = alerts.QuietHours{From: 0, To: 7 * 60}
	r.found(night, checks.Problem, "192.0.2.10", "192.0.2.11")
	r.found(night.Add(time.Hour), checks.Problem, "192.0.2.12")
	for _, channel := range []string{"mail-team", "bulk-team"} {
		if due, err := r.db.Due(t.Context(), channel, night.Add(2*time.Hour), 10); err != nil || len(due) > 0 {
			t.Errorf("%s at night: %d notices, %v", channel, len(due), err)
		}
		due, err := r.db.Due(t.Context(), channel, night.Add(7*time.Hour), 10)
		if err != nil || len(due) != 1 || due[0].Notification.Kind != alerts.Opened || len(due[0].Notification.Incident.Members) != 3 {
			t.Errorf("%s in the morning: %+v, %v", channel, due, err)
		}
	}
}

// A mail that came back names an address: whoever has its pool is told, also where no list has it.
func TestARefusalIsToldByTheChannelsOfItsPool(t *testing.T) {
	r, told := newTeams(t)
	r.read(1, lab.CiscoRefusal(time.Now(), "4TgXkR2x9zB", "kim@example.net"))
	if diff := cmp.Diff([]string{"mail-team: opened"}, told(time.Now().Add(time.Minute))); diff != "" {
		t.Error(diff)
	}
}
