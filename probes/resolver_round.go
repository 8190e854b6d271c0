package probes

import (
	"context"
	"errors"
	"sync"
	"time"
)

// heldAtMost is how many drawn questions are held because their groups are full, before no
// more are drawn. It lets a slow operator lag behind the others without keeping all of its
// questions in memory.
const heldAtMost = 4096

// manyInFlight is from how many questions in flight on packets gather before they are handled.
const manyInFlight = 32

// errNobodyToWaitFor: a sequence waits for an answer, and nothing is in flight.
var errNobodyToWaitFor = errors.New("the sequence of questions waits for an answer, and none is to come")

// round is one call of [Resolver.Ask]. Everything in it happens on the caller's goroutine,
// one thing after the other, so that it needs no locks: drawing and sending questions,
// reading what came, noticing what did not come. The readers of sockets and the questions
// over TCP have goroutines of their own, which only put what came into the inbox.
type round struct {
	*Resolver
	ctx context.Context
	got func(Question, Answer, error)

	in      *inbox
	batch   batch
	lanes   map[*server]*lane
	sockets []*socket // of all lanes
	dirty   []*socket // with packets to send
	groups  map[groupKey]*group
	last    *group // of the last question drawn

	flying []*flight // all that are in flight
	free   []*flight // to be reused
	due    deadlines
	window window
	share  int           // how many may be in flight whatever other calls have
	trip   time.Duration // smoothed round trip, over all groups
	full   []*group      // groups that hold questions
	held   int           // questions that they hold
	told   int           // questions that have ended

	now     time.Time
	timer   *time.Timer
	cancel  context.CancelFunc
	streams sync.WaitGroup
	queue   []*flight // to be asked over TCP once a stream has ended
	busy    int       // streams
}

func newRound(ctx context.Context, r *Resolver, got func(Question, Answer, error)) *round {
	ro := &round{Resolver: r, got: got, in: newInbox(), groups: map[groupKey]*group{}, lanes: map[*server]*lane{}, now: time.Now(), timer: time.NewTimer(time.Hour)}
	ro.ctx, ro.cancel = context.WithCancel(ctx)
	ro.window = newWindow(r.limit, ro.now)
	ro.share = max(1, min(r.limit/8, leastWindow))
	return ro
}

// close ends all goroutines of the round. It runs also when the caller's code panics.
func (ro *round) close() {
	ro.Resolver.flying.Add(-int64(len(ro.flying)))
	ro.cancel()
	ro.timer.Stop()
	for _, s := range ro.sockets {
		_ = s.way.Close()
	}
	ro.streams.Wait()
}

// put takes a question that was drawn, and returns when there is room for the next one. It
// is false when no more are wanted.
func (ro *round) put(q Question) bool {
	ro.now = time.Now()
	if q == (Question{}) {
		if len(ro.flying)+ro.held == 0 {
			return false
		}
		for told := ro.told; told == ro.told; {
			if !ro.turn() {
				return false
			}
		}
		return true
	}
	g := ro.group(q)
	if ok, _ := g.room(ro.now); g.broken || ok && g.waiting() == 0 {
		ro.start(q, g)
	} else {
		if g.waiting() == 0 {
			ro.full = append(ro.full, g)
		}
		g.hold(q)
		ro.held++
	}
	for !ro.room() || ro.held >= heldAtMost {
		if !ro.turn() {
			return false
		}
	}
	return ro.ctx.Err() == nil
}

// room says whether one more question may be in flight.
func (ro *round) room() bool {
	n := len(ro.flying)
	return ro.window.room(n) && (n < ro.share || ro.Resolver.flying.Load() < int64(ro.limit))
}

// drain waits until every question that was drawn has ended.
func (ro *round) drain() {
	for len(ro.flying)+ro.held > 0 && ro.turn() {
	}
}

// abandon ends all questions that are left with the context's error.
func (ro *round) abandon(err error) {
	for len(ro.flying) > 0 {
		f := ro.flying[len(ro.flying)-1]
		ro.fail(f, &AskError{Err: err})
	}
	for _, g := range ro.full {
		for g.waiting() > 0 {
			ro.held--
			q := g.release()
			ro.tell(q, Answer{}, &AskError{Question: q, Err: err}, ro.now)
		}
	}
	ro.full = nil
}

// turn waits until something happens, and handles it. It is false when the context has ended.
func (ro *round) turn() bool {
	told := ro.told
	ro.flush()
	ro.gather()
	came := ro.receive()
	// If sending failed, that has ended questions, and there may be nothing to wait for.
	if !came && told == ro.told {
		ro.sleep()
		ro.receive()
	}
	if ro.ctx.Err() != nil {
		return false
	}
	ro.expire()
	ro.forsake()
	ro.window.step(ro.now)
	ro.startHeld()
	return true
}

// gather sleeps a little while packets gather, if many are in flight: waking up for each few
// packets costs more than everything else that is done with them.
func (ro *round) gather() {
	if wait := min(ro.trip/gatherPart, gatherMost); ro.nap != nil && wait > 0 && len(ro.flying) >= manyInFlight {
		ro.nap(wait)
	}
}

// receive handles what has come, and is false if nothing has. The round's clock is set when
// it begins, so that nothing counts as lost only because the caller, who is told of each
// answer, is busy.
func (ro *round) receive() (came bool) {
	ro.now = time.Now()
	for i := 0; ro.nap != nil && i < len(ro.sockets); i++ { // there may be more of them meanwhile
		came = ro.receiveOn(ro.sockets[i]) || came
	}
	ro.batch = ro.in.take(ro.batch)
	if ro.ctx.Err() != nil {
		return false // that has ended the streams, which is no answer
	}
	begin := 0
	for i := range ro.batch.letters {
		came = true
		l := &ro.batch.letters[i]
		switch {
		case l.stream != nil:
			ro.streamed(l.stream)
		case l.err != nil:
			ro.socketFailed(l.socket, l.err)
		default:
			ro.packet(l.socket, ro.batch.bytes[begin:l.end])
		}
		begin = l.end
	}
	clear(ro.batch.letters) // they hold streams
	return came
}

// receiveOn handles what has come on one socket, but no more packets than are in flight
// there: then it is the next one's turn, whoever floods this one.
func (ro *round) receiveOn(s *socket) (came bool) {
	for range inFlightPerSocket/batchPackets + 1 {
		if len(s.byID) == 0 || s.failed {
			break
		}
		packets, err := s.way.Receive()
		if err != nil {
			ro.socketFailed(s, err)
			return true
		}
		for _, p := range packets {
			ro.packet(s, p)
			came = true
		}
		if len(packets) < batchPackets {
			break
		}
	}
	return came
}

// sleep waits for a packet, for the next deadline or turn of a pace, or for the context.
func (ro *round) sleep() {
	next, ok := ro.due.next()
	for _, g := range ro.full {
		switch free, ready := g.room(ro.now); {
		case free && ro.room():
			return // it can be started at once
		case !free && !ready.IsZero() && (!ok || ready.Before(next)):
			next, ok = ready, true
		}
	}
	for _, s := range ro.sockets {
		if len(s.byID) > 0 && !s.failed {
			s.way.Await()
		}
	}
	wait := time.Hour // for a question over TCP, which has a deadline of its own
	if ok {
		wait = max(0, time.Until(next))
	}
	ro.timer.Reset(wait)
	select {
	case <-ro.in.wake:
	case <-ro.timer.C:
	case <-ro.ctx.Done():
	}
	ro.timer.Stop()
}

// startHeld starts held questions for which there is room now. The groups take turns at
// being first.
func (ro *round) startHeld() {
	if ro.held == 0 {
		return
	}
	kept := ro.full[:0]
	for _, g := range ro.full {
		for g.waiting() > 0 {
			ok, _ := g.room(ro.now)
			if !g.broken && !(ok && ro.room()) {
				break
			}
			ro.held--
			ro.start(g.release(), g)
		}
		if g.waiting() > 0 {
			kept = append(kept, g)
		}
	}
	clear(ro.full[len(kept):])
	ro.full = kept
	if len(kept) > 1 {
		first := kept[0]
		copy(kept, kept[1:])
		kept[len(kept)-1] = first
	}
}

// group returns the group of a question. Forwarders are not the operator's servers, and have
// a group of their own at the same pace: that one of the two is silent says nothing about the
// other.
func (ro *round) group(q Question) *group {
	key := groupKey{key: q.Group}
	if q.At != nil && q.At.forwards {
		key.at = q.At
	}
	if ro.last != nil && ro.last.groupKey == key {
		return ro.last
	}
	g := ro.groups[key]
	if g == nil {
		g = &group{groupKey: key, limit: groupInFlight, pace: ro.paces[q.Group]}
		if q.Group == "" {
			g.limit = 0
		}
		if key.at != nil && key.at.free {
			g.pace = nil
		}
		ro.groups[key] = g
	}
	ro.last = g
	return g
}
