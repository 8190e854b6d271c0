package acceptance

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

// Defaults of [Round].
const (
	// DefaultPause is how long after an answer that would be news the receiver is asked again: the servers behind one
	// name do not always agree, and what is over within seconds does not concern us.
	DefaultPause = 30 * time.Second
	// DefaultGap is between two visits at one receiver.
	DefaultGap = 2 * time.Second
	// atOnce bounds the receivers that are visited at the same time.
	atOnce = 8
)

// Round is how a set of receivers is knocked at, each by one conversation at a time.
type Round struct {
	Asker Asker
	Rules *bounce.Rules
	Pause time.Duration // 0: DefaultPause; negative: none
	Gap   time.Duration // 0: DefaultGap; negative: none
	// Standing says whether a receiver is known to refuse an address. What is known already is not asked
	// for twice; what contradicts it is.
	Standing func(target, receiver string) bool
}

// Run knocks at every destination from every origin, and gives what came of it in their order. It returns when all
// have been asked, or soon after ctx ends; then those that were not have the outcome [NotAsked].
//
// A receiver that says 421 is asked nothing more in this round. An answer that is news, a refusal where
// none was known or a welcome after one, is asked for again after a pause, and counts only if it is the same.
func (r Round) Run(ctx context.Context, destinations []Destination, origins []Origin) []Knock {
	r.Pause, r.Gap = withDefault(r.Pause, DefaultPause), withDefault(r.Gap, DefaultGap)
	if r.Standing == nil {
		r.Standing = func(string, string) bool { return false }
	}
	// Receivers behind one vendor are often the same servers: they are visited one after another.
	groups := map[string][]int{}
	found := make([]destination, len(destinations))
	for i, d := range destinations {
		f := lookUp(ctx, r.Asker, d)
		if f.Vendor == "" {
			f.Vendor, _ = Vendor(r.Rules, f.mx, "")
		}
		found[i] = f
		group := cmp.Or(f.Vendor, "domain "+f.Domain)
		groups[group] = append(groups[group], i)
	}
	knocks := make([][]Knock, len(destinations))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for _, group := range groups {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			busy := map[string]bool{} // servers that said 421
			for _, i := range group {
				knocks[i] = r.receiver(ctx, found[i], origins, busy)
			}
		})
	}
	wg.Wait() // nothing started here outlives this line
	return slices.Concat(knocks...)
}

func withDefault(d, standard time.Duration) time.Duration {
	return max(cmp.Or(d, standard), 0)
}

// receiver knocks at one receiver from every origin, and then again where the answer is news.
func (r Round) receiver(ctx context.Context, d destination, origins []Origin, busy map[string]bool) []Knock {
	stop := slices.ContainsFunc(d.servers, func(s server) bool { return busy[s.host+s.addr.String()] })
	visit := func(o Origin) Knock {
		if stop || ctx.Err() != nil {
			why := "it has said 421 before in this round"
			if ctx.Err() != nil {
				why = "the time is over"
			}
			return Knock{Origin: o.Target, Receiver: d.Destination, Vendor: d.Vendor, MX: d.mx, Outcome: NotAsked, Reason: why, At: time.Now().UTC()}
		}
		k := r.knock(ctx, d, o)
		if v, ok := k.Last(); ok && v.Closing {
			stop = true
			for _, s := range d.servers {
				busy[s.host+s.addr.String()] = true
			}
		}
		return k
	}
	all := make([]Knock, len(origins))
	news := false
	for i, o := range origins {
		if i > 0 {
			wait(ctx, r.Gap)
		}
		all[i] = visit(o)
		news = news || r.news(all[i])
	}
	if !news || stop && !slices.ContainsFunc(all, func(k Knock) bool { return k.Outcome == Refused }) {
		return all
	}
	if !stop { // else nobody is asked again
		wait(ctx, r.Pause)
	}
	for i, o := range origins {
		if r.news(all[i]) {
			all[i] = confirmed(all[i], visit(o))
		}
	}
	return all
}

// news says whether an answer is another than the one that is known.
func (r Round) news(k Knock) bool {
	standing := r.Standing(k.Origin.ID(), k.Receiver.Domain)
	return k.Outcome == Refused && !standing || k.Outcome == Accepted && standing
}

// confirmed is what two answers come to. A receiver that refuses with 421 is not asked again: its first word counts,
// because it said whom it means.
func confirmed(first, second Knock) Knock {
	both := second
	both.Visits = append(slices.Clone(first.Visits), second.Visits...)
	switch {
	case second.Outcome == first.Outcome:
	case second.Outcome == NotAsked && first.Outcome == Refused && first.Diagnostic.Reply == "421":
		both = first
	case second.Outcome == NoAnswer || second.Outcome == Busy || second.Outcome == NotAsked:
		both.Outcome = NoAnswer
		both.Reason = string(first.Outcome) + " once, and then no answer that confirms it: " + second.Reason
	default:
		both.Outcome = NoAnswer
		both.Reason = "two answers within a minute that contradict each other: " + string(first.Outcome) + ", then " + string(second.Outcome)
	}
	return both
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Sample are the addresses to knock from: of each pool one, drawn anew each hour so that all have their turn whatever
// the schedule is, and all that are in trouble. It is pure, and in the order of all.
func Sample(all []checks.Target, troubled func(checks.Target) bool, now time.Time) []checks.Target {
	pools := map[string][]checks.Target{}
	for _, t := range all {
		pools[t.Pool] = append(pools[t.Pool], t)
	}
	hour := uint64(now.Unix()) / uint64(time.Hour/time.Second)
	chosen := map[string]bool{}
	for _, pool := range pools {
		chosen[pool[rand.New(rand.NewPCG(hour, 0)).IntN(len(pool))].ID()] = true // #nosec G404 -- whose turn it is, no secret
	}
	return slices.DeleteFunc(slices.Clone(all), func(t checks.Target) bool { return !chosen[t.ID()] && !troubled(t) })
}

// Flow is how much of our mail goes to one receiver.
type Flow struct {
	Domain string
	Vendor string // who stands before it; empty: nobody who is known
	Mails  int
}

// Choose picks receivers to knock at by our own traffic: of each vendor the few that get most of our mail,
// the vendors with most of it first, and of receivers that judge for themselves as few. It is pure.
func Choose(flows []Flow, perVendor, most int) []Destination {
	mails := map[string]int{}
	for _, f := range flows {
		mails[f.Vendor] += f.Mails
	}
	order := slices.SortedFunc(slices.Values(flows), func(a, b Flow) int {
		return cmp.Or(cmp.Compare(mails[b.Vendor], mails[a.Vendor]), strings.Compare(a.Vendor, b.Vendor), cmp.Compare(b.Mails, a.Mails), strings.Compare(a.Domain, b.Domain))
	})
	taken := map[string]int{}
	var out []Destination
	for _, f := range order {
		if taken[f.Vendor] >= perVendor || len(out) >= most || f.Mails <= 0 {
			continue
		}
		taken[f.Vendor]++
		why := "among the receivers of most of our mail"
		if f.Vendor != "" {
			why += " behind " + f.Vendor
		}
		out = append(out, Destination{Domain: f.Domain, Vendor: f.Vendor, Why: why})
	}
	return out
}
