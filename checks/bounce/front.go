package bounce

import (
	"slices"
	"strings"
	"time"

	"reputed/checks"
)

// Front is who stands in front of a receiver according to its MX records, as package acceptance finds out.
type Front struct {
	Vendor string
	MX     []string // lower case, the most preferred first
	At     time.Time
}

// maxFronts is how many MX records are shown as evidence of one problem.
const maxFronts = 3

// behind attributes refusals that name neither a list nor a vendor to the vendor that stands in front
// of the receiver, so that five receivers that refuse us for one reason are one problem. It
// keeps to what is known:
//
//   - what the text or the refusing host says comes first: a list, or another vendor;
//   - a host that refused and is none of the receiver's MX says that the mail went another
//     way than the records tell now;
//   - a receiver that is known as a problem of its own stays one until that is over: otherwise it
//     would be reported as over while it goes on.
//
// It gives the tallies, and the fronts by receiver that it went by. The tallies handed in stay as they are.
func (o JudgeOptions) behind(all []Tally, open func(checks.Key) bool) ([]Tally, map[string]Front) {
	if o.Front == nil {
		return all, nil
	}
	out, used := all, map[string]Front{}
	for i, t := range all {
		if t.Vendor != "" || t.Blocklist != "" || open(checks.Key{Check: Check, Target: t.Target, Source: t.Receiver}) {
			continue
		}
		f, ok := o.Front(t.Receiver)
		if !ok || f.Vendor == "" {
			continue
		}
		if host := strings.ToLower(strings.TrimSuffix(t.Sample.RemoteHost, ".")); host != "" && !slices.Contains(f.MX, host) {
			continue
		}
		if len(used) == 0 {
			out = slices.Clone(all)
		}
		out[i].Vendor, used[t.Receiver] = f.Vendor, f
	}
	return out, used
}

// fronts is how it is known that these refusals are one vendor's.
func fronts(g []Tally, used map[string]Front) (all []checks.Evidence) {
	var seen []string
	for _, t := range g {
		f, ok := used[t.Receiver]
		if !ok || f.Vendor != t.Vendor || slices.Contains(seen, t.Receiver) || len(seen) == maxFronts {
			continue
		}
		seen = append(seen, t.Receiver)
		all = append(all, checks.Evidence{
			Question: checks.Line(t.Receiver, 255) + " MX", Answer: checks.Line(strings.Join(f.MX, ", "), 300),
			Reason: "the refusal names nobody, and " + checks.Line(f.Vendor, 80) + " stands before " + checks.Line(t.Receiver, 255), At: f.At,
		})
	}
	return all
}
