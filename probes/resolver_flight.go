package probes

import (
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/miekg/dns"
)

// flight is one question in flight. When it has ended it is reused for another question.
type flight struct {
	q     Question
	wire  wireQuestion
	group *group

	order    []*server // servers still to be tried, the next first
	socket   *socket   // where the answer is awaited; may be nil
	attempts int       // tries so far; see ResolverOptions.Tries
	started  time.Time
	sent     time.Time // when the last packet was
	deadline time.Time
	due      time.Time // when to send again or give up
	place    int       // in deadlines; -1: it is not there
	index    int       // in round.flying
	queued   bool      // due is when the pace lets it go, not when it has waited long enough
	plain    bool      // was repeated without EDNS
	overTCP  bool      // the answer did not fit into a packet
	failed   *AskError // the worst failure so far
}

// start puts a question in flight, or ends it at once.
func (ro *round) start(q Question, g *group) {
	if g.givenUp(ro.now) {
		ro.tell(q, Answer{}, &AskError{Question: q, Err: ErrTimeout}, ro.now)
		return
	}
	f := ro.newFlight()
	f.q, f.group, f.started = q, g, ro.now
	if err := f.wire.pack(q); err != nil {
		ro.free = append(ro.free, f)
		ro.tell(q, Answer{}, &AskError{Question: q, Err: err}, ro.now)
		return
	}
	if g.plain {
		f.wire.dropEDNS()
	}
	at := ro.servers
	if q.At != nil {
		at = q.At
		if !at.forwards {
			f.wire.dropRecursion()
		}
	}
	if f.order = at.order(f.order, ro.now, q.Avoid); len(f.order) == 0 {
		ro.free = append(ro.free, f)
		ro.tell(q, Answer{}, &AskError{Question: q, Err: ErrUnreachable}, ro.now)
		return
	}
	f.index = len(ro.flying)
	ro.flying = append(ro.flying, f)
	ro.Resolver.flying.Add(1)
	g.inFlight++
	ro.send(f)
}

func (ro *round) newFlight() *flight {
	n := len(ro.free) - 1
	if n < 0 {
		return &flight{place: -1}
	}
	f := ro.free[n]
	ro.free = ro.free[:n]
	*f = flight{wire: f.wire, order: f.order[:0], place: -1}
	return f
}

// send sends a question to its next server, or queues it until the pace of its group lets it
// go, or ends it if there is no server left to ask.
func (ro *round) send(f *flight) {
	for len(f.order) > 0 && f.attempts < ro.tries {
		if ok, next := f.group.pace.take(ro.now); !ok {
			f.due, f.queued = next, true
			ro.due.push(f)
			return
		}
		if f.overTCP {
			ro.overTCP(f)
			return
		}
		if err := ro.assign(f, f.order[0]); err != nil {
			ro.unreachable(f, err)
			continue
		}
		if f.attempts == 0 {
			f.deadline = ro.now.Add(ro.timeout)
		}
		f.attempts++
		f.sent = ro.now
		f.due = ro.now.Add(waitFor(f.group.firstWait(), f.attempts, ro.tries, f.deadline.Sub(ro.now)))
		ro.due.push(f)
		ro.post(f.socket, f.wire.packet)
		return
	}
	ro.fail(f, f.failed)
}

// post queues a packet, to be sent together with others by flush.
func (ro *round) post(s *socket, packet []byte) {
	if len(s.out) == 0 {
		ro.dirty = append(ro.dirty, s)
	}
	s.out = append(s.out, packet)
	if len(s.out) == batchPackets {
		ro.flush()
	}
}

// flush sends the packets that post has queued.
func (ro *round) flush() {
	for len(ro.dirty) > 0 {
		s := ro.dirty[len(ro.dirty)-1]
		ro.dirty = ro.dirty[:len(ro.dirty)-1]
		_, err := s.way.Send(s.out)
		clear(s.out)
		s.out = s.out[:0]
		if err != nil {
			// It may be about an earlier packet. Either way nothing more comes on this socket.
			ro.socketFailed(s, err)
		}
	}
}

// unreachable drops the server that cannot be reached from a question.
func (ro *round) unreachable(f *flight, err error) {
	s := f.order[0]
	s.silent(ro.now)
	ro.drop(f, &AskError{Question: f.q, Server: s.name, Err: networkError(err)})
}

// drop removes the server that is being asked from those to be tried, and notes how it
// failed. A server that said no in any way is not asked the same question again: it would
// say the same, at the same cost. The next one has the whole timeout.
func (ro *round) drop(f *flight, err *AskError) {
	f.failed = worseFailure(f.failed, err)
	f.order = f.order[:copy(f.order, f.order[1:])]
	f.deadline = ro.now.Add(ro.timeout)
}

// assign gives a question a socket to a server, and an id that is free there.
func (ro *round) assign(f *flight, s *server) error {
	if f.socket != nil && f.socket.server == s && !f.socket.failed {
		return nil // it is the same question with the same id, so that either answer will do
	}
	ro.unassign(f)
	sock, err := ro.socketTo(s)
	if err != nil {
		return err
	}
	for {
		id := uint16(rand.Uint32()) // #nosec G404 -- unpredictable: the generator of v2 is ChaCha8, seeded by the system
		if _, taken := sock.byID[id]; !taken {
			f.wire.setID(id)
			f.socket, sock.byID[id] = sock, f
			return nil
		}
	}
}

func (ro *round) unassign(f *flight) {
	if f.socket != nil {
		delete(f.socket.byID, f.wire.id())
		f.socket = nil
	}
}

// packet handles what came on a socket. Whatever does not parse or does not match is ignored:
// anyone can send a packet to the port, and the answer may still come.
func (ro *round) packet(sock *socket, packet []byte) {
	if len(packet) < headerBytes {
		return
	}
	f := sock.byID[uint16(packet[0])<<8|uint16(packet[1])]
	if f == nil || f.overTCP {
		return
	}
	r, what := f.wire.read(packet, f.q.Name)
	if what == stray {
		return
	}
	if f.place >= 0 {
		ro.due.remove(f)
	}
	f.queued = false
	rtt := ro.now.Sub(f.sent)
	sample := rtt
	if f.attempts > 1 {
		sample = 0 // which packet was answered is not known
	}
	sock.lane.heard = ro.now
	f.group.answered(ro.now, sample)
	sock.server.answered()
	ro.window.answered(rtt)
	ro.trip += (rtt - ro.trip) / 16
	ro.respond(f, sock.server, r, what, rtt)
}

// respond handles a response that is one to the question.
func (ro *round) respond(f *flight, s *server, r response, what reading, rtt time.Duration) {
	switch {
	case what == truncated:
		// What came with TC set is not used (RFC 2181 section 9).
		f.overTCP = true
		ro.send(f)
		return
	case (r.rcode == dns.RcodeFormatError || r.rcode == dns.RcodeNotImplemented) && f.wire.dropEDNS():
		// RFC 6891 section 7: a server that does not know EDNS answers FORMERR; older ones NOTIMP.
		f.plain = true
		f.attempts-- // the repetition belongs to the same try
		ro.send(f)
		return
	}
	a := r.answer
	var err error
	switch what {
	case bare:
		err = rcodeError(r.rcode)
	case message:
		a, err = readAnswer(r.message, f.wire.qtype)
	}
	if f.q.At != nil && !f.q.At.forwards && isAnswer(r.rcode) {
		switch {
		case !r.authoritative():
			err = errLame
		case err == nil && what == message && leadsAway(r.message, a):
			err = errAway
		}
	}
	if err != nil {
		if f.q.At != nil {
			s.silent(ro.now) // the others come first for a while
		}
		ro.drop(f, &AskError{Question: f.q, Server: s.name, RCode: rcodeName(r.rcode), Err: err})
		ro.send(f)
		return
	}
	if f.plain && f.group.key != "" {
		f.group.plain = true
	}
	a.Server, a.RTT = s.name, rtt
	ro.end(f, a, nil)
}

// socketFailed handles an error of a socket: every question on it goes to its next server.
func (ro *round) socketFailed(sock *socket, err error) {
	sock.failed = sock.failed || !isPortClosed(err)
	waiting := make([]*flight, 0, len(sock.byID))
	for _, f := range sock.byID {
		if !f.overTCP {
			waiting = append(waiting, f)
		}
	}
	for _, f := range waiting {
		if f.socket != sock || f.order[0] != sock.server || f.queued {
			continue
		}
		if f.place >= 0 {
			ro.due.remove(f)
		}
		ro.unassign(f)
		ro.unreachable(f, err)
		ro.send(f)
	}
}

// overTCP asks over TCP, in a goroutine of its own.
func (ro *round) overTCP(f *flight) {
	if ro.busy == streamsAtOnce {
		ro.queue = append(ro.queue, f)
		return
	}
	ro.busy++
	st := &stream{flight: f, server: f.order[0], wire: f.wire, name: f.q.Name}
	st.wire.packet = append([]byte(nil), f.wire.packet...)
	ro.streams.Go(func() {
		st.ask(ro.ctx, ro.timeout)
		ro.in.putStream(st)
	})
}

// streamed handles what came of a question over TCP.
func (ro *round) streamed(st *stream) {
	ro.busy--
	f := st.flight
	f.overTCP = false
	if len(ro.queue) > 0 {
		next := ro.queue[0]
		ro.queue = ro.queue[1:]
		ro.overTCP(next)
	}
	if st.err == nil {
		ro.lane(st.server).heard = ro.now
		st.server.answered()
		f.wire.packet = f.wire.packet[:len(st.wire.packet)]
		ro.respond(f, st.server, st.response, st.reading, st.rtt)
		return
	}
	// Unlike a packet a stream cannot be lost: a server that was silent on it for a whole
	// timeout is not asked again.
	ro.drop(f, &AskError{Question: f.q, Server: st.server.name, Err: st.err})
	ro.send(f)
}

// fail ends a question without an answer.
func (ro *round) fail(f *flight, err *AskError) {
	if err.Server == "" && len(f.order) > 0 {
		err.Server = f.order[0].name
	}
	err.Question = f.q
	ro.end(f, Answer{}, err)
}

// end takes a question out of flight, and tells the caller what came of it.
func (ro *round) end(f *flight, a Answer, err error) {
	if f.place >= 0 {
		ro.due.remove(f)
	}
	ro.unassign(f)
	f.group.inFlight--
	last := len(ro.flying) - 1
	ro.flying[f.index] = ro.flying[last]
	ro.flying[f.index].index = f.index
	ro.flying[last] = nil
	ro.flying = ro.flying[:last]
	ro.Resolver.flying.Add(-1)
	q, started := f.q, f.started
	ro.free = append(ro.free, f)
	ro.tell(q, a, err, started)
}

// tell hands a question and what came of it to the caller.
func (ro *round) tell(q Question, a Answer, err error, started time.Time) {
	ro.told++
	if ro.log.Enabled(ro.ctx, slog.LevelDebug) {
		// The name stays out of the log: with some lists it holds a subscriber's key.
		attrs := []slog.Attr{slog.String("type", string(q.Type)), slog.String("operator", q.Group), slog.Duration("after", ro.now.Sub(started))}
		if e, ok := err.(*AskError); ok {
			attrs = append(attrs, slog.String("server", e.Server), slog.Any("err", e.Err))
		} else {
			attrs = append(attrs, slog.String("server", a.Server), slog.String("rcode", a.RCode), slog.Int("records", len(a.Records)))
		}
		ro.log.LogAttrs(ro.ctx, slog.LevelDebug, "question asked", attrs...)
	}
	ro.got(q, a, err)
}
