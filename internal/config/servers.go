package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// Servers are the names in a file of dnsbl_exporter or check_rbl: an INI file with lines
// "server=NAME", for lists in one section and for hosts to watch in another.
type Servers struct {
	Lists   []string // each once, in the order of the file
	Targets []string // of the section [targets]
	Unread  []int    // numbers of lines that are neither
}

// ErrNoServers: the file has no line "server=NAME". Reading it again does not help.
var ErrNoServers = errors.New("no line server=NAME")

// ReadServers reads such a file. What begins with ; or # is a comment.
func ReadServers(data []byte) (s Servers, err error) {
	section := ""
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		switch key, value, isKey := strings.Cut(line, "="); {
		case line == "" || line[0] == ';' || line[0] == '#':
		case line[0] == '[':
			section = strings.ToLower(strings.TrimSpace(strings.Trim(line, "[]")))
		case isKey && strings.EqualFold(strings.TrimSpace(key), "server"):
			value, _, _ = strings.Cut(value, ";")
			value, _, _ = strings.Cut(value, "#")
			name := strings.ToLower(strings.Trim(strings.TrimSpace(value), `"'.`))
			to := &s.Lists
			if section == "targets" {
				to = &s.Targets
			}
			if name != "" && !slices.Contains(*to, name) {
				*to = append(*to, name)
			}
		default:
			s.Unread = append(s.Unread, number)
		}
	}
	if len(s.Lists)+len(s.Targets) == 0 {
		return s, ErrNoServers
	}
	return s, nil
}

// Translate returns the servers as a part of a configuration file: lists that the catalogue knows
// by their ids, others as user-defined lists, and what should not be asked as comments that say
// why. Zones are the lists that are asked already.
func (s Servers) Translate(known blocklists.Catalog, zones []blocklists.Zone) string {
	t := translation{known: known, ids: map[string]bool{}}
	for _, z := range known.Zones {
		t.ids[z.ID] = true
	}
	for _, name := range s.Lists {
		t.list(name, zones)
	}
	var b strings.Builder
	if n := len(s.Lists); n > 0 {
		comment(&b, fmt.Sprintf("%s: %d asked already, %d to be enabled, %d of your own, %d left out.", checks.Plural(n, "list"), len(t.asked), len(t.enable), len(t.own), len(t.out)))
	}
	t.section(&b, "Asked already, by the default of the catalogue or by your configuration:", t.asked)
	t.section(&b, "Left out, and better not asked:", t.out)
	if len(t.enable) > 0 {
		b.WriteString("\n[blocklists]\nenable = [\n")
		for _, e := range t.enable {
			fmt.Fprintf(&b, "  %-24s # %s\n", strconv.Quote(e[0])+",", checks.Line(e[1], 0))
		}
		b.WriteString("]\n")
	}
	if len(t.own) > 0 {
		b.WriteString("\n")
		comment(&b, "Not in the catalogue: nobody knows here what their answers mean, so that any code counts as listed, and minor.")
		comment(&b, "\"reputed lists test\" says which of them answer, and truthfully; take out those that do not.")
	}
	for _, o := range t.own {
		fmt.Fprintf(&b, "\n[[blocklists.list]]\nid = %s\nzone = %s\n", strconv.Quote(o[0]), strconv.Quote(o[1]))
	}
	s.outbound(&b)
	for _, line := range s.Unread {
		comment(&b, fmt.Sprintf("line %d was not understood", line))
	}
	return b.String()
}

// outbound are the hosts to watch.
func (s Servers) outbound(b *strings.Builder) {
	var addresses, names []string
	var odd []string
	for _, name := range s.Targets {
		if a, err := netip.ParseAddr(name); err == nil {
			addresses = append(addresses, strconv.Quote(a.String()))
		} else if t, err := checks.Domain(name); err == nil {
			names = append(names, strconv.Quote(t.Name))
		} else {
			odd = append(odd, name)
		}
	}
	if len(addresses)+len(names) > 0 {
		b.WriteString("\n[[outbound]]\n")
		if len(addresses) > 0 {
			fmt.Fprintf(b, "addresses = [%s]\n", strings.Join(addresses, ", "))
		}
		if len(names) > 0 {
			fmt.Fprintf(b, "names = [%s]\n", strings.Join(names, ", "))
		}
	}
	for _, name := range odd {
		comment(b, "no address and no host name: "+name)
	}
}

// translation sorts lists out.
type translation struct {
	known       blocklists.Catalog
	ids         map[string]bool // that are taken
	asked, out  []string        // a line each
	enable, own [][2]string     // id, and a line or the zone
}

func (t *translation) list(name string, zones []blocklists.Zone) {
	leave := func(why string) { t.out = append(t.out, why) }
	if d, dead := t.known.FindDead(name); dead {
		leave(d.Warning())
		return
	}
	for _, u := range t.known.Unasked {
		if u.Zone == name {
			leave(name + " cannot be asked: " + u.Why)
			return
		}
	}
	for _, s := range t.known.Scores {
		if s.Zone == name {
			leave(name + " (" + s.Title + ") is no blocklist: an answer of it is no listing")
			return
		}
	}
	if z, ok := blocklists.Find(zones, name); ok {
		line := z.ID + " (" + name + ")"
		if z.Zone != name {
			line = z.ID + " (" + z.Zone + "), which holds " + name
		}
		t.asked = append(t.asked, line)
		return
	}
	if z, ok := blocklists.Find(t.known.Zones, name); ok {
		line := name
		switch {
		case z.Zone != name:
			line = z.Zone + ", which holds " + name
		case z.Parent != "":
			line += "; " + z.Parent + " holds the same entries"
		}
		if z.KeyName != "" && !z.KeyOptional {
			line += "; needs a key: " + z.KeyName + " under [blocklists.keys]"
		}
		if !slices.ContainsFunc(t.enable, func(e [2]string) bool { return e[0] == z.ID }) {
			t.enable = append(t.enable, [2]string{z.ID, line})
		}
		return
	}
	d, err := checks.Domain(name)
	if err != nil || len(d.Name) > longestZone {
		leave("no zone: " + name)
		return
	}
	if slices.ContainsFunc(t.own, func(o [2]string) bool { return o[1] == d.Name }) {
		return // written in another way
	}
	id := listID(d.Name)
	for n := 2; t.ids[id]; n++ {
		id = fmt.Sprintf("%s-%d", listID(d.Name), n)
	}
	t.ids[id] = true
	t.own = append(t.own, [2]string{id, d.Name})
}

// longestZone is how long the zone of a list may be: an IPv6 address in front of it takes 64 octets.
const longestZone = 180

// listID is an id made of a zone: letters, digits and hyphens, with room for a number.
func listID(zone string) string {
	id := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, zone), "-")
	return strings.TrimRight(id[:min(len(id), 56)], "-")
}

func (t *translation) section(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	b.WriteString("#\n")
	comment(b, title)
	for _, l := range lines {
		comment(b, "  "+checks.Line(l, 0))
	}
}

// comment writes one line that TOML ignores, whatever it says.
func comment(b *strings.Builder, s string) {
	lead := s[:len(s)-len(strings.TrimLeft(s, " "))]
	fmt.Fprintf(b, "# %s%s\n", lead, checks.Line(s, 0))
}
