// Package catalog is the built-in blocklists as data: one TOML file for each
// operator, and dead.toml for the zones that nobody should ask any more. Package
// blocklists reads and validates them; the keys are those of blocklists.Spec.
package catalog

import (
	"embed"
	"io/fs"
)

//go:embed *.toml
var files embed.FS

// Files are the TOML files of the catalogue.
func Files() fs.FS { return files }
