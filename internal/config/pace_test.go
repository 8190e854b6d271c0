package config

import (
	"strings"
	"testing"
)

// What an operator publishes as its limit is kept to, and so may last longer than
// anybody waits.
func TestLimitsThatARoundDoesNotFitIntoAreAWarning(t *testing.T) {
	const list = "[blocklists]\nbuiltin = false\n" +
		"[[blocklists.list]]\nid = \"slow\"\nzone = \"bl.example.net\"\noperator = \"Slow\"\nrate = 5\nper_day = 100000\n" +
		"[[blocklists.list]]\nid = \"slow-2\"\nzone = \"bl2.example.net\"\noperator = \"Slow\"\nrate = 5\nper_day = 100000\n" +
		"[[blocklists.list]]\nid = \"free\"\nzone = \"bl.example.org\"\n"
	for name, c := range map[string]struct{ addresses, schedule, want string }{
		"a few addresses":             {"192.0.2.10", "@every 30m", ""},
		"a /24 every half hour":       {"192.0.2.0/24", "@every 30m", ""},
		"a /24 every five minutes":    {"192.0.2.0/24", "*/5 * * * *", `"Slow" answers 100000 questions a day, and the rounds of a day ask 147456: make [schedule] dnsbl rarer, watch fewer addresses, or name slow, slow-2 in [blocklists] disable`},
		"a /16":                       {"198.18.0.0/16", "@every 30m", `"Slow" answers 5 questions a second, so that 131072 of them take 7h17m: its lists are asked about a part of the addresses in each round`},
		"IPv6 that no list serves":    {"2001:db8::/112", "@every 30m", ""},
		"a round that fills its slot": {"192.0.2.0/24", "@every 10s", `"Slow" answers 100000 questions a day`},
	} {
		t.Run(name, func(t *testing.T) {
			warnings, err := parse(t, list+"[[outbound]]\naddresses = [\""+c.addresses+"\"]\n[schedule]\ndnsbl = \""+c.schedule+"\"\n").ReadyToRun()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range warnings {
				if strings.Contains(w, " questions a ") {
					got = append(got, strings.TrimPrefix(w, "reputed.toml: "))
				}
			}
			if c.want == "" && got != nil || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// What an SPF record stands for is known to the daemon only, which asks again.
func TestLimitsAreCountedForWhatIsWatched(t *testing.T) {
	cfg := parse(t, "[blocklists]\nbuiltin = false\n[[blocklists.list]]\nid = \"slow\"\nzone = \"bl.example.net\"\nrate = 5\n[[outbound]]\nspf = [\"example.org\"]\n")
	local, err := cfg.LocalTargets()
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Pace(local); got != nil {
		t.Errorf("without what the record stands for: %q", got)
	}
	all, err := cfg.TargetsWith(func(Source) []string { return []string{"198.18.0.0/16"} })
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Pace(all); len(got) != 1 || !strings.Contains(got[0], "65536 of them take 3h38m") {
		t.Errorf("with it: %q", got)
	}
}
