package store

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// network is a finding of one list about each address of a /16, as a round of
// the blocklist check makes them: each with a time and an answer of its own.
func network(n int, status checks.Status, at time.Time) []checks.Finding {
	all := make([]checks.Finding, 0, n)
	addr := netip.MustParseAddr("198.18.0.0")
	for i := range n {
		f := listed(addr.String(), "spamcop", at.Add(time.Duration(i)*time.Millisecond))
		f.Target = checks.Address(addr)
		f.Target.Pool = "main"
		f.Facts = map[string]string{
			checks.FactAddress: addr.String(), checks.FactList: "spamcop", checks.FactListName: "SpamCop", checks.FactZone: "bl.example.net",
			checks.FactServers: "192.0.2.53:53", checks.FactCodes: "127.0.0.2",
			checks.FactLookupURL: "https://www.example.net/lookup?" + addr.String(), checks.FactRemovalURL: "https://www.example.net/removal?" + addr.String(),
			checks.FactReason: "Blocked - see https://www.example.net/why?" + addr.String(),
		}
		f.Evidence[0].Reason = f.Facts[checks.FactReason]
		f.Evidence[0].Controls = "127.0.0.2 listed, 127.0.0.1 not listed"
		if f.Status = status; status == checks.OK {
			f.Code, f.Severity = checks.CodeNotListed, ""
		}
		all = append(all, f)
		addr = addr.Next()
	}
	return all
}

// folds decides as the daemon does.
func folds(findings []checks.Finding) func(Situation) Decision {
	return func(s Situation) Decision {
		return Decision{Findings: findings, Notify: notify(), Changes: alerts.Fold(alerts.Input{Open: s.Open, Recent: s.Recent, Findings: findings, Now: s.Now})}
	}
}

// BenchmarkNetwork is the life of one incident about a whole /16: 65,536 members.
// It gives seconds for each step and what the file and its -wal hold after it, and
// what the file holds in the end.
//
//	go test ./internal/store -run '^$' -bench Network -benchtime 1x
func BenchmarkNetwork(b *testing.B) {
	const members = 1 << 16
	for b.Loop() {
		db := open(b, b.TempDir()+"/reputed.db")
		at := t0
		step := func(name string, findings []checks.Finding) {
			at = at.Add(6 * time.Hour)
			begin := time.Now()
			if _, err := db.Commit(context.Background(), at, Batch{Window: 24 * time.Hour}, folds(findings)); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(time.Since(begin).Seconds(), name+"-s")
			size := int64(0)
			for _, suffix := range []string{"", "-wal"} {
				if info, err := os.Stat(db.Path() + suffix); err == nil {
					size += info.Size() >> 20
				}
			}
			b.ReportMetric(float64(size), name+"-MB")
		}
		step("open", network(members, checks.Problem, at.Add(6*time.Hour)))
		step("tick-open", nil)
		step("tick-again", nil)
		step("repeat", network(members, checks.Problem, at.Add(6*time.Hour)))
		step("resolve", network(members, checks.OK, at.Add(6*time.Hour)))
		step("tick-resolved", nil)
		step("reopen", network(members, checks.Problem, at.Add(6*time.Hour)))
		b.ReportMetric(float64(count(b, db, "SELECT page_count * page_size >> 20 FROM pragma_page_count, pragma_page_size")), "file-MB")
		b.ReportMetric(0, "ns/op")
		if n := count(b, db, "SELECT count(*) FROM incidents"); n != 1 {
			b.Fatal(fmt.Errorf("%d incidents, want one that was reopened", n))
		}
	}
}
