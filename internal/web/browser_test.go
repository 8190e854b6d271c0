package web

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"reputed/internal/report"
)

// changing has one incident more each time it is looked at.
type changing struct {
	*fixture
	looks atomic.Int32
}

func (c *changing) Status(ctx context.Context, at time.Time) report.Report {
	in := c.fixture.Status(ctx, at).Input
	for i := range c.looks.Add(1) - 1 {
		v := in.Incidents[2]
		v.Incident.ID = int64(100 + i)
		in.Incidents = append(in.Incidents, v)
	}
	return report.Build(in, now)
}

// TestBrowser looks at the page with a real browser: .ci/web/page.test.mjs says what it looks
// for. REPUTED_SHOTS names a folder for its pictures; with DOCS=1 it takes those of docs/img and nothing else.
func TestBrowser(t *testing.T) {
	lack := func(what string) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing; .ci/run installs it", what)
		}
		t.Skipf("%s is missing: install chromium and node, and run npm ci in .ci/web", what)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		lack("node")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		lack("chromium")
	}
	dir, err := filepath.Abs("../../.ci/web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "playwright-core")); err != nil {
		lack("playwright-core")
	}
	if testing.Short() {
		t.Skip("it starts a browser")
	}
	shots := os.Getenv("REPUTED_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	env := append(os.Environ(), "SHOTS="+shots, "CHROMIUM="+chromium, "TOKEN="+kimsToken, "SHARE="+goodToken)
	for name, s := range map[string]*Server{
		"BAD": server(t, &fixture{}), "CALM": serverWith(t, &fixture{calm: true}, func(o *Options) { o.Sharing = sharing{calm: true} }), "BIG": server(t, &fixture{big: true}), "CHANGING": server(t, &changing{fixture: &fixture{}}), "GUARDED": guarded(t, &fixture{}),
	} {
		h := httptest.NewServer(s)
		t.Cleanup(h.Close)
		env = append(env, name+"="+h.URL)
	}
	args := []string{"--test", "--test-timeout=900000", "page.test.mjs"}
	if os.Getenv("DOCS") != "" {
		args = append([]string{"--test-name-pattern=pictures"}, args...)
	}
	c := exec.CommandContext(t.Context(), node, args...)
	c.Dir, c.Env = dir, env
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
