package main

import (
	"net/netip"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/monitor"
)

// Whoever ends an incident by hand is told what was still so.
func TestWhatWasStillListedIsSaidOfAnEndByHand(t *testing.T) {
	now := time.Date(2026, 11, 25, 22, 0, 0, 0, time.Local)
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 25, hour, minute, 0, 0, time.Local) }
	listing := func(addr, list string, last time.Time) alerts.Member {
		target := checks.Address(netip.MustParseAddr(addr))
		return alerts.Member{Last: last, Finding: checks.Finding{Key: checks.Key{Check: "dnsbl", Target: target.ID(), Source: list}, Target: target,
			Code: checks.CodeListed, Facts: map[string]string{checks.FactListName: list}}}
	}
	zen := listing("192.0.2.10", "Spamhaus ZEN", at(21, 30))
	clean, clear := zen, zen
	clean.ClearSince, clear.Clear = at(21, 45), true
	mail, list, old := zen, zen, zen
	name := listing("192.0.2.10", "ptr", at(21, 30))
	name.Finding.Key.Check, name.Finding.Facts = monitor.JobIdentity, nil
	mail.Finding.Key.Check = "bounce"
	list.Finding.Target = checks.List("spamhaus-zen")
	old.Last = at(21, 30).AddDate(0, 0, -1)
	end := ": if it still is, the next round opens this again"
	for name, c := range map[string]struct {
		members []alerts.Member
		want    string
	}{
		"still listed":                  {[]alerts.Member{zen}, "192.0.2.10 was still listed by Spamhaus ZEN when last asked, 21:30" + end},
		"another day":                   {[]alerts.Member{old}, "192.0.2.10 was still listed by Spamhaus ZEN when last asked, 24 Nov 21:30" + end},
		"no PTR":                        {[]alerts.Member{name}, "192.0.2.10 still had a finding (ptr) when last asked, 21:30" + end},
		"answered clean, or clear":      {[]alerts.Member{clean, clear}, ""},
		"refused mail is not asked for": {[]alerts.Member{mail}, ""},
		"a list that is unusable":       {[]alerts.Member{list}, ""},
		"very many": {[]alerts.Member{zen, zen, listing("192.0.2.11", "A", at(21, 40)), listing("192.0.2.12", "A", at(21, 35)), listing("192.0.2.13", "A", at(21, 35))},
			"192.0.2.10 was still listed by Spamhaus ZEN, 192.0.2.11 was still listed by A, 192.0.2.12 was still listed by A, and 1 more when last asked, 21:40" + end},
	} {
		t.Run(name, func(t *testing.T) {
			if got := stillSo(alerts.Incident{Members: c.members}, now); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}
