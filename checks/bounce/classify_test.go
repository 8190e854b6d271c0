package bounce

import (
	"net/netip"
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	rules := builtinRules(t)
	for name, c := range map[string]struct {
		text, host string
		want       Judgement
	}{
		"a Cisco banner names nobody's address": {
			"554-mx1.example.net 554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means.", "mx1.example.net",
			Judgement{Category: IPReputation, Reputation: true, Vendor: "Cisco Talos", Rule: "talos-banner", Certainty: Certain, Remedy: "cisco-talos"}},
		"the same words of a domain are the domain's": {
			"554 Your access to this mail system has been rejected due to poor reputation of a domain used in message transfer", "",
			Judgement{Category: DomainReputation, Reputation: true, Vendor: "Cisco Talos", Rule: "talos-domain", Certainty: Certain, Remedy: "cisco-talos-domain"}},
		"a list is named by its zone": {
			"554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using bl.spamcop.net; Blocked - see https://www.spamcop.net/bl.shtml?192.0.2.10", "",
			Judgement{Category: Blocklist, Reputation: true, Vendor: "SpamCop", Blocklist: "spamcop", Address: netip.MustParseAddr("192.0.2.10"), URL: "https://www.spamcop.net/bl.shtml?192.0.2.10", Rule: "spamcop", Certainty: Certain, Remedy: "spamcop"}},
		"an unknown list is named by its zone": {
			"554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using bl.example.com", "",
			Judgement{Category: Blocklist, Reputation: true, Blocklist: "bl.example.com", Address: netip.MustParseAddr("192.0.2.10"), Rule: "client-blocked-using", Certainty: Likely, Remedy: "generic-list"}},
		"a sender's domain on a list is not an address's matter": {
			"554 5.7.1 Service unavailable; Sender address [kim@example.org] blocked using dbl.spamhaus.org", "",
			Judgement{Category: DomainReputation, Reputation: true, Vendor: "Spamhaus", Blocklist: "spamhaus-dbl", Domain: "example.org", Rule: "spamhaus-dbl", Certainty: Certain, Remedy: "spamhaus"}},
		"the receiver's resolver was refused": {
			"554 5.7.1 Service unavailable; Client host [mail.example.org] blocked using zen.spamhaus.org; Error: open resolver; https://www.spamhaus.org/returnc/pub/198.51.100.7", "",
			Judgement{Category: Other, Rule: "receiver-resolver-refused", Certainty: Certain, URL: "https://www.spamhaus.org/returnc/pub/198.51.100.7"}},
		"Exchange Online's access denied is an unknown recipient": {
			"550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "example-net.mail.protection.outlook.com",
			Judgement{Category: RecipientFault, Vendor: "Microsoft", Rule: "eop-recipient", Certainty: Certain}},
		"a range of codes": {
			"550 5.7.640 Access denied. To request removal from this list please visit the portal", "",
			Judgement{Category: IPReputation, Reputation: true, Vendor: "Microsoft", Rule: "eop-banned-ip-code", Certainty: Certain, Remedy: "microsoft-exchange-online"}},
		"a deferral says so": {
			"421 4.7.0 [TSS04] Messages from 192.0.2.10 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1", "mta7.am0.yahoodns.net",
			Judgement{Category: RateLimited, Reputation: true, Temporary: true, Vendor: "Yahoo", Address: netip.MustParseAddr("192.0.2.10"), Code: "TSS04", Rule: "yahoo-deferred", Certainty: Certain, Remedy: "yahoo"}},
		"a 421 that is for good": {
			"421 4.7.1 [TS03] All messages from 192.0.2.10 will be permanently deferred; Retrying will NOT succeed.", "",
			Judgement{Category: IPReputation, Reputation: true, Vendor: "Yahoo", Address: netip.MustParseAddr("192.0.2.10"), Code: "TS03", Rule: "yahoo-blocked", Certainty: Certain, Remedy: "yahoo"}},
		"greylisting is no reputation": {
			"450 4.2.0 <kim@example.net>: Recipient address rejected: Greylisted, see http://postgrey.example/help.html", "",
			Judgement{Category: Other, Temporary: true, URL: "http://postgrey.example/help.html", Rule: "greylisting", Certainty: Certain}},
		"the vendor by its host when the text says nothing": {
			"550 5.7.1 Rejected", "mxb-00000000.gslb.pphosted.com",
			Judgement{Category: Policy, Vendor: "Proofpoint", Rule: RuleNone, Certainty: Guess}},
		"a greeting of which only the name was kept": {
			"554 esa1.example-net.iphmx.com", "",
			Judgement{Category: Policy, Reputation: true, Vendor: "Cisco Talos", Rule: RuleGreeting, Certainty: Guess, Remedy: "generic-receiver"}},
		"codes alone: RFC 3463": {
			"550 5.1.1", "", Judgement{Category: RecipientFault, Rule: RuleNone, Certainty: Guess}},
		"words that say little yield to a status": {
			"554 5.3.0 Recipient address rejected: something", "", Judgement{Category: System, Rule: RuleNone, Certainty: Guess}},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := diagnose(c.text)
			if got := rules.Classify(d, c.host); got != c.want {
				t.Errorf("Classify(%q):\ngot  %+v\nwant %+v", c.text, got, c.want)
			}
		})
	}
}

func TestAddressNamed(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"in brackets":                        {"Client host [192.0.2.10] blocked using bl.example", "192.0.2.10"},
		"bare":                               {"192.0.2.10 is listed in bl.example", "192.0.2.10"},
		"in a URL":                           {"rejected, see https://bl.example/lookup?ip=192.0.2.10", "192.0.2.10"},
		"in a URL of the other kind":         {"case?c=bip&i=ip&v=192.0.2.10&r=0", "192.0.2.10"},
		"padded":                             {"5.7.1 [192.0.2.10      15] Our system has detected", "192.0.2.10"},
		"between angles":                     {"DNSBL:RBL 521< 192.0.2.10 >_is_blocked", "192.0.2.10"},
		"IP= before it":                      {"IP=192.0.2.10 - None/bad reputation", "192.0.2.10"},
		"IPv6":                               {"from IP [2001:db8::25] refused", "2001:db8::25"},
		"IPv6 with its tag":                  {"Client host [IPv6:2001:db8::25] blocked", "2001:db8::25"},
		"with a port":                        {"mail.example.org [192.0.2.10]:46615 is in an RBL", "192.0.2.10"},
		"reversed in a query name":           {"blocked: 10.2.0.192.zen.spamhaus.org", "192.0.2.10"},
		"the sentence's end is not its own":  {"refused, your IP was 192.0.2.10.", "192.0.2.10"},
		"a return code is none":              {"listed (127.0.0.4)", ""},
		"a return code beside the address":   {"192.0.2.10 listed: 127.0.0.4", "192.0.2.10"},
		"the receiver is none":               {"host mx1.example.net[198.51.100.7] said: 550 no", ""},
		"a version is none":                  {"Postfix version 3.7.11.1", ""},
		"an RFC's section is none":           {"as RFC2821 4.1.1.1 asks", ""},
		"Yahoo's rule number loses":          {"Messages from 192.0.2.10 temporarily deferred - 4.16.55.1", "192.0.2.10"},
		"five numbers are none":              {"id 1.2.3.4.5 refused", ""},
		"too great a number is none":         {"Client host [192.0.2.300] blocked", ""},
		"a time is no IPv6":                  {"refused at 12:34:56 today", ""},
		"a provider's host name is no query": {"192.0.2.10.dyn.example.net refused", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := addrString(addressNamed(c.text, strings.ToLower(c.text), nil, true)); got != c.want {
				t.Errorf("addressNamed(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestLookAlikes(t *testing.T) {
	rules := builtinRules(t)
	for _, text := range []string{
		"550 5.1.1 <spam@example.net>: Recipient address rejected: User unknown in local recipient table",
		"552 5.2.2 mailbox full, over quota",
		"550 5.1.1 <spam-policy@example.net>: there is nobody here",
		"550 <blacklisted@example.net>: cannot be reached",
		"550 5.1.1 ПОЛЬЗОВАТЕЛЬ НЕ НАЙДЕН",
		"550 Blocks limit exceeded",
		"554 5.7.1 Blocked by this recipient (GE)",
		"550 5.7.1 No such user!",
		"553 sorry, badrcptto (#5.7.1)",
		"452 4.3.1 Insufficient system storage",
		"550 5.7.1 <kim@example.net>... Relaying denied. IP name lookup failed [198.51.100.7]",
		"450 4.3.2 Service currently unavailable",
		"535 5.7.8 Error: authentication failed",
		"450-4.2.1 The user you are trying to contact is receiving mail too quickly.",
		"550 5.7.1 The user or domain that you are sending to (or from) has a policy that prohibited the mail that you sent.",
		"550 Envelope blocked - User Entry - https://community.mimecast.com/docs/DOC-1369#550",
	} {
		d, _ := diagnose(text)
		if j := rules.Classify(d, ""); j.Reputation {
			t.Errorf("%q was taken for a refusal for reputation: %+v", text, j)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org", "mx1.example.net")
	f.Add("421-4.7.28 [2001:db8::25      15] unusual rate of\n421 4.7.28 unsolicited mail http://x", "gmail-smtp-in.l.google.com.")
	rules := builtinRules(f)
	f.Fuzz(func(t *testing.T, text, host string) {
		d, _ := diagnose(text)
		j := rules.Classify(d, host)
		if !j.Category.known() {
			t.Errorf("category %q of %q", j.Category, text)
		}
		if j.Address.IsValid() && (j.Address.IsLoopback() || j.Address.Is4In6()) {
			t.Errorf("address %v of %q", j.Address, text)
		}
		if again := rules.Classify(d, host); again != j {
			t.Errorf("judged twice, differently: %+v, %+v", j, again)
		}
		// The whole text, not taken apart, is also something that callers have.
		rules.Classify(Diagnostic{Text: text}, host)
	})
}
