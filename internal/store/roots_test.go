package store

import (
	"testing"
	"time"
)

func TestMessagesOfIncidentsAreRemembered(t *testing.T) {
	db := fresh(t)
	ctx := t.Context()
	root := func(channel, thread, want string) {
		t.Helper()
		if got, err := db.Root(ctx, channel, thread); err != nil || got != want {
			t.Errorf("message of %s in %s: %q, %v, want %q", thread, channel, got, err, want)
		}
	}
	set := func(channel, thread, handle string) {
		t.Helper()
		if err := db.SetRoot(ctx, channel, thread, handle); err != nil {
			t.Fatal(err)
		}
	}
	root("ops", "12-1", "")
	set("ops", "12-1", "C1 1.0 #ops")
	set("ops", "12-2", "C1 2.0 #ops")
	set("other", "12-1", "C2 1.0 #other")
	set("ops", "12-1", "C1 3.0 #ops")
	root("ops", "12-1", "C1 3.0 #ops")
	set("ops", "12-1", "")
	root("ops", "12-1", "")
	root("ops", "12-2", "C1 2.0 #ops")
	root("other", "12-1", "C2 1.0 #other")
}

func TestMessagesAreForgottenAfterAYear(t *testing.T) {
	db := fresh(t)
	if err := db.SetRoot(t.Context(), "ops", "1-1", "C1 1.0 #ops"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.write.ExecContext(t.Context(), "UPDATE roots SET at = ?", micros(time.Now().Add(-rootsKept-time.Hour))); err != nil {
		t.Fatal(err)
	}
	if err := db.SetRoot(t.Context(), "ops", "2-1", "C1 2.0 #ops"); err != nil {
		t.Fatal(err)
	}
	if got, err := db.Root(t.Context(), "ops", "1-1"); err != nil || got != "" {
		t.Errorf("still there: %q, %v", got, err)
	}
}
