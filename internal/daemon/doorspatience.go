package daemon

import (
	"time"

	"reputed/checks/acceptance"
)

// due leaves out receivers that said 421 lately.
func (w *Doors) due(all []acceptance.Destination, now time.Time) (due []acceptance.Destination, left int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range all {
		if b, waits := w.waits[d.Domain]; waits && now.Before(b.until) {
			left++
			continue
		}
		due = append(due, d)
	}
	return due, left
}

// note remembers who said 421, and forgets those who were glad to see us.
func (w *Doors) note(knocks []acceptance.Knock, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	closing, open := map[string]bool{}, map[string]bool{}
	for _, k := range knocks {
		v, ok := k.Last()
		closing[k.Receiver.Domain] = closing[k.Receiver.Domain] || ok && v.Closing
		open[k.Receiver.Domain] = open[k.Receiver.Domain] || k.Outcome == acceptance.Accepted
	}
	for domain, told := range closing {
		switch {
		case told:
			span := min(max(2*w.waits[domain].span, busyFirst), busyMost)
			w.waits[domain] = backoff{now.Add(span), span}
		case open[domain]:
			delete(w.waits, domain)
		}
	}
}
