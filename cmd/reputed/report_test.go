package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestReportCommand(t *testing.T) {
	r := sharedWorld(t)
	run := func(code int, words ...string) string {
		t.Helper()
		var out bytes.Buffer
		a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &out}
		if got := a.main(t.Context(), append(words, "--config", r.path)); got != code {
			t.Errorf("%v: exit code %d, want %d: %s", words, got, code, out.String())
		}
		return out.String()
	}
	if out := run(exitOK, "report", "--since", "1d"); !strings.Contains(out, "Cisco Talos (2 domains): 4 mails refused") || !strings.Contains(out, "noted by staff-kim") {
		t.Errorf("of all pools: %s", out)
	}
	if out := run(exitOK, "report", "--pool", "office"); !strings.Contains(out, "Pool office: ") || !strings.Contains(out, "Cisco Talos: 1 mail refused") {
		t.Errorf("of one pool: %s", out)
	}
	if out := run(exitOK, "report", "--format", "json"); !json.Valid([]byte(out)) {
		t.Errorf("not JSON: %s", out)
	}
	for _, words := range [][]string{{"--since", "0"}, {"--since", "5m"}, {"--since", "400d"}, {"--pool", "nowhere"}} {
		run(exitUsage, append([]string{"report"}, words...)...)
	}
}
