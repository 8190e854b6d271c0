package daemon

import (
	"strings"
	"testing"

	"reputed/checks/bounce"
	"reputed/internal/config"
	"reputed/internal/wiring"
)

// A refusal names a list by what its receiver asks. It is a second witness for the list that is
// asked here, whatever that is called.
func TestRefusalIsAWitnessForTheListThatIsAsked(t *testing.T) {
	t.Setenv("DQS", "abcdefghijklmnopqrstuvwxyz")
	for name, c := range map[string]struct{ file, list, want string }{
		"the list itself":                 {"", "spamcop", "spamcop"},
		"a part of a list":                {"", "pbl.spamhaus.org", "spamhaus-zen"},
		"the same data with a key":        {"[blocklists]\nenable = [\"spamhaus-zen-dqs\"]\ndisable = [\"spamhaus-zen\"]\nkeys = { spamhaus-dqs = \"env:DQS\" }\n", "spamhaus-zen", "spamhaus-zen-dqs"},
		"one's own list of a known zone":  {"[blocklists]\nbuiltin = false\n[[blocklists.list]]\nid = \"mine\"\nzone = \"psbl.surriel.com\"\n", "psbl", "mine"},
		"a part does not speak for more":  {"[blocklists]\nenable = [\"spamhaus-sbl\"]\ndisable = [\"spamhaus-zen\"]\n", "spamhaus-zen", "spamhaus-zen"},
		"a list that nobody has heard of": {"", "bl.example.net", "bl.example.net"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := config.Parse([]byte(c.file), "reputed.toml", config.LoadOptions{Secrets: config.Resolve})
			if err != nil {
				t.Fatal(err)
			}
			if got := wiring.AskedAs(cfg, c.list); got != c.want {
				t.Errorf("%q is asked as %q, want %q", c.list, got, c.want)
			}
		})
	}
}

// What is known of a list that no question reaches is told with a refusal that names it.
func TestListThatIsNotAskedHasItsNameAndItsWayOut(t *testing.T) {
	cfg, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	zone := wiring.Lookup(wiring.Named(cfg))
	for _, u := range cfg.Blocklists.Catalog.Unasked {
		z, ok := zone(u.ID)
		if !ok || z.Title != u.Title || z.Removal != u.Removal || len(z.Families) > 0 {
			t.Errorf("%s: %+v", u.ID, z)
		}
	}
	if len(cfg.Blocklists.Catalog.Unasked) == 0 {
		t.Error("the catalogue has no such list: this test sees nothing")
	}
}

func TestAFaultyReaderCostsOneMail(t *testing.T) {
	r, targets := guarded(func() (bounce.Report, []string) {
		var b []byte
		b[cap(b)] = 'x'
		return bounce.Report{}, []string{"192.0.2.10"}
	})
	if r.Kind != bounce.KindUnparsed || !strings.Contains(r.Trouble, "index out of range") || targets != nil {
		t.Errorf("%+v, laid at %v", r, targets)
	}
}
