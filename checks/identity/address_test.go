package identity

import "testing"

func TestPTR(t *testing.T) {
	rulings(t, RulePTR, map[string]ruling{
		"a name":                        {want: "good", text: "mx1.example.org"},
		"none":                          {change: map[string][]string{"10.2.0.192.in-addr.arpa": nil}, want: "bad major identity.ptr", record: "10.2.0.192.in-addr.arpa. PTR mx1.example.org."},
		"none, of one of a range":       {change: map[string][]string{"10.2.0.192.in-addr.arpa": nil}, addr: func(a *Address) { a.Spare = true }, want: "bad minor identity.ptr"},
		"what is no host name":          {change: map[string][]string{"10.2.0.192.in-addr.arpa": {`PTR localhost.`}}, want: "bad major identity.ptr"},
		"several names":                 {change: map[string][]string{"10.2.0.192.in-addr.arpa": {"PTR mx1.example.org.", "PTR www.example.org."}, "www.example.org": {"A 192.0.2.10"}}, want: "advice", text: "2 PTR names"},
		"a server failure is no \"no\"": {fail: "2.0.192.in-addr.arpa", want: "unknown", text: "SERVFAIL"},
	})
	rulings(t, RuleConfirmed, map[string]ruling{
		"leads back":                   {want: "good"},
		"leads elsewhere":              {change: map[string][]string{"mx1.example.org": {"A 192.0.2.99"}}, want: "bad major identity.fcrdns", record: "mx1.example.org. A 192.0.2.10"},
		"leads nowhere":                {change: map[string][]string{"mx1.example.org": nil}, want: "bad major identity.fcrdns"},
		"one of two does not":          {change: map[string][]string{"10.2.0.192.in-addr.arpa": {"PTR mx1.example.org.", "PTR old.example.org."}}, want: "bad minor identity.fcrdns", text: "old.example.org"},
		"the name has no answer":       {fail: "mx1.example.org", want: "unknown"},
		"the PTR name has no answer":   {fail: "2.0.192.in-addr.arpa", want: "unknown"},
		"another's name: ask for ours": {change: map[string][]string{"10.2.0.192.in-addr.arpa": {"PTR host.example.net."}}, want: "bad major identity.fcrdns", record: "10.2.0.192.in-addr.arpa. PTR mx1.example.org."},
	})
}

func TestHELO(t *testing.T) {
	rulings(t, RuleHELO, map[string]ruling{
		"leads to it":       {want: "good"},
		"leads elsewhere":   {change: map[string][]string{"mx1.example.org": {"A 192.0.2.99"}}, want: "bad minor identity.helo", record: "mx1.example.org. A 192.0.2.10"},
		"is nowhere":        {change: map[string][]string{"mx1.example.org": nil}, want: "bad minor identity.helo", record: "mx1.example.org. A 192.0.2.10"},
		"another than PTR":  {change: map[string][]string{"10.2.0.192.in-addr.arpa": {"PTR out.example.org."}, "out.example.org": {"A 192.0.2.10"}}, want: "advice", text: "out.example.org"},
		"has no answer":     {fail: "mx1.example.org", want: "unknown"},
		"is not configured": {addr: func(a *Address) { a.HELO = nil }, want: "not-checked", text: "[[outbound]]"},
	})
}
