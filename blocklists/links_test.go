package blocklists

import "testing"

func TestLinks(t *testing.T) {
	z := Zone{Website: "https://example.org/", Removal: Removal{
		LookupURL: "https://example.org/look/{ip}?a={ip}&q={q}", URL: "https://example.org/{domain}?d={domain}"}}
	page := Zone{Website: "https://example.org/", Removal: Removal{LookupURL: "https://example.org/form"}}
	for name, c := range map[string]struct{ got, want string }{
		"an IPv4 address":                    {z.LookupURLFor("192.0.2.10"), "https://example.org/look/192.0.2.10?a=192.0.2.10&q=10.2.0.192"},
		"an IPv6 address is escaped":         {z.LookupURLFor("2001:db8::1"), "https://example.org/look/2001:db8::1?a=2001%3Adb8%3A%3A1&q=1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"},
		"a domain":                           {z.RemovalURLFor("mail.example.net."), "https://example.org/mail.example.net?d=mail.example.net"},
		"hostile text stays one value":       {z.RemovalURLFor("a/../b?c&d=<e>"), "https://example.org/a%2F..%2Fb%3Fc&d=%3Ce%3E?d=a%2F..%2Fb%3Fc%26d%3D%3Ce%3E"},
		"a placeholder as target is text":    {z.RemovalURLFor("{ip}"), "https://example.org/%7Bip%7D?d=%7Bip%7D"},
		"a domain where an address is meant": {z.LookupURLFor("example.net"), "https://example.org/"},
		"an address where a domain is meant": {z.RemovalURLFor("192.0.2.10"), "https://example.org/"},
		"a page without placeholder":         {page.LookupURLFor("192.0.2.10"), "https://example.org/form"},
		"no page":                            {page.RemovalURLFor("192.0.2.10"), ""},
		"SpamCop, as people know it":         {builtin(t, "spamcop").LookupURLFor("192.0.2.10"), "https://www.spamcop.net/w3m?action=checkblock&ip=192.0.2.10"},
		"SpamCop's removal page":             {builtin(t, "spamcop").RemovalURLFor("192.0.2.10"), "https://www.spamcop.net/bl.shtml?192.0.2.10"},
		"DBL takes domains":                  {builtin(t, "spamhaus-dbl").RemovalURLFor("example.net"), "https://check.spamhaus.org/results/?query=example.net"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got  %s\nwant %s", c.got, c.want)
			}
		})
	}
}
