package report

import "reputed/checks"

// pairJSON is `explain TARGET LIST --format json`. Field names are a promise: docs/json.md.
type pairJSON struct {
	Schema    int              `json:"schema"`
	At        *string          `json:"at"`
	Text      string           `json:"text"`
	Target    string           `json:"target"`
	List      string           `json:"list"`
	Zone      string           `json:"zone"`
	Verdict   string           `json:"verdict"`
	Severity  checks.Severity  `json:"severity"`
	State     string           `json:"state"`
	ExitCode  int              `json:"exit_code"`
	Watched   bool             `json:"watched"`
	Asked     bool             `json:"list_asked"`
	Trouble   string           `json:"trouble"`
	Status    checks.Status    `json:"status"`
	Since     *string          `json:"since"`
	Seen      *string          `json:"last_seen"`
	Unknown   *string          `json:"unknown_since"`
	Aside     string           `json:"no_usable_answer"`
	Incidents []int64          `json:"incidents"`
	Proofs    []proofJSON      `json:"answers"`
	Named     *proofJSON       `json:"named"`
	Now       []pathAnswerJSON `json:"asked_now"`
	AskedWhy  string           `json:"asked_because"`
	OnePath   string           `json:"one_path_because"`
	Spells    []spellJSON      `json:"spells"`
	Changes   []string         `json:"would_change"`
}

type proofJSON struct {
	At       *string           `json:"at"`
	Code     checks.Code       `json:"code"`
	Summary  string            `json:"summary"`
	Facts    map[string]string `json:"facts"`
	Evidence []evidenceJSON    `json:"evidence"`
}

type pathAnswerJSON struct {
	Path     string          `json:"path"`
	Verdict  string          `json:"verdict"`
	Severity checks.Severity `json:"severity"`
	Why      string          `json:"why"`
	Answer   proofJSON       `json:"answer"`
	Controls []controlJSON   `json:"controls"`
}

func pairOf(e Pair) pairJSON {
	out := pairJSON{Schema: 1, At: utc(e.Now), Text: e.Sentence(), Target: e.Target.ID(), List: e.List.ID, Zone: e.List.Zone, Verdict: string(e.Verdict()), Severity: e.severity(),
		State: e.Level().String(), ExitCode: int(e.Level()), Watched: e.Watched, Asked: e.Asked, Trouble: checks.Line(e.Trouble, 0), Status: e.Status, Since: utc(e.Since), Seen: utc(e.Seen),
		Unknown: utc(e.Unknown), Aside: checks.Line(e.Aside, 0), Incidents: append([]int64{}, e.Incidents...), Proofs: []proofJSON{}, Now: []pathAnswerJSON{}, AskedWhy: checks.Line(e.AskedWhy, 0), OnePath: checks.Line(e.OnePath, 0),
		Spells: []spellJSON{}, Changes: e.Changes()}
	for _, x := range e.Proofs {
		out.Proofs = append(out.Proofs, proofOf(x))
	}
	if e.Named != nil {
		x := proofOf(*e.Named)
		out.Named = &x
	}
	for _, a := range e.Paths {
		j := pathAnswerJSON{a.Path, string(a.Verdict), a.Severity, checks.Line(a.Why, 0), proofOf(a.Proof), controlsOf(a.Controls)}
		out.Now = append(out.Now, j)
	}
	for _, s := range Spells(e.Turns) {
		out.Spells = append(out.Spells, spellOf(s, e.Now))
	}
	return out
}

func proofOf(x Proof) proofJSON {
	facts := map[string]string{}
	for k, v := range x.Facts {
		facts[k] = checks.Line(v, 0)
	}
	return proofJSON{utc(x.At), x.Code, checks.Line(x.Summary, 0), facts, evidenceOf(x.Evidence)}
}
