package guard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every HTTP client of the program has a transport of this package: nothing of net/http that brings one of its own is
// used anywhere else, doubles of tests left out.
func TestNoOtherWayOut(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (d.Name() == "testdata" || rel != "." && strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"tools", "internal/guard", "internal/lab", "probes/probestest"}, rel)) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		seen++
		for _, what := range waysOut(file) {
			t.Errorf("%s: %s: make the client of a guard.Route", rel, what)
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Errorf("%d files were read: %v", seen, err)
	}
}

// waysOut are what a file has of net/http, or of the WebSocket library, that connects without asking a route.
func waysOut(file *ast.File) (found []string) {
	own := []string{"Transport", "DefaultTransport", "DefaultClient", "ProxyFromEnvironment", "Get", "Head", "Post", "PostForm"}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.SelectorExpr:
			if pkg, ok := x.X.(*ast.Ident); ok && pkg.Name == "http" && slices.Contains(own, x.Sel.Name) {
				found = append(found, "http."+x.Sel.Name)
			}
			if pkg, ok := x.X.(*ast.Ident); ok && pkg.Name == "websocket" && x.Sel.Name == "DefaultDialer" {
				found = append(found, "websocket.DefaultDialer")
			}
		case *ast.CompositeLit:
			kind, ok := x.Type.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, _ := kind.X.(*ast.Ident)
			needed := map[string]string{"http.Client": "Transport", "websocket.Dialer": "NetDialContext"}
			if pkg == nil || needed[pkg.Name+"."+kind.Sel.Name] == "" {
				return true
			}
			for _, e := range x.Elts {
				if pair, ok := e.(*ast.KeyValueExpr); ok {
					if key, ok := pair.Key.(*ast.Ident); ok && key.Name == needed[pkg.Name+"."+kind.Sel.Name] {
						return true
					}
				}
			}
			found = append(found, pkg.Name+"."+kind.Sel.Name+" without "+needed[pkg.Name+"."+kind.Sel.Name])
		}
		return true
	})
	return found
}

func TestWaysOutAreFound(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
func f() {
	http.Get("x")
	_ = &http.Client{Timeout: 1}
	_ = &http.Client{Transport: x}
	_ = &http.Transport{}
	_ = websocket.Dialer{}
}`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := waysOut(file); len(got) != 4 {
		t.Errorf("found %q", got)
	}
}
