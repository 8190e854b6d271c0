package blocklists

import (
	"maps"
	"slices"
	"strings"
)

// Find returns the list that a person means by a word: the one with that id, else the one with
// exactly that zone, else what [Named] finds.
func Find(zones []Zone, word string) (Zone, bool) {
	name := normalName(word)
	for _, same := range []func(Zone) bool{
		func(z Zone) bool { return z.ID == name },
		func(z Zone) bool { return z.Zone == name },
	} {
		if i := slices.IndexFunc(zones, same); i >= 0 && name != "" {
			return zones[i], true
		}
	}
	return Named(zones, word)
}

// Named returns the list that a refusal means by a name: its id, its zone, one of its other
// names (Zone.Also), or a longer host name that ends in one of these, like a whole query name or
// a subscriber's zone. So "sbl.spamhaus.org", "zen.spamhaus.org." and
// "10.2.0.192.zen.spamhaus.org" all mean ZEN. Of several the longest name wins, and of equally
// long ones the first in zones: the parent of a list comes before it, and what is asked before
// what is not.
//
// A shorter name ("spamhaus.org") means a list only if the list says so in Also: which list of an
// operator is meant cannot be told from the operator's domain.
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

// meant returns the length of the longest name of the list that name equals or is below.
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

// Names looks up the list that a refusal means by a name, without going through the catalogue
// each time. The zero Names knows none. It does not change, and is safe for concurrent use.
type Names struct{ ids map[string]string }

// Names returns the names of every list in the catalogue: the ids, zones and other names of those
// that can be asked, and the ids and zones of those that cannot. If two lists have the same name,
// it means the first, as in [Named].
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

// With returns the same names and more, each with the id that it stands for. More takes precedence.
func (n Names) With(more map[string]string) Names {
	ids := make(map[string]string, len(n.ids)+len(more))
	maps.Copy(ids, n.ids)
	for name, id := range more {
		ids[normalName(name)] = id
	}
	return Names{ids}
}

// ID returns the id of the list that is meant by an id, a zone, another name of a list, or a
// longer name that ends in a zone or other name; the longest wins. It is false if no list has
// that name.
func (n Names) ID(name string) (id string, ok bool) {
	name = normalName(name)
	if id, ok = n.ids[name]; ok {
		return id, true
	}
	for _, rest, more := strings.Cut(name, "."); more; _, rest, more = strings.Cut(rest, ".") {
		if id, ok = n.ids[rest]; ok && strings.Contains(rest, ".") { // an id has to stand alone
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

// normalName returns a name in one form, in whatever way people and mails write it.
func normalName(s string) string {
	return strings.ToLower(strings.TrimRight(strings.TrimSpace(s), "."))
}
