package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/daemon"
)

func TestReloadTakesWhatIsRightAndKeepsWhatWas(t *testing.T) {
	r := newRig(t, nil)
	for _, name := range []string{"LAB_IMAP_PASSWORD", "LAB_SLACK_WEBHOOK"} {
		value, _ := r.world.Env(name)
		t.Setenv(name, value)
	}
	r.db.Close() // the daemon under test opens it
	good, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	lines := &logLines{more: make(chan struct{}, 1000)}
	a := &app{stdout: lines, stderr: lines, configPath: r.path}
	hup := make(chan os.Signal)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	type outcome struct {
		next *config.Config
		err  error
	}
	done := make(chan outcome, 1)
	cfg, err := a.loadConfig(config.Resolve)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		next, err := a.runWith(ctx, cfg, daemon.Service{}, hup)
		done <- outcome{next, err}
	}()
	lines.wait(ctx, t, "msg=started")
	if err := os.WriteFile(r.path, append(good, "\n[slak]\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	hup <- syscall.SIGHUP
	lines.wait(ctx, t, "the old one stays in force")
	select {
	case o := <-done:
		t.Fatalf("a bad configuration ended the daemon: %v", o.err)
	default:
	}
	if err := os.WriteFile(r.path, append(good, "\n[alerts]\nmin_severity = \"major\"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	hup <- syscall.SIGHUP
	o := <-done
	if text := lines.String(); strings.Contains(text, "msg=stopped") || strings.Count(text, "msg=started") != 1 {
		t.Errorf("a reload is no stop:\n%s", text)
	}
	if o.err != nil || o.next == nil || o.next.Alerts.MinSeverity != checks.Major {
		t.Fatalf("a good configuration: next %v, error %v\n%s", o.next != nil, o.err, lines.String())
	}
}

// logLines collects what is logged, for waiting until something has been.
type logLines struct {
	lockedBuffer
	more chan struct{}
}

func (l *logLines) Write(p []byte) (int, error) {
	defer func() { l.more <- struct{}{} }()
	return l.lockedBuffer.Write(p)
}

func (l *logLines) wait(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	for !strings.Contains(l.String(), text) {
		select {
		case <-l.more:
		case <-ctx.Done():
			t.Fatalf("never logged %q:\n%s", text, l.String())
		}
	}
}

func TestDemoCheck(t *testing.T) {
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	if code := a.main(t.Context(), []string{"demo", "--check"}); code != exitOK {
		t.Fatalf("exit code %d\n%s\n%s", code, errs.String(), out.String())
	}
	for _, want := range []string{"New, major", "Worse, critical", "acknowledged by kim", "Resolved:", "All clear"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the rehearsal never said %q:\n%s", want, out.String())
		}
	}
	cfg, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%d lists, a bounce mailbox", len(cfg.Blocklists.Zones)); !strings.Contains(out.String(), want) {
		t.Errorf("the lists that are asked are %q:\n%s", want, out.String())
	}
	intro, _, _ := strings.Cut(out.String(), "\n\n")
	for line := range strings.Lines(intro) {
		if n := len(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns in %q, want at most 80", n, line)
		}
	}
}

// Invariant 7 for the log: what a list, a bounce or a server says cannot begin a
// line or colour a terminal.
func TestLogCannotBeForged(t *testing.T) {
	hostile := "x\n time=2026-01-01T00:00:00Z level=ERROR msg=forged\x1b[31m\r\u202e"
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log := newLog(&out, config.Log{Level: "info", Format: format})
		log.LogAttrs(t.Context(), slog.LevelInfo, "round finished", slog.String("why", hostile), slog.Any("err", errors.New(hostile)))
		if got := strings.Count(out.String(), "\n"); got != 1 {
			t.Errorf("%s: %d lines, want 1:\n%q", format, got, out.String())
		}
		if strings.ContainsAny(out.String(), "\x1b\r") {
			t.Errorf("%s: control characters: %q", format, out.String())
		}
	}
}

// A file that reads well and cannot be started must not stop what runs.
func TestReloadTriesTheWholeDaemon(t *testing.T) {
	r := newRig(t, nil)
	for _, name := range []string{"LAB_IMAP_PASSWORD", "LAB_SLACK_WEBHOOK"} {
		value, _ := r.world.Env(name)
		t.Setenv(name, value)
	}
	a := &app{configPath: r.path}
	if _, err := a.reload(t.Context(), r.cfg, r.db); err != nil {
		t.Fatalf("what it started with: %v", err)
	}
	t.Setenv("LAB_SLACK_WEBHOOK", "http://chat.example.org/not-safe")
	if _, err := a.reload(t.Context(), r.cfg, r.db); err == nil {
		t.Error("a webhook that no channel can be made of was taken")
	}
}
