package probes

import "time"

// How many questions are in flight at once in one round. What is of use is the rate times the
// round trip, plus what waits for lost packets; what is possible ends where somebody's buffer
// is full. Neither is known beforehand, so the window finds it out.
const (
	// firstWindow is small enough that no default buffer ever overflows, and a local resolver
	// answers nearly as fast with it as it ever will.
	firstWindow = 128
	// leastWindow keeps a round alive on a path that loses more than shrinkAbove whatever we do.
	leastWindow = 32
	// plainWindow is where a recursive resolver gets no faster, and half of what a receive
	// buffer of 208 KiB, the usual default, holds. Only a long round trip needs more.
	plainWindow = 256
	// windowStep is longer than most round trips, so that the effect of a step shows in the next.
	windowStep = 100 * time.Millisecond
	// A few timeouts are lost packets and no sign of a full buffer: halving the window at each
	// one, as TCP does, would settle at 9 on a path that loses 2 %.
	growBelow   = 0.05
	growBy      = 1.25
	seekBy      = 1.5 // until the first step that was not below growBelow
	shrinkAbove = 0.10
	shrinkTo    = 0.7
	// leastSample is how many outcomes a step needs to be judged.
	leastSample = 10
)

// window finds out how many questions may be in flight.
type window struct {
	size float64
	most float64
	met  bool // it has met a bound of the path

	since    time.Time     // when the current step began
	answers  int           // in this step
	timeouts int           // likewise, of groups that answered lately
	fastest  time.Duration // round trip of this step
	full     bool          // the window was what held us back
}

func newWindow(most int, now time.Time) window {
	return window{size: min(firstWindow, float64(most)), most: float64(most), since: now}
}

func (w *window) room(inFlight int) bool {
	if inFlight < int(w.size) {
		return true
	}
	w.full = true
	return false
}

func (w *window) answered(rtt time.Duration) {
	w.answers++
	if w.fastest == 0 || rtt < w.fastest {
		w.fastest = rtt
	}
}

// timedOut counts a packet without an answer. It is not for groups that have not answered
// lately: their packets say something about the group, and nothing about the path.
func (w *window) timedOut() { w.timeouts++ }

// step ends a step when it has lasted long enough, and sizes the window by what happened in it.
func (w *window) step(now time.Time) {
	took := now.Sub(w.since)
	if took < windowStep {
		return
	}
	if n := w.answers + w.timeouts; n >= leastSample {
		lost, by := float64(w.timeouts)/float64(n), growBy
		if w.met = w.met || lost >= growBelow; !w.met {
			by = seekBy
		}
		switch {
		case lost > shrinkAbove:
			w.size = max(min(leastWindow, w.most), w.size*shrinkTo)
		case lost < growBelow && w.full:
			w.size = max(w.size, min(w.size*by, w.useful(took)))
		}
	}
	*w = window{size: w.size, most: w.most, met: w.met, since: now}
}

// useful is how far growing can help. By Little's law, the questions in flight are the rate
// times the round trip. The fastest answer of a step hardly stood in any queue, so that
// whatever is in flight beyond several times the rate times its round trip only queues.
func (w *window) useful(took time.Duration) float64 {
	const several = 4
	rate := float64(w.answers) / took.Seconds()
	return min(w.most, max(plainWindow, several*rate*w.fastest.Seconds()))
}
