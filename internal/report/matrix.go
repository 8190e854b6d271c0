package report

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

// Standing is what is known of one question that is a problem now: a target on a list, or
// mail of a target that a receiver refuses.
type Standing struct {
	Key      checks.Key
	Target   checks.Target // with its pool, if it is watched
	Code     checks.Code
	Severity checks.Severity
	Since    time.Time
	Seen     time.Time
	Unknown  time.Time // since when there has been no answer; zero: there is one
}

// MatrixInput is everything that a [Matrix] is built from.
type MatrixInput struct {
	Standings []Standing
	Zone      func(id string) (blocklists.Zone, bool)
	Targets   int // watched
	Lists     int // asked
	Silent    []SilentList
	Pool      string // only this one; empty: all
	Bare      bool   // the configuration is not at hand: a target without a pool may be watched
}

// Matrix is targets against lists: only rows and columns that have something to say,
// problems first, so that 65,536 addresses on 60 lists stay readable. The rest is counted.
type Matrix struct {
	Columns   []MatrixColumn // grouped by operator
	Pools     []MatrixPool
	Targets   int // watched
	Lists     int // asked
	Listed    int // targets with a problem
	QuietRows int // targets of which no list says anything
	QuietCols int // lists that say nothing of any target
	Cut       int // rows that are left out for their number
	Bare      bool
}

// MatrixColumn is a list.
type MatrixColumn struct {
	ID       string
	Name     string
	Operator string
	Severity checks.Severity
	Count    int    // targets it has
	Silent   string // why it gave no usable answer in the last round; empty: it did
	First    bool   // of its operator
	Of       int    // columns of this operator
}

// MatrixPool is a group of rows.
type MatrixPool struct {
	Name string // empty: watched no more, or not known if the matrix is bare
	Rows []MatrixRow
}

// MatrixRow is a target, or a run of neighbouring addresses of which every list says the same.
type MatrixRow struct {
	ID    string // Target.ID of the first
	Name  string
	Last  string // the last address of a run; empty: it is one
	Count int    // targets
	Worst checks.Severity
	Cells []MatrixCell // one a column
}

// MatrixCell is what one list says. The zero cell is nothing.
type MatrixCell struct {
	Code     checks.Code
	Severity checks.Severity
	Since    time.Time
	Unknown  time.Time
}

// Says is whether the list says something.
func (c MatrixCell) Says() bool { return c.Code != "" }

// maxMatrixRows is how many rows are shown: more than that nobody reads, and each is one search away.
const maxMatrixRows = 200

// BuildMatrix sorts what is known into rows and columns. It is a pure function.
func BuildMatrix(in MatrixInput) Matrix {
	m := Matrix{Targets: in.Targets, Lists: in.Lists, Bare: in.Bare}
	silent := map[string]string{}
	for _, s := range in.Silent {
		silent[s.ID] = string(s.Verdict)
	}
	columns, rows := map[string]*MatrixColumn{}, map[string][]Standing{}
	for _, s := range in.Standings {
		if s.Key.Check != "dnsbl" || s.Target.Kind == checks.KindMonitor || s.Target.Kind == checks.KindList || in.Pool != "" && s.Target.Pool != in.Pool {
			continue
		}
		c := columns[s.Key.Source]
		if c == nil {
			z, _ := in.Zone(s.Key.Source)
			c = &MatrixColumn{ID: s.Key.Source, Name: clean(cmp.Or(z.Title, s.Key.Source)), Operator: clean(cmp.Or(z.Operator, s.Key.Source)), Silent: silent[s.Key.Source]}
			columns[s.Key.Source] = c
		}
		c.Count++
		c.Severity = checks.Worse(c.Severity, s.Severity)
		rows[s.Key.Target] = append(rows[s.Key.Target], s)
	}
	m.Columns = orderColumns(slices.Collect(maps.Values(columns)))
	place := map[string]int{}
	for i, c := range m.Columns {
		place[c.ID] = i
	}
	m.Listed, m.QuietRows, m.QuietCols = len(rows), max(in.Targets-len(rows), 0), max(in.Lists-len(columns), 0)
	m.pools(rows, place)
	return m
}

// orderColumns puts the lists of one operator together, the operator whose worst list matters most first.
func orderColumns(all []*MatrixColumn) []MatrixColumn {
	worst, number := map[string]checks.Severity{}, map[string]int{}
	for _, c := range all {
		worst[c.Operator] = checks.Worse(worst[c.Operator], c.Severity)
		number[c.Operator]++
	}
	slices.SortFunc(all, func(a, b *MatrixColumn) int {
		return cmp.Or(cmp.Compare(worst[b.Operator].Rank(), worst[a.Operator].Rank()), cmp.Compare(a.Operator, b.Operator),
			cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID))
	})
	var out []MatrixColumn
	for i, c := range all {
		c.First, c.Of = i == 0 || all[i-1].Operator != c.Operator, number[c.Operator]
		out = append(out, *c)
	}
	return out
}

// pools makes the rows, joins neighbours that are alike, and sorts them: worst first.
func (m *Matrix) pools(rows map[string][]Standing, place map[string]int) {
	type row struct {
		MatrixRow
		pool string
		addr netip.Addr // of the last
		hits int
		same string // what the lists say, to be compared
	}
	var all []row
	for id, standings := range rows {
		t := standings[0].Target
		r := row{MatrixRow: MatrixRow{ID: id, Name: clean(t.String()), Count: 1, Cells: make([]MatrixCell, len(m.Columns))}, pool: t.Pool, addr: t.Addr, hits: len(standings)}
		for _, s := range standings {
			r.Cells[place[s.Key.Source]] = MatrixCell{s.Code, s.Severity, s.Since, s.Unknown}
			r.Worst = checks.Worse(r.Worst, s.Severity)
		}
		var b strings.Builder
		for _, c := range r.Cells {
			b.WriteString(string(c.Code) + string(c.Severity) + "|")
		}
		r.same = b.String()
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b row) int { return cmp.Or(a.addr.Compare(b.addr), cmp.Compare(a.ID, b.ID)) })
	joined := all[:0]
	for _, r := range all {
		if n := len(joined); n > 0 && r.addr.IsValid() && joined[n-1].addr.IsValid() && joined[n-1].addr.Next() == r.addr && joined[n-1].same == r.same && joined[n-1].pool == r.pool {
			last := &joined[n-1]
			last.addr, last.Last = r.addr, r.Name
			last.Count++
			for i, c := range r.Cells { // the run is as old as the first of it
				if c.Says() && c.Since.Before(last.Cells[i].Since) {
					last.Cells[i].Since = c.Since
				}
			}
			continue
		}
		joined = append(joined, r)
	}
	slices.SortStableFunc(joined, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.Worst.Rank(), a.Worst.Rank()), cmp.Compare(b.hits, a.hits), a.addr.Compare(b.addr), cmp.Compare(a.ID, b.ID))
	})
	if len(joined) > maxMatrixRows {
		m.Cut = len(joined) - maxMatrixRows
		joined = joined[:maxMatrixRows]
	}
	at := map[string]int{}
	for _, r := range joined { // a pool stands where its worst row does
		i, ok := at[r.pool]
		if !ok {
			i = len(m.Pools)
			at[r.pool] = i
			m.Pools = append(m.Pools, MatrixPool{Name: checks.Line(r.pool, 60)})
		}
		m.Pools[i].Rows = append(m.Pools[i].Rows, r.MatrixRow)
	}
}
