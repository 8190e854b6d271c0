package blocklists

import "strings"

// Find is the list that a person means by a word: its id, its very zone, or what
// [Named] takes it for.
func Find(zones []Zone, word string) (Zone, bool) {
	name := normalName(word)
	for _, z := range zones {
		if z.ID == name && name != "" {
			return z, true
		}
	}
	for _, z := range zones {
		if z.Zone == name && name != "" {
			return z, true
		}
	}
	return Named(zones, word)
}

// Named finds the list that a refusal means by a name: its id, its zone, one of
// its other names (Zone.Also), or a longer host that ends in one of these, as a
// whole query name and a subscriber's zone do. So "sbl.spamhaus.org",
// "zen.spamhaus.org." and "10.2.0.192.zen.spamhaus.org" all mean ZEN. Of
// several the longest name wins, and of equals the one that stands first: the parent
// of a list stands before it, and what is asked before what is not.
//
// A shorter name ("spamhaus.org") means a list only where the list says so in
// Also; an operator with several lists cannot be told apart by its domain.
func Named(zones []Zone, name string) (Zone, bool) {
	name = normalName(name)
	best, length := -1, 0
	for i, z := range zones {
		if z.ID == name && name != "" {
			return z, true
		}
		if n := z.meant(name); n > length {
			best, length = i, n
		}
	}
	if best < 0 {
		return Zone{}, false
	}
	return zones[best], true
}

// meant is how long the longest name of the list is that name equals or lies under.
func (z Zone) meant(name string) int {
	length := 0
	if under(name, z.Zone) {
		length = len(z.Zone)
	}
	for _, a := range z.Also {
		if under(name, a) {
			length = max(length, len(a))
		}
	}
	return length
}

// under says whether name is zone or a name below it.
func under(name, zone string) bool {
	rest, ok := strings.CutSuffix(name, zone)
	return ok && zone != "" && (rest == "" || strings.HasSuffix(rest, "."))
}

// normalName folds the ways in which people and mails write a name.
func normalName(s string) string {
	return strings.ToLower(strings.TrimRight(strings.TrimSpace(s), "."))
}
