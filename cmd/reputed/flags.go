package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"reputed/internal/report"
)

// formatFlag adds --format with the forms that a command has, the first being its default.
func formatFlag(c *cobra.Command, forms ...report.Format) *report.Format {
	f := &formatValue{form: forms[0], forms: forms}
	c.Flags().Var(f, "format", "form of the output: "+f.choices())
	_ = c.RegisterFlagCompletionFunc("format", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var words []string
		for _, form := range forms {
			words = append(words, string(form))
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	})
	return &f.form
}

// formatValue is a pflag.Value that takes only the forms that there are.
type formatValue struct {
	form  report.Format
	forms []report.Format
}

func (f *formatValue) String() string { return string(f.form) }
func (f *formatValue) Type() string   { return "FORM" }

func (f *formatValue) Set(s string) error {
	if !slices.Contains(f.forms, report.Format(s)) {
		return fmt.Errorf("choose %s", f.choices())
	}
	f.form = report.Format(s)
	return nil
}

// choices is "text, json or tsv".
func (f *formatValue) choices() string {
	var words []string
	for _, form := range f.forms {
		words = append(words, string(form))
	}
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// args takes from least to most words, -1 being any number; what says what they are.
func args(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, words []string) error {
		switch {
		case most == 0 && len(words) > 0:
			return usageError(c, fmt.Errorf("%q is too much: this command takes no arguments", words[0]))
		case len(words) < least:
			return usageError(c, fmt.Errorf("name %s", what))
		case most >= 0 && len(words) > most:
			return usageError(c, fmt.Errorf("%q is too much: name %s", words[most], what))
		}
		return nil
	}
}

// group makes a command that only holds others: alone it shows its help, and
// with a word that none of them answers to it is a usage error that names the nearest.
func group(c *cobra.Command) {
	c.Args = func(c *cobra.Command, words []string) error {
		if len(words) == 0 {
			return nil
		}
		err := fmt.Errorf("there is no command %q", words[0])
		c.SuggestionsMinimumDistance = 2
		if near := c.SuggestionsFor(words[0]); len(near) > 0 {
			err = fmt.Errorf("there is no command %q; did you mean %q?", words[0], near[0])
		}
		return usageError(c, err)
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
}
