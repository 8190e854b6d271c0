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

func TestNoLimitHoldsAtAMirror(t *testing.T) {
	cfg := parse(t, `[blocklists]
builtin = false
mirrors = ["copied"]
[blocklists.forwarders]
copied = "127.0.0.1:5302"
passed-on = "127.0.0.1:5302"
[[blocklists.list]]
id = "copied"
zone = "copied.example.net"
rate = 5
per_day = 100
[[blocklists.list]]
id = "passed-on"
zone = "passed-on.example.net"
rate = 5
per_day = 100
`)
	zones := cfg.Blocklists.Paced(cfg.Blocklists.Zones)
	if len(zones) != 2 || zones[0].Rate != 0 || zones[0].PerDay != 0 || zones[1].Rate != 5 || zones[1].PerDay != 100 {
		t.Errorf("%+v", zones)
	}
	if cfg.Blocklists.Zones[0].Rate != 5 {
		t.Error("what is published was forgotten")
	}
}
