package report

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"reputed/checks"
)

// Talk is one conversation with a mail server.
type Talk struct {
	Server string // "mx.example.net[192.0.2.25]:25"
	From   netip.Addr
	Via    string // proxy; may be empty
	At     time.Time
	Took   time.Duration
	Stage  string // at which it ended
	Err    string // why it ended early; may be empty
	TLS    string // what STARTTLS came to; may be empty
	Lines  []Spoken
}

// Spoken is one line of a conversation.
type Spoken struct {
	Ours bool
	Text string // untrusted unless it is ours
}

// Knock is one address of ours at one receiver's door.
type Knock struct {
	From     string // address of ours
	Receiver string
	Why      string // it was knocked at
	Vendor   string // who stands before it; empty: not known
	Outcome  string // accepted, refused, busy, no answer, not asked
	Reason   string
	Category string // of a refusal
	Rule     string
	Lasting  bool // it refuses for good, and does not only put off
	Talks    []Talk
}

// Knocks are what came of knocking once.
type Knocks struct {
	All []Knock
	Now time.Time
}

// Outcomes of a [Knock], as package acceptance has them.
const (
	knockAccepted = "accepted"
	knockRefused  = "refused"
)

// Level is what it comes to: a refusal is critical, one that only puts off a warning, and where most doors gave no
// answer nobody can tell.
func (k Knocks) Level() Level {
	t := Tally{Asked: len(k.All)}
	for _, x := range k.All {
		switch {
		case x.Outcome == knockRefused && x.Lasting:
			t.Worst = checks.Worse(t.Worst, checks.Major)
		case x.Outcome == knockRefused:
			t.Worst = checks.Worse(t.Worst, checks.Minor)
		case x.Outcome != knockAccepted:
			t.Unknown++
		}
	}
	return t.Level()
}

// talkJSON is one conversation. Field names are a promise: docs/json.md.
type talkJSON struct {
	Server     string   `json:"server"`
	From       string   `json:"from"`
	Via        string   `json:"via"`
	At         *string  `json:"at"`
	Took       int64    `json:"took_ms"`
	Stage      string   `json:"stage"`
	Error      string   `json:"error"`
	TLS        string   `json:"tls"`
	Transcript []string `json:"transcript"` // lines that begin with "C: " (we) or "S: " (the server)
}

type knockJSON struct {
	Target   string     `json:"target"`
	Receiver string     `json:"receiver"`
	Why      string     `json:"why"`
	Vendor   string     `json:"vendor"`
	Outcome  string     `json:"outcome"`
	Reason   string     `json:"reason"`
	Category string     `json:"category"`
	Rule     string     `json:"rule"`
	Talks    []talkJSON `json:"conversations"`
}

func talksJSON(all []Talk) []talkJSON {
	out := []talkJSON{}
	for _, t := range all {
		j := talkJSON{Server: checks.Line(t.Server, 0), Via: checks.Line(t.Via, 0), At: utc(t.At), Took: t.Took.Milliseconds(), Stage: t.Stage, Error: checks.Line(t.Err, 0), TLS: checks.Line(t.TLS, 0), Transcript: []string{}}
		if t.From.IsValid() {
			j.From = t.From.String()
		}
		for _, l := range t.Lines {
			j.Transcript = append(j.Transcript, speaker(l)+checks.Line(l.Text, 0))
		}
		out = append(out, j)
	}
	return out
}

func speaker(l Spoken) string {
	if l.Ours {
		return "C: "
	}
	return "S: "
}

// Write renders it, worst first in the order of the knocks.
func (k Knocks) Write(w io.Writer, t Term, f Format) error {
	if f == JSON {
		all := []knockJSON{}
		for _, x := range k.All {
			all = append(all, knockJSON{Target: checks.Line(x.From, 0), Receiver: checks.Line(x.Receiver, 0), Why: checks.Line(x.Why, 0), Vendor: checks.Line(x.Vendor, 0),
				Outcome: x.Outcome, Reason: checks.Line(x.Reason, 0), Category: x.Category, Rule: x.Rule, Talks: talksJSON(x.Talks)})
		}
		return writeJSON(w, struct {
			Schema int         `json:"schema"`
			At     *string     `json:"at"`
			Level  string      `json:"level"`
			Knocks []knockJSON `json:"knocks"`
		}{1, utc(k.Now), strings.ToLower(k.Level().String()), all})
	}
	p := &page{Term: t}
	counts := map[string]int{}
	for i, x := range k.All {
		counts[x.Outcome]++
		if i > 0 {
			p.blank()
		}
		head := fmt.Sprintf("%s at %s", clean(x.From), clean(x.Receiver))
		if x.Vendor != "" {
			head += " (" + clean(x.Vendor) + ")"
		}
		p.line(p.paint(strong, head), "  ", p.paint(outcomeStyle(x.Outcome), x.Outcome))
		if x.Why != "" {
			p.para(2, "", plain, clean(x.Why), faint)
		}
		p.talks(x.Talks)
		switch {
		case x.Outcome == knockRefused:
			p.para(2, "judged ", faint, fmt.Sprintf("%s (rule %s)", clean(x.Category), clean(x.Rule)), plain)
		case x.Reason != "" && (len(x.Talks) == 0 || x.Reason != x.Talks[len(x.Talks)-1].Err): // which was said just now
			p.para(2, "", plain, clean(x.Reason), plain)
		}
	}
	if len(k.All) > 0 {
		p.blank()
	}
	var parts []string
	for _, o := range []string{knockRefused, knockAccepted, "busy", "no answer", "not asked"} {
		if n := counts[o]; n > 0 {
			parts = append(parts, number(n)+" "+o)
		}
	}
	if len(parts) == 0 {
		parts = []string{"nobody to knock at: name receivers in [[acceptance.receiver]], or let the daemon read a mail log"}
	}
	p.para(0, k.Level().String()+": ", k.Level().style(), strings.Join(parts, ", "), plain)
	return p.writeTo(w)
}

func outcomeStyle(outcome string) style {
	switch outcome {
	case knockAccepted:
		return good
	case knockRefused:
		return bad
	}
	return unknown
}

// talks writes conversations line by line.
func (p *page) talks(all []Talk) {
	for _, t := range all {
		from := ""
		switch {
		case t.Via != "":
			from = " by the proxy " + clean(t.Via)
		case t.From.IsValid():
			from = " from " + t.From.String()
		}
		p.para(2, "", plain, fmt.Sprintf("%s %s%s, %s", p.local(t.At).Format("15:04:05"), clean(t.Server), from, t.Took.Round(time.Millisecond)), faint)
		for _, l := range t.Lines {
			label := info
			if l.Ours {
				label = faint
			}
			p.para(4, speaker(l), label, clean(l.Text), plain)
		}
		if t.TLS != "" {
			p.para(4, "TLS ", faint, clean(t.TLS), plain)
		}
		if t.Err != "" {
			p.para(4, "ended ", faint, clean(t.Err), warn)
		}
	}
}
