package probes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What we are given in the environment may be a secret; journalctl is given none of it.
func TestTheJournalIsToldNoSecret(t *testing.T) {
	t.Setenv("IMAP_PASSWORD", "canary")
	t.Setenv("TZ", "Europe/Berlin")
	said := filepath.Join(t.TempDir(), "environment")
	p, err := runJournal(t.Context(), "/bin/sh", []string{"-c", "env >" + said})
	if err != nil {
		t.Fatal(err)
	}
	<-p.ended
	got, err := os.ReadFile(said)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]bool{}
	for _, line := range strings.Split(string(got), "\n") {
		env[line] = true
	}
	if env["IMAP_PASSWORD=canary"] || !env["TZ=Europe/Berlin"] || !env["LC_ALL=C"] {
		t.Errorf("journalctl has the environment\n%s", got)
	}
}
