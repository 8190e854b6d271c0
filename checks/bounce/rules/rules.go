// Package rules holds the built-in classification rules, as data: one file a
// vendor or subject. What a rule is, and how it is matched, is said in package bounce.
package rules

import "embed"

// Files are the rule files.
//
//go:embed *.toml
var Files embed.FS
