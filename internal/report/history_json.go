package report

import (
	"time"

	"reputed/checks"
)

// historyJSON is `history --format json`. Field names are a promise: docs/json.md.
type historyJSON struct {
	Schema    int                  `json:"schema"`
	Text      string               `json:"text"`
	Target    string               `json:"target"`
	Source    string               `json:"source"`
	Since     *string              `json:"since"`
	At        *string              `json:"at"`
	More      bool                 `json:"more"`
	Dwells    []dwellJSON          `json:"questions"`
	Spells    []spellJSON          `json:"spells"`
	Changes   []turnJSON           `json:"changes"`
	Published []identityChangeJSON `json:"published"`
}

type dwellJSON struct {
	Target   string          `json:"target"`
	Check    string          `json:"check"`
	Source   string          `json:"source"`
	Severity checks.Severity `json:"severity"`
	Times    int             `json:"times"`
	Open     *string         `json:"open_since"`
	Last     *string         `json:"last_ended"`
	Sum      int             `json:"seconds"`
	Clear    *int            `json:"seconds_to_clear"`
	Longest  int             `json:"longest_seconds"`
	Relapses int             `json:"relapses"`
}

type spellJSON struct {
	Target   string          `json:"target"`
	Check    string          `json:"check"`
	Source   string          `json:"source"`
	Code     checks.Code     `json:"code"`
	Severity checks.Severity `json:"severity"`
	Began    *string         `json:"began"`
	Ended    *string         `json:"ended"`
	Seconds  int             `json:"seconds"`
	Relapse  bool            `json:"relapse"`
	Changes  int             `json:"changes"`
	Whole    bool            `json:"whole"`
	Summary  string          `json:"summary"`
}

type turnJSON struct {
	At       *string         `json:"at"`
	Target   string          `json:"target"`
	Check    string          `json:"check"`
	Source   string          `json:"source"`
	Before   checks.Status   `json:"before"`
	Status   checks.Status   `json:"status"`
	Code     checks.Code     `json:"code"`
	Severity checks.Severity `json:"severity"`
	Summary  string          `json:"summary"`
}

func historyOf(h History) historyJSON {
	out := historyJSON{Schema: 1, Text: h.Verdict(Term{}), Target: checks.Line(h.Target, 0), Source: checks.Line(h.Source, 0), Since: utc(h.Since), At: utc(h.Now), More: h.More,
		Dwells: []dwellJSON{}, Spells: []spellJSON{}, Changes: []turnJSON{}, Published: changesOf(h.Published)}
	for _, d := range Dwells(h.Spells, h.Since, h.Now) {
		j := dwellJSON{Target: checks.Line(d.Key.Target, 0), Check: d.Key.Check, Source: checks.Line(d.Key.Source, 0), Severity: d.Severity, Times: d.Spells,
			Open: utc(d.Open), Last: utc(d.Last), Sum: seconds(d.Sum), Longest: seconds(d.Longest), Relapses: d.Relapses}
		if d.Clear > 0 {
			n := seconds(d.Clear)
			j.Clear = &n
		}
		out.Dwells = append(out.Dwells, j)
	}
	for _, s := range h.Spells {
		out.Spells = append(out.Spells, spellOf(s, h.Now))
	}
	for _, t := range h.Turns {
		out.Changes = append(out.Changes, turnOf(t))
	}
	return out
}

func seconds(d time.Duration) int { return int(d / time.Second) }

func spellOf(s Spell, now time.Time) spellJSON {
	return spellJSON{checks.Line(s.Key.Target, 0), s.Key.Check, checks.Line(s.Key.Source, 0), s.Code, s.Severity,
		utc(s.Began), utc(s.Ended), seconds(s.Lasted(now)), s.Relapse, s.Changes, s.Opening, checks.Line(s.Summary, 0)}
}

func turnOf(t Turn) turnJSON {
	return turnJSON{utc(t.At), checks.Line(t.Key.Target, 0), t.Key.Check, checks.Line(t.Key.Source, 0), t.Before, t.Status, t.Code, t.Severity, checks.Line(t.Summary, 0)}
}
