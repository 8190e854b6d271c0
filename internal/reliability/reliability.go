// Package reliability turns what the tests saw of a fault into a page for operators.
//
// A test that injects a fault says what was promised, how often it tried, and what it saw:
//
//	reliability.Record(t, reliability.Row{Area: reliability.DNS, Fault: "20 % of all packets lost", Tries: 6000,
//		Promised: "no listing missed", Seen: fmt.Sprintf("%d missed", missed)})
//
// With REPUTED_RELIABILITY naming a folder, each row of a test that passed is kept there, and the test of this package makes
// docs/reliability.md of them, or says how the page differs. Nothing on that page is written by hand. Only tests import this
// package.
package reliability

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Env names the folder that rows are kept in. Unset, rows are checked and kept nowhere.
const Env = "REPUTED_RELIABILITY"

// Area is a part of the world that can fail. The page has a table for each.
type Area string

// The areas in the order of the page.
const (
	DNS      Area = "DNS"
	Mail     Area = "Mailbox and logs"
	Channels Area = "Channels"
	Storage  Area = "Storage"
	Clock    Area = "Clock"
	Process  Area = "The process"
	Outside  Area = "Text from outside"
	Load     Area = "Load"
)

var areas = []Area{DNS, Mail, Channels, Storage, Clock, Process, Outside, Load}

// Row is one promise under one fault.
type Row struct {
	Area  Area   `json:"area"`
	Fault string `json:"fault"` // what was done to the world: "answers with a wrong id, from another port"
	// Tries is how often: questions, cut connections, kills. It is the same in each run, at least 1.
	Tries    int    `json:"tries"`
	Unit     string `json:"unit"`     // what was tried, in the plural: "questions", "kills"
	Promised string `json:"promised"` // what had to hold: "no false listing"
	// Seen is what was counted, from the variables that the test judged by. It must be the same in each run on any
	// machine: no durations, no sizes of memory, unless as "below the promised".
	Seen string `json:"seen"`
	Test string `json:"test"` // filled in: package and test
}

// Record keeps the row once the test has ended, if it passed: what a failed or skipped test saw is not on the page. A row
// that is not whole fails the test.
func Record(t testing.TB, row Row) {
	t.Helper()
	row.Test, _, _ = strings.Cut(t.Name(), "/")
	if err := row.valid(); err != nil {
		t.Fatalf("reliability: %v", err)
	}
	dir := os.Getenv(Env)
	if dir == "" {
		return
	}
	pkg := packageOf()
	t.Cleanup(func() {
		if t.Failed() || t.Skipped() {
			return
		}
		row.Test = pkg + " " + row.Test
		if err := row.keep(dir); err != nil {
			t.Errorf("reliability: %v", err)
		}
	})
}

// valid says what is missing.
func (r Row) valid() error {
	switch {
	case !slices.Contains(areas, r.Area):
		return fmt.Errorf("there is no area %q on the page", r.Area)
	case r.Fault == "" || r.Promised == "" || r.Seen == "" || r.Unit == "":
		return errors.New("a row needs a fault, a unit, what was promised and what was seen")
	case r.Tries < 1:
		return fmt.Errorf("%q was tried %d times", r.Fault, r.Tries)
	}
	return nil
}

// keep writes the row to a file of its own, named after what it is about, so that a test that runs twice has one.
func (r Row) keep(dir string) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, r.Test+" "+r.Fault)
	if len(name) > 200 {
		name = name[:200]
	}
	return os.WriteFile(filepath.Join(dir, name+".json"), raw, 0o644)
}

// packageOf is the folder of the package under test, from the root of the module: go test runs a test in it.
func packageOf() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for root := dir; root != filepath.Dir(root); root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			rel, _ := filepath.Rel(root, dir)
			return filepath.ToSlash(rel)
		}
	}
	return filepath.Base(dir)
}

// read is every row in the folder, in the order of the page.
func read(dir string) ([]Row, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var r Row
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(f), err)
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(
			cmp.Compare(slices.Index(areas, a.Area), slices.Index(areas, b.Area)),
			cmp.Compare(a.Fault, b.Fault), cmp.Compare(a.Promised, b.Promised), cmp.Compare(a.Test, b.Test))
	})
	return rows, nil
}

// page is docs/reliability.md for these rows.
func page(rows []Row) string {
	var b strings.Builder
	b.WriteString(head)
	for _, area := range areas {
		first := true
		for _, r := range rows {
			if r.Area != area {
				continue
			}
			if first {
				fmt.Fprintf(&b, "\n## %s\n\n| fault | tries | promised | seen | test |\n|---|---:|---|---|---|\n", area)
				first = false
			}
			fmt.Fprintf(&b, "| %s | %s %s | %s | %s | `%s` |\n", cell(r.Fault), grouped(r.Tries), cell(r.Unit), cell(r.Promised), cell(r.Seen), cell(r.Test))
		}
	}
	return b.String()
}

const head = `# What happens when things break

Tests do each of these things to reputed, in every run of the continuous integration, and wrote this page: what was done, how often, what had
to hold, and what was counted. ` + "`bash .ci/reliability`" + ` makes it anew; a page that differs from what the tests saw fails the run.
`

// cell is text that stays within its cell.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "`", "'", "<", "&lt;").Replace(s)
}

// grouped is a number with its thousands set apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
