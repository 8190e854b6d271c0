package report

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"reputed/checks"
)

func knocks() Knocks {
	talk := func(reply string) []Talk {
		return []Talk{{Server: "esa1.example.net[198.51.100.7]:25", From: netip.MustParseAddr("192.0.2.10"), At: now, Took: 84 * time.Millisecond, Stage: "greeting",
			Lines: []Spoken{{Text: "554-esa1.example.net"}, {Text: reply}, {Ours: true, Text: "QUIT"}, {Text: "221 esa1.example.net"}}}}
	}
	return Knocks{Now: now, All: []Knock{
		{From: "192.0.2.10", Receiver: "example.net", Why: "among the receivers of most of our mail behind Cisco Talos", Vendor: "Cisco Talos", Outcome: "refused", Category: "ip-reputation", Rule: "talos-banner", Lasting: true,
			Talks: talk("554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.")},
		{From: "192.0.2.10", Receiver: "example.com", Outcome: "no answer", Reason: "connect at mx.example.com[198.51.100.8]:25: no answer",
			Talks: []Talk{{Server: "mx.example.com[198.51.100.8]:25", At: now, Took: 30 * time.Second, Stage: "connect", Err: "connect at mx.example.com[198.51.100.8]:25: no answer"}}},
		{From: "192.0.2.10", Receiver: "example.org", Why: "named in the configuration", Outcome: "accepted", Talks: talk(hostile)},
	}}
}

func TestKnocksText(t *testing.T) {
	goldenText(t, "knock", func(b *bytes.Buffer, term Term) error { return knocks().Write(b, term, Text) })
}

func TestKnocksJSON(t *testing.T) {
	var b bytes.Buffer
	if err := knocks().Write(&b, Term{}, JSON); err != nil {
		t.Fatal(err)
	}
	golden(t, "knock.json", b.Bytes())
}

func ownServersSeen() OwnServers {
	find := func(status checks.Status, severity checks.Severity, code checks.Code, summary string) checks.Finding {
		return checks.Finding{Status: status, Severity: severity, Code: code, Summary: summary}
	}
	return OwnServers{Now: now, All: []OwnServer{{Host: "mx1.example.org",
		Findings: []checks.Finding{
			find(checks.OK, "", checks.CodeOwnWell, "mx1.example.org is reached"),
			find(checks.Problem, checks.Minor, checks.CodeCertificate, "the certificate of mx1.example.org ends in 12 days, 2026-12-07 09:00 UTC"),
			find(checks.Problem, checks.Critical, checks.CodeOpenRelay, "mx1.example.org takes mail of strangers for strangers (percent hack at our domain)"),
			find(checks.Unknown, "", checks.CodeOwnUnknown, "mx1.example.org gave no clear answer about postmaster and abuse"),
		},
		Forms: []RelayForm{
			{Name: "from a stranger to a stranger", Sender: "relay-test@example.com", Recipient: "kim@example.com", Reply: "554 5.7.1 Relay access denied", Verdict: FormRefused},
			{Name: "percent hack at our domain", Sender: "relay-test@example.com", Recipient: "relay-test%example.com@example.org", Reply: "250 2.1.5 Ok " + hostile, Verdict: FormRelays},
			{Name: "bang path without a domain", Sender: "relay-test@example.com", Recipient: "example.com!relay-test", Reply: "", Verdict: FormNothing},
		},
	}}}
}

func TestOwnServersText(t *testing.T) {
	goldenText(t, "relay", func(b *bytes.Buffer, term Term) error { return ownServersSeen().Write(b, term, Text) })
}

func TestOwnServersJSON(t *testing.T) {
	var b bytes.Buffer
	if err := ownServersSeen().Write(&b, Term{}, JSON); err != nil {
		t.Fatal(err)
	}
	golden(t, "relay.json", b.Bytes())
}

// The exit code: a refusal comes before what is not known, and where nobody answers nobody can tell.
func TestLevelOfKnocks(t *testing.T) {
	for name, c := range map[string]struct {
		all  []Knock
		want Level
	}{
		"all open":                 {[]Knock{{Outcome: "accepted"}, {Outcome: "accepted"}}, LevelOK},
		"one refuses, one is mute": {[]Knock{{Outcome: "refused", Lasting: true}, {Outcome: "no answer"}}, LevelCritical},
		"one puts off":             {[]Knock{{Outcome: "refused"}, {Outcome: "accepted"}}, LevelWarning},
		"most are mute":            {[]Knock{{Outcome: "accepted"}, {Outcome: "busy"}, {Outcome: "not asked"}}, LevelUnknown},
		"nobody was knocked at":    {nil, LevelUnknown},
	} {
		if got := (Knocks{All: c.all}).Level(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
