package config

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reputed/blocklists"
)

// withFolder writes a configuration and the files of its catalog_dir.
func withFolder(t *testing.T, text string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "lists.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, "lists.d", name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func catalogList(id, zone, more string) string {
	return "[[list]]\nid = \"" + id + "\"\ntitle = \"T\"\noperator = \"O\"\nzone = \"" + zone + "\"\nfamilies = [\"ip4\"]\ndecode = \"any\"\nseverity = \"minor\"\n" + more
}

func load(t *testing.T, path string, opt LoadOptions) *Config {
	t.Helper()
	if opt.builtin == nil {
		opt.builtin = builtin
	}
	cfg, err := Load(path, opt)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func zoneOf(cfg *Config, id string) string {
	for _, z := range cfg.Blocklists.Zones {
		if z.ID == id {
			return z.Zone
		}
	}
	return ""
}

func TestCatalogDirAddsReplacesAndBuries(t *testing.T) {
	cfg := load(t, withFolder(t, "[blocklists]\ncatalog_dir = \"lists.d\"\n", map[string]string{
		"10-own.toml":  catalogList("new", "new.example.org", "") + catalogList("spamcop", "spamcop.example.org", "") + catalogList("rare", "rare.example.org", "default = false\n"),
		"20-dead.toml": "[[dead]]\nzone = \"psbl.surriel.com\"\ntitle = \"PSBL\"\ndied = \"2026-11-20\"\nsource = \"s\"\n",
		"README":       "not a catalogue",
	}), LoadOptions{})
	for id, want := range map[string]string{
		"new": "new.example.org", "spamcop": "spamcop.example.org", "rare": "", "psbl": "", "spamhaus-zen": "zen.spamhaus.org",
	} {
		if got := zoneOf(cfg, id); got != want {
			t.Errorf("list %s asks %q, want %q", id, got, want)
		}
	}
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0], `config.toml:2: [blocklists] catalog_dir: psbl.surriel.com (PSBL) ended on 2026-11-20; take it out of the configuration; list "psbl" is not asked`) {
		t.Errorf("warnings %q", cfg.Warnings)
	}
	if !filepath.IsAbs(cfg.Blocklists.CatalogDir) {
		t.Errorf("folder %q", cfg.Blocklists.CatalogDir)
	}
	if i := slices.IndexFunc(cfg.Blocklists.Catalog.Zones, func(z blocklists.Zone) bool { return z.ID == "rare" }); i < 0 {
		t.Error("a list that is not asked is not known")
	}
	if _, dead := cfg.Blocklists.Catalog.FindDead("psbl.surriel.com"); !dead {
		t.Error("the dead zone is not known")
	}
}

func TestListsOfCatalogDirAreAskedWithoutTheBuiltInOnes(t *testing.T) {
	cfg := load(t, withFolder(t, "[blocklists]\nbuiltin = false\ncatalog_dir = \"lists.d\"\nenable = [\"weekly\"]\n", map[string]string{
		"a.toml": catalogList("new", "new.example.org", "") + catalogList("rare", "rare.example.org", "default = false\ntags = [\"weekly\"]\n"),
	}), LoadOptions{})
	if len(cfg.Blocklists.Zones) != 2 || zoneOf(cfg, "rare") == "" {
		t.Errorf("asked %v", cfg.Blocklists.Zones)
	}
	if len(cfg.Blocklists.Catalog.Zones) < 100 {
		t.Errorf("%d lists are known", len(cfg.Blocklists.Catalog.Zones))
	}
}

func TestMistakesOfCatalogDirHaveTheirFileAndLine(t *testing.T) {
	path := withFolder(t, "[blocklists]\ncatalog_dir = \"lists.d\"\n[[blocklists.list]]\nid = \"new\"\nzone = \"own.example.org\"\n", map[string]string{
		"a.toml": catalogList("new", "new.example.org", ""),
	})
	_, err := Load(path, LoadOptions{builtin: builtin})
	if err == nil || !strings.Contains(err.Error(), `config.toml:4: [[blocklists.list]] id: "new" is a list of catalog_dir`) {
		t.Errorf("an own list of that id: %v", err)
	}
	path = withFolder(t, "[blocklists]\ncatalog_dir = \"lists.d\"\n", map[string]string{
		"a.toml": catalogList("new", "new.example.org", "") + catalogList("New", "new", ""),
		"b.toml": catalogList("new", "other.example.org", "tag = 1\n"),
		"c.toml": catalogList("new", "third.example.org", ""),
	})
	_, err = Load(path, LoadOptions{builtin: builtin})
	for _, want := range []string{
		`config.toml:2: [blocklists] catalog_dir: `, `lists.d/a.toml:10: list "New": id: want lower-case`, `lists.d/a.toml:13: list "New": zone:`,
		`lists.d/b.toml:9: unknown key "list.tag"`, `lists.d/c.toml:2: list "new": id: taken by what stands in `,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	_, err = Parse([]byte("[blocklists]\ncatalog_dir = \"/not/there\"\n"), "c.toml", LoadOptions{builtin: builtin})
	if err == nil || err.Error() != `c.toml:2: [blocklists] catalog_dir: catalogue /not/there: no such file or directory` {
		t.Errorf("no folder: %v", err)
	}
	cfg := load(t, withFolder(t, "[blocklists]\ncatalog_dir = \"lists.d\"\n", nil), LoadOptions{})
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0], "there is nothing in it") {
		t.Errorf("an empty folder: %q", cfg.Warnings)
	}
}

func TestTagsReachNeitherPartsNorListsOfLowConfidence(t *testing.T) {
	cfg := parse(t, "[blocklists]\nenable = [\"regional\", \"domain\", \"age\"]\n")
	for id, want := range map[string]bool{"swinog-spamrbl": true, "sem-fresh30": true, "sem-fresh": false, "uribl-black": false, "polspam": false, "foobar-uribl": false} {
		if got := zoneOf(cfg, id) != ""; got != want {
			t.Errorf("%s is asked: %v, want %v", id, got, want)
		}
	}
	for _, word := range []string{"component", "low-confidence"} {
		_, err := Parse([]byte("[blocklists]\nenable = [\""+word+"\"]\n"), "c.toml", LoadOptions{builtin: builtin})
		if err == nil || !strings.Contains(err.Error(), `c.toml:2: [blocklists] enable: "`+word+`" reaches no list`) {
			t.Errorf("%s: %v", word, err)
		}
	}
	if cfg := parse(t, "[blocklists]\nenable = [\"polspam\"]\n"); zoneOf(cfg, "polspam") == "" {
		t.Error("the id does not reach it either")
	}
}

func TestOneEventToldTwiceIsAWarning(t *testing.T) {
	for text, want := range map[string]string{
		"enable = [\"spamhaus-sbl\"]\n":                                                 `c.toml:2: [blocklists] enable: an entry of "spamhaus-sbl" is as a rule one of "spamhaus-zen" too`,
		"[[blocklists.list]]\nid = \"x\"\nzone = \"sbl.spamhaus.org\"\n":                `c.toml:4: [[blocklists.list]] zone: an entry of "x" is as a rule one of "spamhaus-zen" too`,
		"enable = [\"spamhaus-sbl\", \"spamhaus-xbl\"]\ndisable = [\"spamhaus-zen\"]\n": "",
	} {
		cfg, err := Parse([]byte("[blocklists]\n"+text), "c.toml", LoadOptions{builtin: builtin})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case want == "" && len(cfg.Warnings) > 0, want != "" && (len(cfg.Warnings) != 1 || !strings.HasPrefix(cfg.Warnings[0], want)):
			t.Errorf("%s: warnings %q, want %q", text, cfg.Warnings, want)
		}
	}
}

func TestListsThatCannotBeAsked(t *testing.T) {
	_, err := Parse([]byte("[blocklists]\nenable = [\"invaluement-sip\"]\n"), "c.toml", LoadOptions{builtin: builtin})
	if err == nil || !strings.Contains(err.Error(), `list "invaluement-sip" cannot be asked: Its zone is told to its subscribers only.`) {
		t.Errorf("%v", err)
	}
}

const keys = "[blocklists.keys]\nspamhaus-dqs = \"env:DQS_KEY\"\n"

func TestKeysOfLists(t *testing.T) {
	const secret = "s3cr3tk3y5678901"
	dqs := "[blocklists]\nenable = [\"spamhaus-zen-dqs\"]\ndisable = [\"spamhaus-zen\"]\n"
	keyed := func(cfg *Config) string {
		for _, z := range cfg.Blocklists.Zones {
			if z.KeyName != "" {
				return z.QueryDomain("x")
			}
		}
		return "none"
	}
	for name, c := range map[string]struct {
		text     string
		mode     SecretMode
		env      map[string]string
		asks     string // the keyed list asks so; "none": there is none
		warning  string
		mistake  string
		withouts int
	}{
		"a key from the environment":          {text: dqs + keys, env: map[string]string{"DQS_KEY": secret}, asks: "x." + secret + ".zen.dq.spamhaus.net."},
		"check looks it up too":               {text: dqs + keys, mode: ListKeys, env: map[string]string{"DQS_KEY": secret}, asks: "x." + secret + ".zen.dq.spamhaus.net."},
		"lists does not":                      {text: dqs + keys, mode: Skip, asks: ""},
		"a key that is not there":             {text: dqs + keys, asks: "none", warning: `keys: environment variable DQS_KEY is not set or empty; list "spamhaus-zen-dqs" is not asked`, withouts: 1},
		"a key that is no key":                {text: dqs + keys, env: map[string]string{"DQS_KEY": "s3cr3t k3y"}, mistake: "c.toml:5: [blocklists] keys: this is no key"},
		"a key that is not given":             {text: dqs, mistake: `c.toml:2: [blocklists] enable: list "spamhaus-zen-dqs" is asked with a key of yours: add spamhaus-dqs = "env:NAME" to [blocklists.keys]`},
		"a key that is not given, and a tag":  {text: "[blocklists]\nenable = [\"keyed\"]\n" + keys, env: map[string]string{"DQS_KEY": secret}, asks: "x." + secret + ".authbl.dq.spamhaus.net.", warning: `list "abusix-combined" is asked with a key of yours`, withouts: 3},
		"a key that nothing needs now":        {text: keys, asks: "none"},
		"a key of no list":                    {text: "[blocklists.keys]\nspamhaus-dq = \"env:DQS_KEY\"\n", mistake: `c.toml:2: [blocklists] keys: no list is asked with a key named "spamhaus-dq"; did you mean "spamhaus-dqs"?`},
		"an optional key that is not given":   {text: "[blocklists]\nenable = [\"spamrats-all\"]\n", asks: "x.all.spamrats.com."},
		"an optional key that is not there":   {text: "[blocklists]\nenable = [\"spamrats-all\"]\n[blocklists.keys]\nspamrats = \"env:R\"\n", asks: "x.all.spamrats.com.", warning: `list "spamrats-all" is asked without it`},
		"an optional key":                     {text: "[blocklists]\nenable = [\"spamrats-all\"]\n[blocklists.keys]\nspamrats = \"env:R\"\n", env: map[string]string{"R": secret}, asks: "x." + secret + ".all.spamrats.com."},
		"a list of one's own":                 {text: "[blocklists.keys]\nmine = \"env:M\"\n[[blocklists.list]]\nid = \"mine\"\nzone = \"{key}.bl.example.org\"\n", env: map[string]string{"M": secret}, asks: "x." + secret + ".bl.example.org."},
		"a list of one's own without its key": {text: "[[blocklists.list]]\nid = \"mine\"\nzone = \"{key}.bl.example.org\"\n", mistake: `c.toml:3: [[blocklists.list]] zone: list "mine" is asked with a key of yours`},
		"a key in the clear":                  {text: dqs + "[blocklists.keys]\nspamhaus-dqs = \"" + secret + "\"\n", asks: "x." + secret + ".zen.dq.spamhaus.net.", warning: "the secret stands in the file in the clear"},
		"a key in the zone":                   {text: "[[blocklists.list]]\nid = \"mine\"\nzone = \"" + secret + ".bl.example.org\"\n", asks: "none", warning: `looks like a subscriber's key`},
	} {
		t.Run(name, func(t *testing.T) {
			env := func(k string) (string, bool) { v, ok := c.env[k]; return v, ok }
			cfg, err := Parse([]byte(c.text), "c.toml", LoadOptions{builtin: builtin, Env: env, Secrets: c.mode})
			if c.mistake != "" {
				if err == nil || !strings.Contains(err.Error(), c.mistake) || strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("got %v, want %s", err, c.mistake)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := keyed(cfg); got != c.asks {
				t.Errorf("asks %q, want %q", got, c.asks)
			}
			warnings := strings.Join(cfg.Warnings, "\n")
			if !strings.Contains(warnings, c.warning) || c.warning == "" && warnings != "" {
				t.Errorf("warnings %q, want %q", warnings, c.warning)
			}
			if len(cfg.Blocklists.WithoutKey) != c.withouts {
				t.Errorf("without a key: %q", cfg.Blocklists.WithoutKey)
			}
			if shown := cfg.Show(); strings.Contains(warnings+shown, secret) || strings.Contains(c.text, keys) && !strings.Contains(shown, `keys = { "spamhaus-dqs" = "env:DQS_KEY" }`) {
				t.Errorf("shown:\n%s\n%s", warnings, shown)
			}
		})
	}
}

func TestWithKeyOfAListThatIsNotAsked(t *testing.T) {
	env := func(string) (string, bool) { return "s3cr3tk3y5678901", true }
	cfg, err := Parse([]byte(keys), "c.toml", LoadOptions{builtin: builtin, Env: env, Secrets: ListKeys})
	if err != nil {
		t.Fatal(err)
	}
	get := func(id string) blocklists.Zone {
		z, ok := blocklists.Find(cfg.Blocklists.Catalog.Zones, id)
		if !ok {
			t.Fatal(id)
		}
		return z
	}
	if z, err := cfg.Blocklists.WithKey(get("spamhaus-dbl-dqs")); err != nil || z.Askable() != nil {
		t.Errorf("%v", err)
	}
	if z, err := cfg.Blocklists.WithKey(get("spamcop")); err != nil || z.ID != "spamcop" {
		t.Errorf("%v", err)
	}
	if _, err := cfg.Blocklists.WithKey(get("abusix-black")); !errors.Is(err, blocklists.ErrNoKey) || !strings.Contains(err.Error(), `add abusix = "env:NAME" to [blocklists.keys]`) {
		t.Errorf("%v", err)
	}
	cfg, err = Parse([]byte(keys), "c.toml", LoadOptions{builtin: builtin, Secrets: Skip})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Blocklists.WithKey(get("spamhaus-dbl-dqs")); !errors.Is(err, blocklists.ErrNoKey) || !strings.Contains(err.Error(), "env:DQS_KEY gives none") {
		t.Errorf("%v", err)
	}
}

// What docs/lists.md tells people to write is a configuration without mistakes.
func TestExamplesOfTheDocs(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "lists.md"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for block := range strings.SplitSeq(regexp.MustCompile(`(?m)^[^ \n].*$`).ReplaceAllString(string(doc), "\f"), "\f") {
		if block = strings.TrimSpace(strings.ReplaceAll("\n"+block, "\n    ", "\n")); strings.Contains(block, "[") {
			blocks = append(blocks, block)
		}
	}
	closed := ""
	for _, b := range blocks {
		if strings.Contains(b, "[[dead]]") {
			closed = b
		}
	}
	n := 0
	for _, b := range blocks {
		if b == closed {
			continue
		}
		n++
		path := withFolder(t, b, map[string]string{"closed.toml": closed})
		env := func(string) (string, bool) { return "s3cr3tk3y5678901", true }
		cfg, err := Load(path, LoadOptions{builtin: builtin, Env: env})
		if err != nil {
			t.Errorf("%v\nin\n%s", err, b)
		}
		if cfg != nil && len(cfg.Warnings) > 0 {
			t.Errorf("warnings %q in\n%s", cfg.Warnings, b)
		}
	}
	if n != 7 || closed == "" {
		t.Errorf("%d examples, and of a dead zone %q", n, closed)
	}
}
