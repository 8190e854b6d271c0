package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"reputed/internal/report"
)

// helpWidth is how wide help is on a wide terminal and in a pipe: longer lines are hard to read.
const helpWidth = 80

// help is what --help says of a command, with the examples first: they answer most questions. What the
// command does is one line above them, the details come below. All of it fits the terminal.
func help(c *cobra.Command, t report.Term) string {
	t = report.Term{Width: min(cmp.Or(t.Width, helpWidth), helpWidth)}
	var b strings.Builder
	b.WriteString(t.Paragraph(c.Short))
	if c.HasExample() {
		b.WriteString("\nExamples:\n")
		for line := range strings.Lines(c.Example) {
			b.WriteString(fitExample(strings.TrimRight(line, "\n"), t.Width))
		}
	}
	for _, paragraph := range paragraphs(c.Long) {
		b.WriteString("\n")
		if strings.HasPrefix(paragraph, " ") {
			b.WriteString(paragraph + "\n") // a table
		} else {
			b.WriteString(t.Paragraph(paragraph))
		}
	}
	fmt.Fprintf(&b, "\nUsage:\n")
	if !c.HasAvailableSubCommands() || c.Annotations[takesArguments] != "" {
		fmt.Fprintf(&b, "  %s\n", c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [COMMAND]\n\nCommands:\n", c.CommandPath())
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				b.WriteString(hang(fmt.Sprintf("  %-*s ", sub.NamePadding(), sub.Name()), sub.Short, t.Width))
			}
		}
	}
	if c.HasAvailableLocalFlags() {
		fmt.Fprintf(&b, "\nFlags:\n%s", c.LocalFlags().FlagUsagesWrapped(t.Width))
	}
	if c.HasAvailableInheritedFlags() {
		fmt.Fprintf(&b, "\nEverywhere:\n%s", c.InheritedFlags().FlagUsagesWrapped(t.Width))
	}
	return b.String()
}

// paragraphs are the parts of a text: each a table, whose lines begin with spaces, or lines to be filled.
func paragraphs(s string) []string {
	var all []string
	table := false
	fresh := true
	for line := range strings.Lines(strings.TrimSpace(s)) {
		line = strings.TrimRight(line, "\n")
		indented := strings.HasPrefix(line, " ")
		switch {
		case line == "":
			fresh = true
			continue
		case fresh || indented != table:
			all = append(all, line)
		default:
			all[len(all)-1] += "\n" + line
		}
		fresh, table = false, indented
	}
	return all
}

// fitExample is one line of an example: a command, and to the right of it what it does. Where both do not
// fit, what it does stands below.
func fitExample(line string, width int) string {
	if len([]rune(line)) <= width {
		return line + "\n"
	}
	command := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(command)]
	command, what, ok := strings.Cut(command, "  ")
	if !ok {
		return line + "\n" // it is to be pasted whole
	}
	return indent + command + "\n" + hang(indent+"      ", strings.TrimSpace(what), width)
}

// hang is text with something before its first line, the others under it.
func hang(label, s string, width int) string {
	room := max(width-len(label), 20)
	lines := strings.Split(strings.TrimRight((report.Term{Width: room}).Paragraph(s), "\n"), "\n")
	return label + strings.Join(lines, "\n"+strings.Repeat(" ", len(label))) + "\n"
}

// describeBuiltins gives the commands that cobra adds by itself examples, and words of ours.
func describeBuiltins(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Short, c.Long = "Say how a command is used", ""
			c.Example = `  reputed help status
  reputed help incident ack`
		case "completion":
			c.Short, c.Long = "Print the completion script of a shell", ""
			c.Example = `  source <(reputed completion bash)      for this shell
  reputed completion bash --help         how to have it in every new one`
			for _, shell := range c.Commands() {
				shell.Example = completionExamples[shell.Name()]
				shell.Short = "Print the completion script of " + shell.Name()
				shell.Long = `Completes commands, flags and live values: incidents that are open, lists, targets, channels.
What is offered is read from the database that the configuration names.`
			}
		}
	}
}

// completionExamples are how the script of each shell gets where the shell finds it.
var completionExamples = map[string]string{
	"bash": `  source <(reputed completion bash)      for this shell; needs bash-completion
  reputed completion bash >/etc/bash_completion.d/reputed`,
	"zsh": `  source <(reputed completion zsh)       for this shell
  reputed completion zsh >"${fpath[1]}/_reputed"`,
	"fish": `  reputed completion fish | source       for this shell
  reputed completion fish >~/.config/fish/completions/reputed.fish`,
	"powershell": `  reputed completion powershell | Out-String | Invoke-Expression`,
}
