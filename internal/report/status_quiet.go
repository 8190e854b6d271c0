package report

import (
	"fmt"
	"slices"

	"reputed/alerts"
	"reputed/checks"
)

// quiet is what nobody is told of, on purpose, and why: one line an incident.
func (r Report) quiet(p *page) {
	unproved := slices.DeleteFunc(slices.Clone(r.Mailboxes), func(m Mailbox) bool { return m.Unproved == 0 })
	quiet, silence := r.newestQuiet(), r.silence()
	if len(silence)+len(quiet)+len(unproved)+len(r.Unreliable) == 0 {
		return
	}
	p.heading("Quiet on purpose")
	for _, v := range silence {
		p.para(2, fmt.Sprintf("#%-4d", v.Incident.ID), plain, clean(v.Incident.Title)+": "+r.whyQuiet(p.Term, v), plain)
	}
	for _, u := range r.Unreliable {
		p.para(2, fmt.Sprintf("#%-4d", u.Incident), plain, "list "+checks.Line(u.Source, 60)+" is unreliable here: what it says comes and goes, so that it is told once, and over when it has been clean for a day", plain)
	}
	for _, m := range unproved {
		p.para(2, "mail ", plain, m.unproved(), plain)
	}
	for i, q := range quiet {
		if i == maxQuiet {
			p.line("  and ", plural(len(quiet)-i, "more decision", "more decisions"))
			break
		}
		label := "      "
		if q.Incident > 0 {
			label = fmt.Sprintf("#%-4d ", q.Incident)
		}
		p.para(2, label[:5], plain, clean(q.Title)+": "+clean(q.Why)+" ("+ago(q.At, r.Now)+")", plain)
	}
}

// whyQuiet is why nobody is told of an incident.
func (r Report) whyQuiet(t Term, v IncidentView) string {
	switch {
	case v.Incident.State == alerts.Silenced:
		return t.state(v.Incident, r.Now)
	case !v.Incident.CostsMail():
		return "it costs no mail"
	}
	return "nobody refuses mail for it"
}

// unproved says that reports in a mailbox decide nothing.
func (m Mailbox) unproved() string {
	return fmt.Sprintf("%s of the last %s in mailbox %s not proved to be yours: shown, but decides nothing (reputed bounce FILE says of a mail what is missing)",
		number(m.Unproved), plural(m.Proved+m.Unproved, "report", "reports"), checks.Line(m.Name, 60))
}

// silence are the incidents that are quiet on purpose, but for those of lists that stand under what the
// monitor cannot do: what the last round could not ask.
func (r Report) silence() []IncidentView {
	silent := map[string]bool{}
	for _, l := range r.Silent {
		silent[l.ID] = true
	}
	return slices.DeleteFunc(slices.Clone(r.Silence), func(v IncidentView) bool {
		return v.quietList() && !slices.ContainsFunc(v.Incident.Members, func(m alerts.Member) bool { return !m.Clear && !silent[m.Finding.Target.Name] })
	})
}

// newestQuiet are the newest decision about each incident that is not shown as quiet itself, nor is about lists
// that cannot be used: those cost no mail, and why nobody is told of one explain says.
func (r Report) newestQuiet() []QuietNote {
	seen := map[int64]bool{}
	for _, v := range r.Silence {
		seen[v.Incident.ID] = true
	}
	for _, v := range r.Loud {
		if v.aboutLists() {
			seen[v.Incident.ID] = true
		}
	}
	var out []QuietNote
	for _, q := range r.Quiet {
		if q.Incident > 0 && seen[q.Incident] {
			continue
		}
		seen[q.Incident] = true
		out = append(out, q)
	}
	return out
}
