package view

import (
	"context"
	"slices"
	"sync"
	"time"

	"reputed/checks"
	"reputed/internal/config"
)

// shownTargets are the targets that a view knows.
type shownTargets struct {
	all     checks.Targets // with their pools
	watched checks.Targets // of these, those that are surely watched
	// bare says that others may be watched, too: the configuration names none, as for a copy of a database that is
	// shown without it, or names that only the DNS can tell of.
	bare bool
}

// targets are those that the daemon watches, in its own process. Elsewhere they are those that the configuration names,
// and where that is not all there may be, those that the database knows besides.
func (v *View) targets(ctx context.Context) (t shownTargets, err error) {
	if v.Live != nil {
		if t.watched = v.Live(); !t.watched.Empty() {
			t.all = t.watched
			return t, nil
		}
	}
	if t.watched, err = v.Config.LocalTargets(); err != nil {
		return t, err
	}
	t.all = t.watched
	t.bare = t.watched.Empty() || slices.ContainsFunc(v.Config.Sources(), func(s config.Source) bool { return s.Kind != config.SourceFile })
	if !t.bare {
		return t, nil
	}
	v.known.mu.Lock() // whoever asks while they are read waits for the same ones
	defer v.known.mu.Unlock()
	if time.Since(v.known.at) < knownKept {
		return v.known.targets, nil
	}
	stored, err := v.db.KnownTargets(ctx)
	if err != nil {
		return t, err
	}
	if t.all, err = v.Config.LocalTargets(); err != nil { // one of its own, which can be added to
		return t, err
	}
	for _, x := range stored {
		if err := t.all.Add(x.ID(), x.Pool, x.Tags); err != nil {
			return t, err
		}
	}
	v.known.targets, v.known.at = t, time.Now()
	return t, nil
}

// knownKept is how old what the database knows of targets may be that is shown again. To read it goes through
// all that was ever a problem, and each page asks.
const knownKept = 30 * time.Second

// knownTargets keeps what the database knows of targets.
type knownTargets struct {
	mu      sync.Mutex
	targets shownTargets
	at      time.Time
}
