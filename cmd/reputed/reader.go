package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"reputed/internal/config"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

// Every command that only looks opens the database here: without write permission, with a
// daemon that is dead, from a copy, and with a configuration that is broken.

// readStore opens the database that the configuration names for reading. The caller closes it.
// Of a broken configuration it says on standard error what is wrong, and goes on with the rest.
func (a *app) readStore(ctx context.Context) (*store.DB, *config.Config, error) {
	db, cfg, broken, err := a.openStored(ctx)
	if err == nil && broken != "" {
		fmt.Fprintf(a.stderr, "reputed: %s\n", broken)
	}
	return db, cfg, err
}

// openStored is readStore for a command that shows by itself what is wrong with the configuration. An
// error ends the program with exitConfig if the configuration is broken and nothing can be shown.
func (a *app) openStored(ctx context.Context) (db *store.DB, cfg *config.Config, broken string, err error) {
	cfg, wrong, err := a.configAsItIs()
	if err != nil {
		return nil, nil, "", err
	}
	if db, err = openReader(ctx, cfg); err != nil && wrong != nil {
		return nil, nil, "", configError(wrong)
	}
	if wrong != nil {
		broken = brokenConfig(cfg, wrong)
	}
	return db, cfg, broken, err
}

// configAsItIs is the configuration, or what could be read of a broken one with what is wrong.
func (a *app) configAsItIs() (cfg *config.Config, wrong *config.Error, err error) {
	cfg, err = a.optionalConfig()
	switch {
	case err == nil:
	case errors.As(err, &wrong):
	case a.databasePath != "": // it says what is to be shown, and the configuration only how lists are called
		wrong = &config.Error{Mistakes: []config.Mistake{{Text: err.Error()}}}
		cfg, err = config.Default()
		return a.onDatabase(cfg, wrong, err)
	}
	if wrong == nil {
		return a.onDatabase(cfg, nil, err)
	}
	cfg, err = config.Load(a.configFile(), config.LoadOptions{Secrets: config.Skip, Partial: true})
	if cfg == nil {
		return nil, nil, configError(err)
	}
	return a.onDatabase(cfg, wrong, nil)
}

// onDatabase puts --database in the place of the configuration's.
func (a *app) onDatabase(cfg *config.Config, wrong *config.Error, err error) (*config.Config, *config.Error, error) {
	if err == nil && a.databasePath != "" {
		cfg.Database.Path = a.databasePath
	}
	return cfg, wrong, err
}

// brokenConfig says the first mistake, and what is shown all the same.
func brokenConfig(cfg *config.Config, wrong *config.Error) string {
	more := ""
	if n := len(wrong.Mistakes); n > 1 {
		more = fmt.Sprintf(" (and %d more)", n-1)
	}
	return fmt.Sprintf("the configuration is broken, what could be read of it is used: %s%s; \"reputed config check\" says all; the database is %s",
		wrong.Mistakes[0], more, cfg.Database.Path)
}

// configFile is the file that --config names, or the default one if it is there; empty: none.
func (a *app) configFile() string {
	if a.configPath != "" {
		return a.configPath
	}
	return there(defaultConfig)
}

// there is the path if there is such a file, or if that cannot be seen: whoever may not look into the folder of the
// configuration is not to be told that there is none.
func there(path string) string {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

func openReader(ctx context.Context, cfg *config.Config) (*store.DB, error) {
	db, err := store.OpenReadOnly(ctx, cfg.Database.Path)
	if errors.Is(err, store.ErrNoDatabase) {
		err = noDatabase(cfg)
	}
	return db, wiring.WithBackup(cfg, err)
}

// databaseFlag adds --database to a command that only looks.
func (a *app) databaseFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.databasePath, "database", a.databasePath, "`FILE` in place of the configuration's database, such as a copy")
}

// noDatabase says that the daemon has not run yet, or that another file is meant.
func noDatabase(cfg *config.Config) error {
	return fmt.Errorf("%w at %s: it appears once \"reputed run\" has run; name its configuration with --config", store.ErrNoDatabase, cfg.Database.Path)
}
