package report

import (
	"strings"

	"reputed/blocklists"
)

// unproved is, for a summary only, the class of lists that answer clean and publish no
// entry by which they could show that they answer us at all.
const unproved blocklists.Class = "unproved"

// Summary is the whole check in one line: "2 addresses on 40 lists: 1 listed
// (SpamCop), 37 lists answered clean, 2 refuse this resolver".
func (c *Check) Summary() string {
	lists := c.asked()
	head := subject(c.Addresses-c.Unasked.Addresses, c.Domains-c.Unasked.Domains)
	if len(lists) == 0 {
		head = c.subject()
		if c.cut {
			return "Cut short before the first answer: nothing is known about " + head
		}
		if c.Addresses+c.Domains == 0 {
			return "Cannot tell: there is nothing to ask about"
		}
		return "Cannot tell: none of the lists chosen serves " + head
	}
	by := map[blocklists.Class][]string{}
	for _, l := range lists {
		class := l.standing()
		if class == blocklists.Clean && l.Unproved > 0 {
			class = unproved
		}
		by[class] = append(by[class], l.name())
	}
	var parts []string
	// Of what was found, how many targets and where.
	for _, p := range []struct {
		class blocklists.Class
		word  string
	}{{blocklists.Listed, "listed"}, {blocklists.Policy, "in a policy list"}, {blocklists.Informational, "mentioned"}} {
		if n := len(c.found[p.class]); n > 0 {
			parts = append(parts, number(n)+" "+p.word+" ("+some(c.holding(p.class), 3)+")")
		}
	}
	// Of the rest, how many lists.
	for _, p := range []struct {
		class     blocklists.Class
		one, many string
	}{
		{blocklists.Clean, "list answered clean", "lists answered clean"},
		{unproved, "list found nothing but cannot prove that it works", "lists found nothing but cannot prove that they work"},
		{blocklists.Good, "speaks well of it", "speak well of it"},
		{blocklists.Refused, "refuses this resolver", "refuse this resolver"},
		{blocklists.Unusable, "is unusable", "are unusable"},
		{blocklists.Unknown, "gave no answer", "gave no answer"},
	} {
		if n := len(by[p.class]); n > 0 {
			parts = append(parts, plural(n, p.one, p.many))
		}
	}
	if n := c.Unasked.N(); n > 0 {
		parts = append(parts, "no list was asked about "+someOf(c.Unasked.First, 3, n))
	}
	if c.missed > 0 {
		parts = append(parts, plural(c.missed, "target", "targets")+" could not be expanded")
	}
	if c.Inner != "" {
		parts = append(parts, clean(c.Inner)+" is no public address, so that clean says nothing of it: ask about the one that receivers see")
	}
	if c.cut { // neither all targets nor, it may be, all lists were come to
		asked, _ := c.questions()
		s := "Cut short after " + number(asked)
		if c.Planned > asked {
			s += " of " + number(c.Planned)
		}
		return s + " questions about " + head + "; so far " + strings.Join(parts, ", ")
	}
	s := head + " on " + plural(len(lists), "list", "lists") + ": " + strings.Join(parts, ", ")
	switch {
	case c.Level() == LevelUnknown:
		return "Cannot tell: " + s
	}
	return s
}

// holding are the names of the lists with an entry of the class.
func (c *Check) holding(class blocklists.Class) []string {
	var names []string
	for _, l := range c.tallies {
		if l.Verdicts[class] > 0 {
			names = append(names, l.name())
		}
	}
	return names
}

// subject is what was asked about: "2 addresses and 1 domain".
func (c *Check) subject() string { return subject(c.Addresses, c.Domains) }

func subject(addresses, domains int) string {
	var parts []string
	if addresses > 0 {
		parts = append(parts, plural(addresses, "address", "addresses"))
	}
	if domains > 0 {
		parts = append(parts, plural(domains, "domain", "domains"))
	}
	if len(parts) == 0 {
		return "no targets"
	}
	return strings.Join(parts, " and ")
}
