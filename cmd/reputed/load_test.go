package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A configuration that cannot be seen is there: "there is none" would have somebody write a second one.
func TestAConfigurationThatCannotBeSeenIsThere(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	behind := filepath.Join(file, "config.toml") // behind what is no folder: an error that is not "there is none", for root too
	for path, want := range map[string]string{file: file, filepath.Join(dir, "none.toml"): "", behind: behind} {
		if got := there(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
