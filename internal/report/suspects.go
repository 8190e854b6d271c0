package report

import (
	"fmt"

	"reputed/checks"
	"reputed/checks/bounce"
)

// suspects is who may be behind the incident, or that nothing is known of it.
func (i Incident) suspects(p *page) {
	s := i.Suspicion
	if !aboutMail(i.Incident) || s.From.IsZero() {
		return
	}
	p.heading("Suspects, " + p.clock(s.From, i.Now) + " to " + p.clock(s.To, i.Now))
	switch {
	case !s.Known:
		p.para(2, "", plain, "no data: neither a log nor a report tells who handed in the mail of these hours (docs/logs.md)", unknown)
	case len(s.Suspects) == 0:
		p.para(2, "", plain, fmt.Sprintf("nothing unusual among %s from %s: look for a machine behind the address that does not use the mail server",
			plural(s.Mails, "mail", "mails"), plural(s.Names, "sender", "senders")), plain)
	}
	for n, x := range s.Suspects {
		p.para(2, fmt.Sprintf("%d. ", n+1), plain, x.String(), plain)
	}
}

// suspectsJSON is who may be behind an incident.
type suspectsJSON struct {
	Known bool          `json:"known"`
	From  *string       `json:"from"`
	To    *string       `json:"to"`
	Mails int           `json:"mails"`
	List  []suspectJSON `json:"list"`
}

type suspectJSON struct {
	Kind    string   `json:"kind"`
	Name    string   `json:"name"`
	Mails   int      `json:"mails"`
	Reasons []string `json:"reasons"`
}

func suspectsOf(s bounce.Suspicion) suspectsJSON {
	out := suspectsJSON{s.Known, utc(s.From), utc(s.To), s.Mails, []suspectJSON{}}
	for _, x := range s.Suspects {
		out.List = append(out.List, suspectJSON{string(x.Kind), checks.Line(x.Name, 0), x.Mails, lines(x.Reasons)})
	}
	return out
}
