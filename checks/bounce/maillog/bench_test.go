package maillog

import (
	"fmt"
	"strings"
	"testing"

	"reputed/probes"
)

// run reads the lines over and over and reports lines a second.
func run(b *testing.B, opt Options, lines []probes.LogLine) {
	r := New(opt)
	r.Read(lines)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r.Read(lines)
		n += len(lines)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkOtherLines reads what is nobody's business: other programs, and the
// parts of a mail server that deliver nothing.
func BenchmarkOtherLines(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&text, "Nov 24 09:%02d:%02d mx1 postfix/smtpd[%d]: connect from client%d.example.org[192.0.2.%d]\n", i/60%60, i%60, 700+i, i, i%250)
		case 1:
			fmt.Fprintf(&text, "Nov 24 09:%02d:%02d mx1 dovecot: imap-login: Login: user=<u%d>, method=PLAIN, rip=192.0.2.%d, lip=192.0.2.1, mpid=%d, TLS, session=<abc%d>\n", i/60%60, i%60, i, i%250, i, i)
		case 2:
			fmt.Fprintf(&text, "2026-11-24T09:%02d:%02d.123456+00:00 mx1 opendkim[%d]: 4Rab%02dC: DKIM-Signature field added (s=s1, d=example.org)\n", i/60%60, i%60, i, i%100)
		default:
			fmt.Fprintf(&text, "Nov 24 09:%02d:%02d mx1 kernel: [%d.%06d] eth0: link up\n", i/60%60, i%60, i, i)
		}
	}
	run(b, options(nil), linesOf(text.String()))
}

// mails is the log of a thousand mails that were delivered.
func mails() []probes.LogLine {
	var text strings.Builder
	for i := range 1000 {
		at := fmt.Sprintf("Nov 24 09:%02d:%02d mx1 postfix", i/60%60, i%60)
		fmt.Fprintf(&text, "%s/cleanup[701]: 4Rab%05d: message-id=<m.%d@news.example.org>\n", at, i, i)
		fmt.Fprintf(&text, "%s/qmgr[650]: 4Rab%05d: from=<news@example.org>, size=2048, nrcpt=1 (queue active)\n", at, i)
		fmt.Fprintf(&text, "%s/smtp[710]: 4Rab%05d: to=<u%d@example.net>, relay=mx%d.example.net[198.51.100.8]:25, delay=1.9, delays=0.1/0/1.2/0.6, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 88F1)\n", at, i, i, i%9)
		fmt.Fprintf(&text, "%s/qmgr[650]: 4Rab%05d: removed\n", at, i)
	}
	return linesOf(text.String())
}

func BenchmarkDeliveries(b *testing.B) { run(b, options(builtinRules(b)), mails()) }

// refusals is the log of a thousand tries that were refused.
func refusals() []probes.LogLine {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "Nov 24 09:%02d:%02d mx1 postfix/smtp[763]: 4Rab%05d: to=<u%d@example.net>, relay=mx1.example.net[198.51.100.7]:25, delay=0.02, delays=0.01/0.01/0/0, dsn=4.0.0, status=deferred (host mx1.example.net[198.51.100.7] refused to talk to me: 554-mx1.example.net 554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means.)\n", i/60%60, i%60, i, i)
	}
	return linesOf(text.String())
}

// BenchmarkRefusals reads them without judging.
func BenchmarkRefusals(b *testing.B) { run(b, options(nil), refusals()) }

func BenchmarkRefusalsJudged(b *testing.B) { run(b, options(builtinRules(b)), refusals()) }

// BenchmarkState encodes a full memory.
func BenchmarkState(b *testing.B) {
	r := New(options(nil))
	for i := range 10 {
		lines := refusals()
		for j := range lines {
			lines[j].Text = strings.Replace(lines[j].Text, "4Rab", fmt.Sprintf("4Ra%c", 'c'+i), 1)
		}
		r.Read(lines)
	}
	n := 0
	for b.Loop() {
		n = len(r.State())
	}
	b.ReportMetric(float64(n), "bytes")
}
