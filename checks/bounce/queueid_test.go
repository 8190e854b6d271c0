package bounce

import "testing"

func TestQueueID(t *testing.T) {
	notice := func(subject, status, received string) []byte {
		return []byte("From: MAILER-DAEMON@mx1.example.org\nSubject: " + subject + "\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n" +
			"--b\n\nkim@example.net: not delivered\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx1.example.org\n" + status +
			"\nFinal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.1.1\n\n--b\nContent-Type: message/rfc822\n\n" + received + "Subject: hello\n\nhello\n--b--\n")
	}
	const other = "Received: from a by relay.example.com (Postfix) id 4XYZ; Sun, 22 Nov 2026 11:38:40 +0000\n"
	for name, c := range map[string]struct{ subject, status, received, want string }{
		"Postfix says it":                    {"Undelivered Mail Returned to Sender", "X-Postfix-Queue-ID: D31A032F\n", other, "D31A032F"},
		"Postfix under another name":         {"Undelivered Mail Returned to Sender", "X-Outbound-Queue-ID: 4dGhJk1LmNz\n", "", "4dGhJk1LmNz"},
		"Exim's own Received line":           {"Mail delivery failed", "", "Received: from [192.0.2.10] (helo=app)\n\tby mx1.example.org with esmtp (Exim 4.96)\n\t(envelope-from <a@example.org>)\n\tid 1xV5u6-0000Bb-1I\n\tfor kim@example.net; Sun, 22 Nov 2026 11:38:40 +0000\n" + other, "1xV5u6-0000Bb-1I"},
		"Exim's warning":                     {"Warning: message 1xV5u6-0000Bb-1I delayed 24 hours", "", "", "1xV5u6-0000Bb-1I"},
		"Sendmail":                           {"Returned mail: see transcript for details", "", "Received: from app (app [192.0.2.9])\n\tby mx1.example.org (8.17.1.9/8.17.1.9) with ESMTP id 6AMBf9jg001383\n\tfor <kim@example.net>; Sun, 22 Nov 2026 11:38:40 GMT\n", "6AMBf9jg001383"},
		"OpenSMTPD":                          {"Delivery status notification: failed", "", "Received: from localhost (mx1.example.org [local])\n\tby mx1.example.org (OpenSMTPD) with ESMTPA id 4ac79b1f\n\tfor <kim@example.net>;\n\tSun, 22 Nov 2026 11:38:40 +0000 (UTC)\n", "4ac79b1f"},
		"Courier's stands behind the date":   {"NOTICE: mail delivery status.", "", "Received: from app (app [::ffff:192.0.2.9])\n  by mx1.example.org with ESMTP; Sun, 22 Nov 2026 11:38:40 +0000\n  id 00000000000B0B76.000000006565\n", "00000000000B0B76.000000006565"},
		"another host's id is not ours":      {"Mail delivery failed", "", other, ""},
		"an id in a comment is none":         {"Mail delivery failed", "", "Received: from a (id x) by mx1.example.org (id 77); Sun, 22 Nov 2026 11:38:40 +0000\n", ""},
		"nothing that came back, nothing":    {"Mail delivery failed", "", "", ""},
		"a subject about some other message": {"Warning: message too large delayed", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := Parse(notice(c.subject, c.status, c.received), ParseOptions{})
			if len(r.Bounces) != 1 || r.Bounces[0].QueueID != c.want {
				t.Errorf("got %+v, want queue id %q", r.Bounces, c.want)
			}
		})
	}
}
