package identity

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"reputed/probes"
)

// Asker is what this package needs of the DNS: questions in, an answer or a named
// error for each, in any order. A name that does not exist is an Answer.
// [probes.Resolver] is one.
type Asker interface {
	Ask(ctx context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error
}

var (
	// ErrUnanswered: the DNS gave no answer, so that nothing is known. It comes with the
	// error of [probes]. Trying again may help.
	ErrUnanswered = errors.New("not known")
	// ErrNoAddress: the name has no address, and the DNS says so. Trying again helps
	// once somebody gives it one.
	ErrNoAddress = errors.New("no address")
)

// Addresses are the addresses of a host name, those of IPv4 first, each once, in
// order. The error wraps [ErrUnanswered] if one of the two questions had no answer: half of
// the addresses would look like a change. It wraps [ErrNoAddress] if there are none.
func Addresses(ctx context.Context, asker Asker, name string) ([]netip.Addr, error) {
	addrs, err := addresses(ctx, asker, []string{name})
	switch {
	case err != nil:
		return nil, err // which names the question
	case len(addrs[0]) == 0:
		return nil, fmt.Errorf("%s has %w", name, ErrNoAddress)
	}
	return addrs[0], nil
}

// addresses are the addresses of several names; none for a name that has none.
func addresses(ctx context.Context, asker Asker, names []string) ([][]netip.Addr, error) {
	var questions []probes.Question
	for _, name := range names {
		questions = append(questions, question(name, probes.TypeA), question(name, probes.TypeAAAA))
	}
	answers, err := ask(ctx, asker, questions)
	if err != nil {
		return nil, err
	}
	addrs := make([][]netip.Addr, len(names))
	for i, a := range answers {
		addrs[i/2] = append(addrs[i/2], a.Addrs()...)
	}
	for i := range addrs {
		slices.SortFunc(addrs[i], netip.Addr.Compare)
		addrs[i] = slices.Compact(addrs[i])
	}
	return addrs, nil
}

func question(name string, t probes.Type) probes.Question {
	return probes.Question{Name: strings.TrimSuffix(name, ".") + ".", Type: t}
}

// ask puts questions and gives the answers in their order. If one has none, the
// error says which and wraps [ErrUnanswered].
func ask(ctx context.Context, asker Asker, questions []probes.Question) ([]probes.Answer, error) {
	answers := make([]probes.Answer, len(questions))
	var failed error
	err := asker.Ask(ctx, func(yield func(probes.Question) bool) {
		for i, q := range questions {
			q.Ref = uint64(i)
			if !yield(q) {
				return
			}
		}
	}, func(q probes.Question, a probes.Answer, err error) {
		if err != nil && failed == nil {
			failed = err
		}
		if q.Ref < uint64(len(answers)) {
			answers[q.Ref] = a
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnanswered, err)
	}
	return answers, nil
}
