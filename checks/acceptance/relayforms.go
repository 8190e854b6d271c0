package acceptance

import (
	"net/netip"
	"strings"
)

// Form is one way to ask a server for a relay: a sender and a recipient that is a stranger's, however that is written.
type Form struct {
	Name      string // for people: "percent hack at our domain"
	Sender    string // of MAIL FROM, between the angle brackets; empty is the null sender
	Recipient string // of RCPT TO, likewise
	// Control is a recipient that does not exist, of the same kind: a server that takes it too takes everything of that
	// kind before it looks, so that taking the form proves nothing. Empty: the form itself is proof, because
	// what stands behind its last @ is a stranger's.
	Control string
}

// Names that recipients and senders are made of. Whoever finds them in a log can look up what they are.
const (
	relayLocal = "relay-test"
	noSuch     = "no-such-mailbox-relay-test"
)

// Forms are the classic forms: plain, with the senders that servers make exceptions for, source routes (RFC 5321
// appendix C), the percent hack and the bang path (RFC 1123 section 5.2.16 and before), and quoted local parts
// (RFC 5321 section 4.1.2), with our domain and with the server's own address as a literal (section 4.1.3). ours is a
// domain that the server takes mail for, or its name; outside is a domain that is none of ours.
func Forms(ours, outside string, server netip.Addr) []Form {
	literal := Literal(server)
	stranger := relayLocal + "@" + outside
	plain := func(name, sender, recipient string) Form {
		return Form{Name: name, Sender: sender, Recipient: recipient}
	}
	atOurs := func(name, local string) Form {
		return Form{Name: name + " at our domain", Sender: stranger, Recipient: local + "@" + ours, Control: noSuch + "@" + ours}
	}
	atLiteral := func(name, local string) Form {
		return Form{Name: name + " at the address of the server", Sender: stranger, Recipient: local + "@" + literal, Control: noSuch + "@" + literal}
	}
	bare := func(name, local string) Form {
		return Form{Name: name + " without a domain", Sender: stranger, Recipient: local, Control: noSuch}
	}
	return []Form{
		plain("from a stranger to a stranger", stranger, "kim@"+outside),
		plain("from nobody (null sender) to a stranger", "", stranger),
		plain("in our name to a stranger", "postmaster@"+ours, stranger),
		plain("in the name of the server's address to a stranger", relayLocal+"@"+literal, stranger),
		plain("from a sender without a domain to a stranger", relayLocal, stranger),
		plain("to the address of a stranger's server", stranger, relayLocal+"@"+Literal(outsideAddr(server))),
		plain("source route over our domain", stranger, "@"+ours+":"+stranger),
		plain("source route over the address of the server", stranger, "@"+literal+":"+stranger),
		plain("two domains, a stranger's last", stranger, relayLocal+"@"+ours+"@"+outside),
		atOurs("percent hack", relayLocal+"%"+outside),
		atLiteral("percent hack", relayLocal+"%"+outside),
		bare("percent hack, quoted,", `"`+relayLocal+"%"+outside+`"`),
		atOurs("bang path", outside+"!"+relayLocal),
		atLiteral("bang path", outside+"!"+relayLocal),
		bare("bang path", outside+"!"+relayLocal),
		atOurs("quoted stranger", `"`+stranger+`"`),
		atLiteral("quoted stranger", `"`+stranger+`"`),
		bare("quoted stranger", `"`+stranger+`"`),
		atOurs("two domains, ours last,", stranger),
		atLiteral("two domains, ours last,", stranger),
	}
}

// Literal is an address as it stands in a path (RFC 5321 section 4.1.3): "[192.0.2.25]", "[IPv6:2001:db8::25]".
func Literal(a netip.Addr) string {
	if a = a.Unmap(); a.Is4() {
		return "[" + a.String() + "]"
	}
	return "[IPv6:" + a.String() + "]"
}

// outsideAddr is an address that nobody has (RFC 5737, RFC 3849), and that is not the server's.
func outsideAddr(server netip.Addr) netip.Addr {
	if server.Unmap().Is4() {
		return netip.AddrFrom4([4]byte{203, 0, 113, 25})
	}
	return netip.MustParseAddr("2001:db8::25")
}

// controls are those that forms ask for, each once.
func controls(forms []Form) (all []string) {
	seen := map[string]bool{}
	for _, f := range forms {
		if f.Control != "" && !seen[strings.ToLower(f.Control)] {
			seen[strings.ToLower(f.Control)] = true
			all = append(all, f.Control)
		}
	}
	return all
}
