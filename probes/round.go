package probes

import (
	"context"
	"errors"
	"sync"
	"time"
)

// heldAtMost is how many questions are drawn and held, because the groups that
// they belong to are full, before no more are drawn. It lets one slow operator lag
// behind the others without a place in memory for each of its questions.
const heldAtMost = 4096

// manyInFlight is from when on packets may gather before they are looked at.
const manyInFlight = 32

// errNobodyToWaitFor says that a sequence waits for an answer, and nothing is in flight.
var errNobodyToWaitFor = errors.New("the sequence of questions waits for an answer, and none is to come")

// round is one call of [Resolver.Ask]. Everything in it happens on the caller's
// goroutine, one thing after the other, so it needs no locks: drawing and sending
// questions, reading what came, noticing what did not come. Readers of sockets and
// questions over TCP run beside it and only put into the inbox.
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
	last    *group // the group of the last question drawn

	flying []*flight // all in flight
	free   []*flight // to be used again
	due    deadlines
	window window
	share  int           // of what may be in flight, whatever other calls have
	trip   time.Duration // smoothed, of all groups together
	full   []*group      // with questions held
	held   int           // questions
	told   int           // questions that have ended

	now     time.Time
	timer   *time.Timer
	cancel  context.CancelFunc
	streams sync.WaitGroup
	queue   []*flight // to be asked over TCP, once one of busy has ended
	busy    int
}

func newRound(ctx context.Context, r *Resolver, got func(Question, Answer, error)) *round {
	ro := &round{Resolver: r, got: got, in: newInbox(), groups: map[groupKey]*group{}, lanes: map[*server]*lane{}, now: time.Now(), timer: time.NewTimer(time.Hour)}
	ro.ctx, ro.cancel = context.WithCancel(ctx)
	ro.window = newWindow(r.limit, ro.now)
	ro.share = max(1, min(r.limit/8, leastWindow))
	return ro
}

// close ends everything that runs beside the round. It is also what is left to
// do when the caller's code panics.
func (ro *round) close() {
	ro.Resolver.flying.Add(-int64(len(ro.flying)))
	ro.cancel()
	ro.timer.Stop()
	for _, s := range ro.sockets {
		_ = s.way.Close()
	}
	ro.streams.Wait()
}

// put takes a question that was drawn, and returns when there is room for the
// next. It is false when no more are wanted.
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

// drain waits until all that was drawn has ended.
func (ro *round) drain() {
	for len(ro.flying)+ro.held > 0 && ro.turn() {
	}
}

// abandon ends what is left with the context's error.
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

// turn waits until something happens, and deals with it. It is false when the
// context has ended.
func (ro *round) turn() bool {
	told := ro.told
	ro.flush()
	ro.gather()
	came := ro.receive()
	// If sending failed, questions have ended by that, and there may be nothing to wait for.
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

// gather lets packets gather if many are in flight. Nobody is woken for them: to wake and to
// wait for one another, for each few packets, costs more than all else that is done with them.
func (ro *round) gather() {
	if wait := min(ro.trip/gatherPart, gatherMost); ro.nap != nil && wait > 0 && len(ro.flying) >= manyInFlight {
		ro.nap(wait)
	}
}

// receive deals with what has come, and is false if nothing has. The time is that at which
// it begins, so that nothing counts as lost only because the caller, who is told
// of it, is busy.
func (ro *round) receive() (came bool) {
	ro.now = time.Now()
	for i := 0; ro.nap != nil && i < len(ro.sockets); i++ { // there may be more of them meanwhile
		came = ro.receiveOn(ro.sockets[i]) || came
	}
	ro.batch = ro.in.take(ro.batch)
	if ro.ctx.Err() != nil {
		return false // streams ended by that, which is no answer
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

// receiveOn deals with what has come on one socket: no more than is in flight there,
// and then it is the next one's turn, whoever floods this one.
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

// sleep waits for a packet, for the next deadline or turn, or for the end.
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
	wait := time.Hour // for a question over TCP, which keeps its own time
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

// startHeld starts what was held and has room now. Groups take turns at being first.
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

// group is the group of a question. Without a key it is one without any limits.
// Forwarders are not the operator's servers, and have one of their own at the same pace:
// that one of the two is silent says nothing about the other.
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
