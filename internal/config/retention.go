package config

import "time"

// Retention is for how long is kept what is not kept for ever: each at least
// LeastRetention, default 400d; 0 is for ever.
type Retention struct {
	Refusals Duration `toml:"refusals"` // refusals, with the mails that told of them, and every other mail that was read
	Traffic  Duration `toml:"traffic"`  // deliveries, and sums of refusals, by the hour
	Runs     Duration `toml:"runs"`     // rounds and their counts
	Notices  Duration `toml:"notices"`  // deliveries of alerts
}

const (
	// LeastRetention is twice as long as anything is judged together.
	LeastRetention = 60 * 24 * time.Hour
	// mostRetention is as good as for ever.
	mostRetention = 100 * 365 * 24 * time.Hour
	// year is one with something to compare it with.
	year = 400 * 24 * time.Hour
)

func (v *validator) retention() {
	c := &v.cfg.Retention
	for path, d := range map[string]Duration{"refusals": c.Refusals, "traffic": c.Traffic, "runs": c.Runs, "notices": c.Notices} {
		if d.Duration != 0 { // for ever
			v.between("retention."+path, d, LeastRetention, mostRetention)
		}
	}
}
