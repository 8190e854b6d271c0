package web

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// What the rules and the dashboard ask for is what /metrics has.
func TestDeployedFilesAskForMetricsThatExist(t *testing.T) {
	have := get(t, server(t, &fixture{}), "/metrics").Body.String()
	for _, file := range []string{"../../deploy/prometheus/reputed.rules.yml", "../../deploy/prometheus/reputed.rules.test.yml", "../../deploy/grafana/reputed.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\breputed_[a-z_]+`).FindAllString(string(text), -1)
		if len(names) < 5 {
			t.Errorf("%s names %d metrics", file, len(names))
		}
		for _, name := range names {
			if !strings.Contains(have, "\n# TYPE "+name+" ") {
				t.Errorf("%s: there is no metric %s", file, name)
			}
		}
	}
	text, err := os.ReadFile("../../deploy/grafana/reputed.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title, UID string
		Panels     []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		if p.Title == "" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d: %+v", p.ID, p)
		}
	}
}

func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("promtool is not installed; .ci/run installs it")
		}
		t.Skip("promtool is not installed (Debian: prometheus)")
	}
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	// Those of the Go runtime have names of their own makers.
	body := get(t, server(t, &fixture{}), "/metrics").Body.String()
	var ours []string
	for line := range strings.Lines(body) {
		if strings.Contains(line, "reputed_") {
			ours = append(ours, line)
		}
	}
	check.Stdin = strings.NewReader(strings.Join(ours, ""))
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	for _, words := range [][]string{{"check", "rules", "reputed.rules.yml"}, {"test", "rules", "reputed.rules.test.yml"}} {
		c := exec.CommandContext(t.Context(), promtool, words...)
		c.Dir = "../../deploy/prometheus"
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(words, " "), err, out)
		}
	}
}
