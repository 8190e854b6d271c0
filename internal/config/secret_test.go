package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

const canary = "c4n4ry-s3cr3t-v4lu3"

// hidden has a secret where fmt cannot ask it how to print.
type hidden struct{ secret Secret }

func TestSecretPrintsRedacted(t *testing.T) {
	s := NewSecret(canary)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s"} {
		for _, x := range []any{s, &s, []Secret{s}, map[string]Secret{"k": s}, struct{ S Secret }{s}, hidden{s}, &hidden{s}, []hidden{{s}},
			Mailbox{Password: s}, Config{Slack: []Slack{{Webhook: s, Token: s}}}} {
			fmt.Fprintf(&out, verb+"\n", x)
		}
	}
	fmt.Fprintln(&out, s, s.String(), s.GoString(), errors.New(fmt.Sprint(s)))
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "secret", s, "pointer", &s, "mailbox", Mailbox{Password: s}, "hidden", hidden{s})
	}
	for _, encode := range []func(any) ([]byte, error){json.Marshal, func(v any) ([]byte, error) { return json.MarshalIndent(v, "", " ") }, toml.Marshal} {
		for _, x := range []any{map[string]any{"s": s}, Mailbox{Password: s}, &Slack{Token: s}, map[string]any{"h": hidden{s}}} {
			b, err := encode(x)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(b)
		}
	}
	if strings.Contains(out.String(), canary) || strings.Contains(out.String(), fmt.Sprintf("%x", canary)) {
		t.Errorf("the secret was printed:\n%s", &out)
	}
	if n := strings.Count(out.String(), redacted); n < 50 {
		t.Errorf("%d times %s:\n%s", n, redacted, &out)
	}
	if s.Reveal() != canary || !s.Set() || !s.Given() || s.From() != "" || (Secret{}).Given() || (Secret{}).Reveal() != "" {
		t.Error("the secret is not there for whoever needs it")
	}
}

// Every text of a configuration is replaced by a secret in turn, put where it should
// not be, cut off, or misspelt: whatever is wrong, no message repeats it.
func TestNoMessageHoldsASecret(t *testing.T) {
	for _, secret := range []string{canary, "https://hooks.example.org/services/T00/B00/" + canary, "bounces:" + canary + "@imap.example.org",
		"xoxb-123456789012-" + canary, "env:" + canary, "credential:" + canary, "file:" + canary} {
		texts := []string{
			fmt.Sprintf("[dns]\ntries = 0\n[[slack]]\nwebhook = %q\ntokn = %q\n", secret, secret),
			fmt.Sprintf("[[slack]]\nwebhook = %q\ntoken = %q\nchannel = %q\n", secret, secret, secret),
			fmt.Sprintf("[[slack]]\nwebhook = %q\n", secret[:len(secret)-1]) + "x = ",
			fmt.Sprintf("[[slack]]\ntoken = %s\n", secret),
			fmt.Sprintf("[[slack]]\ntoken = \"%s\n", secret),
			fmt.Sprintf("[[slack]]\n%q = 1\n[%q]\n", secret, secret),
			fmt.Sprintf("[[mailbox]]\npassword = [%q]\n", secret),
			fmt.Sprintf("[[mailbox]]\npassword = { env = %q }\n[[mailbox]]\npassword = 5 # %s\n", secret, secret),
			fmt.Sprintf("[[outbound]]\nhosts = { %q = %q, \"mx.example.org\" = %q }\n", secret, secret, secret),
			fmt.Sprintf("[[blocklists.list]]\nid = \"a\"\nzone = %q\n", secret),
			fmt.Sprintf("[[blocklists.list]]\nid = \"a\"\nzone = %q\nalso = [\"x\"]\n", strings.ReplaceAll(canary, "-", "")+".Dq.example..net"),
		}
		for _, key := range []string{"dns.probe", "schedule.timezone", "schedule.dnsbl", "bounces.verp", "alerts.min_severity", "database.path", "log.level",
			"dns.timeout", "alerts.remind_major"} {
			table, name, _ := strings.Cut(key, ".")
			texts = append(texts, fmt.Sprintf("[%s]\n%s = %q\n", table, name, secret))
		}
		for _, key := range []string{"dns.servers", "blocklists.enable", "blocklists.disable", "bounces.message_id_domains"} {
			table, name, _ := strings.Cut(key, ".")
			texts = append(texts, fmt.Sprintf("[%s]\n%s = [%q, %q]\n", table, name, secret, secret))
		}
		for _, key := range []string{"name", "server", "tls", "user", "folder", "ca_file", "poll"} {
			texts = append(texts, fmt.Sprintf("[[mailbox]]\n%s = %q\n[[mailbox]]\n%s = %q\n", key, secret, key, secret))
		}
		for _, key := range []string{"pool", "addresses", "domains", "tags"} {
			value := fmt.Sprintf("%q", secret)
			if key != "pool" {
				value = "[" + value + ", " + value + "]"
			}
			texts = append(texts, fmt.Sprintf("[[outbound]]\n%s = %s\n[[outbound]]\n%s = %s\n", key, value, key, value))
		}
		for _, key := range []string{"name", "channel", "api_url"} {
			texts = append(texts, fmt.Sprintf("[[slack]]\n%s = %q\n[[slack]]\n%s = %q\n", key, secret, key, secret))
		}
		for _, text := range texts {
			cfg, err := Parse([]byte(text), "reputed.toml", LoadOptions{Env: env("HOOK", secret), builtin: builtin})
			said := fmt.Sprint(err)
			if cfg != nil {
				said += strings.Join(cfg.Warnings, "\n")
			}
			if leaked := strings.ToLower(said); strings.Contains(leaked, canary) || strings.Contains(leaked, strings.ReplaceAll(canary, "-", "")) {
				t.Errorf("%s\nis answered\n%s", text, said)
			}
		}
	}
}

func TestSecretsAreLookedUp(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
	}
	write("password", "from a file\r\n", 0o640)
	write("open", "from a file", 0o644)
	write("slot", "from a file", 0o642)
	write("shared", "from a file", 0o660)
	write("empty", "\n", 0o600)
	write("large", strings.Repeat("x", maxSecretBytes+1), 0o600)
	write("credentials/bounces", "from systemd\n", 0o444)
	environment := env("PASSWORD", "from the environment", "EMPTY", "", "CREDENTIALS_DIRECTORY", filepath.Join(dir, "credentials"))

	for name, c := range map[string]struct{ written, want, wrong string }{
		"environment":                    {"env:PASSWORD", "from the environment", ""},
		"file beside the configuration":  {"file:password", "from a file", ""},
		"file by its whole path":         {"file:" + filepath.Join(dir, "password"), "from a file", ""},
		"credential, whatever its mode":  {"credential:bounces", "from systemd", ""},
		"in the clear":                   {"hunter2", "hunter2", ""},
		"variable that is not set":       {"env:NO_SUCH", "", "[[mailbox]] password: environment variable NO_SUCH is not set or empty"},
		"variable that is empty":         {"env:EMPTY", "", "environment variable EMPTY is not set or empty"},
		"variable without a name":        {"env:", "", "want the name of an environment variable"},
		"file that everybody writes":     {"file:slot", "", "file \"slot\" can be written by everybody on this machine (mode 0642): chmod 640 or 600 it"},
		"file of a group":                {"file:shared", "from a file", ""},
		"file that everybody reads":      {"file:open", "", "file \"open\" can be read by everybody on this machine (mode 0644): chmod 640 or 600 it"},
		"file that is not there":         {"file:nowhere", "", "file \"nowhere\": no such file or directory"},
		"file that is empty":             {"file:empty", "", "file \"empty\": empty"},
		"file that is a folder":          {"file:.", "", "not a regular file"},
		"file that is no secret":         {"file:large", "", "larger than 65536 bytes"},
		"file without a path":            {"file:", "", "want a path"},
		"credential that was not passed": {"credential:slack", "", "LoadCredential=slack:PATH"},
		"credential outside its folder":  {"credential:../password", "", "want the name of a systemd credential"},
	} {
		t.Run(name, func(t *testing.T) {
			text := fmt.Sprintf("[[mailbox]]\nserver = \"imap.example.org\"\nuser = \"u\"\npassword = %q\n", c.written)
			cfg, err := Parse([]byte(text), filepath.Join(dir, "reputed.toml"), LoadOptions{builtin: builtin, Env: environment})
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) || !strings.Contains(err.Error(), "reputed.toml:4: ") {
					t.Errorf("error %v, want %q on line 4", err, c.wrong)
				}
				// Who needs no secret is not stopped by it.
				cfg, err = Parse([]byte(text), filepath.Join(dir, "reputed.toml"), LoadOptions{builtin: builtin, Env: environment, Secrets: Skip})
				if err != nil || cfg.Mailboxes[0].Password.Set() || !cfg.Mailboxes[0].Password.Given() {
					t.Errorf("skipped: %v", err)
				}
				return
			}
			if err != nil || cfg.Mailboxes[0].Password.Reveal() != c.want {
				t.Errorf("got %q, %v; want %q", cfg.Mailboxes[0].Password.Reveal(), err, c.want)
			}
		})
	}
}

func TestEachSecretIsVisited(t *testing.T) {
	cfg := Config{Mailboxes: make([]Mailbox, 2), Slack: make([]Slack, 1), Emails: make([]Email, 1), Webhooks: make([]Webhook, 1), PagerDuty: make([]PagerDuty, 1),
		Alertmanagers: make([]Alertmanager, 1), Mattermost: make([]Mattermost, 1), Teams: make([]Teams, 1)}
	var got []string
	eachSecret(reflect.ValueOf(&cfg).Elem(), "", func(path string, _ *Secret) { got = append(got, path) })
	if want := "mailbox[0].password mailbox[0].oauth.client_secret mailbox[0].oauth.refresh_token mailbox[0].oauth.service_account " +
		"mailbox[1].password mailbox[1].oauth.client_secret mailbox[1].oauth.refresh_token mailbox[1].oauth.service_account " +
		"bounces.verp_hmac slack[0].webhook slack[0].token slack[0].app_token email[0].password webhook[0].url webhook[0].secret webhook[0].token pagerduty[0].routing_key alertmanager[0].password alertmanager[0].token mattermost[0].webhook teams[0].webhook heartbeat.url heartbeat.url_fail http.password"; strings.Join(got, " ") != want {
		t.Errorf("visited %q, want %q", got, want)
	}
}
