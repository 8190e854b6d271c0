package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/store"
)

// helpOf runs "reputed WORDS --help".
func helpOf(t *testing.T, path string) string {
	t.Helper()
	var out bytes.Buffer
	a := app{stdout: &out, stderr: &out}
	if code := a.main(context.Background(), append(strings.Fields(path)[1:], "--help")); code != exitOK {
		t.Fatalf("%s --help: exit code %d: %s", path, code, &out)
	}
	return out.String()
}

// TestHelpHasExamplesFirst: of every command, and each is a command that there is, with flags that it
// has; and no line is wider than a terminal.
func TestHelpHasExamplesFirst(t *testing.T) {
	root := (&app{}).root()
	commands := 0
	walk(root, func(c *cobra.Command) {
		commands++
		path := c.CommandPath()
		t.Run(strings.ReplaceAll(path, " ", "-"), func(t *testing.T) {
			help := helpOf(t, path)
			short, rest, _ := strings.Cut(help, "\n\n")
			if strings.ReplaceAll(short, "\n", " ") != c.Short || !strings.HasPrefix(rest, "Examples:\n  ") {
				t.Errorf("it does not begin with one line and examples:\n%.300s", help)
			}
			if strings.HasSuffix(c.Short, ".") {
				t.Errorf("%q ends in a full stop, and is a line of a table", c.Short)
			}
			for line := range strings.Lines(help) {
				// A command to be pasted stays whole.
				if n := len([]rune(strings.TrimRight(line, "\n"))); n > helpWidth && !strings.HasPrefix(line, "  reputed ") {
					t.Errorf("%d columns: %s", n, line)
				}
			}
			for line := range strings.Lines(c.Example) {
				example(t, root, line)
			}
		})
	})
	if commands < 25 {
		t.Errorf("only %d commands were looked at", commands)
	}
}

// example holds one line of an example to the commands and flags that there are.
func example(t *testing.T, root *cobra.Command, line string) {
	t.Helper()
	_, command, ok := strings.Cut(line, "reputed ")
	if !ok || strings.HasPrefix(strings.TrimSpace(line), "#") {
		return
	}
	command, _, _ = strings.Cut(command, "   ") // what it does stands to the right
	command = strings.FieldsFunc(command+" ", func(r rune) bool { return r == '|' || r == '>' || r == '<' || r == ')' })[0]
	words := strings.Fields(command)
	c, _, err := root.Find(words)
	if err != nil || len(words) > 0 && c == root && !strings.HasPrefix(words[0], "-") {
		t.Errorf("no command is meant by %q: %v", line, err)
		return
	}
	for _, w := range words {
		if name, ok := strings.CutPrefix(w, "--"); ok {
			name, _, _ = strings.Cut(name, "=")
			if name != "" && c.Flags().Lookup(name) == nil && c.InheritedFlags().Lookup(name) == nil && name != "help" {
				t.Errorf("%s has no flag --%s: %q", c.CommandPath(), name, line)
			}
		}
	}
}

// offered is what a shell is offered after these words.
func offered(t *testing.T, words ...string) []string {
	t.Helper()
	var out, trouble bytes.Buffer
	a := app{stdout: &out, stderr: &trouble}
	if code := a.main(t.Context(), append([]string{cobra.ShellCompRequestCmd}, words...)); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &trouble)
	}
	var all []string
	for line := range strings.Lines(out.String()) {
		value, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if !strings.HasPrefix(value, ":") {
			all = append(all, value)
		}
	}
	return all
}

func TestCompletionHasLiveValues(t *testing.T) {
	config := grown(t, t.TempDir(), false, 0)
	for name, c := range map[string]struct {
		words     []string
		want, not string
	}{
		"incidents":                        {[]string{"incident", "show", ""}, "1", "198.18.0.1"},
		"incidents of status":              {[]string{"status", ""}, "1", ""},
		"a second incident to acknowledge": {[]string{"incident", "ack", "7", ""}, "1", ""},
		"no second incident to show":       {[]string{"incident", "show", "7", ""}, "", "1"},
		"targets":                          {[]string{"history", ""}, "198.18.0.1", "1"},
		"targets and incidents":            {[]string{"explain", ""}, "198.18.0.1", ""},
		"lists after a target":             {[]string{"explain", "198.18.0.1", "spam"}, "spamcop", "1"},
		"lists of a flag":                  {[]string{"history", "--list", "spam"}, "spamcop", ""},
		"channels":                         {[]string{"drill", "--channel", ""}, "", "1"},
		"formats":                          {[]string{"history", "--format", ""}, "csv", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := offered(t, append([]string{"--config", config}, c.words...)...)
			if c.want != "" && !slices.Contains(got, c.want) || c.not != "" && slices.Contains(got, c.not) {
				t.Errorf("offered %q; want %q and not %q", got, c.want, c.not)
			}
		})
	}
	if got := offered(t, "--config", filepath.Join(t.TempDir(), "none.toml"), "incident", "show", ""); len(got) != 0 {
		t.Errorf("without a configuration: %q", got)
	}
}

// What a stranger wrote is one line of a completion, and no control of a terminal.
func TestCompletionIsClean(t *testing.T) {
	dir := t.TempDir()
	config := grown(t, dir, false, 0)
	db, err := store.Open(t.Context(), filepath.Join(dir, "state.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	finding := checks.Finding{Key: checks.Key{Check: "mailbox", Target: "monitor:mailbox:x"}, Target: checks.Monitor("mailbox:x"), Code: checks.CodeMailbox, Status: checks.Problem,
		Severity: checks.Major, Summary: "mailbox x: \x1b[2Jlogin refused\n99\tall clear", At: now}
	_, err = db.Commit(t.Context(), now, store.Batch{}, func(s store.Situation) store.Decision {
		return store.Decision{Findings: []checks.Finding{finding}, Changes: alerts.Fold(alerts.Input{Open: s.Open, Findings: []checks.Finding{finding}, Now: now})}
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	got := (&app{configPath: config, stderr: io.Discard}).incidentNumbers(t.Context())
	if len(got) != 2 {
		t.Fatalf("offered %q", got)
	}
	for _, line := range got {
		if strings.ContainsAny(line, "\x1b\n") || strings.Count(line, "\t") != 1 {
			t.Errorf("offered %q", line)
		}
	}
}

// TestEveryIncidentCommandIsCompleted: a command that takes the number of an incident completes it.
func TestEveryIncidentCommandIsCompleted(t *testing.T) {
	root := (&app{}).root()
	walk(root, func(c *cobra.Command) {
		if strings.Contains(c.Use, " ID") && !strings.HasPrefix(c.CommandPath(), "reputed lists") && c.ValidArgsFunction == nil {
			t.Errorf("%s takes the number of an incident and completes none", c.CommandPath())
		}
	})
	for path := range incidentWords {
		if c, _, err := root.Find(strings.Fields(path)[1:]); err != nil || c.CommandPath() != path {
			t.Errorf("%s is no command", path)
		}
	}
}

// TestManPage: each command with its flags is in it, and troff has nothing to say against it.
func TestManPage(t *testing.T) {
	root := (&app{}).root()
	page := manPage(root)
	walk(root, func(c *cobra.Command) {
		if c.HasParent() && c.Runnable() && !c.HasAvailableSubCommands() && c.Name() != "help" && !strings.Contains(page, ".SS \""+roff(c.CommandPath())) {
			t.Errorf("%s is missing", c.CommandPath())
		}
	})
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !strings.Contains(" .TH .SH .SS .TP .B .I .PP .EX .EE ", " "+strings.Fields(line)[0]+" ") {
			t.Errorf("not a macro of man(7): %q", line)
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("no groff here to read it")
	}
	cmd := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z")
	cmd.Stdin = strings.NewReader(page)
	if said, err := cmd.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("%v: %s", err, said)
	}
}
