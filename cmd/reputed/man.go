package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man",
		Short: "Print the manual page, made of what --help says",
		Example: `  reputed man | man -l -                 read it
  reputed man >/usr/local/share/man/man1/reputed.1`,
		Args: args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := io.WriteString(a.stdout, manPage(c.Root()))
			return err
		},
	}
}

// manPage is one page about all commands, in the macros of man(7). It is made of the command tree, so
// that it cannot say anything else than --help does.
func manPage(root *cobra.Command) string {
	m := manual{}
	m.macro(".TH", "REPUTED", "1", "", "reputed "+version(), "reputed")
	m.macro(".SH", "NAME")
	m.text("reputed - " + strings.ToLower(root.Short[:1]) + root.Short[1:])
	m.macro(".SH", "SYNOPSIS")
	m.text("reputed COMMAND [ARGUMENT...] [FLAGS]")
	m.macro(".SH", "DESCRIPTION")
	m.text(root.Long)
	m.example(root.Example)
	m.macro(".SH", "COMMANDS")
	walk(root, func(c *cobra.Command) {
		if c.HasParent() && c.Runnable() && c.Name() != "help" && !c.HasAvailableSubCommands() || c.Annotations[takesArguments] != "" {
			m.command(c)
		}
	})
	m.macro(".SH", "OPTIONS")
	m.flags(root.PersistentFlags())
	m.macro(".SH", "EXIT STATUS")
	for _, x := range [][2]string{
		{"0", "done; of check, status, explain and lists test: nothing wrong"},
		{"1", "failed; of those: something minor, or a policy entry"},
		{"2", "of those: something critical or major"},
		{"3", "of those: could not tell"},
		{"64", "wrong usage"},
		{"75", "of bounce --deliver: try again later"},
		{"78", "the configuration is wrong"},
	} {
		m.macro(".TP")
		m.text(x[0])
		m.text(x[1])
	}
	m.macro(".SH", "ENVIRONMENT")
	for _, x := range [][2]string{
		{"NO_COLOR", "not empty: no colours. They never say anything that words do not."},
		{"COLUMNS", "how wide the output is; without it, as wide as the terminal, and a pipe has no limit"},
		{"TZ", "the zone of all times on a terminal; files and JSON have UTC"},
	} {
		m.macro(".TP")
		m.macro(".B", x[0])
		m.text(x[1])
	}
	m.macro(".SH", "FILES")
	m.macro(".TP")
	m.macro(".I", defaultConfig)
	m.text("the configuration, unless --config names another")
	return m.b.String()
}

// manual collects a page in the macros of man(7).
type manual struct{ b strings.Builder }

// macro writes a request with its arguments, each one word.
func (m *manual) macro(name string, words ...string) {
	m.b.WriteString(name)
	for _, w := range words {
		fmt.Fprintf(&m.b, " \"%s\"", strings.ReplaceAll(roff(w), `"`, `\(dq`))
	}
	m.b.WriteByte('\n')
}

// text writes paragraphs. A line that begins with spaces stays as it is: it is a table.
func (m *manual) text(s string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(s), "\n\n") {
		if i > 0 {
			m.macro(".PP")
		}
		literal := false
		for line := range strings.Lines(paragraph) {
			line = strings.TrimRight(line, "\n")
			if indented := strings.HasPrefix(line, " "); indented != literal {
				literal = indented
				m.macro(map[bool]string{true: ".EX", false: ".EE"}[literal])
			}
			m.line(line)
		}
		if literal {
			m.macro(".EE")
		}
	}
}

// line writes one line of text, which is no request whatever it begins with.
func (m *manual) line(s string) {
	s = roff(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	m.b.WriteString(s + "\n")
}

// roff takes the meaning from what has one to troff; a hyphen stays one that can be pasted.
func roff(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
}

func (m *manual) example(s string) {
	if s == "" {
		return
	}
	m.macro(".PP")
	m.macro(".EX")
	for line := range strings.Lines(s) {
		m.line(strings.TrimRight(line, "\n"))
	}
	m.macro(".EE")
}

// command is one command, as its help has it.
func (m *manual) command(c *cobra.Command) {
	m.macro(".SS", strings.TrimSuffix(c.UseLine(), " [flags]"))
	m.text(c.Short + ".")
	m.example(c.Example)
	if c.Long != "" {
		m.macro(".PP")
		m.text(c.Long)
	}
	m.flags(c.LocalNonPersistentFlags())
}

func (m *manual) flags(all *pflag.FlagSet) {
	all.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name, usage := pflag.UnquoteUsage(f)
		m.macro(".TP")
		m.macro(".B", strings.TrimSpace("--"+f.Name+" "+name))
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
			usage += " (default " + f.DefValue + ")"
		}
		m.text(usage)
	})
}
