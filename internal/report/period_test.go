package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
)

const week = 7 * 24 * time.Hour

func aSpell(target, list string, code checks.Code, began, ended time.Duration) Spell {
	s := Spell{Key: checks.Key{Check: "dnsbl", Target: target, Source: list}, Code: code, Severity: checks.Major, Began: ago2(began)}
	if ended > 0 {
		s.Ended = ago2(ended)
	}
	return s
}

// aWeek is a bad week at a mid-sized sender.
func aWeek() PeriodInput {
	const h, d = time.Hour, 24 * time.Hour
	in := PeriodInput{Since: ago2(week), Until: now, Kept: ago2(400 * d), Last: ago2(week + 20*time.Minute), Span: 100 * time.Minute,
		Name: func(id string) string {
			return map[string]string{"spamcop": "SpamCop Blocking List", "psbl": "PSBL", "barracuda": "Barracuda Reputation Block List"}[id]
		},
		Begun: []Spell{aSpell("192.0.2.10", "spamcop", checks.CodeListed, 3*d, 2*d), aSpell("192.0.2.10", "spamcop", checks.CodeListed, 5*h, 0), aSpell("192.0.2.11", "spamcop", checks.CodeListed, 5*h, 0)},
		Ended: []Spell{aSpell("192.0.2.10", "spamcop", checks.CodeListed, 3*d, 2*d), aSpell("198.51.100.7", "psbl", checks.CodeListed, 9*d, 6*d),
			{Key: checks.Key{Check: "resolver", Target: "monitor:resolver"}, Code: checks.CodeBlind, Severity: checks.Critical, Began: ago2(50 * h), Ended: ago2(47 * h)}},
		Standing: []Spell{aSpell("192.0.2.10", "spamcop", checks.CodeListed, 5*h, 0), aSpell("192.0.2.11", "spamcop", checks.CodeListed, 5*h, 0), aSpell("192.0.2.12", "psbl", checks.CodeListed, 40*d, 0),
			{Key: checks.Key{Check: "mailbox", Target: "monitor:mailbox:bounces"}, Code: checks.CodeMailbox, Severity: checks.Major, Began: ago2(9 * d)}},
		Mail: PeriodMail{Looked: true, Counted: true, Apart: true, Refused: 241, Deferred: 19, Delivered: 31020, Refusers: []PeriodRefuser{
			{Name: "Cisco Talos", Domains: 14, Refused: 200, Deferred: 12, Delivered: 1188}, {Name: "Microsoft", Domains: 3, Refused: 41, Deferred: 4, Delivered: 9000}, {Name: "example.de", Domains: 1, Deferred: 3, Delivered: 2}}},
		Before: PeriodMail{Looked: true, Counted: true, Apart: true, Refused: 30, Delivered: 30411, Refusers: []PeriodRefuser{{Name: "Microsoft", Domains: 2, Refused: 29, Delivered: 8900}, {Name: "Google", Domains: 1, Refused: 1, Delivered: 7000}}},
		Deeds: []PeriodDeed{{At: ago2(70 * h), Incident: 11, Title: "192.0.2.10 is listed by SpamCop", What: "acknowledged", Who: "kim"},
			{At: ago2(69 * h), Incident: 11, Title: "192.0.2.10 is listed by SpamCop", What: "removal requested", Who: "kim", Note: "at spamcop, 4711"},
			{At: ago2(4 * h), Incident: 12, Title: "192.0.2.10 is listed by SpamCop", What: "noted", Who: "lee", Note: "the form on www was open"}},
		Quiet: []Note{{Incident: 9, Text: "UCEPROTECT-2 lists the network of 192.0.2.10: informational"}},
	}
	in.Begun[1].Relapse = true
	spamcop := listedIncident().Incident
	spamcop.Opened = ago2(5 * h)
	in.Incidents = []alerts.Incident{spamcop,
		{ID: 11, Title: "192.0.2.10 is listed by SpamCop", State: alerts.Resolved, Severity: checks.Major, Opened: ago2(3 * d), Resolved: ago2(2 * d), AckedBy: "kim", Members: spamcop.Members, Impact: checks.Impact{Watched: ago2(30 * d)}},
		{ID: 8, Title: "mailbox bounces has not been readable", State: alerts.Open, Severity: checks.Major, Opened: ago2(9 * d)}}
	for i := range 10 {
		r := PeriodRound{Started: ago2(week - time.Duration(i)*time.Hour), Ended: ago2(week - time.Duration(i)*time.Hour - 5*time.Minute), Whole: i != 4, Silent: map[string]blocklists.Class{"barracuda": blocklists.Refused}}
		in.Rounds = append(in.Rounds, r)
	}
	for at := week - 9*h; at > 0; at -= time.Hour {
		if at == 40*h {
			at -= 7 * h
		}
		in.Rounds = append(in.Rounds, PeriodRound{Started: ago2(at), Ended: ago2(at - 5*time.Minute), Whole: true})
	}
	return in
}

func TestPeriodGolden(t *testing.T) {
	quiet := PeriodInput{Since: ago2(week), Until: now, Kept: ago2(400 * 24 * time.Hour), Last: ago2(week), Span: 8 * 24 * time.Hour, Rounds: []PeriodRound{{Started: ago2(time.Hour), Ended: ago2(50 * time.Minute), Whole: true}}, Mail: PeriodMail{Looked: true}}
	for name, in := range map[string]PeriodInput{"period-bad": aWeek(), "period-quiet": quiet, "period-young": {Since: ago2(week), Until: now, Kept: ago2(2 * 24 * time.Hour), Span: 4 * 24 * time.Hour, Rounds: quiet.Rounds},
		"period-nothing": {Since: ago2(week), Until: now}} {
		p := BuildPeriod(in)
		goldenText(t, name, func(w *bytes.Buffer, term Term) error { return p.Write(w, term, Text) })
		var b bytes.Buffer
		if err := p.Write(&b, Term{Location: zone}, JSON); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", b.Bytes())
	}
}

// Nothing that was not looked at is called well.
func TestPeriodIsHonest(t *testing.T) {
	says := func(in PeriodInput) string {
		var b bytes.Buffer
		if err := BuildPeriod(in).Write(&b, Term{Location: zone}, Text); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	base := PeriodInput{Since: ago2(week), Until: now, Kept: ago2(100 * 24 * time.Hour), Last: ago2(week), Span: time.Hour}
	round := PeriodRound{Started: ago2(time.Hour), Ended: ago2(time.Hour), Whole: true}
	for name, c := range map[string]struct {
		change func(*PeriodInput)
		want   string
	}{
		"no round at all":             {func(*PeriodInput) {}, "Cannot tell: no round was finished in this time"},
		"a gap that lasts until now":  {func(*PeriodInput) {}, "no round was finished from 18 Nov 11:40 to 11:40, 7 d"},
		"nothing reads mail":          {func(in *PeriodInput) { in.Rounds = []PeriodRound{round} }, "mail is not counted here"},
		"nothing is stored":           {func(in *PeriodInput) { in.Kept = time.Time{} }, "Nothing was watched in this time"},
		"it watches for two days":     {func(in *PeriodInput) { in.Kept = ago2(48 * time.Hour); in.Rounds = []PeriodRound{round} }, "anything before 23 Nov 11:40, when this monitor began to watch"},
		"refusals without deliveries": {func(in *PeriodInput) { in.Mail = PeriodMail{Looked: true, Refused: 3} }, "deliveries are not counted, so no share is given"},
		"receivers are not kept for so long": {func(in *PeriodInput) {
			in.Mail = aWeek().Mail
			in.Mail.Apart = false
		}, "Cisco Talos (14 domains): 212 mails refused or deferred,"},
		"few mails give no share": {func(in *PeriodInput) {
			in.Mail = PeriodMail{Looked: true, Counted: true, Apart: true, Refused: 3, Delivered: 4}
		}, "3 of 7 mails refused or deferred for reputation;"},
		"a short time tells of the hour that it begins in": {func(in *PeriodInput) {
			in.Since, in.Mail = ago2(time.Hour), PeriodMail{Looked: true, Counted: true, Apart: true, Refused: 3, Delivered: 4}
		}, "deliveries are counted by the hour, here those from 10:00 on"},
		"a round that was not whole": {func(in *PeriodInput) { round := round; round.Whole = false; in.Rounds = []PeriodRound{round} }, "1 of 1 round could not be done to the end"},
		"trouble that began before it": {func(in *PeriodInput) {
			in.Standing = []Spell{{Key: checks.Key{Check: "log", Target: "monitor:log:mx1"}, Code: checks.CodeLog, Began: ago2(30 * 24 * time.Hour)}}
		}, "Mail log not readable (log:mx1): for 7 d, and is so now"},
	} {
		t.Run(name, func(t *testing.T) {
			in := base
			c.change(&in)
			if got := says(in); !strings.Contains(got, c.want) {
				t.Errorf("does not say %q:\n%s", c.want, got)
			}
		})
	}
}

// FuzzPeriodHoldsHostileText is [FuzzNothingFromOutsideGetsThrough] for the report about a week.
func FuzzPeriodHoldsHostileText(f *testing.F) {
	f.Add(hostile, 80)
	f.Add("世界\u0301 \u2028x\xff", 41)
	f.Fuzz(func(t *testing.T, s string, width int) {
		in := aWeek()
		in.Pool, in.Name = s, func(string) string { return s }
		for _, all := range [][]Spell{in.Begun, in.Ended, in.Standing} {
			for i := range all[:1] {
				all[i].Key.Source = s
			}
		}
		in.Standing[len(in.Standing)-1].Key.Target = "monitor:" + s
		for i := range in.Incidents {
			in.Incidents[i].Title, in.Incidents[i].AckedBy = s, s
		}
		in.Mail.Refusers[0].Name, in.Before.Refusers[1].Name = s, s
		for i := range in.Deeds {
			in.Deeds[i].Title, in.Deeds[i].What, in.Deeds[i].Who, in.Deeds[i].Note = s, s, s, s
		}
		in.Quiet = []Note{{Label: s, Text: s}}
		in.Rounds[0].Silent = map[string]blocklists.Class{s: blocklists.Class(s)}
		p := BuildPeriod(in)
		for _, form := range []Format{Text, JSON} {
			var b bytes.Buffer
			if err := p.Write(&b, Term{Width: width%200 + 40, Color: true}, form); err != nil {
				t.Fatal(err)
			}
			one(t, form, b.String())
		}
		for _, section := range p.Review(Term{}).Sections {
			for _, l := range section.Lines {
				if l != checks.Line(l, 0) {
					t.Errorf("a line for channels is not clean: %q", l)
				}
			}
		}
	})
}
