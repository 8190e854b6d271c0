package report

import (
	"bytes"
	"strings"
	"testing"

	"reputed/blocklists"
	"reputed/checks"
)

// A list whose entries end by themselves has a page, and nobody is sent there to ask.
func TestNobodyIsSentToAskWhereEntriesEndByThemselves(t *testing.T) {
	z := spamcop()
	z.Removal.URL = "https://www.spamcop.net/bl.shtml?{ip}"
	for method, ask := range map[string]bool{"automatic": false, "self-service": true} {
		z.Removal.Method = method
		var b bytes.Buffer
		if err := WriteList(&b, Term{}, Text, List{Zone: z}); err != nil {
			t.Fatal(err)
		}
		e := Pair{Target: checks.Address(addr("192.0.2.10")), List: z, Status: checks.Problem, Code: checks.CodeListed, Now: now}
		if got := strings.Contains(b.String(), "ask at"); got != ask {
			t.Errorf("%s: told to ask: %v in\n%s", method, got, b.String())
		}
		if got := strings.Contains(strings.Join(e.Changes(), "\n"), "Removal is asked at"); got != ask {
			t.Errorf("%s: told to ask: %v in %q", method, got, e.Changes())
		}
	}
}

// What lists show says of a list of each kind, at the width of a terminal.
func TestListOfEachKind(t *testing.T) {
	c, err := blocklists.BuiltinCatalog()
	if err != nil {
		t.Fatal(err)
	}
	find := func(id string) blocklists.Zone {
		z, ok := blocklists.Find(c.Zones, id)
		if !ok {
			t.Fatalf("no list %s", id)
		}
		return z
	}
	keyed, err := find("spamhaus-dbl-dqs").WithKey("c4n4ryk3y")
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]List{
		"list-keyed": {Zone: keyed, Asked: true}, "list-part": {Zone: find("uribl-red")}, "list-limits": {Zone: find("sem-netblack")},
		"list-little-known": {Zone: find("fmbla")}, "list-dead": {Zone: find("psbl"), Dead: "psbl.surriel.com (PSBL) ended in 2026-11; take it out of the configuration"},
		"list-left-out": {Zone: find("suomispam-bl")},
	} {
		var b bytes.Buffer
		if err := WriteList(&b, Term{Width: 80}, Text, l); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".80.txt", b.Bytes())
		var j bytes.Buffer
		if err := WriteList(&j, Term{}, JSON, l); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String()+j.String(), "c4n4ryk3y") {
			t.Errorf("%s holds the key:\n%s\n%s", name, b.String(), j.String())
		}
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 && !strings.Contains(line, "://") {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
	}
	for _, u := range c.Unasked {
		if u.ID != "invaluement-sip" {
			continue
		}
		var b bytes.Buffer
		if err := WriteUnasked(&b, Term{Width: 80}, Text, u); err != nil {
			t.Fatal(err)
		}
		golden(t, "list-unasked.80.txt", b.Bytes())
	}
}
