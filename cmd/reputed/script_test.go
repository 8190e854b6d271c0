package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"reputed/probes/probestest"
)

// TestMain lets the scripts run this binary as the program itself.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"reputed": func() {
		run(func(a *app) {
			a.authorityPort, _ = strconv.Atoi(os.Getenv("AUTHORITY_PORT"))
			if os.Getenv(dayInside) != "" {
				a.lapse = dayLapse
			}
		})
	}})
}

// TestScripts runs testdata/script/*.txtar: the command line as a user types it.
//
// Each script has a DNS server of its own at $DNS, with the lists of labZones, at $OWN
// the name server of one that refuses $DNS, and at $MUTE an address where nobody ever answers. lab.toml names both kinds of lists.
// "exits CODE COMMAND..." is exec for commands whose exit code is a promise.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupScript,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":    exits,
			"asked":    asked,
			"database": database,
			"refused":  refused,
			"serves":   servesPage,
			"fetch":    fetch,
		},
	})
}

type dnsKey struct{}

func setupScript(env *testscript.Env) error {
	dns, err := probestest.NewDNS(labZones()...)
	if err != nil {
		return err
	}
	env.Defer(func() { _ = dns.Close() })
	// The name server of a list that refuses the resolver.
	own, err := probestest.NewDNS(probestest.Zone{Name: "theirs.bl.test", Authoritative: true})
	if err != nil {
		return err
	}
	env.Defer(func() { _ = own.Close() })
	own.SetListed("theirs.bl.test", "192.0.2.10", "told by the list itself")
	dns.SetName("theirs.bl.test", "NS ns.theirs.test.")
	dns.SetName("ns.theirs.test", "A 127.0.0.1")
	env.Setenv("AUTHORITY_PORT", strconv.Itoa(int(own.Addr().Port())))
	env.Setenv("OWN", own.Addr().String())
	dns.SetListed("z00.bl.test", "192.0.2.10", "Blocked, see http://lookup.bl.test/192.0.2.10\x1b[31m\tnow")
	dns.SetListed("z00.bl.test", "192.0.2.200", "")
	dns.SetListed("names.bl.test", "spam.example.org", "seen in spam")
	// Some servers repeat the question in their text, and with it the key.
	dns.SetListed(labKey+".keyed.bl.test", "192.0.2.10", "see 10.2.0.192."+strings.ToUpper(labKey)+".keyed.bl.test")
	dns.SetListed("policy.bl.test", "192.0.2.66", "dynamic range", netip.MustParseAddr("127.0.0.10"))

	for _, n := range []string{"192.0.2.3", "192.0.2.99"} { // with 192.0.2.10 and .200, four of one network
		dns.SetListed("z00.bl.test", n, "")
	}
	dns.SetListed("six.bl.test", "2001:db8::25", "")
	dns.SetListed("names.bl.test", "mx.example.org", "")
	dns.SetName("80.2.0.192.in-addr.arpa", "PTR mx.example.org.")
	dns.SetName("81.2.0.192.in-addr.arpa", "PTR mx.example.net.")
	dns.SetName("82.2.0.192.in-addr.arpa", "PTR 192-0-2-82.example.org.")
	dns.SetName("mail.example.org", "A 192.0.2.10", "AAAA 2001:db8::25")
	dns.SetName("clean.example.org", "A 192.0.2.11")
	dns.SetName("example.org", `TXT "v=spf1 ip4:192.0.2.8/30 a:clean.example.org include:_spf.example.net exists:%{i}.example.org ip4:198.18.0.0/15 -all"`)
	dns.SetName("_spf.example.net", `TXT "v=spf1 ip4:192.0.2.66 -all"`)
	dns.SetName("loop.example.org", `TXT "v=spf1 include:loop.example.org -all"`)
	dns.SetName("nobody.example.org", `TXT "v=spf1 -all"`)

	// A socket that is open and never read: no port that is merely hoped to be closed.
	mute, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = mute.Close() })

	env.Values[dnsKey{}] = dns
	stop := func() {}
	env.Values[servedKey{}] = &stop
	env.Setenv("DNS", dns.Addr().String())
	env.Setenv("MUTE", mute.LocalAddr().String())
	env.Setenv("TZ", "UTC")
	env.Setenv("LAB_KEY", labKey)
	for name, text := range map[string]string{
		"lab.toml":   fmt.Sprintf(labConfig, dns.Addr()),
		"six.toml":   fmt.Sprintf(labConfig+sixConfig, dns.Addr()),
		"owned.toml": fmt.Sprintf(labConfig, dns.Addr()) + "\n[[outbound]]\ndomains = [\"example.org\"]\n",
		"mute.toml":  fmt.Sprintf(labConfig, mute.LocalAddr()),
		// A list with a key for each way in which a list can answer.
		"keyed.toml": fmt.Sprintf(labConfig, dns.Addr()) + keyedConfig,
	} {
		if err := os.WriteFile(env.WorkDir+"/"+name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// labKey is the key of the lists that are asked with one: what nothing may print.
const labKey = "c4n4ryk3y0fth3lab"

// keyedLists are the ways in which the lists with a key answer.
var keyedLists = map[string]probestest.ZoneMode{
	"keyed": "", "krefuses": probestest.ZoneRefusalCode, "kparked": probestest.ZoneParked, "kworld": probestest.ZoneListWorld,
	"kbroken": probestest.ZoneServFail, "ksilent": probestest.ZoneMute,
}

// keyedConfig belongs behind labConfig.
var keyedConfig = func() string {
	text := "\n[blocklists.keys]\nlab = \"env:LAB_KEY\"\n"
	for _, id := range slices.Sorted(maps.Keys(keyedLists)) {
		text += fmt.Sprintf("\n[[blocklists.list]]\nid = %q\nzone = \"{key}.%s.bl.test\"\nkey = \"lab\"\nfamilies = [\"ip4\", \"domain\"]\nseverity = \"major\"\n", id, id)
	}
	return text
}()

// labZones are a list of each kind that people meet.
func labZones() []probestest.Zone {
	var keyed []probestest.Zone
	for id, mode := range keyedLists {
		keyed = append(keyed, probestest.Zone{Name: labKey + "." + id + ".bl.test", Mode: mode})
	}
	return append(keyed, []probestest.Zone{
		{Name: "z00.bl.test"},
		{Name: "names.bl.test"},
		{Name: "policy.bl.test"},
		{Name: "six.bl.test"},
		{Name: "theirs.bl.test", Mode: probestest.ZoneRefusalCode},
		{Name: "refuses.bl.test", Mode: probestest.ZoneRefusalCode},
		{Name: "parked.bl.test", Mode: probestest.ZoneParked},
		{Name: "world.bl.test", Mode: probestest.ZoneListWorld},
		{Name: "broken.bl.test", Mode: probestest.ZoneServFail},
		{Name: "silent.bl.test", Mode: probestest.ZoneMute},
	}...)
}

// labConfig is as docs and issues write such a file: a resolver and some lists.
const labConfig = `[dns]
servers = ["%s"]
timeout = "300ms"
tries = 1

[blocklists]
builtin = false

[[blocklists.list]]
id = "z00"
zone = "z00.bl.test"
severity = "major"

[[blocklists.list]]
id = "names"
zone = "names.bl.test"
families = ["domain"]

[[blocklists.list]]
id = "policy"
zone = "policy.bl.test"
decode = "exact"
codes = [{ match = "127.0.0.10", meaning = "range without mail servers", class = "policy" }, { match = "127.0.0.2", meaning = "test entry" }]
`

// sixConfig adds a list of IPv6 addresses.
const sixConfig = `
[[blocklists.list]]
id = "six"
zone = "six.bl.test"
families = ["ip6"]
severity = "major"
`

// exits runs a command and holds it to an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	for _, stream := range []string{"stdout", "stderr"} {
		if text := ts.ReadFile(stream); strings.Contains(strings.ToLower(text), labKey) {
			ts.Fatalf("the key of a list on %s:\n%s", stream, text)
		}
		if text := ts.ReadFile(stream); strings.Contains(text, "goroutine ") || strings.Contains(text, "panic:") {
			ts.Fatalf("a stack on %s:\n%s", stream, text)
		}
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// asked waits until a zone was asked, for scripts that interrupt a run.
func asked(ts *testscript.TestScript, neg bool, args []string) {
	dns := ts.Value(dnsKey{}).(*probestest.DNS)
	for end := time.Now().Add(20 * time.Second); dns.Asked(args[0]).All == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("%s was never asked", args[0])
		}
	}
}
