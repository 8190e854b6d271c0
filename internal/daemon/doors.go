package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"reputed/checks"
	"reputed/checks/acceptance"
	"reputed/checks/bounce"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/probes"
)

// Receivers are knocked at from the addresses that mail leaves from, so that a refusal is seen before mail
// comes back. Which receivers, and from which addresses, is decided here.
const (
	// doorsTimeout ends a round; a receiver that keeps us waiting takes two minutes.
	doorsTimeout = 45 * time.Minute
	// doorsMost bounds the receivers that are chosen by traffic, troubledMost the addresses that are knocked
	// from besides the sample, because something is known against them.
	doorsMost    = 20
	troubledMost = 20
	// doorsBack is the mail that receivers are chosen by.
	doorsBack = 30 * 24 * time.Hour
	// A receiver that said 421 is left alone for an hour, for two the next time, and so on up to a day.
	busyFirst = time.Hour
	busyMost  = 24 * time.Hour
)

// Doors is how receivers are knocked at, and whom it is not the time for.
type Doors struct {
	cfg   config.Acceptance
	log   *slog.Logger
	Round acceptance.Round
	local func() ([]netip.Addr, error) // addresses of this machine

	mu    sync.Mutex
	waits map[string]backoff // by receiver that said 421
}

// backoff is until when a receiver is left alone, and for how long that is.
type backoff struct {
	until time.Time
	span  time.Duration
}

// NewDoors puts it together; it connects to nothing.
func NewDoors(cfg *config.Config, asker acceptance.Asker, round acceptance.Round, log *slog.Logger) *Doors {
	round.Asker = asker
	return &Doors{cfg: cfg.Acceptance, log: log, Round: round, local: localAddrs, waits: map[string]backoff{}}
}

// localAddrs are the addresses of the interfaces of this machine.
func localAddrs() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list the addresses of this machine: %w", err)
	}
	var out []netip.Addr
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				out = append(out, addr.Unmap())
			}
		}
	}
	return out, nil
}

// errNoOrigin says that there is nowhere to knock from.
var errNoOrigin = errors.New("this machine has none of the addresses that are watched: run reputed on the machine that sends, or say under [[acceptance.from]] how its addresses are used from here")

// Reachable are those of the targets that can be knocked from.
func (w *Doors) Reachable(targets []checks.Target) ([]checks.Target, error) {
	local, err := w.local()
	if err != nil {
		return nil, err
	}
	var out []checks.Target
	for _, t := range targets {
		if _, through := w.from(t); t.Kind == checks.KindAddress && (through || slices.Contains(local, t.Addr)) {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return nil, errNoOrigin
	}
	return out, nil
}

// from is how an address is knocked from that this machine has not itself.
func (w *Doors) from(t checks.Target) (config.KnockFrom, bool) {
	for _, f := range w.cfg.From {
		for _, p := range f.Ranges {
			if t.Kind == checks.KindAddress && p.Contains(t.Addr) {
				return f, true
			}
		}
	}
	return config.KnockFrom{}, false
}

// origin is an address to knock from.
func (w *Doors) origin(t checks.Target) (acceptance.Origin, error) {
	opts := probes.ReceiverOptions{Helo: w.cfg.Helo, From: t.Addr, Log: w.log}
	if f, ok := w.from(t); ok {
		opts.From = netip.Addr{}
		if f.Bind != "" {
			opts.From, _ = netip.ParseAddr(f.Bind) // which was checked
		}
		opts.Proxy = probes.SOCKS5{Server: f.SOCKS5, User: f.User, Password: f.Password.Reveal}
	}
	r, err := probes.NewReceiver(opts)
	return acceptance.Origin{Target: t, Visitor: r}, err
}

// Destinations are the receivers to knock at: those named, those chosen by traffic, and those that are known to
// refuse us, whose answer is waited for. It is pure.
func Destinations(c config.Acceptance, flows []acceptance.Flow, standing []acceptance.Standing) []acceptance.Destination {
	var all []acceptance.Destination
	have := map[string]bool{}
	add := func(d acceptance.Destination) {
		if !have[d.Domain] && !slices.Contains(c.Except, d.Domain) {
			have[d.Domain] = true
			all = append(all, d)
		}
	}
	for _, r := range c.Receivers {
		d := acceptance.Destination{Domain: r.Domain, Vendor: r.Vendor, Agreed: r.Agreed, Why: "named in the configuration"}
		for _, h := range r.Hosts {
			name, port := config.SplitHost(h)
			d.Hosts = append(d.Hosts, acceptance.Host{Name: name, Port: port})
		}
		add(d)
	}
	if c.Choose > 0 {
		for _, d := range acceptance.Choose(flows, c.Choose, doorsMost) {
			add(d)
		}
	}
	for _, s := range standing {
		add(acceptance.Destination{Domain: s.Receiver, Why: "has refused " + s.Target})
	}
	return all
}

// mailFlows is how much mail goes to each receiver, and who stands before it. It is pure.
func mailFlows(all []store.ReceiverFlow, vendors report.Vendors) []acceptance.Flow {
	behind := map[string]string{}
	for _, v := range vendors.All {
		for _, domain := range v.Domains {
			behind[domain] = v.Name
		}
	}
	refused, delivered := map[string]int{}, map[string]int{}
	for _, f := range all { // several of one receiver, where several refused for it
		domain := strings.ToLower(f.Domain)
		refused[domain] += f.Refused
		delivered[domain] = max(delivered[domain], f.Delivered)
	}
	var out []acceptance.Flow
	for _, domain := range slices.Sorted(maps.Keys(refused)) {
		if _, err := checks.Domain(domain); err == nil {
			out = append(out, acceptance.Flow{Domain: domain, Vendor: behind[domain], Mails: refused[domain] + delivered[domain]})
		}
	}
	return out
}

// shareOf is how much of the mail a vendor's receivers get; nil where mail is not counted.
func shareOf(flows []acceptance.Flow, counted bool) func(vendor string) (acceptance.Share, bool) {
	if !counted {
		return nil
	}
	of, by := 0, map[string]int{}
	for _, f := range flows {
		of += f.Mails
		by[f.Vendor] += f.Mails
	}
	return func(vendor string) (acceptance.Share, bool) {
		n, ok := by[vendor]
		return acceptance.Share{Mails: n, Of: of}, ok
	}
}

// job is the job of knocking; false: nobody is to be knocked at. A round that was cut short counts as one: a
// daemon that is restarted in a loop must not knock in a loop.
func (w *Doors) job(ctx context.Context, d *Daemon) (monitor.Job, bool, error) {
	if w.cfg.Helo == "" {
		return monitor.Job{}, false, nil
	}
	last, _, err := d.db.LastRun(ctx, monitor.JobDoors)
	return monitor.Job{Name: monitor.JobDoors, Schedule: w.cfg.Times, Jitter: w.cfg.Jitter.Duration, First: true, Last: last.Started, Timeout: doorsTimeout, Run: d.knock}, true, err
}

// knock knocks at all receivers once and commits what follows.
func (d *Daemon) knock(ctx context.Context, _ time.Time) error {
	return d.asRun(ctx, monitor.JobDoors, func(ctx context.Context, now time.Time, first bool) (store.Summary, error) {
		plan, err := PlanKnocks(ctx, d.db, d.doors, slices.Collect(d.watch.Load().targets.All()), now)
		if errors.Is(err, errNoOrigin) {
			d.log.LogAttrs(ctx, slog.LevelWarn, "receivers not knocked at", slog.Any("err", err))
			return store.Summary{Trouble: err.Error()}, nil
		} else if err != nil {
			return store.Summary{}, err
		}
		due, left := d.doors.due(plan.Destinations, now)
		round := d.doors.Round
		round.Standing = plan.Stands
		knocks := round.Run(ctx, due, plan.Origins)
		d.doors.note(knocks, time.Now())
		summary := store.Summary{Targets: len(plan.Origins), Questions: len(knocks)}
		d.log.LogAttrs(ctx, slog.LevelInfo, "receivers knocked at", slog.Int("addresses", len(plan.Origins)), slog.Int("receivers", len(due)), slog.Int("left_alone", left),
			slog.Int("refused", count(knocks, acceptance.Refused)), slog.Int("accepted", count(knocks, acceptance.Accepted)))
		return summary, errors.Join(ctx.Err(), d.judgeKnocks(ctx, plan, knocks, now, first))
	})
}

func count(knocks []acceptance.Knock, o acceptance.Outcome) (n int) {
	for _, k := range knocks {
		if k.Outcome == o {
			n++
		}
	}
	return n
}

// Knocks is who is to be knocked at from where, and what is known of them.
type Knocks struct {
	Destinations []acceptance.Destination
	Origins      []acceptance.Origin
	standing     []acceptance.Standing
	share        func(vendor string) (acceptance.Share, bool)
}

func (k Knocks) Stands(target, receiver string) bool {
	return slices.ContainsFunc(k.standing, func(s acceptance.Standing) bool { return s.Target == target && s.Receiver == receiver })
}

// PlanKnocks reads what decides about a round.
func PlanKnocks(ctx context.Context, db *store.DB, w *Doors, targets []checks.Target, now time.Time) (k Knocks, err error) {
	if k.standing, err = db.Doors(ctx); err != nil {
		return k, err
	}
	received, err := db.Receivers(ctx, now.Add(-doorsBack))
	if err != nil {
		return k, err
	}
	delivered, err := db.DeliveredBy(ctx, now.Add(-doorsBack))
	if err != nil {
		return k, err
	}
	fronts, err := db.Fronts(ctx)
	if err != nil {
		return k, err
	}
	flows := mailFlows(received, view.VendorsOf(received, nil, delivered, fronts))
	k.share = shareOf(flows, slices.ContainsFunc(received, func(f store.ReceiverFlow) bool { return f.Counted }))
	k.Destinations = Destinations(w.cfg, flows, k.standing)
	from, err := w.Reachable(targets)
	if err != nil {
		return k, err
	}
	if w.cfg.Sample == config.SamplePool {
		troubled, err := inTrouble(ctx, db)
		if err != nil {
			return k, err
		}
		more := 0
		from = acceptance.Sample(from, func(t checks.Target) bool {
			if slices.ContainsFunc(k.standing, func(s acceptance.Standing) bool { return s.Target == t.ID() }) {
				return true // or nobody would see the end of it
			}
			if !troubled[t.ID()] || more >= troubledMost {
				return false
			}
			more++
			return true
		}, now)
	}
	k.Origins, err = w.OriginsOf(from)
	return k, err
}

// OriginsOf makes something to knock from of addresses.
func (w *Doors) OriginsOf(targets []checks.Target) (all []acceptance.Origin, err error) {
	for _, t := range targets {
		o, err := w.origin(t)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// inTrouble are the targets that something is known against.
func inTrouble(ctx context.Context, db *store.DB) (map[string]bool, error) {
	all := map[string]bool{}
	for _, check := range []string{bounce.Check, monitor.JobDNSBL} {
		known, err := db.Known(ctx, check)
		if err != nil {
			return nil, err
		}
		for k := range known {
			all[k.Target] = true
		}
	}
	return all, nil
}

// judgeKnocks commits what a round came to. What refuses is written first and what refuses no more
// last: if we are killed in between, the next round finds out again what it is about.
func (d *Daemon) judgeKnocks(ctx context.Context, plan Knocks, all []acceptance.Knock, now time.Time, first bool) error {
	known, err := d.db.Known(ctx, acceptance.CheckName)
	if err != nil {
		return err
	}
	about, err := d.db.Known(ctx, acceptance.WayOutCheck)
	if err != nil {
		return err
	}
	findings, after := acceptance.Judge(all, acceptance.JudgeOptions{
		Standing: plan.standing, Known: slices.Collect(maps.Keys(known)), Target: d.watched, Lists: d.names, ListName: d.listName, Share: plan.share, Now: now,
	})
	if f, ok := acceptance.WayOut(all, now); ok {
		if _, told := about[f.Key]; told || f.Status == checks.Problem {
			findings = append(findings, f)
		}
	}
	if err := d.db.AddDoors(ctx, after); err != nil {
		return err
	}
	if len(findings) > 0 {
		if err := d.commit(ctx, store.Batch{}, findings, first); err != nil {
			return err
		}
	}
	return d.db.DropDoors(ctx, slices.DeleteFunc(slices.Clone(plan.standing), func(s acceptance.Standing) bool {
		return slices.ContainsFunc(after, func(a acceptance.Standing) bool { return a.Target == s.Target && a.Receiver == s.Receiver })
	}))
}

// watched is a target with its pool and tags, if it is still watched.
func (d *Daemon) watched(id string) checks.Target {
	t, err := checks.ParseID(id)
	if err != nil {
		return checks.Target{Kind: checks.KindDomain, Name: cmp.Or(id, "?")}
	}
	return d.placed(t)
}
