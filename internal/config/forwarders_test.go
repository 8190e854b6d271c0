package config

import (
	"slices"
	"strings"
	"testing"
)

func TestForwardersAreOneServerOrSeveral(t *testing.T) {
	cfg := parse(t, `[blocklists]
builtin = false
[blocklists.forwarders]
spamcop = "127.0.0.1:5302"
mine = ["192.0.2.53", "2001:db8::53"]
[[blocklists.list]]
id = "mine"
zone = "bl.example.net"
`)
	for id, want := range map[string]Forwarder{"spamcop": {"127.0.0.1:5302"}, "mine": {"192.0.2.53:53", "[2001:db8::53]:53"}} {
		if got := cfg.Blocklists.Forwarders[id]; !slices.Equal(got, want) {
			t.Errorf("%s is asked at %q, want %q", id, got, want)
		}
	}
	if want := `forwarders = { "mine" = ["192.0.2.53:53", "[2001:db8::53]:53"], "spamcop" = ["127.0.0.1:5302"] }`; !strings.Contains(cfg.Show(), want) {
		t.Errorf("shown:\n%s\nwant %s", cfg.Show(), want)
	}
	if len(cfg.Warnings) > 0 {
		t.Errorf("warnings %q", cfg.Warnings)
	}
}

func TestAPublicResolverAsForwarderIsAWarning(t *testing.T) {
	cfg := parse(t, "[blocklists]\nforwarders = { spamcop = \"8.8.8.8\" }\n")
	if len(cfg.Warnings) != 1 || !strings.HasPrefix(cfg.Warnings[0], `reputed.toml:2: [blocklists] forwarders: "8.8.8.8" is a public resolver`) {
		t.Errorf("warnings %q", cfg.Warnings)
	}
}
