package report

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

// ListTest is how the controls of one list came out.
type ListTest struct {
	Zone     blocklists.Zone
	Verdict  blocklists.Class // clean: the list works; refused, unusable, unknown: it does not
	Why      string           // untrusted
	Advice   string
	Controls []ControlResult
	Took     time.Duration // of its slowest control
	Path     string        // "resolver", "authoritative" or "forwarder": by which it is asked
	Paths    []PathTest    // all that were tried
}

// PathTest is how the controls came out on one path.
type PathTest struct {
	Path    string
	Verdict blocklists.Class // as ListTest.Verdict
	Why     string           // untrusted
	Took    time.Duration    // of its slowest control; 0: none was answered
}

// ControlResult is one control question and its answer.
type ControlResult struct {
	Question string
	Want     string // "listed" or "not listed"
	Answer   string // literal; untrusted
	Passed   bool
}

// ListTests is the report of `lists test`.
type ListTests struct {
	Tests []ListTest // in the order asked
	Notes []checks.Finding
	Cut   bool
}

// works is 1 for a list that works, else 0.
func (x ListTest) works() int {
	if x.Verdict == blocklists.Clean {
		return 1
	}
	return 0
}

// Level is the exit code: a list that does not work is not known, and never clean.
func (l ListTests) Level() Level {
	t := Tally{Asked: len(l.Tests)}
	for _, x := range l.Tests {
		if x.Verdict != blocklists.Clean {
			t.Unknown++
			t.CriticalUnknown = t.CriticalUnknown || checks.Severity(x.Zone.Severity) == checks.Critical
		}
	}
	if level := t.Level(); level != LevelOK || !l.Cut {
		return level
	}
	return LevelUnknown
}

// Summary is "40 lists: 37 work, 2 refuse this resolver, 1 gave no answer".
func (l ListTests) Summary() string {
	by := map[blocklists.Class]int{}
	for _, x := range l.Tests {
		by[x.Verdict]++
	}
	s := plural(len(l.Tests), "list", "lists") + ": " + number(by[blocklists.Clean]) + " work"
	if by[blocklists.Clean] == 1 {
		s += "s"
	}
	for _, x := range []struct {
		class     blocklists.Class
		one, many string
	}{
		{blocklists.Refused, "refuses this resolver", "refuse this resolver"},
		{blocklists.Unusable, "is unusable", "are unusable"},
		{blocklists.Unknown, "gave no answer", "gave no answer"},
	} {
		if n := by[x.class]; n > 0 {
			s += ", " + plural(n, x.one, x.many)
		}
	}
	if l.Cut {
		s = "Cut short: so far " + s
	}
	return s
}

type listTestJSON struct {
	ID       string        `json:"id"`
	Zone     string        `json:"zone"`
	Severity string        `json:"severity"`
	Verdict  string        `json:"verdict"`
	Works    bool          `json:"works"`
	Why      string        `json:"why"`
	Advice   string        `json:"advice"`
	Millis   float64       `json:"slowest_ms"`
	Path     string        `json:"path"`
	Paths    []pathJSON    `json:"paths"`
	Controls []controlJSON `json:"controls"`
}

type pathJSON struct {
	Path    string  `json:"path"`
	Verdict string  `json:"verdict"`
	Works   bool    `json:"works"`
	Why     string  `json:"why"`
	Millis  float64 `json:"slowest_ms"`
}

type controlJSON struct {
	Question string `json:"question"`
	Want     string `json:"want"`
	Answer   string `json:"answer"`
	Passed   bool   `json:"passed"`
}

func controlsOf(all []ControlResult) []controlJSON {
	out := []controlJSON{}
	for _, k := range all {
		out = append(out, controlJSON{checks.Line(k.Question, 0), k.Want, checks.Line(k.Answer, 0), k.Passed})
	}
	return out
}

// Write renders the tests.
func (l ListTests) Write(w io.Writer, t Term, f Format) error {
	switch f {
	case JSON:
		return l.json(w)
	case TSV:
		rows := newTSV(w, t.TTY, "list zone verdict severity slowest_ms why")
		for _, x := range l.Tests {
			rows.row(x.Zone.ID, x.Zone.Zone, word(x.Verdict), string(x.Zone.Severity), strconv.FormatInt(x.Took.Milliseconds(), 10), x.Why)
		}
		return rows.close()
	case Plugin:
		return writePlugin(w, l.Level(), l.Summary(), []perf{{"lists", len(l.Tests)}, {"working", count(l.Tests, func(x ListTest) bool { return x.Verdict == blocklists.Clean })}})
	}
	p := &page{Term: t}
	var rows [][]cell
	paths := l.paths()
	// What does not work comes first, and of that what matters most.
	tests := slices.SortedStableFunc(slices.Values(l.Tests), func(a, b ListTest) int {
		return cmp.Or(cmp.Compare(a.works(), b.works()), cmp.Compare(b.Verdict.Rank(), a.Verdict.Rank()), cmp.Compare(b.Zone.Severity.Rank(), a.Zone.Severity.Rank()))
	})
	for _, x := range tests {
		s := unknown
		if x.Verdict == blocklists.Clean {
			s = good
		}
		severity, ws := severityWord(checks.Severity(x.Zone.Severity))
		row := []cell{{text: clean(x.Zone.ID)}, {word(x.Verdict), s}, {severity, ws}, {text: milliseconds(x.Took)}, {text: clean(x.Zone.Zone)}}
		if len(paths) > 1 {
			var cells []cell
			for _, path := range paths {
				cells = append(cells, x.on(path.name))
			}
			row = slices.Replace(row, 3, 4, cells...)
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		columns := []column{{title: "LIST"}, {title: "STATE"}, {title: "SEVERITY"}, {title: "SLOWEST", right: true}, {title: "ZONE", flex: true}}
		if len(paths) > 1 {
			var titles []column
			for _, path := range paths {
				titles = append(titles, column{title: path.title, right: true})
			}
			columns = slices.Replace(columns, 3, 4, titles...)
		}
		p.grid(0, columns, rows)
		p.blank()
	}
	c := &Check{notes: l.Notes}
	for _, x := range l.Tests {
		if x.Verdict != blocklists.Clean {
			c.tallies = append(c.tallies, &ListTally{Zone: x.Zone, Asked: 1, Verdicts: map[blocklists.Class]int{x.Verdict: 1}, Trouble: x.Verdict, Why: x.Why, Advice: x.Advice})
		}
	}
	c.notAsked(p)
	p.para(0, "", plain, l.Summary()+".", map[Level]style{LevelOK: good, LevelUnknown: unknown}[l.Level()])
	return p.writeTo(w)
}

// pathColumn is one way of asking, and its column.
type pathColumn struct{ name, title string }

// paths are the ways on which any list was tried.
func (l ListTests) paths() []pathColumn {
	return slices.DeleteFunc([]pathColumn{{"resolver", "RESOLVER"}, {"authoritative", "OWN SERVERS"}, {"forwarder", "FORWARDER"}}, func(c pathColumn) bool {
		return !slices.ContainsFunc(l.Tests, func(x ListTest) bool {
			return slices.ContainsFunc(x.Paths, func(p PathTest) bool { return p.Path == c.name })
		})
	})
}

// word is the state of a list that was tested.
func word(verdict blocklists.Class) string {
	if verdict == blocklists.Clean {
		return "works"
	}
	return string(verdict)
}

// milliseconds is a time for people; "-" for none.
func milliseconds(d time.Duration) string {
	if d <= 0 {
		return "-"
	}
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10) + " ms"
}

// on is how the list came out on one path: "12 ms", or what is wrong.
func (x ListTest) on(path string) cell {
	for _, p := range x.Paths {
		if p.Path == path && p.Verdict == blocklists.Clean {
			return cell{milliseconds(p.Took), good}
		} else if p.Path == path {
			return cell{word(p.Verdict), unknown}
		}
	}
	return cell{text: "-"}
}

func (l ListTests) json(w io.Writer) error {
	out := struct {
		Schema   int            `json:"schema"`
		Lists    []listTestJSON `json:"lists"`
		Notes    []noteJSON     `json:"notes"`
		Text     string         `json:"text"`
		State    string         `json:"state"`
		ExitCode int            `json:"exit_code"`
		CutShort bool           `json:"cut_short"`
	}{1, []listTestJSON{}, notesOf(l.Notes), l.Summary(), l.Level().String(), int(l.Level()), l.Cut}
	for _, x := range l.Tests {
		row := listTestJSON{
			ID: x.Zone.ID, Zone: x.Zone.Zone, Severity: string(x.Zone.Severity), Verdict: word(x.Verdict), Works: x.Verdict == blocklists.Clean,
			Why: checks.Line(x.Why, 0), Advice: checks.Line(x.Advice, 0), Millis: float64(x.Took.Microseconds()) / 1000, Path: x.Path, Paths: []pathJSON{},
		}
		for _, p := range x.Paths {
			row.Paths = append(row.Paths, pathJSON{p.Path, word(p.Verdict), p.Verdict == blocklists.Clean, checks.Line(p.Why, 0), float64(p.Took.Microseconds()) / 1000})
		}
		row.Controls = controlsOf(x.Controls)
		out.Lists = append(out.Lists, row)
	}
	return writeJSON(w, out)
}
