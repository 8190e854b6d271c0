package view

import (
	"path/filepath"
	"testing"

	"reputed/internal/config"
	"reputed/internal/store"
)

// Without a configuration the targets that the database knows are read once for the pages of a moment.
func TestKnownTargetsAreReadOnceForManyPages(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "reputed.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := &View{db: db, Config: &config.Config{}}
	if first, err := v.targets(t.Context()); err != nil || !first.bare {
		t.Fatalf("first: %+v, %v", first, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if again, err := v.targets(t.Context()); err != nil || !again.bare {
		t.Errorf("again: %+v, %v, want what was read before", again, err)
	}
}
