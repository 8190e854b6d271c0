package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reputed/checks/bounce"
)

// Of one log, what a receiver says of many mails is told once; machines get each.
func TestIdenticalRefusalsOfALogAreToldAsOne(t *testing.T) {
	refused := func(file, who, domain, text string, at time.Time) Mail {
		return Mail{File: file, Log: true, Report: bounce.Report{Bounces: []bounce.Bounce{{Action: bounce.Failed, Recipient: who + "@" + domain, Domain: domain,
			RemoteHost: "mx." + domain, At: at, Diagnostic: bounce.Diagnostic{Text: text}, Judgement: bounce.Judgement{Category: bounce.Blocklist, Reputation: true, Rule: "r"}}}}}
	}
	mails := []Mail{
		refused("a.log", "kim", "example.net", "550 no", ago2(3*time.Hour)),
		refused("a.log", "kim", "example.com", "550 no", ago2(2*time.Hour)),
		refused("a.log", "lee", "example.net", "550 no", ago2(time.Hour)),
		refused("a.log", "lee", "example.net", "550 lee@example.net no", ago2(time.Hour)),
		refused("a.log", "sam", "example.net", "550 sam@example.net no", ago2(time.Hour)),
		refused("b.log", "kim", "example.net", "550 no", ago2(time.Hour)),
	}
	write := func(f Format) string {
		var b bytes.Buffer
		out := NewBounces(&b, Term{}, f)
		for _, m := range mails {
			out.Add(m)
		}
		if err := out.Finish(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	text := write(Text)
	for s, want := range map[string]int{
		"a.log  log": 3, "b.log  log": 1, "  times      2 times, 2026-11-25 ": 2,
		"recipient  kim@example.net and lee@example.net": 1, "recipient  lee@example.net and sam@example.net": 1,
		"6 refusals and deferrals in logs: 6 recipients refused or delayed": 1,
	} {
		if got := strings.Count(text, s); got != want {
			t.Errorf("%q stands %d times, want %d:\n%s", s, got, want, text)
		}
	}
	if strings.Index(text, "b.log") < strings.LastIndex(text, "a.log") {
		t.Errorf("not in order:\n%s", text)
	}
	if got := strings.Count(write(TSV), "\n"); got != len(mails)+1 {
		t.Errorf("tsv has %d lines, want one for each refusal", got)
	}
	if got := strings.Count(write(JSON), `"file"`); got != len(mails) {
		t.Errorf("json has %d mails, want each refusal", got)
	}
}
