package report

import (
	"bufio"
	"encoding/json"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// checkTSV is one line a question, in the order of the answers.
type checkTSV struct{ *tsv }

func (t checkTSV) result(r Result) {
	t.row(r.Target.ID(), r.List, string(r.Verdict), string(r.Severity), strings.ReplaceAll(codes(r), ", ", ","), r.Reason)
}

func (t checkTSV) finish(c *Check) error {
	t.neighbours(c)
	return t.close()
}

// checkJSON writes {"schema": 1, "results": [ and then each result at once, so
// that four million of them need no memory; what is known only at the end follows.
type checkJSON struct {
	w    *bufio.Writer
	n    int
	live bool
	err  error
}

func newCheckJSON(o CheckOptions) *checkJSON {
	j := &checkJSON{w: bufio.NewWriterSize(o.Out, 64<<10), live: o.Term.TTY}
	_, _ = j.w.WriteString("{\n  \"schema\": 1,\n  \"results\": [")
	return j
}

// resultJSON is a result. Its field names are a promise: docs/json.md.
type resultJSON struct {
	Target   string          `json:"target"`
	Pool     string          `json:"pool,omitempty"`
	List     string          `json:"list"`
	Verdict  string          `json:"verdict"`
	Severity checks.Severity `json:"severity"`
	Codes    []string        `json:"codes"`
	Meanings []string        `json:"meanings"`
	Reason   string          `json:"reason"`
	Advice   string          `json:"advice"`
	Command  string          `json:"command"`
	URL      string          `json:"url"`
	Evidence []evidenceJSON  `json:"evidence"`
}

// evidenceJSON is one piece of evidence, with text from outside made one line.
type evidenceJSON struct {
	Question string  `json:"question"`
	Answer   string  `json:"answer"`
	Reason   string  `json:"reason"`
	Via      string  `json:"via"`
	Controls string  `json:"controls"`
	Proof    string  `json:"proof"`
	Wire     string  `json:"wire"`
	At       *string `json:"at"`
}

func evidenceOf(es []checks.Evidence) []evidenceJSON {
	out := make([]evidenceJSON, 0, len(es))
	for _, e := range es {
		out = append(out, evidenceJSON{
			Question: checks.Line(e.Question, 0), Answer: checks.Line(e.Answer, 0), Reason: checks.Line(e.Reason, 0),
			Via: checks.Line(e.Via, 0), Controls: checks.Line(e.Controls, 0), Proof: checks.Line(e.Proof, 0), Wire: checks.Line(e.Wire, 0), At: utc(e.At),
		})
	}
	return out
}

func (j *checkJSON) result(r Result) {
	out := resultJSON{
		Target: r.Target.ID(), Pool: checks.Line(r.Target.Pool, 0), List: r.List, Verdict: string(r.Verdict), Severity: r.Severity,
		Codes: []string{}, Meanings: lines(r.Meanings), Reason: checks.Line(r.Reason, 0), Advice: checks.Line(r.Advice, 0), Command: checks.Line(r.Command, 0),
		URL: checks.Line(r.URL, 0), Evidence: evidenceOf(r.Evidence),
	}
	for _, a := range r.Codes {
		out.Codes = append(out.Codes, a.String())
	}
	sep := ",\n    "
	if j.n == 0 {
		sep = "\n    "
	}
	j.n++
	j.write(sep, out)
	if j.live {
		_ = j.w.Flush()
	}
}

// write appends a separator and one value on one line.
func (j *checkJSON) write(before string, v any) {
	b, err := marshal(v)
	if err != nil && j.err == nil {
		j.err = err
	}
	_, _ = j.w.WriteString(before)
	_, _ = j.w.Write(b)
}

func (j *checkJSON) finish(c *Check) error {
	if j.n > 0 {
		_, _ = j.w.WriteString("\n  ")
	}
	_, _ = j.w.WriteString("],\n  \"lists\": [")
	sep := "\n    "
	for _, l := range c.asked() {
		j.write(sep, listTallyOf(l))
		sep = ",\n    "
	}
	if sep != "\n    " {
		_, _ = j.w.WriteString("\n  ")
	}
	_, _ = j.w.WriteString("],\n  \"notes\": ")
	j.write("", notesOf(c.notes))
	j.write(",\n  \"neighbours\": ", neighboursOf(c))
	j.write(",\n  \"summary\": ", checkSummaryOf(c))
	_, _ = j.w.WriteString("\n}\n")
	if err := j.w.Flush(); err != nil {
		return err
	}
	return j.err
}

type noteJSON struct {
	Code        checks.Code    `json:"code"`
	Summary     string         `json:"summary"`
	Instruction string         `json:"instruction"`
	Evidence    []evidenceJSON `json:"evidence"`
}

func notesOf(fs []checks.Finding) []noteJSON {
	notes := []noteJSON{}
	for _, f := range fs {
		notes = append(notes, noteJSON{Code: f.Code, Summary: checks.Line(f.Summary, 0),
			Instruction: checks.Line(f.Facts[checks.FactInstruction], 0), Evidence: evidenceOf(f.Evidence)})
	}
	return notes
}

// listTallyJSON is one list of a check with its counts of questions.
type listTallyJSON struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Operator string `json:"operator"`
	Zone     string `json:"zone"`
	Severity string `json:"severity"`
	Verdict  string `json:"verdict"`
	Asked    int    `json:"asked"`
	countsJSON
	Why    string `json:"why"`
	Advice string `json:"advice"`
	Path   string `json:"path"`
}

// countsJSON is a number of questions for each verdict.
type countsJSON struct {
	Listed        int `json:"listed"`
	Policy        int `json:"policy"`
	Informational int `json:"informational"`
	Good          int `json:"good"`
	Clean         int `json:"clean"`
	Unproved      int `json:"unproved"`
	Refused       int `json:"refused"`
	Unusable      int `json:"unusable"`
	Unknown       int `json:"unknown"`
}

func (n *countsJSON) add(v map[blocklists.Class]int) {
	n.Listed += v[blocklists.Listed]
	n.Policy += v[blocklists.Policy]
	n.Informational += v[blocklists.Informational]
	n.Good += v[blocklists.Good]
	n.Clean += v[blocklists.Clean]
	n.Refused += v[blocklists.Refused]
	n.Unusable += v[blocklists.Unusable]
	n.Unknown += v[blocklists.Unknown]
}

func listTallyOf(l *ListTally) listTallyJSON {
	out := listTallyJSON{
		ID: l.Zone.ID, Name: checks.Line(l.Zone.Title, 0), Operator: checks.Line(l.Zone.Operator, 0), Zone: l.Zone.Zone, Severity: string(l.Zone.Severity),
		Verdict: string(l.standing()), Asked: l.Asked, Why: checks.Line(l.Why, 0), Advice: checks.Line(l.Advice, 0), Path: l.Path,
	}
	out.add(l.Verdicts)
	out.Unproved = l.Unproved
	return out
}

type checkSummaryJSON struct {
	Text      string `json:"text"`
	State     string `json:"state"` // OK, WARNING, CRITICAL, UNKNOWN
	ExitCode  int    `json:"exit_code"`
	CutShort  bool   `json:"cut_short"`
	Addresses int    `json:"addresses"`
	Domains   int    `json:"domains"`
	Unasked   int    `json:"unasked"`
	Lists     int    `json:"lists"`
	Questions int    `json:"questions"`
	Targets   int    `json:"listed_targets"`
	countsJSON
	Started *string `json:"started"`
	Ended   *string `json:"ended"`
}

func checkSummaryOf(c *Check) checkSummaryJSON {
	asked, _ := c.questions()
	s := checkSummaryJSON{
		Text: c.Summary(), State: c.Level().String(), ExitCode: int(c.Level()), CutShort: c.cut, Addresses: c.Addresses, Domains: c.Domains, Unasked: c.Unasked.N(),
		Lists: len(c.asked()), Questions: asked, Targets: len(c.found[blocklists.Listed]), Started: utc(c.Started), Ended: utc(c.ended),
	}
	for _, l := range c.tallies {
		s.add(l.Verdicts)
		s.Unproved += l.Unproved
	}
	return s
}

// lines cleans each text, and gives [] and not null for none.
func lines(in []string) []string {
	out := make([]string, 0, len(in))
	for _, s := range in {
		out = append(out, checks.Line(s, 0))
	}
	return out
}

// marshal writes a value on one line, with <, > and & as they are: this is not a web page.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return []byte(strings.TrimSuffix(b.String(), "\n")), err
}
