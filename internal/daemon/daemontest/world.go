// Package daemontest is what tests of the daemon share: the rehearsal world with a configuration and a database for a
// daemon over it, and what can be said of any database that a daemon has written. It knows nothing of the daemon itself.
package daemontest

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/store"
	"reputed/probes"
	"reputed/probes/probestest"
)

// Channel is the only channel of the configuration.
const Channel = "test"

// World is the lab, and what a daemon over it is made of.
type World struct {
	Lab    *lab.World
	Zones  []blocklists.Zone // all that are asked by default
	Config *config.Config
	Path   string // of the configuration
	DB     *store.DB

	t testing.TB
}

// Start makes a world that ends with the test. Change is called before the database is opened. Nothing waits to ask
// again, and no list is paced.
func Start(t testing.TB, log *slog.Logger, change func(*config.Config, *lab.World)) *World {
	t.Helper()
	zones, err := blocklists.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	w := &World{t: t}
	for _, z := range zones {
		if z.Default {
			w.Zones = append(w.Zones, z)
		}
	}
	if w.Lab, err = lab.Start(w.Zones); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Lab.Close)
	dir := t.TempDir()
	w.Path = filepath.Join(dir, "config.toml")
	if err := os.WriteFile(w.Path, []byte(w.Lab.Config(filepath.Join(dir, "reputed.db"))), 0o600); err != nil {
		t.Fatal(err)
	}
	if w.Config, err = config.Load(w.Path, config.LoadOptions{Env: w.Lab.Env}); err != nil {
		t.Fatal(err)
	}
	w.Config.DNS.Confirm.Duration = 0
	if change != nil {
		change(w.Config, w.Lab)
	}
	lab.Unpaced(w.Config.Blocklists.Zones, w.Config.Blocklists.Catalog.Zones)
	if w.DB, err = store.Open(t.Context(), w.Config.Database.Path, store.Options{Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.DB.Close() })
	w.Config.Alerts.Channels = []string{Channel}
	return w
}

// Notifiers are the channels of the configuration: one that nothing is sent to, because nobody carries the outbox.
func Notifiers() map[string]alerts.Notifier { return map[string]alerts.Notifier{Channel: nil} }

// Mode makes every list answer in a way.
func (w *World) Mode(m probestest.ZoneMode) {
	for _, z := range w.Zones {
		w.Lab.Lists.SetMode(z.Zone, m)
	}
}

// Open are the incidents that are open.
func (w *World) Open() []alerts.Incident {
	w.t.Helper()
	all, err := w.DB.Incidents(w.t.Context(), store.IncidentFilter{})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// Only is the one incident that is open; the test fails if there is none, or more.
func (w *World) Only(why string) alerts.Incident {
	w.t.Helper()
	all := w.Open()
	if len(all) != 1 {
		w.t.Fatalf("%s: %d incidents open, want 1: %+v", why, len(all), Titles(all))
	}
	return all[0]
}

// Batch is mails as the mailbox hands them over, the first under that UID.
func Batch(first uint32, mails ...[]byte) (b probes.Batch) {
	for i, raw := range mails {
		b.Messages = append(b.Messages, probes.Message{Mailbox: "bounces", UIDValidity: 1, UID: first + uint32(i), Received: time.Now(), Size: int64(len(raw)), Bytes: raw})
	}
	b.Position = probes.Position{UIDValidity: 1, UID: first + uint32(len(mails)) - 1}
	return b
}

// Log writes to the log of the test, a line for each question.
func Log(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
