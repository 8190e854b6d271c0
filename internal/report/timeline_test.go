package report

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reputed/blocklists"
	"reputed/checks"
)

// Nothing that lies in the time is lost, whatever the number of rows, and nothing is counted twice.
func TestTimelineLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := time.Duration(rapid.IntRange(1, 200).Draw(t, "step")) * time.Minute
		from := now.Add(-time.Duration(rapid.IntRange(0, 500).Draw(t, "length")) * time.Hour)
		var flows []Flow
		var want [3]int
		for range rapid.IntRange(0, 60).Draw(t, "n") {
			f := Flow{At: now.Add(-time.Duration(rapid.Int64Range(0, int64(now.Sub(from))).Draw(t, "at"))), Name: fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "name")),
				Refused: rapid.IntRange(0, 9).Draw(t, "r"), Deferred: rapid.IntRange(0, 9).Draw(t, "d"), Delivered: rapid.IntRange(0, 9).Draw(t, "t"), Taken: true}
			flows = append(flows, f)
			want[0], want[1], want[2] = want[0]+f.Refused, want[1]+f.Deferred, want[2]+f.Delivered
		}
		line := BuildTimeline(from, now, step, flows, nil)
		var got [3]int
		for _, r := range line.Rows {
			if len(r.Refused) != line.Steps || len(r.Deferred) != line.Steps {
				t.Fatalf("a row of %d and %d in %d steps", len(r.Refused), len(r.Deferred), line.Steps)
			}
			a, b, c := r.Sums()
			got[0], got[1], got[2] = got[0]+a, got[1]+b, got[2]+c
		}
		if got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
		if len(line.Rows) > maxRows || line.From.After(from) || line.End().Before(now) {
			t.Fatalf("%d rows from %s to %s", len(line.Rows), line.From, line.End())
		}
	})
}

func TestMarksOutsideAreLeftOut(t *testing.T) {
	line := BuildTimeline(ago2(time.Hour), now, time.Minute, nil, []Mark{{At: ago2(2 * time.Hour), Text: "before"}, {At: ago2(time.Minute), Text: "second"}, {At: ago2(time.Hour), Text: "first"}, {At: now.Add(time.Second), Text: "after"}})
	if len(line.Marks) != 2 || line.Marks[0].Text != "first" || line.Marks[1].Text != "second" || line.Cut {
		t.Errorf("%+v", line.Marks)
	}
	var many []Mark
	for i := range 100 {
		many = append(many, Mark{At: ago2(time.Duration(i) * time.Second)})
	}
	if line := BuildTimeline(ago2(time.Hour), now, time.Minute, nil, many); !line.Cut || len(line.Marks) != MaxMarks || !line.Marks[MaxMarks-1].At.Equal(now) {
		t.Errorf("%d marks, cut %v", len(line.Marks), line.Cut)
	}
}

func standing(target, pool, list string, s checks.Severity) Standing {
	t := checks.Address(addr(target))
	t.Pool = pool
	return Standing{Key: checks.Key{Check: "dnsbl", Target: t.ID(), Source: list}, Target: t, Code: checks.CodeListed, Severity: s, Since: ago2(time.Hour)}
}

func TestMatrix(t *testing.T) {
	zones := func(id string) (blocklists.Zone, bool) {
		return blocklists.Zone{ID: id, Title: id, Operator: id[:1]}, true
	}
	m := BuildMatrix(MatrixInput{Zone: zones, Targets: 300, Lists: 60, Standings: []Standing{
		standing("192.0.2.1", "a", "x1", checks.Minor), standing("192.0.2.2", "a", "x1", checks.Minor), standing("192.0.2.3", "a", "x1", checks.Minor),
		standing("192.0.2.4", "b", "x1", checks.Minor), standing("192.0.2.9", "a", "x1", checks.Minor), standing("192.0.2.9", "a", "y1", checks.Critical), standing("192.0.2.9", "a", "x2", checks.Informational),
		{Key: checks.Key{Check: "bounce", Target: "192.0.2.7", Source: "talos"}, Target: checks.Address(addr("192.0.2.7")), Code: checks.CodeRefused},
		{Key: checks.Key{Check: "dnsbl", Target: "list:x1"}, Target: checks.List("x1"), Code: checks.CodeListRefused},
	}})
	var columns, rows []string
	for _, c := range m.Columns {
		columns = append(columns, fmt.Sprintf("%s/%d/%v", c.ID, c.Count, c.First))
	}
	for _, p := range m.Pools {
		for _, r := range p.Rows {
			rows = append(rows, fmt.Sprintf("%s %s-%s %d %s", p.Name, r.Name, r.Last, r.Count, r.Worst))
		}
	}
	if got, want := fmt.Sprint(columns), "[y1/1/true x1/5/true x2/1/false]"; got != want {
		t.Errorf("columns %s, want %s: what matters most first, an operator's together", got, want)
	}
	if got, want := fmt.Sprint(rows), "[a 192.0.2.9- 1 critical a 192.0.2.1-192.0.2.3 3 minor b 192.0.2.4- 1 minor]"; got != want {
		t.Errorf("rows %s, want %s: problems first, neighbours that are alike in one, pools apart", got, want)
	}
	if m.Listed != 5 || m.QuietRows != 295 || m.QuietCols != 57 {
		t.Errorf("listed %d, quiet %d rows and %d columns", m.Listed, m.QuietRows, m.QuietCols)
	}
	if only := BuildMatrix(MatrixInput{Zone: zones, Pool: "b", Standings: []Standing{standing("192.0.2.1", "a", "x1", checks.Minor), standing("192.0.2.4", "b", "x1", checks.Minor)}}); only.Listed != 1 {
		t.Errorf("of one pool: %d", only.Listed)
	}
}

// A whole network on one list is one row, and takes no time.
func TestMatrixOfANetwork(t *testing.T) {
	var all []Standing
	a := addr("10.0.0.0")
	for range 65536 {
		all = append(all, standing(a.String(), "", "x1", checks.Minor))
		a = a.Next()
	}
	m := BuildMatrix(MatrixInput{Standings: all, Zone: func(string) (blocklists.Zone, bool) { return blocklists.Zone{}, false }})
	if len(m.Pools) != 1 || len(m.Pools[0].Rows) != 1 || m.Pools[0].Rows[0].Count != 65536 || m.Cut != 0 {
		t.Errorf("%d pools, cut %d", len(m.Pools), m.Cut)
	}
}
