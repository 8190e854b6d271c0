package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/probes"
)

// mailed is the database of 4,096 addresses on 60 lists that refusals are counted for: as the first
// hour leaves it, with one incident about one address and one about a network; or after a year
// with so many refused mails in it, and what else comes with them. The incidents have the numbers 1 and 2.
func mailed(tb testing.TB, dir string, refused int) (cfg string) {
	tb.Helper()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	ctx, now := context.Background(), time.Now().UTC()
	cfg = filepath.Join(dir, "config.toml")
	must(os.WriteFile(cfg, []byte("[database]\npath = \"state.db\"\n[[outbound]]\naddresses = [\"198.18.0.0/20\"]\n"), 0o600))
	db, err := store.Open(ctx, filepath.Join(dir, "state.db"), store.Options{})
	must(err)
	_, err = db.Lease(ctx, "reputed test", time.Hour, now)
	must(err)
	run, err := db.BeginRun(ctx, monitor.JobDNSBL, now.Add(-5*time.Minute))
	must(err)
	summary := store.Summary{Targets: 1 << 12, Questions: 60 << 12}
	for i := range 60 {
		summary.Lists = append(summary.Lists, store.ListSummary{List: fmt.Sprintf("list-%02d", i), State: store.ListOK, Counts: map[string]int{"clean": 1 << 12}})
	}
	must(db.FinishRun(ctx, run, now.Add(-4*time.Minute), summary))
	opened := now.Add(-3 * time.Hour)
	listing := func(i int, list string) checks.Finding {
		a := netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)})
		return checks.Finding{Key: checks.Key{Check: monitor.JobDNSBL, Target: a.String(), Source: list}, Target: checks.Address(a), Code: checks.CodeListed, Status: checks.Problem,
			Severity: checks.Major, Summary: a.String() + " is listed by " + list, At: opened, Facts: map[string]string{checks.FactAddress: a.String(), checks.FactList: list, checks.FactListName: list},
			Evidence: []checks.Evidence{{Question: a.String() + "." + list + ". A", Answer: "127.0.0.2", Reason: "Blocked - see https://example.net/?" + a.String(), At: opened}}}
	}
	var network []checks.Finding
	for i := range 256 {
		network = append(network, listing(1024+i, "psbl"))
	}
	mail := store.Mail{Place: store.Place{Mailbox: "bounces", Position: probes.Position{UIDValidity: 7, UID: 1}, Received: opened}, Size: 2048, Targets: []string{"198.18.0.1"},
		Report: bounce.Report{Kind: bounce.KindBounce, Hash: "hash", Proof: bounce.Proof{Kind: bounce.ByOwnMTA, Detail: "written by mx1.example.org"},
			Bounces: []bounce.Bounce{{Action: bounce.Failed, Recipient: "kim@example.net", At: opened, RemoteHost: "mx.example.net", MessageID: "1@mx1.example.org", Sender: "example.org",
				Diagnostic: bounce.Diagnostic{Reply: "554", Status: "5.7.1", Stage: "greeting", Text: "554 5.7.1 Service unavailable; Client host [198.18.0.1] blocked using bl.example.net; see https://www.example.net/query?ip=198.18.0.1"},
				Judgement:  bounce.Judgement{Category: bounce.IPReputation, Reputation: true, Vendor: "Cisco Talos", Blocklist: "spamcop", Rule: "cisco-banner", Remedy: "cisco-talos"}}}}}
	for _, batch := range []struct {
		mails    []store.Mail
		findings []checks.Finding
	}{{[]store.Mail{mail}, []checks.Finding{listing(1, "spamcop")}}, {nil, network}} {
		_, err := db.Commit(ctx, opened, store.Batch{Mails: batch.mails, Read: map[string]probes.Position{"bounces": {UIDValidity: 7, UID: 4711}}, Window: 24 * time.Hour}, func(s store.Situation) store.Decision {
			return store.Decision{Findings: batch.findings, Changes: alerts.Fold(alerts.Input{Open: s.Open, Recent: s.Recent, Findings: batch.findings, Now: s.Now})}
		})
		must(err)
	}
	must(db.Close())
	if refused == 0 {
		return cfg
	}
	raw, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "state.db")+"?_pragma=synchronous(0)&_pragma=cache_size(-200000)")
	must(err)
	defer raw.Close()
	ago := func(span time.Duration, n int) string { // of the i-th of n within a span
		return fmt.Sprintf("%d - i * %d", now.UnixMicro(), span.Microseconds()/int64(n+1))
	}
	const (
		year = 365 * 24 * time.Hour
		from = "printf('198.18.%d.%d', i * 7919 / 256 % 16, i * 7919 % 256)"
	)
	at := ago(year, refused)
	copies(tb, raw, "mails", refused, map[string]string{"id": "1000 + i", "hash": "'hash ' || i", "uid": "i", "received": at, "stored": at})
	copies(tb, raw, "bounces", refused, map[string]string{"id": "1000 + i", "mail": "1000 + i", "at": at, "first": at, "heard": at, "target": from, "recipient": "'r' || i",
		"vendor": "iif(i % 9 = 0, '', 'vendor ' || (i % 12))", "domain": "'receiver-' || (i * 31 % 997) || '.example'", "action": "iif(i % 5 = 0, 'delayed', 'failed')", "final": "i % 5 > 0", "message_id": "i || '@mx1.example.org'"})
	turns := max(refused/50, 10)
	at = ago(year, turns)
	copies(tb, raw, "runs", max(refused/100, 10), map[string]string{"id": "-i", "started": ago(year, refused/100), "finished": ago(year, refused/100)})
	copies(tb, raw, "transitions", turns, map[string]string{"id": "-i", "at": at, "target": from, "source": "printf('list-%02d', i % 60)", "before": "iif(i % 2, '', 'problem')", "status": "iif(i % 2, 'problem', 'ok')"})
	over := max(refused/500, 10)
	copies(tb, raw, "incidents", over, map[string]string{"id": "-i", "state": "'resolved'", "opened": ago(year, over), "changed": ago(year, over), "resolved": ago(year, over)})
	copies(tb, raw, "members", over, map[string]string{"id": "-i", "incident": "-i", "clear": "1"})
	copies(tb, raw, "findings", over, map[string]string{"member": "-i"})
	copies(tb, raw, "events", 3*over, map[string]string{"id": "-i", "incident": "-1 - i % " + fmt.Sprint(over), "at": ago(year, 3*over)})
	for _, statement := range []string{
		// What logs tell: each address by three receivers, for two days.
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d), d(j, domain) AS (VALUES (0, '*'), (1, 'example.net'), (2, 'example.com'), (3, 'example.edu'))
			INSERT INTO traffic (target, domain, hour, vendor, delivered, deferred, refused)
			SELECT printf('198.18.%%d.%%d', i / 48 / 256, i / 48 %% 256), domain, %d - i %% 48, '', 40, 0, 1 FROM n, d`, 48*min(refused/100, 4096)-1, now.Unix()/3600),
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d), k(kind) AS (VALUES ('login'), ('client'), ('sender'), ('stream'))
			INSERT INTO senders (hour, kind, target, name, mails, unknown, refused) SELECT %d - i %% 192, kind, '198.18.0.' || (i / 192 %% 20), 'user-' || (i / 192), 10, 0, 0 FROM n, k`, 192*min(refused/1000, 200)-1, now.Unix()/3600),
		"INSERT INTO takers SELECT hour, domain, vendor, sum(delivered), 0 FROM traffic WHERE domain <> '*' GROUP BY hour, domain, vendor", // the daemon does so itself
	} {
		if _, err := raw.Exec(statement); err != nil {
			tb.Fatalf("%v in %s", err, statement)
		}
	}
	return cfg
}

// copies writes so many copies of the first row of a table, each with these expressions of its
// number i in place of what is there.
func copies(tb testing.TB, raw *sql.DB, table string, n int, with map[string]string) {
	tb.Helper()
	rows, err := raw.Query("SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	var columns, values []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			tb.Fatal(err)
		}
		value, ok := with[name]
		if !ok {
			value = "t." + name
		}
		columns, values = append(columns, name), append(values, value)
	}
	statement := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO %s (%s) SELECT %s FROM n, (SELECT * FROM %s LIMIT 1) t",
		n, table, strings.Join(columns, ", "), strings.Join(values, ", "), table)
	if _, err := raw.Exec(statement); err != nil {
		tb.Fatalf("%v in %s", err, statement)
	}
}

// shown is the page of a database, as a process that has just started has it.
type shown struct {
	db   *store.DB
	view *view.View
	page http.Handler
}

func show(tb testing.TB, path string) *shown {
	tb.Helper()
	cfg, err := config.Load(path, config.LoadOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	db, err := store.OpenReadOnly(context.Background(), cfg.Database.Path)
	if err != nil {
		tb.Fatal(err)
	}
	v, err := view.New(db, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	page, err := view.Server(v, config.Web{Listen: defaultListen}, "devel", slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return &shown{db, v, page}
}

func (s *shown) close(tb testing.TB) {
	tb.Helper()
	if err := s.db.Close(); err != nil {
		tb.Fatal(err)
	}
}

// get asks for a page, with a status that is not one kept from a moment ago.
func (s *shown) get(tb testing.TB, path string) string {
	tb.Helper()
	s.view.Forget()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil)
	s.page.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		tb.Fatalf("%s: %d\n%.500s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// quickPages are what must be quick with a year of history, and how many times as much of the file as with an empty
// database each may read after 30,000 refusals.
var quickPages = []struct {
	path string
	most float64
}{
	{"/", 2}, {"/?span=24h", 2}, {"/?span=30d", 2}, {"/?span=1y", 2}, {"/incidents/1", 3}, {"/incidents/2", 9}, {"/targets/198.18.0.1", 2.5},
	{"/lists/psbl", 2}, {"/receivers", 2}, {"/receivers/Cisco%20Talos", 2.5}, {"/metrics", 2},
}

// firstMost is how many times as much of it a process may read that has just started: who is suspected of the
// incidents is looked up in a week of hours then, and once a minute.
const firstMost = 30

// read is how many pages of the file it takes to show a page: of a process that has just started, and
// once it has shown one.
func read(tb testing.TB, cfg, path string) (first, again int) {
	tb.Helper()
	s := show(tb, cfg)
	defer s.close(tb)
	count := func() int {
		n, err := s.db.PagesRead(context.Background())
		if err != nil {
			tb.Fatal(err)
		}
		return n
	}
	start := count()
	s.get(tb, path)
	shown := count()
	s.get(tb, path)
	return shown - start, count() - shown
}

// What a page reads of the file hardly grows with what a year leaves behind: of what is older than what it shows
// it reads nothing but sums. Pages of the file are what is counted, as they are the same on every machine.
func TestPagesHardlyGrowWithTheYear(t *testing.T) {
	if testing.Short() {
		t.Skip("a year takes a while to make")
	}
	empty, year := mailed(t, t.TempDir(), 0), mailed(t, t.TempDir(), 30_000)
	for _, page := range quickPages {
		firstEmpty, againEmpty := read(t, empty, page.path)
		first, again := read(t, year, page.path)
		t.Logf("%s: %d pages of the file, then %d; %d and %d of an empty one", page.path, first, again, firstEmpty, againEmpty)
		if ratio := float64(again) / float64(againEmpty); ratio > page.most {
			t.Errorf("%s reads %d pages of the file after a year, and %d of an empty one: %.1f times as many, want at most %.1f", page.path, again, againEmpty, ratio, page.most)
		}
		if ratio := float64(first) / float64(firstEmpty); ratio > firstMost {
			t.Errorf("%s reads %d pages of the file at first, and %d of an empty one: %.1f times as many, want at most %d", page.path, first, firstEmpty, ratio, firstMost)
		}
	}
}

// cpuTime is what this process has used of the processors, which others do not change by much.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPages is each page after a year with a million refusals, of a process that has just started (first) and of
// one that has shown it before (again): milliseconds, those of CPU, those of CPU, pages of the file that it reads, and how many times as much
// that is as with an empty database.
//
//	go test ./cmd/reputed -run '^$' -bench Pages -benchtime 5x
func BenchmarkPages(b *testing.B) {
	empty, year := mailed(b, b.TempDir(), 0), mailed(b, b.TempDir(), 1_000_000)
	for _, page := range quickPages {
		b.Run(strings.TrimPrefix(page.path, "/"), func(b *testing.B) {
			took, pages := map[string][]float64{}, map[string]int{}
			for b.Loop() {
				for name, cfg := range map[string]string{"empty": empty, "year": year} {
					s := show(b, cfg)
					for _, when := range []string{"first", "again"} {
						start, used := time.Now(), cpuTime(b)
						s.get(b, page.path)
						took[name+when] = append(took[name+when], time.Since(start).Seconds()*1000)
						took[name+when+"-cpu"] = append(took[name+when+"-cpu"], (cpuTime(b)-used).Seconds()*1000)
					}
					s.close(b)
				}
			}
			for name, cfg := range map[string]string{"empty": empty, "year": year} {
				pages[name+"first"], pages[name+"again"] = read(b, cfg, page.path)
			}
			for _, when := range []string{"first", "again"} { // the least, since a busy machine only adds
				b.ReportMetric(slices.Min(took["year"+when]), when+"-ms")
				b.ReportMetric(slices.Min(took["year"+when+"-cpu"]), when+"-cpu-ms")
				b.ReportMetric(slices.Min(took["year"+when])/slices.Min(took["empty"+when]), when+"-ratio")
				b.ReportMetric(float64(pages["year"+when]), when+"-pages")
				b.ReportMetric(float64(pages["year"+when])/float64(pages["empty"+when]), when+"-pages-ratio")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
