package view

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/store"
)

// suspicions keeps who was suspected, by incident: the status of every page names them, and the page of an
// incident once more.
type suspicions struct {
	mu sync.Mutex
	of map[int64]keptSuspicion
}

type keptSuspicion struct {
	bounce.Suspicion
	onset, at time.Time
	targets   []string
}

// SuspicionKept is how old a suspicion may be that is shown again: it is about the hours before an
// incident, and changes only as long as those are still being read.
const SuspicionKept = time.Minute

// Suspicion is [Suspicion], worked out once a minute.
func (v *View) Suspicion(ctx context.Context, inc alerts.Incident, now time.Time) (bounce.Suspicion, error) {
	v.suspects.mu.Lock()
	defer v.suspects.mu.Unlock()
	targets, _ := mailTargets(inc)
	if had, ok := v.suspects.of[inc.ID]; ok && had.onset.Equal(onset(inc)) && slices.Equal(had.targets, targets) && now.Sub(had.at).Abs() < SuspicionKept {
		return had.Suspicion, nil
	}
	s, err := Suspicion(ctx, v.db, inc)
	if err != nil {
		return s, err
	}
	maps.DeleteFunc(v.suspects.of, func(_ int64, x keptSuspicion) bool { return now.Sub(x.at).Abs() >= SuspicionKept })
	if v.suspects.of == nil {
		v.suspects.of = map[int64]keptSuspicion{}
	}
	v.suspects.of[inc.ID] = keptSuspicion{s, onset(inc), now, targets}
	return s, nil
}

// onset is when the trouble began, as far as is known.
func onset(inc alerts.Incident) time.Time {
	if since := inc.Impact.Since; !since.IsZero() && since.Before(inc.Opened) {
		return since
	}
	return inc.Opened
}

// Suspicion is who may be behind an incident, as far as logs and reports tell.
func Suspicion(ctx context.Context, db *store.DB, inc alerts.Incident) (bounce.Suspicion, error) {
	targets, mail := mailTargets(inc)
	onset := onset(inc)
	if !mail || inc.Opened.IsZero() {
		return bounce.Suspicion{}, nil
	}
	hours, err := db.Senders(ctx, targets, onset.Add(-bounce.SuspectBefore-bounce.SuspectUsual), onset.Add(2*time.Hour))
	if err != nil {
		return bounce.Suspicion{}, err
	}
	return bounce.Suspects(hours, onset), nil
}

// mailTargets are the addresses of ours that an incident is about, of its worst MostMembers findings: a network that
// is listed as a whole has 65,536, most of which send nothing, and a status has no more of them. If it is
// about domains alone there are none, and all that was sent is looked at. False: it is not about mail.
func mailTargets(inc alerts.Incident) (ids []string, mail bool) {
	seen := map[string]bool{}
	for _, m := range inc.Members[:min(MostMembers, len(inc.Members))] {
		t := m.Finding.Target
		mail = mail || t.Kind == checks.KindAddress || t.Kind == checks.KindDomain
		if id := t.ID(); t.Kind == checks.KindAddress && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, mail
}
