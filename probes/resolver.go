package probes

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"
)

// Defaults of [ResolverOptions].
const (
	DefaultTimeout     = 3 * time.Second
	DefaultTries       = 3
	DefaultConcurrency = 64
)

// ResolverOptions says whom to ask and how patiently. The zero value asks the
// servers of /etc/resolv.conf with the defaults.
type ResolverOptions struct {
	// Servers are the resolvers in order of preference: "192.0.2.53", "192.0.2.53:5353",
	// "2001:db8::53" or "[2001:db8::53]:53"; port 53 if left out. Names are not
	// taken: there would be nobody to look them up. None means those of /etc/resolv.conf.
	Servers []string
	// Timeout is how long one try at one server may take over one transport; 0 means [DefaultTimeout].
	Timeout time.Duration
	// Tries is how often one question is sent at most, over the servers in turn; 0
	// means [DefaultTries]. The change to TCP after a truncated answer, and the
	// repetition without EDNS, belong to the same try.
	Tries int
	// Concurrency is how many questions are in flight at most, all callers
	// together; 0 means [DefaultConcurrency]. Each takes a socket of its own, so it
	// also bounds the open descriptors. A recursive resolver gets no faster past 256.
	Concurrency int
	// Log gets one line per question at debug level; nil means no log.
	Log *slog.Logger
}

// Resolver asks recursive resolvers and reports literally what they said. It is
// safe for concurrent use and holds nothing open between questions.
type Resolver struct {
	servers *servers
	timeout time.Duration
	tries   int
	limit   int
	slots   chan struct{} // one for each question in flight
	log     *slog.Logger
}

// NewResolver returns a resolver for the given options. It asks nothing yet.
// The error says what to write under [dns] in the configuration; trying again
// with the same options helps only if /etc/resolv.conf was what was missing.
func NewResolver(opts ResolverOptions) (*Resolver, error) {
	return newResolver(opts, "/etc/resolv.conf")
}

func newResolver(opts ResolverOptions, resolvConf string) (*Resolver, error) {
	addrs, err := parseServers(opts.Servers)
	if len(opts.Servers) == 0 {
		addrs, err = systemServers(resolvConf)
	}
	if err != nil {
		return nil, err
	}
	r := &Resolver{
		servers: newServers(addrs),
		timeout: cmp.Or(max(opts.Timeout, 0), DefaultTimeout),
		tries:   cmp.Or(max(opts.Tries, 0), DefaultTries),
		limit:   cmp.Or(max(opts.Concurrency, 0), DefaultConcurrency),
		log:     opts.Log,
	}
	r.slots = make(chan struct{}, r.limit)
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r, nil
}

// Servers are the resolvers asked, in order of preference, as "192.0.2.53:53".
func (r *Resolver) Servers() []string { return r.servers.names() }

// Ask asks many questions at once and calls got with each answer or named
// error as it comes, in any order. It draws from questions only as fast as
// answers come back, and holds nothing per question beyond what is in flight.
//
// Both questions and got run on the goroutine that called Ask and so never at
// the same time: what they share needs no lock, and a panic in either reaches
// the caller. For the same reason questions must not wait for an answer.
//
// For every question that was drawn, got is called exactly once. When ctx ends,
// no more are drawn, those in flight end at once with the context's error, and
// Ask returns it. Otherwise it returns nil: a question without an answer is got's to judge.
func (r *Resolver) Ask(ctx context.Context, questions iter.Seq[Question], got func(Question, Answer, error)) error {
	type result struct {
		q   Question
		a   Answer
		err error
	}
	var (
		work     = make(chan Question)
		results  = make(chan result, r.limit) // never full: no more than limit are in flight
		inFlight int
		workers  int
		wg       sync.WaitGroup
	)
	next, stop := iter.Pull(questions)
	defer stop()
	// If got or questions panic, the workers are still waited for, and not for long.
	inner, cancel := context.WithCancel(ctx)
	defer wg.Wait()
	defer close(work)
	defer cancel()

	cut := false
	for more := true; ; {
		for more && inFlight < r.limit {
			if ctx.Err() != nil {
				more, cut = false, true
				break
			}
			q, ok := next()
			if !ok {
				more = false
				break
			}
			inFlight++
			if inFlight > workers {
				workers++
				wg.Go(func() {
					for q := range work {
						a, err := r.AskOne(inner, q)
						results <- result{q, a, err}
					}
				})
			}
			work <- q // at least one worker is free, or about to be
		}
		if inFlight == 0 {
			break
		}
		res := <-results
		inFlight--
		cut = cut || ctx.Err() != nil && errors.Is(res.err, ctx.Err())
		got(res.q, res.a, res.err)
	}
	if cut {
		return ctx.Err()
	}
	return nil
}

// AskOne asks one question. The error is an [*AskError]; see there for what it
// unwraps to.
func (r *Resolver) AskOne(ctx context.Context, q Question) (Answer, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return Answer{}, &AskError{Question: q, Err: ctx.Err()}
	}
	if !r.log.Enabled(ctx, slog.LevelDebug) {
		return r.resolve(ctx, q)
	}
	start := time.Now()
	a, err := r.resolve(ctx, q)
	// The name itself stays out of the log: some lists are asked with a
	// subscriber's key in it.
	attrs := []slog.Attr{slog.String("type", string(q.Type)), slog.String("operator", q.Group), slog.Duration("after", time.Since(start))}
	if e, ok := err.(*AskError); ok {
		attrs = append(attrs, slog.String("server", e.Server), slog.Any("err", e.Err))
	} else {
		attrs = append(attrs, slog.String("server", a.Server), slog.String("rcode", a.RCode), slog.Int("records", len(a.Records)))
	}
	r.log.LogAttrs(ctx, slog.LevelDebug, "question asked", attrs...)
	return a, err
}

// resolve tries the servers in turn. A server that said no in any way is not
// asked the same again: it would say the same, and it costs it the same work.
// One that was silent is, because the packet may be lost.
func (r *Resolver) resolve(ctx context.Context, q Question) (Answer, error) {
	qu, err := packQuestion(q)
	if err != nil {
		return Answer{}, &AskError{Question: q, Err: err}
	}
	var failed *AskError
	order := r.servers.order(time.Now(), q.Avoid)
	for try := 0; try < r.tries && len(order) > 0; try++ {
		s := order[0]
		order = order[1:]
		a, err := exchange(ctx, s.addr, qu, r.timeout)
		if err == nil {
			s.answered()
			a.Server = s.name
			return a, nil
		}
		err.Question, err.Server = q, s.name
		if ctx.Err() != nil {
			err.Err = ctx.Err()
			return Answer{}, err
		}
		switch {
		case err.RCode != "":
			s.answered()
		case isTimeout(err):
			s.silent(time.Now())
			order = append(order, s)
		default:
			s.silent(time.Now())
		}
		failed = worseFailure(failed, err)
	}
	return Answer{}, failed
}
