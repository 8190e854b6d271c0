package blocklists

import (
	"errors"
	"net/netip"
	"strings"
)

// Rating is how one answer of a score reads.
type Rating struct {
	// Verdict is that of [Zone.Judge]: Refused, Unusable, or Clean if there is no entry, which is
	// neither a zero nor blame. Listed is what the operator itself calls bad.
	Verdict
	Number   int  // on the scale of the score
	Numbered bool // there is a Number
	Neutral  bool // with the class informational: neither good nor bad
}

// List returns the score as a list, so that it is asked ([Zone.QueryName], [Zone.QueryDomain])
// and answered like one. Its answers are not about listings.
func (s Score) List() Zone {
	z := Zone{
		ID: s.ID, Title: s.Title, Operator: s.Operator, Zone: s.Zone, KeyName: s.KeyName, Key: s.Key, Families: s.Families, Names: FullName,
		Decode: s.Decode, Codes: s.Codes, Refusals: s.Refusals, Controls: Controls{Clean4: s.Clean4},
		Limits: s.Limits, PerDay: s.PerDay, Registration: s.Registration, Website: s.Website,
	}
	if z.Decode == TXT {
		z.Decode = Any
	}
	return z
}

// WithKey returns the score with the key that its operator gave, like [Zone.WithKey].
func (s Score) WithKey(key string) (Score, error) {
	z, err := s.List().WithKey(key)
	s.Key = z.Key
	return s, err
}

// Rate reads the A records of one answer; none means that there is no entry. A refusal, or an
// answer that no working zone gives, is never a rating: a resolver over its limit gets refusal
// codes, or praise for everybody, which [Score].Clean4 reveals. Of several numbers the worst
// counts.
func (s Score) Rate(addrs []netip.Addr) Rating {
	z := s.List()
	r := Rating{Verdict: z.Judge(addrs)}
	switch r.Class {
	case Refused, Unusable, Clean:
		return r
	}
	r.Neutral = r.Class == Informational
	for _, addr := range addrs {
		b, ok := octets(addr)
		if !ok {
			continue
		}
		row, known := z.row(z.Codes, b)
		if !known {
			continue // shown, and neither good nor bad: only the operator knows
		}
		if row.Class == Informational && !row.Neutral {
			r.Neutral = false
		}
		if s.Octet == 0 {
			continue
		}
		if n := int(b[s.Octet-1]); !r.Numbered || s.better(r.Number, n) {
			r.Number, r.Numbered = n, true
		}
	}
	return r
}

// better says whether a is a better number than b.
func (s Score) better(a, b int) bool {
	if s.Best < s.Worst {
		return a < b
	}
	return a > b
}

// UserScore returns a score that the configuration defines. Only id, zone and codes are needed:
// by default it is about IPv4 addresses, its codes are exact, and it is asked.
func (s ScoreSpec) UserScore() (Score, error) {
	if s.Title == "" {
		s.Title = s.ID
	}
	if s.Operator == "" {
		s.Operator = s.ID
	}
	if s.Kind == "" {
		s.Kind = ScoreNumber
	}
	if len(s.Families) == 0 {
		s.Families = []Family{IPv4}
	}
	if s.Decode == "" {
		s.Decode = Exact
	}
	s.Default = true
	score, err := s.score("", "")
	if score.Kind == ScoreInfo {
		err = errors.Join(err, &fieldError{kind: "score", id: s.ID, field: "kind", text: "want score or allow: nothing is told of facts"})
	}
	score.Zone = strings.ToLower(score.Zone)
	return score, err
}
