package bounce

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// seeds are the fixtures, by name.
func seeds(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	m := map[string][]byte{}
	for _, n := range names {
		data, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		m[filepath.Base(n)] = data
	}
	return m
}

func TestGolden(t *testing.T) {
	rules := builtinRules(t)
	for name, raw := range seeds(t) {
		t.Run(name, func(t *testing.T) {
			r := Parse(raw, ParseOptions{Rules: rules, Received: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)})
			got, err := json.MarshalIndent(r, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			golden := filepath.Join("testdata", strings.TrimSuffix(name, ".eml")+".json")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v; write it with -update and read it", err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// crlf ends every line as it travels over the wire.
func crlf(raw []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
}

func TestLineEndsMakeNoDifference(t *testing.T) {
	for name, raw := range seeds(t) {
		lf, wire := Parse(raw, ParseOptions{}), Parse(crlf(raw), ParseOptions{})
		if !reflect.DeepEqual(lf, wire) {
			t.Errorf("%s: %s", name, cmp.Diff(lf, wire, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })))
		}
		mbox := Parse(append([]byte("From MAILER-DAEMON Sun Nov 22 11:38:53 2026\n"), raw...), ParseOptions{})
		if !reflect.DeepEqual(lf, mbox) {
			t.Errorf("%s: an mbox line on top changes the report", name)
		}
	}
}

func TestEveryBeginningIsReadable(t *testing.T) {
	raw := seeds(t)["postfix-greeting.eml"]
	if raw == nil {
		t.Fatal("no fixture")
	}
	rules := builtinRules(t)
	found := -1
	for n := range raw {
		r := Parse(raw[:n], ParseOptions{Rules: rules, Cut: true})
		if !r.Cut {
			t.Fatalf("cut at %d: not marked", n)
		}
		if found < 0 && len(r.Bounces) == 1 && r.Bounces[0].Judgement.Rule == "talos-banner" {
			found = n
		}
	}
	if found < 0 || found > len(raw)*2/3 {
		t.Errorf("the refusal is known from byte %d of %d on, want it before the returned message", found, len(raw))
	}
}

// nested builds a mail of depth multiparts within multiparts.
func nested(depth int) []byte {
	var b bytes.Buffer
	b.WriteString("From: a@example.org\nSubject: deep\n")
	for i := range depth {
		b.WriteString("Content-Type: multipart/mixed; boundary=\"b" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + "\"\n\n--b" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + "\n")
	}
	b.WriteString("Content-Type: text/plain\n\nhello\n")
	return b.Bytes()
}

func TestHostileMailsStayCheap(t *testing.T) {
	many := bytes.NewBufferString("From: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n")
	for range 5000 {
		many.WriteString("--b\nContent-Type: text/plain\n\nx\n")
	}
	recipients := bytes.NewBufferString("From: MAILER-DAEMON@example.org\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx1.example.org\n\n")
	for range 20000 {
		recipients.WriteString("Final-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.0.0\n\n")
	}
	for name, c := range map[string]struct {
		raw     []byte
		trouble string
	}{
		"1,000 parts in parts":    {nested(1000), "deeper than 10"},
		"5,000 parts in a row":    {many.Bytes(), "more than 200 parts"},
		"20,000 recipients":       {recipients.Bytes(), "more than 1000"},
		"an endless line":         {[]byte("From: a@example.org\n\n" + strings.Repeat("a@", 500_000)), ""},
		"an endless header":       {[]byte("Subject: " + strings.Repeat("=?utf-8?q?a?= ", 70_000) + "\n\nx"), ""},
		"a flood of fields":       {[]byte(strings.Repeat("Received: from a by b; x\n", 40_000) + "\nx"), ""},
		"nothing but colons":      {bytes.Repeat([]byte(":"), 1<<20), ""},
		"nothing but NUL":         {make([]byte, 1<<20), ""},
		"dashes":                  {append([]byte("Content-Type: multipart/mixed; boundary=\"-\"\n\n"), bytes.Repeat([]byte("---\n"), 200_000)...), ""},
		"a boundary of nothing":   {[]byte("Content-Type: multipart/mixed; boundary=\"\"\n\n--\n--\n"), ""},
		"digits and dots":         {append([]byte("From: MAILER-DAEMON\nSubject: failure notice\n\n<kim@example.net>:\n550 "), bytes.Repeat([]byte("1.2.3.4 "), 100_000)...), ""},
		"a base64 that is none":   {[]byte("From: postmaster@example.net\nSubject: failure\nContent-Transfer-Encoding: base64\n\n550 5.1.1 <kim@example.net>: User unknown, said the server!!\n"), ""},
		"a charset that is none":  {[]byte("From: postmaster@example.net\nSubject: failure\nContent-Type: text/plain; charset=martian\n\n\xff\xfe\n"), ""},
		"empty":                   {nil, "empty"},
		"no header":               {[]byte("hello there\n"), "no header"},
		"quoted-printable, mean":  {[]byte("Content-Transfer-Encoding: quoted-printable\n\n" + strings.Repeat("=", 300_000)), ""},
		"replies without an end":  {append([]byte("From: MAILER-DAEMON\nSubject: failure notice\n\n<kim@example.net>:\n"), bytes.Repeat([]byte("host x said: "), 80_000)...), ""},
		"many addresses in lines": {append([]byte("From: MAILER-DAEMON\nSubject: failure notice\n\n"), bytes.Repeat([]byte("<kim@example.net>: 550 no\n<joe@example.net>: 550 no\n"), 20_000)...), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := Parse(c.raw, ParseOptions{Rules: builtinRules(t)})
			if !strings.Contains(r.Trouble, c.trouble) {
				t.Errorf("trouble %q, want %q", r.Trouble, c.trouble)
			}
			if len(r.Bounces) > maxBounces {
				t.Errorf("%d bounces", len(r.Bounces))
			}
		})
	}
}

func TestHugeMailIsCut(t *testing.T) {
	head := seeds(t)["postfix-greeting.eml"]
	raw := make([]byte, 60<<20)
	copy(raw, head)
	for i := len(head); i < len(raw); i++ {
		raw[i] = "abcdefgh\n"[i%9]
	}
	var r Report
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			r = Parse(raw, ParseOptions{Rules: builtinRules(b)})
		}
	}).AllocedBytesPerOp()
	if !r.Cut || len(r.Bounces) != 1 {
		t.Errorf("cut %v, %d bounces", r.Cut, len(r.Bounces))
	}
	if allocated > 8<<20 {
		t.Errorf("60 MB of mail took %d bytes of memory, want a few times the 1 MiB that is read", allocated)
	}
}

func FuzzParse(f *testing.F) {
	for _, raw := range seeds(f) {
		f.Add(raw)
	}
	f.Add(nested(12))
	rules := builtinRules(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := Parse(raw, ParseOptions{Rules: rules})
		for _, b := range r.Bounces {
			if strings.ContainsAny(b.Diagnostic.Text+b.Recipient+b.RemoteHost+b.MessageID+b.Sender+r.Subject, "\n\r\x1b\x00") {
				t.Errorf("control characters in %+v", b)
			}
			if b.Action != Failed && b.Action != Delayed {
				t.Errorf("a bounce with action %q", b.Action)
			}
		}
		if (r.Kind == KindBounce) != (len(r.Bounces) > 0) {
			t.Errorf("kind %s with %d bounces", r.Kind, len(r.Bounces))
		}
		if !bytes.ContainsRune(raw, '\r') {
			if wire := Parse(crlf(raw), ParseOptions{Rules: rules, MaxBytes: 2 * DefaultMaxBytes}); !r.Cut && !reflect.DeepEqual(r, wire) {
				t.Errorf("line ends make a difference: %s", cmp.Diff(r, wire, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })))
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	rules := builtinRules(b)
	for _, name := range []string{"postfix-greeting.eml", "exim-rcpt.eml", "sendmail-transcript.eml", "ordinary.eml"} {
		raw := seeds(b)[name]
		b.Run(strings.TrimSuffix(name, ".eml"), func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				Parse(raw, ParseOptions{Rules: rules})
			}
		})
	}
}

func BenchmarkClassify(b *testing.B) {
	rules := builtinRules(b)
	d, _ := diagnose("554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org; https://check.spamhaus.org/query/ip/192.0.2.10")
	b.ReportAllocs()
	for b.Loop() {
		rules.Classify(d, "mx1.example.net")
	}
}
