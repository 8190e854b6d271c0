package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
)

// drillConfig has a channel of every kind that speaks HTTP, all at one server.
func drillConfig(t *testing.T, url string) string {
	path := filepath.Join(t.TempDir(), "drill.toml")
	text := fmt.Sprintf(`
[[slack]]
name = "chat"
webhook = "env:DRILL_URL"
[[webhook]]
name = "own"
url = "env:DRILL_URL"
secret = "env:DRILL_SECRET"
[[pagerduty]]
name = "duty"
routing_key = "env:DRILL_SECRET"
api_url = %q
[[alertmanager]]
name = "am"
url = %q
[[mattermost]]
name = "mm"
webhook = "env:DRILL_URL"
[[teams]]
name = "tm"
webhook = "env:DRILL_URL"
[database]
path = "never.db"
`, url, url)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DRILL_URL", url+"/hook/canary-path-123456")
	t.Setenv("DRILL_SECRET", "canary-secret-123456")
	return path
}

func command(t *testing.T, words ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &b, stderr: &b}
	code = a.main(t.Context(), words)
	return code, b.String()
}

func TestDrillWalksAnIncidentThroughAllChannels(t *testing.T) {
	s := daemontest.NewSink(t, "ok")
	path := drillConfig(t, s.URL)
	code, out := command(t, "drill", "--config", path)
	if code != exitOK {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	for _, want := range []string{"An incident opens\n", "It gets worse\n", "It is over\n", "am (alertmanager): accepted in ", "chat (slack): accepted in ", "duty (pagerduty): accepted in ", "mm (mattermost): accepted in ", "own (webhook): accepted in ", "tm (teams): accepted in ", "\nAll 6 channels take alerts; accepted is not seen, so look there.\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	_, bodies := s.Got()
	// PagerDuty besides resolves all severities when it gets worse (4), and the others at the end (3).
	if want := 6*3 + 4 + 3; len(bodies) != want {
		t.Errorf("%d messages of 6 channels in 3 steps, want %d", len(bodies), want)
	}
	for _, b := range bodies {
		if !strings.Contains(b, "REHEARSAL") && !strings.Contains(b, `"event_action":"resolve"`) {
			t.Errorf("not marked as a rehearsal: %.300s", b)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "never.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the database was touched: %v", err)
	}
}

func TestDrillOfOneChannel(t *testing.T) {
	s := daemontest.NewSink(t, "ok")
	path := drillConfig(t, s.URL)
	if code, out := command(t, "drill", "--channel", "own", "--config", path); code != exitOK || strings.Count(out, "accepted in") != 1 || !strings.HasSuffix(out, "\nown takes alerts; accepted is not seen, so look there.\n") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	// What stays open there is ended at once.
	if code, out := command(t, "drill", "--channel", "duty", "--config", path); code != exitOK || strings.Count(out, "accepted in") != 2 {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if code, out := command(t, "drill", "--channel", "nobody", "--config", path); code != exitUsage || !strings.Contains(out, "there are am, chat, duty, mm, own, tm") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	s.Say(http.StatusForbidden, "") // and repeats what it was sent
	code, out := command(t, "drill", "--config", path)
	if code != exitMinor || strings.Count(out, "refused after") != 18 || !strings.HasSuffix(out, "\nNobody would hear of anything: am, chat, duty, mm, own, tm took no alerts.\n") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	for _, secret := range []string{"canary-path", "canary-secret"} {
		if strings.Contains(out, secret) {
			t.Errorf("the output holds a secret:\n%s", out)
		}
	}
	s.Say(http.StatusBadGateway, "")
	if code, out := command(t, "drill", "--channel", "own", "--config", path); code != exitMinor || !strings.Contains(out, "would be tried again") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestADrillThatIsBrokenOffLeavesNoPageOpen(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	var actions []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			Action string `json:"event_action"`
		}
		_ = json.NewDecoder(r.Body).Decode(&event)
		mu.Lock()
		actions = append(actions, event.Action)
		mu.Unlock()
		stop() // Ctrl-C while the first message is under way
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(s.Close)
	path := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(path, []byte(fmt.Sprintf("[[pagerduty]]\nrouting_key = \"env:DRILL_KEY\"\napi_url = %q\n", s.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DRILL_KEY", "k")
	var b bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &b, stderr: &b}
	if code := a.main(ctx, []string{"drill", "--config", path}); code == exitOK {
		t.Errorf("exit code %d\n%s", code, &b)
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(actions, " "); !strings.HasPrefix(got, "trigger resolve") {
		t.Errorf("PagerDuty was told %q", got)
	}
}

func TestAlertPathIsLookedUp(t *testing.T) {
	cfg, err := config.Parse([]byte(`
[[outbound]]
addresses = ["192.0.2.0/28"]
[[email]]
server = "smtp.example.net"
from = "a@example.net"
to = ["b@example.net"]
`), "mail.toml", config.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		addrs []netip.Addr
		err   error
		force bool
		want  string
	}{
		"elsewhere":         {addrs: []netip.Addr{netip.MustParseAddr("198.51.100.1")}},
		"a watched address": {addrs: []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("192.0.2.7")}, want: "its address 192.0.2.7 is watched"},
		"but forced":        {addrs: []netip.Addr{netip.MustParseAddr("192.0.2.7")}, force: true},
		"nobody knows":      {err: errors.New("SERVFAIL")},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Emails[0].Force = c.force
			err := alertPath(t.Context(), cfg, func(_ context.Context, _, host string) ([]netip.Addr, error) {
				if host != "smtp.example.net" {
					t.Errorf("asked for %q", host)
				}
				return c.addrs, c.err
			})
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// What the webhook posts is the incident of the JSON that is promised elsewhere.
func TestTheWebhookPostsTheIncidentOfTheOtherJSON(t *testing.T) {
	s := daemontest.NewSink(t, "")
	path := drillConfig(t, s.URL)
	if code, out := command(t, "drill", "--channel", "own", "--config", path); code != exitOK {
		t.Fatal(out)
	}
	_, bodies := s.Got()
	var doc struct {
		Rehearsal bool `json:"rehearsal"`
		Incident  struct {
			Severity string `json:"severity"`
			Findings []struct {
				Evidence []struct {
					Answer string `json:"answer"`
				} `json:"evidence"`
			} `json:"findings"`
			Remediation []struct {
				ID string `json:"id"`
			} `json:"remediation"`
		} `json:"incident"`
	}
	if err := json.Unmarshal([]byte(bodies[0]), &doc); err != nil || !doc.Rehearsal || doc.Incident.Severity != "major" || doc.Incident.Findings[0].Evidence[0].Answer != "127.0.0.2" || doc.Incident.Remediation[0].ID == "" {
		t.Errorf("%v, %+v", err, doc)
	}
}
