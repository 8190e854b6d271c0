package main

import (
	"time"

	"reputed/internal/config"
	"reputed/internal/monitor"
)

// dayInside says that TestADay runs in a network of its own, and the program in its time-lapse.
const dayInside = "REPUTED_DAY_INSIDE"

// dayLapse makes half a second of each minute between two rounds, and of each minute that it must be quiet.
func dayLapse(cfg *config.Config) {
	now := time.Now()
	cfg.Schedule.DNSBLTimes = monitor.Every(cfg.Schedule.DNSBLTimes.Next(now).Sub(now) / 120)
	cfg.Bounces.Quiet.Duration /= 120
}
