package bounce

import "testing"

func TestPlainComplaints(t *testing.T) {
	for name, c := range map[string]struct{ mail, source, reporter string }{
		"SpamCop, one report":  {"From: 1234@reports.spamcop.net\nSubject: [SpamCop (192.0.2.10) id:1234]November news\nDate: Sun, 22 Nov 2026 11:38:40 +0000\n\n[ SpamCop V1 ]\nThis message is brief for your comfort. Please use links below for details.\n\nhttps://www.spamcop.net/w3m?i=z1\n", "192.0.2.10", "SpamCop"},
		"SpamCop, the summary": {"From: SpamCop <summaries@admin.spamcop.net>\nSubject: [SpamCop] summary report\n\nIP_Address       Start/Length Trap User Mole Simp Comments\n192.0.2.10       Nov 21 10h/1    0    1    0    0 mail.example.org\n", "192.0.2.10", "SpamCop"},
		"Microsoft JMRP":       {"From: staff@hotmail.com\nSubject: complaint about message from 192.0.2.10\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: kim@example.net\nFrom: news@example.org\n\nhi\n--b--\n", "192.0.2.10", "Microsoft JMRP"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Parse([]byte(c.mail), ParseOptions{})
			if r.Kind != KindComplaint || addrString(r.Complaint.Source) != c.source || r.Complaint.Reporter != c.reporter {
				t.Errorf("kind %s: %+v", r.Kind, r.Complaint)
			}
		})
	}
}
