package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/report"
)

// stating is a source whose status is another one.
type stating struct {
	*fixture
	change func(*report.Input)
}

func (s stating) Status(ctx context.Context, at time.Time) report.Report {
	in := s.fixture.Status(ctx, at).Input
	s.change(&in)
	return report.Build(in, now)
}

// standings of things that people meet, each of which every rendering has to tell the same of.
var situations = map[string]func(*report.Input){
	"bad": func(*report.Input) {},
	"calm": func(in *report.Input) {
		in.Incidents, in.Silent, in.Channels, in.Ratings, in.Quiet = nil, nil, in.Channels[:1], nil, nil
	},
	"dead": func(in *report.Input) { in.Daemon.Alive, in.Daemon.Beat = false, ago(3*time.Hour) },
	"young": func(in *report.Input) {
		in.Daemon.Started, in.Daemon.Beat = ago(2*time.Second), now
		in.Round, in.Incidents, in.Silent, in.Resolved, in.Quiet, in.Ratings = report.Round{}, nil, nil, nil, nil, nil
	},
	"blind":      func(in *report.Input) { in.Incidents, in.Quiet, in.Round.Ended = nil, nil, ago(9*time.Hour) },
	"unreadable": func(in *report.Input) { *in = report.Input{Trouble: "database is damaged"} },
	"informational alone": func(in *report.Input) {
		in.Quiet = nil
		in.Incidents = slices.DeleteFunc(in.Incidents, func(v report.IncidentView) bool { return v.Incident.Severity != checks.Informational })
	},
	"acknowledged alone": func(in *report.Input) {
		in.Quiet = nil
		in.Incidents = slices.DeleteFunc(in.Incidents, func(v report.IncidentView) bool { return v.Incident.State != alerts.Acknowledged })
	},
}

// said is what a rendering says of how things stand; what it does not say stays nil or empty.
type said struct {
	Verdict, Health        string
	Level                  *int
	Loud                   []string // incidents that people are told of, in order
	All                    []string // all that are not resolved, sorted
	Unacknowledged, Silent *int
	Queued, Ratings        *int
	Alive                  *bool
}

var spaces = regexp.MustCompile(`\s+`)

func all(re, text string) (out []string) {
	for _, m := range regexp.MustCompile(re).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

func sorted(ids ...[]string) []string {
	out := slices.Concat(ids...)
	slices.Sort(out)
	return slices.Compact(out)
}

// ofText reads the text, however it is wrapped.
func ofText(text string) (s said) {
	verdict, rest, _ := strings.Cut(text, "\nMonitor: ")
	health, _, _ := strings.Cut(rest+"\n\n", "\n\n")
	s.Verdict, s.Health = strings.TrimSuffix(spaces.ReplaceAllString(verdict, " "), "."), strings.TrimSuffix(spaces.ReplaceAllString(strings.TrimSpace(health), " "), ".")
	s.Loud = all(`(?m)^#(\d+) `, text)
	_, quiet, _ := strings.Cut(text, "\nQuiet on purpose\n")
	quiet, _, _ = strings.Cut(quiet, "\n\n")
	s.All = sorted(s.Loud, all(`(?m)^  #(\d+) `, quiet))
	_, ratings, _ := strings.Cut(text, "\nRatings\n")
	ratings, _, _ = strings.Cut(ratings, "\n\n")
	s.Ratings = new(len(all(`(?m)^  (bad|poor|good|neutral)`, ratings)))
	return s
}

func ofJSON(t *testing.T, text []byte, loud int) (s said) {
	var doc struct {
		Verdict, Health string
		Exit            int `json:"exit_code"`
		Incidents       []struct {
			ID    int64
			State string
		}
		Silent   []struct{} `json:"lists_without_answer"`
		Channels []struct{ Queued int }
		Ratings  []struct{}
		Daemon   struct{ Alive bool }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	s = said{Verdict: doc.Verdict, Health: doc.Health, Level: &doc.Exit, Silent: new(len(doc.Silent)), Ratings: new(len(doc.Ratings)), Alive: &doc.Daemon.Alive, Queued: new(0), Unacknowledged: new(0)}
	for n, i := range doc.Incidents {
		id := strconv.FormatInt(i.ID, 10)
		s.All = append(s.All, id)
		if n < loud { // those that people are told of come first
			s.Loud = append(s.Loud, id)
			if i.State == "open" {
				*s.Unacknowledged++
			}
		}
	}
	s.All = sorted(s.All)
	for _, c := range doc.Channels {
		*s.Queued += c.Queued
	}
	return s
}

func ofPlugin(line string) (s said) {
	text, data, _ := strings.Cut(strings.TrimSpace(line), "|")
	word, verdict, _ := strings.Cut(strings.TrimPrefix(text, "REPUTED "), " - ")
	s.Verdict, s.Level = verdict, new(slices.Index([]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}, word))
	for _, x := range strings.Fields(data) {
		name, value, _ := strings.Cut(x, "=")
		n, _ := strconv.Atoi(strings.Split(value, ";")[0])
		switch name {
		case "unacknowledged":
			s.Unacknowledged = new(n)
		case "silent_lists":
			s.Silent = new(n)
		case "queued_notices":
			s.Queued = new(n)
		}
	}
	return s
}

func ofPage(page string) (s said) {
	one := func(re string) string {
		m := regexp.MustCompile(`(?s)` + re).FindStringSubmatch(page)
		if m == nil {
			return ""
		}
		return strings.TrimSuffix(html.UnescapeString(m[1]), ".")
	}
	s.Verdict, s.Health = one(`<h1 data-verdict>(.*?)</h1>`), one(`<strong>Monitor:</strong> (.*?)</p>`)
	s.Loud = all(`<article class="incident [a-z]+" aria-labelledby="i(\d+)">`, page)
	_, quiet, _ := strings.Cut(page, `id="h-quiet"`)
	quiet, _, _ = strings.Cut(quiet, "</section>")
	s.All = sorted(s.Loud, all(`href="/incidents/(\d+)"`, quiet))
	return s
}

func ofMetrics(t *testing.T, body string) (s said, incidents int) {
	s.Silent, s.Queued = new(0), new(0)
	for name, value := range series(t, body) {
		n, _ := strconv.ParseFloat(value, 64)
		switch kind, _, _ := strings.Cut(name, "{"); kind {
		case "reputed_status":
			s.Level = new(int(n))
		case "reputed_daemon_alive":
			s.Alive = new(n == 1)
		case "reputed_incidents":
			incidents += int(n)
		case "reputed_lists_silent":
			s.Silent = new(int(n))
		case "reputed_notices_queued":
			*s.Queued += int(n)
		}
	}
	return s, incidents
}

// TestNoRenderingDisagrees takes the verdict, the health, counts and numbers of incidents out of every rendering of one
// report: text at several widths, JSON, the plugin line, the page, and the metrics.
func TestNoRenderingDisagrees(t *testing.T) {
	for name, change := range situations {
		t.Run(name, func(t *testing.T) {
			source := stating{&fixture{}, change}
			r := source.Status(t.Context(), now)
			render := func(term report.Term, f report.Format) []byte {
				var b bytes.Buffer
				if err := r.Write(&b, term, f); err != nil {
					t.Fatal(err)
				}
				return b.Bytes()
			}
			s := server(t, source)
			want := ofJSON(t, render(report.Term{}, report.JSON), len(r.Loud))
			if want.Verdict == "" || *want.Level != int(r.Level()) {
				t.Fatalf("the document says %+v", want)
			}
			got := map[string]said{"JSON of the interface": ofJSON(t, get(t, s, "/api/v1/status").Body.Bytes(), len(r.Loud)), "plugin line": ofPlugin(string(render(report.Term{}, report.Plugin))), "page": ofPage(get(t, s, "/").Body.String())}
			for _, width := range []int{0, 60, 80, 200} {
				got[fmt.Sprintf("text at %d columns", width)] = ofText(string(render(report.Term{Width: width, TTY: width > 0, Location: zone}, report.Text)))
			}
			metrics, incidents := ofMetrics(t, get(t, s, "/metrics").Body.String())
			if r.Trouble == "" {
				got["metrics"] = metrics
				if incidents != len(want.All) {
					t.Errorf("metrics count %d incidents, want %d", incidents, len(want.All))
				}
			} else if *metrics.Level != *want.Level {
				t.Errorf("metrics: level %d, want %d", *metrics.Level, *want.Level)
			}
			for rendering, x := range got {
				x.silentWhere(want, rendering)
				if diff := cmp.Diff(want, x); diff != "" {
					t.Errorf("%s does not say what the document says (-document +it):\n%s", rendering, diff)
				}
			}
			if name == "bad" {
				for file, content := range map[string][]byte{"status.80.txt": render(report.Term{Width: 80, TTY: true, Location: zone}, report.Text), "status.200.txt": render(report.Term{Width: 200, TTY: true, Location: zone}, report.Text),
					"status.json": render(report.Term{}, report.JSON), "status.plugin": render(report.Term{}, report.Plugin), "metrics.txt": oursAlone(get(t, s, "/metrics").Body.String())} {
					goldenFile(t, file, content)
				}
			}
		})
	}
}

// silentWhere takes over what this rendering does not say at all. What it has to say it may not leave out.
func (x *said) silentWhere(want said, rendering string) {
	if rendering == "plugin line" || rendering == "metrics" { // of incidents they say how many
		x.Loud, x.All = want.Loud, want.All
	}
	if rendering == "metrics" {
		x.Verdict = want.Verdict
	}
	if rendering == "plugin line" || rendering == "metrics" {
		x.Health = want.Health
	}
	for _, p := range []struct{ mine, theirs **int }{{&x.Level, &want.Level}, {&x.Unacknowledged, &want.Unacknowledged}, {&x.Silent, &want.Silent}, {&x.Queued, &want.Queued}, {&x.Ratings, &want.Ratings}} {
		if *p.mine == nil {
			*p.mine = *p.theirs
		}
	}
	if x.Alive == nil {
		x.Alive = want.Alive
	}
}

// oursAlone are the metrics without those of the process, which are never the same twice.
func oursAlone(body string) []byte {
	var b strings.Builder
	for line := range strings.Lines(body) {
		if strings.Contains(line, "reputed_") {
			b.WriteString(line)
		}
	}
	return []byte(b.String())
}

// goldenFile compares with testdata/name; UPDATE=1 rewrites it.
func goldenFile(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs; UPDATE=1 go test ./internal/web rewrites it: %s", name, firstDifference(string(want), string(got)))
	}
}
