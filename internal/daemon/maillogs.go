package daemon

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/checks/bounce/maillog"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/internal/wiring"
	"reputed/probes"
)

// mailLog is one log of a mail server and how reading it stands.
type mailLog struct {
	cfg     config.MailLog
	probe   *probes.Log
	options maillog.Options
	reader  *maillog.Reader // of the goroutine that reads
	hosts   map[string]netip.Addr

	mu    sync.Mutex
	state probes.LogState
	began time.Time // when the daemon first tried
	noted time.Time // when the state was last written down
	whole time.Time // when it was last seen to have been read to its end; see sight
}

// newMailLog is a log as the configuration describes it.
func newMailLog(m config.MailLog, cfg *config.Config, rules *bounce.Rules, log *slog.Logger) (*mailLog, error) {
	l, err := wiring.NewMailLog(m, cfg, rules, log)
	if err != nil {
		return nil, err
	}
	return &mailLog{cfg: m, probe: l.Probe, options: l.Options, reader: maillog.New(l.Options), hosts: l.Hosts}, nil
}

// readLog follows one log until ctx ends.
func (d *Daemon) readLog(ctx context.Context, l *mailLog) {
	l.mu.Lock()
	l.began = time.Now()
	l.mu.Unlock()
	for ctx.Err() == nil {
		before, err := d.db.Log(ctx, l.cfg.Name)
		if err == nil {
			if bad := l.reader.Restore(before.State); bad != nil {
				d.log.LogAttrs(ctx, slog.LevelWarn, "what earlier lines of the log told is lost", slog.String("log", l.cfg.Name), slog.Any("err", bad))
			}
			err = l.probe.Watch(ctx, before.Position, // until ctx ends
				func(ctx context.Context, b probes.LogBatch) error { return d.intakeLog(ctx, l, b) },
				func(s probes.LogState) { d.logState(ctx, l, s) })
		}
		if ctx.Err() == nil {
			d.log.LogAttrs(ctx, slog.LevelWarn, "log not read", slog.String("log", l.cfg.Name), slog.Any("err", err), slog.Duration("again_in", positionRetry))
			monitor.Sleep(ctx, positionRetry)
		}
	}
}

// intakeLog reads a batch of lines and commits what they tell together with how far
// the log has been read. An error leaves both as they were, and what the reader
// remembers of earlier lines too: the same lines come again.
func (d *Daemon) intakeLog(ctx context.Context, l *mailLog, b probes.LogBatch) error {
	defer d.pulse.work("log "+l.cfg.Name, handLimit)()
	if !l.cfg.Journal {
		d.pulse.beat("log "+l.cfg.Name, readerPatience)
	}
	remembered, counted := l.reader.State(), l.reader.Stats()
	events := d.readLines(ctx, l, b.Lines)
	now := l.reader.Stats()
	read := store.LogRead{Log: l.cfg.Name, Position: b.Position, State: l.reader.State(), Gap: b.Gap,
		Lines: len(b.Lines), Mail: max(now.Mail-counted.Mail, 0), Unread: max(now.Unread-counted.Unread, 0)}
	read.Events = l.attribute(events, d.watch.Load().ours)
	fresh, err := d.db.CommitLog(ctx, time.Now().UTC(), read)
	if err != nil {
		if bad := l.reader.Restore(remembered); bad != nil {
			d.log.LogAttrs(ctx, slog.LevelWarn, "what earlier lines of the log told is lost", slog.String("log", l.cfg.Name), slog.Any("err", bad))
		}
		return err
	}
	if b.Gap != "" {
		d.log.LogAttrs(ctx, slog.LevelWarn, "something of the log is missing", slog.String("log", l.cfg.Name), slog.String("gap", checks.Line(b.Gap, 300)))
	}
	if len(fresh) == 0 {
		return nil
	}
	asked := false
	for _, i := range fresh {
		e := &read.Events[i]
		asked = d.followTo(e.Target, e.Judgement.Blocklist) || asked
		if aboutIdentity(e.Judgement.Category) {
			d.monitor.Poke(monitor.JobIdentity)
		}
	}
	d.log.LogAttrs(ctx, slog.LevelInfo, "refusals in the log", slog.String("log", l.cfg.Name), slog.Int("refusals", len(fresh)), slog.Int("events", len(events)))
	if asked {
		d.monitor.Poke(monitor.JobNamed)
	}
	d.monitor.Poke(monitor.JobJudge)
	return nil
}

// readLines reads lines, and passes over one that the reader fails on: a daemon that
// dies of it would meet the same line again, for ever.
func (d *Daemon) readLines(ctx context.Context, l *mailLog, lines []probes.LogLine) []maillog.Event {
	remembered := l.reader.State()
	events, fault := l.reader.Try(lines)
	if fault == nil {
		return events
	}
	l.reader = maillog.New(l.options)
	_ = l.reader.Restore(remembered) // what it wrote itself
	events = nil
	for i := range lines {
		some, fault := l.reader.Try(lines[i : i+1])
		if fault != nil {
			d.log.LogAttrs(ctx, slog.LevelError, "the reader failed on a line, please report this", slog.String("log", l.cfg.Name), slog.String("fault", checks.Fault(fault)))
			state := l.reader.State()
			l.reader = maillog.New(l.options)
			_ = l.reader.Restore(state)
		}
		events = append(events, some...)
	}
	return events
}

// judge looks at what logs have told since it was last called.
func (d *Daemon) judge(ctx context.Context, _ time.Time) error {
	return d.commit(ctx, store.Batch{}, nil, false)
}

// attribute says of each event whose mail it is about. Deliveries of one server are
// alike, and there are very many of them.
func (l *mailLog) attribute(events []maillog.Event, ours bounce.Ours) []store.LogEvent {
	type sender struct {
		source       netip.Addr
		host, domain string
	}
	type owner struct{ target, domain string }
	known := map[sender]owner{}
	type way struct{ from, to string }
	sends := map[way]bool{}
	out := make([]store.LogEvent, len(events))
	for i := range events {
		out[i].Event = events[i]
		b := &out[i].Bounce
		if !b.Source.IsValid() {
			b.Source = l.source(&out[i].Event)
		}
		if b.Action == bounce.Failed || b.Action == bounce.Delayed {
			if !ours.Targets.Empty() {
				out[i].Target = bounce.Attribute(b, ours).ID()
			}
			if t, found := ours.Domain(b.Sender); found {
				out[i].Domain = t.ID()
			}
			continue
		}
		k := sender{b.Source, b.ReportingHost, b.Sender}
		o, ok := known[k]
		if !ok {
			if t, found := ours.Domain(b.Sender); found {
				o.domain = t.ID()
			}
			if !ours.Targets.Empty() {
				t := bounce.Attribute(b, ours)
				if o.target = t.ID(); t.Kind == checks.KindReceiver {
					o.target = "" // the receiver of each
				}
			}
			if o.domain == o.target {
				o.domain = ""
			}
			known[k] = o
		}
		out[i].Target, out[i].Domain = o.target, o.domain
		w := way{b.Sender, b.Domain}
		left, ok := sends[w]
		if !ok {
			left = ours.Sends(w.from, w.to)
			sends[w] = left
		}
		out[i].Ours = left
		if o.target == "" && o.domain == "" && !ours.Targets.Empty() {
			out[i].Target = checks.Receiver(b.Domain).ID()
		}
	}
	return out
}

// source is the address that the configuration names for an event: by its tag or a
// beginning of it, by its host, or by what is named for everything else. A tag that spells an address is one without
// being named.
func (l *mailLog) source(e *maillog.Event) netip.Addr {
	tag, host := strings.ToLower(e.Tag), strings.ToLower(e.ReportingHost)
	for tag != "" {
		if a, ok := l.cfg.Sources[tag]; ok {
			return mustAddr(a)
		}
		i := strings.LastIndexByte(tag, '/')
		if i < 0 {
			break
		}
		tag = tag[:i]
	}
	if a := spelled(e.Tag); a.IsValid() {
		return a
	}
	if a, ok := l.cfg.Sources[host]; ok {
		return mustAddr(a)
	}
	if a, ok := l.cfg.Sources[""]; ok {
		return mustAddr(a)
	}
	return l.hosts[host]
}

// spelled is the address that a part of a tag is, "postfix/192.0.2.10/smtp": who sends from thousands of addresses
// names each way out after its own. Hyphens stand for points and colons, which not every log keeps.
func spelled(tag string) netip.Addr {
	for part := range strings.SplitSeq(tag, "/") {
		for _, sign := range []string{"-", ".", ":"} {
			if a, err := netip.ParseAddr(strings.ReplaceAll(part, "-", sign)); err == nil && a.Zone() == "" {
				return a.Unmap()
			}
		}
	}
	return netip.Addr{}
}

// mustAddr reads an address that was validated when the configuration was read.
func mustAddr(s string) netip.Addr {
	a, _ := netip.ParseAddr(s)
	return a
}
