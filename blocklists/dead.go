package blocklists

import (
	"errors"
	"fmt"
	"strings"
)

// DeadZone is a zone that must no longer be asked: where it is silent it would say "clean" of
// everything, and where it has a wildcard "listed".
type DeadZone struct {
	Zone       string   // without final dot, lower case
	Also       []string // its sub-zones and other names, dead too
	Title      string
	Died       string // 2024-06-05, 2008-05, 2013 or 2000s, with "by " or "about " in front if no more is known; "never": it never existed; empty: not known
	Behaviour  string // what it does since then, to follow "it": "is empty"
	Instead    string // zone to ask in its place; empty: none
	Note       string
	Confidence string // high, medium, low
	Source     string
}

type deadSpec struct {
	Zone       string   `toml:"zone"`
	Also       []string `toml:"also"`
	Title      string   `toml:"title"`
	Died       string   `toml:"died"`
	Behaviour  string   `toml:"behaviour"`
	Instead    string   `toml:"instead"`
	Note       string   `toml:"note"`
	Confidence string   `toml:"confidence"`
	Source     string   `toml:"source"`
}

// Warning returns one sentence for whoever has configured the zone: when and how it died, and
// what to do.
func (d DeadZone) Warning() string {
	todo := "take it out of the configuration"
	if d.Instead != "" {
		todo = "ask " + d.Instead + " in its place"
	}
	how := ""
	if d.Behaviour != "" {
		how = ": it " + d.Behaviour
	}
	return fmt.Sprintf("%s (%s) %s%s; %s", d.Zone, d.Title, d.when(), how, todo)
}

// when returns Died in words.
func (d DeadZone) when() string {
	if d.Died == "never" {
		return "never existed"
	}
	ended := "ended"
	if d.Confidence == "low" {
		ended = "is believed to have ended"
	}
	date, by := strings.CutPrefix(d.Died, "by ")
	switch {
	case date == "":
		return ended + ", at a date that is not known"
	case strings.HasPrefix(date, "about "):
		return ended + " " + date
	case strings.HasSuffix(date, "s"):
		date = "in the " + date
	case len(date) == len("2006-01-02"):
		date = "on " + date
	default:
		date = "in " + date
	}
	if by {
		date += " or before"
	}
	return ended + " " + date
}

// dead returns the zone, validated.
func (s deadSpec) dead() (DeadZone, error) {
	d := DeadZone(s)
	p := &problems{kind: "dead zone", id: d.Zone}
	for i, name := range append([]string{d.Zone}, d.Also...) {
		field := "zone"
		if i > 0 {
			field = fmt.Sprintf("also[%d]", i-1)
		}
		if !domainName(name) {
			p.add(field, "want a domain name in lower case, without final dot")
		}
	}
	for _, x := range [][2]string{{"title", d.Title}, {"source", d.Source}} {
		if x[1] == "" {
			p.add(x[0], "missing")
		}
	}
	if d.Instead != "" && !domainName(d.Instead) {
		p.add("instead", "want the zone to ask in its place, or nothing")
	}
	oneOf(p, "confidence", d.Confidence, "", "high", "medium", "low")
	for _, x := range [][2]string{
		{"title", d.Title}, {"died", d.Died}, {"behaviour", d.Behaviour}, {"note", d.Note}, {"source", d.Source},
	} {
		oneLine(p, x[0], x[1])
	}
	return d, errors.Join(p.errs...)
}

// FindDead looks a zone up among the dead ones of the catalogue: the zone itself, one of its
// other names, or a name below either; of several the longest. The Zone of the result is the
// name that was found, so that the warning speaks of what is configured.
func (c Catalog) FindDead(zone string) (DeadZone, bool) {
	zone = normalName(zone)
	best, found := -1, ""
	for i, d := range c.Dead {
		for _, name := range append([]string{d.Zone}, d.Also...) {
			if under(zone, name) && len(name) > len(found) {
				best, found = i, name
			}
		}
	}
	if best < 0 {
		return DeadZone{}, false
	}
	d := c.Dead[best]
	d.Zone = found
	return d, true
}
