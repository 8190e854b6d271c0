package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// Neighbours is how many of the addresses around those asked about one list
// holds. It is for information: it says whether the list looks at the network rather than
// at you, and nothing about you.
type Neighbours struct {
	Network       netip.Prefix
	List          string // id of one of CheckOptions.Lists
	Asked         int    // addresses of the network that are not asked about themselves
	Listed        int
	Policy        int
	Informational int
	Unanswered    int
}

// Add counts one neighbour.
func (n *Neighbours) Add(class blocklists.Class) {
	n.Asked++
	switch class {
	case blocklists.Listed:
		n.Listed++
	case blocklists.Policy:
		n.Policy++
	case blocklists.Informational:
		n.Informational++
	case blocklists.Refused, blocklists.Unusable, blocklists.Unknown:
		n.Unanswered++
	}
}

// held says whether the list holds any of them.
func (n Neighbours) held() bool { return n.Listed+n.Policy+n.Informational > 0 }

// String is the counts in words: "7 of 255 neighbours listed, 12 in a policy list".
func (n Neighbours) String() string {
	s := fmt.Sprintf("%d of %s listed", n.Listed, plural(n.Asked, "neighbour", "neighbours"))
	for _, p := range []struct {
		n    int
		word string
	}{{n.Policy, "in a policy list"}, {n.Informational, "mentioned"}, {n.Unanswered, "without an answer"}} {
		if p.n > 0 {
			s += fmt.Sprintf(", %d %s", p.n, p.word)
		}
	}
	return s
}

// Around takes what one list says about the neighbours.
func (c *Check) Around(n Neighbours) { c.around = append(c.around, n) }

// neighbours writes how many neighbours are listed where, the most first.
func (c *Check) neighbours(p *page) {
	for len(c.around) > 0 {
		network := c.around[0].Network
		of := slices.DeleteFunc(slices.Clone(c.around), func(n Neighbours) bool { return n.Network != network })
		c.around = slices.DeleteFunc(c.around, func(n Neighbours) bool { return n.Network == network })
		slices.SortStableFunc(of, func(a, b Neighbours) int {
			return cmp.Or(cmp.Compare(b.Listed, a.Listed), cmp.Compare(b.Policy+b.Informational, a.Policy+a.Informational))
		})
		p.line(p.paint(strong, "Neighbours in "+network.String()) + p.paint(faint, "  for information: they say nothing about you"))
		var none []string
		for _, n := range of {
			name := c.byID[n.List].name()
			if !n.held() && n.Unanswered == 0 {
				none = append(none, name)
				continue
			}
			p.para(2, fmt.Sprintf("%-9s", "info"), info, name+": "+n.String(), plain)
		}
		if len(none) > 0 {
			p.para(2, fmt.Sprintf("%-9s", "clean"), good, "none of them is listed by "+some(none, 12), plain)
		}
		p.blank()
	}
}

// neighboursTSV are rows about a network, which no row about a target is.
func (t checkTSV) neighbours(c *Check) {
	for _, n := range c.around {
		if n.held() || c.All {
			t.row(n.Network.String(), n.List, string(blocklists.Informational), string(checks.Informational), "", n.String())
		}
	}
}

// neighboursJSON is what one list says about the neighbours. Field names are a promise: docs/json.md.
type neighboursJSON struct {
	Code          checks.Code `json:"code"`
	Network       string      `json:"network"`
	List          string      `json:"list"`
	Asked         int         `json:"asked"`
	Listed        int         `json:"listed"`
	Policy        int         `json:"policy"`
	Informational int         `json:"informational"`
	Unanswered    int         `json:"unanswered"`
	Text          string      `json:"text"`
}

func neighboursOf(c *Check) []neighboursJSON {
	out := []neighboursJSON{}
	for _, n := range c.around {
		out = append(out, neighboursJSON{checks.CodeNeighbours, n.Network.String(), n.List, n.Asked, n.Listed, n.Policy, n.Informational, n.Unanswered,
			strings.TrimSpace(c.byID[n.List].name() + ": " + n.String())})
	}
	return out
}
