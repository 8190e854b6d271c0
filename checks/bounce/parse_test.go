package bounce

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
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
		"10,000 parts in parts":   {nested(10_000), "more than 200 parts"},
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

// Work that is proportional to the mail allocates in proportion: four times the
// mail may not cost more than about four times the memory, whatever its shape,
// and 60 MB of it stay below 100 MB.
func TestMemoryIsLinear(t *testing.T) {
	rules := builtinRules(t)
	status := "From: MAILER-DAEMON@example.org\nSubject: failure notice\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; "
	for name, c := range map[string]struct{ head, unit string }{
		"one endless line":            {"From: a@example.org\nSubject: failure notice\n\n", "550 5.7.1 <kim@example.net> said: "},
		"one endless header":          {"Subject: ", "=?utf-8?q?=C3=A9?= "},
		"header fields":               {"", "Received: from a by b id c; x\n"},
		"parts":                       {"Content-Type: multipart/mixed; boundary=b\n\n", "--b\nContent-Type: multipart/mixed; boundary=missing\n\nx\n"},
		"blank lines":                 {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n", "\n\n\n\n"},
		"a diagnostic without an end": {status, "550-5.7.1 no 550-5.7.1 no\n "},
		"base64":                      {"Content-Transfer-Encoding: base64\n\n", "NTUwIDUuNy4xIG5vCg=="},
		"quoted-printable":            {"Content-Transfer-Encoding: quoted-printable\n\n", "=35=35=30 =\n"},
		"html":                        {"From: MAILER-DAEMON\nContent-Type: text/html\n\n", "<p><b>550 no</b><br>"},
		"NUL bytes":                   {"From: MAILER-DAEMON\nSubject: failure notice\n\n", "\x00\x00\x00\x00"},
		"bare carriage returns":       {"From: MAILER-DAEMON\nSubject: failure notice\n\n", "\r\rx"},
	} {
		t.Run(name, func(t *testing.T) {
			cost := func(size int) uint64 {
				raw := []byte(c.head + strings.Repeat(c.unit, (size-len(c.head))/len(c.unit)))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				Parse(raw, ParseOptions{Rules: rules, MaxBytes: 2 * size})
				runtime.ReadMemStats(&after)
				return after.TotalAlloc - before.TotalAlloc
			}
			small, large := cost(2<<20), cost(8<<20)
			if large > 5*small || large > 100<<20*8/60 {
				t.Errorf("2 MiB took %d bytes of memory, 8 MiB %d", small, large)
			}
		})
	}
}

// FuzzDSN reads anything as the delivery-status part of a report (RFC 3464).
func FuzzDSN(f *testing.F) {
	f.Add("Reporting-MTA: dns; mx1.example.org\nX-Postfix-Queue-ID: 1A\n\nFinal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.7.1 (no)\nRemote-MTA: dns; mx1.example.net [198.51.100.7]\nDiagnostic-Code: smtp; 550-5.7.1 a\n 550 5.7.1 b\n")
	f.Add("Action: delayed\nFinal-Recipient: <a+40example.net>\nStatus: 4.4.7\n\nFinal-Recipient: utf-8; j\\x{F6}rg@example.net\nX-Supplementary-Info: <mx #5.1.1 smtp;550 no>\n")
	rules := builtinRules(f)
	f.Fuzz(func(t *testing.T, status string) {
		d := readDSN(unify([]byte("\n"+status), discard{}))
		if len(d.blocks) > maxBounces {
			t.Errorf("%d recipients", len(d.blocks))
		}
		mail := "From: MAILER-DAEMON@mx1.example.org\nContent-Type: message/delivery-status\n\n" + status
		r := Parse([]byte(mail), ParseOptions{Rules: rules})
		for _, b := range r.Bounces {
			if b.Action != Failed && b.Action != Delayed {
				t.Errorf("a bounce with action %q", b.Action)
			}
			if strings.ContainsAny(b.Recipient+b.QueueID+b.ReportingHost+b.RemoteHost+b.Diagnostic.Text+b.Diagnostic.Status, "\n\r\x1b\x00") {
				t.Errorf("control characters in %+v", b)
			}
		}
	})
}

// FuzzFeedback reads anything as a feedback report (RFC 5965).
func FuzzFeedback(f *testing.F) {
	f.Add("Feedback-Type: abuse\nUser-Agent: a/1\nVersion: 1\nSource-IP: 192.0.2.10\nOriginal-Rcpt-To: <kim@example.net>\nArrival-Date: Sun, 22 Nov 2026 11:38:40 +0000\nReported-Domain: example.org\n", "From: news@example.org\nMessage-ID: <1@example.org>\n")
	f.Add("Feedback-Type: auth-failure\nAuth-Failure: dmarc\nSource-IP: [IPv6:2001:db8::25]\n", "")
	f.Fuzz(func(t *testing.T, report, returned string) {
		mail := "From: fbl@example.net\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n" + report + "\n--b\nContent-Type: text/rfc822-headers\n\n" + returned + "\n--b--\n"
		r := Parse([]byte(mail), ParseOptions{})
		c := r.Complaint
		if strings.ContainsAny(c.Type+c.Reporter+c.MessageID+c.Recipient+c.Domain+c.URL, "\n\r\x1b\x00") {
			t.Errorf("control characters in %+v", c)
		}
		if len(r.Bounces) > 0 && r.Kind != KindBounce {
			t.Errorf("kind %s with bounces", r.Kind)
		}
	})
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
