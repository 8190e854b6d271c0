package config

import (
	"testing"

	"reputed/blocklists"
)

func TestChosen(t *testing.T) {
	words := func(ws ...string) map[string]string {
		m := map[string]string{}
		for _, w := range ws {
			m[w] = "blocklists.enable[0]"
		}
		return m
	}
	for name, c := range map[string]struct {
		byDefault       bool
		enable, disable map[string]string
		want            bool
	}{
		"on by default":                      {true, nil, nil, true},
		"off by default":                     {false, nil, nil, false},
		"enabled by id":                      {false, words("a"), nil, true},
		"enabled by tag":                     {false, words("quick"), nil, true},
		"disabled by id":                     {true, nil, words("a"), false},
		"disabled by tag":                    {true, nil, words("quick"), false},
		"others do not matter":               {true, words("b"), words("slow"), true},
		"an id outranks a tag that enables":  {false, words("quick"), words("a"), false},
		"an id outranks a tag that disables": {true, words("a"), words("quick"), true},
		"of two tags the disabling one wins": {true, words("own"), words("quick"), false},
	} {
		t.Run(name, func(t *testing.T) {
			z := blocklists.Zone{ID: "a", Tags: []string{"own", "quick"}, Default: c.byDefault}
			if got := chosen(z, c.enable, c.disable); got != c.want {
				t.Errorf("chosen = %v, want %v", got, c.want)
			}
		})
	}
}

func TestOwnListInPlaceOfABuiltInOne(t *testing.T) {
	cfg := parse(t, "[blocklists]\ndisable = [\"spamcop\"]\n[[blocklists.list]]\nid = \"own-spamcop\"\nzone = \"bl.spamcop.net\"\nseverity = \"major\"\n")
	n := 0
	for _, z := range cfg.Blocklists.Zones {
		if z.Zone == "bl.spamcop.net" {
			n++
			if z.ID != "own-spamcop" || z.BuiltIn {
				t.Errorf("asked as %+v", z)
			}
		}
	}
	if n != 1 {
		t.Errorf("the zone is asked by %d lists", n)
	}
}

func TestOwnListThatIsOffUntilEnabled(t *testing.T) {
	text := "[[blocklists.list]]\nid = \"rare\"\nzone = \"rare.example.net\"\ndefault = false\ntags = [\"weekly\"]\n"
	for head, want := range map[string]int{"": 0, "enable = [\"rare\"]\n": 1, "enable = [\"weekly\"]\n": 1} {
		cfg := parse(t, "[blocklists]\nbuiltin = false\n"+head+text)
		if got := len(cfg.Blocklists.Zones); got != want {
			t.Errorf("with %q %d lists are asked, want %d", head, got, want)
		}
		if _, known := blocklists.Find(cfg.Blocklists.Catalog.Zones, "rare"); !known {
			t.Errorf("with %q it is not known", head)
		}
	}
}
