// Package expand finds out what the entries of a configuration or a command line stand for: the addresses of a host
// name or of an SPF record, the lines of a file, the PTR names of addresses, and what is to be looked at of each when
// what they publish is checked. It is the one place where that is asked, for commands and for the daemon.
package expand

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"reputed/checks"
	"reputed/checks/identity"
	"reputed/internal/config"
)

// Expansion is what a source stands for.
type Expansion struct {
	Words []string // addresses, CIDR ranges and domains, in order, each once
	Left  []string // what it authorises besides and nobody asks about, each with the reason
}

// expand reads a file, or asks the DNS. The error is that of [config.ReadAddresses] or of
// [identity]; after [identity.ErrUnanswered] trying again may help.
func expand(ctx context.Context, asker identity.Asker, s config.Source) (Expansion, error) {
	var x Expansion
	switch s.Kind {
	case config.SourceFile:
		words, err := config.ReadAddresses(s.Name)
		return Expansion{Words: words}, err
	case config.SourceHost:
		addrs, err := identity.Addresses(ctx, asker, s.Name)
		for _, a := range addrs {
			x.Words = append(x.Words, a.String())
		}
		return x, err
	}
	flat, err := identity.Flatten(ctx, asker, s.Name)
	if err != nil {
		return x, err
	}
	ask, left := flat.Enumerable()
	for _, r := range ask {
		if r.Prefix.IsSingleIP() {
			x.Words = append(x.Words, r.Prefix.Addr().String())
		} else {
			x.Words = append(x.Words, r.Prefix.String())
		}
	}
	for _, r := range left {
		x.Left = append(x.Left, fmt.Sprintf("%s (%s of %s) is too wide to be asked about address by address: name what you send from", r.Prefix, checks.Line(r.Term, 80), r.Record))
	}
	for _, o := range flat.Open {
		x.Left = append(x.Left, "cannot be expanded: "+o.String())
	}
	return x, nil
}

// expandAtOnce is how many sources are asked about at the same time. Each is a few
// questions, most of them one after the other.
const expandAtOnce = 16

// outcome is what became of expanding one source.
type outcome struct {
	Expansion
	Err error
}

// Each expands sources side by side, and gives the outcomes in their order.
func Each(ctx context.Context, asker identity.Asker, sources []config.Source) []outcome {
	outcomes := make([]outcome, len(sources))
	slots := make(chan struct{}, expandAtOnce)
	var wg sync.WaitGroup
	for i, s := range sources {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			outcomes[i].Expansion, outcomes[i].Err = expand(ctx, asker, s)
		})
	}
	wg.Wait() // each question has a deadline of its own
	return outcomes
}

// String is what it came to: "3 ranges, 2 addresses".
func (x Expansion) String() string {
	var ranges, addresses, domains int
	for _, w := range x.Words {
		if strings.Contains(w, "/") {
			ranges++
		} else if _, err := netip.ParseAddr(w); err == nil {
			addresses++
		} else {
			domains++
		}
	}
	var parts []string
	for _, p := range []struct {
		n         int
		one, many string
	}{{ranges, "range", "ranges"}, {addresses, "address", "addresses"}, {domains, "domain", "domains"}} {
		switch p.n {
		case 0:
		case 1:
			parts = append(parts, "1 "+p.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.many))
		}
	}
	if len(parts) == 0 {
		return "no address"
	}
	return strings.Join(parts, ", ")
}

// Check is the check of that finding: is it known which addresses a name, an SPF record or a file stands for?
const Check = "targets"

// Missed is the finding about a source that could not be expanded.
func Missed(s config.Source, err error) checks.Finding {
	t := checks.Monitor(Part(s))
	f := checks.Finding{
		Key:    checks.Key{Check: Check, Target: t.ID()},
		Target: t, Code: checks.CodeTargets, Status: checks.Problem, Severity: checks.Major,
		Summary: fmt.Sprintf("it is not known which addresses %s stands for: %v", s, err),
		Facts:   map[string]string{checks.FactInstruction: "Mend the record, the name or the file, or name the addresses themselves."},
	}
	if errors.Is(err, identity.ErrUnanswered) {
		f.Facts[checks.FactInstruction] = "Try again; if that does not help, see whether the resolver works (reputed lists test)."
	}
	return f
}

// Part is the name of a source among the parts of this monitor.
func Part(s config.Source) string { return "targets:" + s.String() }

// shown is how many words of many are shown.
const shown = 20

// Some are the first of the words, and how many there are besides.
func Some(words []string) string {
	if n := len(words) - shown; n > 0 {
		return strings.Join(words[:shown], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(words, ", ")
}
