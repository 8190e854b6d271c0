package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// What other renderers show of an incident are the words of the terminal.
func TestBriefSaysWhatTheTerminalSays(t *testing.T) {
	term := Term{Location: zone}
	var text bytes.Buffer
	r := Build(badDay(), now)
	if err := r.Write(&text, term, Text); err != nil {
		t.Fatal(err)
	}
	said := func(s string) {
		t.Helper()
		if s != "" && !strings.Contains(text.String(), s) {
			t.Errorf("the terminal does not say %q:\n%s", s, text.String())
		}
	}
	for _, v := range r.Loud {
		b := term.Brief(v, now)
		for _, s := range []string{b.Title, b.Cost, b.Next.Text, b.Next.URL, b.Next.Command} {
			said(s)
		}
		for _, e := range b.Evidence {
			said(e.Question)
			said(e.Answer)
			said(e.Reason)
		}
		if v.Incident.State != alerts.Open {
			said(b.Hands)
		}
	}
	for _, n := range append(r.Troubles(term), r.QuietNotes(term)...) {
		said(strings.Split(strings.TrimPrefix(n.Text, "Spamhaus Project: "), ". ")[0])
		harmless(t, n.Text, term)
	}
}

func TestPartsAreNeverBetterThanTheHealth(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Input)
		part   string
		want   Level
	}{
		"a daemon that runs is well":           {func(*Input) {}, "daemon", LevelOK},
		"a dead one is not":                    {func(in *Input) { in.Daemon.Alive = false }, "daemon", LevelCritical},
		"a fresh round is well":                {func(*Input) {}, "last round", LevelOK},
		"an old one is not":                    {func(in *Input) { in.Round.Ended = ago2(3 * time.Hour) }, "last round", LevelCritical},
		"an old one may be as seldom as that":  {func(in *Input) { in.Round.Ended, in.StaleAfter = ago2(3*time.Hour), 4*time.Hour }, "last round", LevelOK},
		"none yet is not known":                {func(in *Input) { in.Round = Round{} }, "last round", LevelUnknown},
		"one silent list is a warning":         {func(in *Input) { in.Silent = []SilentList{{ID: "x", Severity: checks.Minor}} }, "lists", LevelWarning},
		"a silent critical list is worse":      {func(in *Input) { in.Silent = []SilentList{{ID: "x", Severity: checks.Critical}} }, "lists", LevelCritical},
		"a mailbox nobody has read is unknown": {func(in *Input) { in.Mailboxes = []Mailbox{{Name: "bounces"}} }, "mailbox bounces", LevelUnknown},
		"one that fails is not well":           {func(in *Input) { in.Mailboxes[0].Failing = ago2(time.Hour) }, "mailbox bounces", LevelCritical},
		"an unused channel is unknown":         {func(in *Input) { in.Channels = []Channel{{Name: "slack"}} }, "channel slack", LevelUnknown},
		"what cannot be read is all there is":  {func(in *Input) { *in = Input{Trouble: "x"} }, "database", LevelCritical},
	} {
		t.Run(name, func(t *testing.T) {
			in := well()
			c.change(&in)
			for _, p := range Build(in, now).Parts() {
				if p.Name == c.part {
					if p.Level != c.want {
						t.Errorf("%s is %v (%s), want %v", p.Name, p.Level, p.State, c.want)
					}
					return
				}
			}
			t.Errorf("there is no %s", c.part)
		})
	}
}
