package bounce

import "testing"

func TestDiagnose(t *testing.T) {
	for name, c := range map[string]struct {
		in                               string
		reply, status, stage, text, host string
		addr                             string
	}{
		"Postfix, said": {"host mx1.example.net[198.51.100.7] said: 550 5.1.1 <kim@example.net>: unknown (in reply to RCPT TO command)",
			"550", "5.1.1", "rcpt", "550 5.1.1 <kim@example.net>: unknown", "mx1.example.net", "198.51.100.7"},
		"Postfix, refused to talk": {"host mx1.example.net[198.51.100.7] refused to talk to me: 554-mx1.example.net 554 No mail from you",
			"554", "", "greeting", "554 mx1.example.net No mail from you", "mx1.example.net", "198.51.100.7"},
		"Postfix, wrapped twice": {"delivery temporarily suspended: host mx1.example.net[198.51.100.7] refused to talk to me: 421 4.3.2 busy",
			"421", "4.3.2", "greeting", "421 4.3.2 busy", "mx1.example.net", "198.51.100.7"},
		"Postfix, lost connection": {"lost connection with mx1.example.net[198.51.100.7] while receiving the initial server greeting",
			"", "", "greeting", "lost connection with mx1.example.net[198.51.100.7] while receiving the initial server greeting", "mx1.example.net", "198.51.100.7"},
		"Exim, after RCPT": {"SMTP error from remote mail server after RCPT TO:<kim@example.net>: host mx1.example.net [198.51.100.7]: 550 No such user",
			"550", "", "rcpt", "550 No such user", "mx1.example.net", "198.51.100.7"},
		"Exim, of its log": {"H=mx1.example.net [198.51.100.7]: SMTP error from remote mail server after initial connection: 554-mx1.example.net\\n554 Go away",
			"554", "", "greeting", "554 mx1.example.net Go away", "mx1.example.net", "198.51.100.7"},
		"Exim, octal": {"550 d\\303\\251partement inconnu", "550", "", "", "550 département inconnu", "", ""},
		"Exim, timeout behind": {"SMTP error from remote mail server after end of data: host mx1.example.net [198.51.100.7]: 451 4.7.1 Later: retry timeout exceeded",
			"451", "4.7.1", "end of data", "451 4.7.1 Later", "mx1.example.net", "198.51.100.7"},
		"qmail": {"198.51.100.7 does not like recipient.\nRemote host said: 550 5.1.1 no\nGiving up on 198.51.100.7.",
			"550", "5.1.1", "rcpt", "550 5.1.1 no", "", "198.51.100.7"},
		"Google": {"Google tried to deliver your message, but it was rejected by the server for the recipient domain example.net by mx1.example.net. [198.51.100.7].\n\nThe error that the other server returned was:\n550 5.1.1 no (state 14).",
			"550", "5.1.1", "", "550 5.1.1 no", "mx1.example.net", "198.51.100.7"},
		"Exchange": {"mx1.example.net\nRemote Server returned '550 5.7.1 no'", "550", "5.7.1", "", "550 5.7.1 no", "", ""},
		"a quote that ends before the sender's own words": {"mx1.example.net\nRemote Server returned '550 5.7.1 no'\n\nOriginal message headers:", "550", "5.7.1", "", "550 5.7.1 no", "", ""},
		"Sendmail, reason":   {"(reason: 550 5.7.1 no (really))", "550", "5.7.1", "", "550 5.7.1 no (really)", "", ""},
		"Sendmail's lines":   {"550-5.7.26 one two\n550-5.7.26 three\n550 5.7.26 four", "550", "5.7.26", "", "550 5.7.26 one two three four", "", ""},
		"joined by blanks":   {"550-5.7.1 one 550-5.7.1 two 550 5.7.1 three", "550", "5.7.1", "", "550 5.7.1 one two three", "", ""},
		"the code twice":     {"450 450 4.2.2 full", "450", "4.2.2", "", "450 4.2.2 full", "", ""},
		"IronPort":           {"5.1.0 - Unknown address error 550-'5.1.1 no' (delivery attempts: 0)", "550", "5.1.1", "", "550 5.1.1 no", "", ""},
		"a code with a hash": {"550 #5.7.1 no", "550", "5.7.1", "", "550 #5.7.1 no", "", ""},
		"no reply at all":    {"Host or domain name not found", "", "", "", "Host or domain name not found", "", ""},
		"numbers are no replies": {"delayed for 550 seconds on 4.5.6.7 version 5.1.1.2",
			"", "", "", "delayed for 550 seconds on 4.5.6.7 version 5.1.1.2", "", ""},
		"nothing": {"", "", "", "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, host, addr := Diagnose(c.in)
			want := Diagnostic{Reply: c.reply, Status: c.status, Stage: c.stage, Text: c.text}
			if d != want || host != c.host || addrString(addr) != c.addr {
				t.Errorf("Diagnose(%q):\ngot  %+v %q %v\nwant %+v %q %s", c.in, d, host, addr, want, c.host, c.addr)
			}
			if again, _, _ := Diagnose(d.Text); again.Reply != d.Reply || again.Status != d.Status || again.Text != d.Text {
				t.Errorf("bare text is changed again: %+v", again)
			}
		})
	}
}

func TestReadDSN(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []dsnBlock
	}{
		"Action before Final-Recipient": {
			"Reporting-MTA: dns; mx1\n\nAction: failed\nFinal-Recipient: rfc822;a@example.net\nStatus: 5.0.0\n\nAction: delayed\nFinal-Recipient: rfc822;b@example.net\nStatus: 4.0.0\n",
			[]dsnBlock{{final: "a@example.net", action: "failed", status: "5.0.0"}, {final: "b@example.net", action: "delayed", status: "4.0.0"}}},
		"no empty line anywhere": {
			"Reporting-MTA: dns; mx1\nFinal-Recipient: rfc822;a@example.net\nAction: failed\nFinal-Recipient: rfc822;b@example.net\nAction: failed\n",
			[]dsnBlock{{final: "a@example.net", action: "failed"}, {final: "b@example.net", action: "failed"}}},
		"empty lines inside a block": {
			"Final-Recipient: rfc822;a@example.net\n\nAction: failed\n\nStatus: 5.1.1\n",
			[]dsnBlock{{final: "a@example.net", action: "failed", status: "5.1.1"}}},
		"the original address only": {
			"Original-Recipient: rfc822;a@example.net\nAction: failed\n", []dsnBlock{{original: "a@example.net", action: "failed"}}},
		"a diagnostic that goes on without indentation": {
			"Final-Recipient: rfc822;a@example.net\nDiagnostic-Code: smtp; 550-one\n550 two\n", []dsnBlock{{final: "a@example.net", diagnostic: "550-one\n550 two"}}},
		"xtext, brackets, a source route, no type": {
			"Final-Recipient: <a+2Bb@example.net>\nAction: failed\n\nFinal-Recipient: rfc822; @relay.example.com:c@example.net\nAction: failed\n",
			[]dsnBlock{{final: "a+b@example.net", action: "failed"}, {final: "c@example.net", action: "failed"}}},
		"characters outside ASCII, and what is none": {
			"Final-Recipient: utf-8; \\x{43A}\\x{0}\\x{110000}\\x{}@example.net\n", []dsnBlock{{final: "к\\x{0}\\x{110000}\\x{}@example.net"}}},
		"words behind the fields": {
			"Final-Recipient: rfc822; a@example.net\nAction: relayed (to non-DSN-aware mailer)\nStatus: 2.0.0 (fine)\n",
			[]dsnBlock{{final: "a@example.net", action: "relayed", status: "2.0.0", comment: "fine"}}},
		"nothing": {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := readDSN(c.in).blocks
			if len(got) != len(c.want) {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("block %d: got %+v, want %+v", i, got[i], c.want[i])
				}
			}
		})
	}
}
