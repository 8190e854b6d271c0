package view

import (
	"fmt"
	"strings"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/remedy"
)

// AskedAlready says why it is too soon to ask again.
func AskedAlready(last alerts.Asked) string {
	return fmt.Sprintf("%s was asked already, on %s by %s, and asking again before %s is held against you or does nothing",
		checks.Line(last.List, 80), last.At.Local().Format("2 Jan 15:04"), checks.Line(last.By, 60), last.At.Add(last.CoolDown).Local().Format("2 Jan 15:04"))
}

// Complete finds which question of the incident a request is about, and how long it takes as
// the runbook for it says. The list is named by its id, the name of who refuses, or what the
// runbook is called.
func Complete(r *alerts.Request, inc alerts.Incident, book *remedy.Book, zone func(string) (blocklists.Zone, bool)) checks.Remediation {
	named := strings.ToLower(strings.TrimSpace(r.List))
	f := checks.Finding{Code: checks.CodeListed, Facts: map[string]string{checks.FactList: named}}
	for _, m := range inc.Members { // worst first
		if m.Clear || m.Finding.Key.Check == alerts.CheckRequest || !about(m.Finding, named) {
			continue
		}
		f, r.Key, r.List = m.Finding, m.Finding.Key, m.Finding.Key.Source
		break
	}
	if _, known := zone(named); r.Key == (checks.Key{}) && !known {
		return checks.Remediation{} // neither a list nor anybody of this incident
	}
	rem := book.For(f, zone)
	r.Promised, r.CoolDown = rem.Promised, rem.CoolDown
	return rem
}

// about says whether a finding is what a person means by the name of a list or of who refuses.
func about(f checks.Finding, name string) bool {
	for _, s := range []string{f.Key.Source, f.Facts[checks.FactList], f.Facts[checks.FactListName], f.Facts[checks.FactVendor], f.Facts[checks.FactZone], f.Facts[checks.FactReceiver]} {
		if s != "" && strings.EqualFold(s, name) {
			return true
		}
	}
	return f.Key.Source != "" && strings.HasPrefix(f.Key.Source, name+"-") // "spamhaus" is "spamhaus-zen"
}
