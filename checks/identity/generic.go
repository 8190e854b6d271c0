package identity

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"reputed/checks"
)

// Words of names that providers make for every address of a network, as whole words: "dyn" is
// one in 10.dyn.example.net and ppp12.example.net, not in dynamo.example.net.
var (
	// strongWords say by themselves that the address is not that of a server.
	strongWords = []string{"dyn", "dynamic", "dynip", "dhcp", "dialup", "dialin", "ppp", "pppoe", "dsl", "adsl", "vdsl", "xdsl", "sdsl", "ftth", "cablemodem", "hfc", "gprs", "lte"}
	// weakWords stand in names of servers too, and count beside a part of the address.
	weakWords = []string{"pool", "static", "stat", "cable", "broadband", "client", "clients", "cust", "customer", "customers", "user", "users", "host", "hosts", "ip", "ipv4", "ipv6", "vps", "vm", "unassigned", "unknown", "res", "residential", "biz", "rev", "reverse", "subscriber", "wireless", "mobile", "nat"}
	// mailWords are what people call servers that send. With the whole address in the name,
	// such as in mta-192-0-2-10.example.org, receivers differ, and so it is said and no more.
	mailWords = []string{"mail", "smtp", "mx", "mta", "mout", "out", "outbound", "relay", "post", "send", "sender", "mailer", "mailout", "bounce", "esp"}
)

// Generic says why a PTR name looks like those that providers generate for every address, which
// receivers take for a sign of an infected home computer; empty: it does not. Sure is false where
// a person seems to have chosen the name, for mail, and put the address into it.
//
// Only what stands in front of the registered domain counts: mail.dsl-provider.example is a
// server of somebody who sells DSL.
func Generic(name string, addr netip.Addr) (why string, sure bool) {
	own := strings.ToLower(strings.TrimSuffix(name, "."))
	if t, err := checks.Domain(own); err == nil {
		if org := t.Organisational(); org != "" {
			own = strings.TrimSuffix(strings.TrimSuffix(own, org), ".")
		}
	}
	words := nameWords(own)
	has := func(list []string) string {
		for _, w := range words {
			for _, known := range list {
				if w == known {
					return w
				}
			}
		}
		return ""
	}
	mail := has(mailWords) != ""
	switch part := embedded(own, addr); {
	case part == "whole" && mail:
		return "it holds the whole address", false
	case part == "whole":
		return "it holds the whole address", true
	case has(strongWords) != "" && !mail:
		return fmt.Sprintf("it holds the word %q", has(strongWords)), true
	case has(strongWords) != "":
		return fmt.Sprintf("it holds the word %q", has(strongWords)), false
	case part == "half" && !mail && has(weakWords) != "":
		return fmt.Sprintf("it holds half of the address and the word %q", has(weakWords)), true
	}
	return "", false
}

// nameWords are the runs of letters of a name. "ipv4" is one word, "ppp12" is ppp.
func nameWords(name string) []string {
	var words []string
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '-' || r == '_' }) {
		if part == "ipv4" || part == "ipv6" {
			words = append(words, part)
			continue
		}
		words = append(words, strings.FieldsFunc(part, func(r rune) bool { return r < 'a' || r > 'z' })...)
	}
	return words
}

// embedded says how much of its address a name holds: "whole", "half" (the last two octets, in
// either order, one next to the other), or "".
func embedded(name string, addr netip.Addr) string {
	if addr.Is6() {
		return embedded6(name, addr)
	}
	if Spells(name, addr) {
		return "whole"
	}
	b := addr.As4()
	plain := fmt.Sprintf("%d%d%d%d", b[0], b[1], b[2], b[3])
	run := map[string]bool{
		fmt.Sprintf("%03d%03d%03d%03d", b[0], b[1], b[2], b[3]): true, // 192000002010
		fmt.Sprintf("%03d%03d%03d%03d", b[3], b[2], b[1], b[0]): true,
		plain: len(plain) > 9, // fewer digits may be anything, such as a date
	}
	hex := fmt.Sprintf("%02x%02x%02x%02x", b[0], b[1], b[2], b[3]) // c000020a
	tokens := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '-' || r == '_' })
	for _, t := range tokens {
		if run[strings.Trim(t, "abcdefghijklmnopqrstuvwxyz")] || t == hex || strings.HasPrefix(t, "ip") && t[2:] == hex {
			return "whole"
		}
	}
	numbers := nameNumbers(name)
	for i := 0; i+2 <= len(numbers); i++ {
		if numbers[i] == int(b[2]) && numbers[i+1] == int(b[3]) || numbers[i] == int(b[3]) && numbers[i+1] == int(b[2]) {
			return "half"
		}
	}
	return ""
}

// embedded6 looks for an IPv6 address: all its 32 digits in a row or one by one, or its eight
// groups with separators, forwards or backwards.
func embedded6(name string, addr netip.Addr) string {
	b := addr.As16()
	digits := fmt.Sprintf("%x", b[:])
	plain := strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r == '_' {
			return -1
		}
		return r
	}, name)
	backwards := []byte(digits)
	for i, j := 0, len(backwards)-1; i < j; i, j = i+1, j-1 {
		backwards[i], backwards[j] = backwards[j], backwards[i]
	}
	var groups []string
	for pair := range slices.Chunk(b[:], 2) {
		groups = append(groups, fmt.Sprintf("%x", uint16(pair[0])<<8|uint16(pair[1])))
	}
	short := strings.NewReplacer("::", "--", ":", "-").Replace(addr.String()) // 2001-db8--25
	if strings.Contains(plain, digits) || strings.Contains(plain, string(backwards)) || strings.Contains(name, strings.Join(groups, "-")) ||
		strings.Contains(name, strings.Join(groups, ".")) || len(short) >= 12 && strings.Contains(name, short) {
		return "whole"
	}
	return ""
}

// nameNumbers are the numbers below 1000 in a name, in their order.
func nameNumbers(name string) []int {
	var numbers []int
	for i := 0; i < len(name); {
		n, j := 0, i
		for ; j < len(name) && '0' <= name[j] && name[j] <= '9' && n < 1000; j++ {
			n = n*10 + int(name[j]-'0')
		}
		if j > i {
			numbers = append(numbers, n)
		}
		i = max(j, i+1)
	}
	return numbers
}
