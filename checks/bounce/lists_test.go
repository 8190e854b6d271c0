package bounce

import (
	"strings"
	"testing"
)

// TestListsNamed holds wordings with which receivers name the list that they refused for.
func TestListsNamed(t *testing.T) {
	rules := builtinRules(t)
	for _, c := range []struct{ text, list string }{
		{"554 Service unavailable; Client host [192.0.2.10] blocked by dnsbl.example.com", "dnsbl.example.com"},
		{"550 rejected: 192.0.2.10 is in the blackhole list at relays.example.org", "relays.example.org"},
		{"571 mail from 192.0.2.10 blocked by RBL dnsbl.example.com", "dnsbl.example.com"},
		{"550 5.7.1 Mail from 192.0.2.10 refused by blackhole site dnsbl.example.com", "dnsbl.example.com"},
		{"591 your host [192.0.2.10] is blacklisted by dnsbl.example.com", "dnsbl.example.com"},
		{"550 Message rejected because [192.0.2.10] is blacklisted at dnsbl.example.com see http://www.example.com/x", "dnsbl.example.com"},
		{"554 5.7.1 refused DNSBL:bl.example.net", "bl.example.net"},
		{"550 refused, dnsbl.example.com:127.0.0.2", "dnsbl.example.com"},
		{"550 RBL restriction: 192.0.2.10 listed in dnsbl.example.com", "dnsbl.example.com"},
		{"554 rejected due to RBL: rbl.example.net", "rbl.example.net"},
		{"550 5.7.1 <kim@example.net>: Recipient address rejected: 192.0.2.10 blocked by dnsbl.example.com", "dnsbl.example.com"},
		{"550 5.7.1 Connection from 192.0.2.10 rejected, listed on dnsbl.example.com", "dnsbl.example.com"},
		{"554 5.7.1 Client host rejected: 192.0.2.10 found in dnsbl.example.com", "dnsbl.example.com"},
		{"550 http://www.uceprotect.net/rblcheck.php?ipr=192.0.2.10", "uceprotect"},
		{"550 Your IP 192.0.2.10 is on the Barracuda blocklist", "barracuda"},
		{"550 5.7.1 192.0.2.10 listed in SORBS", "sorbs"},
		{"554 blocked by SpamCop", "spamcop"},
		{"550 blocked: UCEPROTECT-Level 2", "uceprotect"},
		{"550 Blocked - see http://www.spamhaus.org/query/bl?ip=192.0.2.10", "spamhaus"},
		{"550 Dynamic IP Addresses See: http://www.sorbs.net/lookup.shtml?192.0.2.10", "sorbs"},
		{"550 5.7.1 rejected, 10.2.0.192.bl.example.com returned 127.0.0.2", "bl.example.com"},
		{"550 your mail server 192.0.2.10 is listed in the RBL bl.example.com (127.0.0.2)", "bl.example.com"},
		{"550 5.7.1 This system is configured to reject mail from 192.0.2.10 (DNS blacklist bl.example.com)", "bl.example.com"},
		{"554 Transaction Failed Listed in connection control deny list", ""},
		{"554 5.7.1 Rejected 192.0.2.10 found in ix.dnsbl.manitu.net", "manitu"},
		{"550 5.7.1 Access denied, 192.0.2.10 listed by psbl.surriel.com", "psbl"},
		{"550 5.7.1 Blacklisted by bl.spameatingmonkey.net", "sem-black"},
		{"550 IP 192.0.2.10 is listed in Spamhaus PBL", "pbl"},
		{"554 5.7.1 Your IP is listed on CBL", "cbl"},
		{"550 5.7.1 URL in message is listed on SURBL", "surbl"},
		{"550 5.7.1 sender domain example.org is on the Spamhaus DBL", "dbl"},
		{"550 Rejected by RBL bl.mailspike.net for 192.0.2.10", "mailspike"},
		{"550 5.7.1 host 192.0.2.10 in spam.dnsbl.sorbs.net", "sorbs"},
		{"421 4.7.1 refused: 192.0.2.10 has been blocked due to listing on truncate.gbudb.net", "gbudb"},
		{"550 5.7.1 DNSBL: listed at hostkarma.junkemailfilter.com", "hostkarma"},
		{"554 5.7.1 JunkMail rejected - mail.example.org [192.0.2.10] is in an RBL: bl.example.com", "bl.example.com"},
	} {
		d, _, _ := Diagnose(c.text)
		j := rules.Classify(d, "")
		if !strings.Contains(j.Blocklist, c.list) || !j.Reputation {
			t.Errorf("%q: list %q want %q, %s %v rule %s", c.text, j.Blocklist, c.list, j.Category, j.Reputation, j.Rule)
		}
	}
}
