package identity

import "testing"

// Keys of RSA of which nobody has the other half, and one of Ed25519 (RFC 8463 appendix A.2).
const (
	rsa2048 = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAhRIqR+DBXF+EC4PK7c8R885Qf+7WHyysfWdmzUjpokTRoOAGNgu3fJsbv4PbKq/+kgIZ3V2hPXIpevQBVwnV8LyuSTG+PfLjMO2hxMLbqiG0i68IS5fniLw5ttGZThJMcAtQwNUQSKVJX2sh3PxiteGLPAxINLO2YMP5yl2j9P8r1Nl7pp+SjcjzjhX6/Sb0iEUfjpGPpuQayTzs6Fkg87F/kPmfPVxLh8ozMI+YywWlIQ1eqiK1OeRXh5i6T7CuSF59zRBbXsMNUkfXnAudT25NuTb4kuPWuZhz9jMAWmUMkBUEbhiFo3OdyP4AKJS8LD/ntEwS0zpllRQARz3VtQIDAQAB"
	rsa1024 = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDgAQpjQR0YA5Fzpaf9iarESBoO+FSF2FPWuNET1JWnsple2cYXG+lWEKY1hjyx+SI1Knc/RaVGZMUX99FW7JR4IixeMk3KejDVOkF1bwT450hISlArxUYvaLifwO9EXlFDYnZ6d92N3w9V2PCElIMRBbpJp8JZOV8xEkiyhouWDwIDAQAB"
	rsa768  = "MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAK80qlFPpKTFWT9LAuWcpI5clQomzgq9MIbVWkJ/8HzaisnM/uJeiL+KP3jDdPrAW+8XzI+tXvSKburo7npOfC8qU6+6+oz1Mmhk4leCQxRHjj4UCKRWcMAePVcuowbiXwIDAQAB"
	ed      = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
)

func TestDKIM(t *testing.T) {
	published := func(text string) map[string][]string {
		return map[string][]string{"s1._domainkey.example.org": {key(text)}}
	}
	rulings(t, RuleDKIM, map[string]ruling{
		"RSA of 2048 bits":               {want: "good", text: "2048"},
		"RSA of 1024 bits":               {change: published("p=" + rsa1024), want: "bad minor identity.dkim", text: "1024"},
		"RSA of 768 bits":                {change: published("k=rsa; p=" + rsa768), want: "bad major identity.dkim", text: "768"},
		"Ed25519 alone":                  {change: published("v=DKIM1; k=ed25519; p=" + ed), want: "advice", text: "Ed25519"},
		"Ed25519 beside RSA":             {change: map[string][]string{"e1._domainkey.example.org": {key("k=ed25519; p=" + ed)}}, sender: func(d *Domain) { d.Selectors = []string{"s1", "e1"} }, want: "good"},
		"testing":                        {change: published("t=y:s; p=" + rsa2048), want: "advice", text: "testing"},
		"revoked":                        {change: published("v=DKIM1; p="), want: "bad major identity.dkim", text: "revoked"},
		"cut off":                        {change: published("v=DKIM1; p=" + rsa2048[:200]), want: "bad major identity.dkim"},
		"no key at all":                  {change: published("v=DKIM1; k=rsa"), want: "bad major identity.dkim", text: "no p="},
		"of another kind":                {change: published("k=dsa; p=" + rsa2048), want: "bad major identity.dkim", text: "dsa"},
		"SHA-1 only":                     {change: published("h=sha1; p=" + rsa2048), want: "bad major identity.dkim", text: "SHA-256"},
		"not for mail":                   {change: published("s=tlsrpt; p=" + rsa2048), want: "bad major identity.dkim", text: "not for mail"},
		"a selector without a record":    {change: map[string][]string{"s1._domainkey.example.org": nil}, want: "bad major identity.dkim", text: "there is no key"},
		"two records":                    {change: map[string][]string{"s1._domainkey.example.org": {key("p=" + rsa2048), key("p=" + rsa1024)}}, want: "bad major identity.dkim", text: "2 TXT records"},
		"no answer":                      {fail: "_domainkey.example.org", want: "unknown"},
		"no selector, and none is usual": {sender: func(d *Domain) { d.Selectors = nil }, change: map[string][]string{"s1._domainkey.example.org": nil}, want: "not-checked", text: "selectors"},
		"no selector, and a usual one":   {sender: func(d *Domain) { d.Selectors = nil }, want: "good", text: "s1"},
	})
}
