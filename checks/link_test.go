package checks

import (
	"strings"
	"testing"
)

func TestLink(t *testing.T) {
	for name, c := range map[string]struct {
		raw string
		ok  bool
	}{
		"https":                  {"https://list.example/look?ip=192.0.2.10", true},
		"http":                   {"http://list.example/", false},
		"script":                 {"javascript:alert(1)", false},
		"script with a host":     {"javascript://list.example/%0aalert(1)", false},
		"no host":                {"https:///path", false},
		"only a port":            {"https://:443/", false},
		"a user name before":     {"https://list.example@evil.example/", false},
		"a space":                {"https://list.example/a b", false},
		"a line break":           {"https://list.example/\n", false},
		"the end of a chat link": {"https://list.example/|text>", false},
		"not ASCII":              {"https://list.example/\u202e", false},
		"a brace":                {"https://list.example/{ip}", false},
		"as long as may be":      {"https://list.example/" + strings.Repeat("a", maxLinkBytes-21), true},
		"too long to see":        {"https://list.example/" + strings.Repeat("a", maxLinkBytes-20), false},
		"nothing":                {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Link(c.raw); (got != "") != c.ok || got != "" && got != c.raw {
				t.Errorf("Link(%.60q) = %q, want shown: %v", c.raw, got, c.ok)
			}
		})
	}
}
