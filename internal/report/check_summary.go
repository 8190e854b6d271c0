package report

import (
	"fmt"
	"strings"

	"reputed/blocklists"
)

// unproved is, for a summary only, the class of lists that answer clean and publish no
// entry by which they could show that they answer us at all.
const unproved blocklists.Class = "unproved"

// Summary is the whole check in one line: "2 addresses on 40 lists: listed on 1
// (SpamCop), 37 answered clean, 2 refuse this resolver".
func (c *Check) Summary() string {
	lists := c.asked()
	head := c.subject()
	if len(lists) == 0 {
		if c.Cut {
			return "Cut short before the first answer: nothing is known about " + head
		}
		return "Cannot tell: none of the lists chosen serves " + head
	}
	head += " on " + plural(len(lists), "list", "lists")
	by := map[blocklists.Class][]string{}
	for _, l := range lists {
		class := l.standing()
		if class == blocklists.Clean && l.Unproved > 0 {
			class = unproved
		}
		by[class] = append(by[class], l.name())
	}
	var parts []string
	for _, p := range []struct {
		class blocklists.Class
		form  string
		names bool
	}{
		{blocklists.Listed, "listed on %s", true},
		{blocklists.Policy, "in the policy part of %s", true},
		{blocklists.Informational, "mentioned by %s", true},
		{blocklists.Clean, "%s answered clean", false},
		{unproved, "%s without an entry but no way to prove it", false},
		{blocklists.Good, "%s speak well of it", false},
		{blocklists.Refused, "%s refuse this resolver", false},
		{blocklists.Unusable, "%s unusable", false},
		{blocklists.Unknown, "%s gave no answer", false},
	} {
		names := by[p.class]
		if len(names) == 0 {
			continue
		}
		s := fmt.Sprintf(p.form, number(len(names)))
		if len(names) == 1 {
			s = strings.NewReplacer("refuse this", "refuses this", "speak well", "speaks well").Replace(s)
		}
		if p.names {
			s += " (" + some(names, 3) + ")"
		}
		parts = append(parts, s)
	}
	s := head + ": " + strings.Join(parts, ", ")
	switch {
	case c.Cut:
		return "Cut short: so far " + s
	case c.Level() == LevelUnknown:
		return "Cannot tell: " + s
	}
	return s
}

// subject is what was asked about: "2 addresses and 1 domain".
func (c *Check) subject() string {
	var parts []string
	if c.Addresses > 0 {
		parts = append(parts, plural(c.Addresses, "address", "addresses"))
	}
	if c.Domains > 0 {
		parts = append(parts, plural(c.Domains, "domain", "domains"))
	}
	if len(parts) == 0 {
		return "no targets"
	}
	return strings.Join(parts, " and ")
}
