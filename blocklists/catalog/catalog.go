// Package catalog is the built-in blocklists as data: one TOML file for each
// operator, low-confidence.toml for lists of which little is known, scores.toml for what
// answers but is no list, and dead.toml for the zones that nobody should ask any more.
// Package blocklists reads and validates them; the keys are those of blocklists.Spec,
// and a folder of such files can be read beside these.
package catalog

import (
	"embed"
	"io/fs"
)

//go:embed *.toml
var files embed.FS

// Files are the TOML files of the catalogue.
func Files() fs.FS { return files }
