package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/monitor"
)

// longRound is how long the questions to one operator may take without a warning. If they take
// longer, its lists are asked about only a part of the targets in each round, and a listing is
// seen when its turn comes.
const longRound = 30 * time.Minute

// Pace returns a warning for each operator whose published limits a round over the targets
// exceeds: it would last too long, or the rounds of a day ask more than the operator answers.
// Only the daemon knows the addresses of names and SPF records, so [Config.ReadyToRun] does not
// count them, and the daemon calls Pace again.
func (c *Config) Pace(watched checks.Targets) []string {
	ip4, ip6, names := watched.Sizes()
	targets := map[blocklists.Family]float64{blocklists.IPv4: ip4, blocklists.IPv6: ip6, blocklists.Name: names}
	type load struct {
		lists     []string
		questions float64 // of one round
		rate      float64 // the lowest published; all lists of an operator share it
		perDay    int
	}
	loads := map[string]*load{}
	var operators []string
	for _, z := range c.Blocklists.Paced(c.Blocklists.Zones) {
		n := 0.0
		for _, f := range z.Families {
			n += targets[f]
		}
		if n == 0 || z.Rate <= 0 && z.PerDay <= 0 {
			continue
		}
		l := loads[z.Operator]
		if l == nil {
			l = &load{rate: z.Rate, perDay: z.PerDay}
			loads[z.Operator] = l
			operators = append(operators, z.Operator)
		}
		l.lists, l.questions = append(l.lists, z.ID), l.questions+n
		if z.Rate > 0 && (l.rate <= 0 || z.Rate < l.rate) {
			l.rate = z.Rate
		}
		if z.PerDay > 0 && (l.perDay <= 0 || z.PerDay < l.perDay) {
			l.perDay = z.PerDay
		}
	}
	var warnings []string
	for _, operator := range operators {
		l := loads[operator]
		var takes time.Duration
		if l.rate > 0 {
			takes = time.Duration(min(l.questions/l.rate, math.MaxInt32) * float64(time.Second))
		}
		daily := l.questions * RoundsADay(c.Schedule.DNSBLTimes, takes)
		slices.Sort(l.lists)
		remedy := fmt.Sprintf("watch fewer addresses, or name %s in [blocklists] disable", strings.Join(l.lists, ", "))
		switch {
		case takes > longRound:
			warnings = append(warnings, fmt.Sprintf("%s answers %s questions a second, so that %.0f of them take %s: its lists are asked about a part of the addresses in each round. To see its listings sooner, %s",
				shown(operator), strconv.FormatFloat(l.rate, 'g', -1, 64), l.questions, strings.TrimSuffix(takes.Round(time.Minute).String(), "0s"), remedy))
		case l.perDay > 0 && daily > float64(l.perDay):
			warnings = append(warnings, fmt.Sprintf("%s answers %d questions a day, and the rounds of a day ask %.0f: make [schedule] dnsbl rarer, %s",
				shown(operator), l.perDay, daily, remedy))
		}
	}
	return warnings
}

// RoundsADay returns how many rounds a schedule has in a day, if each takes at least that long: a
// slot that comes while a round runs is left out. For schedules that are rarer than once a day it
// is the mean over four weeks.
func RoundsADay(s monitor.Schedule, takes time.Duration) float64 {
	const weeks = 4
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // any day stands for all
	if n := slots(s, takes, day, day.Add(24*time.Hour)); n > 1 {
		return float64(n)
	}
	return float64(slots(s, takes, day, day.Add(weeks*7*24*time.Hour))) / (weeks * 7)
}

// slots returns how many rounds begin in [from, to).
func slots(s monitor.Schedule, takes time.Duration, from, to time.Time) (n int) {
	for at := s.Next(from.Add(-time.Second)); !at.IsZero() && at.Before(to); n++ {
		over := at.Add(takes)
		for at = s.Next(at); !at.IsZero() && at.Before(over); {
			at = s.Next(at)
		}
	}
	return n
}
