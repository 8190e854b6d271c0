package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed is the drawing: which packages of ours each package may import.
// Values flow one way, ask -> read -> judge -> tell; a package that is not
// listed fails the test, so that nobody adds one without drawing it.
// "checks/*" stands for every package below checks.
var allowed = map[string][]string{
	"blocklists":                 {},
	"blocklists/catalog":         {},
	"blocklists/mirror":          {},
	"internal/guard":             {},
	"probes":                     {"internal/guard"},
	"probes/probestest":          {},
	"probes/serverstest":         {"probes/probestest"},
	"checks":                     {},
	"checks/dnsbl":               {"checks", "probes", "blocklists", "blocklists/mirror"},
	"checks/bounce":              {"checks", "probes", "blocklists"},
	"checks/bounce/maillog":      {"checks", "checks/bounce", "probes"},
	"checks/acceptance":          {"checks", "checks/bounce", "probes", "blocklists"},
	"checks/identity":            {"checks", "probes", "blocklists"},
	"checks/reputation":          {"checks", "probes", "blocklists"},
	"checks/bounce/rules":        {},
	"checks/remedy":              {"checks", "blocklists"},
	"alerts":                     {"checks"},
	"alerts/wording":             {"alerts", "checks"},
	"alerts/post":                {"alerts", "checks", "internal/guard"},
	"alerts/alertstest":          {"alerts", "checks"},
	"alerts/slack":               {"alerts", "checks", "alerts/wording", "alerts/post", "internal/guard"},
	"alerts/email":               {"alerts", "checks", "alerts/wording", "internal/guard"},
	"alerts/webhook":             {"alerts", "checks", "alerts/wording", "alerts/post", "internal/guard"},
	"alerts/pagerduty":           {"alerts", "checks", "alerts/wording", "alerts/post", "internal/guard"},
	"alerts/alertmanager":        {"alerts", "checks", "alerts/wording", "alerts/post", "internal/guard"},
	"alerts/mattermost":          {"alerts", "checks", "alerts/wording", "alerts/post", "internal/guard"},
	"alerts/teams":               {"alerts", "checks", "alerts/wording", "alerts/post", "internal/guard"},
	"alerts/heartbeat":           {"alerts", "alerts/post", "internal/guard"},
	"internal/config":            {"blocklists", "blocklists/mirror", "checks", "internal/monitor", "internal/guard"},
	"internal/monitor":           {"checks", "alerts", "probes"},
	"internal/store":             {"checks", "checks/*", "alerts", "probes"},
	"internal/report":            {"checks", "checks/bounce", "blocklists", "alerts"},
	"internal/web":               {"internal/report", "alerts", "checks", "blocklists"},
	"internal/view":              {"alerts", "blocklists", "checks", "checks/*", "internal/config", "internal/monitor", "internal/report", "internal/store", "internal/web", "internal/wiring"},
	"internal/expand":            {"blocklists", "checks", "checks/identity", "internal/config", "probes"},
	"internal/daemon":            {"alerts", "alerts/*", "blocklists", "checks", "checks/*", "internal/config", "internal/expand", "internal/guard", "internal/monitor", "internal/report", "internal/store", "internal/view", "internal/web", "internal/wiring", "probes"},
	"internal/daemon/daemontest": {"alerts", "blocklists", "internal/config", "internal/lab", "internal/store", "probes", "probes/probestest"},
	"internal/lab":               {"probes/probestest", "blocklists"},
	"internal/reliability":       {},
	"internal/wiring":            {"alerts", "alerts/*", "blocklists", "blocklists/mirror", "checks", "checks/*", "internal/config", "internal/guard", "internal/report", "internal/store", "probes"},
	"internal/slowdisk":          {},
	"cmd/reputed":                {"*"},
	"deploy/sbom":                {},
}

// rooms says which package a library is allowed in: one library, one room.
// probestest is the other end of the same wires as probes.
var rooms = map[string][]string{
	"github.com/miekg/dns":            {"probes", "probes/probestest"},
	"github.com/emersion/go-imap":     {"probes", "probes/probestest"},
	"github.com/emersion/go-sasl":     {"probes", "probes/probestest", "alerts/email"},
	"github.com/emersion/go-smtp":     {"alerts/email"},
	"github.com/slack-go/slack":       {"alerts/slack"},
	"github.com/gorilla/websocket":    {"alerts/slack"},
	"modernc.org/sqlite":              {"internal/store"},
	"github.com/pressly/goose":        {"internal/store"},
	"github.com/robfig/cron":          {"internal/monitor"},
	"github.com/pelletier/go-toml":    {"internal/config", "blocklists", "checks/bounce", "checks/remedy", "checks/identity"},
	"github.com/emersion/go-message":  {"checks/bounce", "alerts/email"},
	"github.com/cenkalti/backoff":     {"probes"},
	"blitiri.com.ar/go/spf":           {"checks/identity"},
	"github.com/klauspost/compress":   {"probes"},
	"github.com/ulikunitz/xz":         {"probes"},
	"github.com/spf13/cobra":          {"cmd/reputed"},
	"github.com/spf13/pflag":          {"cmd/reputed"},
	"github.com/lmittmann/tint":       {"cmd/reputed"},
	"github.com/jedib0t/go-pretty":    {"internal/report"},
	"golang.org/x/term":               {"internal/report"},
	"golang.org/x/net/idna":           {"checks"},
	"golang.org/x/net/html":           {"checks/bounce"},
	"golang.org/x/net/proxy":          {"probes"},
	"golang.org/x/net/publicsuffix":   {"checks"},
	"golang.org/x/net/netutil":        {"internal/web"},
	"golang.org/x/text":               {"checks/bounce"},
	"golang.org/x/oauth2":             {"probes"},
	"golang.org/x/sync":               {"probes", "internal/monitor"},
	"golang.org/x/time":               {"probes"},
	"go4.org/netipx":                  {"checks", "checks/identity"},
	"github.com/coreos/go-systemd":    {"internal/daemon"},
	"github.com/rogpeppe/go-internal": {"cmd/reputed"},
	"github.com/prometheus":           {"internal/web"},
}

// forTests are packages of ours that any test may use and nothing else.
var forTests = []string{"probes/serverstest", "alerts/alertstest", "internal/daemon/daemontest", "internal/reliability", "internal/slowdisk"}

// testOnly are libraries that any test may use and nothing else.
var testOnly = []string{"github.com/google/go-cmp", "go.uber.org/goleak", "pgregory.net/rapid"}

func TestImportsFollowTheDrawing(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (d.Name() == "testdata" || rel != "." && strings.HasPrefix(d.Name(), ".") || rel == "tools") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(rel, ".go") {
			return nil
		}
		pkg := path.Dir(rel)
		seen[pkg] = true
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), rel, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range file.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			if why := forbidden(pkg, name, strings.HasSuffix(rel, "_test.go")); why != "" {
				t.Errorf("%s imports %s: %s", rel, name, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range seen {
		if _, ok := allowed[pkg]; !ok {
			t.Errorf("package %s is not in the drawing: decide what it may import and add it to allowed", pkg)
		}
	}
}

// forbidden says why pkg may not import name, or "" if it may.
func forbidden(pkg, name string, test bool) string {
	if name == "testing" && !test && !slices.Contains(forTests, pkg) {
		return "the binary would hold it; take an interface with the methods that are needed"
	}
	if ours, ok := strings.CutPrefix(name, "reputed/"); ok {
		if test && (ours == "probes/probestest" || ours == "internal/lab" || slices.Contains(forTests, ours)) {
			return "" // doubles are there for every test
		}
		for _, a := range allowed[pkg] {
			parent, star := strings.CutSuffix(a, "/*")
			if a == "*" || a == ours || star && strings.HasPrefix(ours, parent+"/") || ours == pkg {
				return ""
			}
		}
		if ours == pkg || test && strings.HasPrefix(ours, pkg+"/") || pkg == "blocklists" && ours == "blocklists/catalog" || pkg == "checks/bounce" && ours == "checks/bounce/rules" {
			return ""
		}
		return "not in the drawing; it may import " + strings.Join(allowed[pkg], ", ")
	}
	if !strings.Contains(strings.Split(name, "/")[0], ".") {
		return "" // standard library
	}
	for _, lib := range testOnly {
		if name == lib || strings.HasPrefix(name, lib+"/") {
			if test {
				return ""
			}
			return "for tests only"
		}
	}
	// The longest prefix decides, so that one module's packages can have rooms of their own.
	best := ""
	for _, lib := range slices.Sorted(maps.Keys(rooms)) {
		if (name == lib || strings.HasPrefix(name, lib+"/")) && len(lib) > len(best) {
			best = lib
		}
	}
	switch {
	case best == "":
		return "a library without a room: name the one package that may import it"
	case !slices.Contains(rooms[best], pkg):
		return "this library's room is " + strings.Join(rooms[best], ", ")
	}
	return ""
}

func TestForbiddenSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		pkg, imp string
		test     bool
		bad      bool
	}{
		"checks know nothing of alerts":         {"checks/dnsbl", "reputed/alerts", false, true},
		"probes know nothing of checks":         {"probes", "reputed/checks", false, true},
		"the store may read every check's type": {"internal/store", "reputed/checks/bounce", false, false},
		"SQL stays in the store":                {"cmd/reputed", "modernc.org/sqlite", false, true},
		"DNS stays in probes":                   {"checks/dnsbl", "github.com/miekg/dns", false, true},
		"doubles serve every test":              {"checks/dnsbl", "reputed/probes/probestest", true, false},
		"doubles do not reach production code":  {"checks/dnsbl", "reputed/probes/probestest", false, true},
		"real servers serve every test":         {"checks/bounce", "reputed/probes/serverstest", true, false},
		"every test may say what it saw":        {"checks/dnsbl", "reputed/internal/reliability", true, false},
		"an unknown library needs a room":       {"checks", "example.com/lib", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := forbidden(c.pkg, c.imp, c.test); (got != "") != c.bad {
				t.Errorf("forbidden(%s, %s) = %q, want bad=%v", c.pkg, c.imp, got, c.bad)
			}
		})
	}
}
