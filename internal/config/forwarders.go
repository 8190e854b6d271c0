package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"reputed/blocklists"
	"reputed/blocklists/mirror"
	"reputed/checks"
)

// Forwarder is one or several servers, each an address with a port (53 if left out). In the
// file one is a text, and several are a list of texts.
type Forwarder []string

const wantForwarder = `want one address with a port or a list of them, such as "127.0.0.1:5302"`

// forwarders checks that every forwarder belongs to a list that is known. The list need not be
// asked: the command line may name it.
func (v *validator) forwarders() {
	c := &v.cfg.Blocklists
	for _, id := range slices.Sorted(maps.Keys(c.Forwarders)) {
		at := fmt.Sprintf("blocklists.forwarders[%q]", id)
		v.listID(at, id)
		servers := c.Forwarders[id]
		if len(servers) == 0 {
			v.at(at, "no server for list %s: %s", shown(id), wantForwarder)
		}
		v.servers(at, servers)
		for i, s := range servers {
			if _, err := hostPort(s, "53"); err != nil {
				continue // which was told
			}
			if _, err := netip.ParseAddrPort(s); err != nil {
				v.at(fmt.Sprintf("%s[%d]", at, i), "%s has a name in place of an address: %s", shown(s), wantForwarder)
			}
		}
	}
}

// mirrors checks that every mirror is a forwarder of a list, each once.
func (v *validator) mirrors() {
	c := &v.cfg.Blocklists
	for i, id := range c.Mirrors {
		at := fmt.Sprintf("blocklists.mirrors[%d]", i)
		if len(c.Forwarders[id]) == 0 {
			v.at(at, "list %s has no server under [blocklists.forwarders]: name its mirror there", shown(id))
		} else if slices.Contains(c.Mirrors[:i], id) {
			v.at(at, "%s stands there twice", shown(id))
		}
	}
}

// files checks that every file belongs to a list that is known, and makes the paths absolute.
// Whether a file is there is for each round to find out.
func (v *validator) files() {
	c := &v.cfg.Blocklists
	v.between("blocklists.files_max_age", c.FilesMaxAge, 0, 365*24*time.Hour)
	for _, id := range slices.Sorted(maps.Keys(c.Files)) {
		at := fmt.Sprintf("blocklists.files[%q]", id)
		v.listID(at, id)
		if len(c.Forwarders[id]) > 0 {
			v.at(at, "list %s has a forwarder too: keep one of the two", shown(id))
		}
		kind, path := mirror.Split(c.Files[id])
		if path == "" || strings.ContainsAny(path, "\x00\n") {
			v.at(at, `want the path of a file, such as "/var/lib/lists/bl" or "ip4set:/var/lib/lists/bl"`)
			continue
		}
		if c.Files[id] = v.path(path); kind != mirror.Auto {
			c.Files[id] = string(kind) + ":" + c.Files[id]
		}
	}
}

// Paced returns the lists with the limits that hold where each is asked: none at a mirror or in
// a file.
func (b Blocklists) Paced(lists []blocklists.Zone) []blocklists.Zone {
	zones := slices.Clone(lists)
	for i := range zones {
		if slices.Contains(b.Mirrors, zones[i].ID) || b.Files[zones[i].ID] != "" {
			zones[i].Rate, zones[i].PerDay = 0, 0
		}
	}
	return zones
}

// listID checks that a list has this id, and not only a zone or another name that it is known
// by: what is under them would silently be for no list.
func (v *validator) listID(at, id string) {
	zones := v.cfg.Blocklists.Catalog.Zones
	var ids []string
	for _, z := range zones {
		ids = append(ids, z.ID)
	}
	if slices.Contains(ids, id) {
		return
	}
	text := fmt.Sprintf("no list has the id %s", shown(id))
	if z, ok := blocklists.Find(zones, id); ok {
		v.at(at, "%s: write %q, the id of the list that is meant", text, z.ID)
	} else if near, ok := nearest(id, ids); ok {
		v.at(at, "%s; did you mean %q?", text, near)
	} else if u, ok := v.unasked(id); ok {
		v.at(at, "list %q cannot be asked: %s", id, checks.Line(u.Why, 200))
	} else {
		v.at(at, "%s; reputed lists shows them", text)
	}
}
