// Gosec runs the rules of github.com/securego/gosec over packages, without their tests, and says what is neither
// mended nor answered:
//
//	gosec DIR [PACKAGE...]     default ./...
//
// It is that project's library and not its command: that one lists what is imported anew for each package, which takes
// minutes, and is built of libraries for asking language models. A finding is answered at its line by
// "// #nosec G000 -- why", or for many of one kind by the table in answers.go.
//
// Exit status: 0 nothing left, 1 findings left or an answer that answers nothing any more, 2 could not look.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/securego/gosec/v2"
	"github.com/securego/gosec/v2/analyzers"
	"github.com/securego/gosec/v2/issue"
	"github.com/securego/gosec/v2/rules"
	"golang.org/x/tools/go/packages"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: gosec DIR [PACKAGE...]")
		os.Exit(2)
	}
	left, err := look(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "gosec:", err)
		os.Exit(2)
	}
	for _, line := range left {
		fmt.Println(line)
	}
	if len(left) > 0 {
		os.Exit(1)
	}
}

// look gives a line for each finding that is left, and for each answer that is not needed.
func look(dir string, patterns []string) ([]string, error) {
	whole := len(patterns) == 0
	if whole {
		patterns = []string{"./..."}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	all, err := packages.Load(&packages.Config{Mode: gosec.LoadMode, Dir: dir}, patterns...)
	if err != nil {
		return nil, err
	}
	if packages.PrintErrors(all) > 0 {
		return nil, fmt.Errorf("%s does not build", dir)
	}
	conf := gosec.NewConfig()
	conf.SetGlobal(gosec.NoSecRequireRules, "true")
	conf.SetGlobal(gosec.NoSecRequireJustification, "true")
	a := gosec.NewAnalyzer(conf, false, false, false, 1, log.New(io.Discard, "", 0))
	a.LoadRules(rules.Generate(false).RulesInfo())
	a.LoadAnalyzers(analyzers.Generate(false).AnalyzersInfo())
	for _, p := range all {
		a.CheckRules(p)
		a.CheckAnalyzers(p)
	}
	issues, _, broken := a.Report()
	if len(broken) > 0 {
		return nil, fmt.Errorf("%v", broken)
	}
	return judge(dir, issues, whole), nil
}

// judge leaves out what the table answers.
func judge(dir string, issues []*issue.Issue, whole bool) (left []string) {
	used := map[int]bool{}
	for _, i := range issues {
		file, err := filepath.Rel(dir, i.File)
		if err != nil {
			file = i.File
		}
		file = filepath.ToSlash(file)
		n := slices.IndexFunc(answers, func(x answer) bool { return (x.rule == i.RuleID || x.rule == "") && strings.HasPrefix(file, x.where) })
		if n >= 0 {
			used[n] = true
			continue
		}
		left = append(left, fmt.Sprintf("%s:%s: %s: %s", file, i.Line, i.RuleID, i.What))
	}
	slices.Sort(left)
	for n, x := range answers {
		if whole && !used[n] {
			left = append(left, fmt.Sprintf("tools/gosec/answers.go: nothing in %s* needs the answer %q any more: take it out", x.where, x.why))
		}
	}
	return left
}
