package config

import (
	"strings"
	"testing"
)

func TestWebIsRefusedWhereEverybodyReadsIt(t *testing.T) {
	token := strings.Repeat("t", 32)
	for name, c := range map[string]struct{ text, wrong, warns string }{
		"off by default":                        {"", "", ""},
		"the loopback needs no signing in":      {"listen = \"127.0.0.1:8025\"", "", ""},
		"a port alone is added":                 {"listen = \"::1\"", "", ""},
		"localhost is the loopback":             {"listen = \"localhost:8025\"", "", ""},
		"any other address needs it":            {"listen = \"192.0.2.1:8025\"", "nobody has to sign in", ""},
		"all addresses need it":                 {"listen = \"0.0.0.0:8025\"", "nobody has to sign in", ""},
		"a name may lead anywhere":              {"listen = \"monitor.example.org:8025\"", "nobody has to sign in", ""},
		"with a token it may":                   {"listen = \"192.0.2.1:8025\"\ntokens = { kim = \"env:T\" }", "", "in the clear"},
		"with a token and a certificate":        {"listen = \"192.0.2.1:8025\"\ntokens = { kim = \"env:T\" }\ncert = \"c.pem\"\nkey = \"k.pem\"", "", ""},
		"a certificate alone is no signing in":  {"listen = \"192.0.2.1:8025\"\ncert = \"c.pem\"\nkey = \"k.pem\"", "nobody has to sign in", ""},
		"a certificate needs its key":           {"cert = \"c.pem\"", "belong together", ""},
		"a short token can be guessed":          {"tokens = { kim = \"env:SHORT\" }", "shorter than 16", ""},
		"a token has a name":                    {"tokens = { \"a\\u001bb\" = \"env:T\" }", "name of a person", ""},
		"a proxy is an address":                 {"proxy_header = \"Remote-User\"\nproxies = [\"proxy.example.org\"]", "neither an address", ""},
		"a header is a token":                   {"proxy_header = \"Remote User\"", "no name of a header", ""},
		"the address of the page has no path":   {"url = \"https://reputed.example.org/mail\"", "without a path", ""},
		"the address of the page has no user":   {"url = \"https://kim@reputed.example.org\"", "without a path", ""},
		"the address of the page has a scheme":  {"url = \"reputed.example.org\"", "without a path", ""},
		"a slash at the end of it does no harm": {"url = \"https://reputed.example.org/\"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Parse([]byte("[web]\n"+c.text+"\n"), "web.toml", LoadOptions{Env: env("T", token, "SHORT", "tooshort")})
			switch {
			case c.wrong == "" && err != nil:
				t.Fatal(err)
			case c.wrong != "":
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Fatalf("got %v, want %q", err, c.wrong)
				}
				if strings.Contains(err.Error(), "tooshort") {
					t.Errorf("the error holds the token: %v", err)
				}
				return
			}
			if got := strings.Join(cfg.Warnings, "\n"); c.warns == "" && got != "" || !strings.Contains(got, c.warns) {
				t.Errorf("warnings %q, want %q", got, c.warns)
			}
		})
	}
}

func TestWebDefaults(t *testing.T) {
	cfg, err := Parse([]byte("[web]\nlisten = \"127.0.0.1\"\nproxy_header = \"Remote-User\"\nurl = \"https://Reputed.example.org/\"\n"), "web.toml", LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if w := cfg.Web; w.Listen != "127.0.0.1:8025" || w.Base() != "https://Reputed.example.org" || !w.Secure() || !w.SignIn() ||
		strings.Join(w.Hosts(), " ") != "127.0.0.1 reputed.example.org" || strings.Join(w.Proxies, " ") != "127.0.0.0/8 ::1/128" {
		t.Errorf("%+v, base %s, hosts %q", w, w.Base(), w.Hosts())
	}
}

// A proxy is compared with an IPv4 address as one, however it is written.
func TestAPrefixIsReadAsItIsCompared(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.0/24":         "192.0.2.0/24",
		"192.0.2.7/24":         "192.0.2.0/24",
		"192.0.2.7":            "192.0.2.7/32",
		"::ffff:192.0.2.7":     "192.0.2.7/32",
		"::ffff:192.0.2.0/120": "192.0.2.0/24",
		"2001:db8::1":          "2001:db8::1/128",
		"2001:db8::1/32":       "2001:db8::/32",
		"fe80::1%eth0":         "fe80::1/128",
		"proxy.example.org":    "error",
		"192.0.2.0/33":         "error",
		"":                     "error",
	} {
		p, err := ParsePrefix(text)
		got := p.String()
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
