package bounce

import (
	"net/netip"
	"strings"
)

// addressNamed returns the address of ours that a reply names. templates are
// the winning rule's own places; else the text is searched for addresses and the
// one that stands where judged addresses stand is taken. A lone address with nothing around it
// is taken only where the refusal is about the sender.
func addressNamed(text, low string, templates []string, aboutUs bool) netip.Addr {
	for _, t := range templates {
		lead, _, _ := strings.Cut(foldPhrase(t), "{ip}")
		if i := strings.Index(low, lead); i >= 0 {
			if a, _ := scanAddr(text, i+len(lead)); a.IsValid() {
				return a
			}
		}
	}
	var best netip.Addr
	bestScore := 0
	for i := 0; i < len(low); i++ {
		c := low[i]
		if !digit(c) && c != ':' && !(c >= 'a' && c <= 'f') {
			continue
		}
		if i > 0 && (wordByte(low[i-1]) || low[i-1] == '.' && i > 1 && digit(low[i-2])) {
			continue
		}
		a, end := scanAddr(text, i)
		if !a.IsValid() {
			continue
		}
		score := addressScore(low, i, end, a)
		if reversed, n := reversedQuery(low, i, end, a); n > 0 {
			a, score = reversed, n
		}
		if score > bestScore {
			best, bestScore = a, score
		}
		i = end - 1
	}
	if bestScore >= 2 || bestScore == 1 && aboutUs {
		return best
	}
	return netip.Addr{}
}

// scanAddr reads the address that begins at i, and returns where it ends.
func scanAddr(text string, i int) (netip.Addr, int) {
	for i < len(text) && (text[i] == ' ' || text[i] == '[' || text[i] == '(' || text[i] == '<') {
		i++
	}
	end, dots, colons := i, 0, 0
	for end < len(text) && end-i < 46 {
		c := text[end]
		if c == '.' {
			dots++
		} else if c == ':' {
			colons++
		} else if unhex(c) < 0 {
			break
		}
		end++
	}
	for end > i && (text[end-1] == '.' || text[end-1] == ':' && (end < 2 || text[end-2] != ':')) {
		if text[end-1] == '.' {
			dots--
		} else {
			colons--
		}
		end--
	}
	switch {
	case colons == 0 && dots >= 3:
		// An address may be followed by a port, a zone or a sentence's end, never by a letter or more numbers.
		if dots > 3 || end < len(text) && wordByte(text[end]) {
			return dotted(text, i, end)
		}
	case colons == 1 && dots == 3:
		end = i + strings.IndexByte(text[i:end], ':')
	case colons >= 2:
	default:
		return netip.Addr{}, end
	}
	a, err := netip.ParseAddr(text[i:end])
	if err != nil {
		return netip.Addr{}, end
	}
	return a.Unmap(), end
}

// dotted reads four numbers at i where more follows, as in a query name; it is
// the caller's to say whether that makes sense.
func dotted(text string, i, end int) (netip.Addr, int) {
	j, dots := i, 0
	for j < end {
		if text[j] == '.' {
			if dots++; dots == 4 {
				break
			}
		} else if !digit(text[j]) {
			return netip.Addr{}, end
		}
		j++
	}
	if dots == 4 && j+1 < len(text) && digit(text[j+1]) {
		return netip.Addr{}, end // five numbers are a version, or something's id
	}
	a, err := netip.ParseAddr(text[i:j])
	if err != nil {
		return netip.Addr{}, end
	}
	return a, j
}

// leadsToAddress are words right before an address that is being judged.
var leadsToAddress = []string{
	"client host [", "client [", "client host ", "client ", "your host [", "your host ", "host [", "messages from [", "messages from ", "message from ", "mail from ", "mail from ip ",
	"email from ip ", "email from ", "connection from ", "connections from ", "ip address ", "ip address [", "ip address: ", "ip address:", "ipaddress=", "addresses ", "address [", "address (", "address ", "your ip ", "your ip(", "your ip: ", "your ip [", "your ip:", "ip: ", "ip:", "ip=", "ip ", "ip [",
	"sending ip (", "sending ip ", "[ip: ", "source ip ", "server ip ", "server [", "server (", "mail server [", "reverse dns for ", "dns for ", "hostname for ", "hostname, [", "lookup for ", "record for ",
	"&v=", "?v=", "query=", "?ip=", "&ip=", "ip=[", "search=", "string=", "?q=", "address=", "/ip/", "bl?", "=", "rejected: ", "521<", "521 <", "refused - <", "from host ", "network ", "access from ", "connecting ip: ", "from [", "from ", "because ", "host ", "?",
}

// addressScore says how likely the address between i and end is the one that is
// judged: 0 not at all, 1 it stands alone, more the better.
func addressScore(low string, i, end int, a netip.Addr) int {
	if !a.IsGlobalUnicast() && !a.IsPrivate() || a.Is4() && (a.As4()[0] == 0 || a.As4()[0] == 127 || a.As4()[0] >= 224) {
		return 0 // return codes, masks
	}
	before := low[:i]
	trimmed := strings.TrimRight(before, " ")
	if strings.HasSuffix(trimmed, "version") || strings.HasSuffix(trimmed, "rfc") || strings.HasSuffix(trimmed, "section") || strings.HasSuffix(before, "#") || strings.HasSuffix(before, "rfc2821 ") || strings.HasSuffix(before, "v.") {
		return 0
	}
	after := low[end:]
	if strings.HasPrefix(after, "]") {
		rest := strings.TrimLeft(after[1:], " ")
		// "host mx.example.net[198.51.100.7] said": the receiver.
		if strings.HasPrefix(rest, "said") || strings.HasPrefix(rest, "refused to talk") || strings.HasPrefix(after, "]:25") {
			return 0
		}
	}
	if len(after) > 1 && after[0] == '.' && wordByte(after[1]) {
		return 0 // the beginning of a host name
	}
	score := 1
	for _, l := range leadsToAddress {
		if strings.HasSuffix(before, l) {
			score = 2
			if len(l) > 6 || strings.Contains(l, "ip") || strings.Contains(l, "v=") {
				score = 4
			}
			break
		}
	}
	if strings.HasSuffix(before, "[") || strings.HasSuffix(before, "(") || strings.HasSuffix(before, "<") {
		score++
	}
	for _, w := range []string{" listed", " is listed", " blocked", " is blocked", " has been", " is not", " found", "] blocked", "] is", "] listed", ") is", "] black", "] has", " rejected", " was ", "] weren't", " weren't", " temporarily", " throttled", " refused", "] rejected", "> blocked", " blacklisted", " is ", "] does"} {
		if strings.HasPrefix(after, w) {
			score += 2
			break
		}
	}
	if score == 1 && strings.Contains(low[max(0, i-40):i], "relay=[") {
		return 0
	}
	return score
}

// reversedQuery recognises an address in a DNS query name, "25.2.0.192.zen.example":
// four numbers with a zone behind them (RFC 5782 section 2.1).
func reversedQuery(low string, i, end int, a netip.Addr) (netip.Addr, int) {
	if !a.Is4() || end+1 >= len(low) || low[end] != '.' || !(low[end+1] >= 'a' && low[end+1] <= 'z') {
		return netip.Addr{}, 0
	}
	zone := low[end+1:]
	if j := strings.IndexFunc(zone, func(r rune) bool {
		return !(r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z')
	}); j >= 0 {
		zone = zone[:j]
	}
	if !strings.Contains(strings.Trim(zone, "."), ".") || i > 0 && low[i-1] == '/' {
		return netip.Addr{}, 0
	}
	b := a.As4()
	if strings.HasPrefix(zone, "in-addr.arpa") || looksLikeListZone(zone) {
		return netip.AddrFrom4([4]byte{b[3], b[2], b[1], b[0]}), 3
	}
	return netip.Addr{}, 0
}

// looksLikeListZone tells a blocklist's zone from a provider's generic host name, in which an
// address may stand either way round.
func looksLikeListZone(zone string) bool {
	for _, w := range []string{"bl.", "rbl", "dnsbl", "zen.", "sbl", "xbl", "pbl", "spam", "black", "list", "barracudacentral", "sorbs", "uceprotect", "abuse", "block", "abusix"} {
		if strings.Contains(zone, w) {
			return true
		}
	}
	return false
}

// domainNamed returns the domain that stands where a rule says, lower case.
func domainNamed(low string, templates []string) string {
	for _, t := range templates {
		lead, _, _ := strings.Cut(foldPhrase(t), "{domain}")
		i := strings.Index(low, lead)
		if i < 0 {
			continue
		}
		w := strings.TrimLeft(low[i+len(lead):], " [<('\"")
		if j := strings.IndexAny(w, " ]>)'\",;"); j >= 0 {
			w = w[:j]
		}
		if j := strings.LastIndexByte(w, '@'); j >= 0 {
			w = w[j+1:]
		}
		if d := hostName(w); d != "" {
			return d
		}
	}
	return ""
}

// urlIn returns the first web address in the text.
func urlIn(text string) string {
	for i := 0; i < len(text); {
		j := indexFold(text[i:], "http")
		if j < 0 {
			return ""
		}
		i += j
		if rest := text[i+4:]; strings.HasPrefix(rest, "://") || strings.HasPrefix(rest, "s://") || strings.HasPrefix(rest, "S://") {
			if u := urlAt(text[i:]); u != "" {
				return strings.Clone(u)
			}
		}
		i += 4
	}
	return ""
}

// urlAt returns the URL that s begins with: up to white space or a bracket.
func urlAt(s string) string {
	end := strings.IndexAny(s, " \t\n<>\"'()[]{}")
	if end < 0 {
		end = len(s)
	}
	u := strings.TrimRight(s[:min(end, 500)], ".,;:!")
	if len(u) < 10 {
		return ""
	}
	return u
}

// leadsToZone are the words that the name of a list follows.
var leadsToZone = []string{"blocked using ", "blacklisted by ", "blacklisted at ", "blacklisted in ", "blacklisted on ", "blacklisted using ", "black list at ", "black listed by ", "listed at ", "listed in ", "listed on ", "listed by ", "is in ", "rejected using ", "rejected by ", "refused by ", "found in ", "found on ", "found at ", "blocked by ", "dnsbl ", "rbl ", "rbl: ", "dnsbl: ", "blacklist at ", "list at ", "site ", "in an rbl: ", "in rbl ", "list ", "using "}

// zoneNamed returns the list that a sentence names by its zone: the catalogue's
// id where the zone is known, else the zone; "" if none is named.
func (r *Rules) zoneNamed(low string) string {
	for _, l := range leadsToZone {
		i := strings.Index(low, l)
		if i < 0 {
			continue
		}
		w := strings.TrimLeft(low[i+len(l):], " [(<'\"")
		w = strings.TrimPrefix(w, "http://")
		w = strings.TrimPrefix(w, "https://")
		if j := strings.IndexAny(w, " /;,)]>'\"?:"); j >= 0 {
			w = w[:j]
		}
		zone := hostName(w)
		if zone == "" {
			continue
		}
		return r.listOf(zone)
	}
	// No sentence that is known: a zone of the catalogue, or a name that can only be a list's.
	for rest := low; rest != ""; {
		n := strings.IndexFunc(rest, func(c rune) bool {
			return !(c == '.' || c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z')
		})
		word := rest
		if n >= 0 {
			word, rest = rest[:n], rest[n+1:]
		} else {
			rest = ""
		}
		if zone := hostName(withoutQuery(word)); zone != "" {
			if _, known := r.lists.ID(zone); known || namedAsList(zone) {
				return r.listOf(zone)
			}
		}
	}
	return ""
}

// withoutQuery drops the reversed address that stands before a zone in a query name.
func withoutQuery(name string) string {
	rest := name
	for range 4 {
		label, after, ok := strings.Cut(rest, ".")
		if !ok || label == "" || len(label) > 3 || strings.Trim(label, "0123456789") != "" {
			return name
		}
		rest = after
	}
	return rest
}

// namedAsList says whether one label of a name is what lists call themselves.
func namedAsList(zone string) bool {
	for label := range strings.SplitSeq(zone, ".") {
		switch label {
		case "bl", "rbl", "dnsbl", "sbl", "xbl", "pbl", "dbl", "rhsbl", "uribl", "dnsrbl", "blacklist", "blocklist", "blackhole", "blackholes":
			return true
		}
	}
	return false
}

// listOf returns the catalogue id of the longest known zone that zone is or is
// below (subscribers ask below a key of their own), else zone itself.
func (r *Rules) listOf(zone string) string { return strings.Clone(r.lists.Canonical(zone)) }
