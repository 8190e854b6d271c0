package daemon

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/probes/probestest"
)

const (
	ourHost  = "mail.example.org"
	spamcop  = "bl.spamcop.net"
	oldPlace = "192.0.2.30"
	newPlace = "192.0.2.31"
)

// hostRig watches the addresses of one host.
func hostRig(t *testing.T, records ...string) *rig {
	t.Helper()
	return newRigWith(t, func(cfg *config.Config, w *lab.World) {
		cfg.Outbound[0].Names = []string{ourHost}
		w.Lists.SetName(ourHost, records...)
	})
}

func (r *rig) notes(id int64) (notes []string) {
	r.t.Helper()
	h, err := r.db.Incident(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range h.Events {
		if e.Kind == alerts.AddNote.Done() {
			notes = append(notes, e.Note)
		}
	}
	return notes
}

func TestAHostIsFollowedToItsNewAddress(t *testing.T) {
	r := hostRig(t, "A "+oldPlace)
	r.world.Lists.SetListed(spamcop, oldPlace, "")
	r.mustRound()
	before := r.only("the host's address is listed")
	if before.Members[0].Finding.Key.Target != oldPlace {
		t.Fatalf("incident about %s", before.Members[0].Finding.Key.Target)
	}

	r.world.Lists.SetName(ourHost, "A "+newPlace)
	r.world.Lists.Delist(spamcop, oldPlace)
	for range 3 {
		r.mustRound()
	}
	inc := r.only("nobody asks about the old address any more, so that nobody knows that it is clean")
	if m := inc.Members[0]; m.Clear || !m.ClearSince.IsZero() || m.Unknown.IsZero() || inc.State != before.State {
		t.Errorf("state %s, member clear %v since %s, unknown since %s", inc.State, m.Clear, m.ClearSince, m.Unknown)
	}
	if notes := r.notes(inc.ID); len(notes) != 1 || !strings.HasPrefix(notes[0], oldPlace+": no longer among what the configuration leads to") || inc.Note != notes[0] {
		t.Errorf("notes %q, want one; note of the incident %q", notes, inc.Note)
	}

	r.world.Lists.SetListed(spamcop, newPlace, "")
	r.mustRound()
	found := false
	for _, inc := range r.open() {
		for _, m := range inc.Members {
			found = found || m.Finding.Key.Target == newPlace
		}
	}
	if !found {
		t.Errorf("the new address is listed and there is no word of it: %v", daemontest.Titles(r.open()))
	}
}

func TestALookUpWithoutAnswerKeepsWhatWasKnown(t *testing.T) {
	r := hostRig(t, "A "+oldPlace)
	r.mustRound()
	r.world.Lists.SetMode(".", probestest.ZoneServFail)
	r.world.Lists.SetListed(spamcop, oldPlace, "")
	r.mustRound()
	if inc := r.only("the address last known is asked about"); inc.Members[0].Finding.Key.Target != oldPlace {
		t.Errorf("incident %s", inc.Title)
	}

	// That there is no address any more is an answer, and a mistake of somebody's: the last ones stay.
	r.world.Lists.SetMode(".", probestest.ZoneNormal)
	r.world.Lists.SetName(ourHost)
	r.mustRound()
	told := false
	for _, inc := range r.open() {
		f := inc.Members[0].Finding
		if f.Code != checks.CodeTargets {
			continue
		}
		told = true
		if f.Severity != checks.Minor || !strings.Contains(f.Summary, "what it stood for before is watched (1 address)") {
			t.Errorf("told as %s %s", f.Severity, f.Summary)
		}
	}
	if _, watched := r.watch.Load().targets.Find(mustTarget(t, oldPlace)); !watched || !told {
		t.Errorf("watched %v, told %v", watched, told)
	}
}

func TestAHostThatWasNeverKnownIsAProblemUntilItIs(t *testing.T) {
	r := hostRig(t)
	r.mustRound()
	inc := r.only("nothing is watched for the name")
	if f := inc.Members[0].Finding; f.Code != checks.CodeTargets || inc.Severity != checks.Major || !strings.Contains(f.Summary, ourHost+" has no address") {
		t.Errorf("%s %s", inc.Severity, f.Summary)
	}
	r.world.Lists.SetName(ourHost, "A "+oldPlace)
	if err := r.expandAgain(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if all := r.open(); len(all) != 0 {
		t.Errorf("known, and still open: %v", daemontest.Titles(all))
	}
	if _, watched := r.watch.Load().targets.Find(mustTarget(t, oldPlace)); !watched {
		t.Error("known, and not watched")
	}
}

// A resolver that starts later than the daemon is no news, unless it stays away.
func TestSilenceAtTheStartIsGivenTime(t *testing.T) {
	r := hostRig(t, "A "+oldPlace)
	r.world.Lists.SetMode(".", probestest.ZoneServFail)
	r.mustRound()
	if all := r.open(); len(all) != 0 {
		t.Errorf("at once: %v", daemontest.Titles(all))
	}
	r.sources.began = time.Now().Add(-Patience)
	r.mustRound()
	if inc := r.only("after a while"); inc.Members[0].Finding.Code != checks.CodeTargets {
		t.Errorf("incident %s", inc.Title)
	}
}

// After a restart, a name without an answer must not look as if its addresses were gone.
func TestARestartWithoutAnswersGivesNothingUp(t *testing.T) {
	r := hostRig(t, "A "+oldPlace)
	r.world.Lists.SetListed(spamcop, oldPlace, "")
	r.mustRound()
	r.world.Lists.SetMode(".", probestest.ZoneServFail)
	again, err := New(Options{Config: r.cfg, DB: r.db, Channels: map[string]alerts.Notifier{"test": nil}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	r.Daemon = again
	r.mustRound()
	inc := r.only("listed before the restart")
	if m := inc.Members[0]; !m.Unknown.IsZero() || len(r.notes(inc.ID)) > 0 {
		t.Errorf("unknown since %s, notes %q", m.Unknown, r.notes(inc.ID))
	}
}

func TestAnAddressFileIsReadBeforeEachRound(t *testing.T) {
	file := filepath.Join(t.TempDir(), "addresses.txt")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("192.0.2.40\n")
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) { cfg.Outbound[0].AddressFiles = []string{file} })
	r.mustRound()
	write("192.0.2.41 # moved\n")
	r.mustRound()
	targets := r.watch.Load().targets
	_, old := targets.Find(mustTarget(t, "192.0.2.40"))
	_, fresh := targets.Find(mustTarget(t, "192.0.2.41"))
	if old || !fresh {
		t.Errorf("after the change: old %v, new %v", old, fresh)
	}
	write("192.0.2.42\n192.0.2.300\n")
	r.mustRound()
	if _, kept := r.watch.Load().targets.Find(mustTarget(t, "192.0.2.41")); !kept {
		t.Error("a broken file took its addresses away")
	}
	if inc := r.only("a broken file"); inc.Members[0].Finding.Code != checks.CodeTargets || !strings.Contains(inc.Members[0].Finding.Summary, "line 2") {
		t.Errorf("incident %s: %s", inc.Title, inc.Members[0].Finding.Summary)
	}
}

// Nobody looks up a name that was taken out of the configuration, so its trouble is over.
func TestANameThatIsTakenOutEndsItsTrouble(t *testing.T) {
	r := hostRig(t)
	r.mustRound()
	r.only("nothing is watched for the name")
	r.cfg.Outbound[0].Names = nil
	again, err := New(Options{Config: r.cfg, DB: r.db, Channels: map[string]alerts.Notifier{"test": nil}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	r.Daemon = again
	if err := r.tick(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if all := r.open(); len(all) != 0 {
		t.Errorf("still open: %v", daemontest.Titles(all))
	}
}

func TestARefusalIsLaidAtAnAddressOfAName(t *testing.T) {
	r := newRigWith(t, func(cfg *config.Config, w *lab.World) {
		cfg.Outbound[0].Addresses, cfg.Outbound[0].Names = nil, []string{ourHost}
		w.Lists.SetName(ourHost, "A "+lab.OurAddress.String())
	})
	r.expandFirst(t.Context()) // as run does before it reads mails
	r.read(1, lab.CiscoRefusal(time.Now(), "4TgXkR2x9zB", "kim@example.net"))
	if waiting := r.named.take(); len(waiting) != 1 || waiting[0].target.ID() != lab.OurAddress.String() {
		t.Errorf("the address that was refused is to be asked about at once, got %v", waiting)
	}
}

func mustTarget(t *testing.T, id string) checks.Target {
	t.Helper()
	target, err := checks.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	return target
}
