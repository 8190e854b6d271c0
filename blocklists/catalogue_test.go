package blocklists

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// dir is a folder with one file.
func dir(text string) fstest.MapFS { return fstest.MapFS{"a.toml": {Data: []byte(text)}} }

const wholeList = `[[list]]
id = "mine"
title = "Mine"
operator = "Example"
zone = "bl.example.org"
families = ["ip4"]
decode = "any"
severity = "minor"
`

func TestReadCatalogTakesFilesInTheOrderOfTheirNames(t *testing.T) {
	c, err := ReadCatalog(fstest.MapFS{
		"b.toml":       {Data: []byte("checked = '2026-01-31'\n" + wholeList)},
		"a.toml":       {Data: []byte(strings.NewReplacer("mine", "first", "bl.", "first.").Replace(wholeList) + "[[dead]]\nzone = 'gone.example'\ntitle = 'Gone'\nsource = 's'\n")},
		".hidden.toml": {Data: []byte("nonsense")},
		"notes.txt":    {Data: []byte("nonsense")},
		"more/c.toml":  {Data: []byte("nonsense")},
	}, "lists.d")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Zones) != 2 || c.Zones[0].ID != "first" || c.Zones[1].ID != "mine" {
		t.Fatalf("lists %+v", c.Zones)
	}
	z := c.Zones[1]
	if z.File != "lists.d/b.toml" || z.Checked != "2026-01-31" || z.BuiltIn || !z.Default {
		t.Errorf("file %q, checked %q, built in %v, default %v", z.File, z.Checked, z.BuiltIn, z.Default)
	}
	if d, ok := c.FindDead("2.0.0.127.gone.example."); !ok || d.Title != "Gone" {
		t.Errorf("dead %+v", d)
	}
	if _, ok := c.FindDead("dnsbl.sorbs.net"); ok {
		t.Error("a catalogue knows the dead of another")
	}
}

func TestReadCatalogErrorsHaveFileLineAndList(t *testing.T) {
	for name, c := range map[string]struct {
		fs   fstest.MapFS
		want []string
	}{
		"no TOML":                   {dir("[[list]\n"), []string{"d/a.toml:1:"}},
		"an unknown key":            {dir(wholeList + "zome = 'x'\n"), []string{`d/a.toml:9: unknown key "list.zome"`}},
		"a word":                    {dir(strings.Replace(wholeList, "minor", "awful", 1)), []string{`d/a.toml:8: list "mine": severity: "awful" is none of`}},
		"the line of the key":       {dir("# one\n\n" + strings.Replace(wholeList, "bl.example.org", "bl", 1)), []string{`d/a.toml:7: list "mine": zone: no legal name`}},
		"a key that is not there":   {dir(strings.Replace(wholeList, "decode = \"any\"\n", "", 1)), []string{`d/a.toml:1: list "mine": decode:`}},
		"the line of a row":         {dir(wholeList + "codes = [\n  { match = '127.0.0.2', meaning = 'm' },\n  { match = '192.0.2.1', meaning = 'm' },\n]\n"), []string{`d/a.toml:11: list "mine": codes[1].match:`}},
		"a part of a list":          {dir(wholeList + "[list.removal]\nmethod = 'none'\nurl = 'ftp://x'\n"), []string{`d/a.toml:11: list "mine": removal.url:`}},
		"the second list":           {dir(wholeList + strings.NewReplacer("mine", "b", "bl.example.org", "b.example.org", "ip4", "ip5").Replace(wholeList)), []string{`d/a.toml:14: list "b": families:`}},
		"all of them":               {dir(strings.NewReplacer("minor", "awful", "ip4", "ip5").Replace(wholeList)), []string{"a.toml:8: ", "a.toml:6: "}},
		"an id twice":               {dir(wholeList + strings.Replace(wholeList, "bl.", "b.", 1)), []string{`d/a.toml:10: list "mine": id: taken by what stands in d/a.toml:1`}},
		"an id in two files":        {fstest.MapFS{"a.toml": {Data: []byte(wholeList)}, "b.toml": {Data: []byte(wholeList)}}, []string{`d/b.toml:2: list "mine": id: taken by what stands in d/a.toml:1`, `d/b.toml:5: list "mine": zone:`}},
		"a zone twice":              {dir(wholeList + strings.Replace(wholeList, "mine", "b", 1)), []string{`d/a.toml:13: list "b": zone: the same as that of the list in d/a.toml:1; each zone`}},
		"an id of another kind":     {dir(wholeList + "[[unasked]]\nid = 'mine'\ntitle = 'T'\nwhy = 'W'\nseverity = 'minor'\n"), []string{`d/a.toml:10: unasked "mine": id:`}},
		"dead twice":                {dir("[[dead]]\nzone = 'd.example'\nalso = ['d.example']\ntitle = 't'\nsource = 's'\n"), []string{`dead zone "d.example": zone: it is told of in d/a.toml:1 too`}},
		"dead without a title":      {dir("[[dead]]\nzone = 'd.example'\nsource = 's'\n"), []string{`d/a.toml:1: dead zone "d.example": title: missing`}},
		"dead is no name":           {dir("[[dead]]\nzone = 'd.example'\nalso = ['A B']\ntitle = 't'\nsource = 's'\n"), []string{`d/a.toml:3: dead zone "d.example": also[0]: want a domain name`}},
		"unasked without a reason":  {dir("[[unasked]]\nid = 'u'\ntitle = 't'\nseverity = 'minor'\n"), []string{`d/a.toml:1: unasked "u": why: missing`}},
		"a score that is a policy":  {dir("[[score]]\nid = 's'\ntitle = 't'\nzone = 's.example.org'\nkind = 'score'\nfamilies = ['ip4']\ndecode = 'exact'\ncodes = [{ match = '127.0.0.2', meaning = 'm', class = 'policy' }]\n"), []string{`d/a.toml:8: score "s": codes[0].class:`}},
		"a text score with codes":   {dir("[[score]]\nid = 's'\ntitle = 't'\nzone = 's.example.org'\nkind = 'info'\nfamilies = ['ip4']\ndecode = 'txt'\ncodes = [{ match = '127.0.0.2', meaning = 'm' }]\n"), []string{`score "s": codes: a text has no codes`}},
		"a score without codes":     {dir("[[score]]\nid = 's'\ntitle = 't'\nzone = 's.example.org'\nkind = 'score'\nfamilies = ['ip4']\ndecode = 'any'\n"), []string{`score "s": codes: missing`}},
		"a score of no kind":        {dir("[[score]]\nid = 's'\ntitle = 't'\nzone = 's.example.org'\nkind = 'x'\nfamilies = ['ip4']\ndecode = 'txt'\n"), []string{`d/a.toml:5: score "s": kind: "x" is none of score, allow, info`}},
		"a file that is too large":  {dir(strings.Repeat("#", maxCatalogFile+1)), []string{"d/a.toml: larger than"}},
		"a folder with such a name": {fstest.MapFS{"a.toml": {Mode: fs.ModeDir}}, []string{"d/a.toml: not a regular file"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadCatalog(c.fs, "d")
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
}

func TestReadCatalogOfNoFolder(t *testing.T) {
	_, err := ReadCatalog(os.DirFS("testdata/not-there"), "/etc/lists.d")
	if err == nil || err.Error() != "catalogue /etc/lists.d: no such file or directory" {
		t.Errorf("%v", err)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not ErrNotExist", err)
	}
}

func TestWithReplacesWholeAndAddsBehind(t *testing.T) {
	old, err := BuiltinCatalog()
	if err != nil {
		t.Fatal(err)
	}
	more, err := ReadCatalog(dir(
		strings.NewReplacer("mine", "spamcop", "bl.example.org", "spamcop.example.org").Replace(wholeList)+ // in place
			strings.NewReplacer("mine", "invaluement-sip", "bl.example.org", "sip.example.org").Replace(wholeList)+ // an unasked one is asked
			wholeList+ // new
			"[[unasked]]\nid = 'psbl'\ntitle = 't'\nwhy = 'w'\nseverity = 'minor'\n"+ // a list is asked no more
			"[[dead]]\nzone = 'b.barracudacentral.org'\ntitle = 'B'\nsource = 's'\n"), "d")
	if err != nil {
		t.Fatal(err)
	}
	got := old.With(more)
	at := func(c Catalog, id string) int {
		return slices.IndexFunc(c.Zones, func(z Zone) bool { return z.ID == id })
	}
	if i := at(got, "spamcop"); i < 0 || i > at(old, "spamcop") || got.Zones[i].Zone != "spamcop.example.org" || got.Zones[i].BuiltIn || len(got.Zones[i].Also) > 0 || got.Zones[i].Removal.Method != "" {
		t.Errorf("spamcop is number %d: %+v", i, got.Zones[max(i, 0)])
	}
	if n := len(got.Zones); n != len(old.Zones)+1 || got.Zones[n-1].ID != "mine" || at(got, "invaluement-sip") < 0 || at(got, "psbl") >= 0 {
		t.Errorf("%d lists after %d", n, len(old.Zones))
	}
	for _, u := range got.Unasked {
		if u.ID == "invaluement-sip" {
			t.Error("it is asked and unasked")
		}
	}
	if len(got.Unasked) != len(old.Unasked) || len(got.Scores) != len(old.Scores) {
		t.Errorf("%d unasked, %d scores", len(got.Unasked), len(got.Scores))
	}
	for _, zone := range []string{"b.barracudacentral.org", "dnsbl.sorbs.net"} {
		if _, ok := got.FindDead(zone); !ok {
			t.Errorf("%s is not dead", zone)
		}
	}
	if _, ok := old.FindDead("b.barracudacentral.org"); ok || len(old.Dead) != 66 {
		t.Error("the old catalogue has changed")
	}
	if again := old.With(Catalog{}); len(again.Zones) != len(old.Zones) || len(again.ids()) != len(old.ids()) {
		t.Error("with nothing it is not the same")
	}
}

func TestScoresAreNoLists(t *testing.T) {
	c, err := BuiltinCatalog()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Scores) != 16 || len(c.Unasked) != 6 {
		t.Errorf("%d scores, %d unasked, want 16 and 6", len(c.Scores), len(c.Unasked))
	}
	for _, s := range c.Scores {
		for _, z := range c.Zones {
			if z.Zone == s.Zone && s.ID != "hostkarma-white" { // which reads some answers of that list
				t.Errorf("%s is asked as list %s", s.Zone, z.ID)
			}
		}
		if _, ok := c.FindDead(s.Zone); ok {
			t.Errorf("%s is dead", s.Zone)
		}
		if s.Kind == ScoreAllow && slices.ContainsFunc(s.Codes, func(c Code) bool { return c.Class == Listed }) {
			t.Errorf("%s praises by blaming", s.ID)
		}
		if s.Confidence == "low" && s.Default || s.Checked == "" || len(s.Sources) == 0 {
			t.Errorf("%s: confidence %s, default %v, checked %q, %d sources", s.ID, s.Confidence, s.Default, s.Checked, len(s.Sources))
		}
	}
	for _, u := range c.Unasked {
		if u.Reach == "" || u.Removal.Method == "" || u.Removal.FixFirst == "" || u.Checked == "" || len(u.Sources) == 0 || !strings.HasSuffix(u.Why, ".") {
			t.Errorf("%+v", u)
		}
	}
}
