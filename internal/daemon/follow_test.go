package daemon

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/probes/probestest"
)

func TestTheHeartBeatsAfterCompleteRoundsOnly(t *testing.T) {
	s := daemontest.NewSink(t, "OK")
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		cfg.Heartbeat = config.Heartbeat{URL: config.NewSecret(s.URL + "/ok"), URLFail: config.NewSecret(s.URL + "/fail"), Method: "POST"}
	})
	r.mustRound()
	r.mode(probestest.ZoneServFail)
	_ = r.round(t.Context(), time.Now())
	stopped, stop := context.WithCancel(t.Context())
	stop()
	_ = r.round(stopped, time.Now()) // says nothing either way
	paths, bodies := s.Got()
	if strings.Join(paths, " ") != "/ok /fail" {
		t.Fatalf("called %q with %q", paths, bodies)
	}
	if !strings.HasPrefix(bodies[0], "round complete: ") || !strings.HasPrefix(bodies[1], "round not complete: ") {
		t.Errorf("said %q", bodies)
	}
}

// follower writes down what it is given.
type follower struct {
	open [][]alerts.Notification
	err  error
}

func (f *follower) Notify(context.Context, alerts.Notification) error { return nil }

func (f *follower) Follow(_ context.Context, open []alerts.Notification) error {
	f.open = append(f.open, open)
	return f.err
}

func TestFollowersHearOfWhatIsOpenAndWhoHasIt(t *testing.T) {
	r := newRig(t)
	f, down := &follower{}, &follower{err: errors.New("500")}
	r.followers = followersOf(map[string]alerts.Notifier{"test": f, "down": down, "nothing to follow": nil})
	follow := func() {
		t.Helper()
		if err := r.follows(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	follow()
	r.world.ListAtSpamCop()
	r.mustRound()
	follow()
	if len(f.open) != 2 || len(f.open[1]) != 0 {
		t.Fatalf("was given %v, of which nothing was told yet", f.open)
	}
	due, err := r.db.Due(t.Context(), "test", time.Now(), 10)
	if err != nil || len(due) != 1 {
		t.Fatal(due, err)
	}
	if err := r.db.Sent(t.Context(), due[0].ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	f.open, down.open = f.open[:1], down.open[:1]
	follow()
	if _, err := r.db.Act(t.Context(), alerts.Action{Kind: alerts.Ack, Incident: r.only("listed").ID, By: "kim", At: time.Now()}, nil); err != nil {
		t.Fatal(err)
	}
	follow()
	if len(f.open) != 3 || len(f.open[0]) != 0 || len(f.open[1]) != 1 || len(f.open[2]) != 1 || len(down.open) != 3 {
		t.Fatalf("was given %d, %v", len(f.open), f.open)
	}
	if first, second := f.open[1][0], f.open[2][0]; first.Kind != alerts.Updated || !first.Incident.AckedAt.IsZero() || second.Incident.AckedBy != "kim" || second.Thread() != first.Thread() || len(first.Remediation) == 0 {
		t.Errorf("was given %+v, then %+v", first, second)
	}
}

// A report of an alert that came back is not one of the mail that is watched; one of a mail
// that only pretends is.
func TestBouncesOfAlertsAreNoFindings(t *testing.T) {
	alertID := "reputed.12-1795599600.0123456789abcdef@example.org"
	bounceOf := func(id, recipient string) []byte {
		raw := lab.CiscoRefusal(time.Now(), "4TgXkR2x9zB", recipient)
		at := bytes.Index(raw, []byte("Message-ID: <"))
		for next := at; next >= 0; { // the last one is that of the returned mail
			at = next
			if i := bytes.Index(raw[at+1:], []byte("Message-ID: <")); i >= 0 {
				next = at + 1 + i
			} else {
				next = -1
			}
		}
		end := at + bytes.IndexByte(raw[at:], '>')
		return append(append(append([]byte{}, raw[:at]...), []byte("Message-ID: <"+id)...), raw[end:]...)
	}
	for name, c := range map[string]struct {
		raw  []byte
		want int
	}{
		"an alert":                      {bounceOf(alertID, "oncall@example.net"), 0},
		"another mail":                  {bounceOf("20261125.1@example.org", "oncall@example.net"), 1},
		"one that pretends to be alert": {bounceOf(alertID, "victim@example.com"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRigWith(t, func(cfg *config.Config, _ *lab.World) {
				cfg.Emails = []config.Email{{Name: "mail", From: "alerts@example.org", To: []string{"oncall@example.net"}}}
			})
			r.mustRound()
			r.read(1, c.raw)
			if open := r.open(); len(open) != c.want {
				t.Errorf("%d incidents open, want %d: %v\n%s", len(open), c.want, daemontest.Titles(open), c.raw)
			}
		})
	}
}
