package report

import (
	"fmt"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

// suspects is who may be behind the incident, or that nothing is known of it.
func (i Incident) suspects(p *page) {
	s, ok := i.Suspects()
	if !ok {
		return
	}
	p.heading("Suspects, " + p.clock(s.From, i.Now) + " to " + p.clock(s.To, i.Now))
	switch {
	case !i.Suspicion.Known:
		p.para(2, "", plain, s.None, unknown)
	case s.None != "":
		p.para(2, "", plain, s.None, plain)
	}
	for n, x := range s.Lines {
		p.para(2, fmt.Sprintf("%d. ", n+1), plain, x, plain)
	}
}

// WithoutSuspects is the explanation without the names of those who may be behind the incident. They are
// logins and addresses of customers, and only for who is known.
func (e Explanation) WithoutSuspects() Explanation {
	e.Withheld += len(e.Suspicion.Suspects)
	e.Suspicion.Suspects = nil
	return e
}

// Suspects are those who may be behind an incident, ready to be shown, and over which time; nothing of
// an incident that is not about mail.
type Suspects struct {
	From, To time.Time
	Lines    []string // most suspicious first
	None     string   // why there are none; empty: there are, or they are withheld
	Withheld int
}

// Suspects are who may be behind the incident; false: it has none by its nature.
func (i Incident) Suspects() (out Suspects, ok bool) {
	s := i.Suspicion
	if !i.Incident.CostsMail() || s.From.IsZero() {
		return out, false
	}
	out = Suspects{From: s.From, To: s.To, Withheld: i.Withheld}
	if out.To.After(i.Now) {
		out.To = i.Now // hours are looked at whole, and the last one is not over yet
	}
	switch {
	case !s.Known:
		out.None = "no data: neither a log nor a report tells who handed in the mail of these hours (docs/logs.md)"
	case len(s.Suspects)+i.Withheld == 0:
		out.None = fmt.Sprintf("nothing unusual among %s from %s: look for a machine behind the address that does not use the mail server",
			plural(s.Mails, "mail", "mails"), plural(s.Names, "sender", "senders"))
	}
	for _, x := range s.Suspects {
		out.Lines = append(out.Lines, clean(x.String()))
	}
	return out, true
}

// suspectsJSON is who may be behind an incident.
type suspectsJSON struct {
	Known    bool          `json:"known"`
	From     *string       `json:"from"`
	To       *string       `json:"to"`
	Mails    int           `json:"mails"`
	Withheld int           `json:"withheld"`
	List     []suspectJSON `json:"list"`
}

type suspectJSON struct {
	Kind    string   `json:"kind"`
	Name    string   `json:"name"`
	Mails   int      `json:"mails"`
	Reasons []string `json:"reasons"`
}

func suspectsOf(s bounce.Suspicion, withheld int) suspectsJSON {
	out := suspectsJSON{s.Known, utc(s.From), utc(s.To), s.Mails, withheld, []suspectJSON{}}
	for _, x := range s.Suspects {
		out.List = append(out.List, suspectJSON{string(x.Kind), checks.Line(x.Name, 0), x.Mails, lines(x.Reasons)})
	}
	return out
}
