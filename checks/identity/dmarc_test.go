package identity

import (
	"fmt"
	"testing"
)

func TestDMARC(t *testing.T) {
	published := func(text string) map[string][]string {
		return map[string][]string{"_dmarc.example.org": {fmt.Sprintf("TXT %q", text)}}
	}
	rulings(t, RuleDMARC, map[string]ruling{
		"reject":                         {want: "good", text: "p=reject"},
		"quarantine":                     {change: published("v=DMARC1; p=quarantine; rua=mailto:x@example.org"), want: "good"},
		"none":                           {change: published("v=DMARC1; p=none; rua=mailto:x@example.org"), want: "advice", text: "p=none"},
		"no reports":                     {change: published("v=DMARC1; p=reject"), want: "advice", text: "no reports"},
		"for a part only":                {change: published("v=DMARC1; p=reject; pct=50; rua=mailto:x@example.org"), want: "advice"},
		"no record":                      {change: map[string][]string{"_dmarc.example.org": nil}, want: "bad minor identity.dmarc", record: `_dmarc.example.org. TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.org"`},
		"two records":                    {change: map[string][]string{"_dmarc.example.org": {`TXT "v=DMARC1; p=none"`, `TXT "v=DMARC1; p=reject"`}}, want: "bad minor identity.dmarc", text: "2 DMARC records"},
		"no policy":                      {change: published("v=DMARC1; rua=mailto:x@example.org"), want: "bad minor identity.dmarc"},
		"a policy that is none":          {change: published("v=DMARC1; p=monitor"), want: "bad minor identity.dmarc", text: "monitor"},
		"a comma for a semicolon":        {change: published("v=DMARC1; p=none, rua=mailto:x@example.org"), want: "bad minor identity.dmarc"},
		"a tag that nobody knows":        {change: published("v=DMARC1; p=reject; rau=mailto:x@example.org"), want: "advice", text: "rau="},
		"weaker than wanted":             {change: published("v=DMARC1; p=none; rua=mailto:x@example.org"), sender: func(d *Domain) { d.Want = "quarantine" }, want: "bad minor identity.dmarc", text: "wants quarantine"},
		"that of the organisation":       {sender: func(d *Domain) { d.Target = target(t, "news.example.org") }, want: "good", text: "from example.org"},
		"its policy for subdomains":      {change: published("v=DMARC1; p=reject; sp=none; rua=mailto:x@example.org"), sender: func(d *Domain) { d.Target = target(t, "news.example.org") }, want: "advice", text: "p=none"},
		"no answer":                      {fail: "_dmarc.example.org", want: "unknown"},
		"the organisation has no answer": {fail: "_dmarc.example.org", sender: func(d *Domain) { d.Target = target(t, "news.example.org") }, want: "unknown"},
		"of a domain that sends nothing": {change: published("v=DMARC1; p=none"), sender: func(d *Domain) { d.Silent = true }, want: "bad minor identity.dmarc", text: "wants reject"},
	})
	rulings(t, RuleReports, map[string]ruling{
		"to ourselves":                 {want: "good"},
		"to a subdomain":               {change: published("v=DMARC1; p=none; rua=mailto:x@rua.example.org!10m"), want: "good"},
		"to others who agree":          {change: map[string][]string{"_dmarc.example.org": {`TXT "v=DMARC1; p=none; rua=mailto:x@example.net"`}, "example.org._report._dmarc.example.net": {`TXT "v=DMARC1"`}}, want: "good", text: "example.net takes them"},
		"to others who do not":         {change: published("v=DMARC1; p=none; rua=mailto:x@example.net"), want: "bad informational identity.reports", record: `example.org._report._dmarc.example.net. TXT "v=DMARC1"`},
		"to others, and no answer":     {change: published("v=DMARC1; p=none; rua=mailto:x@example.net"), fail: "_report._dmarc.example.net", want: "unknown"},
		"to an address without scheme": {change: published("v=DMARC1; p=none; rua=x@example.org"), want: "bad informational identity.reports", text: "mailto"},
	})
}
