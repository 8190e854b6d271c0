package store

import (
	"database/sql"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/checks/acceptance"
)

func TestWhoStandsBeforeAReceiver(t *testing.T) {
	db := fresh(t)
	at := t0.Truncate(time.Microsecond)
	cisco := acceptance.Receiver{Domain: "example.net", MX: []string{"mx1.hc1-1.iphmx.com", "mx2.hc1-1.iphmx.com"}, Vendor: "Cisco Talos", How: acceptance.ByMX, At: at}
	own := acceptance.Receiver{Domain: "example.com", MX: []string{}, At: at}
	old := acceptance.Receiver{Domain: "old.example", MX: []string{}, At: at.Add(-KeepReceivers - time.Hour)}
	if err := db.SaveReceivers(t.Context(), at, []acceptance.Receiver{cisco, own}); err != nil {
		t.Fatal(err)
	}
	cisco.Vendor, cisco.MX = "Mimecast", []string{"eu-smtp-inbound-1.mimecast.com"}
	if err := db.SaveReceivers(t.Context(), at, []acceptance.Receiver{cisco, old}); err != nil {
		t.Fatal(err)
	}
	got, err := db.Fronts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]acceptance.Receiver{"example.net": cisco, "example.com": own}, got); diff != "" {
		t.Errorf("the last answer counts, and what is old is forgotten (-want +got):\n%s", diff)
	}
}

func TestASituationKnowsWhoStandsBeforeThoseWhoRefuseWithoutAName(t *testing.T) {
	db := fresh(t)
	if err := db.SaveReceivers(t.Context(), t0, []acceptance.Receiver{
		{Domain: "example.net", Vendor: "Cisco Talos", How: acceptance.ByMX, At: t0}, {Domain: "example.com", Vendor: "Mimecast", How: acceptance.ByMX, At: t0},
	}); err != nil {
		t.Fatal(err)
	}
	unnamed := refusal(1, "kim@example.net", t0.Add(time.Minute))
	for i := range unnamed.Report.Bounces {
		unnamed.Report.Bounces[i].Judgement.Vendor, unnamed.Report.Bounces[i].Judgement.Blocklist = "", ""
	}
	var seen Situation
	mustCommit(t, db, t0.Add(time.Hour), Batch{Mails: []Mail{unnamed}, Window: 24 * time.Hour}, func(s Situation) Decision {
		seen = s
		return Decision{}
	})
	if len(seen.Fronts) != 1 || seen.Fronts["example.net"].Vendor != "Cisco Talos" {
		t.Errorf("fronts %+v of tallies %+v: that of the receiver that names nobody is wanted, and no other", seen.Fronts, seen.Tallies)
	}
}

func TestDeliveriesByTheHostThatTookThem(t *testing.T) {
	db := fresh(t)
	hour := t0.Truncate(time.Hour)
	for _, r := range []struct {
		target, domain, vendor string
		n                      int
	}{{"192.0.2.10", "example.net", "Mimecast", 5}, {"2001:db8::a", "example.net", "Mimecast", 2}, {"example.org", "example.net", "Mimecast", 6}, {"192.0.2.10", "example.net", "", 1}, {"192.0.2.10", "example.com", "", 0}} {
		if err := db.update(t.Context(), "count", func(tx *sql.Tx) error {
			c := newCounter(compile(tx))
			c.count(r.target, r.domain, r.vendor, hour.UnixMicro(), amounts{delivered: r.n})
			return c.flush(t.Context())
		}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := db.DeliveredBy(t.Context(), hour)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, d := range all {
		got[d.Domain+" "+d.Vendor] = d.N
	}
	if diff := cmp.Diff(map[string]int{"example.net Mimecast": 7, "example.net ": 1}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if later, err := db.DeliveredBy(t.Context(), hour.Add(time.Hour)); err != nil || len(later) != 0 {
		t.Errorf("of the time after: %+v, %v", later, err)
	}
}
