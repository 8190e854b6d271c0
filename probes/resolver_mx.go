package probes

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// MX is one MX record (RFC 1035 section 3.3.9).
type MX struct {
	Preference uint16
	Host       string // lower case, without the final dot, printable ASCII; untrusted
}

// MX returns the mail exchangers of an answer to a question of [TypeMX], the most preferred first and
// equals by name, so that the order of the answer plays no part. The null MX, whose host is the
// root and which says that no mail is taken (RFC 7505 section 3), is none of them; a record
// that is no preference and host name is passed over.
func (a Answer) MX() []MX {
	var all []MX
	for _, r := range a.Records {
		preference, host, ok := strings.Cut(r.Text, " ")
		n, err := strconv.ParseUint(preference, 10, 16)
		host = strings.ToLower(strings.TrimSuffix(host, "."))
		if !ok || err != nil || host == "" || strings.ContainsFunc(host, func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' }) {
			continue
		}
		all = append(all, MX{uint16(n), host})
	}
	slices.SortFunc(all, func(a, b MX) int {
		return cmp.Or(cmp.Compare(a.Preference, b.Preference), strings.Compare(a.Host, b.Host))
	})
	return all
}

// NullMX says whether the answer is the one MX record that says: no mail here (RFC 7505 section 3).
func (a Answer) NullMX() bool {
	return len(a.Records) == 1 && strings.HasSuffix(a.Records[0].Text, " .")
}
