package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// lists chooses the lists to ask, among the catalogue's and the user's own: those that are on
// by default and those enabled, without those disabled, the dead ones, and those whose key
// cannot be had.
func (v *validator) lists() {
	c := &v.cfg.Blocklists
	known, paths := v.ownLists(v.catalog())
	enable := v.words("blocklists.enable", c.Enable, known)
	disable := v.words("blocklists.disable", c.Disable, known)
	for word := range enable {
		if path, both := disable[word]; both {
			v.at(path, "%s is in enable too", shown(word))
		}
	}
	v.keyNames(known)
	v.forwarders()
	v.mirrors()
	v.files()

	zones := map[string]blocklists.Zone{} // zone to the list that asks it
	for _, z := range known {
		if !chosen(z, enable, disable) {
			continue
		}
		at, own := paths[z.ID]
		if dead, ok := c.Catalog.FindDead(z.Zone); ok {
			if own {
				v.warn(at+".zone", "%s; it is not asked", dead.Warning())
			} else { // whoever disables it has read this
				v.warn("blocklists.catalog_dir", "%s; list %s is not asked", dead.Warning(), shown(z.ID))
			}
			continue
		}
		if other, twice := zones[z.Zone]; twice {
			v.at(at+".zone", "the same zone as that of list %s: put one of the two into disable", shown(other.ID))
			continue
		}
		zones[z.Zone] = z
		byID := enable[z.ID]
		if byID == "" && own {
			byID = at + ".zone"
		}
		if z, ok := v.key(z, byID); ok {
			c.Zones = append(c.Zones, z)
		}
	}
	v.twice(enable, paths)
}

// ownLists adds the user's own lists to those that are known and to the catalogue. Paths are
// where the file has them, by their ids.
func (v *validator) ownLists(known []blocklists.Zone) (all []blocklists.Zone, paths map[string]string) {
	c := &v.cfg.Blocklists
	paths = map[string]string{}
	var own blocklists.Catalog
	for i, spec := range c.Lists {
		at := fmt.Sprintf("blocklists.list[%d]", i)
		z, ok := v.list(at, spec)
		if !ok {
			continue
		}
		// The whole catalogue counts here: an id names a list for ever, asked or not.
		if j := slices.IndexFunc(known, func(k blocklists.Zone) bool { return k.ID == z.ID }); j >= 0 {
			switch first, own := paths[z.ID]; {
			case own:
				v.at(at+".id", "%s is taken by the list on line %d: give each its own id", shown(z.ID), v.line(first))
			case !known[j].BuiltIn:
				v.at(at+".id", "%q is a list of catalog_dir: give yours another id, or change it there", z.ID)
			default:
				v.at(at+".id", "%q is a built-in list: give yours another id, and put this one into disable if yours replaces it", z.ID)
			}
			continue
		}
		paths[z.ID] = at
		known = append(known, z)
		own.Zones = append(own.Zones, z)
	}
	c.Catalog = c.Catalog.With(own)
	return known, paths
}

// catalog reads the built-in catalogue and that of catalog_dir, and gives the lists
// that may be asked.
func (v *validator) catalog() []blocklists.Zone {
	c := &v.cfg.Blocklists
	builtin, err := v.opt.builtin()
	if err != nil {
		v.onLine(0, "%s", checks.Line(err.Error(), 300))
	}
	var more blocklists.Catalog
	if c.CatalogDir != "" {
		c.CatalogDir = v.path(c.CatalogDir)
		more, err = blocklists.ReadCatalog(os.DirFS(c.CatalogDir), c.CatalogDir)
		for _, e := range blocklists.Each(err) {
			v.at("blocklists.catalog_dir", "%s", checks.Line(e.Error(), 400))
		}
		if err == nil && len(more.Zones)+len(more.Unasked)+len(more.Scores)+len(more.Dead) == 0 {
			v.warn("blocklists.catalog_dir", "there is nothing in it: want files like lists.toml with tables [[list]] or [[dead]]")
		}
	}
	c.Catalog = builtin.With(more)
	if !c.Builtin {
		return slices.Clip(more.Zones)
	}
	return slices.Clone(c.Catalog.Zones)
}

// twice warns of lists that tell one event twice.
func (v *validator) twice(enable, paths map[string]string) {
	zones := v.cfg.Blocklists.Zones
	for _, z := range zones {
		path := enable[z.ID]
		if path == "" && paths[z.ID] != "" {
			path = paths[z.ID] + ".zone"
		}
		for _, other := range zones {
			if z.ID != other.ID && (z.Parent == other.ID || paths[z.ID] != "" && slices.Contains(other.Also, z.Zone)) {
				v.warn(path, "an entry of %s is as a rule one of %s too, and would be told twice: put one of the two into disable", shown(z.ID), shown(other.ID))
			}
		}
	}
}

// list reads one list of the user's.
func (v *validator) list(at string, spec blocklists.Spec) (blocklists.Zone, bool) {
	if spec.ID == "" || spec.ZoneName == "" {
		if spec.ID == "" {
			v.missing(at+".id", `missing; a short name of your own, such as "my-list"`)
		}
		if spec.ZoneName == "" {
			v.missing(at+".zone", `missing; the zone to ask, such as "bl.example.org"`)
		}
		return blocklists.Zone{}, false
	}
	z, err := spec.UserZone()
	if err != nil {
		for _, e := range blocklists.Each(err) {
			field, text := listField(e) // it does not repeat the zone, which may hold a subscriber's key
			v.at(join(at, field), "%s", checks.Line(text, 300))
		}
		return blocklists.Zone{}, false
	}
	if slices.ContainsFunc(strings.Split(z.Zone, "."), secretive) {
		v.warn(at+".zone", `a part of it looks like a subscriber's key, and would be shown: write "{key}" in its place, and keep the key in [blocklists.keys]`)
	}
	return z, true
}

// listField takes `list "id": field: text` apart, so that the line of the field can be
// named and the list not twice. Anything else is laid at the id.
func listField(err error) (field, text string) {
	text = err.Error()
	if _, rest, ok := strings.Cut(text, `": `); ok && (strings.HasPrefix(text, `list "`) || strings.HasPrefix(text, `score "`)) {
		text = rest
	}
	if f, rest, ok := strings.Cut(text, ": "); ok && !strings.ContainsAny(f, " \"") {
		return f, rest
	}
	return "id", text
}

// words checks that each word of enable or disable is an id or a tag, and maps it to its path.
func (v *validator) words(path string, words []string, known []blocklists.Zone) map[string]string {
	found := map[string]string{}
	var all []string
	for _, z := range known {
		all = append(append(all, z.ID), z.Tags...)
	}
	for i, w := range words {
		at := fmt.Sprintf("%s[%d]", path, i)
		if slices.Contains(all, w) {
			found[w] = at
			if path == "blocklists.enable" && !enables(w, known) {
				v.at(at, "%q reaches no list: those that another list holds, and those of which little is known, are enabled by their ids", w)
			}
			continue
		}
		text := fmt.Sprintf("no list has the id or tag %s", shown(w))
		if near, ok := nearest(w, all); ok {
			v.at(at, "%s; did you mean %q?", text, near)
			continue
		}
		if u, ok := v.unasked(w); ok {
			v.at(at, "list %q cannot be asked: %s", w, checks.Line(u.Why, 200))
			continue
		}
		if dead, ok := v.cfg.Blocklists.Catalog.FindDead(w); ok {
			v.at(at, "%s: %s", text, dead.Warning())
			continue
		}
		v.at(at, "%s; reputed lists shows them", text)
	}
	return found
}

func (v *validator) unasked(id string) (blocklists.Unasked, bool) {
	all := v.cfg.Blocklists.Catalog.Unasked
	i := slices.IndexFunc(all, func(u blocklists.Unasked) bool { return u.ID == id })
	if i < 0 {
		return blocklists.Unasked{}, false
	}
	return all[i], true
}

// enables says whether the word reaches any list.
func enables(word string, known []blocklists.Zone) bool {
	return slices.ContainsFunc(known, func(z blocklists.Zone) bool {
		return z.ID == word || slices.Contains(z.Tags, word) && !z.ByIDOnly()
	})
}

// chosen says whether a list is asked. An id outranks a tag, and of two tags the
// one that disables wins. A tag enables no list that another one holds, and none of
// which little is known.
func chosen(z blocklists.Zone, enable, disable map[string]string) bool {
	tagged := func(words map[string]string) bool {
		return slices.ContainsFunc(z.Tags, func(t string) bool { _, ok := words[t]; return ok })
	}
	switch _, on := enable[z.ID]; {
	case on:
		return true
	case disable[z.ID] != "" || tagged(disable):
		return false
	}
	return z.Default || !z.ByIDOnly() && tagged(enable)
}
