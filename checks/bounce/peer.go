package bounce

import (
	"net/netip"
	"strings"
)

// peer is the host that answered, as the report names it.
type peer struct {
	host string
	addr netip.Addr
}

// peerIn finds "mx.example.net[198.51.100.7]", "mx.example.net [198.51.100.7]",
// "host mx.example.net", "[198.51.100.7]" and the like in the words around a reply.
func peerIn(s string) peer {
	var p peer
	for i := 0; i < len(s); i++ {
		if s[i] != '[' && s[i] != '(' {
			continue
		}
		end := strings.IndexAny(s[i:], "])")
		if end < 0 {
			break
		}
		addr, ok := parseAddr(s[i+1 : i+end])
		if !ok {
			continue
		}
		p.addr = addr
		before := strings.TrimRight(s[:i], " .\t\n")
		if j := strings.LastIndexAny(before, " \t\n,;(="); j >= 0 {
			before = before[j+1:]
		}
		p.host = hostName(before)
		return p
	}
	for _, lead := range []string{"host ", "talking to ", "connected to ", "connect to ", "server ", "giving up on ", " by "} {
		at := indexFold(s, lead)
		if at < 0 {
			continue
		}
		word := strings.TrimLeft(s[at+len(lead):], " \n\t")
		if i := strings.IndexAny(word, " \t\n,;()"); i >= 0 {
			word = word[:i]
		}
		if addr, ok := parseAddr(strings.Trim(word, "[]:.")); ok {
			p.addr = addr
			return p
		}
		if p.host = hostName(word); p.host != "" {
			return p
		}
	}
	for line := range strings.SplitSeq(s, "\n") { // qmail: "198.51.100.7 does not like recipient."
		first, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if a, ok := parseAddr(strings.Trim(first, "[]:.")); ok && strings.IndexByte(first, '.') > 0 {
			p.addr = a
			break
		}
	}
	return p
}

// hostName returns s as a lower-case host name, or "" if it is none.
func hostName(s string) string {
	s = strings.Trim(s, "<>\"'[]():;,.")
	if i := strings.IndexByte(s, ':'); i > 0 { // a port
		s = s[:i]
	}
	if len(s) > 253 || strings.IndexByte(s, '.') < 0 {
		return ""
	}
	letters := false
	for i := range len(s) {
		c := lower(s[i])
		switch {
		case c >= 'a' && c <= 'z':
			letters = true
		case digit(c), c == '-', c == '.', c == '_':
		default:
			return ""
		}
	}
	if !letters {
		return ""
	}
	return strings.ToLower(s)
}

// parseAddr reads an address in the forms reports use: plain, with the prefix
// "IPv6:" (RFC 5321 section 4.1.3), mapped, with a port.
func parseAddr(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 5 && strings.EqualFold(s[:5], "ipv6:") {
		s = s[5:]
	}
	if len(s) < 2 || len(s) > 64 || !digit(s[0]) && unhex(s[0]) < 0 && s[0] != ':' {
		return netip.Addr{}, false
	}
	if i := strings.IndexByte(s, ':'); i > 0 && strings.Count(s, ":") == 1 {
		s = s[:i]
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}
