package config

import "time"

// Retention is for how long things are kept that are not kept for ever: each at least
// LeastRetention, default 400d; 0 is for ever.
type Retention struct {
	Refusals Duration `toml:"refusals"` // refusals, with the mails that told of them, and every other mail that was read
	Traffic  Duration `toml:"traffic"`  // deliveries, and sums of refusals, by the hour
	// Receivers is for how long the deliveries of each sender are told apart by receiver; afterwards there is their sum, for as
	// long as Traffic says. Who sends tens of millions of mails a day from tens of thousands of addresses has a row for nearly each
	// mail. At least LeastReceivers, and so much longer than what is judged together ([Bounces.Window]) as rising deferrals are compared with.
	Receivers Duration `toml:"receivers"`
	Runs      Duration `toml:"runs"`    // rounds and their counts
	Notices   Duration `toml:"notices"` // deliveries of alerts
}

const (
	// LeastRetention is twice the longest time over which things are judged together.
	LeastRetention = 60 * 24 * time.Hour
	// LeastReceivers is as long as anything is judged by receiver, with the usual window: rising deferrals
	// are compared with eight days.
	LeastReceivers = 10 * 24 * time.Hour
	// mostRetention is as good as for ever.
	mostRetention = 100 * 365 * 24 * time.Hour
	// year is a year, and some weeks of the one before to compare it with.
	year = 400 * 24 * time.Hour
)

func (v *validator) retention() {
	c := &v.cfg.Retention
	for _, kept := range []struct {
		key string
		Duration
	}{{"refusals", c.Refusals}, {"traffic", c.Traffic}, {"runs", c.Runs}, {"notices", c.Notices}} {
		if kept.Duration.Duration != 0 { // 0 is for ever
			v.between("retention."+kept.key, kept.Duration, LeastRetention, mostRetention)
		}
	}
	if c.Receivers.Duration != 0 {
		v.between("retention.receivers", c.Receivers, max(LeastReceivers, v.cfg.Bounces.Window.Duration+LeastReceivers-24*time.Hour), mostRetention)
	}
}
