package view

import (
	"slices"
	"strings"

	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/wiring"
)

// Lists are all lists that are known, those that are asked first, then by their ids.
func Lists(cfg *config.Config) []report.List {
	asked := wiring.Lookup(cfg.Blocklists.Zones)
	var lists []report.List
	for _, z := range wiring.Catalog(cfg) {
		_, on := asked(z.ID)
		l := report.List{Zone: z, Asked: on}
		if d, dead := cfg.Blocklists.Catalog.FindDead(z.Zone); dead {
			l.Dead = d.Warning()
		}
		lists = append(lists, l)
	}
	slices.SortStableFunc(lists, func(x, y report.List) int {
		if x.Asked != y.Asked {
			return map[bool]int{true: -1, false: 1}[x.Asked]
		}
		return strings.Compare(x.Zone.ID, y.Zone.ID)
	})
	return lists
}
