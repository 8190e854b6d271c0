package report

import (
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

func TestStatusSaysHowManyMoreTakeMailAgain(t *testing.T) {
	text := func(vendors ...string) string {
		i := alerts.Incident{ID: 12, Title: "x", Opened: ago2(time.Hour), Members: []alerts.Member{{Finding: checks.Finding{Code: checks.CodeRefused}}}}
		for _, v := range vendors {
			i.Impact.Receivers = append(i.Impact.Receivers, checks.ReceiverImpact{Receiver: v, Vendor: v, Refused: checks.Count{N: 1, Counted: true}, Last: ago2(time.Hour), Accepted: ago2(time.Minute)})
		}
		var b strings.Builder
		p := &page{}
		Report{Now: now}.incident(p, IncidentView{Incident: i})
		if err := p.writeTo(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if got := text("A", "B", "C", "D"); !strings.Contains(got, "and 2 more: reputed incident show 12") {
		t.Errorf("two of four are left out:\n%s", got)
	}
	if got := text("A", "B"); strings.Contains(got, "more: reputed") {
		t.Errorf("none is left out:\n%s", got)
	}
}

func TestNoteOfAReadingIsSaidOnce(t *testing.T) {
	facts := map[string]string{checks.FactMeaning: "looked at by hand"}
	said := []checks.Evidence{{Reason: "looked at by hand"}}
	if got := meaning("Talos says poor", facts, said); got != "" {
		t.Errorf("%q, which the evidence says", got)
	}
	if got := meaning("Talos says poor", facts, []checks.Evidence{{Reason: "else"}}); got != "looked at by hand" {
		t.Errorf("%q", got)
	}
}

func TestTimeAheadIsToTheNearestDay(t *testing.T) {
	for d, want := range map[time.Duration]string{
		30*24*time.Hour - time.Second: "in 30 d", 29*24*time.Hour + time.Hour: "in 29 d", 47 * time.Hour: "in 47 h", 48*time.Hour - time.Second: "in 48 h",
	} {
		if got := ahead(now.Add(d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
