package alerts

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"reputed/checks"
)

// An incident that opens and ends more than FlapTurns times, both counted, within
// FlapWindow is flapping: it is told once more, held open, and ends when it has been
// clean for as long as FlapWindow.
const (
	FlapWindow = 24 * time.Hour
	FlapTurns  = 3
)

// turn notes that an incident has opened or come clean, and says whether it is, or has
// just become, one that flaps.
func (inc *Incident) turn(now time.Time) bool {
	// A turn in the future is that of a clock which was wrong.
	recent := slices.DeleteFunc(slices.Clone(inc.Turns), func(t time.Time) bool { return now.Sub(t).Abs() >= FlapWindow })
	inc.Turns = append(recent, now)
	// More of them say nothing that these do not, and each is stored.
	if keep := 4 * FlapTurns; len(inc.Turns) > keep {
		inc.Turns = inc.Turns[len(inc.Turns)-keep:]
	}
	return !inc.Flapping.IsZero() || len(inc.Turns) > FlapTurns
}

// calm says whether an incident that flaps has not turned for long enough.
func (inc *Incident) calm(now time.Time) bool {
	return len(inc.Turns) == 0 || now.Sub(inc.Turns[len(inc.Turns)-1]).Abs() >= FlapWindow
}

// flapping is why something is not told of an incident that flaps.
func (inc *Incident) flapping() string {
	return fmt.Sprintf("flapping since %s: told once, held until it has been clean for %d h", inc.Flapping.UTC().Format(time.RFC3339), int(FlapWindow.Hours()))
}

// Unreliable are the sources that make incidents flap, with the incident's id: what they
// say changes faster than anybody can act on it, so here they are not to be relied on.
func Unreliable(incidents []Incident) map[string]int64 {
	at := map[string]int64{}
	for _, inc := range incidents {
		if inc.Flapping.IsZero() || inc.State == Resolved {
			continue
		}
		sources := map[string]bool{}
		for _, m := range inc.Members {
			if m.Finding.Code != checks.CodeRefused && m.Finding.Key.Source != "" {
				sources[m.Finding.Key.Source] = true
			}
		}
		if len(sources) == 1 { // of several, nobody knows which it is
			at[slices.Collect(maps.Keys(sources))[0]] = inc.ID
		}
	}
	return at
}
