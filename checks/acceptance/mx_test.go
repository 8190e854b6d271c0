package acceptance

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/probes"
	"reputed/probes/probestest"
)

func TestLearnAsksForMXRecords(t *testing.T) {
	dns, err := probestest.NewDNS()
	if err != nil {
		t.Fatal(err)
	}
	defer dns.Close()
	for name, records := range map[string][]string{
		"cisco.example.org":  {"MX 20 mx2.hc1-1.iphmx.com.", "MX 10 MX1.hc1-1.iphmx.com."},
		"own.example.org":    {"MX 10 mx1.own.example.org."},
		"null.example.org":   {"MX 0 ."},
		"nomx.example.org":   {"A 192.0.2.25"},
		"backup.example.org": {"MX 10 mx1.backup.example.org.", "MX 20 backup.mimecast.com."},
	} {
		dns.SetName(name, records...)
	}
	resolver, err := probes.NewResolver(probes.ResolverOptions{Servers: []string{dns.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	got, err := Learn(t.Context(), resolver, rules(t), []string{"cisco.example.org", "Own.example.org", "null.example.org", "nomx.example.org", "backup.example.org", "gone.example.org"}, now)
	if err != nil {
		t.Fatal(err)
	}
	want := []Receiver{
		{Domain: "backup.example.org", MX: []string{"mx1.backup.example.org", "backup.mimecast.com"}, At: now},
		{Domain: "cisco.example.org", MX: []string{"mx1.hc1-1.iphmx.com", "mx2.hc1-1.iphmx.com"}, Vendor: "Cisco Talos", How: ByMX, At: now},
		{Domain: "gone.example.org", At: now},
		{Domain: "nomx.example.org", At: now},
		{Domain: "null.example.org", At: now},
		{Domain: "own.example.org", MX: []string{"mx1.own.example.org"}, At: now},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !got[1].Has("MX2.hc1-1.iphmx.com.") || got[1].Has("mx3.hc1-1.iphmx.com") {
		t.Error("Has does not know the receiver's hosts")
	}
}

// fixed answers every question with the same.
type fixed struct {
	answer probes.Answer
	err    error
}

func (f fixed) Ask(_ context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error {
	for q := range questions {
		got(q, f.answer, f.err)
	}
	return nil
}

func TestNoAnswerIsNothingLearnt(t *testing.T) {
	got, err := Learn(t.Context(), fixed{err: probes.ErrServFail}, rules(t), []string{"example.org"}, time.Now())
	if err != nil || got != nil {
		t.Errorf("Learn = %+v, %v; a failure proves nothing", got, err)
	}
}

func TestRecordsFromOutsideAreData(t *testing.T) {
	answer := probes.Answer{RCode: "NOERROR"}
	for _, text := range []string{"10 \x1b]0;x\x07evil.example.org.", "no", "70000 mx.example.org.", "-1 mx.example.org.", "10 ", "10 a\\032b.example.org.", "5 ok.example.org."} {
		answer.Records = append(answer.Records, probes.Record{Text: text})
	}
	for range 100 {
		answer.Records = append(answer.Records, probes.Record{Text: "6 ok.example.org."}) // the same again
	}
	got, err := Learn(t.Context(), fixed{answer: answer}, rules(t), []string{"example.org"}, time.Time{})
	if err != nil || len(got) != 1 {
		t.Fatalf("Learn = %+v, %v", got, err)
	}
	for _, host := range got[0].MX {
		for _, r := range host {
			if r < ' ' {
				t.Errorf("host %q", host)
			}
		}
	}
	if !got[0].Has("ok.example.org") || len(got[0].MX) > 2 {
		t.Errorf("MX %q", got[0].MX)
	}
}
