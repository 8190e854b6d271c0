package dnsbl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/blocklists/mirror"
	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

// inFile has the list bl in a file and other in the DNS.
func inFile(t *testing.T, site *probestest.DNS, text string) (Check, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bl")
	if text != "" {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	zones := []blocklists.Zone{list4("bl"), list4("other")}
	return Check{Asker: resolver(t, site, probes.ResolverOptions{Timeout: time.Minute}), Zones: zones, Options: Options{
		Confirm: time.Millisecond, Mirrors: map[string]*Mirror{"bl": {Zone: &zones[0], File: &mirror.File{Path: path, Zone: "bl.example"}}}}}, path
}

func TestAListInAFileReadsAsTheSameListInTheDNS(t *testing.T) {
	for _, path := range []Path{"", PathAuto, PathAuthoritative} {
		site := site(t, probestest.ZoneRefusalCode)
		site.SetListed("other.example", "192.0.2.10", "")
		check, file := inFile(t, site, ":127.0.0.2:seen at $\n192.0.2.10\n")
		check.Options.Path = path
		got := runCheck(t.Context(), check, none, addr("192.0.2.10"), addr("192.0.2.11"))
		l := got.list("bl")
		if l.Path != PathFile || l.State != Working || l.Clean != 1 || l.Listed != 1 {
			t.Errorf("path %q, %s: %s, %+v", l.Path, l.State, l.Why, l.Counts)
		}
		var found bool
		for _, f := range got.about("192.0.2.10") {
			if f.Key.Source != "bl" {
				continue
			}
			found = true
			last := f.Evidence[len(f.Evidence)-1]
			if f.Code != checks.CodeListed || !strings.HasPrefix(last.Via, "file "+file+" of ") || last.Reason != "seen at 192.0.2.10" || last.Question != "10.2.0.192.bl.example. A" {
				t.Errorf("told %+v", f)
			}
		}
		if !found {
			t.Error("the listing was not told")
		}
		if n := site.Asked("bl.example").All; n > 0 {
			t.Errorf("%d questions about the list in the DNS", n)
		}
	}
}

// A file that is gone, empty, broken or old: nothing is known, and what was known stays.
func TestAFileWithoutDataIsUnknownAndNeverClean(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		after func(t *testing.T, path string, c *Check)
	}{
		"gone":   {"", func(*testing.T, string, *Check) {}},
		"empty":  {"# nothing\n", func(*testing.T, string, *Check) {}},
		"a page": {"<html>\nnot found\n", func(*testing.T, string, *Check) {}},
		"old": {"192.0.2.99\n", func(t *testing.T, path string, c *Check) {
			c.Options.Mirrors["bl"].File.MaxAge = time.Hour
			long := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // before the time of all runs here
			if err := os.Chtimes(path, long, long); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			site := site(t, probestest.ZoneNormal)
			check, path := inFile(t, site, c.text)
			c.after(t, path, &check)
			known := func(k checks.Key) bool { return k.Source == "bl" }
			got := runCheck(t.Context(), check, known, addr("192.0.2.10"))
			l := got.list("bl")
			if l.State != Unknown || l.Clean > 0 || !strings.Contains(l.Why, path) {
				t.Errorf("%s: %s, %+v", l.State, l.Why, l.Counts)
			}
			for _, f := range got.about("192.0.2.10") {
				if f.Key.Source == "bl" && f.Status != checks.Unknown {
					t.Errorf("told %+v", f)
				}
			}
		})
	}
}

func TestReversed(t *testing.T) {
	z := list4("bl")
	for _, s := range []string{"192.0.2.10", "2001:db8::10", "::ffff:127.0.0.2"} {
		a := addr(s)
		if s == "::ffff:127.0.0.2" {
			continue // which a target never is
		}
		subject := strings.TrimSuffix(z.QueryName(a.Addr), ".bl.example.")
		if got, ok := reversed(subject); !ok || got != a.Addr {
			t.Errorf("%s: %s, %v", subject, got, ok)
		}
	}
	for _, s := range []string{"a.b.c.d", "1.2.3", "example.org", strings.Repeat("ff.", 31) + "ff", "256.1.1.1"} {
		if a, ok := reversed(s); ok {
			t.Errorf("%s: %s", s, a)
		}
	}
}
