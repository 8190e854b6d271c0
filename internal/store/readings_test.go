package store

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"reputed/checks"
	"reputed/checks/reputation"
)

func ratedAs(at time.Time, value string, level reputation.Level) reputation.Reading {
	return reputation.Reading{Source: "senderscore", Target: checks.Address(netip.MustParseAddr("192.0.2.10")), Value: value, Level: level, How: reputation.Measured, At: at}
}

// What a status reads of ratings is what is a problem or was recorded, however much else there is.
func TestReadingsOfNote(t *testing.T) {
	db := fresh(t)
	at := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	rate := func(source, target string, how reputation.How, days int) reputation.Reading {
		return reputation.Reading{Source: source, Target: checks.Address(netip.MustParseAddr(target)), Value: "x", Level: reputation.Bad, How: how, At: at.AddDate(0, 0, -days), Evidence: checks.Evidence{Answer: "x"}}
	}
	bad := rate("senderscore", "192.0.2.10", reputation.Measured, 1)
	if _, err := db.SaveReadings(t.Context(), at, []reputation.Reading{rate("talos", "192.0.2.12", reputation.Recorded, 1), rate("talos", "192.0.2.13", reputation.Recorded, 99), rate("senderscore", "192.0.2.11", reputation.Measured, 1), bad}); err != nil {
		t.Fatal(err)
	}
	f := checks.Finding{Key: checks.Key{Check: reputation.CheckName, Target: "192.0.2.10", Source: "senderscore"}, Target: bad.Target, Status: checks.Problem, Code: checks.CodePoor, Severity: checks.Minor, At: at}
	if _, err := db.Commit(t.Context(), at, Batch{}, func(Situation) Decision { return Decision{Findings: []checks.Finding{f}} }); err != nil {
		t.Fatal(err)
	}
	shape := func(spans []reputation.Span) (s string) {
		for _, x := range spans {
			s += x.Source + " " + x.Target.ID() + x.Evidence.Answer + "\n"
		}
		return s
	}
	got, more, err := db.NotableReadings(t.Context(), at.AddDate(0, 0, -90), 10)
	if want := "senderscore 192.0.2.10\ntalos 192.0.2.12\n"; err != nil || more || shape(got) != want {
		t.Errorf("%v %v %s, want %s", more, err, shape(got), want)
	}
	if got, more, err = db.NotableReadings(t.Context(), at.AddDate(0, 0, -90), 1); err != nil || !more || shape(got) != "senderscore 192.0.2.10\n" {
		t.Errorf("of one: %v %v %s; want the problem", more, err, shape(got))
	}
	all, few, err := db.FewReadings(t.Context(), at.AddDate(0, 0, -90), 4)
	if err != nil || !few || len(all) != 3 {
		t.Errorf("few: %v %v %s", few, err, shape(all))
	}
	if all, few, err = db.FewReadings(t.Context(), time.Time{}, 3); err != nil || few || all != nil {
		t.Errorf("too many: %v %v %s", few, err, shape(all))
	}
}

// A history says each thing once, however often it was asked, and is bounded.
func TestReadingsAreRunsOfEqualOnes(t *testing.T) {
	db := fresh(t)
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	save := func(hours int, value string, level reputation.Level) []reputation.Span {
		t.Helper()
		at := begin.Add(time.Duration(hours) * time.Hour)
		got, err := db.SaveReadings(t.Context(), at, []reputation.Reading{ratedAs(at, value, level)})
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	if got := save(0, "no entry", reputation.None); got != nil {
		t.Errorf("a first reading without data is kept: %+v", got)
	}
	for hours := 6; hours <= 60; hours += 6 {
		save(hours, "95, good", reputation.Good)
	}
	save(66, "62, poor", reputation.Poor)
	save(66, "62, poor", reputation.Poor) // the same one again
	save(60, "95, good", reputation.Good) // an old one again
	got := save(72, "no entry", reputation.None)
	stored, err := db.Readings(t.Context(), "192.0.2.10", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	shape := func(spans []reputation.Span) (s string) {
		for _, x := range spans {
			s += fmt.Sprintf("%s x%d %s to %s\n", x.Value, x.Count, x.First.Sub(begin), x.At.Sub(begin))
		}
		return s
	}
	want := "95, good x10 6h0m0s to 60h0m0s\n62, poor x1 66h0m0s to 66h0m0s\nno entry x1 72h0m0s to 72h0m0s\n"
	if shape(got) != want || shape(stored) != want {
		t.Errorf("got\n%sstored\n%swant\n%s", shape(got), shape(stored), want)
	}
	if got := save(72, "70, weak", reputation.Poor); shape(got[2:]) != "70, weak x1 72h0m0s to 72h0m0s\n" || len(got) != 3 {
		t.Errorf("a source that corrects itself: %s", shape(got))
	}
	if !testing.Short() {
		var many []reputation.Reading
		for i := range MaxSpans + 50 {
			many = append(many, ratedAs(begin.Add(time.Duration(100+i)*time.Hour), fmt.Sprint(i), reputation.Neutral))
		}
		if _, err := db.SaveReadings(t.Context(), many[len(many)-1].At, many); err != nil {
			t.Fatal(err)
		}
		if stored, err = db.Readings(t.Context(), "", time.Time{}); err != nil || len(stored) != MaxSpans {
			t.Errorf("kept %d spans, %v; want %d", len(stored), err, MaxSpans)
		}
	}
	save(24*500, "late", reputation.Neutral)
	if stored, err = db.Readings(t.Context(), "", time.Time{}); err != nil || len(stored) != 1 {
		t.Errorf("kept %d spans, %v; want the one that is not too old", len(stored), err)
	}
}
