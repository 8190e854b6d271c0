package web

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/report"
)

// now is the instant of every page in these tests.
var now = time.Date(2026, 11, 25, 10, 40, 0, 0, time.UTC)

var zone = time.FixedZone("CET", 3600)

func ago(d time.Duration) time.Time { return now.Add(-d) }

const day = 24 * time.Hour

// fixture is a bad day at a mid-sized sender, without a database.
type fixture struct {
	hostile string // put wherever text comes from outside
	big     bool   // a thousand addresses on sixty lists
	calm    bool   // nothing is wrong
	acted   []alerts.Action
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func counted(n int) checks.Count { return checks.Count{N: n, Counted: true} }

func (f *fixture) finding(target, list, name, code, said string, s checks.Severity, since time.Duration) alerts.Member {
	a := addr(target)
	return alerts.Member{First: ago(since), Last: ago(4 * time.Minute), Finding: checks.Finding{
		Key: checks.Key{Check: "dnsbl", Target: target, Source: list}, Target: checks.Address(a), Code: checks.CodeListed, Status: checks.Problem, Severity: s,
		Summary: target + " is listed by " + name, At: ago(4 * time.Minute), Facts: map[string]string{checks.FactMeaning: "spam was seen" + f.hostile},
		Evidence: []checks.Evidence{{Question: "10.2.0.192." + list + ".example. A", Answer: code, Reason: said + f.hostile, Via: "192.0.2.53:53",
			Controls: "127.0.0.2 listed, 127.0.0.1 not", At: ago(4 * time.Minute)}}}}
}

func (f *fixture) views() []report.IncidentView {
	spamcop := report.IncidentView{
		Incident: alerts.Incident{ID: 12, Cause: "target:192.0.2.10", Title: "192.0.2.10 is listed by SpamCop" + f.hostile, State: alerts.Open, Severity: checks.Critical,
			Opened: ago(61 * time.Minute), Changed: ago(30 * time.Minute), LastSeen: ago(4 * time.Minute), Relapses: 1,
			Impact: checks.Impact{Target: "192.0.2.10", Since: ago(time.Hour), Watched: ago(30 * day), Delivered: counted(3120), Before: checks.Before{Span: day, Delivered: 4210},
				Receivers: []checks.ReceiverImpact{
					{Receiver: "example.net" + f.hostile, Vendor: "Cisco Talos", Refused: counted(41), Deferred: counted(0), Delivered: counted(171), First: ago(50 * time.Minute), Last: ago(6 * time.Minute)},
					{Receiver: "example.com", Vendor: "Microsoft", Refused: counted(12), Deferred: counted(9), First: ago(40 * time.Minute), Last: ago(9 * time.Minute)},
				}},
			Members: []alerts.Member{f.finding("192.0.2.10", "spamcop", "SpamCop", "127.0.0.2", "Blocked - see https://www.spamcop.net/bl.shtml?192.0.2.10", checks.Major, 61*time.Minute),
				{First: ago(50 * time.Minute), Last: ago(6 * time.Minute), Finding: checks.Finding{
					Key: checks.Key{Check: "bounce", Target: "192.0.2.10", Source: "cisco-talos"}, Target: checks.Address(addr("192.0.2.10")), Code: checks.CodeRefused, Status: checks.Problem,
					Severity: checks.Major, Summary: "Cisco Talos refuses mail from 192.0.2.10 for its reputation", At: ago(6 * time.Minute),
					Evidence: []checks.Evidence{{Question: "mail to example.net at mx.example.net", Answer: "554 5.7.1 Your access to this mail system has been rejected due to the sending MTA's poor reputation." + f.hostile,
						Via: "mailbox bounces, UID 4711", Proof: "written by mx1.example.org", At: ago(6 * time.Minute)}}}}}},
		Remediation: []checks.Remediation{{ID: "spamcop", Title: "Get 192.0.2.10 off SpamCop", WhoAsk: "nobody: it expires", Takes: "about 24 hours after the last report",
			Steps: []checks.Step{
				{Text: "Hold the queue of the sender that the reports name, not all mail.", Command: "postqueue -p | grep news@example.org"},
				{Text: "See which mails were reported.", URL: "https://www.spamcop.net/w3m?action=checkblock&ip=192.0.2.10"},
				{Text: "Stop the source, then wait: the entry ends about 24 hours after the last report."},
			},
			Never: []string{"Do not move the mail to another address: the listing follows."}},
			{ID: "cisco-talos", Title: "Ask Cisco Talos to look at 192.0.2.10 again", WhoAsk: "you", Takes: "one to two days",
				Steps: []checks.Step{{Text: "Hold the queue of the sender that the reports name, not all mail.", Command: "postqueue -p | grep news@example.org"},
					{Text: "Open a ticket once the source is stopped.", URL: "https://talosintelligence.com/reputation_center"}}}},
	}
	var members []alerts.Member
	for i := range 40 {
		members = append(members, f.finding(fmt.Sprintf("198.51.100.%d", i), "spamhaus-zen", "Spamhaus ZEN", "127.0.0.3", "https://www.spamhaus.org/css", checks.Minor, 5*time.Hour))
	}
	network := report.IncidentView{Incident: alerts.Incident{ID: 14, Title: "40 addresses of pool newsletter are listed by Spamhaus ZEN", State: alerts.Acknowledged, AckedBy: "kim" + f.hostile, AckedAt: ago(4 * time.Hour),
		Severity: checks.Major, Opened: ago(5 * time.Hour), LastSeen: ago(4 * time.Minute), Note: "asked the hoster", Members: members,
		Impact: checks.Impact{Watched: ago(30 * day), Delivered: counted(0)}},
		Remediation: []checks.Remediation{{ID: "spamhaus", Title: "Get the network off Spamhaus CSS", Steps: []checks.Step{{Text: "Find what sends from these addresses without a bounce being handled.", URL: "https://check.spamhaus.org/"}}}}}
	info := report.IncidentView{Incident: alerts.Incident{ID: 9, Title: "UCEPROTECT-2 lists the network of 192.0.2.10", State: alerts.Open, Severity: checks.Informational, Opened: ago(9 * day),
		Members: []alerts.Member{f.finding("192.0.2.10", "uceprotect-2", "UCEPROTECT-2", "127.0.0.2", "Net 192.0.2.0/24 is listed", checks.Informational, 9*day)}}}
	muted := report.IncidentView{Incident: alerts.Incident{ID: 10, Title: "192.0.2.11 is listed by PSBL", State: alerts.Silenced, Silence: alerts.Silence{Until: now.Add(20 * time.Hour), By: "lee", Reason: "moving the servers" + f.hostile},
		Severity: checks.Minor, Opened: ago(3 * time.Hour), Members: []alerts.Member{f.finding("192.0.2.11", "psbl", "PSBL", "127.0.0.2", "", checks.Minor, 3*time.Hour)}}}
	return []report.IncidentView{info, muted, network, spamcop}
}

func (f *fixture) Status(context.Context, time.Time) report.Report {
	in := report.Input{
		Daemon:  report.Daemon{Alive: true, Host: "mx1.example.org", PID: 4711, Started: ago(50 * time.Hour), Beat: ago(5 * time.Second)},
		Watched: report.Watched{Addresses: 1024, Domains: 3, Lists: 60},
		Round:   report.Round{Started: ago(5 * time.Minute), Ended: ago(4 * time.Minute), Questions: 61000}, NextRound: now.Add(26 * time.Minute),
		Mailboxes: []report.Mailbox{{Name: "bounces", UIDValidity: 7, UID: 4711, ReadAt: ago(time.Minute), Proved: 53}},
		Logs:      []report.Log{{Name: "mx1", ReadAt: ago(3 * time.Second), Began: ago(30 * day), Upto: ago(4 * time.Second), Lines: 812345, Mail: 800000, Told: 401234}},
		Channels:  []report.Channel{{Name: "slack", SentAt: ago(time.Hour)}},
	}
	if f.calm {
		return report.Build(in, now)
	}
	in.Incidents = f.views()
	in.Ratings = f.rated()[:2]
	in.Silent = []report.SilentList{{ID: "barracuda", Name: "Barracuda", Operator: "Barracuda Networks", Severity: checks.Major, Verdict: blocklists.Refused, Since: ago(day),
		Why: "this resolver is not registered" + f.hostile, Advice: "register it, free of charge"}}
	in.Channels = append(in.Channels, report.Channel{Name: "pager", Queued: 2, Oldest: ago(50 * time.Minute), Failing: ago(50 * time.Minute), Error: "500 Internal Server Error" + f.hostile})
	in.Resolved = []alerts.Incident{{ID: 11, Title: "203.0.113.7 was listed by SpamCop", State: alerts.Resolved, Opened: ago(30 * time.Hour), Resolved: ago(3 * time.Hour)}}
	in.Quiet = []report.QuietNote{{At: ago(20 * time.Minute), Incident: 12, Title: "Cisco Talos refuses mail from 192.0.2.10", Why: "joined an incident that was told 40 min ago" + f.hostile}}
	return report.Build(in, now)
}

func (f *fixture) Matrix(context.Context, string, time.Time) (report.Matrix, error) {
	var all []report.Standing
	add := func(a netip.Addr, pool, list string, s checks.Severity, since time.Duration) {
		t := checks.Address(a)
		t.Pool = pool
		all = append(all, report.Standing{Key: checks.Key{Check: "dnsbl", Target: t.ID(), Source: list}, Target: t, Code: checks.CodeListed, Severity: s, Since: ago(since), Seen: ago(4 * time.Minute)})
	}
	switch {
	case f.calm:
	case f.big:
		a := addr("198.18.0.0")
		for i := range 1000 {
			for l := range 60 {
				if (i*7+l*13)%31 == 0 {
					add(a, []string{"bulk", "office", "transactional"}[i%3], fmt.Sprintf("list-%02d", l), []checks.Severity{checks.Critical, checks.Major, checks.Minor, checks.Informational}[(i+l)%4], time.Duration(i)*time.Hour)
				}
			}
			a = a.Next()
		}
	default:
		add(addr("192.0.2.10"), "transactional", "spamcop", checks.Major, 61*time.Minute)
		add(addr("192.0.2.10"), "transactional", "uceprotect-2", checks.Informational, 9*day)
		add(addr("192.0.2.11"), "transactional", "psbl", checks.Minor, 3*time.Hour)
		for i := range 40 {
			add(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), "newsletter", "spamhaus-zen", checks.Minor, 5*time.Hour)
		}
		add(addr("2001:db8::25"), "office", "spamhaus-zen", checks.Critical, 20*time.Minute)
		all[len(all)-1].Unknown = ago(10 * time.Minute)
	}
	return report.BuildMatrix(report.MatrixInput{Standings: all, Zone: f.Zone, Targets: 1027, Lists: 60}), nil
}

func (f *fixture) Zone(id string) (blocklists.Zone, bool) {
	z := blocklists.Zone{ID: id, Title: id, Operator: id}
	switch id {
	case "spamcop":
		z.Title, z.Operator = "SpamCop", "SpamCop"
	case "spamhaus-zen":
		z.Title, z.Operator = "Spamhaus ZEN", "Spamhaus Project"
	case "uceprotect-2":
		z.Title, z.Operator = "UCEPROTECT Level 2", "UCEPROTECT"
	case "psbl":
		z.Title, z.Operator = "PSBL", "PSBL"
	default:
		z.Operator = "Operator " + id[len(id)-1:]
	}
	return z, true
}

func (f *fixture) Refusals(_ context.Context, span string, _ time.Time) (report.Timeline, error) {
	_, length, step := report.SpanOf(span)
	if f.calm {
		return report.BuildTimeline(now.Add(-length), now, step, nil, nil), nil
	}
	var flows []report.Flow
	for i, name := range []string{"Cisco Talos", "Microsoft", "Google", "example.de" + f.hostile} {
		for h := range 160 {
			at := ago(time.Duration(h) * time.Hour)
			n := (h*(i+3)*7)%11 - 6 - i
			if h < 12-3*i {
				n += 18 - h - 4*i
			}
			if n > 0 {
				flows = append(flows, report.Flow{At: at, Name: name, Refused: n, Deferred: n / (1 + i)})
			}
		}
	}
	marks := []report.Mark{{At: ago(13 * time.Hour), Kind: report.MarkListed, Text: "192.0.2.10 on SpamCop" + f.hostile}, {At: ago(70 * time.Hour), Kind: report.MarkRemoved, Text: "192.0.2.11 no longer on PSBL"}, {At: ago(90 * time.Hour), Kind: report.MarkListed, Text: "192.0.2.11 on PSBL"}}
	return report.BuildTimeline(now.Add(-length), now, step, flows, marks), nil
}

func (f *fixture) Incident(_ context.Context, id int64, _ time.Time) (report.Explanation, error) {
	for _, v := range f.views() {
		if v.Incident.ID != id {
			continue
		}
		if id == 12 {
			s := &v.Suspicion
			s.From, s.To, s.Known, s.Mails, s.Names = ago(13*time.Hour), now, true, 4100, 12
			s.Suspects = slices.Grow(s.Suspects, 1)[:1]
			one := &s.Suspects[0]
			one.Kind, one.Name, one.Mails, one.Reasons = "login", "customer-4711", 2900, []string{"40 times its usual volume"}
		}
		return report.Explanation{Outlook: alerts.Outlook{Class: alerts.Page, Channels: []string{"slack"}, Reminder: now.Add(3 * time.Hour)}, Incident: report.Incident{IncidentView: v, Now: now,
			Events: []report.Event{{At: v.Incident.Opened, What: "opened", Severity: checks.Major}, {At: ago(50 * time.Minute), What: "worsened", Severity: checks.Critical},
				{At: ago(20 * time.Minute), What: "noted", By: "kim" + f.hostile, Note: "the form on www was open" + f.hostile}},
			Untold:     []report.Untold{{What: "updated", Why: "joined an incident that was told 40 min ago", First: ago(20 * time.Minute), Last: ago(20 * time.Minute), Times: 1}},
			Deliveries: []report.Delivery{{Channel: "slack", What: "opened", Queued: v.Incident.Opened, Sent: v.Incident.Opened.Add(2 * time.Second), State: "sent"}, {Channel: "pager", What: "opened", Queued: v.Incident.Opened, Tries: 4, Next: now.Add(time.Minute), State: "waiting", Error: "500 Internal Server Error" + f.hostile}},
		}}, nil
	}
	return report.Explanation{}, ErrNotFound
}

func (f *fixture) Letters(_ context.Context, e report.Explanation, _ time.Time) ([]report.Letter, error) {
	if e.IncidentView.Incident.ID != 12 {
		return nil, nil
	}
	return []report.Letter{
		{About: "the postmaster of example.net", To: "postmaster@example.net", Subject: "Mail from 192.0.2.10 is refused: please let it in for a week",
			Body:   "Dear colleague,\n\nyour servers refuse mail from our mail server 192.0.2.10 (Cisco Talos). The\nrefusals, literally:\n\n  554 5.7.1 Your access to this mail system has been rejected" + f.hostile + "\n\nWhat happened: <the cause, in a sentence or two>.\n",
			Blanks: []string{"<the cause, in a sentence or two>"}, Unblocked: "Send it by a way that is not blocked.", How: []report.Fact{{Label: "how", Text: "by mail, or by telephone"}}, Command: "reputed letter 12 --to postmaster --receiver example.net"},
		{About: "SpamCop", None: "It takes no requests, so none is to be written.", How: []report.Fact{{Label: "look up", Text: "https://www.spamcop.net/bl.shtml", Link: "https://www.spamcop.net/bl.shtml"}, {Label: "ends itself", Text: "about 24 hours after the last report"}}},
	}, nil
}

func (f *fixture) Course(context.Context, report.Explanation, time.Time) (report.Timeline, error) {
	var flows []report.Flow
	for h := range 25 {
		at := ago(time.Duration(h) * time.Hour)
		flows = append(flows, report.Flow{At: at, Name: "taken by all receivers", Delivered: 180 - h%7*20 - max(0, 2-h)*40, Taken: true})
		if h < 2 {
			flows = append(flows, report.Flow{At: at, Name: "Cisco Talos", Refused: 20 + h}, report.Flow{At: at, Name: "Microsoft", Refused: 6, Deferred: 5})
		}
	}
	return report.BuildTimeline(ago(25*time.Hour), now, time.Hour, flows, []report.Mark{{At: ago(61 * time.Minute), Kind: report.MarkListed, Text: "192.0.2.10 on SpamCop"},
		{At: ago(20 * time.Minute), Kind: report.MarkPerson, Text: "noted by kim" + f.hostile}}), nil
}

func (f *fixture) Incidents(_ context.Context, resolved bool) ([]report.IncidentView, error) {
	out := f.views()
	if resolved {
		out = append(out, report.IncidentView{Incident: alerts.Incident{ID: 11, Title: "203.0.113.7 was listed by SpamCop", State: alerts.Resolved, Severity: checks.Minor, Opened: ago(30 * time.Hour), Resolved: ago(3 * time.Hour)}})
	}
	return out, nil
}

func (f *fixture) Findings(_ context.Context, q FindingQuery) (part []report.IncidentFinding, more bool, err error) {
	var all []report.IncidentFinding
	for _, v := range f.views() {
		for _, m := range v.Incident.Members {
			k := m.Finding.Key
			if c := k.Compare(q.After); !m.Clear && (q.Target == "" || k.Target == q.Target) && (q.List == "" || k.Source == q.List) && (c > 0 || c == 0 && v.Incident.ID > q.Incident) {
				all = append(all, report.IncidentFinding{Incident: v.Incident.ID, Member: m})
			}
		}
	}
	slices.SortFunc(all, func(a, b report.IncidentFinding) int {
		return cmp.Or(a.Member.Finding.Key.Compare(b.Member.Finding.Key), cmp.Compare(a.Incident, b.Incident))
	})
	return all[:min(q.Limit, len(all))], len(all) > q.Limit, nil
}

func (f *fixture) standing(target, list string, s checks.Severity, since time.Duration) report.Standing {
	t := checks.Address(addr(target))
	t.Pool = "transactional" + f.hostile
	return report.Standing{Key: checks.Key{Check: "dnsbl", Target: target, Source: list}, Target: t, Code: checks.CodeListed, Severity: s, Since: ago(since), Seen: ago(4 * time.Minute)}
}

func (f *fixture) past() report.History {
	turn := func(at time.Duration, list string, before, status checks.Status) report.Turn {
		return report.Turn{At: ago(at), Key: checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: list}, Before: before, Status: status, Code: checks.CodeListed, Severity: checks.Major, Summary: "x" + f.hostile}
	}
	return report.NewHistory([]report.Turn{turn(40*day, "spamcop", "", checks.Problem), turn(38*day, "spamcop", checks.Problem, checks.OK), turn(12*day, "spamcop", checks.OK, checks.Problem),
		turn(11*day, "spamcop", checks.Problem, checks.OK), turn(9*day, "uceprotect-2", "", checks.Problem), turn(61*time.Minute, "spamcop", checks.OK, checks.Problem)}, time.Time{}, now)
}

func (f *fixture) refused() []report.Refusal {
	return []report.Refusal{{At: ago(6 * time.Minute), Target: "192.0.2.10", Receiver: "example.net" + f.hostile, Action: "failed", Tries: 1, Text: "554 5.7.1 Your access to this mail system has been rejected" + f.hostile, Via: "mailbox bounces, UID 4711" + f.hostile},
		{At: ago(20 * time.Minute), Target: "192.0.2.10", Receiver: "example.com", Action: "delayed", Tries: 3, Outcome: "delivered", Text: "421 4.7.0 Try again later", Via: "log mx1, queue id 4TgXkR2x9zB"}}
}

// rated is what those who rate senders say on the bad day.
func (f *fixture) rated() (all []report.Rating) {
	senderScore := report.Rating{ID: "192.0.2.10", Target: "192.0.2.10", Source: "sender-score", Name: "Validity Sender Score", Value: "62", Level: "poor", How: "measured", Since: ago(3 * day), At: ago(2 * time.Hour), Readings: 7, Problem: true,
		Advice: "70 or more is good." + f.hostile, Page: "https://senderscore.org/", Scale: report.Scale{Numbers: true, Best: 100, Limits: []report.Limit{{Number: 70, Says: "told"}}},
		Before: []report.RatingBefore{{Value: "97", Level: "good", Until: ago(3 * day)}}}
	for n, x := range []float64{97, 98, 97, 96, 97, 88, 62} {
		p := report.RatingPoint{From: ago(time.Duration(7-n) * 3 * day), To: ago(time.Duration(7-n)*3*day - 2*day), Number: x, Value: fmt.Sprint(x), Level: "good"}
		if x < 70 {
			p.Level, p.From, p.To = "poor", ago(3*day), ago(2*time.Hour)
		}
		senderScore.Course = append(senderScore.Course, p)
	}
	levels := func(source, name, target, how, value, level string, before string) report.Rating {
		return report.Rating{ID: target, Target: target, Source: source, Name: name, Value: value + f.hostile, Level: level, How: how, Since: ago(9 * day), At: ago(3 * time.Hour), Readings: 9,
			Course: []report.RatingPoint{{From: ago(20 * day), To: ago(17 * day), Value: before, Level: "good"}, {From: ago(9 * day), To: ago(3 * time.Hour), Value: value, Level: level}}}
	}
	talos := levels("talos", "Cisco Talos", "192.0.2.10", "recorded", "poor", "bad", "neutral")
	talos.By, talos.Problem, talos.At = "kim"+f.hostile, true, ago(4*day)
	spam := report.Rating{ID: "example.org", Target: "example.org", Source: "google-spam-rate", Name: "Google spam rate", Value: "0.06 %", Level: "good", How: "measured", Since: ago(day), At: ago(day), Readings: 1,
		Scale: report.Scale{Numbers: true, Worst: 0.45, Limits: []report.Limit{{Number: 0.1, Says: "poor"}, {Number: 0.3, Says: "bad"}}}}
	for n := range 28 {
		x := float64(3+(n*7)%5) / 100
		spam.Course = append(spam.Course, report.RatingPoint{From: ago(time.Duration(28-n) * day), To: ago(time.Duration(28-n) * day), Number: x, Value: fmt.Sprintf("%g %%", x), Level: "good"})
	}
	return []report.Rating{senderScore, talos, spam, levels("snds", "Microsoft SNDS", "192.0.2.10", "measured", "YELLOW", "poor", "GREEN"), levels("mailspike-rep", "Mailspike", "192.0.2.11", "measured", "good", "good", "excellent")}
}

func (f *fixture) Ratings(context.Context, time.Time) (report.Ratings, error) {
	if f.calm {
		return report.Ratings{Now: now}, nil
	}
	return report.Ratings{Rows: f.rated(), Now: now}, nil
}

func (f *fixture) Target(ctx context.Context, id string, at time.Time) (report.Target, error) {
	if id != "192.0.2.10" {
		return report.Target{}, ErrNotFound
	}
	course, _ := f.Refusals(ctx, "7d", at)
	t := checks.Address(addr(id))
	t.Pool = "transactional" + f.hostile
	v := f.views()
	return report.Target{Target: t, Watched: true, Now: now, History: f.past(), Course: course, Refusals: f.refused(), Ratings: report.Ratings{Rows: f.rated()[:2], Now: now}, Incidents: []report.IncidentView{v[len(v)-1]},
		Standings: []report.Standing{f.standing(id, "spamcop", checks.Major, 61*time.Minute), f.standing(id, "uceprotect-2", checks.Informational, 9*day)}}, nil
}

func (f *fixture) Lists(context.Context) ([]report.List, error) {
	zones, err := blocklists.Builtin()
	var out []report.List
	for _, z := range zones {
		out = append(out, report.List{Zone: z, Asked: z.Default})
	}
	return out, err
}

func (f *fixture) List(ctx context.Context, id string, _ time.Time) (report.ListHistory, error) {
	all, err := f.Lists(ctx)
	for _, l := range all {
		if l.Zone.ID == id {
			l.Zone.Advice += f.hostile
			return report.ListHistory{List: l, Round: ago(4 * time.Minute), Counts: map[string]int{"listed": 1, "clean": 1023}, Now: now,
				Budget: report.Budget{Since: ago(23 * time.Hour), Rounds: 46, Asked: 47104, Together: 94208, Lists: 2, PerDay: 100000, Rate: 5, Operator: l.Zone.Operator + f.hostile, Parts: true}, History: f.past(),
				Standings: []report.Standing{f.standing("192.0.2.10", id, checks.Major, 61*time.Minute)}}, nil
		}
	}
	if err == nil {
		err = ErrNotFound
	}
	return report.ListHistory{}, err
}

func (f *fixture) Receivers(context.Context, time.Time) ([]report.Receiver, error) {
	return report.BuildReceivers([]report.ReceiverCount{{Domain: "example.net" + f.hostile, Vendor: "Cisco Talos", Refused: 41, Delivered: 171, Counted: true, Last: ago(6 * time.Minute)},
		{Domain: "example.org", Vendor: "Cisco Talos", Refused: 2, Delivered: 9, Counted: true, Last: ago(16 * time.Minute)},
		{Domain: "few.example", Refused: 4, Delivered: 6, Counted: true, Last: ago(30 * time.Minute)},
		{Domain: "example.com", Delivered: 4000, Counted: true}}, ago(day), now), nil
}

func (f *fixture) Receiver(ctx context.Context, name string, at time.Time) (report.Receiver, error) {
	all, _ := f.Receivers(ctx, at)
	for _, r := range all {
		if r.Name == name {
			r.Course, _ = f.Refusals(ctx, "7d", at)
			r.Refusals = f.refused()
			r.Incidents = []report.IncidentView{f.views()[3]}
			r.Recoveries = []checks.Recovery{{Vendor: name, Receivers: 2, Again: 1, Counted: true, Last: ago(6 * time.Minute), Waiting: []string{"example.net" + f.hostile}}}
			return r, nil
		}
	}
	return report.Receiver{}, ErrNotFound
}

func (f *fixture) Search(_ context.Context, words string, _ time.Time) ([]report.Hit, error) {
	if words == "" || f.calm {
		return nil, nil
	}
	return []report.Hit{{Kind: "incident", ID: "12", Name: "192.0.2.10 is listed by SpamCop" + f.hostile, Note: "open"}, {Kind: "target", ID: "192.0.2.10", Name: "192.0.2.10", Note: "watched"},
		{Kind: "list", ID: "spamcop", Name: "SpamCop", Note: "asked"}, {Kind: "receiver", ID: "Cisco Talos" + f.hostile, Name: "Cisco Talos"}}, nil
}

func (f *fixture) Act(_ context.Context, a alerts.Action) (alerts.Incident, error) {
	if a.Request.List == "psbl" && !a.Request.Again {
		return alerts.Incident{}, fmt.Errorf("%w: psbl was asked already, on 25 Nov 09:00 by lee", alerts.ErrTooSoon)
	}
	for _, v := range f.views() {
		if v.Incident.ID == a.Incident {
			after, err := v.Incident.Apply(a)
			if err == nil {
				f.acted = append(f.acted, a)
			}
			return after, err
		}
	}
	return alerts.Incident{}, ErrNotFound
}

func (f *fixture) Targets(_ context.Context, after string, limit int) (part []report.TargetStanding, more bool, err error) {
	for i := range 250 {
		t := checks.Address(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
		t.Pool = "transactional" + f.hostile
		x := report.TargetStanding{Target: t, Watched: true}
		if i == 10 {
			x.Standings = []report.Standing{f.standing("192.0.2.10", "spamcop", checks.Major, time.Hour)}
		}
		if after == "" {
			if len(part) == limit {
				return part, true, nil
			}
			part = append(part, x)
		} else if t.ID() == after {
			after = ""
		}
	}
	return part, false, nil
}

func (f *fixture) Bounces(_ context.Context, q BounceQuery) ([]report.Refusal, []string, error) {
	if q.After == nil {
		return f.refused()[:1], []string{"1", "2"}, nil
	}
	return f.refused()[1:], nil, nil
}

func (f *fixture) Changes(_ context.Context, q ChangeQuery) (part []report.Turn, next int64, err error) {
	for n := int64(6); n > 0 && len(part) < q.Limit; n-- {
		if q.Before == 0 || n < q.Before {
			part = append(part, report.Turn{At: ago(time.Duration(7-n) * day), Key: checks.Key{Check: "dnsbl", Target: fmt.Sprintf("192.0.2.%d", n), Source: "spamcop"}, Status: checks.Problem, Code: checks.CodeListed, Severity: checks.Major, Summary: "x" + f.hostile})
			if next = n; n == 1 {
				next = 0
			}
		}
	}
	return part, next, nil
}

func (f *fixture) History(context.Context, string, string, time.Time, time.Time) (report.History, error) {
	return f.past(), nil
}

func (f *fixture) Standings(_ context.Context, target string) ([]report.Standing, error) {
	var all []report.Standing
	if f.big {
		a := addr("10.0.0.0")
		for range 65536 {
			t := checks.Address(a)
			t.Pool = "bulk"
			all = append(all, report.Standing{Key: checks.Key{Check: "dnsbl", Target: t.ID(), Source: "spamhaus-zen"}, Target: t, Code: checks.CodeListed, Severity: checks.Minor, Since: ago(time.Hour)})
			a = a.Next()
		}
		return all, nil
	}
	for _, s := range []report.Standing{f.standing("192.0.2.10", "spamcop"+f.hostile, checks.Major, time.Hour), f.standing("192.0.2.10", "uceprotect-2", checks.Informational, 9*day), f.standing("192.0.2.11", "psbl", checks.Minor, 3*time.Hour)} {
		if target == "" || s.Key.Target == target {
			all = append(all, s)
		}
	}
	return all, nil
}

func (f *fixture) Watched(target string) bool {
	return target == "192.0.2.10" || target == "192.0.2.12"
}
