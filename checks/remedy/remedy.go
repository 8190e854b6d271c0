package remedy

import (
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// For gives what to do about a finding. zone looks a list up in the catalogue by its id;
// it may be nil.
//
// The runbook is chosen by the classification rule (it stands for one code of one
// provider), by the fact "remedy" (which a rule names), by the list named, with its return
// codes, by the vendor that refused, by the bounce category, then by the finding's code. A finding of a code that needs no doing
// (clean, accepted, well again) gives the zero Remediation.
//
// A step whose text needs a fact that is not known is left out, or says its
// "else"; a link or command that needs one is left off.
func (b *Book) For(f checks.Finding, zone func(id string) (blocklists.Zone, bool)) checks.Remediation {
	r, ok := b.choose(f)
	if !ok {
		return checks.Remediation{}
	}
	return r.about(f, zone)
}

// about writes the runbook out for a finding.
func (r runbook) about(f checks.Finding, zone func(id string) (blocklists.Zone, bool)) checks.Remediation {
	var z blocklists.Zone
	if id := listID(f); id != "" && zone != nil {
		z, _ = zone(id)
	}
	return r.fill(f, values(f, z))
}

// ForAll gives what to do about several findings, in their order; a runbook that
// several call for stands once for each list, filled in for the first of them: a
// hundred addresses on one list have one way out.
func (b *Book) ForAll(findings []checks.Finding, zone func(id string) (blocklists.Zone, bool)) []checks.Remediation {
	type way struct{ runbook, list string }
	// All that choose looks at: of 65,536 addresses on one list it is the same.
	type cause struct {
		code                                              checks.Code
		list, remedy, rule, vendor, category, codes, says string
	}
	var all []checks.Remediation
	seen, asked := map[way]bool{}, map[cause]bool{}
	for _, f := range findings {
		c := cause{f.Code, listID(f), f.Facts[checks.FactRemedy], f.Facts[checks.FactRule], f.Facts[checks.FactVendor], f.Facts[checks.FactCategory], f.Facts[checks.FactCodes], f.Facts[checks.FactMeaning]}
		if asked[c] {
			continue
		}
		asked[c] = true
		r, ok := b.choose(f)
		w := way{r.id, listID(f)}
		if !ok || seen[w] {
			continue
		}
		seen[w] = true
		all = append(all, r.about(f, zone))
	}
	return all
}

// choose picks the runbook that fits best; the earlier one of equals.
func (b *Book) choose(f checks.Finding) (runbook, bool) {
	best, rank := runbook{}, 0
	for _, r := range b.runbooks {
		if n := r.fits(f); n > rank {
			best, rank = r, n
		}
	}
	return best, rank > 0
}

// fits says how well a runbook serves a finding; 0 is not at all.
func (r runbook) fits(f checks.Finding) int {
	named := f.Facts[checks.FactRemedy] == r.id
	switch {
	case slices.Contains(r.rules, f.Facts[checks.FactRule]):
		return 8
	case named && !r.general:
		return 7
	}
	list := listID(f)
	if list != "" && slices.Contains(r.findings, f.Code) {
		switch {
		case slices.Contains(r.codesOf, list) && r.saysCode(f):
			return 6
		case slices.Contains(r.lists, list):
			return 5
		}
	}
	refused := f.Code.Refusal() || f.Code == checks.CodeRamp
	switch {
	case refused && list == "" && slices.Contains(r.vendors, f.Facts[checks.FactVendor]) && slices.Contains(r.categories, f.Facts[checks.FactCategory]):
		return 4
	case named:
		return 3
	case r.narrow():
		return 0
	case f.Code.Refusal() && slices.Contains(r.categories, f.Facts[checks.FactCategory]):
		return 2
	case slices.Contains(r.findings, f.Code):
		return 1
	}
	return 0
}

// saysCode says whether a return code of the finding, or where it has none a word of
// their meaning, is one that this runbook is for.
func (r runbook) saysCode(f checks.Finding) bool {
	codes := strings.FieldsFunc(f.Facts[checks.FactCodes], func(c rune) bool { return c == ',' || c == ' ' })
	if len(codes) > 0 && len(r.codes) > 0 {
		return slices.ContainsFunc(codes, func(c string) bool { return slices.Contains(r.codes, c) })
	}
	words := strings.FieldsFunc(f.Facts[checks.FactMeaning], func(c rune) bool { return c < '0' || c > 'z' || c > '9' && c < 'A' })
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(r.meanings, w) })
}

// fill writes the runbook out with what is known.
func (r runbook) fill(f checks.Finding, v map[string]string) checks.Remediation {
	// The runbook's own pages come first: they are for this vendor and were
	// checked when they were written.
	for name, own := range map[string]template{checks.FactLookupURL: r.lookupURL, checks.FactRemovalURL: r.removalURL} {
		if url, ok := own.expand(v, inURL); ok && checks.Link(url) != "" {
			v[name] = url
		}
	}
	text := func(ts ...template) string {
		for _, t := range ts {
			if s, ok := t.expand(v, inText); ok {
				return s
			}
		}
		return ""
	}
	rem := checks.Remediation{ID: r.id, Title: text(r.title, r.titleElse), WhoAsk: text(r.whoAsk), Takes: text(r.takes, r.takesElse),
		Again: text(r.again), Promised: r.promised, CoolDown: r.coolDown}
	if rem.Title == "" {
		rem.Title = f.Code.Title()
	}
	for _, never := range r.never {
		if s := text(never); s != "" {
			rem.Never = append(rem.Never, s)
		}
	}
	for _, s := range r.steps {
		if slices.ContainsFunc(s.needs, func(name string) bool { return v[name] == "" }) {
			continue
		}
		out := checks.Step{Text: text(s.text, s.els)}
		if out.Text == "" {
			continue
		}
		if url, ok := s.url.expand(v, inURL); ok {
			out.URL = checks.Link(url)
		}
		if command, ok := s.command.expand(v, inCommand); ok {
			out.Command = command
		} else if announced, cut := strings.CutSuffix(out.Text, ":"); cut {
			out.Text = announced + "." // the command that it announces needs what is not known
		}
		rem.Steps = append(rem.Steps, out)
	}
	return rem
}
