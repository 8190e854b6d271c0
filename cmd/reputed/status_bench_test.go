package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/probes"
)

// grown is the database of a network of 65,536 addresses: as a first round leaves it, or after a
// year with a round every half hour, five listings a day, and, at the end, so many addresses on one list at once.
func grown(tb testing.TB, dir string, year bool, listed int) (config string) {
	tb.Helper()
	path := filepath.Join(dir, "state.db")
	config = filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, []byte("[database]\npath = \"state.db\"\n[[outbound]]\naddresses = [\"198.18.0.0/16\"]\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	ctx, now := context.Background(), time.Now().UTC()
	db, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	_, err = db.Lease(ctx, "reputed test", time.Hour, now)
	must(err)
	run, err := db.BeginRun(ctx, monitor.JobDNSBL, now.Add(-5*time.Minute))
	must(err)
	summary := store.Summary{Targets: 1 << 16, Questions: 60 << 16}
	for i := range 60 {
		summary.Lists = append(summary.Lists, store.ListSummary{List: fmt.Sprintf("list-%02d", i), State: store.ListOK, Counts: map[string]int{"clean": 1 << 16}})
	}
	must(db.FinishRun(ctx, run, now.Add(-4*time.Minute), summary))
	commit := func(at time.Time, findings ...checks.Finding) {
		_, err := db.Commit(ctx, at, store.Batch{Read: map[string]probes.Position{"bounces": {UIDValidity: 7, UID: 4711}}}, func(s store.Situation) store.Decision {
			return store.Decision{Findings: findings, Changes: alerts.Fold(alerts.Input{Open: s.Open, Recent: s.Recent, Findings: findings, Now: s.Now})}
		})
		must(err)
	}
	listing := func(i int, list string, at time.Time) checks.Finding {
		a := netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)})
		return checks.Finding{Key: checks.Key{Check: monitor.JobDNSBL, Target: a.String(), Source: list}, Target: checks.Address(a), Code: checks.CodeListed, Status: checks.Problem,
			Severity: checks.Major, Summary: a.String() + " is listed by " + list, At: at, Facts: map[string]string{checks.FactAddress: a.String(), checks.FactList: list, checks.FactListName: list},
			Evidence: []checks.Evidence{{Question: a.String() + "." + list + ". A", Answer: "127.0.0.2", Reason: "Blocked - see https://example.net/?" + a.String(), At: at}}}
	}
	commit(now.Add(-4*time.Minute), listing(1, "spamcop", now.Add(-4*time.Minute)))
	if year {
		var all []checks.Finding
		for i := range listed {
			all = append(all, listing(i, "psbl", now.Add(-3*time.Minute)))
		}
		commit(now.Add(-3*time.Minute), all...)
	}
	must(db.Close())
	if !year {
		return config
	}
	// What a year leaves besides: copies of what is there, by the thousand.
	raw, err := sql.Open("sqlite", "file:"+path)
	must(err)
	defer raw.Close()
	copies(tb, raw, "incidents", 1825, map[string]string{"id": "-i", "state": "'resolved'", "opened": "opened - i * 17280000000", "changed": "changed - i * 17280000000", "resolved": "opened - i * 17280000000 + 3600000000"})
	for _, statement := range []string{
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 17520)
			INSERT INTO runs (id, check_name, started, finished, state, summary) SELECT -i, check_name, started - i * 1800000000, finished - i * 1800000000, state, summary FROM n, (SELECT * FROM runs LIMIT 1)`,
		`INSERT INTO members (incident, check_name, target, source, position, seen, first, last, clear) SELECT i.id, m.check_name, m.target, m.source, m.position, m.seen, m.first, m.last, 1
			FROM incidents i, (SELECT * FROM members LIMIT 1) m WHERE i.id < 0`,
		`INSERT INTO findings SELECT m.id, (SELECT content FROM findings LIMIT 1) FROM members m WHERE m.incident < 0`,
		`INSERT INTO transitions (check_name, target, source, at, before, status, code, severity, summary, facts, evidence)
			SELECT t.check_name, t.target, t.source, t.at + i.id * 17280000000, t.before, t.status, t.code, t.severity, t.summary, t.facts, t.evidence
			FROM incidents i, (SELECT * FROM transitions LIMIT 1) t WHERE i.id < 0`,
		`INSERT INTO events (incident, at, kind, severity, who, note) SELECT id, opened, 'opened', severity, '', title FROM incidents WHERE id < 0
			UNION ALL SELECT id, resolved, 'resolved', severity, '', title FROM incidents WHERE id < 0`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4)
			INSERT INTO outbox (incident, channel, notice, kind, state, queued, next, tries, done, why)
			SELECT id, 'chat', id || '/' || i, 'opened', 'sent', opened, opened, 0, opened, '' FROM incidents, n WHERE id < 0`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
			INSERT INTO mails (hash, mailbox, uid_validity, uid, received, stored, size, cut, kind, proof, proof_detail, trouble, subject, message_id)
			SELECT i, 'bounces', 7, i, 0, 0, 0, 0, 'bounce', 'x', '', '', '', '' FROM n`,
	} {
		if _, err := raw.Exec(statement); err != nil {
			tb.Fatalf("%v in %s", err, statement)
		}
	}
	return config
}

// showStatus is the command as a user runs it, but for starting the process.
func showStatus(tb testing.TB, config string, words ...string) string {
	tb.Helper()
	var out, trouble bytes.Buffer
	a := app{stdout: &out, stderr: &trouble}
	if code := a.main(context.Background(), append([]string{"status", "--config", config}, words...)); code != exitMajor {
		tb.Fatalf("exit code %d: %s%s", code, &out, &trouble)
	}
	return out.String()
}

// BenchmarkStatus is `reputed status` with 65,536 addresses, on the first day and after a year with
// the worst of nights at its end.
//
//	go test ./cmd/reputed -run '^$' -bench Status
func BenchmarkStatus(b *testing.B) {
	for name, year := range map[string]bool{"first-day": false, "year": true} {
		config := grown(b, b.TempDir(), year, 1<<16)
		for form, words := range map[string][]string{"text": nil, "plugin": {"--format", "plugin"}, "json": {"--format", "json"}, "at": {"--at", "1m"}} {
			b.Run(name+"/"+form, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					showStatus(b, config, words...)
				}
			})
		}
	}
}

// What a status reads does not grow with what a year leaves behind, nor with how many addresses one
// list has. Memory taken is what is compared: it is the same on every machine, and time is not.
func TestStatusDoesNotGrowWithTheYear(t *testing.T) {
	if testing.Short() {
		t.Skip("a year takes a while to make")
	}
	small, large := grown(t, t.TempDir(), false, 0), grown(t, t.TempDir(), true, 4096)
	for form, words := range map[string][]string{"text": nil, "plugin": {"--format", "plugin"}, "json": {"--format", "json"}, "at": {"--at", "1m"}} {
		most := 2.0
		if form == "at" {
			most = 5 // which members there were is told by each, and what was said by the worst
		}
		day := testing.AllocsPerRun(3, func() { showStatus(t, small, words...) })
		year := testing.AllocsPerRun(3, func() { showStatus(t, large, words...) })
		if ratio := year / day; ratio > most {
			t.Errorf("%s: %.0f allocations after a year, %.0f on the first day: %.1f times as many", form, year, day, ratio)
		}
	}
	if text := showStatus(t, large); !strings.Contains(text, "and 4,090 more") {
		t.Errorf("it does not say how many are listed besides:\n%s", text)
	}
}
