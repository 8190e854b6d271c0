package blocklists

import "testing"

func TestNamed(t *testing.T) {
	zones, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	parent, err := UserZone(Zone{ID: "parent", Zone: "example.org"})
	if err != nil {
		t.Fatal(err)
	}
	child, err := UserZone(Zone{ID: "child", Zone: "bl.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	zones = append(zones, parent, child)
	names := Catalog{Zones: zones, Unasked: []Unasked{{ID: "told-to-few", Zone: "few.example.com"}}}.Names()
	for name, c := range map[string]struct{ name, want string }{
		"by id":                              {"spamcop", "spamcop"},
		"by zone":                            {"zen.spamhaus.org", "spamhaus-zen"},
		"case and dot do not matter":         {" ZEN.Spamhaus.ORG. ", "spamhaus-zen"},
		"a component means the whole":        {"sbl.spamhaus.org", "spamhaus-zen"},
		"a former name":                      {"cbl.abuseat.org", "spamhaus-zen"},
		"a whole query name":                 {"10.2.0.192.zen.spamhaus.org", "spamhaus-zen"},
		"a subscriber's zone":                {"abcdef0123.zen.dq.spamhaus.net", "spamhaus-zen"},
		"the domain list is another":         {"example.net.dbl.spamhaus.org", "spamhaus-dbl"},
		"the site of an operator of one":     {"www.spamcop.net", "spamcop"},
		"the second name of the same data":   {"bb.barracudacentral.org", "barracuda-brbl"},
		"a part of a bitmask":                {"black.uribl.com", "uribl-multi"},
		"the operator of several is unclear": {"spamhaus.org", ""},
		"its site too":                       {"www.spamhaus.org", ""},
		"its levels are kept apart":          {"dnsbl-3.uceprotect.net", "uceprotect-3"},
		"half a label is another name":       {"xzen.spamhaus.org", ""},
		"a name behind is another name":      {"zen.spamhaus.org.example.net", ""},
		"the longer of two names wins":       {"2.0.0.127.bl.example.org", "child"},
		"the shorter where it alone fits":    {"x.example.org", "parent"},
		"nothing":                            {"", ""},
		"only a dot":                         {".", ""},
	} {
		t.Run(name, func(t *testing.T) {
			z, ok := Named(zones, c.name)
			if z.ID != c.want || ok != (c.want != "") {
				t.Errorf("Named(%q) = %q, %v; want %q", c.name, z.ID, ok, c.want)
			}
			if id, ok := names.ID(c.name); id != c.want || ok != (c.want != "") {
				t.Errorf("Names.ID(%q) = %q, %v; want %q as Named says", c.name, id, ok, c.want)
			}
		})
	}
	more := names.With(map[string]string{"Example.NET.": "partner", "bl.example.org": "better"})
	for name, want := range map[string]string{
		"told-to-few": "told-to-few", "x.few.example.com": "told-to-few",
		"x.parent":                 "", // an id is no zone
		"2.0.0.127.bl.example.net": "partner", "bl.example.org": "better", "spamcop": "spamcop",
	} {
		if id, ok := more.ID(name); id != want || ok != (want != "") {
			t.Errorf("ID(%q) = %q, %v; want %q", name, id, ok, want)
		}
	}
}
