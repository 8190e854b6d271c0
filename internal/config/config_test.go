package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/blocklists"
	"reputed/checks"
)

var update = flag.Bool("update", false, "rewrite the expected messages of testdata/bad")

// env is an environment with just these variables.
func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// builtin reads the catalogue once for all tests; reading it takes longer than they do.
var builtin = sync.OnceValues(blocklists.BuiltinCatalog)

func parse(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := Parse([]byte(text), "reputed.toml", LoadOptions{Env: env(), builtin: builtin})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestBadConfigurations(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.toml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(data, name+".toml", LoadOptions{Env: env("PASSWORD", "p", "HOOK", "https://hooks.example.org/x", "TOKEN", "xoxb-1"), builtin: builtin})
			var all *Error
			if !errors.As(err, &all) {
				t.Fatalf("error %v is no *Error", err)
			}
			got := all.Error() + "\n"
			golden := strings.TrimSuffix(file, ".toml") + ".want"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDefault(t *testing.T) {
	cfg, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Blocklists.Zones) == 0 || len(cfg.Warnings) > 0 || cfg.Path != "" {
		t.Errorf("%d zones, warnings %q, path %q", len(cfg.Blocklists.Zones), cfg.Warnings, cfg.Path)
	}
	for _, z := range cfg.Blocklists.Zones {
		if !z.BuiltIn || !z.Default {
			t.Errorf("list %s is asked by default", z.ID)
		}
	}
	if got := cfg.Schedule.DNSBLTimes.Next(time.Unix(0, 0)); !got.Equal(time.Unix(1800, 0)) {
		t.Errorf("first slot %v", got)
	}
	loaded, err := Load("", LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Show() != cfg.Show() {
		t.Error("no file and the defaults differ")
	}
}

func TestValuesAreNormalised(t *testing.T) {
	cfg := parse(t, "\ufeff"+`
[dns]
servers = ["192.0.2.53", "192.0.2.54:5300", "2001:db8::53", "[2001:db8::54]", "[2001:db8::55]:5300", "Resolver", "ns.Example.org:53"]
timeout = "1500ms"
tries = 0x3
probe = "Probe.Example.org."
[[outbound]]
pool = "bulk"
addresses = ["::ffff:192.0.2.10", "192.0.2.65/26", "[2001:db8::25]"]
domains = ["Example.ORG.", "bücher.example"]
hosts = { "MX1.example.org" = "::ffff:192.0.2.10", "mx2.example.org" = "" }
[[mailbox]]
server = "imap.example.org"
user = "bounces"
password = "secret"
ca_file = "testdata/ca.pem"
[[mailbox]]
name = "plain"
server = "localhost"
tls = "none"
user = "bounces"
password = "secret"
[database]
path = "state/reputed.db"
`)
	folder, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"servers": cfg.DNS.Servers, "timeout": cfg.DNS.Timeout.Duration, "tries": cfg.DNS.Tries, "probe": cfg.DNS.Probe,
		"addresses": cfg.Outbound[0].Addresses, "domains": cfg.Outbound[0].Domains, "hosts": cfg.Outbound[0].Hosts,
		"message ids": cfg.Bounces.MessageIDDomains,
		"mailboxes":   []string{cfg.Mailboxes[0].Server, cfg.Mailboxes[1].Server, cfg.Mailboxes[0].Folder, cfg.Mailboxes[0].Name},
		"paths":       []string{cfg.Mailboxes[0].CAFile, cfg.Database.Path}, "poll": cfg.Mailboxes[0].Poll.Duration,
	}
	want := map[string]any{
		"servers": []string{"192.0.2.53:53", "192.0.2.54:5300", "[2001:db8::53]:53", "[2001:db8::54]:53", "[2001:db8::55]:5300", "resolver:53", "ns.example.org:53"},
		"timeout": 1500 * time.Millisecond, "tries": 3, "probe": "probe.example.org",
		"addresses": []string{"192.0.2.10", "192.0.2.64/26", "2001:db8::25"}, "domains": []string{"example.org", "xn--bcher-kva.example"},
		"hosts":       map[string]string{"mx1.example.org": "192.0.2.10", "mx2.example.org": ""},
		"message ids": []string{"example.org", "mx1.example.org", "mx2.example.org", "xn--bcher-kva.example"},
		"mailboxes":   []string{"imap.example.org:993", "localhost:143", "INBOX", "bounces"},
		"paths":       []string{filepath.Join(folder, "testdata", "ca.pem"), filepath.Join(folder, "state", "reputed.db")}, "poll": 5 * time.Minute,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ts, err := cfg.Targets()
	if err != nil || ts.Len() != 1+64+1+2+2 { // and two hosts
		t.Errorf("%d targets, %v", ts.Len(), err)
	}
}

func TestDatabaseLivesWhereSystemdSays(t *testing.T) {
	for dir, want := range map[string]string{"": "/var/lib/reputed/reputed.db", "/srv/a:/srv/b": "/srv/a/reputed.db"} {
		cfg, err := Parse(nil, "", LoadOptions{Env: env("STATE_DIRECTORY", dir)})
		if err != nil || cfg.Database.Path != want {
			t.Errorf("with %q: %v, %v; want %s", dir, cfg.Database.Path, err, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	cfg := parse(t, `[dns]
servers = ["8.8.8.8", "[2620:fe::fe]:53", "192.0.2.53"]
[[blocklists.list]]
id = "old"
zone = "dnsbl.sorbs.net"
[[outbound]]
pool = "a"
addresses = ["10.0.0.5", "192.0.2.0/28"]
hosts = { "mx1.example.org" = "203.0.113.9" }
[[outbound]]
pool = "b"
addresses = ["192.0.2.9", "192.0.2.0/24", "198.51.100.10/24", "100.64.0.9"]
[[slack]]
webhook = "https://hooks.example.org/services/c4n4ry"
`)
	want := []string{
		`reputed.toml:2: [dns] servers: "8.8.8.8" is a public resolver`,
		`reputed.toml:2: [dns] servers: "[2620:fe::fe]:53" is a public resolver`,
		`reputed.toml:5: [[blocklists.list]] zone: dnsbl.sorbs.net (`,
		`reputed.toml:8: [[outbound]] addresses: 10.0.0.5 is not a public address`,
		`reputed.toml:9: [[outbound]] hosts: "mx1.example.org" sends from 203.0.113.9, which is in no pool`,
		`reputed.toml:12: [[outbound]] addresses: 192.0.2.9 overlaps with 192.0.2.0/28 of pool "a", line 8`,
		`reputed.toml:12: [[outbound]] addresses: 192.0.2.0/24 overlaps with 192.0.2.0/28 of pool "a", line 8`,
		`reputed.toml:12: [[outbound]] addresses: "198.51.100.10/24" stands for the whole range 198.51.100.0/24: write 198.51.100.10 if that one is meant`,
		`reputed.toml:12: [[outbound]] addresses: 100.64.0.9 is not a public address`,
		`reputed.toml:14: [[slack]] webhook: the secret stands in the file in the clear`,
	}
	if len(cfg.Warnings) != len(want) {
		t.Fatalf("%d warnings:\n%s", len(cfg.Warnings), strings.Join(cfg.Warnings, "\n"))
	}
	for i, w := range want {
		if !strings.HasPrefix(cfg.Warnings[i], w) {
			t.Errorf("warning %q\nwant it to begin with %q", cfg.Warnings[i], w)
		}
	}
	if !strings.Contains(cfg.Warnings[2], "it is not asked") || len(cfg.Blocklists.Zones) != len(mustDefault(t).Blocklists.Zones) {
		t.Errorf("a dead zone is asked: %q", cfg.Warnings[2])
	}
}

// A pattern that an address anybody knows matches takes every mail for proved.
func TestAReturnPathThatCanBeGuessedIsAWarning(t *testing.T) {
	for verp, guessed := range map[string]string{
		`.*`: "postmaster@example.org", `@example\.org$`: "postmaster@example.org", `^bounces?(-.*)?@example\.org$`: "bounce@example.org",
		`^bounce-[0-9]+@example\.org$`: "", `^b\+[a-z0-9]{12}@`: "",
	} {
		cfg := parse(t, "[[outbound]]\npool = \"a\"\ndomains = [\"example.org\"]\n[bounces]\nverp = '"+verp+"'\n")
		got := strings.Join(cfg.Warnings, "\n")
		if guessed == "" && got != "" || !strings.Contains(got, guessed) {
			t.Errorf("%s: warnings %q, want one that names %q", verp, got, guessed)
		}
	}
}

func TestAuthoritiesAreReadWhenTheyAreNeeded(t *testing.T) {
	const mailbox = "[[mailbox]]\nserver = \"imap.example.org\"\nuser = \"bounces\"\npassword = \"secret\"\nca_file = "
	for file, want := range map[string]string{
		"testdata/ca.pem":           "",
		"testdata/none.pem":         "no such file or directory",
		"testdata/bad/mailbox.toml": "holds no certificate in PEM form",
		"testdata":                  "not a regular file",
	} {
		for _, mode := range []SecretMode{"", Resolve, Skip, ListKeys} {
			_, err := Parse([]byte(mailbox+strconv.Quote(file)), "reputed.toml", LoadOptions{Secrets: mode, Env: env()})
			wanted := want != "" && (mode == "" || mode == Resolve) // who reads the database needs no mailbox
			if wanted != (err != nil) || wanted && !strings.Contains(err.Error(), "reputed.toml:5: [[mailbox]] ca_file: file") || wanted && !strings.Contains(err.Error(), want) {
				t.Errorf("%s, mode %q: %v, want %q", file, mode, err, want)
			}
		}
	}
}

func mustDefault(t *testing.T) *Config {
	t.Helper()
	cfg, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestReadyToRun(t *testing.T) {
	pool := "[[outbound]]\naddresses = [\"192.0.2.10\"]\n"
	for name, c := range map[string]struct {
		text     string
		mistakes []string
		warnings int
	}{
		"nothing to watch":             {"", []string{"nothing to watch"}, 2},
		"no list":                      {pool + "[blocklists]\nbuiltin = false", []string{"no list to ask"}, 2},
		"neither":                      {"[blocklists]\nbuiltin = false", []string{"nothing to watch", "no list to ask"}, 2},
		"without a mailbox":            {pool + "[[slack]]\nwebhook = \"https://hooks.example.org/x\"", nil, 1},
		"a domain that no list serves": {pool + "domains = [\"example.org\"]\n[blocklists]\ndisable = [\"domain\"]\n[[slack]]\nwebhook = \"https://hooks.example.org/x\"", nil, 2},
		"all there is": {pool + "[[slack]]\nwebhook = \"https://hooks.example.org/x\"\n" +
			"[[mailbox]]\nserver = \"imap.example.org\"\nuser = \"u\"\npassword = \"p\"", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			warnings, err := parse(t, c.text).ReadyToRun()
			if len(warnings) != c.warnings {
				t.Errorf("warnings %q, want %d", warnings, c.warnings)
			}
			var all *Error
			if errors.As(err, &all); err == nil && c.mistakes == nil {
				return
			} else if all == nil || len(all.Mistakes) != len(c.mistakes) {
				t.Fatalf("error %v, want %q", err, c.mistakes)
			}
			for i, m := range c.mistakes {
				if !strings.Contains(all.Mistakes[i].String(), "reputed.toml: "+m) {
					t.Errorf("mistake %q, want %q", all.Mistakes[i], m)
				}
			}
		})
	}
}

func TestLoadReadsFilesOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "no.toml"), LoadOptions{}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "no.toml: no such file") {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Load(dir, LoadOptions{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	big := filepath.Join(dir, "big.toml")
	if err := os.WriteFile(big, []byte(strings.Repeat("#\n", MaxFileBytes/2+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(big, LoadOptions{}); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a huge file: %v", err)
	}
}

const example = "../../config.example.toml"

func TestExampleIsTheDefaults(t *testing.T) {
	cfg, err := Load(example, LoadOptions{Env: env()})
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Warnings) > 0 {
		t.Errorf("warnings: %q", cfg.Warnings)
	}
	if _, err := cfg.ReadyToRun(); err != nil {
		t.Error(err)
	}
	want, err := Parse(nil, example, LoadOptions{Env: env()})
	if err != nil {
		t.Fatal(err)
	}
	want.Outbound, want.Bounces.MessageIDDomains = cfg.Outbound, cfg.Bounces.MessageIDDomains
	if diff := cmp.Diff(want.Show(), cfg.Show()); diff != "" {
		t.Errorf("the example differs from the defaults (-defaults +example):\n%s", diff)
	}
}

// What is commented out loads too, once it is not.
func TestExampleIsValidWhenUncommented(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^# (\[|[a-z0-9_]+ = )`).ReplaceAllString(string(data), "$1")
	text = regexp.MustCompile(`(?m)^(folders|service_account|units|identifiers|verp_hmac) = .*`).ReplaceAllString(text, "") // in place of what stands beside them
	// What stands in place of another: the token of Slack, of which the channel and the
	// buttons are part, and that of Alertmanager.
	text = regexp.MustCompile(`(?m)^(channel|app_token|token) = .*(SLACK|ALERTMANAGER|mail-ops).*`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`(?m)^password = "env:(BOUNCES|ALERTMANAGER)_PASSWORD".*`).ReplaceAllString(text, "")
	const hook = "https://hooks.example.org/x"
	cfg, err := Parse([]byte(text), "example.toml", LoadOptions{Env: env("OAUTH_CLIENT_SECRET", "p", "OAUTH_REFRESH_TOKEN", "r", "SNDS_KEY", "k", "PROXY_PASSWORD", "p", "GOOGLE_CLIENT_SECRET", "p", "GOOGLE_REFRESH_TOKEN", "r", "SLACK_WEBHOOK", hook, "ALERTS_PASSWORD", "p", "WEBHOOK_URL", hook, "WEBHOOK_SECRET", "s", "WEBHOOK_TOKEN", "t",
		"PAGERDUTY_KEY", "k", "REPUTED_TOKEN_KIM", strings.Repeat("k", 32), "MATTERMOST_WEBHOOK", hook, "TEAMS_WEBHOOK", hook, "HEARTBEAT_URL", hook, "HEARTBEAT_FAIL_URL", hook)})
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Warnings) > 0 || len(cfg.Mailboxes) != 1 || len(cfg.Slack) != 1 || len(cfg.Blocklists.Lists) != 1 ||
		len(cfg.Reputation.SNDS) != 1 || len(cfg.Reputation.Postmaster) != 1 || len(cfg.Reputation.Scores) != 4 {
		t.Errorf("warnings %q, %d mailboxes, %d channels, %d lists", cfg.Warnings, len(cfg.Mailboxes), len(cfg.Slack), len(cfg.Blocklists.Lists))
	}
	for _, kind := range []string{"alertmanager", "email", "mattermost", "pagerduty", "slack", "teams", "webhook"} {
		if !slices.Contains(cfg.AllChannels(), Channel{kind, kind}) { // the default of the name is the kind
			t.Errorf("no %s among %v", kind, cfg.AllChannels())
		}
	}
	var fresh Mailbox
	fresh.setDefaults()
	m := cfg.Mailboxes[0]
	if m.Name != fresh.Name || m.TLS != fresh.TLS || m.Folder != fresh.Folder || m.Poll != fresh.Poll || m.Since != fresh.Since || m.After != fresh.After {
		t.Errorf("mailbox of the example %+v, defaults %+v", m, fresh)
	}
}

func TestExampleHasEveryKey(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	// A key counts in the section of its table, so that "name" is there for each.
	sections := map[string]string{}
	section := ""
	for line := range strings.Lines(string(data)) {
		if m := regexp.MustCompile(`^(?:# )?\[{1,2}([a-z_.]+)\]`).FindStringSubmatch(line); m != nil {
			section = m[1]
		}
		sections[section] += line
	}
	var visit func(reflect.Type, string)
	visit = func(typ reflect.Type, path string) {
		for i, key := range keysOf(typ) {
			if key == "" {
				continue
			}
			ft, at := typ.Field(i).Type, join(path, key)
			inline := regexp.MustCompile(`(?:^(?:# )?|[{,] )` + key + ` = `)
			found := slices.ContainsFunc(strings.Split(sections[path], "\n"), inline.MatchString)
			switch {
			case kindOf(ft) == isTables && !found:
				ft = ft.Elem()
				fallthrough
			case kindOf(ft) == isTable:
				if sections[at] == "" {
					t.Errorf("no table [%s]", at)
				}
				visit(ft, at)
			case kindOf(ft) == isTables: // written as a list of inline tables
				for _, k := range named(keysOf(ft.Elem())) {
					if !strings.Contains(sections[path], k+" = ") {
						t.Errorf("no %s in %s", k, at)
					}
				}
			case !found:
				t.Errorf("no key %s in [%s]", key, path)
			}
		}
	}
	visit(reflect.TypeFor[Config](), "")
}

func TestTargetsKeepPoolAndTags(t *testing.T) {
	cfg := parse(t, "[[outbound]]\npool = \"bulk\"\naddresses = [\"192.0.2.0/30\"]\ntags = [\"eu\"]\n")
	ts, err := cfg.Targets()
	if err != nil {
		t.Fatal(err)
	}
	for target := range ts.All() {
		if target.Pool != "bulk" || !slices.Equal(target.Tags, []string{"eu"}) || target.Kind != checks.KindAddress {
			t.Errorf("target %+v", target)
		}
	}
}

func TestZonesHaveTheFamiliesOfTheirSpec(t *testing.T) {
	cfg := parse(t, "[blocklists]\nbuiltin = false\n[[blocklists.list]]\nid=\"z00\"\nzone=\"z00.bl.test\"\n")
	if len(cfg.Blocklists.Zones) != 1 {
		t.Fatalf("zones %v", cfg.Blocklists.Zones)
	}
	z := cfg.Blocklists.Zones[0]
	if z.ID != "z00" || z.Zone != "z00.bl.test" || z.Decode != blocklists.Any || !slices.Equal(z.Families, []blocklists.Family{blocklists.IPv4}) ||
		!z.Default || z.BuiltIn || z.Controls.Listed4.String() != "127.0.0.2" || z.Controls.Clean4.String() != "127.0.0.1" {
		t.Errorf("zone %+v", z)
	}
}
