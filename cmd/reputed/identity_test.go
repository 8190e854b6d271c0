package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reputed/probes/probestest"
)

// A 2048-bit RSA key, of which nobody has the other half.
const goodKey = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAhRIqR+DBXF+EC4PK7c8R885Qf+7WHyysfWdmzUjpokTRoOAGNgu3fJsbv4PbKq/+kgIZ3V2hPXIpevQBVwnV8LyuSTG+PfLjMO2hxMLbqiG0i68IS5fniLw5ttGZThJMcAtQwNUQSKVJX2sh3PxiteGLPAxINLO2YMP5yl2j9P8r1Nl7pp+SjcjzjhX6/Sb0iEUfjpGPpuQayTzs6Fkg87F/kPmfPVxLh8ozMI+YywWlIQ1eqiK1OeRXh5i6T7CuSF59zRBbXsMNUkfXnAudT25NuTb4kuPWuZhz9jMAWmUMkBUEbhiFo3OdyP4AKJS8LD/ntEwS0zpllRQARz3VtQIDAQAB"

// identityWorld is a DNS in which example.org sends well from 192.0.2.10, badly from .11 and .12.
func identityWorld(t *testing.T) *probestest.DNS {
	d := probestest.StartDNS(t)
	for name, records := range map[string][]string{
		"10.2.0.192.in-addr.arpa":    {"PTR mx1.example.org."},
		"12.2.0.192.in-addr.arpa":    {"PTR 12-2-0-192.dyn.example.net."},
		"mx1.example.org":            {"A 192.0.2.10"},
		"mx2.example.org":            {"A 192.0.2.99"},
		"12-2-0-192.dyn.example.net": {"A 192.0.2.12"},
		"example.org":                {`TXT "v=spf1 ip4:192.0.2.10 include:_spf.example.net -all"`, "MX 10 mx1.example.org."},
		"_spf.example.net":           {`TXT "v=spf1 ip4:198.51.100.0/24 -all"`},
		"s1._domainkey.example.org":  {`TXT "v=DKIM1; k=rsa; p=` + goodKey[:200] + `" "` + goodKey[200:] + `"`},
		"_dmarc.example.org":         {`TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.org"`},
		"news.example.org":           {`TXT "v=spf1 +all"`, "MX 10 mx1.example.org."},
		"parked.example.org":         {`TXT "v=spf1 -all"`, "MX 0 ."},
		"_dmarc.parked.example.org":  {`TXT "v=DMARC1; p=reject; rua=mailto:x@reports.example.net"`},
		"_mta-sts.example.org":       {`TXT "v=STSv1; id=20260101"`},
		"_smtp._tls.example.org":     {`TXT "v=TLSRPTv1; rua=mailto:tls@example.org"`},
	} {
		d.SetName(name, records...)
	}
	return d
}

func identityConfig(t *testing.T, d *probestest.DNS, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	text := fmt.Sprintf(`
[dns]
servers = [%q]
timeout = "2s"
[[outbound]]
pool = "default"
addresses = ["192.0.2.10", "192.0.2.11", "192.0.2.12"]
domains = ["example.org", "news.example.org"]
hosts = { "mx1.example.org" = "192.0.2.10", "mx2.example.org" = "192.0.2.11" }
[[identity.sender]]
domain = "example.org"
selectors = ["s1"]
[[identity.sender]]
domain = "parked.example.org"
sends = false
[database]
path = "reputed.db"
%s`, d.Addr(), more)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// identityRun runs the command as a user does.
func identityRun(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}
	code = a.main(context.WithoutCancel(t.Context()), append([]string{"identity"}, args...))
	return code, stdout.String(), stderr.String()
}

func TestIdentityShowsWhatIsWrongAndTheRecordThatMendsIt(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	d := identityWorld(t)
	code, out, errs := identityRun(t, "--config", identityConfig(t, d, ""))
	if code != exitMajor {
		t.Errorf("exit code %d, want %d: %s", code, exitMajor, errs)
	}
	for _, want := range []string{
		"11.2.0.192.in-addr.arpa. PTR mx2.example.org.",
		"mx2.example.org. A 192.0.2.11",
		`example.org. TXT "v=spf1 ip4:192.0.2.10 include:_spf.example.net ip4:192.0.2.11 ip4:192.0.2.12 -all"`,
		`news.example.org. TXT "v=spf1 ip4:192.0.2.10/31 ip4:192.0.2.12 ~all"`,
		"looks like that of a home connection",
		"selector s1: RSA, 2048 bits",
		"sends no mail",
		"reports.example.net",
		"https://support.google.com/mail/answer/81126",
	} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("nothing says %q", want)
		}
	}
	for _, line := range strings.Split(out, "\n") {
		if n := len([]rune(line)); n > 80 && !strings.Contains(line, "TXT") && !strings.Contains(line, "https://") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestIdentityOfAnAddressAloneNeedsNothing(t *testing.T) {
	d := identityWorld(t)
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, fmt.Appendf(nil, "[dns]\nservers = [%q]\n", d.Addr()), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"an address that is well":        {[]string{"192.0.2.10"}, exitOK, "is mx1.example.org"},
		"an address without a name":      {[]string{"192.0.2.11"}, exitMajor, "11.2.0.192.in-addr.arpa. PTR <the name of your mail server>."},
		"a dynamic name":                 {[]string{"192.0.2.12"}, exitMinor, "home connection"},
		"a domain":                       {[]string{"example.org"}, exitOK, "2 that find nothing"},
		"an address that may send as it": {[]string{"example.org", "192.0.2.10"}, exitOK, "As they should be"},
		"one that may not":               {[]string{"example.org", "192.0.2.12"}, exitMajor, "does not pass for it (fail)"},
		"the name of a server":           {[]string{"mx1.example.org"}, exitOK, `mx1.example.org. TXT "v=spf1 a -all"`},
		"no argument":                    {nil, exitUsage, ""},
		"what is neither":                {[]string{"not a name"}, exitUsage, ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := identityRun(t, append([]string{"--config", path}, c.args...)...)
			if code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d, want %d and %q:\n%s%s", code, c.code, c.want, out, errs)
			}
		})
	}
}

func TestIdentityThatHasNoAnswerIsUnknown(t *testing.T) {
	d := identityWorld(t)
	d.SetMode(".", probestest.ZoneServFail)
	code, out, _ := identityRun(t, "--config", identityConfig(t, d, ""), "--format", "json")
	var r struct {
		Level   string
		Targets []struct {
			Items []struct{ Rule, State string }
		}
		Requirements []struct{ ID, Verdict string }
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if code != exitUnknown || r.Level != "UNKNOWN" {
		t.Errorf("exit code %d, level %s; want %d", code, r.Level, exitUnknown)
	}
	for _, target := range r.Targets {
		for _, i := range target.Items {
			if i.State != "unknown" && i.State != "not-checked" {
				t.Errorf("%s is %s although nothing was answered", i.Rule, i.State)
			}
		}
	}
	for _, q := range r.Requirements {
		if q.Verdict != "not-known" {
			t.Errorf("requirement %s is %s although nothing was answered", q.ID, q.Verdict)
		}
	}
}
