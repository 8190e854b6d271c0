package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/probes/probestest"
)

// The secrets that are planted. None of them may be seen anywhere.
const (
	plantedPath  = "/services/T0CANARY/B0CANARY/kRqZ8vWmXy3nPdLsTgHj"
	plantedToken = "xoxb-0000000000-canary-Wq9zLmNvTrYs"
	plantedKey   = "qd7canaryk3y9xw2zvb4"
)

// echo is a server that gives back what it should never repeat, with one status after the other.
func echo(t *testing.T, statuses ...int) *httptest.Server {
	next := make(chan int, len(statuses))
	for _, s := range statuses {
		next <- s
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		status := http.StatusForbidden
		select {
		case status = <-next:
		default:
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, "%s %s no", r.URL.Path, r.Form.Get("token")+r.Header.Get("Authorization"))
	}))
	t.Cleanup(s.Close)
	return s
}

// Invariant 8: with a mailbox that repeats the password when it refuses it, channels
// that repeat address and token, a resolver that fails and configurations that are wrong,
// no secret stands in a log at debug level, an error, an output or a byte of the database.
func TestNoSecretLeaves(t *testing.T) {
	zones, err := blocklists.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	world, err := lab.Start(zones)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	world.Mailbox.RefuseLogins("AUTHENTICATIONFAILED", "no "+lab.MailboxPassword+" for "+lab.MailboxUser)
	world.ListAtSpamCop()
	world.Lists.SetMode("psbl.surriel.com", probestest.ZoneServFail)
	hook, api := echo(t, http.StatusInternalServerError, http.StatusForbidden), echo(t, http.StatusBadGateway, http.StatusForbidden)

	dir := t.TempDir()
	path, database := filepath.Join(dir, "config.toml"), filepath.Join(dir, "reputed.db")
	text := strings.Replace(world.Config(database), "[[slack]]\n", "[[slack]]\nname = \"hook\"\n", 1) + fmt.Sprintf(`
[[slack]]
name = "bot"
token = "env:LAB_SLACK_TOKEN"
channel = "#mail-ops"
api_url = %q

[blocklists]
enable = ["abusix-combined"]
keys = { abusix = "env:LAB_LIST_KEY", spamhaus-dqs = "env:LAB_LIST_KEY" }

[log]
level = "debug"
`, api.URL+"/api/")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LAB_IMAP_PASSWORD", lab.MailboxPassword)
	t.Setenv("LAB_SLACK_WEBHOOK", hook.URL+plantedPath)
	t.Setenv("LAB_SLACK_TOKEN", plantedToken)
	t.Setenv("LAB_LIST_KEY", plantedKey)

	seen := map[string]string{}
	lines := &logLines{more: make(chan struct{}, 100000)}
	a := &app{stdin: strings.NewReader(""), stdout: lines, stderr: lines, configPath: path}
	cfg, err := a.loadConfig(config.Resolve)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DNS.Confirm.Duration = 0
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	hup := make(chan os.Signal)
	done := make(chan error, 1)
	go func() {
		_, err := a.runWith(ctx, cfg, hup)
		done <- err
	}()
	for _, happened := range []string{"round finished", "channel=hook", "channel=bot", "AUTHENTICATIONFAILED"} {
		lines.wait(ctx, t, happened)
	}
	for _, wrong := range []string{
		strings.ReplaceAll(text, "env:LAB_SLACK_TOKEN", "env:"+plantedToken),
		strings.ReplaceAll(text, `channel = "#mail-ops"`, ""),
		strings.ReplaceAll(text, "webhook = ", "webhok = "),
		text + "\n[alerts]\nmin_severity = " + fmt.Sprintf("%q", plantedToken) + "\n",
		strings.ReplaceAll(text, "env:LAB_SLACK_WEBHOOK", "ftp://"+plantedPath),
	} {
		if err := os.WriteFile(path, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		hup <- syscall.SIGHUP
	}
	lines.wait(ctx, t, "the old one stays in force")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{
		{"status"}, {"status", "--format", "json"}, {"status", "--format", "plugin"},
		{"incident", "list"}, {"incident", "show", "1"}, {"incident", "show", "1", "--format", "json"},
		{"config", "show"}, {"config", "check"}, {"lists"}, {"check", lab.OurAddress.String(), "--format", "json", "--all"},
	} {
		var out bytes.Buffer
		command := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &out}
		command.main(ctx, append(words, "--config", path))
		seen["reputed "+strings.Join(words, " ")] = out.String()
	}
	for _, file := range []string{database, database + "-wal"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen["the database"] += string(b) // a checkpoint moves what is written from the one into the other
	}
	stop()
	if err := <-done; err != nil {
		seen["error of the daemon"] = err.Error()
	}
	seen["log"] = lines.String()
	for where, wants := range map[string]string{
		"log": "level=DEBUG", "reputed status": "SpamCop", "reputed incident show 1": "SpamCop",
		"reputed config show": "env:LAB_SLACK_TOKEN", "the database": lab.SpamCop,
		"reputed lists": "<key>.combined.mail.abusix.zone",
	} {
		if !strings.Contains(seen[where], wants) {
			t.Errorf("%s does not speak of %q, so that it proves nothing:\n%.2000s", where, wants, seen[where])
		}
	}
	for where, text := range seen {
		for what, secret := range map[string]string{
			"the IMAP password": lab.MailboxPassword, "the webhook": plantedPath, "the end of the webhook": plantedPath[strings.LastIndex(plantedPath, "/")+1:], "the token": plantedToken, "the key of a list": plantedKey,
			"the IMAP password as PLAIN sends it": base64.StdEncoding.EncodeToString([]byte("\x00" + lab.MailboxUser + "\x00" + lab.MailboxPassword)),
		} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s holds %s: %q", where, what, text[max(0, i-120):min(len(text), i+len(secret)+20)])
			}
		}
	}
}
