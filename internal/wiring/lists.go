package wiring

import (
	"slices"

	"reputed/blocklists"
	"reputed/internal/config"
)

// Catalog is every list that anybody could mean: those that are asked and have
// their keys, which come first, and the rest of the catalogue.
func Catalog(cfg *config.Config) []blocklists.Zone {
	all := slices.Clone(cfg.Blocklists.Zones)
	known := map[string]bool{}
	for _, z := range all {
		known[z.ID] = true
	}
	for _, z := range cfg.Blocklists.Catalog.Zones {
		if !known[z.ID] {
			all = append(all, z)
		}
	}
	return all
}

// Named is every list that a refusal may name: those of [Catalog], and those that no
// question reaches.
func Named(cfg *config.Config) []blocklists.Zone {
	all := Catalog(cfg)
	for _, u := range cfg.Blocklists.Catalog.Unasked {
		all = append(all, u.About())
	}
	return all
}

// Lookup finds a list by its id.
func Lookup(zones []blocklists.Zone) func(id string) (blocklists.Zone, bool) {
	byID := make(map[string]blocklists.Zone, len(zones))
	for _, z := range zones {
		byID[z.ID] = z
	}
	return func(id string) (blocklists.Zone, bool) {
		z, ok := byID[id]
		return z, ok
	}
}

// Limits are the published rates of the operators. They count all of an
// operator's lists together, so of several the lowest holds.
func Limits(zones []blocklists.Zone) map[string]float64 {
	limits := map[string]float64{}
	for _, z := range zones {
		if have := limits[z.Operator]; z.Rate > 0 && (have == 0 || z.Rate < have) {
			limits[z.Operator] = z.Rate
		}
	}
	return limits
}

// AskedAs is the id of the list that is asked where a refusal names list: "pbl.spamhaus.org"
// as a part of ZEN, and ZEN by the zone with a key. One that is not asked stays as it is.
func AskedAs(cfg *config.Config, list string) string {
	asked := cfg.Blocklists.Zones
	if z, ok := blocklists.Named(asked, list); ok {
		return z.ID
	}
	if known, ok := blocklists.Named(cfg.Blocklists.Catalog.Zones, list); ok {
		if z, ok := blocklists.Named(asked, known.Zone); ok {
			return z.ID
		}
	}
	return list
}
