package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"reputed/internal/config"
	"reputed/internal/report"
)

// defaultConfig is read when --config names none, if it is there.
const defaultConfig = "/etc/reputed/config.toml"

// loadConfig reads the configuration. Without --config the default file is
// taken if it exists, else the built-in defaults. An error ends the program with exitConfig.
func (a *app) loadConfig(secrets config.SecretMode) (*config.Config, error) {
	cfg, err := config.Load(a.configFile(), config.LoadOptions{Secrets: secrets})
	if err != nil {
		return nil, configError(err)
	}
	if a.lapse != nil {
		a.lapse(cfg)
	}
	return cfg, nil
}

// configError ends the program with exitConfig and every mistake on a line of its own.
func configError(err error) error {
	var all *config.Error
	if errors.As(err, &all) && len(all.Mistakes) > 1 {
		err = fmt.Errorf("the configuration has %d mistakes:\n%w", len(all.Mistakes), err)
	}
	return &exitError{exitConfig, err}
}

// optionalConfig is for commands that work without a configuration and need no
// secret: if the default file may not be read, they say so and go on with the defaults.
func (a *app) optionalConfig() (*config.Config, error) { return a.configOr(config.Skip) }

// askingConfig is for commands that ask lists: it has the keys of lists too, and says
// which lists are left out for want of one.
func (a *app) askingConfig() (*config.Config, error) {
	cfg, err := a.configOr(config.ListKeys)
	if err != nil {
		return nil, err
	}
	if ids := cfg.Blocklists.WithoutKey; len(ids) > 0 {
		fmt.Fprintf(a.stderr, "reputed: not asked, for want of a key: %s; \"reputed config check\" says why\n", strings.Join(ids, ", "))
	}
	return cfg, nil
}

func (a *app) configOr(secrets config.SecretMode) (*config.Config, error) {
	cfg, err := a.loadConfig(secrets)
	if a.configPath == "" && errors.Is(err, fs.ErrPermission) {
		fmt.Fprintf(a.stderr, "reputed: %s may not be read, so the built-in defaults are used; run as its owner, or name another with --config\n", defaultConfig)
		cfg, err = config.Default()
	}
	return cfg, err
}

// term is what is known about where the command's text goes.
func (a *app) term() report.Term { return report.Detect(a.stdout, os.Getenv) }
