package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testName  = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`")
	testBegin = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
)

// TestThreatsAreHeldByTests: each promise of docs/threats.md names tests, and they are there.
func TestThreatsAreHeldByTests(t *testing.T) {
	page := documents(t)["docs/threats.md"]
	if page == "" {
		t.Fatal("there is no docs/threats.md")
	}
	there := map[string]bool{}
	err := filepath.WalkDir(filepath.Join("..", ".."), func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(p)
		for _, m := range testBegin.FindAllSubmatch(text, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil || len(there) < 500 {
		t.Fatalf("%d tests: %v", len(there), err)
	}
	named := 0
	for _, m := range testName.FindAllStringSubmatch(page, -1) {
		named++
		if !there[m[1]] {
			t.Errorf("docs/threats.md names %s, which is no test", m[1])
		}
	}
	if named < 30 {
		t.Errorf("only %d tests are named", named)
	}
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| **") && strings.Count(line, " | ") == 4 && !strings.Contains(line, "They are trusted") && !testName.MatchString(line) {
			t.Errorf("no test holds this promise: %s", line)
		}
	}
}
