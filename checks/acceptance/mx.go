package acceptance

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"reputed/checks/bounce"
	"reputed/probes"
)

// Asker is what this package needs of the DNS: questions in, an answer or a named
// error for each, in any order. A name that does not exist is an Answer.
// [probes.Resolver] is one.
type Asker interface {
	Ask(ctx context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error
}

// Receiver is who stands before one receiving domain.
type Receiver struct {
	Domain string   // lower case
	MX     []string // hosts, lower case, the most preferred first, at most [MaxMX]; none: it takes no mail, or has no MX record
	Vendor string   // empty: nobody who is known
	How    How
	At     time.Time // when the DNS was asked
}

// MaxMX is how many hosts of one receiver are kept: the most preferred.
const MaxMX = 20

// Has says whether host is one of the receiver's.
func (r Receiver) Has(host string) bool {
	return slices.Contains(r.MX, strings.ToLower(strings.TrimSuffix(host, ".")))
}

// Learn asks for the MX records of receiving domains and says who stands before each. A domain
// without an answer is left out: nothing is known, and what was known stays. The error is the
// asker's, such as the context's; what was answered until then is given all the same.
func Learn(ctx context.Context, asker Asker, rules *bounce.Rules, domains []string, now time.Time) (all []Receiver, err error) {
	err = asker.Ask(ctx, func(yield func(probes.Question) bool) {
		for i, d := range domains {
			if !yield(probes.Question{Name: strings.TrimSuffix(d, ".") + ".", Type: probes.TypeMX, Ref: uint64(i)}) {
				return
			}
		}
	}, func(q probes.Question, a probes.Answer, err error) {
		if err != nil || q.Ref >= uint64(len(domains)) {
			return
		}
		r := Receiver{Domain: strings.ToLower(domains[q.Ref]), MX: hosts(a), At: now.UTC()}
		asked := r.MX
		if len(a.Records) == 0 {
			asked = []string{r.Domain} // RFC 5321 section 5.1: without MX records the domain is its own
		}
		r.Vendor, r.How = Vendor(rules, asked, "")
		all = append(all, r)
	})
	slices.SortFunc(all, func(a, b Receiver) int { return strings.Compare(a.Domain, b.Domain) })
	return all, err
}

// hosts are the hosts of MX records, each once, the most preferred first (RFC 5321 section 5.1).
func hosts(a probes.Answer) []string {
	var names []string
	for _, x := range a.MX() {
		if !slices.Contains(names, x.Host) && len(names) < MaxMX {
			names = append(names, x.Host)
		}
	}
	return names
}
