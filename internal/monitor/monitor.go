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

// StopTimeout is how long [Monitor.Run] waits for running jobs after its context has ended.
// Whoever stops the service is promised ten seconds for the whole process; two of them are
// left for closing the database and the mailbox.
const StopTimeout = 8 * time.Second

// maxSleep bounds each wait. A Go timer stands still while the machine sleeps, and does not
// notice when the clock is set: so a job looks at the clock at least twice a minute.
const maxSleep = 30 * time.Second

// ErrStuck: a job ignored the end of its context and was left behind. Calling Run again does
// not help: the job needs deadlines for what it waits for.
var ErrStuck = errors.New("did not end when stopped")

// Options are what a Monitor needs; the zero value is usable.
type Options struct {
	Log    *slog.Logger  // nil: none
	Jitter time.Duration // how much later than its slots a job is due at most; see [Jitter]
}

// Job is something to do again and again.
type Job struct {
	// Name is unique; the jitter depends on it, and the log names it. Keep it for ever.
	Name     string
	Schedule Schedule // zero: only First and Poke
	// Run does the job once. Slot is when it was due, in UTC and without jitter; for a first or
	// poked run it is when the run began. The same slot may come again after a crash or when
	// the clock was set back, so key results by it. ctx ends with the Monitor's context, or
	// after Timeout. An error or a panic is logged, and does not affect the next run.
	Run func(ctx context.Context, slot time.Time) error
	// First runs the job at once when the Monitor starts, unless by Last it is not due yet: a
	// daemon that is restarted in a loop must not ask the lists in a loop.
	First bool
	// Last is when the job last ran before this process began; zero: never, or not known.
	Last time.Time
	// Jitter is how much later than its slots the job is due at most, see [Jitter]; 0: that of
	// the Monitor.
	Jitter time.Duration
	// Timeout is how long one run may take; 0: no limit beyond the Monitor's context.
	Timeout time.Duration
	// Gap is the least time from the start of one run to the start of a poked one, so that a
	// storm of events does not become a storm of questions; 0: none.
	Gap time.Duration
}

// Monitor runs jobs. Make one with [New], then call Add, then Run once. Poke may be called at
// any time and from anywhere.
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

// Add adds a job before Run. The error is that the name is empty or taken, that Run is nil, or
// that the Monitor has been started: a mistake in the program, not in its input.
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
		// One place is enough: a second poke would ask for nothing that the first does not.
		poke: make(chan struct{}, 1),
	})
	return nil
}

// Poke asks for a run of the named job soon: at once, or if it is running, once more when it
// has ended, because what it has read may be older than the event. Any number of pokes before
// that are one. It never blocks, and says whether there is such a job.
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

// Run starts every job when it is due, until ctx ends. It returns nil as soon as everything
// that it started has ended. Otherwise it returns [StopTimeout] after the end of ctx, with an
// error that wraps [ErrStuck] and names the jobs that have not ended.
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
	<-ctx.Done() // for a Monitor without jobs

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
