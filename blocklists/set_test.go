package blocklists

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// faultsOfSet says what keeps lists from being asked together by default: one
// event must be told once, what cannot be shown to work must not be asked, and a
// person must be able to read why it matters.
func faultsOfSet(set []Zone, dead Catalog) []string {
	var faults []string
	add := func(z Zone, format string, args ...any) {
		faults = append(faults, z.ID+": "+fmt.Sprintf(format, args...))
	}
	for i, z := range set {
		for j, other := range set {
			if i == j {
				continue
			}
			switch {
			case z.Parent == other.ID:
				add(z, "a part of %s", other.ID)
			case z.Zone == other.Zone:
				add(z, "the zone of %s", other.ID)
			case under(z.Zone, other.Zone):
				add(z, "below %s", other.ID)
			case slices.Contains(other.Also, z.Zone):
				add(z, "a part of %s, by another name", other.ID)
			}
			for _, also := range other.Also {
				if slices.Contains(z.Also, also) {
					add(z, "%s means %s too", also, other.ID)
				}
			}
		}
		if d, ok := dead.FindDead(z.Zone); ok {
			add(z, "dead: %s", d.Warning())
		}
		if z.Confidence == "low" {
			add(z, "little is known about it")
		}
		if z.KeyName != "" && !z.KeyOptional {
			add(z, "it needs a key")
		}
		if z.Reach == "" {
			add(z, "no reason is given why it matters")
		}
		listed, clean := map[Family]bool{}, map[Family]bool{}
		for _, q := range z.ControlQuestions() {
			map[bool]map[Family]bool{true: listed, false: clean}[q.Want][q.Family] = true
		}
		if len(listed) == 0 {
			add(z, "no entry that must be there")
		}
		for _, f := range z.Families {
			if (!listed[f] || !clean[f]) && z.Controls.Note == "" {
				add(z, "no pair of controls for %s, and controls.note does not say why", f)
			}
		}
	}
	return faults
}

func TestDefaultSet(t *testing.T) {
	c, err := BuiltinCatalog()
	if err != nil {
		t.Fatal(err)
	}
	set := slices.DeleteFunc(slices.Clone(c.Zones), func(z Zone) bool { return !z.Default })
	if len(set) != 31 {
		t.Errorf("%d lists are asked by default, want 31: who may be refused for it decides, not how many there are", len(set))
	}
	for _, fault := range faultsOfSet(set, c) {
		t.Error(fault)
	}
}

// The test above must be able to fail.
func TestFaultsOfSetAreFound(t *testing.T) {
	c, err := BuiltinCatalog()
	if err != nil {
		t.Fatal(err)
	}
	get := func(id string) Zone {
		i := slices.IndexFunc(c.Zones, func(z Zone) bool { return z.ID == id })
		if i < 0 {
			t.Fatalf("no list %s", id)
		}
		return c.Zones[i]
	}
	change := func(id string, f func(*Zone)) Zone { z := get(id); f(&z); return z }
	for want, set := range map[string][]Zone{
		"spamhaus-sbl: a part of spamhaus-zen":          {get("spamhaus-zen"), get("spamhaus-sbl")},
		"uribl-grey: a part of uribl-multi":             {get("uribl-grey"), get("uribl-multi")},
		"mine: a part of spamhaus-zen, by another name": {get("spamhaus-zen"), change("spamhaus-pbl", func(z *Zone) { z.ID, z.Parent = "mine", "" })},
		"mine: the zone of spamcop":                     {get("spamcop"), change("spamcop", func(z *Zone) { z.ID = "mine" })},
		"mine: below spamcop":                           {get("spamcop"), change("psbl", func(z *Zone) { z.ID, z.Zone = "mine", "x.bl.spamcop.net" })},
		"psbl: dead: dnsbl.sorbs.net":                   {change("psbl", func(z *Zone) { z.Zone = "dnsbl.sorbs.net" })},
		"ascams: little is known about it":              {get("ascams")},
		"ascams: no entry that must be there":           {get("ascams")},
		"abusix-combined: it needs a key":               {get("abusix-combined")},
		"psbl: no entry that must be there":             {change("psbl", func(z *Zone) { z.Controls = Controls{} })},
		"psbl: no pair of controls for ip4":             {change("psbl", func(z *Zone) { z.Controls = Controls{} })},
		"psbl: no reason is given":                      {change("psbl", func(z *Zone) { z.Reach = "" })},
		"psbl: surbl.org means surbl-multi too":         {get("surbl-multi"), change("psbl", func(z *Zone) { z.Also = []string{"surbl.org"} })},
	} {
		if faults := faultsOfSet(set, c); !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, want) }) {
			t.Errorf("want %q, got %q", want, faults)
		}
	}
}

// A list with a parent is for people who ask for it by its id; whatever names it in a
// refusal means the parent, which is the one that is asked.
func TestParents(t *testing.T) {
	zones, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for i, z := range zones {
		got, ok := Named(zones, z.Zone)
		if z.Parent == "" {
			if !ok || got.ID != z.ID {
				t.Errorf("%s is taken for %s", z.Zone, got.ID)
			}
			if slices.Contains(z.Tags, "component") {
				t.Errorf("%s is a component of nothing", z.ID)
			}
			continue
		}
		j := slices.IndexFunc(zones, func(p Zone) bool { return p.ID == z.Parent })
		switch {
		case j < 0:
			t.Errorf("%s: there is no list %s", z.ID, z.Parent)
		case j > i:
			t.Errorf("%s stands before its parent, and would be taken for it", z.ID)
		case zones[j].Parent != "":
			t.Errorf("%s: its parent has a parent itself", z.ID)
		case got.ID != z.Parent:
			t.Errorf("%s means %s, want the parent %s: put it into also there", z.Zone, got.ID, z.Parent)
		case z.Default:
			t.Errorf("%s is asked by default", z.ID)
		case !slices.Contains(z.Tags, "component") && !slices.Contains(z.Tags, "keyed"):
			t.Errorf("%s: tags %q lack component", z.ID, z.Tags)
		}
	}
}

// tags are the words that lists can be enabled, disabled and filtered by; docs/lists.md
// explains them.
var tags = []string{
	"address", "age", "attacks", "backscatter", "collateral", "component", "domain", "irc", "keyed", "low-confidence", "not-spam",
	"policy", "regional", "registration", "small",
}

func TestTags(t *testing.T) {
	zones, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, z := range zones {
		for _, tag := range z.Tags {
			seen[tag] = true
		}
		has := func(tag string) bool { return slices.Contains(z.Tags, tag) }
		for tag, want := range map[string]bool{
			"address":        z.Serves(IPv4) || z.Serves(IPv6),
			"domain":         z.Serves(Name),
			"low-confidence": z.Confidence == "low",
			"registration":   z.Registration == "required" && z.KeyName == "",
			"keyed":          z.KeyName != "" && !z.KeyOptional,
		} {
			if has(tag) != want {
				t.Errorf("%s: tag %s %v, want %v", z.ID, tag, has(tag), want)
			}
		}
		if has("small") && z.Default {
			t.Errorf("%s is asked by default, and no receiver is known to use it", z.ID)
		}
	}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, tags) {
		t.Errorf("tags %q, want %q", got, tags)
	}
	doc, err := os.ReadFile(filepath.Join("..", "docs", "lists.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags {
		if !strings.Contains(string(doc), "| `"+tag+"` |") {
			t.Errorf("docs/lists.md does not explain %s", tag)
		}
	}
}

// Nobody is woken for what costs no mail: neighbours, ages, Tor nodes, and lists
// that nobody refuses by.
func TestNothingHarmlessPages(t *testing.T) {
	zones, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, z := range zones {
		harmless := z.Severity == SeverityInformational
		for _, tag := range []string{"collateral", "age", "not-spam", "low-confidence"} {
			if !slices.Contains(z.Tags, tag) {
				continue
			}
			harmless = true
			if z.Severity != SeverityInformational {
				t.Errorf("%s is tagged %s and of severity %s", z.ID, tag, z.Severity)
			}
		}
		for _, c := range z.Codes {
			if slices.Contains(z.Tags, "collateral") || slices.Contains(z.Tags, "age") || slices.Contains(z.Tags, "not-spam") {
				if c.Class != Informational {
					t.Errorf("%s %s: class %s, want informational", z.ID, c.Match, c.Class)
				}
			}
		}
		if !harmless {
			continue
		}
		for b := range 256 {
			answer := fmt.Sprintf("127.0.0.%d", b)
			v, allowed := z.Judge(addrs(answer)), explicitSeverity(z, answer)
			if v.Severity.Rank() > max(SeverityInformational.Rank(), allowed.Rank()) {
				t.Errorf("%s answers %s: %s %s", z.ID, answer, v.Class, v.Severity)
			}
			if allowed.Rank() > SeverityMinor.Rank() {
				t.Errorf("%s %s: %s on a list that nobody refuses by", z.ID, answer, allowed)
			}
		}
	}
}

// explicitSeverity is what the table itself gives to one code of an else harmless list.
func explicitSeverity(z Zone, answer string) Severity {
	for _, c := range z.Codes {
		if c.Match == answer {
			return c.Severity
		}
	}
	return ""
}

// The limits are those of an operator, so its lists cannot publish different ones.
func TestLimitsAreOfTheOperator(t *testing.T) {
	zones, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	first := map[string]Zone{}
	for _, z := range zones {
		if z.Rate == 0 && z.PerDay == 0 {
			continue
		}
		if f, ok := first[z.Operator]; ok && (f.Rate != z.Rate || f.PerDay != z.PerDay) {
			t.Errorf("%s: %g/s and %d/day, and %s: %g/s and %d/day", z.ID, z.Rate, z.PerDay, f.ID, f.Rate, f.PerDay)
		}
		first[z.Operator] = z
		if z.Limits == "" {
			t.Errorf("%s has numbers and no words for its limits", z.ID)
		}
	}
	if len(first) < 3 {
		t.Errorf("limits of %d operators only", len(first))
	}
}

// The ids are a promise: configurations, incidents and bounces name them for ever.
func TestIDsGolden(t *testing.T) {
	c, err := BuiltinCatalog()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, z := range c.Zones {
		how := "opt-in"
		switch {
		case z.Default:
			how = "default"
		case z.ByIDOnly():
			how = "by id"
		}
		lines = append(lines, fmt.Sprintf("%-24s %s", z.ID, how))
	}
	for _, u := range c.Unasked {
		lines = append(lines, fmt.Sprintf("%-24s unasked", u.ID))
	}
	for _, s := range c.Scores {
		lines = append(lines, fmt.Sprintf("%-24s score", s.ID))
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	golden := filepath.Join("testdata", "ids.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("run with -update and read the change (-want +got):\n%s", diff)
	}
}
