package blocklists

import (
	"strings"
	"testing"
)

func builtinCatalog(t *testing.T) Catalog {
	t.Helper()
	c, err := BuiltinCatalog()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDeadTable(t *testing.T) {
	c := builtinCatalog(t)
	if len(c.Dead) != 66 {
		t.Errorf("%d dead zones, want 66: a dead list stays dead", len(c.Dead))
	}
	for _, z := range c.Zones {
		if d, ok := c.FindDead(z.Zone); ok {
			t.Errorf("list %s asks %s, which is dead: %s", z.ID, z.Zone, d.Warning())
		}
	}
	for _, d := range c.Dead {
		if d.Behaviour == "" || d.Confidence == "" {
			t.Errorf("%s: behaviour or confidence is missing", d.Zone)
		}
		if d.Instead == "" {
			continue
		}
		if z, ok := Named(c.Zones, d.Instead); !ok || z.Zone != d.Instead {
			t.Errorf("%s: instead names %s, which is not in the catalogue", d.Zone, d.Instead)
		}
	}
}

func TestFindDead(t *testing.T) {
	builtin := builtinCatalog(t)
	for name, c := range map[string]struct{ zone, want string }{
		"the zone":                   {"dnsbl.sorbs.net", "dnsbl.sorbs.net"},
		"case and dot do not matter": {"DNSBL.Sorbs.NET.", "dnsbl.sorbs.net"},
		"one of its other names":     {"safe.dnsbl.sorbs.net", "safe.dnsbl.sorbs.net"},
		"the longest name":           {"new.spam.dnsbl.sorbs.net", "new.spam.dnsbl.sorbs.net"},
		"a name below":               {"2.0.0.127.rbl.lugh.ch", "rbl.lugh.ch"},
		"a typing mistake":           {"zin.spamhaus.org", "zin.spamhaus.org"},
		"a live list":                {"zen.spamhaus.org", ""},
		"half a label":               {"sbl.spamhaus.org", ""}, // ends in bl.spamhaus.org
		"above a dead one":           {"sorbs.net", ""},
		"a user's own":               {"bl.example.org", ""},
		"nothing":                    {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, ok := builtin.FindDead(c.zone)
			if d.Zone != c.want || ok != (c.want != "") {
				t.Errorf("FindDead(%q) = %q, %v; want %q", c.zone, d.Zone, ok, c.want)
			}
		})
	}
}

func TestDeadWarning(t *testing.T) {
	builtin := builtinCatalog(t)
	for _, c := range []struct{ zone, want string }{
		{"safe.dnsbl.sorbs.net", "safe.dnsbl.sorbs.net (SORBS aggregate) ended on 2024-06-05: it was emptied, and by August 2026 no name server answers; take it out of the configuration"},
		{"bl.spamhaus.org", "bl.spamhaus.org (no list of Spamhaus) never existed: it is a mistyped name, to which Spamhaus answers 127.255.255.252; ask zen.spamhaus.org in its place"},
		{"rbl.suresupport.com", "rbl.suresupport.com (SureSupport) ended in 2019-12: it is gone; take it out of the configuration"},
		{"cidr.bl.mcafee.com", "cidr.bl.mcafee.com (McAfee CIDR list) ended in 2024-11 or before: it does not work any more; take it out of the configuration"},
		{"blackholes.us", "blackholes.us (blackholes.us country lists) is believed to have ended in the 2000s: it is gone; take it out of the configuration"},
		{"cbl.abuseat.org", "cbl.abuseat.org (CBL) ended about 2021: it became a part of Spamhaus XBL, which is a part of ZEN; ask zen.spamhaus.org in its place"},
		{"all.rbl.jp", "all.rbl.jp (RBL.JP) ended, at a date that is not known: it has no name server; take it out of the configuration"},
	} {
		if d, _ := builtin.FindDead(c.zone); d.Warning() != c.want {
			t.Errorf("got  %s\nwant %s", d.Warning(), c.want)
		}
	}
	for _, d := range builtin.Dead {
		if w := d.Warning(); strings.ContainsAny(w, "\n") || strings.Contains(w, "  ") || strings.Contains(w, ": it ;") {
			t.Errorf("no sentence: %q", w)
		}
	}
}
