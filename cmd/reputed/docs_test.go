package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reputed/checks"
)

// documents are the documents, by their paths from the top of the project.
func documents(t *testing.T) map[string]string {
	t.Helper()
	top := filepath.Join("..", "..")
	out := map[string]string{}
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(top, p)
		if d.IsDir() && name != "." && name != "docs" {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(p)
		out[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil || len(out) < 15 {
		t.Fatalf("%d pages: %v", len(out), err)
	}
	return out
}

var (
	codeSpan = regexp.MustCompile("`(reputed [a-z][^`]*)`")
	// What stands before the command: another user, another program, a pipe, a path.
	pasted = regexp.MustCompile(`(?:^[A-Z_]+=\S+ |^|[|;&] *|sudo (?:-u \S+ )?|\S*/)(reputed [a-z-].*)$`)
)

// commandsOf are the commands of ours that a page shows: in code, within a line or as one.
func commandsOf(text string) []string {
	var out []string
	fenced := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
			continue
		}
		if !fenced && !strings.HasPrefix(line, "    ") {
			for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
				out = append(out, span[1])
			}
			continue
		}
		if command := pasted.FindStringSubmatch(strings.TrimSpace(line)); command != nil {
			out = append(out, command[1])
		}
	}
	return out
}

// TestDocsShowCommandsThatExist: with flags that they have.
func TestDocsShowCommandsThatExist(t *testing.T) {
	root := (&app{}).root()
	shown := 0
	for name, text := range documents(t) {
		if path.Base(name) == "CHANGELOG.md" {
			continue // of what was
		}
		t.Run(strings.ReplaceAll(name, "/", "-"), func(t *testing.T) {
			for _, command := range commandsOf(text) {
				shown++
				if strings.HasPrefix(command, "reputed unix ") || strings.HasPrefix(command, "reputed reputed") {
					continue // a transport in Postfix's master.cf; a volume and an image
				}
				command, _, _ = strings.Cut(command, " #")
				example(t, root, strings.NewReplacer("[", "", "]", "", "…", "").Replace(command))
			}
		})
	}
	if shown < 60 {
		t.Errorf("only %d commands were found", shown)
	}
}

// TestEachAlertKindIsExplained: every code has a section that is headed by its title, and
// no section is about a code that is none.
func TestEachAlertKindIsExplained(t *testing.T) {
	source, err := os.ReadFile("../../checks/codes.go")
	if err != nil {
		t.Fatal(err)
	}
	page := documents(t)["docs/alert-kinds.md"]
	var codes []string
	for _, m := range regexp.MustCompile(`(?m)^\s+Code\w+\s+Code = "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		codes = append(codes, m[1])
		if want := "\n### " + checks.Code(m[1]).Title() + " (`" + m[1] + "`)\n"; !strings.Contains(page, want) {
			t.Errorf("docs/alert-kinds.md lacks the section %q", strings.TrimSpace(want))
		}
	}
	if len(codes) < 40 {
		t.Fatalf("only %d codes were found in checks/codes.go", len(codes))
	}
	for _, m := range regexp.MustCompile("(?m)^### .*\\(`(.*)`\\)$").FindAllStringSubmatch(page, -1) {
		if !slices.Contains(codes, m[1]) {
			t.Errorf("docs/alert-kinds.md explains %s, which is no code", m[1])
		}
	}
}

// TestDocsLinksLead: to files that are there, and the index names every page.
func TestDocsLinksLead(t *testing.T) {
	all := documents(t)
	link := regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	for name, text := range all {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join("..", "..", path.Dir(name), m[1])); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", name, m[1])
			}
		}
	}
	for name := range all {
		page := strings.TrimPrefix(name, "docs/")
		if page != name && page != "README.md" && !strings.Contains(all["docs/README.md"], "]("+page+")") {
			t.Errorf("docs/README.md does not name %s", page)
		}
	}
	if !strings.Contains(all["README.md"], "](docs/README.md)") {
		t.Error("README.md does not link the index of the pages")
	}
}

// TestDependenciesAreExplained holds docs/dependencies.md to go.mod and to the rooms of
// imports_test.go: what is there, and which packages it is let into.
func TestDependenciesAreExplained(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{} // module: its rooms
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1) {
		where := map[string]bool{}
		for library, in := range rooms {
			if m[1] == library || strings.HasPrefix(m[1]+"/", library+"/") || strings.HasPrefix(library+"/", m[1]+"/") {
				for _, room := range in {
					where[room] = true
				}
			}
		}
		if len(where) == 0 && slices.ContainsFunc(testOnly, func(library string) bool { return strings.HasPrefix(m[1], library) }) {
			where["tests"] = true
		}
		var all []string
		for room := range where {
			all = append(all, room)
		}
		slices.Sort(all)
		want[m[1]] = strings.Join(all, ", ")
	}
	if len(want) < 20 {
		t.Fatalf("only %d modules were found in go.mod", len(want))
	}
	got := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| ([^|]+) \\|$").FindAllStringSubmatch(documents(t)["docs/dependencies.md"], -1) {
		got[m[1]] = m[2]
	}
	for module, where := range want {
		switch here, ok := got[module]; {
		case !ok:
			t.Errorf("docs/dependencies.md does not say what %s is for; add: | `%s` | %s | WHY |", module, module, where)
		case here != where:
			t.Errorf("docs/dependencies.md says that %s is used in %q; imports_test.go lets it into %q", module, here, where)
		}
	}
	for module := range got {
		if _, ok := want[module]; !ok {
			t.Errorf("docs/dependencies.md names %s, which go.mod does not require directly", module)
		}
	}
}

// Whoever opens the project finds each of its folders on one page.
func TestDocsNameEveryFolder(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range allowed {
		parent, name := path.Split(pkg)
		switch named := func(word string) bool { return strings.Contains(string(page), "`"+word+"`") }; {
		case named(pkg), parent == "alerts/": // the channels are all alike
		case (parent == "blocklists/" || parent == "checks/bounce/") && named(name): // in the row of its parent
		default:
			t.Errorf("docs/architecture.md does not say what %s is", pkg)
		}
	}
}
