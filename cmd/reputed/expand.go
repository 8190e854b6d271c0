package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync"

	"reputed/checks"
	"reputed/checks/identity"
	"reputed/internal/config"
	"reputed/internal/report"
)

// This file finds out what the entries that stand for addresses stand for. It is
// the one place where that is asked, for a command line and for the daemon.

// expansion is what a source stands for.
type expansion struct {
	words []string // addresses, CIDR ranges and domains, in order, each once
	left  []string // what it authorises besides and nobody asks about, each with the reason
}

// expand reads a file, or asks the DNS. The error is that of [config.ReadAddresses] or of
// [identity]; after [identity.ErrUnanswered] trying again may help.
func expand(ctx context.Context, asker identity.Asker, s config.Source) (expansion, error) {
	var x expansion
	switch s.Kind {
	case config.SourceFile:
		words, err := config.ReadAddresses(s.Name)
		return expansion{words: words}, err
	case config.SourceHost:
		addrs, err := identity.Addresses(ctx, asker, s.Name)
		for _, a := range addrs {
			x.words = append(x.words, a.String())
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
			x.words = append(x.words, r.Prefix.Addr().String())
		} else {
			x.words = append(x.words, r.Prefix.String())
		}
	}
	for _, r := range left {
		x.left = append(x.left, fmt.Sprintf("%s (%s of %s) is too wide to be asked about address by address: name what you send from", r.Prefix, checks.Line(r.Term, 80), r.Record))
	}
	for _, o := range flat.Open {
		x.left = append(x.left, "cannot be expanded: "+o.String())
	}
	return x, nil
}

// expandAtOnce is how many sources are asked about at the same time. Each is a few
// questions, most of them one after the other.
const expandAtOnce = 16

// outcome is what became of expanding one source.
type outcome struct {
	expansion
	err error
}

// expandEach expands sources side by side, and gives the outcomes in their order.
func expandEach(ctx context.Context, asker identity.Asker, sources []config.Source) []outcome {
	outcomes := make([]outcome, len(sources))
	slots := make(chan struct{}, expandAtOnce)
	var wg sync.WaitGroup
	for i, s := range sources {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			outcomes[i].expansion, outcomes[i].err = expand(ctx, asker, s)
		})
	}
	wg.Wait() // each question has a deadline of its own
	return outcomes
}

// String is what it came to: "3 ranges, 2 addresses".
func (x expansion) String() string {
	var ranges, addresses, domains int
	for _, w := range x.words {
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

// wanted is what a command line names: targets, and sources that stand for some.
type wanted struct {
	targets checks.Targets
	sources []config.Source
}

func (w wanted) empty() bool { return w.targets.Empty() && len(w.sources) == 0 }

// readTargets reads the words of a command line. "-" stands for the lines of
// standard input, and @FILE for those of a file.
func (a *app) readTargets(words []string) (wanted, error) {
	var w wanted
	for _, word := range words {
		name, file := strings.CutPrefix(word, "@")
		var err error
		switch {
		case word == "-":
			err = w.addLines(a.stdin, "standard input")
		case file:
			err = w.addFile(name)
		default:
			err = w.add(word)
		}
		if err != nil {
			return w, err
		}
	}
	return w, nil
}

func (w *wanted) addFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("read targets: %w", err)
	}
	defer f.Close()
	return w.addLines(f, checks.Line(name, 80))
}

func (w *wanted) addLines(r io.Reader, name string) error {
	lines := bufio.NewScanner(r)
	n := 1
	for ; lines.Scan(); n++ {
		if err := w.add(config.AddressLine(strings.TrimPrefix(lines.Text(), "\ufeff"))); err != nil {
			return fmt.Errorf("%s, line %d: %w", name, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s, line %d: %w", name, n, err)
	}
	return nil
}

// add takes one address, range, domain, host:NAME or spf:DOMAIN.
func (w *wanted) add(word string) error {
	for _, kind := range []config.SourceKind{config.SourceHost, config.SourceSPF} {
		name, ok := strings.CutPrefix(word, string(kind)+":")
		if !ok {
			continue
		}
		d, err := checks.Domain(name)
		if err != nil {
			return fmt.Errorf("%q: want a name after %q, as in %s:mail.example.org", checks.Line(word, 80), string(kind)+":", kind)
		}
		w.sources = append(w.sources, config.Source{Kind: kind, Name: d.Name})
		return nil
	}
	return w.targets.Add(word, "", nil)
}

// maxLeft is how many lines there are about what is not asked about.
const maxLeft = 10

// expandAll adds what the sources stand for to the targets, says on standard error
// what that is, and gives a finding for each that stands for nothing, as far as is known.
func (a *app) expandAll(ctx context.Context, asker identity.Asker, w wanted) (checks.Targets, []checks.Finding, error) {
	ts := w.targets
	var missed []checks.Finding
	outcomes := expandEach(ctx, asker, w.sources)
	if ctx.Err() != nil {
		return ts, nil, &exitError{exitUnknown, errors.New("cut short before the first answer; nothing is known")}
	}
	for i, s := range w.sources {
		x, err := outcomes[i].expansion, outcomes[i].err
		if err != nil {
			missed = append(missed, unexpanded(s, err))
			continue
		}
		for _, word := range x.words {
			if err := ts.Add(word, "", nil); err != nil {
				return ts, nil, fmt.Errorf("%s: %w", s, err) // not after expand
			}
		}
		fmt.Fprintf(a.stderr, "reputed: %s: %s\n", s, x)
		for i, text := range x.left {
			if i == maxLeft {
				fmt.Fprintf(a.stderr, "reputed: %s: and %d more that are not asked about\n", s, len(x.left)-maxLeft)
				break
			}
			fmt.Fprintf(a.stderr, "reputed: %s: %s\n", s, text)
		}
	}
	return ts, missed, nil
}

// unexpanded is the finding about a source that could not be expanded.
func unexpanded(s config.Source, err error) checks.Finding {
	t := checks.Monitor(sourcePart(s))
	f := checks.Finding{
		Key:    checks.Key{Check: checkTargets, Target: t.ID()},
		Target: t, Code: checks.CodeTargets, Status: checks.Problem, Severity: checks.Major,
		Summary: fmt.Sprintf("it is not known which addresses %s stands for: %v", s, err),
		Facts:   map[string]string{checks.FactInstruction: "Mend the record, the name or the file, or name the addresses themselves."},
	}
	if errors.Is(err, identity.ErrUnanswered) {
		f.Facts[checks.FactInstruction] = "Try again; if that does not help, see whether the resolver works (reputed lists test)."
	}
	return f
}

// sayMissed tells on standard error of what could not be expanded, for output that has no place for it.
func (a *app) sayMissed(form report.Format, missed []checks.Finding) {
	if form == report.Text || form == report.JSON {
		return
	}
	for _, f := range missed {
		fmt.Fprintf(a.stderr, "reputed: %s\n", checks.Line(f.Summary, 0))
	}
}
