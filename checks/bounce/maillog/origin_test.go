package maillog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOrigin(t *testing.T) {
	const to = ": to=<kim@example.net>, relay=mx.example.net[198.51.100.7]:25, delay=1, dsn=2.0.0, status=sent (250 ok)\n"
	const postfix = "Nov 24 09:00:00 mx1 postfix/"
	for name, c := range map[string]struct {
		log  string
		want Origin
	}{
		"Postfix: who has signed in": {
			postfix + "submission/smtpd[7]: 4Rab12C: client=pc.Example.ORG[192.0.2.80], sasl_method=PLAIN, sasl_username=lea@example.org\n" +
				postfix + "qmgr[8]: 4Rab12C: from=<Info@Example.org>, size=900, nrcpt=1 (queue active)\n" + postfix + "smtp[9]: 4Rab12C" + to,
			Origin{"Info@example.org", "lea@example.org", "pc.example.org [192.0.2.80]"},
		},
		"Postfix: a program on this machine": {
			postfix + "pickup[7]: 4Rab12C: uid=33 from=<www-data>\n" +
				postfix + "qmgr[8]: 4Rab12C: from=<www-data@www.example.org>, size=900, nrcpt=1 (queue active)\n" + postfix + "smtp[9]: 4Rab12C" + to,
			Origin{"www-data@www.example.org", "", "user www-data (uid 33)"},
		},
		"Postfix: through a filter that hands the mail back": {
			postfix + "smtpd[7]: 4Rab12C: client=unknown[192.0.2.80], sasl_method=LOGIN, sasl_username=lea\n" +
				postfix + "qmgr[8]: 4Rab12C: from=<lea@example.org>, size=900, nrcpt=1 (queue active)\n" +
				postfix + "smtpd[5]: 4Rab12D: client=localhost[127.0.0.1]\n" +
				postfix + "qmgr[8]: 4Rab12D: from=<lea@example.org>, size=990, nrcpt=1 (queue active)\n" +
				postfix + "smtp[9]: 4Rab12C: to=<kim@example.net>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4Rab12D)\n" +
				postfix + "qmgr[8]: 4Rab12C: removed\n" + postfix + "smtp[9]: 4Rab12D" + to,
			Origin{"lea@example.org", "lea", "192.0.2.80"},
		},
		"Postfix: a bounce of our own has no sender": {
			postfix + "qmgr[8]: 4Rab12C: from=<>, size=900, nrcpt=1 (queue active)\n" + postfix + "smtp[9]: 4Rab12C" + to,
			Origin{},
		},
		"Exim: who has signed in": {
			"2026-11-24 09:00:00 1xVaa1-0000Bb-1I <= info@example.org H=pc.example.org (laptop) [192.0.2.80]:1025 P=esmtpsa X=TLS1.3 A=plain_login:lea@example.org S=2048 id=a@example.org\n" +
				"2026-11-24 09:00:01 1xVaa1-0000Bb-1I => kim@example.net R=dnslookup T=remote_smtp H=mx.example.net [198.51.100.7] C=\"250 ok\"\n",
			Origin{"info@example.org", "lea@example.org", "pc.example.org [192.0.2.80]"},
		},
		"Exim: a program on this machine": {
			"2026-11-24 09:00:00 1xVaa1-0000Bb-1I <= www-data@www.example.org U=www-data P=local S=2048\n" +
				"2026-11-24 09:00:01 1xVaa1-0000Bb-1I => kim@example.net R=dnslookup T=remote_smtp H=mx.example.net [198.51.100.7] C=\"250 ok\"\n",
			Origin{"www-data@www.example.org", "", "user www-data"},
		},
		"Sendmail: who connected": {
			"Nov 24 09:00:00 mx1 sm-mta[7]: 5AO900aB001: from=<lea@example.org>, size=900, class=0, nrcpts=1, msgid=<a@example.org>, proto=ESMTP, daemon=MTA, relay=pc.example.org [192.0.2.80]\n" +
				"Nov 24 09:00:01 mx1 sm-mta[8]: 5AO900aB001: to=<kim@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=120, relay=mx.example.net. [198.51.100.7], dsn=2.0.0, stat=Sent (ok)\n",
			Origin{"lea@example.org", "", "pc.example.org [192.0.2.80]"},
		},
		"JSON": {
			`{"time":"2026-11-24T09:00:00Z","action":"delivered","to":"kim@example.net","from":"lea@example.org","login":"lea","client":"192.0.2.80"}` + "\n",
			Origin{"lea@example.org", "lea", "192.0.2.80"},
		},
		"hostile": {
			postfix + "smtpd[7]: 4Rab12C: client=evil\x1b[2J[192.0.2.80], sasl_method=PLAIN, sasl_username=a\x1b]0;b\n" + postfix + "smtp[9]: 4Rab12C" + to,
			Origin{"", "a ]0;b", "evil"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			events := New(options(nil)).Read(linesOf(c.log))
			if len(events) != 1 {
				t.Fatalf("got %d events, want 1: %+v", len(events), events)
			}
			if d := cmp.Diff(c.want, events[0].Origin); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}
