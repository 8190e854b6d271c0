package daemon

import (
	"testing"
	"time"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/probes/probestest"
)

// TestAnOpenRelayOfOursIsAnIncident: critical, with the way to close it, until it is closed.
func TestAnOpenRelayOfOursIsAnIncident(t *testing.T) {
	s := probestest.StartDoor(t, probestest.SMTPOptions{})
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		cfg.Acceptance.Own = []config.OwnServer{{Host: s.Addr().String(), Expect: config.ExpectOpen, Relay: true, Domains: []string{"example.org"}}}
	})
	look := func() {
		t.Helper()
		if err := r.lookAtOwn(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	i := r.only("it relays for everybody")
	if f := i.Members[0].Finding; i.Severity != checks.Critical || len(i.Members) != 1 || f.Code != checks.CodeOpenRelay || len(f.Evidence) == 0 {
		t.Errorf("%s %+v", i.Severity, i.Members)
	}
	if way := r.book.ForAll(i.OpenFindings(), r.zone); len(way) != 1 || way[0].ID != "open-relay" {
		t.Errorf("way out %+v", way)
	}
	s.Set(func(o *probestest.SMTPOptions) { o.Mode = probestest.SMTPGreylist })
	look()
	r.only("greylisting says nothing")
	s.Set(func(o *probestest.SMTPOptions) { o.Mode, o.Relay = probestest.SMTPAccept, []string{"example.org"} })
	look()
	if open := r.open(); len(open) != 0 {
		t.Errorf("open is %q", daemontest.Titles(open))
	}
}
