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
	for i := range MaxSpans + 50 {
		save(100+i, fmt.Sprint(i), reputation.Neutral)
	}
	if stored, err = db.Readings(t.Context(), "", time.Time{}); err != nil || len(stored) != MaxSpans {
		t.Errorf("kept %d spans, %v; want %d", len(stored), err, MaxSpans)
	}
	save(24*500, "late", reputation.Neutral)
	if stored, err = db.Readings(t.Context(), "", time.Time{}); err != nil || len(stored) != 1 {
		t.Errorf("kept %d spans, %v; want the one that is not too old", len(stored), err)
	}
}
