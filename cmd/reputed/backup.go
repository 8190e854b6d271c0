package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

func (a *app) backupCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database while the daemon runs, and look the copy through",
		Long: `Writes a copy of the database to a new file with mode 0600: everything of one
instant, whatever the daemon writes meanwhile. The copy is looked through from
end to end before it gets its name, and nothing is ever overwritten.

Copying the file with cp while the daemon runs gives a damaged copy now and
then. "reputed restore FILE" puts a copy back. [backup] in the configuration
lets the daemon make copies by itself.`,
		Example: `  reputed backup /var/backups/reputed.db
  reputed backup /var/backups/reputed-$(date +%F).db`,
		Args: args(1, 1, "the file to write, which must not be there yet"),
	}
	form := formatFlag(c, report.Text, report.JSON)
	a.databaseFlag(c)
	c.RunE = func(c *cobra.Command, words []string) error {
		cfg, _, err := a.configAsItIs()
		if err != nil {
			return err
		}
		done, err := store.Backup(c.Context(), cfg.Database.Path, words[0])
		switch {
		case errors.Is(err, fs.ErrExist):
			return err
		case errors.Is(err, store.ErrNoDatabase):
			return noDatabase(cfg)
		case err != nil:
			return wiring.WithBackup(cfg, err)
		}
		file, err := filepath.Abs(words[0])
		if err != nil {
			return err
		}
		return a.tellCopy(*form, "written: ", file, "", done)
	}
	return c
}

func (a *app) restoreCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in place of the database, while no daemon runs",
		Long: `Looks a backup through and puts a copy of it in place of the database. It
refuses while a daemon runs on the database, and a backup that is damaged or was
made by a newer version. The database that was there is kept beside it, and its
owner and mode are taken over, so that root may do this.

After it the daemon reads mailboxes and logs on from where the backup was, as
far as the mail is still there, and tells again what had been told since.`,
		Example: `  systemctl stop reputed
  reputed restore /var/backups/reputed-20261125T031700Z.db
  systemctl start reputed`,
		Args: args(1, 1, "the backup"),
	}
	form := formatFlag(c, report.Text, report.JSON)
	a.databaseFlag(c)
	c.RunE = func(c *cobra.Command, words []string) error {
		cfg, _, err := a.configAsItIs()
		if err != nil {
			return err
		}
		done, err := store.Restore(c.Context(), words[0], cfg.Database.Path, time.Now())
		if err != nil {
			return err
		}
		return a.tellCopy(*form, "restored: ", cfg.Database.Path, done.Replaced, done.Contents)
	}
	return c
}

// copyJSON is what backup and restore say in JSON. Field names are a promise: docs/json.md.
type copyJSON struct {
	Form        int        `json:"schema"`
	File        string     `json:"file"`
	Replaced    string     `json:"replaced,omitempty"`
	Bytes       int64      `json:"bytes"`
	Schema      int64      `json:"database_schema"`
	LastRun     *time.Time `json:"last_run"`
	Incidents   int        `json:"incidents"`
	Open        int        `json:"open"`
	Transitions int        `json:"transitions"`
	Mails       int        `json:"mails"`
	Bounces     int        `json:"bounces"`
	Queued      int        `json:"queued"`
}

// tellCopy says what was copied where, and what it holds.
func (a *app) tellCopy(form report.Format, what, file, replaced string, c store.Contents) error {
	if form == report.JSON {
		out := copyJSON{Form: 1, File: file, Replaced: replaced, Bytes: c.Bytes, Schema: c.Schema, Incidents: c.Incidents, Open: c.Open,
			Transitions: c.Transitions, Mails: c.Mails, Bounces: c.Bounces, Queued: c.Queued}
		if !c.LastRun.IsZero() {
			out.LastRun = &c.LastRun
		}
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(out)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s, %s, looked through and whole\n", what, checks.Line(file, 0), size(c.Bytes))
	last := "no round yet"
	if !c.LastRun.IsZero() {
		last = "last round " + c.LastRun.Local().Format("2006-01-02 15:04 MST")
	}
	fmt.Fprintf(&b, "holds:   %s (%d open), %s\n", checks.Plural(c.Incidents, "incident"), c.Open, checks.Plural(c.Transitions, "change"))
	fmt.Fprintf(&b, "         %s from %s, %s waiting\n", checks.Plural(c.Bounces, "refusal"), checks.Plural(c.Mails, "mail"), checks.Plural(c.Queued, "notice"))
	fmt.Fprintf(&b, "         %s, schema %d\n", last, c.Schema)
	if replaced != "" {
		fmt.Fprintf(&b, "kept:    %s, which was there; remove it when all is well\n", checks.Line(replaced, 0))
	}
	_, err := a.stdout.Write([]byte(b.String()))
	return err
}

// size writes bytes as people read them.
func size(bytes int64) string {
	switch {
	case bytes >= 1_000_000_000:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	case bytes >= 1_000_000:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%d kB", (bytes+999)/1000)
}
