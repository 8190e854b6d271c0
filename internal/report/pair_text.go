package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

// Write renders it.
func (e Pair) Write(w io.Writer, t Term, f Format) error {
	if f == JSON {
		return writeJSON(w, pairOf(e))
	}
	p := &page{Term: t}
	p.para(0, "", plain, e.Sentence()+".", e.Level().style())
	p.field("list", fmt.Sprintf("%s, %s: reputed lists show %s", e.List.ID, e.List.Zone, e.List.ID), plain)
	e.standing(p)
	e.stored(p)
	e.now(p)
	e.past(p)
	p.heading("What would change it")
	for _, s := range e.Changes() {
		p.para(2, "- ", plain, s, plain)
	}
	return p.writeTo(w)
}

// standing is what is stored, in a few lines.
func (e Pair) standing(p *page) {
	switch {
	case e.Trouble != "":
		p.field("stored", "cannot be read: "+clean(e.Trouble), unknown)
	case e.Status == "":
		p.field("stored", "nothing: it was never seen as a problem"+e.whyNothing(), plain)
	default:
		word := map[checks.Status]string{checks.OK: "clear", checks.Problem: "a problem"}[e.Status]
		p.field("stored", word+" "+p.since(e.Since, e.Now)+"; last answered so "+ago(e.Seen, e.Now), plain)
	}
	if !e.Unknown.IsZero() {
		p.field("but", "not answered "+p.since(e.Unknown, e.Now)+"; that neither opens nor closes anything", unknown)
	}
	if e.Aside != "" {
		p.field("but", "in the last complete round, "+ago(e.Round, e.Now)+", the list gave no usable answer: "+clean(e.Aside), unknown)
	}
	if len(e.Incidents) > 0 {
		p.field("more", fmt.Sprintf("reputed incident show %d", e.Incidents[0]), plain)
	}
}

// whyNothing says what having nothing stored means: clean answers are counts of their round.
func (e Pair) whyNothing() string {
	switch {
	case !e.Watched:
		return "; it is not watched"
	case !e.Asked:
		return "; the list is not asked"
	case e.Round.IsZero():
		return "; no round has been finished yet"
	}
	return "; the last complete round was " + ago(e.Round, e.Now)
}

// stored is the answer that made it what it is, and the bounce's half of the evidence.
func (e Pair) stored(p *page) {
	if len(e.Proofs) > 0 {
		last := e.Proofs[len(e.Proofs)-1]
		p.heading("How we know: the answer of " + p.stamp(last.At))
		p.proof(last)
	}
	// Of a list that a refusal named each answer is kept, in whichever round it is asked.
	if e.Named != nil && (len(e.Proofs) == 0 || !e.Proofs[len(e.Proofs)-1].At.Equal(e.Named.At)) {
		p.heading("Latest answer, kept because a refusal names the list: " + p.stamp(e.Named.At))
		p.proof(*e.Named)
	}
}

// proof is an answer whole, and each that confirmed it.
func (p *page) proof(x Proof) {
	p.field("verdict", clean(x.Summary), plain)
	p.field("means", meaning(x.Summary, x.Facts, x.Evidence), plain)
	for n, ev := range x.Evidence {
		var before checks.Evidence // what was said already is not said again
		switch {
		case n == 0:
		case ev.Question == x.Evidence[n-1].Question && ev.Answer == x.Evidence[n-1].Answer:
			before = x.Evidence[n-1]
			p.para(2, "", plain, "asked again, the same answer:", faint)
		default:
			p.para(2, "", plain, "asked again:", faint)
		}
		field := func(label, text, said string) {
			if text != said {
				p.field(label, clean(text), plain)
			}
		}
		field("asked", ev.Question, before.Question)
		field("answer", ev.Answer, before.Answer)
		field("says", ev.Reason, before.Reason)
		field("with", ev.Wire, "")
		field("from", ev.Via, "")
		p.field("at", p.stamp(ev.At), plain)
		field("control", ev.Controls, before.Controls)
		field("proof", ev.Proof, before.Proof)
	}
}

// now is what was asked now, path by path.
func (e Pair) now(p *page) {
	for _, a := range e.Paths {
		p.heading("Asked now, " + pathWords(a.Path) + ": " + string(a.Verdict))
		p.field("why", clean(a.Why), unknown)
		said := a.Proof
		if a.Why != "" && strings.Contains(said.Summary, a.Why) {
			said.Summary = "" // it stands above
		}
		if len(a.Controls) > 0 { // they are shown one by one
			said.Evidence = slices.Clone(said.Evidence)
			for i := range said.Evidence {
				said.Evidence[i].Controls = ""
			}
		}
		p.proof(said)
		for _, c := range a.Controls {
			passed, s := "passed", good
			if !c.Passed {
				passed, s = "FAILED", bad
			}
			p.para(6, "control ", faint, fmt.Sprintf("%s: %s: want %s, answer %s", passed, clean(c.Question), c.Want, clean(c.Answer)), s)
		}
	}
	if e.OnePath != "" {
		p.blank()
		p.para(2, "", plain, "By one path only: "+clean(e.OnePath), faint)
	}
	if len(e.Paths) > 0 && e.AskedWhy != "" {
		p.blank()
		p.para(2, "", plain, "Asked now, because "+clean(e.AskedWhy)+". Nothing of that is stored.", faint)
	}
}

func pathWords(path string) string {
	switch path {
	case "authoritative":
		return "at the list's own name servers"
	case "forwarder":
		return "at its forwarder"
	}
	return "through your resolver"
}

// past is the history of the pair.
func (e Pair) past(p *page) {
	spells := Spells(e.Turns)
	if len(spells) == 0 {
		return
	}
	d := Dwells(spells, time.Time{}, e.Now)[0]
	p.heading("History of this pair")
	s := fmt.Sprintf("%s, %s in all, longest %s", plural(d.Spells, "time", "times"), span(d.Sum), span(d.Longest))
	if d.Clear > 0 {
		s += ", typically " + span(d.Clear) + " to clear"
	}
	if d.Relapses > 0 {
		s += ", " + plural(d.Relapses, "relapse", "relapses") + " within 30 days"
	}
	p.para(2, "", plain, s+".", plain)
	for _, x := range slices.Backward(e.Turns) {
		p.para(2, p.stamp(x.At)+"  ", faint, clean(x.Summary), plain)
	}
}

// Changes are what would change the verdict, each a sentence.
func (e Pair) Changes() []string {
	name := clean(cmp.Or(e.List.Title, e.List.ID))
	var out []string
	switch v := e.Verdict(); v {
	case blocklists.Listed, blocklists.Policy, blocklists.Informational:
		out = append(out, "It ends with an answer without an entry from the list's own name servers, or with two through a resolver that are further apart than such an answer may be cached, each in a round in which the list's controls pass.",
			"No answer, a refusal to answer, or a list that fails its controls ends nothing.")
		if r := e.List.Removal; r.AutoExpiry != "" {
			out = append(out, name+" lets entries end by themselves: "+clean(r.AutoExpiry))
		}
		switch r := e.List.Removal; {
		case r.URL == "":
		case r.Method == "automatic": // nobody is asked, whatever page there is
			s := "There is nobody to ask for removal; more at " + clean(e.List.RemovalURLFor(e.Target.String()))
			if r.Typical != "" {
				s += "; it takes: " + clean(r.Typical)
			}
			out = append(out, s)
		default:
			s := "Removal is asked at " + clean(e.List.RemovalURLFor(e.Target.String()))
			if r.Typical != "" {
				s += "; it takes: " + clean(r.Typical)
			}
			out = append(out, s)
		}
	case blocklists.Refused, blocklists.Unusable:
		out = append(out, "The list must pass its controls again: then it is asked, and what it answers counts. \"reputed lists test "+e.List.ID+"\" says how it stands.")
	default:
		s := "A listing opens when the list answers with one of its codes in a round in which its controls pass"
		if e.Confirm > 0 {
			s += ", and does so again " + span(e.Confirm) + " later, by another path where there is one"
		}
		out = append(out, s+".", "A refusal by a receiver that names the list confirms a listing at once.")
	}
	switch {
	case !e.Watched:
		out = append(out, e.Target.String()+" is not watched: put it under [[outbound]] and each round asks about it.")
	case !e.Asked:
		out = append(out, name+" is not asked: enable it under [blocklists].")
	}
	return out
}
