package maillog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/probes"
)

func TestTimes(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	utc := func(s string) time.Time {
		if s == "" {
			return time.Time{}
		}
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for name, c := range map[string]struct {
		now, stamp string
		zone       *time.Location
		want       string
	}{
		"of this year":                     {"2026-11-30T12:00:00Z", "Nov 22 11:38:53", time.UTC, "2026-11-22T11:38:53Z"},
		"a day of one digit":               {"2026-11-30T12:00:00Z", "Nov  2 11:38:53", time.UTC, "2026-11-02T11:38:53Z"},
		"December, read in January":        {"2027-01-01T00:00:05Z", "Dec 31 23:59:59", time.UTC, "2026-12-31T23:59:59Z"},
		"January, read by a late clock":    {"2026-12-31T23:59:58Z", "Jan  1 00:00:00", time.UTC, "2027-01-01T00:00:00Z"},
		"the 29th of February":             {"2026-11-30T12:00:00Z", "Feb 29 10:00:00", time.UTC, "2024-02-29T10:00:00Z"},
		"in the zone of the log":           {"2026-11-30T12:00:00Z", "Nov 22 11:38:53", berlin, "2026-11-22T10:38:53Z"},
		"the year of the zone":             {"2026-12-31T23:30:00Z", "Jan  1 00:30:00", berlin, "2026-12-31T23:30:00Z"},
		"RFC 3339":                         {"2026-11-30T12:00:00Z", "2026-11-22T11:38:53.140570+01:00", time.UTC, "2026-11-22T10:38:53.14057Z"},
		"Exim's":                           {"2026-11-30T12:00:00Z", "2026-11-22 11:38:42", berlin, "2026-11-22T10:38:42Z"},
		"Exim's, with milliseconds":        {"2026-11-30T12:00:00Z", "2026-11-22 11:38:42.125", time.UTC, "2026-11-22T11:38:42.125Z"},
		"Exim's, with its zone":            {"2026-11-30T12:00:00Z", "2026-11-22 11:38:42.125 +0200", time.UTC, "2026-11-22T09:38:42.125Z"},
		"no month":                         {"2026-11-30T12:00:00Z", "Foo 22 11:38:53", time.UTC, ""},
		"parts of two months are no month": {"2026-11-30T12:00:00Z", "anF 22 11:38:53", time.UTC, ""},
		"no day":                           {"2026-11-30T12:00:00Z", "Nov xx 11:38:53", time.UTC, ""},
		"the 31st of a month of 30 days":   {"2026-11-30T12:00:00Z", "Sep 31 11:38:53", time.UTC, ""},
	} {
		t.Run(name, func(t *testing.T) {
			k := clock{zone: c.zone, now: utc(c.now)}
			if got, want := k.read(c.stamp), utc(c.want); !got.Equal(want) {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want entry
		ok   bool
	}{
		"traditional":            {"Nov 22 11:38:53 mx1 postfix/smtp[763]: D31A: to", entry{stamp: "Nov 22 11:38:53", host: "mx1", tag: "postfix/smtp", pid: "763", text: "D31A: to"}, true},
		"without a process id":   {"Nov 22 11:38:53 mx1 courieresmtp: id=1", entry{stamp: "Nov 22 11:38:53", host: "mx1", tag: "courieresmtp", text: "id=1"}, true},
		"with a priority":        {"<22>Nov 22 11:38:53 mx1 exim[1]: x", entry{stamp: "Nov 22 11:38:53", host: "mx1", tag: "exim", pid: "1", text: "x"}, true},
		"FreeBSD's":              {"Nov 22 11:38:53 <mail.info> mx1 sendmail[1]: x", entry{stamp: "Nov 22 11:38:53", host: "mx1", tag: "sendmail", pid: "1", text: "x"}, true},
		"RFC 3339":               {"2026-11-22T11:38:53.1+00:00 mx1 smtpd[2]: x", entry{stamp: "2026-11-22T11:38:53.1+00:00", host: "mx1", tag: "smtpd", pid: "2", text: "x"}, true},
		"RFC 5424":               {"<22>1 2026-11-22T11:38:53Z mx1.example.org postfix/smtp 763 - - D31A: to", entry{stamp: "2026-11-22T11:38:53Z", host: "mx1.example.org", tag: "postfix/smtp", pid: "763", text: "D31A: to"}, true},
		"RFC 5424, with data":    {"<22>1 2026-11-22T11:38:53Z mx1 exim - ID1 [x@1 y=\"z\"] \ufefftext", entry{stamp: "2026-11-22T11:38:53Z", host: "mx1", tag: "exim", text: "text"}, true},
		"Exim's own has none":    {"2026-11-22 11:38:42 1xV5u6-0000Bb-1I Completed", entry{}, false},
		"neither has JSON":       {`{"time":"2026-11-22T11:38:53Z"}`, entry{}, false},
		"nor a mail":             {"Received: from mx1.example.org", entry{}, false},
		"nor an mbox":            {"From kim@example.net Sun Nov 22 11:38:53 2026", entry{}, false},
		"a line that was cut":    {"Nov 22 11:38:53 mx1", entry{}, false},
		"a stamp and no program": {"Nov 22 11:38:53 mx1 -- MARK --x", entry{stamp: "Nov 22 11:38:53", host: "mx1", tag: "--", text: "MARK --x"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := header(&probes.LogLine{Text: c.line})
			if ok != c.ok || ok && got != c.want {
				t.Errorf("got %+v %t, want %+v %t", got, ok, c.want, c.ok)
			}
		})
	}
}

func TestLooks(t *testing.T) {
	for name, text := range map[string]string{
		"a mail":                   "Return-Path: <>\nReceived: from mx1.example.org\nSubject: Undelivered\n\nNov 22 11:38:53 mx1 postfix/smtp[763]: D31A: to=<kim@example.net>\n",
		"an mbox":                  "From kim@example.net Sun Nov 22 11:38:53 2026\nSubject: x\n\nbody\n",
		"a log of something else":  "Nov 22 11:38:53 mx1 kernel: eth0 up\nNov 22 11:38:54 mx1 cron[1]: run\n",
		"JSON of something else":   `{"level":"info","msg":"started"}` + "\n",
		"nothing":                  "",
		"a log quoted in a letter": "Dear postmaster,\nsee\nNov 22 11:38:53 mx1 postfix/smtp[763]: D31A: to=<kim@example.net>\nthank you\n",
	} {
		if Looks([]byte(text)) {
			t.Errorf("%s is taken for a log", name)
		}
	}
	files, _ := filepath.Glob("testdata/*.log")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !Looks(text[:len(text)/2]) {
			t.Errorf("half of %s is not taken for a log", file)
		}
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	r := New(options(nil))
	reply := strings.Repeat(`550 5.7.1 "no" \ `, 80)
	for i := range 3_000 {
		lines := linesOf(fmt.Sprintf("Nov 24 09:00:00 mx1 postfix/cleanup[1]: Q%06d: message-id=<%d@%s.example>\nNov 24 09:00:00 mx1 postfix/smtp[1]: Q%06d: to=<u%d@example.net>, relay=mx.example.net[198.51.100.7]:25, delay=1, dsn=4.0.0, status=deferred (host mx.example.net[198.51.100.7] said: %s)",
			i, i, strings.Repeat("x", 200), i, i, reply))
		if got := r.Read(lines); len(got) != 1 || got[0].MessageID == "" {
			t.Fatalf("mail %d: %+v", i, got)
		}
	}
	if n := len(r.State()); n > 1<<20 || n < 100<<10 {
		t.Errorf("state of %d bytes", n)
	}
	// The latest are the ones that are kept.
	got := r.Read(linesOf("Nov 24 09:00:01 mx1 postfix/qmgr[1]: Q002999: from=<news@example.org>, status=expired, returned to sender"))
	if len(got) != 1 || !got[0].Final || got[0].Recipient != "u2999@example.net" {
		t.Errorf("the latest was forgotten: %+v", got)
	}
}

func TestABadStateIsRefused(t *testing.T) {
	for _, state := range []string{"{", `{"version":99,"notes":[{"k":"x"}]}`} {
		r := New(options(nil))
		if err := r.Restore([]byte(state)); err == nil || !strings.Contains(err.Error(), "state of a log reader") {
			t.Errorf("%s: %v", state, err)
		}
		if r.State() != nil {
			t.Errorf("%s left something behind", state)
		}
	}
}

func TestAFormatThatIsNamed(t *testing.T) {
	const renamed = "Nov 24 09:00:00 mx1 outgoing[1]: 6AMBf9jg001380: to=<kim@example.net>, delay=00:00:01, mailer=esmtp, relay=mx.example.net. [198.51.100.7], dsn=2.0.0, stat=Sent (Ok)"
	for format, want := range map[Format]int{Auto: 0, Sendmail: 1, Postfix: 0, Exim: 0} {
		opt := options(nil)
		opt.Format = format
		if got := New(opt).Read(linesOf(renamed)); len(got) != want {
			t.Errorf("format %q: %d events, want %d", format, len(got), want)
		}
	}
}
