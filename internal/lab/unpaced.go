package lab

import "reputed/blocklists"

// Unpaced lifts the limits of the operators whose lists the world stands in for: these servers are our own.
func Unpaced(all ...[]blocklists.Zone) {
	for _, zones := range all {
		for i := range zones {
			zones[i].Rate = 0
		}
	}
}
