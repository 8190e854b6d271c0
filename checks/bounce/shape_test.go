package bounce

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestShape(t *testing.T) {
	for in, want := range map[string]string{
		"550 5.7.1 <kim@example.net>: Recipient unknown":                                              "550 5.7.1 <{mail}>: Recipient unknown",
		"554-mx1.example.net\n554 Go away, 192.0.2.10!":                                               "554 {host} Go away, {ip}!",
		"421 4.7.0 [TSS04] Messages from 192.0.2.10 deferred - 4.16.55.1":                             "421 4.7.0 [TSS04] Messages from {ip} deferred - {ip}",
		"550 5.7.1 (S3140). See https://mail.example/help?id=12345 [mx.example.net 2026-11-22T11:38]": "550 5.7.1 (S3140). See {url} [{host} {n}]",
		"451 try again at Sun, 22 Nov 2026 11:38:53 +0000 please":                                     "451 try again at {n}, please",
		"550 blocked [192.0.2.10      15] our id 3F4A0BC91D":                                          "550 blocked [{ip} {n}] our id {n}",
		"host mx1.example.net[198.51.100.7]:25 said":                                                  "host {host}[{ip}]:{n} said",
		"550 [2001:db8::25] has no PTR":                                                               "550 [{ip}] has no PTR",
		"550 IP=192.0.2.10 - None/bad reputation":                                                     "550 IP={ip} - None/bad reputation",
		"552 size 12345 is over 10485760 bytes":                                                       "552 size {n} is over {n} bytes",
		"":                                                                                            "",
	} {
		if got := Shape(in); got != want {
			t.Errorf("Shape(%q):\ngot  %q\nwant %q", in, got, want)
		}
	}
}

// A wording with other addresses, hosts, ids and times in it has the same shape.
func TestShapeOfOneWording(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fill := func(label string) string {
			user := rapid.StringMatching(`[a-z]{1,8}(\.[a-z0-9]{1,5})?(\+[a-z0-9]{1,4})?`).Draw(t, label+" user")
			host := rapid.StringMatching(`[a-z][a-z0-9-]{0,8}[a-z0-9](\.[a-z]{2,8}){1,2}`).Draw(t, label+" host")
			addr := rapid.OneOf(rapid.StringMatching(`(1[0-9]{2}|[1-9][0-9])(\.(1[0-9]{2}|[1-9][0-9])){3}`), rapid.StringMatching(`2001:db8(:[0-9a-f]{1,4}){2}::[0-9a-f]{1,4}`)).Draw(t, label+" address")
			id := rapid.StringMatching(`[0-9][0-9A-F]{8,12}`).Draw(t, label+" id")
			clock := rapid.StringMatching(`2[0-9]{3}-1[0-2]-[12][0-9]T1[0-9]:[0-5][0-9]:[0-5][0-9]Z`).Draw(t, label+" time")
			return fmt.Sprintf("550 5.7.1 <%s@%s>: host %s [%s] is not welcome (id=%s) since %s, see https://%s/?q=%s", user, host, host, addr, id, clock, host, addr)
		}
		a, b := Shape(fill("a")), Shape(fill("b"))
		if a != b {
			t.Fatalf("two shapes of one wording:\n%q\n%q", a, b)
		}
	})
}

func FuzzShape(f *testing.F) {
	f.Add("550 5.7.1 <kim@example.net>: host mx1.example.net [192.0.2.10] id=3F4A, ::1 {ip}")
	f.Fuzz(func(t *testing.T, text string) {
		once := Shape(text)
		if again := Shape(once); again != once {
			t.Errorf("not idempotent:\n%q\n%q\n%q", text, once, again)
		}
		if strings.ContainsAny(once, "\n\r\x1b\x00") {
			t.Errorf("control characters in %q", once)
		}
		if strings.Contains(once, "@") && !strings.Contains(text, "…") {
			for _, w := range strings.Fields(once) {
				if a := firstAddress(w); a != "" {
					t.Errorf("an address is left in %q: %q", once, a)
				}
			}
		}
	})
}
