package config

import (
	"fmt"
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// lists chooses the lists to ask: of the catalogue and the user's own together,
// those on by default and those enabled, without those disabled and the dead.
func (v *validator) lists() {
	c := &v.cfg.Blocklists
	var known []blocklists.Zone
	if c.Builtin {
		builtin, err := v.opt.builtin()
		if err != nil {
			v.onLine(0, "%s", checks.Line(err.Error(), 300))
		}
		known = slices.Clip(builtin)
	}
	paths := map[string]string{} // id of a user's list to its path
	for i, spec := range c.Lists {
		at := fmt.Sprintf("blocklists.list[%d]", i)
		z, ok := v.list(at, spec)
		if !ok {
			continue
		}
		// The whole catalogue counts here: an id names a list for ever, asked or not.
		if j := slices.IndexFunc(known, func(k blocklists.Zone) bool { return k.ID == z.ID }); j >= 0 {
			if first, own := paths[z.ID]; own {
				v.at(at+".id", "%s is taken by the list on line %d: give each its own id", shown(z.ID), v.line(first))
			} else {
				v.at(at+".id", "%q is a built-in list: give yours another id, and put this one into disable if yours replaces it", z.ID)
			}
			continue
		}
		paths[z.ID] = at
		known = append(known, z)
	}
	enable := v.words("blocklists.enable", c.Enable, known)
	disable := v.words("blocklists.disable", c.Disable, known)
	for word := range enable {
		if path, both := disable[word]; both {
			v.at(path, "%s is in enable too", shown(word))
		}
	}

	zones := map[string]blocklists.Zone{} // zone to the list that asks it
	for _, z := range known {
		if !chosen(z, enable, disable) {
			continue
		}
		at, own := paths[z.ID]
		if dead, ok := blocklists.FindDead(z.Zone); ok && own {
			v.warn(at+".zone", "%s; it is not asked", dead.Warning())
			continue
		}
		if other, twice := zones[z.Zone]; twice {
			v.at(at+".zone", "the same zone as that of list %s: put one of the two into disable", shown(other.ID))
			continue
		}
		zones[z.Zone] = z
		c.Zones = append(c.Zones, z)
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
		for _, e := range unjoin(err) {
			field, text := listField(e) // it does not repeat the zone, which may hold a subscriber's key
			v.at(join(at, field), "%s", checks.Line(text, 300))
		}
		return blocklists.Zone{}, false
	}
	return z, true
}

// unjoin takes apart what errors.Join put together.
func unjoin(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, unjoin(e)...)
	}
	return all
}

// listField takes `list "id": field: text` apart, so that the line of the field can be
// named and the list not twice. Anything else is laid at the id.
func listField(err error) (field, text string) {
	text = err.Error()
	if _, rest, ok := strings.Cut(text, `": `); ok && strings.HasPrefix(text, `list "`) {
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
			continue
		}
		text := fmt.Sprintf("no list has the id or tag %s", shown(w))
		if near, ok := nearest(w, all); ok {
			v.at(at, "%s; did you mean %q?", text, near)
			continue
		}
		if dead, ok := blocklists.FindDead(w); ok {
			v.at(at, "%s: %s", text, dead.Warning())
			continue
		}
		v.at(at, "%s; reputed lists shows them", text)
	}
	return found
}

// chosen says whether a list is asked. An id outranks a tag, and of two tags the
// one that disables wins.
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
	return z.Default || tagged(enable)
}
