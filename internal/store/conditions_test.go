package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConditionKeepsItsBeginning(t *testing.T) {
	db := fresh(t)
	for i, what := range []string{"x.toml:3: unknown key", "x.toml:4: unknown key"} {
		if err := db.SetCondition(t.Context(), "configuration", what, t0.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.SetCondition(t.Context(), "backup", "disk is full", t0); err != nil {
		t.Fatal(err)
	}
	want := []Condition{{"backup", t0, "disk is full"}, {"configuration", t0, "x.toml:4: unknown key"}}
	if got, err := db.Conditions(t.Context()); err != nil || !cmp.Equal(want, got) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for range 2 {
		if err := db.SetCondition(t.Context(), "configuration", "", t0); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := db.Conditions(t.Context()); err != nil || !cmp.Equal(want[:1], got) {
		t.Errorf("%v, %v, want %v", got, err, want[:1])
	}
}
