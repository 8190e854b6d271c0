package report

import (
	"io"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// Letter is a message that an incident calls for, ready but for what only a person knows.
type Letter struct {
	About     string // whom it is for, for people: "Spamhaus ZEN", "the postmaster of example.net"
	None      string // why no letter is to be written; empty: there is one
	To        string
	Subject   string
	Body      string   // lines of up to 72 columns
	Blanks    []string // what stands in angle brackets, to be filled in
	Unblocked string   // why it must go by another way than the blocked one; empty: it need not
	How       []Fact   // how and where it is sent, and what must be true before
	Command   string   // that writes it
}

// RemovalFacts are how one gets off a list, in the words of `lists show`.
func RemovalFacts(r blocklists.Removal) []Fact {
	var groups []FactGroup
	p := &page{groups: &groups}
	p.removal(r)
	var all []Fact
	for _, g := range groups {
		all = append(all, g.Facts...)
	}
	return all
}

type letterJSON struct {
	About     string     `json:"about"`
	None      string     `json:"none"`
	To        string     `json:"to"`
	Subject   string     `json:"subject"`
	Body      string     `json:"body"`
	Blanks    []string   `json:"blanks"`
	Unblocked string     `json:"unblocked"`
	How       []factJSON `json:"how"`
	Command   string     `json:"command"`
}

type factJSON struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// lettersJSON are the letters of one incident. Field names are a promise: docs/json.md.
type lettersJSON struct {
	Schema  int          `json:"schema"`
	Letters []letterJSON `json:"letters"`
}

// WriteLetters writes the letters of one incident as JSON.
func WriteLetters(w io.Writer, all []Letter) error {
	out := lettersJSON{1, []letterJSON{}}
	for _, l := range all {
		j := letterJSON{checks.Line(l.About, 0), checks.Line(l.None, 0), checks.Line(l.To, 0), checks.Line(l.Subject, 0), l.Text(), lines(l.Blanks), checks.Line(l.Unblocked, 0), []factJSON{}, checks.Line(l.Command, 0)}
		for _, f := range l.How {
			j.How = append(j.How, factJSON{checks.Line(f.Label, 0), checks.Line(f.Text, 0)})
		}
		out.Letters = append(out.Letters, j)
	}
	return writeJSON(w, out)
}

// Text is the body, each of its lines clean.
func (l Letter) Text() string {
	if l.Body == "" {
		return ""
	}
	var b strings.Builder
	for line := range strings.Lines(l.Body) {
		// What stands before a refusal sets it off, and is ours.
		line = strings.TrimRight(line, "\n")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		b.WriteString(line[:indent] + checks.Line(line[indent:], 0) + "\n")
	}
	return b.String()
}
