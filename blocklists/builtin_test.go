package blocklists

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reputed/blocklists/catalog"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The golden file is what changes in review when the catalogue does: who is
// asked about what, how the answer is read, and how much it weighs.
func TestCatalogueGolden(t *testing.T) {
	zones, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, z := range zones {
		var families []string
		for _, f := range z.Families {
			families = append(families, string(f))
		}
		fmt.Fprintf(&b, "%-20s %-38s %-16s %-8s %-14s default=%v", z.ID, z.PrintableName(), strings.Join(families, ","), z.Decode, z.Severity, z.Default)
		if z.Parent != "" {
			fmt.Fprintf(&b, " parent=%s", z.Parent)
		}
		if z.Rate > 0 || z.PerDay > 0 {
			fmt.Fprintf(&b, " rate=%g/s,%d/day", z.Rate, z.PerDay)
		}
		fmt.Fprintf(&b, " %s\n", strings.Join(z.Tags, ","))
		for _, c := range z.Codes {
			severity := c.Severity
			if severity == "" {
				severity = "-"
			}
			fmt.Fprintf(&b, "    %-24s %-14s %s\n", c.Match, c.Class, severity)
		}
		for _, c := range z.Refusals {
			fmt.Fprintf(&b, "    %-24s refused\n", c.Match)
		}
		if z.KeyName != "" {
			keyed, err := z.WithKey("test-key")
			if err != nil {
				t.Fatal(err)
			}
			z = keyed
		}
		for _, q := range z.ControlQuestions() {
			want := "clean"
			if q.Want {
				want = "listed"
			}
			if q.Code.IsValid() {
				want += " " + q.Code.String()
			}
			fmt.Fprintf(&b, "    ? %s %s\n", q.Name, want)
		}
	}
	golden := filepath.Join("testdata", "catalog.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("run with -update and read the change (-want +got):\n%s", diff)
	}
}

func TestBuiltinIsTheSameEachTime(t *testing.T) {
	a, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	b, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, b, sameAddr); diff != "" {
		t.Error(diff)
	}
}

// TestCatalogueRules are what is expected of a list beyond being valid, so that
// a person who is told about it at night has something to go by.
func TestCatalogueRules(t *testing.T) {
	zones, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, z := range zones {
		t.Run(z.ID, func(t *testing.T) {
			for _, x := range [][2]string{
				{"title", z.Title}, {"operator", z.Operator}, {"reach", z.Reach}, {"registration", z.Registration},
				{"confidence", z.Confidence}, {"checked", z.Checked}, {"a control, or a note why not", listedOrNote(z)},
				{"website", z.Website}, {"removal.method", z.Removal.Method}, {"removal.fix_first", z.Removal.FixFirst}, {"removal.who_may_ask", z.Removal.WhoMayAsk},
			} {
				lowToo := !slices.Contains([]string{"website", "removal.method", "removal.fix_first", "removal.who_may_ask"}, x[0])
				if x[1] == "" && (lowToo || z.Confidence != "low") {
					t.Errorf("%s is missing", x[0])
				}
			}
			for _, x := range [][2]string{{"reach", z.Reach}, {"removal.fix_first", z.Removal.FixFirst}, {"advice", z.Advice}, {"removal.auto_expiry", z.Removal.AutoExpiry}} {
				if x[1] != "" && !strings.HasSuffix(x[1], ".") {
					t.Errorf("%s is no sentence: %q", x[0], x[1])
				}
			}
			if !z.BuiltIn || len(z.Sources) == 0 {
				t.Errorf("built-in %v, %d sources", z.BuiltIn, len(z.Sources))
			}
			if m := z.Removal.Method; m == "self-service" && z.Removal.URL == "" {
				t.Error("self-service without a removal page")
			}
		})
	}
}

func listedOrNote(z Zone) string {
	for _, q := range z.ControlQuestions() {
		if q.Want {
			return "an entry that must be there"
		}
	}
	return z.Controls.Note
}

// The decoder takes keys in any case, and of "id" and "ID" the last one; in the
// catalogue a key is written one way.
func TestCatalogueKeysAreLowerCase(t *testing.T) {
	key := regexp.MustCompile(`(?m)(?:^|[{,] *)([A-Za-z0-9_]+) *=`)
	files, err := fs.Glob(catalog.Files(), "*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		data, err := fs.ReadFile(catalog.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllSubmatch(data, -1) {
			if k := string(m[1]); k != strings.ToLower(k) {
				t.Errorf("%s: key %q", name, k)
			}
		}
	}
}

// Zones under spamhaus.org that are not in its documentation answer 127.255.255.252, or once
// upon a time a listing: every one in the catalogue is spelt out here.
func TestOnlyKnownZonesOfSpamhaus(t *testing.T) {
	zones, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"zen.spamhaus.org", "dbl.spamhaus.org", "sbl.spamhaus.org", "xbl.spamhaus.org", "pbl.spamhaus.org", "sbl-xbl.spamhaus.org"}
	for _, z := range zones {
		if strings.HasSuffix(z.Zone, ".spamhaus.org") && !slices.Contains(known, z.Zone) {
			t.Errorf("%s is no zone of Spamhaus that is to be asked", z.Zone)
		}
	}
}
