package identity

import (
	"strings"
	"testing"

	"reputed/checks"
)

func TestFindingCarriesARecordWholeOrNotAtAll(t *testing.T) {
	i := Item{Target: target(t, "192.0.2.10"), Rule: RuleAuthorised, Part: "example.org", State: Bad, Severity: checks.Major, Code: checks.CodeUnauthorised, Text: "does not pass", Fix: Fix{"Publish:", strings.Repeat("x", MaxRecord)}}
	f, ok := i.Finding(noon)
	if !ok || f.Facts[checks.FactRecord] != i.Fix.Record || f.Facts[checks.FactDomain] != "example.org" || f.Key.Source != "spf-address:example.org" {
		t.Errorf("got %+v", f)
	}
	i.Fix.Record += "x"
	if f, _ := i.Finding(noon); f.Facts[checks.FactRecord] != "" {
		t.Error("a record that is too long is told in part")
	}
	i.State = Unchecked
	if _, ok := i.Finding(noon); ok {
		t.Error("what nobody looked at is a finding")
	}
	i.State = Advice
	if f, _ := i.Finding(noon); f.Status != checks.OK {
		t.Errorf("advice is %s: it must open nothing, and ends what was bad", f.Status)
	}
}
