package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/checks/acceptance"
)

// There is one row for each address and receiver while it refuses, and none after.
func TestDoors(t *testing.T) {
	db := fresh(t)
	began := time.Date(2026, 11, 25, 9, 40, 0, 0, time.UTC)
	one := acceptance.Standing{Target: "192.0.2.10", Receiver: "a.example", Source: "cisco-talos", Vendor: "Cisco Talos", Host: "mx.a.example", Reply: "554 rejected", Since: began, At: began}
	two := one
	two.Receiver = "b.example"
	ctx := t.Context()
	if err := db.AddDoors(ctx, []acceptance.Standing{two, one}); err != nil {
		t.Fatal(err)
	}
	later := one
	later.At, later.Reply = began.Add(time.Hour), "554 rejected\x1b[31m again"
	if err := db.AddDoors(ctx, []acceptance.Standing{later}); err != nil {
		t.Fatal(err)
	}
	later.Reply = "554 rejected [31m again"
	check := func(want ...acceptance.Standing) {
		t.Helper()
		got, err := db.Doors(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	check(later, two)
	if err := db.DropDoors(ctx, []acceptance.Standing{one}); err != nil {
		t.Fatal(err)
	}
	check(two)
	if err := db.DropDoors(ctx, nil); err != nil {
		t.Fatal(err)
	}
}
