// Package daemon is the monitor at work: rounds over the lists, mailboxes and logs as they are read, receivers that are
// knocked at, ratings, what senders publish; what follows from all that, in one decision (decide.go), and those who are
// told. One configuration is one daemon: [New] puts it together, top to bottom, and [Daemon.Run] works until it is told to stop.
//
// What is found is stored with what follows from it in one transaction, so that whatever is killed, the next daemon goes
// on from there. The daemon keeps nothing of incidents in memory.
package daemon

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"reputed/alerts"
	"reputed/alerts/heartbeat"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/acceptance"
	"reputed/checks/bounce"
	"reputed/checks/dnsbl"
	"reputed/checks/remedy"
	"reputed/internal/config"
	"reputed/internal/expand"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/internal/web"
	"reputed/internal/wiring"
	"reputed/probes"
)

const (
	// leaseTTL is how long a daemon that died without a word holds the database
	// against one on another machine. It is renewed at a third of it.
	leaseTTL = 90 * time.Second
	// tickEvery is how often what time alone changes is looked at: reminders, refusals
	// that have ceased, mailboxes and channels that have been in trouble for too long.
	tickEvery = time.Minute
	// namedGap keeps a flood of bounces from becoming a flood of questions.
	namedGap = 30 * time.Second
	// namedAgain is how long what was asked because a refusal named it is not asked again
	// for another one: ten thousand refusals in an hour are one question, not one each.
	namedAgain = 5 * time.Minute
	// judgeGap is how often what logs tell is judged at most: all refusals of a day are
	// looked at each time.
	judgeGap = 10 * time.Second
	// positionRetry is how long a mailbox is left alone when the database does not say
	// how far it has been read.
	positionRetry = 10 * time.Second
	// RoundTimeout ends a round that a resolver holds up; the next slot begins anew.
	RoundTimeout = 2 * time.Hour
	// expandTimeout ends what is asked for addresses, and followTimeout what channels are shown, if
	// somebody answers each question just before its own deadline.
	expandTimeout = 30 * time.Minute
	followTimeout = 10 * time.Minute
)

// Daemon is the whole program at work. Its parts are put together in [New];
// nothing registers itself.
type Daemon struct {
	cfg     *config.Config
	version string
	log     *slog.Logger
	db      *store.DB
	sources *sources // what stands for addresses
	hosts   expand.HostNames
	paced   map[string]bool // warnings about limits that were told
	watch   atomic.Pointer[watch]
	lists   dnsbl.Check
	asker   *probes.Resolver
	rules   *bounce.Rules
	book    *remedy.Book
	policy  alerts.Policy
	names   blocklists.Names                        // what lists are called in refusals, asked or not
	zone    func(id string) (blocklists.Zone, bool) // any list that is known, asked or not

	mailboxes []*mailbox
	logs      []*mailLog
	monitor   *monitor.Monitor
	deliverer *alerts.Deliverer
	followers followers
	heart     *heartbeat.Heart // nil: nobody is told that we are alive
	view      *view.View       // how things stand
	page      *web.Server

	raters *raters // those who rate senders
	doors  *Doors  // receivers that are knocked at
	own    acceptance.Servers

	unwritten unwritten // what is known of a database that cannot be written

	pulse   pulse   // whether all parts get on
	service Service // who is told

	named   pending              // targets for monitor.JobNamed
	awaited map[string]time.Time // of monitor.JobAwait: when each target was asked last because somebody waits for its removal
}

// mailbox is one place that bounces come to, such as a folder of an IMAP account,
// and how reading it stands.
type mailbox struct {
	name    string          // config.Mailbox.Key, or that of the spool
	probe   *probes.Mailbox // over IMAP, or
	spool   *probes.Spool   // in the file system
	settles bool            // something is to be done with its mails once they are stored
	poll    time.Duration   // it is looked at so often at least

	mu    sync.Mutex
	state probes.MailboxState
	began time.Time // when the daemon first tried
	whole time.Time // when it was last seen to have been read to its end; see sight
}

// asker is who asks lists.
type asker interface {
	dnsbl.Asker
	Servers() []string
}

// Options are what a daemon is made of.
type Options struct {
	Config   *config.Config             // read to be run: with its secrets
	DB       *store.DB                  // open for writing; the caller closes it after Run
	Channels map[string]alerts.Notifier // by name
	Version  string                     // of the build
	Log      *slog.Logger
	Service  Service                                                // who supervises the process; the zero one: nobody
	Observe  func(channel string, n alerts.Notification, err error) // hears of every try of a channel; may be nil
	Asker    asker                                                  // who asks the lists; nil: the resolvers of the configuration
	Doors    acceptance.Round                                       // how receivers are knocked at; the zero one: as patiently as they expect
}

// New puts the parts together, top to bottom. It starts nothing.
func New(o Options) (*Daemon, error) {
	cfg, db, log := o.Config, o.DB, o.Log
	d := &Daemon{cfg: cfg, version: o.Version, db: db, log: log, service: o.Service, awaited: map[string]time.Time{}}
	resolver, err := wiring.Resolver(cfg, 0, log)
	if err != nil {
		return nil, err
	}
	d.asker = resolver
	d.sources = newSources(cfg, resolver, log)
	d.hosts.Owed = true
	local, err := cfg.LocalTargets()
	if err != nil {
		return nil, err
	}
	d.paced = map[string]bool{}
	for _, w := range cfg.Pace(local) {
		d.paced[w] = true // told by whoever read the configuration
	}
	if err := d.rewatch(); err != nil {
		return nil, err
	}
	d.zone = wiring.Lookup(wiring.Named(cfg))
	lists := o.Asker
	if lists == nil {
		lists = resolver
	}
	if d.lists, err = wiring.DNSBL(cfg, lists, cfg.Blocklists.Zones); err != nil {
		return nil, err
	}
	d.names = cfg.Blocklists.Catalog.Names()
	if d.rules, err = wiring.Rules(cfg); err != nil {
		return nil, err
	}
	if d.book, err = remedy.Load(); err != nil {
		return nil, err
	}
	d.policy = wiring.Policy(cfg)
	for _, m := range cfg.Mailboxes {
		folders, err := wiring.Mailboxes(m, cfg.HTTP.Rules(), db, log)
		if err != nil {
			return nil, err
		}
		for _, f := range folders {
			d.mailboxes = append(d.mailboxes, &mailbox{name: f.Name, probe: f.Probe, settles: f.Settles, poll: f.Poll})
		}
	}
	for _, s := range cfg.AllSpools() {
		spool, err := newSpool(s, log)
		if err != nil {
			return nil, err
		}
		d.mailboxes = append(d.mailboxes, &mailbox{name: s.Name, spool: spool, poll: s.Poll.Duration})
	}
	for _, m := range cfg.MailLogs {
		l, err := newMailLog(m, cfg, d.rules, log)
		if err != nil {
			return nil, err
		}
		d.logs = append(d.logs, l)
	}
	if err := d.remember(context.Background()); err != nil {
		return nil, err
	}
	d.deliverer = &alerts.Deliverer{Outbox: db, Channels: o.Channels, Log: log, Observe: o.Observe,
		Working: func(channel string) func() { return d.pulse.work("channel "+channel, deliverLimit) }}
	d.followers = followersOf(o.Channels)
	if d.heart, err = wiring.Heart(cfg); err != nil {
		return nil, &config.Invalid{Err: err}
	}
	v, err := view.New(db, cfg)
	if err != nil {
		return nil, err
	}
	v.Live = func() checks.Targets {
		if w := d.watch.Load(); w != nil {
			return w.targets
		}
		return checks.Targets{}
	}
	v.Unwritten = d.unwritten.trouble
	v.Acted = func() { d.monitor.Poke(monitor.JobFollow) } // the channels that show who has it
	d.view = v
	if d.page, err = view.Server(v, cfg.Web, o.Version, log); err != nil {
		return nil, err
	}
	if d.raters, err = newRaters(cfg, resolver, db, log); err != nil {
		return nil, err
	}
	o.Doors.Rules = d.rules
	d.doors = NewDoors(cfg, d.asker, o.Doors, log)
	if d.own, err = wiring.OwnServers(cfg, log); err != nil {
		return nil, err
	}
	d.monitor, err = d.newMonitor()
	return d, err
}

// newMonitor says what runs when.
func (d *Daemon) newMonitor() (*monitor.Monitor, error) {
	m := monitor.New(monitor.Options{Log: d.log, Jitter: d.cfg.Schedule.Jitter.Duration})
	jobs := []monitor.Job{
		{Name: monitor.JobDNSBL, Schedule: d.cfg.Schedule.DNSBLTimes, First: true, Timeout: RoundTimeout, Run: d.round},
		{Name: monitor.JobNamed, Gap: namedGap, Timeout: 10 * time.Minute, Run: d.askNamed},
		{Name: monitor.JobAwait, Schedule: monitor.Every(tickEvery), Timeout: RoundTimeout, Run: d.askAwaited},
		{Name: monitor.JobTick, Schedule: monitor.Every(tickEvery), Run: d.tick},
		{Name: monitor.JobAgain, Schedule: monitor.Every(tickEvery), Timeout: expandTimeout, Run: d.expandAgain},
		{Name: monitor.JobJudge, Gap: judgeGap, Run: d.judge},
		{Name: monitor.JobVendors, Schedule: monitor.Every(frontsEvery), First: true, Timeout: 10 * time.Minute, Run: d.learnFronts},
	}
	if len(d.followers.channels) > 0 {
		jobs = append(jobs, monitor.Job{Name: monitor.JobFollow, Schedule: monitor.Every(alerts.FollowEvery), First: true, Timeout: followTimeout, Run: d.follows})
	}
	jobs = append(jobs, monitor.Job{Name: monitor.JobForget, Schedule: monitor.Every(forgetEvery), First: true, Timeout: forgetTimeout, Run: d.forget})
	if d.cfg.Backup.Dir != "" {
		_, last := wiring.NewestBackup(d.cfg.Backup)
		jobs = append(jobs, monitor.Job{Name: monitor.JobBackup, Schedule: d.cfg.Backup.Times, First: true, Last: last, Timeout: backupTimeout, Run: d.backUp})
	}
	if d.cfg.Report.Schedule != "" {
		jobs = append(jobs, monitor.Job{Name: monitor.JobReport, Schedule: monitor.Every(tickEvery), First: true, Timeout: reportTimeout, Run: d.reports})
	}
	if last, ok, err := d.db.LastCompleteRun(context.Background(), monitor.JobDNSBL); err != nil {
		return nil, err
	} else if ok {
		jobs[0].Last = last.Started
	}
	rating, err := d.raters.jobs(context.Background(), d)
	if err != nil {
		return nil, err
	}
	knocking, ok, err := d.doors.job(context.Background(), d)
	if err != nil {
		return nil, err
	} else if ok {
		jobs = append(jobs, knocking)
	}
	looking, ok, err := d.ownJob(context.Background())
	if err != nil {
		return nil, err
	} else if ok {
		jobs = append(jobs, looking)
	}
	if published, ok := d.identityJob(); ok {
		jobs = append(jobs, published)
	}
	for _, j := range append(jobs, rating...) {
		j.Run = d.limited(j)
		if err := m.Add(j); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// limited is a job that is held to be stuck when it does not end in its time.
func (d *Daemon) limited(j monitor.Job) func(context.Context, time.Time) error {
	return func(ctx context.Context, slot time.Time) error {
		defer d.pulse.work("job "+j.Name, j.Timeout+jobLimit)()
		return j.Run(ctx, slot)
	}
}

// Run holds the database and works until ctx ends, then stops within
// [monitor.StopTimeout]. It returns nil if it was told to stop.
func (d *Daemon) Run(ctx context.Context) error {
	lease, err := d.db.Lease(ctx, "reputed "+d.version, leaseTTL, time.Now())
	if err != nil {
		return err
	}
	d.log.LogAttrs(ctx, slog.LevelInfo, "started", slog.String("version", d.version), slog.Int("targets", d.watch.Load().targets.Len()),
		slog.Int("lists", len(d.cfg.Blocklists.Zones)), slog.Int("mailboxes", len(d.mailboxes)), slog.Int("logs", len(d.logs)), slog.Int("channels", len(d.deliverer.Channels)))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d.note(ctx, partConfig, nil) // it works
	if d.cfg.Backup.Dir == "" {
		d.note(ctx, partBackup, nil)
	}
	var wg sync.WaitGroup
	d.service.Ready()
	d.sayStatus(ctx)
	d.pulse.beat("scheduler", tickLimit)
	wg.Go(func() { d.service.feed(ctx, d.pulse.stuck) })
	wg.Go(func() {
		if err := d.holdLease(ctx, lease); err != nil {
			cancel(err)
		}
	})
	wg.Go(func() { d.deliverer.Run(ctx) })
	for _, channel := range d.deliverer.Channels {
		if l, ok := channel.(alerts.Listener); ok {
			wg.Go(func() { l.Listen(ctx, d.pressed) })
		}
	}
	wg.Go(func() { d.serve(ctx) })
	d.expandFirst(ctx) // before mails are read: they are laid at addresses once and for all
	for _, m := range d.mailboxes {
		wg.Go(func() { d.read(ctx, m) })
	}
	for _, l := range d.logs {
		wg.Go(func() { d.readLog(ctx, l) })
	}
	stuck := d.monitor.Run(ctx) // returns after ctx ends, in bounded time
	if stuck != nil {
		// A job that ignores its end may hold what the others wait for; the process ends without them.
		return stuck
	}
	wg.Wait() // nothing started here outlives this line
	last, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer done()
	if err := lease.Release(last); err != nil {
		d.log.LogAttrs(ctx, slog.LevelWarn, "lease not released", slog.Any("err", err))
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// holdLease renews the lease until ctx ends, or gives the reason why another
// daemon has it now.
func (d *Daemon) holdLease(ctx context.Context, lease *store.Lease) error {
	ticker := time.NewTicker(leaseTTL / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		done := d.pulse.work("database", leaseLimit)
		err := lease.Renew(ctx, time.Now())
		done()
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, store.ErrLeaseLost):
			return err
		default:
			d.log.LogAttrs(ctx, slog.LevelWarn, "lease not renewed", slog.Any("err", err))
			d.unable(ctx, nil, err)
		}
	}
}

// read reads one mailbox until ctx ends.
func (d *Daemon) read(ctx context.Context, m *mailbox) {
	m.mu.Lock()
	m.began = time.Now()
	m.mu.Unlock()
	for ctx.Err() == nil {
		d.signOf(m)
		var err error
		if m.spool != nil {
			err = d.watchSpool(ctx, m)
		} else {
			err = d.watchMailbox(ctx, m)
		}
		if ctx.Err() == nil {
			d.log.LogAttrs(ctx, slog.LevelWarn, "mailbox not read", slog.String("mailbox", m.name), slog.Any("err", err), slog.Duration("again_in", positionRetry))
			monitor.Sleep(ctx, positionRetry)
		}
	}
}

// signOf says that a mailbox is looked at, well or not.
func (d *Daemon) signOf(m *mailbox) { d.pulse.beat("mailbox "+m.name, m.poll+readerPatience) }

// watchMailbox reads a mailbox over IMAP until ctx ends, or gives why it cannot begin.
func (d *Daemon) watchMailbox(ctx context.Context, m *mailbox) error {
	position, err := d.db.Position(ctx, m.name)
	if err != nil {
		return err
	}
	return m.probe.Watch(ctx, position,
		func(ctx context.Context, b probes.Batch) error { return d.intake(ctx, m.name, b) },
		func(s probes.MailboxState) { d.mailboxState(ctx, m, s) })
}
