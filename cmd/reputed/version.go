package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"reputed/internal/report"
)

// Stamps of the build, for who builds without the repository, such as a package from a tarball:
//
//	go build -ldflags "-X main.stampVersion=1.2.0 -X main.stampCommit=… -X main.stampDate=2026-01-31T00:00:00Z"
//
// Empty, Go's own stamps stand. Nothing but the linker writes them.
var stampVersion, stampCommit, stampDate string

func (a *app) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Print version and build",
		Example: `  reputed version
  reputed version --format json`,
		Args: args(0, 0, ""),
	}
	form := formatFlag(c, report.Text, report.JSON)
	c.RunE = func(*cobra.Command, []string) error {
		b := built()
		if *form == report.JSON {
			e := json.NewEncoder(a.stdout)
			e.SetIndent("", "  ")
			return e.Encode(b)
		}
		_, err := fmt.Fprintln(a.stdout, b)
		return err
	}
	return c
}

// build is what this binary was made of.
type build struct {
	Form    int    `json:"schema"`  // of this document; docs/json.md
	Version string `json:"version"` // "devel" if it has none
	Commit  string `json:"commit"`  // empty if it is not known, as below
	Date    string `json:"date"`    // of the commit, RFC 3339
	Dirty   bool   `json:"dirty"`   // with changes that were not committed
	Go      string `json:"go"`
	System  string `json:"platform"`
}

// String is one line.
func (b build) String() string {
	parts := []string{}
	if b.Commit != "" {
		commit := b.Commit[:min(len(b.Commit), 12)]
		if b.Dirty {
			commit += " with changes"
		}
		parts = append(parts, "commit "+commit)
	}
	if b.Date != "" {
		parts = append(parts, b.Date)
	}
	return fmt.Sprintf("reputed %s (%s)", b.Version, strings.Join(append(parts, b.Go, b.System), ", "))
}

func built() build {
	info, _ := debug.ReadBuildInfo()
	return readBuild(info, stampVersion, stampCommit, stampDate)
}

// readBuild puts the stamps of the linker before those of Go; info may be nil.
func readBuild(info *debug.BuildInfo, version, commit, date string) build {
	b := build{Form: 1, Version: version, Commit: commit, Date: date, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	if info != nil {
		if b.Version == "" && info.Main.Version != "(devel)" {
			b.Version = info.Main.Version
		}
		if commit == "" {
			for _, s := range info.Settings {
				switch s.Key {
				case "vcs.revision":
					b.Commit = s.Value
				case "vcs.time":
					if date == "" {
						b.Date = s.Value
					}
				case "vcs.modified":
					b.Dirty = s.Value == "true"
				}
			}
		}
	}
	if b.Version == "" {
		b.Version = "devel"
	}
	return b
}

// version is the version of the build, or "devel".
func version() string { return built().Version }
