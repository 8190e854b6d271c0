package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"reputed/internal/config"
)

const deploy = "../../deploy/"

// mostExposed is how exposed the service may be at most, as systemd-analyze counts it: of 10.
const mostExposed = "1.5"

// TestServiceIsConfined holds the unit to its sandbox. That the daemon works within it is
// tried by .ci/deb.
func TestServiceIsConfined(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("systemd-analyze is not there: .ci/run installs it")
		}
		t.Skip("systemd-analyze is not there (apt-get install systemd)")
	}
	threshold := strings.ReplaceAll(mostExposed, ".", "") // in tenths
	out, err := exec.Command(analyze, "security", "--no-pager", "--offline=true", "--threshold="+threshold, deploy+"systemd/reputed.service").CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && strings.Contains(string(out), "unrecognized option") {
		t.Skip("this systemd-analyze reads no unit that is not installed: it is older than systemd 250")
	}
	if err != nil {
		t.Errorf("more exposed than %s: %v\n%s", mostExposed, err, out)
	}
	if !strings.Contains(string(out), "Overall exposure level for reputed.service") {
		t.Errorf("not understood:\n%s", out)
	}
}

// TestPackagedConfigurationWatchesNothing: it is complete and valid as it is, names nobody's
// addresses, and becomes a working one by taking comment signs away.
func TestPackagedConfigurationWatchesNothing(t *testing.T) {
	data, err := os.ReadFile(deploy + "debian/config.toml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(data, "config.toml", config.LoadOptions{Secrets: config.Skip})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.ReadyToRun(); err == nil || !strings.Contains(err.Error(), "nothing to watch") {
		t.Errorf("as it is: %v, want that there is nothing to watch", err)
	}
	text := regexp.MustCompile(`(?m)^# (\[|[a-z0-9_]+ = )`).ReplaceAllString(string(data), "$1")
	cfg, err = config.Parse([]byte(text), "config.toml", config.LoadOptions{Secrets: config.Skip})
	if err != nil {
		t.Fatal(err)
	}
	if warnings, err := cfg.ReadyToRun(); err != nil || len(warnings)+len(cfg.Warnings) > 0 {
		t.Errorf("without comment signs: %v, warnings %q %q", err, warnings, cfg.Warnings)
	}
	if len(cfg.Outbound) != 1 || len(cfg.Mailboxes) != 1 || len(cfg.MailLogs) != 1 || len(cfg.Channels()) != 2 {
		t.Errorf("without comment signs a table is missing: %d pools, %d mailboxes, %d logs, channels %q", len(cfg.Outbound), len(cfg.Mailboxes), len(cfg.MailLogs), cfg.Channels())
	}
}

// TestDropInsSayWhereTheyGo: each is an example that is copied, and useless without that.
func TestDropInsSayWhereTheyGo(t *testing.T) {
	files, err := filepath.Glob(deploy + "systemd/reputed.service.d/*.conf")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"# Copy to /etc/systemd/system/reputed.service.d/, then: systemctl daemon-reload\n", "\n[Service]\n"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: no line %q", filepath.Base(file), want)
			}
		}
	}
}
