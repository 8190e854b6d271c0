package wiring

import (
	"reputed/blocklists"
	"reputed/internal/config"
)

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
