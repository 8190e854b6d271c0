package report

import "reputed/checks"

// identityJSON is the checklist. Field names are a promise: docs/json.md.
type identityJSON struct {
	Schema       int                    `json:"schema"`
	At           *string                `json:"at"`
	Level        string                 `json:"level"`
	Summary      string                 `json:"summary"`
	Targets      []identityTargetJSON   `json:"targets"`
	Requirements []identityRequiresJSON `json:"requirements"`
	Changes      []identityChangeJSON   `json:"changes"`
	Questions    int                    `json:"questions"`
	Unanswered   int                    `json:"unanswered"`
}

type identityTargetJSON struct {
	Target string             `json:"target"`
	Kind   checks.Kind        `json:"kind"`
	Pool   string             `json:"pool"`
	Note   string             `json:"note"`
	Items  []identityItemJSON `json:"items"`
}

type identityItemJSON struct {
	Rule     string          `json:"rule"`
	Part     string          `json:"part"`
	State    string          `json:"state"`
	Severity checks.Severity `json:"severity"`
	Code     checks.Code     `json:"code"`
	Text     string          `json:"text"`
	Value    string          `json:"value"`
	Do       string          `json:"do"`
	Record   string          `json:"record"`
	More     []string        `json:"more"`
	Evidence []evidenceJSON  `json:"evidence"`
}

type identityRequiresJSON struct {
	Provider string `json:"provider"`
	ID       string `json:"id"`
	Who      string `json:"who"`
	Text     string `json:"text"`
	Verdict  string `json:"verdict"`
	Why      string `json:"why"`
	Source   string `json:"source"`
	Checked  string `json:"checked"`
}

type identityChangeJSON struct {
	Target string  `json:"target"`
	What   string  `json:"what"`
	Before string  `json:"before"`
	Now    string  `json:"now"`
	Since  *string `json:"since"`
	At     *string `json:"at"`
}

func (r Identity) json() identityJSON {
	line := func(s string) string { return checks.Line(s, 0) }
	out := identityJSON{Schema: 1, At: utc(r.Now), Level: r.Level().String(), Summary: r.sentence(), Targets: []identityTargetJSON{},
		Requirements: []identityRequiresJSON{}, Changes: changesOf(r.Changes), Questions: r.Questions, Unanswered: r.Unanswered}
	for _, t := range r.Targets {
		x := identityTargetJSON{Target: t.Target.ID(), Kind: t.Target.Kind, Pool: line(t.Target.Pool), Note: line(t.Note), Items: []identityItemJSON{}}
		for _, i := range t.Items {
			more := []string{}
			for _, m := range i.More {
				more = append(more, line(m))
			}
			x.Items = append(x.Items, identityItemJSON{i.Rule, line(i.Part), i.State, i.Severity, i.Code, line(i.Text), line(i.Value), line(i.Do), line(i.Record), more, evidenceOf(i.Evidence)})
		}
		out.Targets = append(out.Targets, x)
	}
	for _, q := range r.Requirements {
		out.Requirements = append(out.Requirements, identityRequiresJSON{q.Provider, q.ID, q.Who, line(q.Text), q.Verdict, line(q.Why), checks.Link(q.Source), q.Checked})
	}
	return out
}

func changesOf(all []IdentityChange) []identityChangeJSON {
	out := []identityChangeJSON{}
	for _, c := range all {
		out = append(out, identityChangeJSON{checks.Line(c.Target, 0), checks.Line(c.What, 0), checks.Line(c.Before, 0), checks.Line(c.Now, 0), utc(c.Since), utc(c.At)})
	}
	return out
}
