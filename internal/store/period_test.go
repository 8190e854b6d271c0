package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/checks"
)

// run runs a statement on the database of a test.
func run(t *testing.T, db *DB, query string, args ...any) {
	t.Helper()
	if _, err := db.write.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func TestSpellsOfATime(t *testing.T) {
	db := fresh(t)
	hour := func(n int64) time.Time { return time.UnixMicro(n * time.Hour.Microseconds()).UTC() }
	turn := func(target string, at int64, before, status checks.Status, code checks.Code, severity checks.Severity) {
		run(t, db, "INSERT INTO transitions (check_name, target, source, at, before, status, code, severity, summary, facts, evidence) VALUES ('dnsbl', ?, 'list', ?, ?, ?, ?, ?, '', '{}', '[]')",
			target, hour(at).UnixMicro(), before, status, code, severity)
	}
	turn("192.0.2.1", 10, "ok", "problem", checks.CodeListed, checks.Major) // began and got worse before, ended within
	turn("192.0.2.1", 11, "problem", "problem", checks.CodePolicy, checks.Critical)
	turn("192.0.2.1", 20, "problem", "ok", checks.CodeNotListed, "")
	turn("192.0.2.1", 25, "ok", "problem", checks.CodeListed, checks.Major) // came back, and stays
	turn("192.0.2.2", 5, "", "problem", checks.CodeListed, checks.Minor)    // stays all the time
	turn("192.0.2.3", 15, "problem", "ok", checks.CodeNotListed, "")        // ended just when it begins; its own beginning is not stored
	turn("192.0.2.4", 30, "ok", "problem", checks.CodeListed, checks.Minor) // began when it is over
	for target, since := range map[string]int64{"192.0.2.1": 25, "192.0.2.2": 5, "192.0.2.4": 30} {
		severity := checks.Minor
		if since == 25 {
			severity = checks.Major
		}
		run(t, db, "INSERT INTO states (check_name, target, source, status, code, severity, since, seen) VALUES ('dnsbl', ?, 'list', 'problem', ?, ?, ?, 0)", target, checks.CodeListed, severity, hour(since).UnixMicro())
	}
	begun, ended, open, err := db.Spells(t.Context(), hour(15), hour(30))
	if err != nil {
		t.Fatal(err)
	}
	of := func(target string, code checks.Code, s checks.Severity, began, over, before int64) Spell {
		x := Spell{Key: checks.Key{Check: "dnsbl", Target: target, Source: "list"}, Code: code, Severity: s}
		for _, p := range []struct {
			to *time.Time
			n  int64
		}{{&x.Began, began}, {&x.Ended, over}, {&x.Before, before}} {
			if p.n > 0 {
				*p.to = hour(p.n)
			}
		}
		return x
	}
	for name, x := range map[string][2][]Spell{
		"begun": {begun, {of("192.0.2.1", checks.CodeListed, checks.Major, 25, 0, 20)}},
		"ended": {ended, {of("192.0.2.3", checks.CodeNotListed, "", 0, 15, 0), of("192.0.2.1", checks.CodePolicy, checks.Critical, 10, 20, 0)}},
		"open":  {open, {of("192.0.2.1", checks.CodeListed, checks.Major, 25, 0, 0), of("192.0.2.2", checks.CodeListed, checks.Minor, 5, 0, 0)}},
	} {
		if diff := cmp.Diff(x[1], x[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMailOfATimeAndOfSomeTargets(t *testing.T) {
	db := fresh(t)
	hour := func(n int64) int64 { return n * time.Hour.Microseconds() }
	for _, m := range []struct {
		target, domain, vendor, action string
		at                             int64
	}{
		{"192.0.2.1", "a.example", "Talos", "failed", 10}, {"192.0.2.1", "b.example", "Talos", "delayed", 11}, {"192.0.2.2", "a.example", "Talos", "failed", 12},
		{"192.0.2.2", "c.example", "", "failed", 12}, {"192.0.2.1", "a.example", "Talos", "failed", 9}, {"192.0.2.1", "a.example", "Talos", "failed", 20},
	} {
		run(t, db, `INSERT INTO bounces (log, queue_id, recipient, position, first, heard, tries, outcome, final, counted, reply, status, diagnostic, stage, category, reputation, temporary, blocklist,
				named_address, named_domain, url, code, rule, remedy, remote_host, remote_addr, reporting_host, source, message_id, sender, target, domain, vendor, action, at)
			VALUES ('mx1', '', 'r', 0, 0, 0, 1, '', 1, 1, '', '', '', '', '', 1, 0, '', '', '', '', '', '', '', '', '', '', '', '', '', ?, ?, ?, ?, ?)`, m.target, m.domain, m.vendor, m.action, hour(m.at))
	}
	run(t, db, `INSERT INTO traffic (target, domain, hour, vendor, delivered, deferred, refused) VALUES ('192.0.2.1', 'a.example', 10, '', 100, 0, 0), ('192.0.2.1', '*', 10, '', 150, 0, 0), ('192.0.2.2', 'a.example', 11, '', 20, 0, 0),
		('192.0.2.2', '*', 11, '', 30, 0, 0), ('example.org', 'a.example', 10, '', 110, 0, 0), ('example.org', '*', 10, '', 160, 0, 0), ('192.0.2.1', '*', 9, '', 1000, 0, 0), ('192.0.2.1', '*', 20, '', 1000, 0, 0)`)
	from, until := time.UnixMicro(10*time.Hour.Microseconds()), time.UnixMicro(20*time.Hour.Microseconds())
	for name, c := range map[string]struct {
		wanted func(string) bool
		want   MailIn
	}{
		"all": {func(string) bool { return true }, MailIn{Refused: 3, Deferred: 1, Delivered: 180, Counted: true, Apart: true,
			Refusers: []RefuserIn{{"Talos", 2, 2, 1, 120}, {"c.example", 1, 1, 0, 0}}}},
		"one address": {func(target string) bool { return target == "192.0.2.1" }, MailIn{Refused: 1, Deferred: 1, Delivered: 150, Counted: true, Apart: true, Refusers: []RefuserIn{{"Talos", 2, 1, 1, 100}}}},
		"a domain":    {func(target string) bool { return target == "example.org" }, MailIn{Delivered: 160, Counted: true, Apart: true}},
		"none":        {func(string) bool { return false }, MailIn{Apart: true}},
	} {
		got, err := db.MailIn(t.Context(), from, until, c.wanted)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	for name, c := range map[string]struct{ from, until, delivered int64 }{ // in half hours
		"an hour that has begun is told of":              {20, 21, 150},
		"and the one within which it begins, as a whole": {21, 40, 150},
		"also where nothing else of it is over":          {21, 22, 150},
		"an hour that is over when it begins is not":     {22, 40, 0},
		"nor is one that only begins when it has ended":  {19, 20, 1000},
	} {
		half := func(n int64) time.Time { return time.UnixMicro(hour(n) / 2) }
		got, err := db.MailIn(t.Context(), half(c.from), half(c.until), func(target string) bool { return target == "192.0.2.1" })
		if err != nil || int64(got.Delivered) != c.delivered || got.Counted != (c.delivered > 0) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	impact, err := db.ImpactOf(t.Context(), []string{"192.0.2.2"}, from, from, until, true)
	if err != nil || impact.Refusals() != 2 || impact.Delivered.N != 30 {
		t.Errorf("what one target cost: %+v, %v", impact, err)
	}
}
