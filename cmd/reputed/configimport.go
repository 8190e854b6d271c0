package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"reputed/internal/config"
)

func (a *app) configImportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Translate the lists of dnsbl_exporter or check_rbl",
		Long: `Reads a file with lines "server=NAME", as dnsbl_exporter (rbls.ini, targets.ini) and check_rbl
(check_rbl.ini) have them, and prints what belongs into a configuration: lists that the
catalogue knows by their ids, others as lists of your own, hosts to watch as [[outbound]]. Lists
that are dead or no blocklists are left out, with a comment that says why. Nothing is changed.`,
		Example: `  reputed config import rbls.ini
  reputed config import check_rbl.ini >lists.toml   to be put into the configuration
  reputed config import - <rbls.ini`,
		Args: args(1, 1, "one file, or - for standard input"),
		RunE: func(c *cobra.Command, words []string) error {
			cfg, err := a.optionalConfig()
			if err != nil {
				return err
			}
			data, err := a.readSmall(words[0])
			if err != nil {
				return err
			}
			servers, err := config.ReadServers(data)
			if errors.Is(err, config.ErrNoServers) {
				return fmt.Errorf("%s has %w; is it a file of dnsbl_exporter or check_rbl?", words[0], err)
			}
			_, err = io.WriteString(a.stdout, servers.Translate(cfg.Blocklists.Catalog, cfg.Blocklists.Zones))
			return err
		},
	}
}

// readSmall reads a file, or standard input for "-", of at most so much as a configuration may have.
func (a *app) readSmall(name string) ([]byte, error) {
	in := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, config.MaxFileBytes+1))
	if err == nil && len(data) > config.MaxFileBytes {
		err = fmt.Errorf("%s is larger than %d bytes", name, config.MaxFileBytes)
	}
	return data, err
}
