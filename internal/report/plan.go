package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"reputed/checks"
)

// Plan is what a round asks of whom, against the limits of those who answer.
type Plan struct {
	Pools      []PlanPool
	Sources    []PlanSource
	NotCounted []string // what is left out, and why
	WithoutKey []string // lists that are not asked for want of a key
	Schedule   string
	Span       time.Duration // from one round to the next, as far as the engine counts on it
	Rounds     float64       // a day
	Operators  []PlanOperator
	Resolver   int           // questions of a round to the resolver itself
	Takes      time.Duration // about how long a round lasts
	Slowest    string        // whose rate says so; empty: nobody's
	// SlowestTakes is how long the questions to Slowest take.
	SlowestTakes time.Duration
	Now          time.Time
}

// PlanPool is how much of what a pool comes to.
type PlanPool struct {
	Pool                string // empty: named on the command line
	IPv4, IPv6, Domains int
}

// PlanSource is what stands for addresses, and for which.
type PlanSource struct{ Source, Is, Trouble string }

// PlanOperator is all that one operator is asked: its lists share its limits.
type PlanOperator struct {
	Operator string
	Lists    []PlanList
	Scores   []string
	Wants    int     // questions of a round about all targets
	Asks     int     // those of a round as the engine asks: where a limit leaves no time for all, about a part
	WantsDay float64 // scores included
	AsksDay  float64
	PerDay   int           // limit; 0: none is published
	Rate     float64       // likewise, questions a second
	Takes    time.Duration // of a round
	Whole    time.Duration // until all targets had their turn; 0: each round
	Limits   string        // in the operator's words, as the catalogue has them
	Terms    string
	Do       []string // what would change it; only if it is beyond its limits
}

// PlanList is one list in a round.
type PlanList struct {
	ID        string
	Served    int // targets that it serves
	Targets   int // of them, in one round
	Questions int // controls included
	Path      string
}

// Beyond says whether asking about all targets in each round would be beyond the limits.
func (o PlanOperator) Beyond() bool {
	return o.Whole > 0 || o.PerDay > 0 && o.WantsDay > float64(o.PerDay)
}

// wanted and used are the parts of the daily limit that asking about all would take, and that asking as
// the engine does takes; -1: there is no such limit.
func (o PlanOperator) wanted() float64 { return part(o.WantsDay, o.PerDay) }
func (o PlanOperator) used() float64   { return part(o.AsksDay, o.PerDay) }

func part(n float64, of int) float64 {
	if of <= 0 {
		return -1
	}
	return n / float64(of)
}

// planJSON is the document. Field names are a promise: docs/json.md.
type planJSON struct {
	Schema     int                `json:"schema"`
	At         *string            `json:"at"`
	Schedule   string             `json:"schedule"`
	Rounds     float64            `json:"rounds_per_day"`
	Seconds    float64            `json:"round_seconds"` // about
	Slowest    string             `json:"slowest"`
	Questions  int                `json:"questions"` // of a round, to lists and the resolver
	PerDay     float64            `json:"questions_per_day"`
	Pools      []planPoolJSON     `json:"pools"`
	Sources    []planSourceJSON   `json:"sources"`
	NotCounted []string           `json:"not_counted"`
	WithoutKey []string           `json:"without_key"`
	Operators  []planOperatorJSON `json:"operators"`
}

type planPoolJSON struct {
	Pool    string `json:"pool"`
	IPv4    int    `json:"ipv4"`
	IPv6    int    `json:"ipv6"`
	Domains int    `json:"domains"`
}

type planSourceJSON struct {
	Source  string `json:"source"`
	Is      string `json:"is"`
	Trouble string `json:"trouble"`
}

type planOperatorJSON struct {
	Operator string         `json:"operator"`
	Beyond   bool           `json:"beyond"`
	Wants    int            `json:"wants"` // questions of a round about all targets
	Asks     int            `json:"asks"`  // and as they are asked
	WantsDay float64        `json:"wants_per_day"`
	AsksDay  float64        `json:"asks_per_day"`
	PerDay   *int           `json:"limit_per_day"`
	Rate     *float64       `json:"limit_per_second"`
	Used     *float64       `json:"used"` // part of the daily limit
	Seconds  float64        `json:"round_seconds"`
	Whole    float64        `json:"whole_seconds"` // until all targets had their turn; 0: each round
	Limits   string         `json:"limits"`
	Terms    string         `json:"terms"`
	Scores   []string       `json:"scores"`
	Lists    []planListJSON `json:"lists"`
	Do       []string       `json:"do"`
}

type planListJSON struct {
	ID        string `json:"id"`
	Served    int    `json:"served"`
	Targets   int    `json:"targets"`
	Questions int    `json:"questions"`
	Path      string `json:"path"`
}

func (p Plan) questions() (round int, day float64) {
	round, day = p.Resolver, float64(p.Resolver)*p.Rounds
	for _, o := range p.Operators {
		round += o.Asks
		day += o.AsksDay
	}
	return round, day
}

// sort puts those that are beyond their limits first, the furthest of them at the top, then those
// that use most of them, then those that are asked most.
func (p Plan) sort() {
	slices.SortFunc(p.Operators, func(a, b PlanOperator) int {
		beyond := func(o PlanOperator) int { return rank(!o.Beyond()) }
		return cmp.Or(cmp.Compare(beyond(a), beyond(b)), cmp.Compare(max(b.wanted(), float64(rank(b.Whole > 0))), max(a.wanted(), float64(rank(a.Whole > 0)))),
			cmp.Compare(b.used(), a.used()), cmp.Compare(b.AsksDay, a.AsksDay), strings.Compare(a.Operator, b.Operator))
	})
}

// Write renders the plan.
func (p Plan) Write(w io.Writer, t Term, f Format) error {
	p.sort()
	if f == JSON {
		return writeJSON(w, p.json())
	}
	out := &page{Term: t}
	var addresses, domains int
	for _, pool := range p.Pools {
		addresses += pool.IPv4 + pool.IPv6
		domains += pool.Domains
	}
	lists := 0
	for _, o := range p.Operators {
		lists += len(o.Lists)
	}
	round, day := p.questions()
	out.line(out.paint(strong, fmt.Sprintf("%s and %s on %s, %s", plural(addresses, "address", "addresses"), plural(domains, "domain", "domains"), plural(lists, "list", "lists"), clean(p.Schedule))))
	text := fmt.Sprintf("A round asks %s and takes about %s; %s a day, %s.", plural(round, "question", "questions"), span(max(p.Takes, time.Second)), plural(int(math.Round(p.Rounds)), "round", "rounds"), "about "+number(int(day))+" questions")
	if p.Slowest != "" && p.SlowestTakes >= p.Takes {
		text += " " + clean(p.Slowest) + " sets the pace: it answers only so many a second."
	}
	out.para(0, "", plain, text, plain)
	out.pools(p)
	out.blank()
	out.operators(p)
	out.changes(p)
	if len(p.NotCounted)+len(p.WithoutKey) > 0 {
		out.blank()
	}
	for _, text := range p.NotCounted {
		out.para(0, "not counted: ", warn, clean(text), plain)
	}
	if len(p.WithoutKey) > 0 {
		out.para(0, "not asked, for want of a key: ", warn, strings.Join(cleaned(p.WithoutKey), ", "), plain)
	}
	out.blank()
	besides := "Besides: an entry that is found is asked for again and for its reason; refusals that name a list have it asked at once."
	if slices.ContainsFunc(p.Operators, func(o PlanOperator) bool { return len(o.Scores) > 0 }) {
		besides += " Scores are asked on a schedule of their own: they are in what is asked a day, and not in a round."
	}
	out.para(0, "", plain, besides, faint)
	return out.writeTo(w)
}

// pools says what the pools and what stands for addresses come to.
func (p *page) pools(plan Plan) {
	if len(plan.Pools) > 1 || len(plan.Sources) > 0 {
		p.blank()
	}
	if len(plan.Pools) > 1 {
		for _, pool := range plan.Pools {
			var parts []string
			for _, n := range []struct {
				n         int
				one, many string
			}{{pool.IPv4, "IPv4 address", "IPv4 addresses"}, {pool.IPv6, "IPv6 address", "IPv6 addresses"}, {pool.Domains, "domain", "domains"}} {
				if n.n > 0 {
					parts = append(parts, plural(n.n, n.one, n.many))
				}
			}
			p.para(0, "pool "+clean(cmp.Or(pool.Pool, "-"))+": ", faint, strings.Join(parts, ", "), plain)
		}
	}
	for _, s := range plan.Sources {
		if s.Trouble == "" {
			p.para(0, clean(s.Source)+" is ", faint, clean(s.Is), plain)
		}
	}
}

func (p *page) operators(plan Plan) {
	columns := []column{{title: "OPERATOR", flex: true}, {title: "LISTS", right: true}, {title: "A ROUND", right: true}, {title: "A DAY", right: true}, {title: "LIMIT A DAY", right: true}, {title: "USED", right: true}, {title: "A SECOND", right: true}}
	var rows [][]cell
	for _, o := range plan.Operators {
		limit, rate, used := cell{"-", faint}, cell{"-", faint}, cell{"-", faint}
		if o.PerDay > 0 {
			limit, used = cell{text: number(o.PerDay)}, cell{text: percent(o.used())}
		}
		if o.Rate > 0 {
			rate = cell{text: fmt.Sprintf("%g", o.Rate)}
		}
		name := cell{text: clean(o.Operator)}
		if o.Beyond() {
			name.style, used.style = warn, warn
		}
		rows = append(rows, []cell{name, {text: number(len(o.Lists) + len(o.Scores))}, {text: number(o.Asks)}, {text: number(int(o.AsksDay))}, limit, used, rate})
	}
	p.grid(0, columns, rows)
}

// changes says of those beyond their limits how far, and what to do.
func (p *page) changes(plan Plan) {
	for _, o := range plan.Operators {
		if !o.Beyond() {
			continue
		}
		p.blank()
		text := fmt.Sprintf("asking about everything in each round would be %s a day", number(int(o.WantsDay)))
		if o.PerDay > 0 {
			text += ", " + timesOf(o.wanted()) + " its limit"
		}
		if o.Whole > 0 {
			text += fmt.Sprintf("; each round asks about a part, and all had their turn after %s", span(o.Whole))
		}
		p.para(0, clean(o.Operator)+": ", strong, text+".", plain)
		for _, do := range o.Do {
			p.para(2, "- ", plain, clean(do), plain)
		}
		if o.Limits != "" {
			p.para(2, "its limits: ", faint, clean(o.Limits), faint)
		}
	}
}

// timesOf is a part that is more than a whole: "1.3 times", "51 times".
func timesOf(part float64) string {
	if part < 10 {
		return strconv.FormatFloat(part, 'f', 1, 64) + " times"
	}
	return number(int(part)) + " times"
}

func (p Plan) json() planJSON {
	line := func(s string) string { return checks.Line(s, 0) }
	round, day := p.questions()
	out := planJSON{Schema: 1, At: utc(p.Now), Schedule: line(p.Schedule), Rounds: p.Rounds, Seconds: p.Takes.Seconds(), Slowest: line(p.Slowest), Questions: round, PerDay: math.Round(day),
		Pools: []planPoolJSON{}, Sources: []planSourceJSON{}, NotCounted: lines(p.NotCounted), WithoutKey: lines(p.WithoutKey), Operators: []planOperatorJSON{}}
	for _, x := range p.Pools {
		out.Pools = append(out.Pools, planPoolJSON{line(x.Pool), x.IPv4, x.IPv6, x.Domains})
	}
	for _, x := range p.Sources {
		out.Sources = append(out.Sources, planSourceJSON{line(x.Source), line(x.Is), line(x.Trouble)})
	}
	for _, o := range p.Operators {
		j := planOperatorJSON{Operator: line(o.Operator), Beyond: o.Beyond(), Wants: o.Wants, Asks: o.Asks, WantsDay: math.Round(o.WantsDay), AsksDay: math.Round(o.AsksDay),
			Seconds: o.Takes.Seconds(), Whole: o.Whole.Seconds(), Limits: line(o.Limits), Terms: line(o.Terms), Scores: lines(o.Scores), Lists: []planListJSON{}, Do: lines(o.Do)}
		if o.PerDay > 0 {
			used := o.used()
			j.PerDay, j.Used = &o.PerDay, &used
		}
		if o.Rate > 0 {
			j.Rate = &o.Rate
		}
		for _, l := range o.Lists {
			j.Lists = append(j.Lists, planListJSON{line(l.ID), l.Served, l.Targets, l.Questions, l.Path})
		}
		out.Operators = append(out.Operators, j)
	}
	return out
}
