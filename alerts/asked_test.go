package alerts

import (
	"testing"
	"time"

	"reputed/checks"
)

func TestAsked(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	key := checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "spamhaus-zen"}
	asked := func(change func(*Asked)) Asked {
		a := Asked{Request: Request{List: "spamhaus-zen", Ref: "SBL123", Promised: 24 * time.Hour, CoolDown: 48 * time.Hour, Key: key}, Incident: 12, By: "kim", At: at}
		change(&a)
		return a
	}
	for name, c := range map[string]struct {
		a       Asked
		after   time.Duration
		overdue bool
		watched bool
		text    string
	}{
		"granted":                  {asked(func(a *Asked) { a.Cleared = at.Add(19 * time.Hour) }), 72 * time.Hour, false, false, "asked by kim (SBL123), promised 24 h, cleared after 19 h"},
		"in time":                  {asked(func(*Asked) {}), 23 * time.Hour, false, true, "asked by kim (SBL123), promised 24 h, not cleared yet"},
		"overdue":                  {asked(func(*Asked) {}), 25 * time.Hour, true, true, "asked by kim (SBL123), promised 24 h, not cleared yet"},
		"nobody promised anything": {asked(func(a *Asked) { a.Promised, a.Ref = 0, "" }), 240 * time.Hour, false, true, "asked by kim, not cleared yet"},
		"after two weeks":          {asked(func(*Asked) {}), 15 * 24 * time.Hour, true, false, "asked by kim (SBL123), promised 24 h, not cleared yet"},
		"of nothing in it":         {asked(func(a *Asked) { a.Key, a.Promised = checks.Key{}, 0 }), time.Hour, false, false, "asked by kim (SBL123), not watched: the incident has no such list"},
		"hostile":                  {asked(func(a *Asked) { a.By, a.Ref, a.Promised = "kim\x1b[2J\n", "<!channel>\r\n", 7*24*time.Hour }), time.Hour, false, true, "asked by kim [2J (<!channel>), promised 7 d, not cleared yet"},
	} {
		t.Run(name, func(t *testing.T) {
			now := at.Add(c.after)
			if c.a.Overdue(now) != c.overdue || c.a.Watched(now) != c.watched || c.a.String() != c.text {
				t.Errorf("overdue %v, watched %v, %q; want %+v", c.a.Overdue(now), c.a.Watched(now), c.a, c)
			}
		})
	}
}

func TestTooSoon(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	one := Asked{Request: Request{List: "psbl", CoolDown: 24 * time.Hour}, At: at}
	granted := one
	granted.Cleared = at.Add(time.Hour)
	for name, c := range map[string]struct {
		all  []Asked
		list string
		cool time.Duration
		now  time.Duration
		want bool
	}{
		"the first time":                 {nil, "psbl", 24 * time.Hour, time.Hour, false},
		"within the cool-down":           {[]Asked{one}, "PSBL", 0, time.Hour, true},
		"after it":                       {[]Asked{one}, "psbl", 0, 25 * time.Hour, false},
		"a runbook that asks for longer": {[]Asked{one}, "psbl", 48 * time.Hour, 25 * time.Hour, true},
		"another list":                   {[]Asked{one}, "spamcop", 24 * time.Hour, time.Hour, false},
		"granted, and back again":        {[]Asked{granted}, "psbl", 0, 2 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := TooSoon(c.all, c.list, c.cool, at.Add(c.now)); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// A letter a day: a asked again, l listed, c clean; one outcome a letter.
func TestAPromiseThatIsNotKeptIsTold(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ days, want string }{
		"kept":                       {"llc", "o - e"},
		"not kept":                   {"llllc", "o - u - e"},
		"asked again gives it time":  {"lllalll", "o - u - - u -"},
		"told once, not every round": {"llllllll", "o - u - - - - -"},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := checks.ParseID("192.0.2.10")
			if err != nil {
				t.Fatal(err)
			}
			key := checks.Key{Check: "dnsbl", Target: target.ID(), Source: "psbl"}
			request := Request{List: "psbl", Promised: 40 * time.Hour, Key: key}
			asked := []Asked{{Request: request, At: at, By: "kim"}}
			var open []Incident
			got := ""
			for day, letter := range c.days {
				now := at.Add(time.Duration(day) * 24 * time.Hour)
				f := checks.Finding{Key: key, Target: target, Code: checks.CodeListed, Status: checks.Problem, Severity: checks.Major, Summary: "192.0.2.10 is listed", At: now}
				switch letter {
				case 'a':
					asked = append(asked, Asked{Request: request, At: now, By: "kim"})
				case 'c':
					f.Code, f.Status, f.Severity = checks.CodeNotListed, checks.OK, ""
					for i := range asked {
						asked[i].Cleared = now
					}
				}
				word := "-"
				findings := append([]checks.Finding{f}, Overdue(asked, open, func(id string) string { return id }, now)...)
				for _, ch := range Fold(Input{Open: open, Findings: findings, Policy: Policy{MinSeverity: checks.Minor, Channels: []string{"slack"}}, Now: now}) {
					open = nil
					if ch.Incident.State != Resolved {
						open = []Incident{ch.Incident}
					}
					if ch.Tell {
						word = map[ChangeKind]string{Opened: "o", Updated: "u", Ended: "e"}[ch.Kind]
					}
				}
				if day > 0 {
					got += " "
				}
				got += word
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
