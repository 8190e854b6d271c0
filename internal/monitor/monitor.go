package monitor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// StopTimeout is how long [Monitor.Run] waits for running jobs after its context
// has ended. The promise to whoever stops the service is ten seconds for the whole
// process; two of them are left for closing the database and the mailbox.
const StopTimeout = 8 * time.Second

// maxSleep bounds each wait. A timer of Go stands still while the machine sleeps
// and does not see a clock that is set; looking at the clock twice a minute makes
// a slot at most so late.
const maxSleep = 30 * time.Second

// ErrStuck says that a job ignored the end of its context and was left behind.
// Calling Run again does not help: the job needs deadlines on what it waits for.
var ErrStuck = errors.New("did not end when stopped")

// Options are what a Monitor needs; the zero value is usable.
type Options struct {
	Log    *slog.Logger  // nil: none
	Jitter time.Duration // at most so much later than its slots a job is due; see [Jitter]
}

// Job is something to do again and again.
type Job struct {
	// Name is unique, and the key of jitter, log and status. Keep it for ever.
	Name     string
	Schedule Schedule // zero: only First and Poke
	// Run does it once. Slot is the time it was due, in UTC, without jitter (for a
	// first or poked run the time of its start): the same slot may come again after
	// a crash or a clock that was set back, so key results by it. ctx ends with the
	// Monitor's or after Timeout. An error is logged and kept as status; a panic
	// likewise. Both leave the next run as it was.
	Run func(ctx context.Context, slot time.Time) error
	// First runs it at once when the Monitor starts, unless Last says that it is not
	// due yet: a daemon that is restarted in a loop must not ask the lists in a loop.
	First bool
	// Last is when it last ran before this process began; zero: never, or not known.
	Last time.Time
	// Jitter is at most how much later than its slots it is due, see [Jitter]; 0: that of the Monitor.
	Jitter time.Duration
	// Timeout is how long one run may take; 0: no limit beyond the Monitor's context.
	Timeout time.Duration
	// Gap is the least time from the start of one run to the start of a poked one,
	// so that a storm of events does not become a storm of questions; 0: none.
	Gap time.Duration
}

// Monitor runs jobs. Make one with [New], then Add, then Run once. Poke and
// Status may be called at any time and from anywhere.
type Monitor struct {
	opt Options

	mu      sync.Mutex // guards what follows
	jobs    []*job
	started bool
}

// New returns a Monitor without jobs.
func New(opt Options) *Monitor {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Monitor{opt: opt}
}

// Add adds a job before Run. It is an error of the program, not of its input, if
// the name is empty or taken, Run is nil, or the Monitor has been started.
func (m *Monitor) Add(j Job) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.started:
		return fmt.Errorf("add job %q: the monitor runs already", j.Name)
	case j.Name == "" || j.Run == nil:
		return fmt.Errorf("add job %q: a job needs a name and something to run", j.Name)
	case m.find(j.Name) != nil:
		return fmt.Errorf("add job %q: the name is taken", j.Name)
	}
	m.jobs = append(m.jobs, &job{
		Job:    j,
		log:    m.opt.Log.With(slog.String("job", j.Name)),
		jitter: Jitter(j.Name, cmp.Or(j.Jitter, m.opt.Jitter)),
		// One place is enough: a poke carries nothing, and one that waits asks for
		// everything that a second one would.
		poke:   make(chan struct{}, 1),
		status: Status{Name: j.Name, Schedule: j.Schedule.String()},
	})
	return nil
}

// Poke asks for a run of the named job soon: at once, or, if it runs now, once more
// when it has ended, because what it has read may be older than the event. Any
// number of pokes in between are one. It never blocks, and says whether there is
// such a job.
func (m *Monitor) Poke(name string) bool {
	m.mu.Lock()
	j := m.find(name)
	m.mu.Unlock()
	if j == nil {
		return false
	}
	select {
	case j.poke <- struct{}{}:
	default:
	}
	return true
}

// Run starts every job when it is due until ctx ends. It returns when all that it
// started has ended, nil then, or [StopTimeout] after the end of ctx, with an error
// that wraps [ErrStuck] and names the jobs that had not.
func (m *Monitor) Run(ctx context.Context) error {
	m.mu.Lock()
	if m.started {
		m.mu.Unlock()
		return errors.New("run monitor: it was started before")
	}
	m.started = true
	jobs := slices.Clone(m.jobs)
	m.mu.Unlock()

	var wg sync.WaitGroup
	stuck := make([]bool, len(jobs))
	for i, j := range jobs {
		wg.Go(func() { stuck[i] = !j.loop(ctx) })
	}
	wg.Wait()
	<-ctx.Done() // without jobs there is still nothing to return for

	var names []string
	for i, j := range jobs {
		if stuck[i] {
			names = append(names, j.Name)
		}
	}
	if names != nil {
		return fmt.Errorf("stop: %s: %w within %s", strings.Join(names, ", "), ErrStuck, StopTimeout)
	}
	return nil
}

// find needs m.mu.
func (m *Monitor) find(name string) *job {
	for _, j := range m.jobs {
		if j.Name == name {
			return j
		}
	}
	return nil
}
