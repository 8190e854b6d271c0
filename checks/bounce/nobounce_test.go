package bounce

import "testing"

// noBounces are mails that look like notices of failed delivery and are none.
var noBounces = map[string]struct {
	mail string
	kind Kind
}{
	"a read receipt (RFC 8098)": {
		"From: Kim <kim@example.net>\nTo: news@example.org\nSubject: Read: November\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nYour message was read on Sunday.\n\n--b\nContent-Type: message/disposition-notification\n\nReporting-UA: mail.example.net\nFinal-Recipient: rfc822;kim@example.net\nOriginal-Message-ID: <1@example.org>\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--b--\n", KindOther},
	"a read receipt that begins with its recipient": {
		"From: postmaster@example.net\nTo: news@example.org\nSubject: Not read: November\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nYour message to kim@example.net was deleted without being read.\n\n--b\nContent-Type: message/disposition-notification\n\nFinal-recipient: RFC822; kim@example.net\nDisposition: automatic-action/MDN-sent-automatically; deleted\n\n--b--\n", KindOther},
	"a parcel that was not delivered": {
		"From: Parcel Service <noreply@parcels.example.com>\nTo: news@example.org\nSubject: Delivery failed: we will try again tomorrow\n\nDear customer,\n\nyour parcel 12345 could not be delivered today. The following address was not found by our driver:\n\nMain Street 500, Springfield\n\nYour Parcel Service\n", KindOther},
	"a person who asks about a bounce": {
		"From: Lee <lee@example.com>\nTo: postmaster@example.org\nSubject: Re: mail to you bounced?\n\nHello,\n\nyesterday my mail to you was returned: 550 5.7.1 rejected. Can you look into it?\n\nOn Saturday kim@example.net wrote:\n> my mails get lost too\n\nLee\n", KindOther},
	"a newsletter about deliverability": {
		"From: Deliverability Weekly <news@example.com>\nTo: postmaster@example.org\nSubject: Why bounced mail matters\nList-Unsubscribe: <https://example.com/u>\n\nA bounce says that a mail could not be delivered. \"550 5.1.1 user unknown\" is\nthe most frequent one; \"blocked using zen.spamhaus.org\" the most annoying.\n", KindOther},
	"somebody away, with his own address": {
		"From: Kim <kim@example.net>\nTo: news@example.org\nSubject: Automatic reply: November\nAuto-Submitted: auto-replied\nX-Auto-Response-Suppress: All\n\nI am out of the office until Monday. Please write to lee@example.net.\n", KindAutoReply},
	"a ticket system's confirmation": {
		"From: Support <support@example.net>\nTo: news@example.org\nSubject: [#500] We received your request\nAuto-Submitted: auto-replied\nPrecedence: bulk\n\nThank you. Your message was received and has the number 500. Do not reply to it,\nas replies to this address cannot be delivered.\n", KindAutoReply},
	"a report of TLS (RFC 8460)": {
		"From: tls-reports@example.net\nTo: tlsrpt@example.org\nSubject: Report Domain: example.org Submitter: example.net Report-ID: <1@example.net>\nContent-Type: multipart/report; report-type=tlsrpt; boundary=b\n\n--b\n\nThis is an aggregate TLS report from example.net.\n\n--b\nContent-Type: application/tlsrpt+gzip\nContent-Transfer-Encoding: base64\n\nH4sIAAAA\n\n--b--\n", KindOther},
	"a report of DMARC (RFC 7489)": {
		"From: dmarc-noreply@example.net\nTo: dmarc@example.org\nSubject: Report domain: example.org Submitter: example.net Report-ID: 1\nContent-Type: application/zip; name=example.net!example.org!1!2.zip\nContent-Transfer-Encoding: base64\n\nUEsDBAoAAAAA\n", KindOther},
	"the output of a job about a mail queue": {
		"From: root@mx1.example.org (Cron Daemon)\nTo: root@example.org\nSubject: Cron <root@mx1> mailq | head\nAuto-Submitted: auto-generated\n\n4XYZ 1820 Sun Nov 22 11:38:40 news@example.org\n (host mx1.example.net[198.51.100.7] said: 450 4.7.1 try again)\n    kim@example.net\n", KindOther},
	"a success report of words alone": {
		"From: Mail Delivery System <MAILER-DAEMON@mx1.example.org>\nTo: news@example.org\nSubject: Successful Mail Delivery Report\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nYour message was successfully delivered to the destination listed below.\n\n<kim@example.net>: delivery via mx1.example.net[198.51.100.7]:25: 250 2.0.0 Ok\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx1.example.org\n\nFinal-Recipient: rfc822; kim@example.net\nAction: relayed (to non-DSN-aware mailer)\nStatus: 2.0.0\n\n--b--\n", KindSuccess},
	"a mail of one's own administrator": {
		"From: postmaster@example.org\nTo: news@example.org\nSubject: Maintenance of the mail system on Sunday\n\nHello,\n\nfrom 10 to 12 no mail will be delivered. Mail that arrives meanwhile is not lost.\n", KindOther},
	"a question whether one is a human": {
		"From: kim@example.net\nTo: news@example.org\nSubject: Please confirm your message to kim@example.net\nAuto-Submitted: auto-replied\n\nYour message has not yet been delivered. To deliver it, click https://example.net/confirm.\n", KindAutoReply},
	"an invitation that was declined": {
		"From: Kim <kim@example.net>\nTo: news@example.org\nSubject: Declined: Meeting\nContent-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR\n", KindOther},
}

func TestNoBounces(t *testing.T) {
	rules := builtinRules(t)
	for name, c := range noBounces {
		t.Run(name, func(t *testing.T) {
			r := Parse([]byte(c.mail), ParseOptions{Rules: rules})
			if r.Kind != c.kind {
				t.Errorf("kind %s, want %s: %+v", r.Kind, c.kind, r.Bounces)
			}
		})
	}
}
