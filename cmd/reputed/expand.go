package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"reputed/checks"
	"reputed/checks/identity"
	"reputed/internal/config"
	"reputed/internal/expand"
	"reputed/internal/report"
)

// This file finds out what the entries that stand for addresses stand for. It is
// the one place where that is asked, for a command line and for the daemon.

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
	outcomes := expand.Each(ctx, asker, w.sources)
	if ctx.Err() != nil {
		return ts, nil, &exitError{exitUnknown, errors.New("cut short before the first answer; nothing is known")}
	}
	for i, s := range w.sources {
		x, err := outcomes[i].Expansion, outcomes[i].Err
		if err != nil {
			missed = append(missed, expand.Missed(s, err))
			continue
		}
		for _, word := range x.Words {
			if err := ts.Add(word, "", nil); err != nil {
				return ts, nil, fmt.Errorf("%s: %w", s, err) // not after expand
			}
		}
		fmt.Fprintf(a.stderr, "reputed: %s: %s\n", s, x)
		for i, text := range x.Left {
			if i == maxLeft {
				fmt.Fprintf(a.stderr, "reputed: %s: and %d more that are not asked about\n", s, len(x.Left)-maxLeft)
				break
			}
			fmt.Fprintf(a.stderr, "reputed: %s: %s\n", s, text)
		}
	}
	return ts, missed, nil
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
