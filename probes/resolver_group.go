package probes

import "time"

const (
	// groupInFlight is how many questions of one group are in flight at most: if the group
	// goes silent, no more than these wait for it. At 20 ms it makes 1,600 questions a second.
	groupInFlight = 32
	// A group is given up when breakAfter packets in a row got no answer, over at least
	// breakSilence, while the same server answered others. On a path that loses a fifth of
	// its packets that happens by chance once in 10^14; a list whose server restarts is back
	// sooner.
	breakAfter   = 20
	breakSilence = time.Second
	// forsakeAfter is after how many packets a question to a group that has never answered
	// may be given up before its time; see forsake.
	forsakeAfter = 3
	// probeEvery is how often a group that was given up is asked a question all the same.
	probeEvery = time.Second
	// lately is for how long after an answer a group counts as one that answers.
	lately = 2 * time.Second
)

// When a packet is taken for lost.
const (
	// unknownWait is for a group that has not answered yet: a recursive resolver has to find
	// the name servers first.
	unknownWait = 400 * time.Millisecond
	// leastWait is well above any delay of a busy host (it is TCP_RTO_MIN of Linux): a packet
	// that is sent again too early is one too many for the list.
	leastWait = 200 * time.Millisecond
)

// groupKey identifies a group within a round.
type groupKey struct {
	key string
	at  *Servers // forwarders; else nil
}

// group is the questions of one round that share the limits of one operator. The questions
// without a group key are a group without limits.
type group struct {
	groupKey
	pace  *pace // nil: no limit is known
	limit int   // of questions in flight; 0: none

	inFlight int
	queue    []Question // drawn, and held until there is room; queue[head:] is left
	head     int

	rtt, spread time.Duration // smoothed, as SRTT and RTTVAR of RFC 6298 section 2
	answeredAt  time.Time     // zero: never
	timeouts    int           // packets in a row without an answer
	silentSince time.Time     // when the first of these was sent
	plain       bool          // its servers do not know EDNS
	broken      bool          // given up, but for a question now and then
	probedAt    time.Time     // when the last of these was let through
}

// room says whether one more question may be in flight now; if only the pace forbids it,
// next is when that changes.
func (g *group) room(now time.Time) (ok bool, next time.Time) {
	if g.limit > 0 && g.inFlight >= g.limit {
		return false, time.Time{}
	}
	next = g.pace.ready()
	return !now.Before(next), next
}

func (g *group) waiting() int { return len(g.queue) - g.head }

func (g *group) hold(q Question) { g.queue = append(g.queue, q) }

// release returns the question that has been held longest.
func (g *group) release() Question {
	q := g.queue[g.head]
	g.queue[g.head] = Question{}
	if g.head++; g.head == len(g.queue) {
		g.queue, g.head = g.queue[:0], 0
	} else if g.head >= 256 && g.head*2 > len(g.queue) {
		g.queue = append(g.queue[:0], g.queue[g.head:]...)
		g.head = 0
	}
	return q
}

// answered notes an answer of any kind. Sample is its round trip, or 0 where it is not known
// which of several packets was answered (RFC 6298 section 3).
func (g *group) answered(now time.Time, sample time.Duration) {
	g.answeredAt, g.timeouts, g.broken = now, 0, false
	switch {
	case sample <= 0:
	case g.rtt == 0:
		g.rtt, g.spread = sample, sample/2
	default:
		g.spread += ((g.rtt - sample).Abs() - g.spread) / 4
		g.rtt += (sample - g.rtt) / 8
	}
}

// timedOut notes a packet without an answer. Others is when the same server last answered
// anybody: if it has answered nobody either, it is not the group that is silent.
func (g *group) timedOut(now, sent, others time.Time) {
	if g.limit == 0 {
		return
	}
	if g.timeouts == 0 {
		g.silentSince = sent
	}
	g.timeouts++
	g.broken = g.broken || g.timeouts >= breakAfter && now.Sub(g.silentSince) >= breakSilence && others.After(g.silentSince)
}

// lively says whether the group has answered lately.
func (g *group) lively(now time.Time) bool {
	return !g.answeredAt.IsZero() && now.Sub(g.answeredAt) < lately
}

// givenUp says whether a question of the group is not to be asked now. Once every probeEvery
// it lets one through, which finds out whether the group is back.
func (g *group) givenUp(now time.Time) bool {
	if !g.broken {
		return false
	}
	if now.Sub(g.probedAt) >= probeEvery {
		g.probedAt = now
		return false
	}
	return true
}

// firstWait is how long to wait for an answer to the first packet of a question.
func (g *group) firstWait() time.Duration {
	if g.rtt == 0 {
		return unknownWait
	}
	return max(leastWait, g.rtt+4*g.spread) // RFC 6298 section 2.3
}

// waitFor is how long to wait for an answer to the nth of at most tries packets, where left
// is the time that the question still has: twice as long as for the packet before, but short
// enough that all tries fit; the last has all that is left.
func waitFor(first time.Duration, nth, tries int, left time.Duration) time.Duration {
	share := left / time.Duration(max(1, tries-nth+1))
	if nth >= tries {
		return max(left, time.Millisecond)
	}
	return max(min(first<<min(nth-1, 10), share), time.Millisecond)
}
