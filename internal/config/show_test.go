package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reputed/internal/monitor"
)

// same compares two configurations by what they mean; an empty list and none are one.
var same = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b monitor.Schedule) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b Secret) bool { return a.Reveal() == b.Reveal() && a.From() == b.From() }),
}

func TestShowReadsBack(t *testing.T) {
	text := `
[dns]
servers = ["192.0.2.53"]
timeout = "1500ms"
[blocklists]
builtin = false
[[blocklists.list]]
id = "mine"
zone = "bl.example.net"
title = "Mine \"quoted\" \\ ü"
decode = "exact"
codes = [{ match = "127.0.0.2", meaning = "spam" }, { match = "127.0.0.3", meaning = "more", class = "policy" }]
default = false
[blocklists.list.removal]
method = "contact"
[blocklists.list.controls]
listed4 = "127.0.0.2"
[[blocklists.list]]
id = "asked"
zone = "asked.example.net"
[[outbound]]
pool = "bulk"
addresses = ["192.0.2.0/28"]
domains = ["example.org"]
hosts = { "mx.example.org" = "192.0.2.1" }
[[mailbox]]
server = "imap.example.org"
user = "u"
password = "env:PASSWORD"
[alerts]
remind_major = "0s"
[[slack]]
webhook = "https://hooks.example.org/services/` + canary + `"
[bounces]
verp = '^bounce-[0-9]+@example\.org$'
`
	opt := LoadOptions{Env: env("PASSWORD", canary)}
	first, err := Parse([]byte(text), "reputed.toml", opt)
	if err != nil {
		t.Fatal(err)
	}
	shown := first.Show()
	if strings.Contains(shown, canary) || !strings.Contains(shown, `webhook = "<redacted>"`) || !strings.Contains(shown, `password = "env:PASSWORD"`) {
		t.Errorf("secrets in\n%s", shown)
	}
	if strings.Contains(shown, "ca_file") || strings.Contains(shown, "operator") || !strings.Contains(shown, `probe = ""`) {
		t.Errorf("empty keys of lists of tables, or none of plain tables, in\n%s", shown)
	}
	again, err := Parse([]byte(strings.ReplaceAll(shown, redacted, "https://hooks.example.org/services/"+canary)), "reputed.toml", opt)
	if err != nil {
		t.Fatalf("%v in\n%s", err, shown)
	}
	if diff := cmp.Diff(shown, again.Show()); diff != "" {
		t.Errorf("shown again (-first +second):\n%s", diff)
	}
	first.Warnings, again.Warnings = nil, nil // other lines
	if diff := cmp.Diff(first, again, same); diff != "" {
		t.Errorf("read back (-first +second):\n%s", diff)
	}
}

func TestShowHidesAKeyInAZone(t *testing.T) {
	cfg := parse(t, "[blocklists]\nbuiltin = false\n[[blocklists.list]]\nid = \"dqs\"\nzone = \"abcdefghij0123456789klmnop.zen.dq.example.net\"\n")
	if got := cfg.Show(); strings.Contains(got, "abcdefghij0123") || !strings.Contains(got, `zone = "<redacted>.zen.dq.example.net"`) {
		t.Errorf("shown:\n%s", got)
	}
}

// Whatever the bytes are: no panic; mistakes have lines of the file and one line
// each; and what is accepted is shown as a file that is accepted and means the same.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("testdata", "bad", "*.toml"))
	for _, file := range append(files, example) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("[blocklists]\nbuiltin = false\n[[blocklists.list]]\nid=\"z00\"\nzone=\"z00.bl.test\"\ncodes=[{match=\"127.0.0.2\"}]\n"))
	f.Add([]byte("outbound = [{ addresses = [\"192.0.2.0/24\"], hosts = { \"a.example\" = \"\" } }]\n[[slack]]\ntoken='env:T'\nchannel='x'"))
	opt := LoadOptions{Env: env("T", "xoxb-1", "PASSWORD", "p", "HOOK", "https://hooks.example.org/x"), Secrets: Skip, builtin: builtin}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := Parse(data, "f.toml", opt)
		if err != nil {
			var all *Error
			if !errors.As(err, &all) || len(all.Mistakes) == 0 {
				t.Fatalf("error %v is no *Error", err)
			}
			for _, m := range all.Mistakes {
				if m.Line < 0 || m.Line > strings.Count(string(data), "\n")+1 || strings.ContainsAny(m.String(), "\n\r\x1b") {
					t.Errorf("mistake %q of a file of %d lines", m, strings.Count(string(data), "\n")+1)
				}
			}
			return
		}
		shown := cfg.Show()
		if strings.Contains(shown, redacted) {
			return
		}
		again, err := Parse([]byte(shown), "f.toml", opt)
		if err != nil {
			t.Fatalf("%v\nin what was shown:\n%s", err, shown)
		}
		cfg.Warnings, again.Warnings = nil, nil // other lines
		if diff := cmp.Diff(cfg, again, same); diff != "" {
			t.Errorf("read back (-first +second):\n%s\nshown:\n%s", diff, shown)
		}
	})
}
