package store

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"reputed/checks"
)

// storedFinding is what stays of a finding from one sighting to the next, as it is
// stored: all but its key and its times, which have columns of their own.
type storedFinding struct {
	Target   target            `json:"target"`
	Code     checks.Code       `json:"code"`
	Status   checks.Status     `json:"status"`
	Severity checks.Severity   `json:"severity,omitempty"`
	Summary  string            `json:"summary"`
	Facts    map[string]string `json:"facts,omitempty"`
	Evidence []evidence        `json:"evidence,omitempty"`
	Settle   time.Duration     `json:"settle,omitempty"` // nanoseconds
}

// findings are findings by the text they are stored as. To decode the 65,536 of a
// network takes a second, and the next tick reads the same texts. They are shared:
// nobody writes to their Facts.
type findings map[string]storedFinding

// target and evidence are those of package checks, with the names they are stored under.
type (
	target struct {
		Kind checks.Kind `json:"kind"`
		Addr netip.Addr  `json:"addr,omitzero"`
		Name string      `json:"name,omitempty"`
		Pool string      `json:"pool,omitempty"`
		Tags []string    `json:"tags,omitempty"`
	}
	evidence struct {
		Question string    `json:"question,omitempty"`
		Answer   string    `json:"answer,omitempty"`
		Reason   string    `json:"reason,omitempty"`
		Via      string    `json:"via,omitempty"`
		Controls string    `json:"controls,omitempty"`
		Proof    string    `json:"proof,omitempty"`
		Wire     string    `json:"wire,omitempty"` // not of a member: it differs each time
		At       time.Time `json:"at,omitzero"`    // not of a member: it has a column
	}
)

func contentOf(f checks.Finding) storedFinding {
	c := storedFinding{target(f.Target), f.Code, f.Status, f.Severity, f.Summary, f.Facts, storedEvidence(f.Evidence), f.Settle}
	for i := range c.Evidence {
		c.Evidence[i].At, c.Evidence[i].Wire = time.Time{}, ""
	}
	return c
}

// fill puts the content into f, with proved as the times of its evidence ([provedAt]).
func (c storedFinding) fill(f *checks.Finding, proved []int64) {
	f.Target, f.Code, f.Status, f.Severity, f.Summary, f.Facts, f.Settle = checks.Target(c.Target), c.Code, c.Status, c.Severity, c.Summary, c.Facts, c.Settle
	f.Evidence = readEvidence(c.Evidence)
	for i := range f.Evidence {
		switch {
		case proved == nil:
			f.Evidence[i].At = f.At
		case i < len(proved) && proved[i] != 0:
			f.Evidence[i].At = time.UnixMicro(proved[i]).UTC()
		}
	}
}

func storedEvidence(all []checks.Evidence) []evidence {
	to := make([]evidence, len(all))
	for i, e := range all {
		to[i] = evidence(e)
	}
	return to
}

func readEvidence(all []evidence) []checks.Evidence {
	if len(all) == 0 {
		return nil
	}
	to := make([]checks.Evidence, len(all))
	for i, e := range all {
		to[i] = checks.Evidence(e)
	}
	return to
}

// provedAt is when each piece of the evidence for f was had, in microseconds since
// 1970, 0 where that is not known. Nil: when the finding was, as mostly with the DNS.
func provedAt(f checks.Finding) []int64 {
	apart := func(e checks.Evidence) bool { return micros(e.At) != micros(f.At) }
	if !slices.ContainsFunc(f.Evidence, apart) {
		return nil
	}
	at := make([]int64, len(f.Evidence))
	for i, e := range f.Evidence {
		if !e.At.IsZero() {
			at[i] = e.At.UnixMicro()
		}
	}
	return at
}

// sameContent says whether two findings say the same, whenever it was.
func sameContent(a, b checks.Finding) bool {
	return a.Code == b.Code && a.Status == b.Status && a.Severity == b.Severity && a.Summary == b.Summary && a.Settle == b.Settle &&
		a.Target.Kind == b.Target.Kind && a.Target.Addr == b.Target.Addr && a.Target.Name == b.Target.Name && a.Target.Pool == b.Target.Pool &&
		slices.Equal(a.Target.Tags, b.Target.Tags) && maps.Equal(a.Facts, b.Facts) &&
		slices.EqualFunc(a.Evidence, b.Evidence, func(a, b checks.Evidence) bool {
			a.At, a.Wire, b.At, b.Wire = time.Time{}, "", time.Time{}, ""
			return a == b
		})
}
