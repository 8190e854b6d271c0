package daemon

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"reputed/internal/monitor"
)

// How long each part of the daemon may take before it is held to be stuck: each network call and
// each statement has a deadline of its own far below, so that what takes longer hangs.
const (
	jobLimit     = 15 * time.Minute // of a job without a timeout, and beyond one that has
	handLimit    = 15 * time.Minute // of handing what was read to the database
	deliverLimit = 10 * time.Minute // of one try of a channel, with what is recorded of it
	leaseLimit   = 5 * time.Minute  // of renewing the lease: a commit, waiting for others included
	tickLimit    = 15 * time.Minute // between two ticks of the clock
	// readerPatience is how long beyond its poll a reader may give no sign. One whose server is down
	// or refuses the login gives one with each try, and waits an hour between two at most.
	readerPatience = 90 * time.Minute
)

// pulse is where the parts of the daemon say that they get on. It knows of no idle
// part, only of work that has a limit and of signs that are promised: so what is silent too long
// is stuck. The zero pulse is ready, and it may be used from anywhere.
//
// Times are those of the monotonic clock, which a clock that is set does not move, and which
// stands still while the machine sleeps.
type pulse struct {
	mu    sync.Mutex
	next  int
	parts map[int]part
	beats map[string]int
}

// part is one piece of work, or the last sign of a part.
type part struct {
	name  string
	since time.Time
	limit time.Duration
}

// work says that a part begins something that takes at most limit. The caller calls done when it has ended.
func (p *pulse) work(name string, limit time.Duration) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := p.add(part{name, time.Now(), limit})
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.parts, id)
	}
}

// beat says that a part gets on, and will say so again within limit.
func (p *pulse) beat(name string, limit time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id, ok := p.beats[name]; ok {
		p.parts[id] = part{name, time.Now(), limit}
		return
	}
	if p.beats == nil {
		p.beats = map[string]int{}
	}
	p.beats[name] = p.add(part{name, time.Now(), limit})
}

// add needs p.mu.
func (p *pulse) add(x part) int {
	if p.parts == nil {
		p.parts = map[int]part{}
	}
	p.next++
	p.parts[p.next] = x
	return p.next
}

// stuck names the parts that have been silent for too long, by name; nil: all get on.
func (p *pulse) stuck(now time.Time) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest := map[string]time.Duration{}
	for _, x := range p.parts {
		if silent := now.Sub(x.since); silent > x.limit {
			longest[x.name] = max(longest[x.name], silent)
		}
	}
	var all []string
	for name, silent := range longest {
		all = append(all, fmt.Sprintf("%s for %s", name, monitor.FormatDuration(silent.Truncate(time.Minute))))
	}
	slices.Sort(all)
	return all
}

// stuckLine is what is said of parts that are stuck.
func stuckLine(parts []string) string { return "stuck: " + strings.Join(parts, ", ") }
