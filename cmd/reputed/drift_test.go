package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/store"
	"reputed/probes/probestest"
)

// The PTR name goes, receivers refuse for it, and it comes back: one incident from end to end.
func TestAMissingPTRNameJoinsTheRefusalsThatItCauses(t *testing.T) {
	r := newRig(t, func(cfg *config.Config, _ *lab.World) { cfg.DNS.Confirm.Duration = time.Millisecond })
	r.must(r.LookAtIdentity)
	address := checks.Address(lab.OurAddress)
	refusal := checks.Finding{Key: checks.Key{Check: "bounce", Target: address.ID(), Source: "example.net"}, Target: address, Code: checks.CodeRefused,
		Status: checks.Problem, Severity: checks.Major, Summary: "refused", Facts: map[string]string{checks.FactCategory: string(bounce.RDNS)}, At: time.Now().UTC()}
	if err := r.Commit(t.Context(), refusal); err != nil {
		t.Fatal(err)
	}
	r.world.Lists.SetName("10.2.0.192.in-addr.arpa")
	r.must(r.LookAtIdentity)
	open := r.open()
	if len(open) != 1 || len(open[0].Members) != 2 {
		t.Fatalf("want one incident of two findings, got %+v", open)
	}
	m, ok := r.member(checks.CodeNoPTR)
	if want := "10.2.0.192.in-addr.arpa" + ". PTR " + lab.OurHost + "."; !ok || m.Finding.Severity != checks.Major || m.Finding.Facts[checks.FactRecord] != want {
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
	r.must(r.LookAtIdentity)
	if m, ok := r.member(checks.CodeNoPTR); !ok || m.Unknown.IsZero() {
		t.Errorf("after no answer: %v %+v", ok, m)
	}
	r.world.Lists.SetMode("2.0.192.in-addr.arpa", probestest.ZoneNormal)
	r.world.Lists.SetName("10.2.0.192.in-addr.arpa", "PTR "+lab.OurHost+".")
	r.must(r.LookAtIdentity)
	if _, ok := r.member(checks.CodeNoPTR); ok {
		t.Error("the name is back, and the finding is not clear")
	}
}

func TestAChangeAloneOpensNothing(t *testing.T) {
	r := newRig(t, func(cfg *config.Config, _ *lab.World) { cfg.DNS.Confirm.Duration = time.Millisecond })
	r.must(r.LookAtIdentity)
	r.world.Lists.SetName("_dmarc."+lab.OurDomain, `TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.org"`)
	r.must(r.LookAtIdentity)
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
