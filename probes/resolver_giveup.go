package probes

// expire handles the questions that have waited long enough.
func (ro *round) expire() {
	for len(ro.due) > 0 && !ro.due[0].due.After(ro.now) {
		f := ro.due[0]
		ro.due.remove(f)
		if f.queued {
			f.queued = false
			ro.send(f)
			continue
		}
		s, g := f.order[0], f.group
		heard := ro.lane(s).heard
		if heard.Before(f.sent) {
			s.silent(ro.now) // it has answered nobody since
		}
		if g.lively(ro.now) {
			ro.window.timedOut()
		}
		g.timedOut(ro.now, f.sent, heard)
		f.failed = worseFailure(f.failed, &AskError{Question: f.q, Server: s.name, Err: ErrTimeout})
		copy(f.order, f.order[1:])
		f.order[len(f.order)-1] = s // the packet may be lost, so the server is asked again, after the others
		if g.broken || !f.deadline.After(ro.now) {
			ro.fail(f, f.failed)
			continue
		}
		ro.send(f)
	}
}

// forsake ends the questions to groups that have never answered, once nothing else is in
// flight and the same server still answered others half the timeout after they were asked.
// So dead lists do not prolong a large round; in a short one each has its whole time.
func (ro *round) forsake() {
	if ro.held > 0 || ro.busy > 0 {
		return
	}
	for _, f := range ro.flying {
		if f.attempts < forsakeAfter || f.group.limit == 0 || !f.group.answeredAt.IsZero() ||
			ro.lane(f.order[0]).heard.Sub(f.started) < ro.timeout/2 {
			return
		}
	}
	for len(ro.flying) > 0 {
		f := ro.flying[len(ro.flying)-1]
		ro.fail(f, f.failed)
	}
}
