package maillog

import "testing"

func TestHostsOfOneOrganisation(t *testing.T) {
	for name, c := range map[string]struct {
		a, b string
		want bool
	}{
		"hosts of one domain":          {"mx1.mail.example.net", "mx9.example.net.", true},
		"a host and its domain":        {"mx1.example.net", "example.net", true},
		"the domain's name is short":   {"mx00.abc.example", "mx01.abc.example", true},
		"a suffix of two labels":       {"mx1.one.co.uk", "mx1.two.co.uk", false},
		"nobody is related to nothing": {"", "", false},
		"an address":                   {"198.51.100.7", "198.51.100.8", false},
	} {
		if got := related(c.a, c.b); got != c.want {
			t.Errorf("%s: related(%q, %q) = %v", name, c.a, c.b, got)
		}
	}
}
