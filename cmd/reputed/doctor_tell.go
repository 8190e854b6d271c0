package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/expand"
	"reputed/internal/report"
	"reputed/internal/wiring"
)

// channelLooks are one for each channel, and one for the heartbeat.
func (p *patient) channelLooks() (all []look) {
	const area = "channels"
	for _, c := range p.cfg.AllChannels() {
		all = append(all, look{area, func(ctx context.Context) []report.Symptom { return p.lookAtChannel(ctx, c) }})
	}
	if len(all) == 0 {
		all = append(all, look{area, func(context.Context) []report.Symptom {
			return []report.Symptom{{Is: report.Absent, Says: "nobody is told of anything: with a channel the person on call hears of a listing within minutes", Do: "add a channel, such as [[slack]] or [[email]], and try it with reputed drill"}}
		}})
	}
	return append(all, look{"heartbeat", p.lookAtHeartbeat})
}

// lookAtChannel connects, and logs in where that tells nobody anything.
func (p *patient) lookAtChannel(ctx context.Context, c config.Channel) (all []report.Symptom) {
	n, made := p.channels[c.Name]
	if !made || n == nil {
		return []report.Symptom{{Is: report.Broken, Says: fmt.Sprintf("channel %s (%s) could not be made", c.Name, c.Kind), Do: "mend its table"}}
	}
	drill := "reputed drill --channel " + c.Name
	r, can := n.(alerts.Reacher)
	if !can {
		return []report.Symptom{{Is: report.Unclear, Says: fmt.Sprintf("channel %s (%s) cannot be tried without a message", c.Name, c.Kind), Do: drill}}
	}
	reached, err := r.Reach(ctx)
	switch {
	case ctx.Err() != nil:
		all = append(all, unclear("channel "+c.Name, ctx.Err()))
	case errors.Is(err, alerts.ErrRefused):
		all = append(all, report.Symptom{Is: report.Broken, Says: fmt.Sprintf("channel %s (%s) refuses: %v", c.Name, c.Kind, err), Do: "mend it: nobody hears of anything by it"})
	case err != nil:
		all = append(all, report.Symptom{Is: report.Broken, Says: fmt.Sprintf("channel %s (%s) is not reached: %v", c.Name, c.Kind, err), Do: "mend it, or the way there (firewall, DNS); alerts wait meanwhile"})
	case reached.Login:
		all = append(all, sound("channel %s (%s) is reached, and takes the credentials", c.Name, c.Kind))
	default:
		all = append(all, report.Symptom{Is: report.Sound, Says: fmt.Sprintf("channel %s (%s) is reached; only a message shows whether it takes alerts", c.Name, c.Kind), Do: drill})
	}
	return append(all, p.delivered(ctx, c)...)
}

// delivered says how the daemon gets on with a channel.
func (p *patient) delivered(ctx context.Context, c config.Channel) []report.Symptom {
	if p.db == nil {
		return nil
	}
	stored, err := p.db.Channels(ctx)
	if err != nil {
		return nil // what is wrong with the database is told with it
	}
	for _, s := range stored {
		switch {
		case s.Name != c.Name:
		case s.LastRefused.After(s.LastSent):
			return []report.Symptom{{Is: report.Broken, Says: fmt.Sprintf("channel %s refused an alert at %s: %s", c.Name, s.LastRefused.UTC().Format(time.RFC3339), s.LastError), Do: "mend it, and try it with reputed drill --channel " + c.Name}}
		case s.Queued > 0 && p.now.Sub(s.Oldest) > daemon.Patience:
			return []report.Symptom{{Is: report.Broken, Says: fmt.Sprintf("channel %s: %s wait since %s: %s", c.Name, checks.Plural(s.Queued, "alert"), s.Oldest.UTC().Format(time.RFC3339), s.LastError), Do: "mend it; they are told once it takes them"}}
		}
	}
	return nil
}

func (p *patient) lookAtHeartbeat(ctx context.Context) []report.Symptom {
	heart, err := wiring.Heart(p.cfg)
	switch {
	case err != nil:
		return []report.Symptom{{Is: report.Broken, Says: err.Error(), Do: "mend [heartbeat]"}}
	case heart == nil:
		return []report.Symptom{{Is: report.Absent, Says: "nobody notices if this monitor dies: with a heartbeat a service elsewhere does, when the call after a round does not come", Do: "set [heartbeat] url"}}
	}
	if _, err := heart.Reach(ctx); ctx.Err() != nil {
		return []report.Symptom{unclear("heartbeat", ctx.Err())}
	} else if err != nil {
		return []report.Symptom{{Is: report.Broken, Says: err.Error(), Do: "mend it, or the service will say that this monitor is dead"}}
	}
	return []report.Symptom{sound("heartbeat: its server is reached; no call was made")}
}

const (
	// clockDoubt and clockBad are how far the clock may be off: times of mails, logs and lists are compared.
	clockDoubt = 5 * time.Second
	clockBad   = time.Minute
)

// lookAtClock asks the kernel whether the clock is kept, and else compares it with what channels say.
func (p *patient) lookAtClock(ctx context.Context) []report.Symptom {
	const mend = "let chrony, systemd-timesyncd or ntpd keep it"
	kept, within, known := kernelClock()
	if known && kept {
		return []report.Symptom{sound("the kernel says that the clock is kept, and off by %s at most", within.Round(time.Millisecond))}
	}
	var off time.Duration
	var by string
	for _, c := range p.cfg.AllChannels() {
		r, can := p.channels[c.Name].(alerts.Reacher)
		if !can || ctx.Err() != nil {
			continue
		}
		before := time.Now()
		reached, err := r.Reach(ctx)
		if err != nil || reached.Clock.IsZero() {
			continue
		}
		// The server's seconds are cut off: it meant any time within one, while it was on its way.
		off, by = beyond(reached.Clock, reached.Clock.Add(time.Second), before, time.Now()), c.Name
		break
	}
	state := "this system does not say whether the clock is kept"
	if known {
		state = "the kernel says that nobody keeps the clock"
	}
	switch {
	case by == "":
		return []report.Symptom{{Is: report.Unclear, Says: state + ", and no channel says what time it is", Do: mend + "; timedatectl or chronyc tracking shows how it stands"}}
	case off >= clockBad:
		return []report.Symptom{{Is: report.Broken, Says: fmt.Sprintf("the clock is %s off from that of channel %s; %s", off.Round(time.Second), by, state), Do: mend}}
	case off >= clockDoubt:
		return []report.Symptom{{Is: report.Doubtful, Says: fmt.Sprintf("the clock is %s off from that of channel %s; %s", off.Round(time.Second), by, state), Do: mend}}
	case known:
		return []report.Symptom{{Is: report.Doubtful, Says: fmt.Sprintf("the clock agrees with that of channel %s; but %s", by, state), Do: mend}}
	}
	return []report.Symptom{sound("the clock agrees with that of channel %s", by)}
}

// beyond is how far two spans of time are apart; 0 if they touch.
func beyond(a, b, c, d time.Time) time.Duration {
	switch {
	case a.After(d):
		return a.Sub(d)
	case c.After(b):
		return c.Sub(b)
	}
	return 0
}

// usedBack is how far back it is looked which addresses are used.
const usedBack = 30 * 24 * time.Hour

const (
	// usedShown is how many addresses are named in one line, and silentMost up to how many
	// watched ones it is worth a look that some send nothing: of a large network many are spare.
	usedShown  = 5
	silentMost = 256
)

// lookAtAddresses compares what is watched with where mail really leaves from.
func (p *patient) lookAtAddresses(ctx context.Context) (all []report.Symptom) {
	if p.db == nil {
		return []report.Symptom{{Is: report.Absent, Says: "not known: that is seen in what the daemon has read", Do: "start the daemon"}}
	}
	sources := p.cfg.Sources()
	known := map[config.Source][]string{}
	for i, o := range expand.Each(ctx, p.resolver, sources) {
		if o.Err != nil {
			return []report.Symptom{unclear("which addresses are watched", o.Err)}
		}
		known[sources[i]] = o.Words
	}
	watched, err := p.cfg.TargetsWith(func(s config.Source) []string { return known[s] })
	if err != nil {
		return []report.Symptom{unclear("which addresses are watched", err)}
	}
	used, counted, err := p.db.UsedAddresses(ctx, p.now.Add(-usedBack))
	if err != nil {
		return []report.Symptom{unclear("which addresses are used", err)}
	}
	slices.SortFunc(used, func(a, b usedAddress) int { return b.Mails - a.Mails })
	sends := map[string]bool{}
	shown, left := 0, 0
	for _, u := range used {
		t := checks.Address(u.Addr)
		sends[t.ID()] = u.Mails > 0
		if _, ok := watched.Find(t); ok {
			continue
		}
		if shown++; shown > usedShown {
			left++
			continue
		}
		all = append(all, report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("mail leaves from %s, which you do not watch: %s in 30 days, last %s, as refusals tell", u.Addr, checks.Plural(u.Mails, "mail"), u.Last.UTC().Format("2006-01-02 15:04")),
			Do: "add it to the addresses of an [[outbound]], if it is yours"})
	}
	if left > 0 {
		all = append(all, report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("and from %d more", left), Do: "add them too"})
	}
	return append(all, p.silent(watched, sends, counted)...)
}

// silent says which of the watched addresses sent nothing.
func (p *patient) silent(watched checks.Targets, sends map[string]bool, counted bool) []report.Symptom {
	total, n := 0, 0
	var first []string
	for t := range watched.All() {
		if t.Kind != checks.KindAddress {
			continue
		}
		if total++; !sends[t.ID()] {
			if n++; n <= usedShown {
				first = append(first, t.String())
			}
		}
	}
	switch {
	case total == 0:
		return nil
	case !counted && len(p.cfg.MailLogs) > 0:
		return []report.Symptom{{Is: report.Absent, Says: "whether watched addresses send is not known: no delivery from one stands in what was read of the mail logs",
			Do: "wait until mail has been sent; if it has, name its server in hosts of [[outbound]], or the address in sources of the [[maillog]]"}}
	case !counted:
		return []report.Symptom{{Is: report.Absent, Says: "whether watched addresses send is not known, as no mail log tells of deliveries", Do: "add a [[maillog]]"}}
	case n == 0:
		return []report.Symptom{sound("%s watched, and each sends mail", checks.Plural(total, "address"))}
	}
	s := report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("%d of %s watched sent nothing in 30 days: %s", n, checks.Plural(total, "address"), expand.Some(first)),
		Do: "leave out what you do not send from; if it does send, read its log or name it in sources of the [[maillog]]"}
	if n > len(first) {
		s.Says += fmt.Sprintf(" and %d more", n-len(first))
	}
	if total > silentMost && n < total {
		s.Is = report.Sound
	}
	return []report.Symptom{s}
}
