package reputation

import (
	"strings"
	"time"

	"reputed/checks"
)

// Source is one that rates senders, and when what it says is worth telling. The zero
// values of the thresholds tell nothing.
type Source struct {
	ID       string // stable: id of a score, "snds", "google-spam-rate", "talos"
	Title    string // for people: "Validity Sender Score"
	Operator string

	// Higher says that a higher number is better; without it a lower one is.
	Higher bool
	// Below is the number on whose wrong side a reading is worth telling, Drop how much
	// worse than the best of the last [Window] is; both count where Numbered is set.
	Below, Drop float64
	HasBelow    bool
	// Worst and Best are the ends of the scale of the numbers; both 0: it has none, or no numbers. Marks are
	// numbers on it that mean something besides Below. Both are for drawing alone.
	Worst, Best float64
	Marks       []Mark
	// Allow says that an entry is praise and none is normal: only its loss is told.
	Allow bool
	// Poor and Bad are the severities of readings of these levels; empty: not told for the
	// level alone. Fallen is that of a fall, a loss and a number beyond Below.
	Poor, Bad, Fallen checks.Severity

	Code    checks.Code   // of a poor or bad reading; empty: [checks.CodePoor]
	Confirm int           // readings in a row that must agree before it is told; 0 means one
	Settle  time.Duration // as in [checks.Finding]: how long an answer may be a cached one
	Stale   time.Duration // a reading that is older says nothing any more; 0 means 7 days

	Page       string // where a person looks the target up, with {ip}, {domain} or neither
	RemovalURL string // the same, where removal is asked
	Remedy     string // runbook of its own; may be empty
	Advice     string // how it is read, in a sentence
	Recorded   bool   // it has no interface: its readings are recorded by people
	Vendor     string // who refuses where it is used, in the words of the classification rules
}

// Mark is a number on a source's scale beyond which it is of a level.
type Mark struct {
	Number float64
	Level  Level
}

// Window is how far back a fall is looked for. A score that has been low for longer is
// not falling any more; whether it is too low is for the threshold.
const Window = 14 * 24 * time.Hour

// stale is how old the latest reading may be.
func (s Source) stale() time.Duration {
	if s.Stale > 0 {
		return s.Stale
	}
	return 7 * 24 * time.Hour
}

// worse is how much worse n is than best: above zero if it is.
func (s Source) worse(n, best float64) float64 {
	if s.Higher {
		return best - n
	}
	return n - best
}

// PageFor is the page for a target, or "" if there is none that may be shown.
func (s Source) PageFor(t checks.Target) string { return fillLink(s.Page, t) }

func fillLink(template string, t checks.Target) string {
	name := map[checks.Kind]string{checks.KindAddress: "{ip}", checks.KindDomain: "{domain}"}
	for kind, placeholder := range name {
		if strings.Contains(template, placeholder) && t.Kind != kind {
			return ""
		}
	}
	// The ids of addresses and domains hold nothing that a link would have to escape.
	return checks.Link(strings.NewReplacer("{ip}", t.String(), "{domain}", t.String()).Replace(template))
}
