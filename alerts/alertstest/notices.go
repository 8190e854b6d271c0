// Package alertstest has what the tests of every channel need: notifications of all
// shapes, hostile ones among them, and a server on the loopback that misbehaves in all ways.
package alertstest

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// At is when all of it happens.
var At = time.Date(2026, 11, 25, 9, 40, 0, 0, time.UTC)

// Count is a number that was counted.
func Count(n int) checks.Count { return checks.Count{N: n, Counted: true} }

// Listing is one address on SpamCop.
func Listing(addr string) alerts.Member {
	target := checks.Address(netip.MustParseAddr(addr))
	return alerts.Member{First: At, Last: At.Add(time.Minute), Finding: checks.Finding{
		Key: checks.Key{Check: "dnsbl", Target: addr, Source: "spamcop"}, Target: target,
		Code: checks.CodeListed, Status: checks.Problem, Severity: checks.Major,
		Summary: addr + " is listed by SpamCop",
		Facts:   map[string]string{checks.FactMeaning: "reported or trapped spam"},
		Evidence: []checks.Evidence{{
			Question: "10.2.0.192.bl.spamcop.net. A", Answer: "127.0.0.2", Reason: "Blocked - see https://www.spamcop.net/bl.shtml?" + addr,
			Via: "192.0.2.53:53", Controls: "127.0.0.2 listed, 127.0.0.1 clean", At: At.Add(time.Minute),
		}},
	}}
}

// refusedByCisco is a refusal at the greeting of a receiver with a Cisco gateway.
func refusedByCisco() alerts.Member {
	m := Listing("192.0.2.10")
	m.Finding.Key = checks.Key{Check: "bounce", Target: "192.0.2.10", Source: "cisco-talos"}
	m.Finding.Code, m.Finding.Summary = checks.CodeRefused, "example.net refuses mail from 192.0.2.10 for its reputation (Cisco Talos)"
	m.Finding.Facts = nil
	m.Finding.Evidence = []checks.Evidence{{
		Question: "mail to kim@… at mx1.example.net",
		Answer:   "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means.",
		Via:      "mailbox bounces, UID 4711", Proof: "written by mx.example.org", At: At.Add(3 * time.Minute),
	}}
	return m
}

func monitorMember() alerts.Member {
	return alerts.Member{First: At, Finding: checks.Finding{
		Key: checks.Key{Check: "resolver", Target: "monitor:resolver"}, Target: checks.Monitor("resolver"),
		Code: checks.CodeBlind, Status: checks.Problem, Severity: checks.Critical,
		Summary:  "41 of 60 lists could not be asked: look at our own resolver or network",
		Evidence: []checks.Evidence{{Question: "2.0.0.127.bl.spamcop.net. A", Answer: "no answer within 3 s", Via: "192.0.2.53:53", At: At}},
	}}
}

func spamcopRunbook() checks.Remediation {
	return checks.Remediation{
		ID: "spamcop", Title: "Get 192.0.2.10 off SpamCop", WhoAsk: "nobody: the entry ends by itself", Takes: "about 24 hours after the last report",
		Never: []string{"Never let the mail go on while you wait: every new report starts the 24 hours again."},
		Steps: []checks.Step{
			{Text: "Read how it was listed.", URL: "https://www.spamcop.net/w3m?action=checkblock&ip=192.0.2.10"},
			{Text: "Find the sender. Postfix:", Command: "grep -ho 'sasl_username=[^, ]*' /var/log/mail.log | sort | uniq -c | sort -rn | head"},
			{Text: "Lock that login and change its password."},
		},
	}
}

func talosRunbook() checks.Remediation {
	r := checks.Remediation{ID: "cisco-talos", Title: "Bring 192.0.2.10 back to a good score at Cisco Talos", Takes: "hours to about a week"}
	r.Steps = append(r.Steps, checks.Step{Text: "Read the rating.", URL: "https://talosintelligence.com/reputation_center/lookup?search=192.0.2.10"})
	for i := 2; i <= 8; i++ {
		r.Steps = append(r.Steps, checks.Step{Text: fmt.Sprintf("Do step %d.", i)})
	}
	return r
}

// Opened is the plainest notification: one address on one list.
func Opened() alerts.Notification {
	return alerts.Notification{
		ID: "12/opened/1", Kind: alerts.Opened, At: At, Command: "reputed incident show 12",
		Remediation: []checks.Remediation{spamcopRunbook()},
		Incident: alerts.Incident{
			ID: 12, Cause: "target:192.0.2.10", Title: "192.0.2.10 is listed by SpamCop", State: alerts.Open, Severity: checks.Major,
			Members: []alerts.Member{Listing("192.0.2.10")}, Opened: At, Changed: At, LastSeen: At,
		},
	}
}

// With is [Opened] with a change.
func With(change func(n *alerts.Notification)) alerts.Notification {
	n := Opened()
	change(&n)
	return n
}

// Variants are the shapes that a message can have, one golden file each.
func Variants() map[string]alerts.Notification {
	return map[string]alerts.Notification{
		"opened": Opened(),
		"already-listed": With(func(n *alerts.Notification) {
			n.Incident.Existing = true
			n.Incident.Impact = checks.Impact{Since: At, Receivers: []checks.ReceiverImpact{{Receiver: "example.net", Delivered: Count(3120)}}}
		}),
		"relapse": With(func(n *alerts.Notification) { n.Incident.Relapses = 2 }),
		"worsened": With(func(n *alerts.Notification) {
			n.Kind, n.At = alerts.Worsened, At.Add(4*time.Minute)
			n.Incident.Severity = checks.Critical
			n.Incident.Title = "example.net refuses mail from 192.0.2.10 for its reputation (Cisco Talos) (and 1 more finding)"
			n.Incident.Members = []alerts.Member{refusedByCisco(), Listing("192.0.2.10")}
			n.Incident.Impact = checks.Impact{Target: "192.0.2.10", Since: At, Receivers: []checks.ReceiverImpact{
				{Receiver: "example.net", Vendor: "Cisco Talos", Refused: Count(2), First: At},
				{Receiver: "Microsoft", Refused: Count(41), Delivered: Count(171), First: At.Add(time.Minute)},
			}}
			n.Remediation = []checks.Remediation{talosRunbook(), spamcopRunbook()}
		}),
		"reminder": With(func(n *alerts.Notification) {
			n.Kind, n.At = alerts.Reminder, At.Add(24*time.Hour)
			n.Incident.Reminded = 3
			n.Incident.Members[0].Unknown = At.Add(23 * time.Hour)
		}),
		"updated": With(func(n *alerts.Notification) {
			n.Kind = alerts.Updated
			cleared := Listing("192.0.2.10")
			cleared.Clear = true
			n.Incident.Members = []alerts.Member{refusedByCisco(), cleared}
			n.Incident.AckedBy, n.Incident.AckedAt, n.Incident.Note = "kim", At.Add(time.Minute), "password of sales@ changed"
			n.Incident.Impact = checks.Impact{Target: "192.0.2.10", Since: At}
			for i, receiver := range []string{"example.net", "example.com", "mail.example.net", "mail.example.com", "www.example.net"} {
				r := checks.ReceiverImpact{Receiver: receiver, Vendor: "Cisco Talos", Refused: Count(8 - i), Delivered: Count(2 * i), First: At, Last: At.Add(time.Duration(40-i) * time.Minute)}
				if i > 1 {
					r.Accepted = At.Add(2 * time.Hour)
				}
				n.Incident.Impact.Receivers = append(n.Incident.Impact.Receivers, r)
			}
		}),
		"news": With(func(n *alerts.Notification) {
			n.Kind, n.At = alerts.Updated, At.Add(20*time.Minute)
			joined, left := refusedByCisco(), Listing("192.0.2.10")
			left.Clear, left.Finding.Summary = true, "192.0.2.10 is listed by PSBL"
			n.Incident.Severity, n.Incident.AckedBy = checks.Critical, "kim"
			n.News = &alerts.News{Joined: []alerts.Member{joined}, Left: []alerts.Member{left}}
			n.Remediation = []checks.Remediation{talosRunbook()}
		}),
		"news-of-many": With(func(n *alerts.Notification) {
			n.Kind, n.At, n.News = alerts.Updated, At.Add(20*time.Minute), &alerts.News{MoreJoined: 280}
			for i := 11; i <= 30; i++ {
				n.News.Joined = append(n.News.Joined, Listing(fmt.Sprintf("192.0.2.%d", i)))
			}
		}),
		"resolved": With(func(n *alerts.Notification) {
			n.Kind, n.At = alerts.Ended, At.Add(26*time.Hour+20*time.Minute)
			n.Incident.State, n.Incident.Resolved, n.Incident.AckedBy = alerts.Resolved, n.At, "kim"
			n.Incident.Members[0].Clear = true
			n.Incident.Impact = checks.Impact{Receivers: []checks.ReceiverImpact{{Receiver: "example.net", Refused: Count(2), First: At, Last: At.Add(time.Hour), Delivered: Count(30), Accepted: At.Add(20 * time.Hour)}}}
		}),
		"monitor-blind": With(func(n *alerts.Notification) {
			n.Incident = alerts.Incident{ID: 13, Cause: "monitor:resolver", Title: "41 of 60 lists could not be asked", Severity: checks.Critical, Members: []alerts.Member{monitorMember()}, Opened: At}
			n.Command = "reputed incident show 13"
			n.Remediation = []checks.Remediation{{ID: "resolver-blind", Title: "Give this monitor its sight back", Steps: []checks.Step{{Text: "Ask the resolver by hand:", Command: "dig -p 53 @192.0.2.53 2.0.0.127.bl.spamcop.net A"}}}}
		}),
		"list-refused": With(func(n *alerts.Notification) {
			m := Listing("192.0.2.10")
			m.Finding.Target, m.Finding.Key.Target = checks.List("spamhaus-zen"), "list:spamhaus-zen"
			m.Finding.Code, m.Finding.Severity, m.Finding.Summary, m.Finding.Facts = checks.CodeListRefused, checks.Minor, "Spamhaus ZEN refuses to answer our resolver", nil
			m.Finding.Evidence = []checks.Evidence{{Question: "2.0.0.127.zen.spamhaus.org. A", Answer: "127.255.255.254", Via: "192.0.2.53:53", At: At}}
			n.Incident.Title, n.Incident.Severity, n.Incident.Members, n.Remediation = m.Finding.Summary, checks.Minor, []alerts.Member{m}, nil
		}),
		"informational": With(func(n *alerts.Notification) {
			n.Incident.Severity = checks.Informational
			n.Incident.Members[0].Finding.Severity = checks.Informational
		}),
		"many-targets": With(func(n *alerts.Notification) {
			n.Incident.Title = "41 targets, 192.0.2.1 among them: Listed on a blocklist (SpamCop)"
			n.Incident.Members = nil
			for i := 1; i <= 41; i++ {
				n.Incident.Members = append(n.Incident.Members, Listing(fmt.Sprintf("192.0.2.%d", i)))
			}
		}),
		"escalated": With(func(n *alerts.Notification) {
			n.Kind, n.At = alerts.Escalated, At.Add(30*time.Minute)
			n.Incident.Severity, n.Incident.Paged, n.Incident.Escalated = checks.Critical, At, n.At
		}),
		"flapping": With(func(n *alerts.Notification) {
			n.Kind, n.At = alerts.Flapped, At.Add(5*time.Hour)
			n.Incident.Flapping = n.At
			n.Incident.Turns = []time.Time{At, At.Add(time.Hour), At.Add(3 * time.Hour), n.At}
		}),
		"silence-ending": With(func(n *alerts.Notification) {
			n.Kind, n.At = alerts.SilenceEnding, At.Add(23*time.Hour)
			n.Incident.State = alerts.Silenced
			n.Incident.Silence = alerts.Silence{By: "kim", Reason: "the hoster is on it", Since: At, Until: At.Add(24 * time.Hour), Noted: true}
		}),
		"digest": Digest(func(*alerts.Digest) {}),
		"digest-hostile": Digest(func(d *alerts.Digest) {
			d.New[0].Title, d.Open[0].AckedBy, d.New[0].Severity, d.Changed[0].News = evil, evil, evil, evil
		}),
		"report": Review(func(*alerts.Review) {}),
		"report-hostile": Review(func(v *alerts.Review) {
			v.Title, v.Sections[0].Title, v.Sections[0].Lines[0] = evil, evil, evil
		}),
		"news-hostile": With(func(n *alerts.Notification) {
			Hostile(n)
			n.Kind, n.News = alerts.Updated, &alerts.News{Joined: n.Incident.Members, Left: n.Incident.Members}
		}),
		"rehearsal": With(func(n *alerts.Notification) { n.Rehearsal = true }),
		"hostile":   With(Hostile),
	}
}

// Digest is a daily digest with a change; it is about no single incident.
func Digest(change func(d *alerts.Digest)) alerts.Notification {
	d := &alerts.Digest{
		Since: At.Add(-24 * time.Hour), Until: At,
		Changed: []alerts.Brief{{ID: 12, Title: "192.0.2.10 is listed by SpamCop (and 2 more findings)", State: alerts.Open, Severity: checks.Major, Opened: At.Add(-30 * time.Hour),
			News: "192.0.2.10 has no name in the DNS and 1 more; clear again: 192.0.2.10 is listed by PSBL"}},
		New:   []alerts.Brief{{ID: 14, Title: "192.0.2.11 is listed by a list that few use", State: alerts.Open, Severity: checks.Minor, Opened: At.Add(-3 * time.Hour), Refusals: 2}},
		Ended: []alerts.Brief{{ID: 11, Title: "example.org is young", State: alerts.Resolved, Severity: checks.Informational, Opened: At.Add(-26 * time.Hour), Resolved: At.Add(-2 * time.Hour)}},
		Open:  []alerts.Brief{{ID: 9, Title: "198.51.100.7 is listed by SpamCop", State: alerts.Acknowledged, Severity: checks.Major, Opened: At.Add(-72 * time.Hour), AckedBy: "kim"}},
	}
	change(d)
	return alerts.Notification{ID: "digest/2026-11-25T08:00:00Z", Kind: alerts.Daily, At: At, Digest: d, Command: "reputed status"}
}

// Review is the report about a week with a change; it is about no single incident.
func Review(change func(v *alerts.Review)) alerts.Notification {
	v := &alerts.Review{Since: At.Add(-7 * 24 * time.Hour), Until: At, Title: "2 incidents opened, 1 ended, 2 open now; 260 mails refused or deferred", Zone: "CET",
		Sections: []alerts.ReviewSection{
			{Title: "Listings", Lines: []string{"3 new, 2 ended, 3 not over; half of those that ended had lasted 2 d or less", "SpamCop Blocking List: 3 new, 1 ended after 24 h, 2 not over, 24 h at most (192.0.2.10 and 192.0.2.11)",
				"PSBL: 1 ended after 3 d", "a list: 1 new", "another list: 1 new", "a third list: 1 new", "a fourth list: 1 new", "a fifth list: 1 new", "a sixth list: 1 new", "a seventh list: 1 new"}},
			{Title: "What it cost", Lines: []string{"260 of 31,280 mails refused or deferred (0.8 %) for reputation; in the 7 d before, 30 of 30,441 mails refused or deferred (0.1 %)"}},
			{Title: "What was done", Lines: []string{"22 Nov 13:40 acknowledged by kim, #11 192.0.2.10 is listed by SpamCop"}},
		}}
	change(v)
	return alerts.Notification{ID: "report/2026-11-25T08:00:00Z", Kind: alerts.Periodic, At: At, Review: v, Command: "reputed report --since 7d"}
}

// evil is what would do harm if it were believed.
const evil = "<!channel> @here <https://evil.example|Slack> *bold* _it_ ~s~ `code` ```box``` :fire: & &lt;!here&gt; \x1b[31m\r\nforged: line \u202egnp.exe\u200b"

// Hostile fills every text that may come from outside with what would do harm
// if it were believed.
func Hostile(n *alerts.Notification) {
	m := &n.Incident.Members[0]
	n.Incident.Title, n.Incident.Note, n.Incident.AckedBy = evil, evil, "<@U123>"
	m.Finding.Summary, m.Finding.Facts[checks.FactMeaning] = evil, evil
	m.Finding.Evidence[0] = checks.Evidence{Question: evil, Answer: evil + strings.Repeat("<", 10000), Reason: evil, Via: evil, Controls: evil, Proof: evil, At: At}
	n.Incident.Impact = checks.Impact{Receivers: []checks.ReceiverImpact{{Receiver: evil, Vendor: evil, Refused: Count(1), First: At}}}
	n.Remediation = []checks.Remediation{
		{Title: evil, WhoAsk: evil, Takes: evil, Never: []string{evil}, Steps: []checks.Step{{Text: evil, URL: "javascript:alert(1)", Command: evil}, {Text: "x", URL: "https://user@evil.example/"}}},
		{Title: evil, Steps: []checks.Step{{URL: "https://evil.example/<!channel>"}}},
	}
	n.Command = evil
}
