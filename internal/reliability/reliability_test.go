package reliability

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/reliability.md from the rows that are there")

// REPUTED_RELIABILITY_PAGE is a folder of rows that is whole: every test has run, with all the servers it needs.
func TestPageIsWhatTheTestsSaw(t *testing.T) {
	dir := os.Getenv("REPUTED_RELIABILITY_PAGE")
	if dir == "" {
		t.Skip("needs the rows of a whole run with every real server: bash .ci/reliability")
	}
	rows, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		t.Fatalf("no test has kept a row in %s", dir)
	}
	file := filepath.Join("..", "..", "docs", "reliability.md")
	want := page(rows)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run bash .ci/reliability", err)
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("docs/reliability.md is not what the tests saw (bash .ci/reliability writes it): - seen, + page\n%s", diff)
	}
}

func TestRowsAreKeptOnlyOfTestsThatPass(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(Env, dir)
	row := Row{Area: Storage, Fault: "disk full | at once", Tries: 1200, Unit: "writes", Promised: "nothing lost", Seen: "0 lost"}
	t.Run("passes", func(t *testing.T) { Record(t, row) })
	t.Run("passes again", func(t *testing.T) { Record(t, row) })
	row.Fault = "disk slow"
	t.Run("passes too", func(t *testing.T) { Record(t, row) })
	row.Fault = "no disk"
	t.Run("skips", func(t *testing.T) { Record(t, row); t.Skip("on purpose: what a skipped test saw does not count") })
	rows, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 {
		t.Fatalf("%d rows, want those of the two that passed: %v", len(rows), rows)
	}
	const want = "| disk full \\| at once | 1,200 writes | nothing lost | 0 lost | `internal/reliability TestRowsAreKeptOnlyOfTestsThatPass` |"
	if got := page(rows); !strings.Contains(got, want) {
		t.Errorf("page:\n%s\nwant the line\n%s", got, want)
	}
}

func TestARowIsWhole(t *testing.T) {
	whole := Row{Area: DNS, Fault: "f", Tries: 1, Unit: "u", Promised: "p", Seen: "s"}
	if err := whole.valid(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Row){
		"an area that the page lacks": func(r *Row) { r.Area = "Weather" },
		"never tried":                 func(r *Row) { r.Tries = 0 },
		"nothing promised":            func(r *Row) { r.Promised = "" },
		"nothing seen":                func(r *Row) { r.Seen = "" },
		"no fault":                    func(r *Row) { r.Fault = "" },
		"no unit":                     func(r *Row) { r.Unit = "" },
	} {
		r := whole
		spoil(&r)
		if r.valid() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
