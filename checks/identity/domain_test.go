package identity

import (
	"testing"

	"reputed/checks"
)

func TestAlignment(t *testing.T) {
	elsewhere := map[string][]string{"bounce.example.net": {spfTXT("ip4:192.0.2.10 -all")}}
	away := func(d *Domain) { d.ReturnPath = "bounce.example.net" }
	rulings(t, RuleAlignment, map[string]ruling{
		"by both":                    {want: "good"},
		"by SPF alone":               {change: map[string][]string{"s1._domainkey.example.org": nil}, want: "advice", text: "by SPF alone"},
		"by DKIM alone":              {change: elsewhere, sender: away, want: "advice", text: "bounce.example.net"},
		"a return path below it":     {change: map[string][]string{"bounce.example.org": {spfTXT("ip4:192.0.2.10 -all")}}, sender: func(d *Domain) { d.ReturnPath = "bounce.example.org" }, want: "good"},
		"below it, and aspf=s":       {change: map[string][]string{"bounce.example.org": {spfTXT("ip4:192.0.2.10 -all")}, "_dmarc.example.org": {`TXT "v=DMARC1; p=none; aspf=s"`}}, sender: func(d *Domain) { d.ReturnPath = "bounce.example.org" }, want: "advice", text: "by DKIM alone"},
		"by neither, enforced":       {change: map[string][]string{"bounce.example.net": {spfTXT("ip4:192.0.2.10 -all")}, "s1._domainkey.example.org": nil}, sender: away, want: "bad major identity.alignment"},
		"by neither, watched only":   {change: map[string][]string{"bounce.example.net": {spfTXT("-all")}, "s1._domainkey.example.org": nil, "_dmarc.example.org": {`TXT "v=DMARC1; p=none"`}}, sender: away, want: "bad minor identity.alignment"},
		"no answer":                  {fail: "_dmarc.example.org", want: "unknown"},
		"no selector and no address": {sender: func(d *Domain) { d.Addresses, d.Selectors = nil, nil }, change: map[string][]string{"s1._domainkey.example.org": nil}, want: "not-checked"},
	})
}

func TestMX(t *testing.T) {
	records := func(all ...string) map[string][]string { return map[string][]string{"example.org": all} }
	rulings(t, RuleMX, map[string]ruling{
		"one that leads somewhere":      {want: "good", text: "mx1.example.org"},
		"none, and an address":          {change: records("A 192.0.2.80"), want: "advice", text: "no MX record"},
		"none, and no address":          {change: records(spfTXT("-all")), want: "bad major identity.mx"},
		"the domain does not exist":     {change: map[string][]string{"example.org": nil}, want: "bad major identity.mx"},
		"a null MX":                     {change: records("MX 0 ."), want: "bad minor identity.mx", text: "null MX"},
		"two null MX":                   {change: records("MX 0 .", "MX 10 ."), want: "bad major identity.mx", text: "names a server"},
		"an address in place of a name": {change: records("MX 10 192.0.2.25."), want: "bad minor identity.mx", text: "192.0.2.25"},
		"one that leads nowhere":        {change: records("MX 10 gone.example.org."), want: "bad major identity.mx"},
		"none that names a server":      {change: records(`MX 10 a\032b.example.org.`), want: "bad major identity.mx", text: "names a server"},
		"one of two leads nowhere":      {change: records("MX 10 mx1.example.org.", "MX 20 gone.example.org."), want: "bad minor identity.mx", text: "gone.example.org"},
		"no answer":                     {fail: "example.org", want: "unknown"},
		"no answer of its name":         {change: records("MX 10 mx.example.com."), fail: "mx.example.com", want: "unknown"},
		"a silent domain takes none":    {change: records("MX 0 ."), sender: func(d *Domain) { d.Silent = true }, want: "good"},
	})
}

func TestANameOfAServerIsNoSendingDomain(t *testing.T) {
	server := func(d *Domain) { d.Target, d.Implied, d.Selectors = target(t, "mx1.example.org"), true, nil }
	items, _ := ruling{sender: server}.look(t, Check{}, "192.0.2.10")
	n := 0
	for _, i := range items {
		if i.Target.Kind == checks.KindDomain {
			n++
			if i.State != Advice {
				t.Errorf("%s: %s %s", i.Rule, i.outcome(), i.Text)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d items about it, want one", n)
	}
}
