package probes

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"
)

// Defaults of [ResolverOptions].
const (
	DefaultTimeout     = 3 * time.Second
	DefaultTries       = 5
	DefaultConcurrency = 1024
)

// ResolverOptions are whom to ask and how patiently. The zero value asks the servers of
// /etc/resolv.conf with the defaults.
type ResolverOptions struct {
	// Servers are the resolvers in order of preference: "192.0.2.53", "192.0.2.53:5353",
	// "2001:db8::53" or "[2001:db8::53]:53"; the port defaults to 53. Host names are not
	// accepted, as there would be nobody to look them up. None means those of /etc/resolv.conf.
	Servers []string
	// Timeout is how long one question may take while servers are silent; 0 means
	// [DefaultTimeout]. It begins anew when a server says no or cannot be reached and the
	// question goes to the next one, and when it is asked again over TCP because the answer
	// did not fit into a packet.
	Timeout time.Duration
	// Tries is how often one question is sent at most, to the servers in turn; 0 means
	// [DefaultTries]. The first packet is taken for lost after 0.2 s, or later where answers
	// take longer, each further one after twice as long as the one before, and the last has
	// what is left of Timeout. With 2 % loss, five tries fail once in 300 million. The change
	// to TCP and the repetition without EDNS belong to the same try.
	Tries int
	// Concurrency is how many questions of all calls are in flight at most; 0 means
	// [DefaultConcurrency]. It is only a bound: each call begins with 128 and finds out how
	// many are of use. No group has more than 32. While other calls use up the bound, a call
	// still has an eighth of it, at least one and at most 32, so that none waits for another.
	Concurrency int
	// Limits are the published limits of operators, in questions a second, by
	// [Question].Group. All packets of a group, repetitions included, stay below its limit,
	// whoever calls. A group without an entry has no limit, and no limit holds at servers
	// that are [Servers.Unlimited].
	Limits map[string]float64
	// AuthorityPort is where the servers that [Resolver.NameServers] finds are asked; 0 means
	// 53. Any other port is for rehearsals, and allows servers on the loopback.
	AuthorityPort int
	// Log gets one line per question at debug level; nil means no log.
	Log *slog.Logger
}

// Resolver asks recursive resolvers, or the servers that a question names, and reports
// literally what they said. It is safe for concurrent use, and holds nothing open between
// calls.
type Resolver struct {
	servers *Servers
	timeout time.Duration
	tries   int
	limit   int
	flying  atomic.Int64     // questions in flight, of all calls
	paces   map[string]*pace // by group
	open    opener
	nap     func(time.Duration) // sleeps while packets gather; nil: each is handled as it comes
	port    uint16              // of name servers
	log     *slog.Logger
}

// NewResolver returns a resolver with the given options. It asks nothing yet. The error says
// what to write under [dns] in the configuration; trying again with the same options helps
// only if /etc/resolv.conf was missing.
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
		timeout: positive(opts.Timeout, DefaultTimeout),
		tries:   positive(opts.Tries, DefaultTries),
		limit:   positive(opts.Concurrency, DefaultConcurrency),
		paces:   map[string]*pace{},
		open:    openUDP,
		port:    uint16(cmp.Or(opts.AuthorityPort, dnsPort)),
		log:     opts.Log,
	}
	if polls {
		r.nap = nap
	}
	for key, limit := range opts.Limits {
		if limit > 0 {
			r.paces[key] = newPace(limit)
		}
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r, nil
}

// Servers returns the resolvers that are asked, in order of preference, as "192.0.2.53:53".
func (r *Resolver) Servers() []string { return r.servers.Names() }

// Ask asks many questions at once, and calls got with each answer or error as it comes, in
// any order. It draws from questions only as fast as answers come back: besides what is in
// flight it holds at most a few thousand questions, whose groups are at their limits.
//
// Both questions and got run on the goroutine that called Ask, and so never at the same
// time: what they share needs no lock, and a panic in either reaches the caller. For the same
// reason questions must not block until an answer comes. A sequence that has nothing to ask
// before the next answer yields the zero [Question], and is drawn from again after it.
//
// For every question that was drawn, got is called exactly once. When ctx ends, no more are
// drawn, those in flight end at once with the context's error, and Ask returns it. Otherwise
// Ask returns nil: what a question without an answer means is for got to judge. The one
// exception is a sequence that waits for an answer when none is to come.
func (r *Resolver) Ask(ctx context.Context, questions iter.Seq[Question], got func(Question, Answer, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ro := newRound(ctx, r, got)
	defer ro.close()
	stopped := false
	for q := range questions {
		if !ro.put(q) {
			stopped = true
			break
		}
	}
	ro.drain()
	if err := ctx.Err(); err != nil && (stopped || len(ro.flying)+ro.held > 0) {
		ro.abandon(err)
		return err
	}
	if stopped {
		return errNobodyToWaitFor
	}
	return nil
}

// AskOne asks one question. The error is an [*AskError].
func (r *Resolver) AskOne(ctx context.Context, q Question) (Answer, error) {
	var a Answer
	err := error(&AskError{Question: q, Err: ErrName}) // of the zero question
	one := func(yield func(Question) bool) {
		if q != (Question{}) {
			yield(q)
		}
	}
	ended := r.Ask(ctx, one, func(_ Question, answer Answer, failed error) { a, err = answer, failed })
	if ended != nil {
		return Answer{}, &AskError{Question: q, Err: ended}
	}
	return a, err
}
