package remedy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

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
	categories       []string // bounce categories
	general          bool     // its id in FactRemedy is a last resort: a runbook of the list named is better

	lookupURL, removalURL template // for facts and catalogue that have none
	whoAsk                template
	takes, takesElse      template
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
var aboutTarget = []checks.Code{checks.CodeListed, checks.CodeRefused}

// ofLists says whether it serves certain lists, and nothing else.
func (r runbook) ofLists() bool { return len(r.lists)+len(r.codesOf) > 0 }

// compile checks a runbook and parses what it holds.
func (raw rawRunbook) compile(fragments map[string][]rawStep) (runbook, error) {
	r := runbook{
		id: raw.ID, lists: raw.Lists, codesOf: raw.CodesOf, codes: raw.Codes, meanings: raw.Meanings,
		findings: raw.Findings, categories: raw.Categories, general: raw.General,
	}
	if r.ofLists() && len(r.findings) == 0 {
		r.findings = aboutTarget
	}
	switch {
	case raw.ID == "" || !plainWord(raw.ID):
		return r, errors.New("the id must be one plain word")
	case raw.Title == "":
		return r, errors.New("no title")
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
	for _, never := range raw.Never {
		r.never = append(r.never, p.parse("never", never, inText))
	}
	steps, err := spliced(raw.Steps, fragments)
	if err != nil {
		return r, err
	}
	for i, s := range steps {
		at := fmt.Sprintf("step %d: ", i+1)
		if strings.TrimSpace(s.Text) == "" {
			return r, errors.New(at + "empty")
		}
		for _, name := range s.Needs {
			if _, known := placeholders[name]; !known {
				return r, fmt.Errorf("%sunknown placeholder {%s} in needs", at, name)
			}
		}
		r.steps = append(r.steps, step{
			needs: s.Needs, text: p.parse(at+"text", s.Text, inText), els: p.parse(at+"else", s.Else, inText),
			url: p.parse(at+"url", s.URL, inURL), command: p.parse(at+"command", s.Command, inCommand),
		})
	}
	if len(r.steps) == 0 {
		return r, errors.New("no steps")
	}
	return r, p.err
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
