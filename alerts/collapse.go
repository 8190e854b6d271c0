package alerts

// Waiting is a notice in the outbox whose time has not come: held through quiet hours, or
// put off because its channel fails.
type Waiting struct {
	Kind  ChangeKind
	Tried bool // the channel may have told it, and only its answer was lost
}

// Collapse decides what becomes of the notices of one incident that still wait for a
// channel when there is another: all of them are dropped, and the new one is told as what
// the channel has not heard yet. Whoever comes back after a night or an outage reads how
// things stand, once, and no minutes of how they came to.
//
// As is "" where there is nothing left to tell: it began and ended while nobody was to hear.
func Collapse(waiting []Waiting, next ChangeKind) (as ChangeKind, why string) {
	if len(waiting) == 0 {
		return next, ""
	}
	opened, tried, worsened := false, false, false
	for _, w := range waiting {
		opened = opened || w.Kind == Opened
		worsened = worsened || w.Kind == Worsened
		tried = tried || w.Tried
	}
	why = "told together with what still waited for the channel"
	switch {
	case next == Ended && opened && !tried:
		return "", "it began and ended before the channel was told"
	case next == Ended:
		return Ended, why
	case opened:
		return Opened, why
	case worsened && next == Reminder:
		return Worsened, why
	}
	return next, why
}
