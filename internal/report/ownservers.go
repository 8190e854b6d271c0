package report

import (
	"io"
	"strings"
	"time"

	"reputed/checks"
)

// OwnServer is what was seen of one mail server of ours.
type OwnServer struct {
	Host     string
	Findings []checks.Finding
	Forms    []RelayForm
	Talks    []Talk
}

// RelayForm is one form of address that the server was asked to relay for.
type RelayForm struct {
	Name, Sender, Recipient string
	Reply                   string // literal; empty: not asked
	Verdict                 string // refused, relays, proves nothing
}

// Verdicts of a [RelayForm].
const (
	FormRefused = "refused"
	FormRelays  = "relays"
	FormNothing = "proves nothing"
)

// OwnServers are what was seen of some servers.
type OwnServers struct {
	All []OwnServer
	Now time.Time
}

// Level is what it comes to.
func (o OwnServers) Level() Level {
	var t Tally
	for _, s := range o.All {
		for _, f := range s.Findings {
			t.Asked++
			switch f.Status {
			case checks.Problem:
				t.Worst = checks.Worse(t.Worst, f.Severity)
			case checks.Unknown:
				t.Unknown++
			}
		}
	}
	return t.Level()
}

// Field names are a promise: docs/json.md.
type ownFindingJSON struct {
	Code     string `json:"code"`
	Status   string `json:"status"`
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
}

type relayFormJSON struct {
	Form      string `json:"form"`
	Sender    string `json:"sender"`
	Recipient string `json:"recipient"`
	Reply     string `json:"reply"`
	Verdict   string `json:"verdict"`
}

type ownServerJSON struct {
	Host     string           `json:"host"`
	Findings []ownFindingJSON `json:"findings"`
	Forms    []relayFormJSON  `json:"forms"`
	Talks    []talkJSON       `json:"conversations"`
}

// Write renders it.
func (o OwnServers) Write(w io.Writer, t Term, f Format) error {
	if f == JSON {
		return o.json(w)
	}
	p := &page{Term: t}
	for i, s := range o.All {
		if i > 0 {
			p.blank()
		}
		p.line(p.paint(strong, clean(s.Host)))
		for _, f := range s.Findings {
			word, colour := "ok", good
			switch f.Status {
			case checks.Problem:
				word, colour = string(f.Severity), bad
			case checks.Unknown:
				word, colour = "not known", unknown
			}
			p.para(2, pad(word, 10), colour, clean(f.Summary), plain)
		}
		if len(s.Forms) > 0 {
			p.blank()
			var rows [][]cell
			for _, form := range s.Forms {
				colour := map[string]style{FormRefused: good, FormRelays: bad}[form.Verdict]
				rows = append(rows, []cell{{clean(form.Name), plain}, {form.Verdict, colour}, {clean(form.Reply), faint}})
			}
			p.grid(2, []column{{title: "FORM", flex: true}, {title: "VERDICT"}, {title: "REPLY", flex: true}}, rows)
		}
	}
	p.blank()
	p.para(0, o.Level().String()+": ", o.Level().style(), o.sentence(), plain)
	return p.writeTo(w)
}

// sentence says it all in one.
func (o OwnServers) sentence() string {
	problems, open := 0, 0
	for _, s := range o.All {
		for _, f := range s.Findings {
			switch f.Status {
			case checks.Problem:
				problems++
			case checks.Unknown:
				open++
			}
		}
	}
	text := plural(len(o.All), "server", "servers") + ", " + plural(problems, "problem", "problems")
	if open > 0 {
		text += ", " + number(open) + " not known"
	}
	return text + ". No message was sent."
}

// pad fills a short word with blanks.
func pad(s string, width int) string { return s + strings.Repeat(" ", max(width-len(s), 1)) }

func (o OwnServers) json(w io.Writer) error {
	all := []ownServerJSON{}
	line := func(s string) string { return checks.Line(s, 0) }
	for _, s := range o.All {
		j := ownServerJSON{Host: line(s.Host), Findings: []ownFindingJSON{}, Forms: []relayFormJSON{}, Talks: talksJSON(s.Talks)}
		for _, f := range s.Findings {
			j.Findings = append(j.Findings, ownFindingJSON{string(f.Code), string(f.Status), string(f.Severity), line(f.Summary)})
		}
		for _, f := range s.Forms {
			j.Forms = append(j.Forms, relayFormJSON{line(f.Name), line(f.Sender), line(f.Recipient), line(f.Reply), f.Verdict})
		}
		all = append(all, j)
	}
	return writeJSON(w, struct {
		Schema  int             `json:"schema"`
		At      *string         `json:"at"`
		Level   string          `json:"level"`
		Servers []ownServerJSON `json:"servers"`
	}{1, utc(o.Now), strings.ToLower(o.Level().String()), all})
}
