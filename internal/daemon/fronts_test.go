package daemon

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/checks"
	"reputed/checks/acceptance"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/probes"
)

// refusedByNobody is a refusal for reputation that names neither a list nor a vendor, at a host of
// the receiver's own name.
func refusedByNobody(id, to, relay string) string {
	return fmt.Sprintf("postfix/smtp[7]: %s: to=<%s>, relay=%s[198.51.100.7]:25, delay=0.1, delays=0/0/0/0.1, dsn=5.7.1, status=bounced (host %s[198.51.100.7] said: 550 5.7.1 Message rejected: poor reputation of your IP address (in reply to MAIL FROM command))", id, to, relay, relay)
}

// TestReceiversThatRefuseAreToldAsTheirVendor: from MX records to one problem of one vendor, and
// to the share of the mail that hangs on it.
func TestReceiversThatRefuseAreToldAsTheirVendor(t *testing.T) {
	r, l := logRig(t)
	ctx, now := context.Background(), time.Now().Add(-time.Minute)
	receivers := []string{"a.example", "b.example", "c.example"}
	var lines []string
	for i, domain := range receivers {
		r.world.Lists.SetName(domain, "MX 10 mx."+domain+".", fmt.Sprintf("MX 20 mx1.hc%d-1.iphmx.com.", i), fmt.Sprintf("MX 30 mx2.hc%d-1.iphmx.com.", i))
		for n := range 2 {
			lines = append(lines, refusedByNobody(fmt.Sprintf("4A%d%04dz", i, n), "kim@"+domain, "mx."+domain))
		}
	}
	r.world.Lists.SetName("example.net", "MX 10 mx1.example.net.")
	for i := range 14 {
		lines = append(lines, daemontest.Sent(fmt.Sprintf("4B%05dz", i), "kim@example.net"))
	}
	if err := r.intakeLog(ctx, l, probes.LogBatch{Lines: mailLines(now, lines...), Position: position(1)}); err != nil {
		t.Fatal(err)
	}
	if err := r.learnFronts(ctx, now); err != nil {
		t.Fatal(err)
	}
	if err := r.judge(ctx, now); err != nil {
		t.Fatal(err)
	}
	var sources []string
	for _, m := range r.only("three receivers refuse").Members {
		sources = append(sources, m.Finding.Key.Source)
		if f := m.Finding; f.Facts[checks.FactVendor] != "Cisco Talos" || len(f.Evidence) < 4 {
			t.Errorf("%q with %d pieces of evidence: the vendor and three MX records are wanted", f.Summary, len(f.Evidence))
		}
	}
	if !slices.Equal(sources, []string{"cisco-talos"}) {
		t.Errorf("problems of %q, want one of cisco-talos", sources)
	}

	v, err := view.Vendors(ctx, r.db, r.cfg, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := v.Write(&b, report.Term{Width: 80}, report.Text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Cisco Secure Email", "30 %", "6 at 3", "Cisco Talos", "not known", "70 %",
		"refused 6 mails in 24 h, at a.example, b.example and", "https://talosintelligence.com/reputation_center/lookup?search=192.0.2.10",
		"If Cisco Talos came to think badly of you, that would hit 30 % of your mail."} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}

	// A second look asks nothing, as what is known is fresh.
	known, err := r.db.Fronts(ctx)
	if err != nil || len(known) != 4 {
		t.Fatalf("%d receivers known, %v; want 4", len(known), err)
	}
	flows, err := r.db.Receivers(ctx, now.Add(-view.VendorsBack))
	if err != nil {
		t.Fatal(err)
	}
	if due := dueFronts(flows, known, time.Now()); len(due) != 0 {
		t.Errorf("to be asked again at once: %q", due)
	}
	if due := dueFronts(flows, known, time.Now().Add(frontsFresh)); len(due) != 4 {
		t.Errorf("a day later %q are to be asked, want all four", due)
	}
}

func TestWhoSpokeAtADoorStandsBeforeIt(t *testing.T) {
	mx := []string{"mx1.a.example"}
	learnt := []acceptance.Receiver{
		{Domain: "a.example", MX: mx}, {Domain: "b.example", MX: mx}, {Domain: "c.example", MX: []string{"new.c.example"}},
		{Domain: "d.example", MX: mx}, {Domain: "e.example", MX: mx, Vendor: "Mimecast", How: acceptance.ByMX},
	}
	known := map[string]acceptance.Receiver{}
	for _, domain := range []string{"b.example", "c.example"} {
		known[domain] = acceptance.Receiver{Domain: domain, MX: mx, Vendor: "Barracuda", How: acceptance.ByGreeting}
	}
	greeted(learnt, known, []acceptance.Standing{{Receiver: "A.example", Vendor: "Cisco Talos"}, {Receiver: "d.example", Vendor: "Spamhaus"}, {Receiver: "e.example", Vendor: "Cisco Talos"}})
	var got []string
	for _, r := range learnt {
		got = append(got, r.Vendor+" "+string(r.How))
	}
	want := []string{"Cisco Talos greeting", "Barracuda greeting", " ", " ", "Mimecast mx"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("who spoke, who is known by that, other MX records, a list's operator, who is known by MX (-want +got):\n%s", diff)
	}
}

func TestThoseWhoRefuseAreAskedAboutFirst(t *testing.T) {
	var flows []store.ReceiverFlow
	for i := range 2 * frontsMost {
		flows = append(flows, store.ReceiverFlow{Domain: fmt.Sprintf("r%04d.example", i), Delivered: 10_000 - i})
	}
	flows = append(flows, store.ReceiverFlow{Domain: "Refuses.example", Refused: 1}, store.ReceiverFlow{Domain: "localhost", Refused: 9})
	due := dueFronts(flows, nil, time.Now())
	if len(due) != frontsMost-1 || due[0] != "refuses.example" || due[1] != "r0000.example" {
		t.Errorf("%d, first %q; want the one that refuses, then those with most mail, %d with the one that is no domain", len(due), due[:2], frontsMost)
	}
}

func TestVendorMap(t *testing.T) {
	type domain struct {
		vendor, how string
	}
	for name, c := range map[string]struct {
		flows     []store.ReceiverFlow
		delivered []store.Delivered
		front     acceptance.Receiver
		want      domain
	}{
		"MX records decide":                         {nil, []store.Delivered{{Domain: "x.example", Vendor: "Google", N: 5}}, acceptance.Receiver{Vendor: "Mimecast", How: acceptance.ByMX}, domain{"Mimecast", "mx"}},
		"without them the host that took the mail":  {nil, []store.Delivered{{Domain: "x.example", N: 9}, {Domain: "x.example", Vendor: "Apple", N: 2}, {Domain: "x.example", Vendor: "Google", N: 5}}, acceptance.Receiver{}, domain{"Google", "delivery"}},
		"without that who refused":                  {[]store.ReceiverFlow{{Domain: "x.example", Vendor: "Proofpoint", Refused: 1}}, nil, acceptance.Receiver{}, domain{"Proofpoint", "refusal"}},
		"the operator of a list stands before none": {[]store.ReceiverFlow{{Domain: "x.example", Vendor: "Spamhaus", Refused: 1}}, nil, acceptance.Receiver{}, domain{"", ""}},
		"the case of a domain does not matter":      {[]store.ReceiverFlow{{Domain: "X.example", Refused: 1}}, nil, acceptance.Receiver{Vendor: "Mimecast", How: acceptance.ByMX}, domain{"Mimecast", "mx"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := view.VendorsOf(c.flows, nil, c.delivered, map[string]acceptance.Receiver{"x.example": c.front})
			if len(v.All) != 1 {
				t.Fatalf("%+v, want one vendor", v.All)
			}
			got := domain{vendor: v.All[0].Name}
			for how := range v.All[0].How {
				got.how = how
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(domain{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if v.Counted != (len(c.delivered) > 0) {
				t.Errorf("counted: %v", v.Counted)
			}
		})
	}
}
