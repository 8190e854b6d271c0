package remedy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/checks"
)

// runbook is one runbook with its templates parsed.
type runbook struct {
	id               string
	title, titleElse template
	lists            []string // catalogue ids of lists of which it serves every entry
	codesOf          []string // of lists of which it serves entries with certain return codes:
	codes            []string // these,
	meanings         []string // or, where codes are not known, with these words in their meaning
	findings         []checks.Code
	categories       []string // bounce categories; of one with vendors: which of their refusals, empty: those in vendorCategories
	rules            []string // classification rules: the finest there is, a provider's own code
	vendors          []string // who refused, as rules call them
	general          bool     // its id in FactRemedy is a last resort: a runbook of the list named is better

	lookupURL, removalURL template // for facts and catalogue that have none
	whoAsk                template
	takes, takesElse      template
	again                 template
	promised, coolDown    time.Duration
	never                 []template
	steps                 []step
}

type step struct {
	text, els template
	needs     []string
	url       template
	command   template
}

// aboutTarget are the findings that a runbook of a list serves if it does not say
// otherwise: not those about the list itself.
var aboutTarget = []checks.Code{checks.CodeListed, checks.CodeRefused, checks.CodeShut}

// vendorCategories are the refusals of a vendor that its runbook serves if it does not
// say otherwise. How a single mail looks, is signed or is named has the same cure everywhere.
var vendorCategories = []string{"ip-reputation", "domain-reputation", "policy", "rate-limited", "blocklist"}

// ofLists says whether it serves certain lists.
func (r runbook) ofLists() bool { return len(r.lists)+len(r.codesOf) > 0 }

// narrow says whether it serves certain lists, vendors or rules, and nothing else.
func (r runbook) narrow() bool { return r.ofLists() || len(r.vendors)+len(r.rules) > 0 }

// compile checks a runbook and parses what it holds.
func (raw rawRunbook) compile(fragments map[string][]rawStep) (runbook, error) {
	r := runbook{
		id: raw.ID, lists: raw.Lists, codesOf: raw.CodesOf, codes: raw.Codes, meanings: raw.Meanings,
		findings: raw.Findings, categories: raw.Categories, general: raw.General,
		rules: raw.Rules, vendors: raw.Vendors,
	}
	if r.ofLists() && len(r.findings) == 0 {
		r.findings = aboutTarget
	}
	if len(r.vendors) > 0 && len(r.categories) == 0 {
		r.categories = vendorCategories
	}
	switch {
	case raw.ID == "" || !plainWord(raw.ID):
		return r, errors.New("the id must be one plain word")
	case raw.Title == "":
		return r, errors.New("no title")
	case len(raw.Again) > 0 && raw.Promised+raw.CoolDown == "":
		return r, errors.New("again goes with promised or cool_down")
	case (len(raw.CodesOf) > 0) != (len(raw.Codes)+len(raw.Meanings) > 0):
		return r, errors.New("codes_of goes with codes or meanings")
	}
	p := compiler{}
	r.title = p.parse("title", raw.Title, inText)
	r.titleElse = p.parse("title_else", raw.TitleElse, inText)
	r.lookupURL = p.parse("lookup_url", raw.LookupURL, inURL)
	r.removalURL = p.parse("removal_url", raw.RemovalURL, inURL)
	r.whoAsk = p.parse("who_asks", raw.WhoAsk, inText)
	r.takes = p.parse("takes", raw.Takes, inText)
	r.takesElse = p.parse("takes_else", raw.TakesElse, inText)
	r.again = p.parse("again", raw.Again, inText)
	r.promised = p.duration("promised", raw.Promised)
	r.coolDown = p.duration("cool_down", raw.CoolDown)
	if r.promised > 0 && r.coolDown == 0 {
		r.coolDown = max(r.promised, 24*time.Hour) // nobody likes the same form twice a day
	}
	for _, never := range raw.Never {
		r.never = append(r.never, p.parse("never", never, inText))
	}
	steps, err := spliced(raw.Steps, fragments)
	if err == nil {
		r.steps, err = p.steps(steps)
	}
	if err != nil {
		return r, err
	}
	return r, p.err
}

// steps parses the steps of a runbook, of which there must be one.
func (p *compiler) steps(all []rawStep) (out []step, err error) {
	for i, s := range all {
		at := fmt.Sprintf("step %d: ", i+1)
		if strings.TrimSpace(s.Text) == "" {
			return nil, errors.New(at + "empty")
		}
		for _, name := range s.Needs {
			if _, known := placeholders[name]; !known {
				return nil, fmt.Errorf("%sunknown placeholder {%s} in needs", at, name)
			}
		}
		out = append(out, step{
			needs: s.Needs, text: p.parse(at+"text", s.Text, inText), els: p.parse(at+"else", s.Else, inText),
			url: p.parse(at+"url", s.URL, inURL), command: p.parse(at+"command", s.Command, inCommand),
		})
	}
	if len(out) == 0 {
		return nil, errors.New("no steps")
	}
	return out, nil
}

// spliced puts the steps of fragments where they are used.
func spliced(steps []rawStep, fragments map[string][]rawStep) ([]rawStep, error) {
	var out []rawStep
	for i, s := range steps {
		if s.Use == "" {
			out = append(out, s)
			continue
		}
		used, ok := fragments[s.Use]
		switch {
		case !ok:
			return nil, fmt.Errorf("step %d: there is no fragment %q", i+1, s.Use)
		case s.Text+s.Else+s.URL+s.Command != "" || len(s.Needs) > 0:
			return nil, fmt.Errorf("step %d: a step that uses a fragment holds nothing else", i+1)
		case slices.ContainsFunc(used, func(s rawStep) bool { return s.Use != "" }):
			return nil, fmt.Errorf("step %d: fragment %q uses another fragment", i+1, s.Use)
		}
		out = append(out, used...)
	}
	return out, nil
}

// compiler parses one template after another and keeps the first error.
type compiler struct{ err error }

func (p *compiler) parse(what, s string, in context) template {
	t, err := parse(s, in)
	if err == nil && in == inURL && s != "" {
		err = checkURL(t)
	}
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("%s: %w", what, err)
	}
	return t
}

// duration reads "36h" or "2d"; "" is 0.
func (p *compiler) duration(what, s string) time.Duration {
	if s == "" {
		return 0
	}
	days, inDays := strings.CutSuffix(s, "d")
	if inDays {
		s = days + "h"
	}
	d, err := time.ParseDuration(s)
	if inDays {
		d *= 24
	}
	if (err != nil || d <= 0 || d > 60*24*time.Hour) && p.err == nil {
		p.err = fmt.Errorf("%s: %.20q: want hours or days, at most 60: \"36h\", \"2d\"", what, s)
	}
	return d
}

// checkURL wants https, and the host before any placeholder: a fact must not
// decide where a link leads.
func checkURL(t template) error {
	if len(t) == 1 && len(t[0].names) > 0 && placeholders[t[0].names[0]] == linkValue {
		return nil // from the catalogue, and checked when it is filled in
	}
	host, hasHost := strings.CutPrefix(t[0].text, "https://")
	switch {
	case !hasHost || checks.Link(t[0].text) == "":
		return fmt.Errorf("not an https link: %.60q", t[0].text)
	case len(t) > 1 && !strings.Contains(host, "/"):
		return fmt.Errorf("a placeholder in the host name of %.60q", t[0].text)
	}
	return nil
}
