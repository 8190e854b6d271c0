package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reputed/probes/probestest"
)

// runApp runs one command line with a configuration of its own, and gives exit code and output.
func runApp(t *testing.T, configuration string, words ...string) (int, string, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	configuration += fmt.Sprintf("\n[database]\npath = %q\n", filepath.Join(t.TempDir(), "none.db"))
	if err := os.WriteFile(path, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, trouble bytes.Buffer
	a := app{stdout: &out, stderr: &trouble}
	code := a.main(t.Context(), append([]string{"--config", path}, words...))
	return code, out.String(), trouble.String()
}

func TestKnockCommand(t *testing.T) {
	s := probestest.StartDoor(t, probestest.SMTPOptions{Mode: probestest.SMTPRefuse, Reply: "421 4.7.0 [TSS04] Messages from 192.0.2.10 temporarily deferred due to unexpected volume or user complaints"})
	open := probestest.StartDoor(t, probestest.SMTPOptions{})
	conf := fmt.Sprintf(`[[outbound]]
addresses = ["192.0.2.10"]
[acceptance]
helo = "monitor.example.org"
[[acceptance.receiver]]
domain = "example.net"
hosts = [%q]
[[acceptance.receiver]]
domain = "example.com"
hosts = [%q]
[[acceptance.from]]
addresses = ["192.0.2.10"]
bind = "127.0.0.2"
`, open.Addr(), s.Addr())
	code, out, trouble := runApp(t, conf, "knock", "example.net")
	if code != exitOK || !strings.Contains(out, "192.0.2.10 at example.net  accepted") || !strings.Contains(out, "C: EHLO monitor.example.org") || !strings.Contains(out, "OK: 1 accepted") {
		t.Errorf("exit %d\n%s%s", code, out, trouble)
	}
	code, out, trouble = runApp(t, conf, "knock", "example.com", "--format", "json")
	var doc struct {
		Level  string
		Knocks []struct {
			Outcome, Vendor, Category string
			Conversations             []struct{ Transcript []string }
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != exitMinor || len(doc.Knocks) != 1 || doc.Knocks[0].Outcome != "refused" || doc.Knocks[0].Vendor != "Yahoo" ||
		!strings.HasPrefix(doc.Knocks[0].Conversations[0].Transcript[0], "S: 421 4.7.0 [TSS04]") {
		t.Errorf("exit %d, %v\n%s%s", code, err, out, trouble)
	}
	visits := s.Visits() + open.Visits()
	for _, words := range [][]string{{"knock", "example.org"}, {"knock", "--from", "192.0.2.99"}, {"knock", "--from", "mx1"}} {
		if code, out, trouble := runApp(t, conf, words...); code != exitMinor || out != "" || trouble == "" {
			t.Errorf("%q: exit %d, %s%s", words, code, out, trouble)
		}
	}
	if code, _, trouble := runApp(t, strings.Replace(conf[:strings.Index(conf, "[[acceptance")], "helo", "# helo", 1), "knock"); code != exitConfig || !strings.Contains(trouble, "helo") {
		t.Errorf("without a name: exit %d, %s", code, trouble)
	}
	if s.Visits()+open.Visits() != visits {
		t.Error("somebody was knocked at who was not to be")
	}
}

func ownConfig(s *probestest.SMTP, more string) string {
	return fmt.Sprintf("[[acceptance.own]]\nhost = %q\ndomains = [\"example.org\"]\nstarttls = false\n%s", s.Addr(), more)
}

func TestRelayCommand(t *testing.T) {
	s := probestest.StartDoor(t, probestest.SMTPOptions{Relay: []string{"example.org"}})
	code, out, trouble := runApp(t, ownConfig(s, ""), "relay")
	if code != exitOK || !strings.Contains(out, "relays for no stranger") || !strings.Contains(out, "percent hack at our domain") || !strings.Contains(out, "No message was sent.") {
		t.Errorf("exit %d\n%s%s", code, out, trouble)
	}
	s.Set(func(o *probestest.SMTPOptions) { o.Relay = nil })
	if code, out, trouble = runApp(t, ownConfig(s, ""), "relay", s.Addr().String()); code != exitMajor || !strings.Contains(out, "takes mail of strangers for strangers") {
		t.Errorf("exit %d\n%s%s", code, out, trouble)
	}
	visits := s.Visits()
	for _, host := range []string{"127.0.0.2", "mx1.example.org", fmt.Sprintf("localhost:%d", s.Addr().Port())} {
		if code, out, trouble := runApp(t, ownConfig(s, ""), "relay", host); code != exitMinor || out != "" || !strings.Contains(trouble, "not one of our own servers") {
			t.Errorf("%s: exit %d, %s%s", host, code, out, trouble)
		}
	}
	if code, _, _ := runApp(t, "", "relay", "127.0.0.1"); code != exitConfig {
		t.Errorf("without a server: exit %d", code)
	}
	if s.Visits() != visits {
		t.Error("a host was tested that is not configured as it was named")
	}
}

func TestEgressCommand(t *testing.T) {
	s := probestest.StartDoor(t, probestest.SMTPOptions{})
	conf := fmt.Sprintf("[acceptance]\negress = [%q]\n", s.Addr())
	if code, out, _ := runApp(t, conf, "egress"); code != exitMajor || !strings.HasPrefix(out, "CRITICAL: "+s.Addr().String()+" is reached from here") {
		t.Errorf("exit %d\n%s", code, out)
	}
	s.Close()
	if code, out, _ := runApp(t, conf, "egress"); code != exitOK || !strings.HasPrefix(out, "OK: ") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, _, trouble := runApp(t, "", "egress"); code != exitConfig || trouble == "" {
		t.Errorf("without a server: exit %d", code)
	}
}
