package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"
	"pgregory.net/rapid"

	"reputed/checks/bounce"
)

// rowsOf are the rows of a query as texts.
func rowsOf(t interface{ Fatal(...any) }, db *DB, query string) (all []string) {
	if err := each(context.Background(), db.read, func(r *sql.Rows) error {
		var s string
		err := r.Scan(&s)
		all = append(all, s)
		return err
	}, query); err != nil {
		t.Fatal(err)
	}
	return all
}

const (
	// What the sums have to be, counted from the rows.
	countFlows = `SELECT format('%d h, step %d, %s: %d/%d', hours, at / (hours * 3600000000), iif(vendor = '', domain, vendor), sum(action = 'failed'), sum(action <> 'failed'))
		FROM (SELECT 1 AS hours UNION ALL SELECT 24) CROSS JOIN bounces WHERE counted GROUP BY hours, at / (hours * 3600000000), iif(vendor = '', domain, vendor)
		ORDER BY hours, at / (hours * 3600000000), iif(vendor = '', domain, vendor)`
	countTakers = `SELECT format('hour %d, %s by %s: %d/%d', hour, domain, vendor, sum(iif(target GLOB '*:*' OR target GLOB '*[0-9]', delivered, 0)), sum(iif(target GLOB '*:*' OR target GLOB '*[0-9]', 0, delivered)))
		FROM traffic WHERE domain <> '*' AND delivered > 0 GROUP BY hour, domain, vendor ORDER BY hour, domain, vendor`
	readFlows  = "SELECT format('%d h, step %d, %s: %d/%d', hours, step, name, refused, deferred) FROM flows WHERE refused <> 0 OR deferred <> 0 ORDER BY hours, step, name"
	readTakers = "SELECT format('hour %d, %s by %s: %d/%d', hour, domain, vendor, addresses, others) FROM takers ORDER BY hour, domain, vendor"
)

// summed holds the sums to what the rows say.
func summed(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, db *DB) {
	if diff := cmp.Diff(rowsOf(t, db, countFlows), rowsOf(t, db, readFlows)); diff != "" {
		t.Fatalf("refusals by who refused (-counted +kept):\n%s", diff)
	}
	if diff := cmp.Diff(rowsOf(t, db, countTakers), rowsOf(t, db, readTakers)); diff != "" {
		t.Fatalf("deliveries by receiver (-counted +kept):\n%s", diff)
	}
}

// TestSumsAreWhatTheRowsSay whichever way refusals come to count, move and count no more: logs and
// reports in any order, proof that comes late, deferrals that fail at last, the same read twice.
func TestSumsAreWhatTheRowsSay(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(root, fmt.Sprint(n))
		db, err := Open(context.Background(), filepath.Join(dir, "reputed.db"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close(); _ = os.RemoveAll(dir) }()
		ids := []string{"4B1z", "4B2z", "4B3z"}
		at := func(t *rapid.T) time.Time {
			return t0.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "hour")) * time.Hour)
		}
		judged := func(t *rapid.T, b *bounce.Bounce) {
			b.Judgement.Vendor = rapid.SampledFrom([]string{"", "Cisco Talos", "Microsoft"}).Draw(t, "vendor")
			c := rapid.SampledFrom([]bounce.Category{bounce.IPReputation, bounce.Network, bounce.RecipientFault}).Draw(t, "category")
			b.Judgement.Category, b.Judgement.Reputation = c, c.Reputation()
		}
		now, line, uid := t0.Add(100*time.Hour), 0, uint32(0)
		t.Repeat(map[string]func(*rapid.T){
			"a line of the log": func(t *rapid.T) {
				line++
				e := logged(rapid.SampledFrom([]bounce.Action{bounce.Delayed, bounce.Failed, bounce.Delivered}).Draw(t, "action"), at(t), queue(rapid.SampledFrom(ids).Draw(t, "id")))
				if e.Action != bounce.Delivered {
					judged(t, &e.Bounce)
				}
				e.Target = rapid.SampledFrom([]string{"", "192.0.2.10", "2001:db8::a", "example.org"}).Draw(t, "target")
				if _, err := db.CommitLog(context.Background(), now, LogRead{Log: "mx1", Position: position(int64(line)), Events: []LogEvent{e}, Lines: 1}); err != nil {
					t.Fatal(err)
				}
			},
			"a report": func(t *rapid.T) {
				uid++
				m := refusal(uid, rapid.SampledFrom([]string{"kim@example.net", "lee@example.com"}).Draw(t, "recipient"), at(t))
				if rapid.Bool().Draw(t, "not proved") {
					m.Report.Proof = bounce.Proof{}
				}
				m.Report.Hash = fmt.Sprintf("hash %d", rapid.IntRange(1, 4).Draw(t, "hash")) // now and then one that was there, with other proof
				b := &m.Report.Bounces[0]
				b.Action = rapid.SampledFrom([]bounce.Action{bounce.Delayed, bounce.Failed}).Draw(t, "action")
				b.QueueID, b.ReportingHost, b.MessageID = rapid.SampledFrom(ids).Draw(t, "id"), "mx1.example.org", ""
				judged(t, b)
				mustRead(t, db, now, Batch{Mails: []Mail{m}, Read: readTo(uid), Window: time.Hour})
			},
			"": func(t *rapid.T) { summed(t, db) },
		})
	})
}

func mustRead(t *rapid.T, db *DB, now time.Time, b Batch) {
	if _, err := db.Commit(context.Background(), now, b, nothing); err != nil {
		t.Fatal(err)
	}
}

// A database that is older than the sums gets them of what is in it.
func TestSumsAreMadeOfWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	write, err := pool(dsn(path, "_txlock=immediate"), 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := (&DB{write: write}).provider()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(p.ListSources(), func(s *goose.Source) bool { return strings.HasSuffix(s.Path, "_sums.sql") })
	if _, err := p.UpTo(t.Context(), p.ListSources()[i-1].Version); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
			INSERT INTO bounces (log, queue_id, recipient, position, first, at, heard, tries, outcome, final, target, counted, action, domain, reply, status, diagnostic, stage, category,
				reputation, temporary, vendor, blocklist, named_address, named_domain, url, code, rule, remedy, remote_host, remote_addr, reporting_host, source, message_id, sender)
			SELECT 'mx1', i, 'r', 0, i, i * 700000000, i, 1, 'failed', 1, '192.0.2.10', i % 4 > 0, iif(i % 3, 'failed', 'delayed'), 'd' || (i % 5), '', '', '', '', '',
				1, 0, iif(i % 2, '', 'v'), '', '', '', '', '', '', '', '', '', '', '', '', '' FROM n`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
			INSERT OR IGNORE INTO traffic SELECT iif(i % 7, '192.0.2.' || (i % 3), 'example.org'), iif(i % 4, 'd' || (i % 5), '*'), i / 9, 'v' || (i % 2), i, 0, 1 FROM n`,
	} {
		if _, err := write.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	summed(t, open(t, path))
}

// What is deleted because it is old has happened all the same.
func TestSumsStayWhenRowsGo(t *testing.T) {
	db := fresh(t)
	mustCommit(t, db, t0.Add(time.Hour), Batch{Mails: []Mail{refusal(1, "kim@example.net", t0), refusal(2, "lee@example.net", t0)}}, nothing)
	before := rowsOf(t, db, readFlows)
	if _, err := db.write.Exec("DELETE FROM mails"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT count(*) FROM bounces"); n != 0 || len(before) != 2 {
		t.Fatalf("%d bounces are left, and there were the sums %q", n, before)
	}
	if diff := cmp.Diff(before, rowsOf(t, db, readFlows)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// Flows from the sums are those that the rows give: of one vendor they are counted from the rows.
func TestFlowsOfSumsAndOfRowsAgree(t *testing.T) {
	db := fresh(t)
	since := t0.Truncate(96 * time.Hour)
	var mails []Mail
	for i := range 60 {
		m := refusal(uint32(i+1), fmt.Sprintf("u%d@example.net", i), since.Add(time.Duration(i)*7*time.Hour))
		if i%3 == 0 {
			m.Report.Bounces[0].Action = bounce.Delayed
		}
		mails = append(mails, m)
	}
	mustCommit(t, db, since.Add(1000*time.Hour), Batch{Mails: mails}, nothing)
	for _, step := range []time.Duration{time.Hour, 2 * time.Hour, 8 * time.Hour, 24 * time.Hour, 96 * time.Hour, 30 * time.Minute} {
		sums, err := db.Flows(t.Context(), FlowFilter{Since: since, Step: step})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := db.Flows(t.Context(), FlowFilter{Since: since, Step: step, Vendor: "Cisco Talos"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows, sums); diff != "" || len(rows) == 0 {
			t.Errorf("by %v (-rows +sums):\n%s", step, diff)
		}
		for _, f := range rows {
			if f.At.Sub(since)%step != 0 {
				t.Errorf("by %v: a step begins at %v", step, f.At)
			}
		}
	}
}
