package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reputed/checks"
)

func TestSourcesOfAConfiguration(t *testing.T) {
	cfg := parse(t, `[[outbound]]
pool = "first"
spf = ["Example.org."]
names = ["Mail.example.org"]
[[outbound]]
pool = "second"
addresses = ["192.0.2.10"]
names = ["bücher.example"]
`)
	if _, err := cfg.ReadyToRun(); err != nil {
		t.Errorf("a pool that stands for addresses is something to watch: %v", err)
	}
	var got []string
	for _, s := range cfg.Sources() {
		got = append(got, s.String())
	}
	want := []string{"host:mail.example.org", "spf:example.org", "host:xn--bcher-kva.example"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatAPoolNamesItselfComesFirst(t *testing.T) {
	cfg := parse(t, `[[outbound]]
pool = "first"
spf = ["example.org"]
[[outbound]]
pool = "second"
addresses = ["192.0.2.10"]
`)
	ts, err := cfg.TargetsWith(func(Source) []string { return []string{"192.0.2.8/30", "192.0.2.10"} })
	if err != nil {
		t.Fatal(err)
	}
	pools := map[string]string{}
	for target := range ts.All() {
		pools[target.String()] = target.Pool
	}
	want := map[string]string{"192.0.2.8": "first", "192.0.2.9": "first", "192.0.2.10": "second", "192.0.2.11": "first"}
	if diff := cmp.Diff(want, pools); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if own, _ := cfg.Targets(); own.Len() != 1 {
		t.Errorf("%d targets of the file itself", own.Len())
	}
}

func TestReadAddresses(t *testing.T) {
	got, err := ReadAddresses(filepath.Join("testdata", "addresses.txt"))
	if want := []string{"192.0.2.10", "192.0.2.64/29", "example.net", "2001:db8::25"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	_, err = ReadAddresses(filepath.Join("testdata", "addresses-bad.txt"))
	if err == nil || err.Error() != `line 2: "192.0.2.300": not an address, a CIDR range or a domain name (and 2 more)` {
		t.Errorf("error %v", err)
	}
}

func TestAddressFilesAreAbsoluteAndShown(t *testing.T) {
	cfg := parse(t, "[[outbound]]\naddress_files = [\"testdata/addresses.txt\"]\n")
	abs, err := filepath.Abs("testdata/addresses.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Sources(); len(got) != 1 || got[0] != (Source{SourceFile, abs}) {
		t.Errorf("sources %v", got)
	}
	if !strings.Contains(cfg.Show(), "address_files = [\""+abs+"\"]") {
		t.Errorf("shown as\n%s", cfg.Show())
	}
}

func FuzzAddressLine(f *testing.F) {
	f.Add("192.0.2.10 # the first")
	f.Add("\t#")
	f.Fuzz(func(t *testing.T, line string) {
		word := AddressLine(line)
		if strings.Contains(word, "#") || strings.TrimSpace(word) != word {
			t.Fatalf("%q of %q", word, line)
		}
		var ts checks.Targets
		if err := ts.Add(word, "", nil); err != nil && strings.ContainsAny(shown(word)+addressFault(word, err), "\n\r\x1b") {
			t.Fatalf("%q", addressFault(word, err))
		}
	})
}

// A host that sends from thousands of addresses names each.
func TestALogMayHaveThousandsOfSources(t *testing.T) {
	text := func(n int) string {
		var b strings.Builder
		b.WriteString("[[outbound]]\naddresses = [\"198.18.0.0/15\"]\n[[maillog]]\npath = \"/var/log/mail.log\"\nsources = {")
		for i := range n {
			fmt.Fprintf(&b, "\"out%d\" = \"198.%d.%d.%d\", ", i, 18+i>>16, i>>8&255, i&255)
		}
		return strings.TrimSuffix(b.String(), ", ") + "}\n"
	}
	if cfg := parse(t, text(4000)); len(cfg.MailLogs[0].Sources) != 4000 {
		t.Errorf("%d sources, want 4000", len(cfg.MailLogs[0].Sources))
	}
	if _, err := Parse([]byte(text(maxLogSources+1)), "reputed.toml", LoadOptions{Env: env(), builtin: builtin}); err == nil || !strings.Contains(err.Error(), "more than 10000") {
		t.Errorf("one too many: %v", err)
	}
}
