package bounce

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"reputed/checks"
)

// CheckRamp is the [checks.Key].Check of receivers that defer more and more.
const CheckRamp = "ramp"

// What a ramp is. Postfix retries a reputation block for days before it says so in a
// bounce, and filters slow a sender down before they refuse it: deferrals that rise are
// the first sign. All of these must hold, for one target at one receiver:
const (
	// RampWindow is what counts as now: the hour under way and the one before it.
	RampWindow = time.Hour
	// RampHistory is how much is compared with: the same hours of the seven days before,
	// and the day before.
	RampHistory = 8 * 24 * time.Hour
	// rampTimes is how many times the usual number there must be; of checks.MinMails at least.
	rampTimes = 3
	// rampShare is the least share of the attempts, in percent, where there is a history...
	rampShare = 10
	// ...and where there is none, as logs have been read for less than a day.
	rampShareNew = 25
	// rampSevere is the share, in percent, at which most mail waits: that is major.
	rampSevere = 50
)

// Ramp is how the deferrals of one target at one receiver stand.
type Ramp struct {
	Deferred int     // messages deferred for reputation now, for the first time
	Attempts int     // messages that were tried now
	Usual    float64 // deferred in as much time, usually: the most of what the history says
	History  bool    // there is at least a day of it
	Rising   bool
	Over     bool // it is no ramp any more: half of what makes one is not reached
}

// RampOf judges the hours of one target at one receiver; it is pure. Hours without mail may be left out.
func RampOf(hours []Hour, now time.Time) Ramp {
	start := now.Truncate(time.Hour).Add(-RampWindow)
	var r Ramp
	var day int
	first := now
	same := map[time.Time]int{} // by day, in the same hours
	seen := map[time.Time]bool{}
	for _, h := range hours {
		ago := start.Sub(h.At)
		if h.At.Before(first) {
			first = h.At
		}
		switch days := (ago + RampWindow + time.Hour - 1) / (24 * time.Hour); {
		case ago <= 0:
			r.Deferred += h.Deferred
			r.Attempts += h.Deferred + h.Refused + h.Delivered
		default:
			if ago <= 24*time.Hour {
				day += h.Deferred
			}
			if at := start.Add(-days * 24 * time.Hour); days > 0 && !h.At.Before(at) && h.At.Sub(at) <= RampWindow {
				same[at] += h.Deferred
				seen[at] = true
			}
		}
	}
	r.History = start.Sub(first) >= 24*time.Hour
	slots := float64((RampWindow + time.Hour) / time.Hour) // hours in "now"
	r.Usual = float64(day) / 24 * slots
	if len(seen) > 0 {
		sum := 0
		for _, n := range same {
			sum += n
		}
		r.Usual = max(r.Usual, float64(sum)/float64(len(seen)))
	}
	share := rampShareNew
	if r.History {
		share = rampShare
	}
	enough := func(part float64) bool {
		return float64(r.Deferred) >= checks.MinMails*part && float64(r.Deferred) >= rampTimes*r.Usual*part && float64(100*r.Deferred) >= float64(share*r.Attempts)*part
	}
	r.Rising, r.Over = enough(1), !enough(0.5)
	return r
}

// severity of a ramp: major where most mail waits.
func (r Ramp) severity() checks.Severity {
	if 100*r.Deferred >= rampSevere*r.Attempts {
		return checks.Major
	}
	return checks.Minor
}

// ramps gives a finding for each receiver that defers more and more, and for each that is
// known to and does not any more.
func ramps(c Counts, open func(checks.Key) bool, readable bool, now time.Time, opt JudgeOptions) (out []checks.Finding) {
	hours := map[receiverOf][]Hour{}
	for _, h := range c.Hours {
		if h.Receiver != "" {
			k := receiverOf{h.Target, h.Receiver}
			hours[k] = append(hours[k], h)
		}
	}
	for _, k := range opt.Known {
		if at := (receiverOf{k.Target, k.Source}); k.Check == CheckRamp && hours[at] == nil {
			hours[at] = []Hour{}
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(hours), func(a, b receiverOf) int {
		return cmp.Or(cmp.Compare(a.target, b.target), cmp.Compare(a.receiver, b.receiver))
	}) {
		key := checks.Key{Check: CheckRamp, Target: at.target, Source: at.receiver}
		r, known := RampOf(hours[at], now), open(key)
		switch {
		case r.Rising || known && !r.Over:
			out = append(out, rising(key, r, c.Tallies, now, opt))
		case known:
			out = append(out, risen(key, readable, now))
		}
	}
	return out
}

// rising is the finding about a ramp, with the latest deferral as its evidence.
func rising(key checks.Key, r Ramp, tallies []Tally, now time.Time, opt JudgeOptions) checks.Finding {
	var of []Tally
	for _, t := range tallies {
		if t.Target == key.Target && t.Receiver == key.Source {
			of = append(of, t)
		}
	}
	f := checks.Finding{Key: key, Target: targetOf(key.Target), Facts: map[string]string{checks.FactReceiver: key.Source}}
	if len(of) > 0 {
		f = problem(key, of, opt)
	}
	f.Code, f.Status, f.Severity, f.At = checks.CodeRamp, checks.Problem, r.severity(), now
	f.Facts[checks.FactCount] = strconv.Itoa(r.Deferred)
	usual := "as logs have been read for less than a day, nothing is known of what is usual"
	if r.History {
		usual = fmt.Sprintf("usual are %.0f", r.Usual)
	}
	f.Summary = fmt.Sprintf("%s defers more and more mail from %s: %s of %s within two hours; %s", checks.Line(key.Source, 80), f.Target,
		strconv.Itoa(r.Deferred), checks.Plural(r.Attempts, "mail"), usual)
	return f
}

// risen is the finding that a ramp is over.
func risen(key checks.Key, readable bool, now time.Time) checks.Finding {
	f := checks.Finding{Key: key, Target: targetOf(key.Target), Code: checks.CodeRampOver, Status: checks.OK, At: now}
	f.Summary = fmt.Sprintf("%s does not defer more mail from %s than usual any more", checks.Line(key.Source, 80), f.Target)
	if !readable {
		f.Status = checks.Unknown
		f.Summary = fmt.Sprintf("cannot tell whether %s still defers mail from %s: logs were not read all the time", checks.Line(key.Source, 80), f.Target)
	}
	return f
}
