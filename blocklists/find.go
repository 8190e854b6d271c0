package blocklists

import (
	"maps"
	"strings"
)

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

// Names is what lists are called, ready for looking up the name that a refusal gives
// one without going through the catalogue each time. The zero Names knows none. It is never
// changed, and safe for concurrent use.
type Names struct{ ids map[string]string }

// Names are the names of every list that the catalogue knows, asked or not: the ids, zones
// and other names of those that can be asked, and the ids and zones of those that no question
// reaches. Of two lists with one name the first has it, as in [Named].
func (c Catalog) Names() Names {
	ids := make(map[string]string, 3*len(c.Zones))
	add := func(id string, names ...string) {
		for _, name := range names {
			if _, taken := ids[name]; name != "" && !taken {
				ids[name] = id
			}
		}
	}
	for _, z := range c.Zones {
		add(z.ID, z.ID, z.Zone)
		add(z.ID, z.Also...)
	}
	for _, u := range c.Unasked {
		add(u.ID, u.ID, u.Zone)
	}
	return Names{ids}
}

// With are the same names and more besides, each with the id that it stands for. More goes first.
func (n Names) With(more map[string]string) Names {
	ids := make(map[string]string, len(n.ids)+len(more))
	maps.Copy(ids, n.ids)
	for name, id := range more {
		ids[normalName(name)] = id
	}
	return Names{ids}
}

// ID is the id of the list that is meant by an id, a zone, another name of a list, or a
// longer name that ends in a zone or other name; the longest wins. False: no list is called that.
func (n Names) ID(name string) (id string, ok bool) {
	name = normalName(name)
	if id, ok = n.ids[name]; ok {
		return id, true
	}
	for _, rest, more := strings.Cut(name, "."); more; _, rest, more = strings.Cut(rest, ".") {
		if id, ok = n.ids[rest]; ok && strings.Contains(rest, ".") { // an id is meant only as it is
			return id, true
		}
	}
	return "", false
}

// Canonical is the id of the list that is meant by a name, see [Names.ID], or the name itself if no list
// is called that: so that one list has one name.
func (n Names) Canonical(name string) string {
	if id, ok := n.ID(name); ok {
		return id
	}
	return name
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
