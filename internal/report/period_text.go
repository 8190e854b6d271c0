package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// Verdict is the report in one sentence, without a full stop.
func (p Period) Verdict() string {
	var parts []string
	add := func(n int, s string) {
		if n > 0 {
			parts = append(parts, s)
		}
	}
	add(len(p.Opened), plural(len(p.Opened), "incident", "incidents")+" opened")
	add(len(p.Over), number(len(p.Over))+" ended")
	open := len(p.Open)
	for _, i := range p.Opened {
		if i.State != alerts.Resolved {
			open++
		}
	}
	add(open, number(open)+" open now")
	s := "Nothing opened, nothing ended, nothing is open"
	switch {
	case p.unwatched():
		return "Nothing was watched in this time"
	case len(parts) > 0:
		s = strings.Join(parts, ", ")
		s = strings.ToUpper(s[:1]) + s[1:]
		if len(p.Opened) == 0 && len(p.Over) == 0 {
			s = "Nothing new; " + strings.Join(parts, ", ")
		}
	case p.Sight.Whole == 0:
		return "Cannot tell: no round was finished in this time"
	}
	refused := p.Mail.Refused + p.Mail.Deferred
	switch {
	case !p.Mail.Looked && refused == 0:
		s += "; mail is not counted here"
	case refused > 0:
		s += "; " + plural(refused, "mail", "mails") + " refused or deferred"
	default:
		s += "; no refused mail is known"
	}
	return s
}

// unwatched says that there was no monitor in all of that time.
func (p Period) unwatched() bool { return !p.Watching.IsZero() && !p.Watching.Before(p.Until) }

// Review is the report written out, for channels, with the times of this terminal. The terminal shows the same.
func (p Period) Review(t Term) alerts.Review {
	v := alerts.Review{Since: p.Since, Until: p.Until, Title: p.Verdict(), Zone: t.local(p.Until).Format("MST")}
	if p.Pool != "" {
		v.Title = "Pool " + clean(p.Pool) + ": " + v.Title
	}
	for _, s := range []struct {
		title string
		lines []string
	}{
		{"Listings", p.listingLines()},
		{"New incidents, not over", p.incidentLines(t, slices.DeleteFunc(slices.Clone(p.Opened), func(i alerts.Incident) bool { return i.State == alerts.Resolved }))},
		{"Incidents that are over", p.incidentLines(t, p.Over)}, {"Open since before", p.incidentLines(t, p.Open)},
		{"What it cost", p.costLines(t)}, {"What was done", p.deedLines(t)}, {"What could not be known", p.sightLines(t)}, {"Quiet on purpose", p.quietLines()},
	} {
		for i, l := range s.lines { // an empty title leaves two blanks
			s.lines[i] = checks.Line(l, 0)
		}
		if len(s.lines) > 0 {
			v.Sections = append(v.Sections, alerts.ReviewSection{Title: s.title, Lines: s.lines})
		}
	}
	return v
}

func (p Period) listingLines() []string {
	switch {
	case p.NewLists+p.OverLists+p.Standing > 0:
	case p.unwatched():
		return nil
	case p.Sight.Whole == 0:
		return []string{"not known: no round was finished"}
	default:
		return []string{"none, as far as lists answered"}
	}
	all := []string{fmt.Sprintf("%s new, %s ended, %s not over", number(p.NewLists), number(p.OverLists), number(p.Standing))}
	switch {
	case p.Clear > 0 && p.OverLists == 1:
		all[0] += "; the one that ended had lasted " + span(p.Clear)
	case p.Clear > 0:
		all[0] += "; half of those that ended had lasted " + span(p.Clear) + " or less"
	}
	if p.Relapses > 0 {
		all[0] += "; " + plural(p.Relapses, "relapse", "relapses") + " within 30 days"
	}
	for _, l := range p.Lists {
		var parts []string
		if l.New > 0 {
			parts = append(parts, number(l.New)+" new")
		}
		if l.Ended > 0 {
			parts = append(parts, number(l.Ended)+" ended")
			if l.Clear > 0 {
				parts[len(parts)-1] += " after " + span(l.Clear)
				if l.Ended > 1 {
					parts[len(parts)-1] += " (median)"
				}
			}
		}
		if l.Open > 0 {
			parts = append(parts, number(l.Open)+" not over, "+span(l.Longest)+" at most")
		}
		if l.Relapses > 0 {
			parts = append(parts, plural(l.Relapses, "relapse", "relapses"))
		}
		s := clean(l.Name) + ": " + strings.Join(parts, ", ")
		if len(l.Targets) > 0 {
			s += " (" + someOf(lines(l.Targets), mostListed, l.Of) + ")"
		}
		if l.Minor {
			s += ", for information"
		}
		all = append(all, s)
	}
	return all
}

func (p Period) incidentLines(t Term, incidents []alerts.Incident) []string {
	var all []string
	for _, i := range incidents {
		word, _ := severityWord(i.Severity)
		s := fmt.Sprintf("#%d %s (%s, %s", i.ID, clean(i.Title), word, t.clock(i.Opened, p.Until))
		switch {
		case i.State == alerts.Resolved:
			s += " to " + t.clock(i.Resolved, p.Until) + ", " + span(i.Resolved.Sub(i.Opened))
		default:
			s += ", open for " + span(p.Until.Sub(i.Opened))
			if by := checks.Line(i.AckedBy, 60); by != "" {
				s += ", taken by " + by
			} else if i.State != alerts.Silenced {
				s += ", taken by nobody"
			}
		}
		if i.Relapses > 0 {
			s += ", " + plural(i.Relapses, "relapse", "relapses")
		}
		s += ")"
		if i.CostsMail() && i.Severity != checks.Informational {
			s += ": " + t.Cost(i.Impact, p.Until)
		}
		all = append(all, s)
	}
	return all
}

// sharePart is " (3.4 %)", of enough mails to say so.
func sharePart(part, whole int) string {
	if whole < checks.MinMails || part > whole {
		return ""
	}
	return fmt.Sprintf(" (%.1f %%)", 100*float64(part)/float64(whole))
}

func (m PeriodMail) refused() int { return m.Refused + m.Deferred }

// amount is "41 of 1,212 mails refused or deferred (3.4 %)".
func amount(refused, delivered int, counted bool) string {
	if !counted {
		return plural(refused, "mail", "mails") + " refused or deferred"
	}
	return number(refused) + " of " + plural(refused+delivered, "mail", "mails") + " refused or deferred" + sharePart(refused, refused+delivered)
}

func (p Period) costLines(t Term) []string {
	length := span(p.Until.Sub(p.Since))
	if p.unwatched() {
		return nil
	}
	if !p.Mail.Looked && p.Mail.refused() == 0 {
		return []string{"mail is not counted here: no log, mailbox or spool is read, so what listings cost is not known"}
	}
	first := amount(p.Mail.refused(), p.Mail.Delivered, p.Mail.Counted) + " for reputation"
	if p.Mail.refused() == 0 {
		first = "no refusal is known"
		if p.Mail.Counted {
			first += ", of " + plural(p.Mail.Delivered, "mail", "mails") + " delivered"
		}
	}
	switch {
	case !p.Compared:
		first += "; the " + length + " before were not watched"
	case p.Before.refused() == 0:
		first += "; none in the " + length + " before"
	default:
		first += "; in the " + length + " before, " + amount(p.Before.refused(), p.Before.Delivered, p.Before.Counted)
	}
	all := []string{first}
	if hour := p.Since.Truncate(time.Hour); p.Mail.Counted && hour.Before(p.Since) && p.Until.Sub(p.Since) < 24*time.Hour {
		all = append(all, "deliveries are counted by the hour, here those from "+t.clock(hour, p.Until)+" on")
	}
	if !p.Mail.Counted {
		all = append(all, "deliveries are not counted, so no share is given: a mail log would tell them")
	}
	if p.Mail.Counted && !p.Mail.Apart && len(p.Mail.Refusers) > 0 {
		all = append(all, "what each receiver took is not kept for so long ([retention] receivers), so only all together have a share")
	}
	before := map[string]PeriodRefuser{}
	for _, r := range p.Before.Refusers {
		before[r.Name] = r
	}
	for _, r := range p.Mail.Refusers {
		s := clean(r.Name)
		if s == "" {
			s = "not known who"
		}
		if r.Domains > 1 {
			s += " (" + number(r.Domains) + " domains)"
		}
		s += ": " + amount(r.Refused+r.Deferred, r.Delivered, p.Mail.Counted && p.Mail.Apart)
		if p.Compared {
			b := before[r.Name]
			s += ", " + number(b.Refused+b.Deferred) + " before"
		}
		all = append(all, s)
		delete(before, r.Name)
	}
	var gone []string
	for _, r := range p.Before.Refusers { // in their order
		if _, ok := before[r.Name]; ok && r.Name != "" {
			gone = append(gone, clean(r.Name))
		}
	}
	if len(gone) > 0 {
		all = append(all, "not any more: "+some(gone, 5))
	}
	return all
}

func (p Period) deedLines(t Term) []string {
	if len(p.Deeds) == 0 {
		if len(p.Opened)+len(p.Over)+len(p.Open) == 0 {
			return nil
		}
		return []string{"nobody wrote anything down"}
	}
	var all []string
	for _, d := range slices.Backward(p.Deeds) { // the latest first
		s := t.clock(d.At, p.Until) + " " + checks.Line(d.What, 60) + " by " + checks.Line(d.Who, 60) + fmt.Sprintf(", #%d ", d.Incident) + checks.Line(d.Title, 120)
		if note := checks.Line(d.Note, 200); note != "" {
			s += ": " + note
		}
		all = append(all, s)
	}
	return all
}

func (p Period) sightLines(t Term) []string {
	var all []string
	if !p.Watching.IsZero() {
		if p.unwatched() {
			return []string{"anything: nothing is stored of this time"}
		}
		all = append(all, "anything before "+t.clock(p.Watching, p.Until)+", when this monitor began to watch")
	}
	if n := p.Sight.Rounds - p.Sight.Whole; n > 0 {
		all = append(all, number(n)+" of "+plural(p.Sight.Rounds, "round", "rounds")+" could not be done to the end")
	}
	for _, g := range p.Sight.Gaps {
		all = append(all, "no round was finished from "+t.clock(g.From, p.Until)+" to "+t.clock(g.Until, p.Until)+", "+span(g.Until.Sub(g.From)))
	}
	for _, b := range p.Sight.Parts {
		s := b.Code.Title() + " (" + checks.Line(b.Name, 80) + "): "
		if b.Now {
			s += "for " + span(b.For) + ", and is so now"
		} else {
			s += span(b.For) + " in all"
		}
		all = append(all, s)
	}
	for _, u := range p.Sight.Lists {
		all = append(all, clean(u.Name)+": no usable answer in "+number(u.Rounds)+" of "+plural(p.Sight.Rounds, "round", "rounds")+" ("+checks.Line(string(u.Verdict), 40)+")")
	}
	if len(all) == 0 {
		return []string{fmt.Sprintf("nothing: every round was done to the end (%s), and every list answered", number(p.Sight.Rounds))}
	}
	return all
}

func (p Period) quietLines() []string {
	var all []string
	for _, n := range p.Quiet {
		s := clean(n.Text)
		if n.Incident > 0 {
			s = fmt.Sprintf("#%d ", n.Incident) + s
		} else if n.Label != "" {
			s = clean(n.Label) + ": " + s
		}
		all = append(all, s)
	}
	return all
}

// mostPeriodLines is how many lines of one subject a terminal shows; json has all.
const mostPeriodLines = 30

// Write renders the report as text or JSON.
func (p Period) Write(w io.Writer, t Term, f Format) error {
	if f == JSON {
		return writeJSON(w, periodOf(p, t))
	}
	out, v := &page{Term: t}, p.Review(t)
	out.para(0, "", plain, v.Title+".", strong)
	out.para(0, "", plain, fmt.Sprintf("%s to %s, %s.", t.minute(p.Since), t.minute(p.Until), span(p.Until.Sub(p.Since))), faint)
	for _, s := range v.Sections {
		out.heading(s.Title)
		for _, l := range s.Lines[:min(len(s.Lines), mostPeriodLines)] {
			out.para(2, "- ", faint, l, plain)
		}
		if rest := len(s.Lines) - mostPeriodLines; rest > 0 {
			out.para(2, "", plain, fmt.Sprintf("and %s more: --format json has all", number(rest)), faint)
		}
	}
	return out.writeTo(w)
}

// minute is a local time with its zone, to the minute.
func (t Term) minute(at time.Time) string { return t.local(at).Format("Mon 2 Jan 2006 15:04 MST") }
