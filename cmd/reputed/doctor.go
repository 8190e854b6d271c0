package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/config"
	"reputed/internal/expand"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
	"reputed/probes"
)

func (a *app) doctorCommand() *cobra.Command {
	var limit time.Duration
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look at everything that this monitor needs, and say what to do",
		Long: `Looks at the configuration, the targets, the resolver, the lists, mailboxes, mail logs,
channels, the database, the daemon, the clock, and the addresses that mail really leaves from,
all at once: what is dead holds up its own lines only. It changes nothing, reads no
mail, and tells no channel anything: "reputed drill" sends a rehearsal.

Run it as the user of the daemon, or what only that one may read is told as broken.

Exit code: 2 something is bad, 1 something is to be looked at, 3 something could not be
found out, else 0. What is not configured plays no part.`,
		Example: `  reputed doctor
  reputed doctor --format json
  reputed doctor --format plugin      one line for Icinga, Nagios or Checkmk`,
		Args: args(0, 0, "no arguments"),
	}
	form := formatFlag(c, report.Text, report.JSON, report.TSV, report.Plugin)
	c.Flags().DurationVar(&limit, "timeout", doctorLimit, "how long each thing may take, `DURATION`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if limit < time.Second {
			return usageError(c, errors.New("--timeout: give each at least a second"))
		}
		r := a.doctor(c.Context(), limit)
		if err := r.Write(a.stdout, a.term(), *form); err != nil {
			return err
		}
		return exitWith(r.Level())
	}
	return c
}

const (
	// doctorLimit is how long each thing may take: longer than any single question or login.
	doctorLimit = 30 * time.Second
	// doctorGrace is how long is waited for whatever does not hear that its time is over, such as a
	// file on a dead network file system.
	doctorGrace = time.Second
)

// look is one thing that the doctor looks at. It ends with its context, in symptoms that may say so.
type look struct {
	area string
	at   func(ctx context.Context) []report.Symptom
}

// patient is what the doctor looks at. It is read by all looks at once and changed by none.
type patient struct {
	*app
	cfg      *config.Config
	log      *slog.Logger // of the parts that are made: nobody reads it
	db       *store.DB    // for reading; nil: there is none, or it cannot be read
	dbErr    error
	resolver *probes.Resolver
	rules    *bounce.Rules
	channels map[string]alerts.Notifier
	now      time.Time
}

// doctor looks at everything, in the order in which one thing needs another.
func (a *app) doctor(ctx context.Context, limit time.Duration) report.Doctor {
	r := report.Doctor{Started: time.Now()}
	cfg, symptoms := a.lookAtConfiguration()
	r.Symptoms = symptoms
	p := &patient{app: a, cfg: cfg, log: slog.New(slog.DiscardHandler), now: r.Started}
	looks := p.prepare(ctx, &r)
	defer func() {
		if p.db != nil {
			_ = p.db.Close()
		}
	}()
	for _, found := range lookAtAll(ctx, looks, limit) {
		r.Symptoms = append(r.Symptoms, found...)
	}
	r.Ended = time.Now()
	return r
}

// prepare makes the parts, as the daemon does, and says what is to be looked at. What cannot be
// made is a symptom.
func (p *patient) prepare(ctx context.Context, r *report.Doctor) []look {
	broken := func(area string, err error) {
		r.Symptoms = append(r.Symptoms, report.Symptom{Area: area, Is: report.Broken, Says: err.Error(), Do: "mend the configuration; reputed config check says where"})
	}
	opening, done := context.WithTimeout(ctx, doctorLimit)
	defer done()
	p.db, p.dbErr = store.OpenReadOnly(opening, p.cfg.Database.Path)
	var err error
	if p.rules, err = wiring.Rules(p.cfg); err != nil {
		broken("configuration", err)
	}
	looks := []look{{"targets", p.lookAtTargets}, {"resolver", p.lookAtResolvers}, {"lists", p.lookAtLists}}
	if p.resolver, err = wiring.Resolver(p.cfg, p.authorityPort, nil); err != nil {
		broken("resolver", err)
		looks = nil
	}
	looks = append(looks, p.mailboxLooks()...)
	looks = append(looks, p.logLooks()...)
	if p.channels, err = wiring.Channels(p.cfg, nil, p.log); err != nil {
		broken("channels", err)
		p.channels = nil
	}
	looks = append(looks, p.channelLooks()...)
	return append(looks, look{"database", p.lookAtDatabase}, look{"daemon", p.lookAtDaemon}, look{"clock", p.lookAtClock}, look{"addresses", p.lookAtAddresses})
}

// lookAtAll looks at everything at once, each for at most so long, and gives what was found in their order.
func lookAtAll(ctx context.Context, looks []look, limit time.Duration) [][]report.Symptom {
	found := make([][]report.Symptom, len(looks))
	var wg sync.WaitGroup
	for i, l := range looks {
		wg.Go(func() { found[i] = l.within(ctx, limit) })
	}
	wg.Wait()
	return found
}

// within gives a look its time. What hangs beyond it is left behind: the process ends soon.
func (l look) within(ctx context.Context, limit time.Duration) []report.Symptom {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan []report.Symptom, 1)
	go func() {
		defer func() {
			if fault := recover(); fault != nil {
				done <- []report.Symptom{{Area: l.area, Is: report.Unclear, Says: "looking failed: " + checks.Fault(fault), Do: "report this"}}
			}
		}()
		done <- l.at(ctx)
	}()
	last := time.NewTimer(limit + doctorGrace)
	defer last.Stop()
	select {
	case found := <-done:
		for i := range found {
			found[i].Area = l.area
		}
		return found
	case <-last.C:
		return []report.Symptom{{Area: l.area, Is: report.Unclear, Says: fmt.Sprintf("no answer within %s", limit), Do: "something that it reads hangs, such as a network file system; try again with a longer --timeout"}}
	}
}

// unclear is that something could not be found out.
func unclear(what string, err error) report.Symptom {
	if errors.Is(err, context.DeadlineExceeded) {
		return report.Symptom{Is: report.Unclear, Says: what + ": no answer in time", Do: "try again, with a longer --timeout if need be"}
	}
	return report.Symptom{Is: report.Unclear, Says: what + ": " + err.Error(), Do: "try again; if it stays so, mend what the message says"}
}

func sound(format string, args ...any) report.Symptom {
	return report.Symptom{Is: report.Sound, Says: fmt.Sprintf(format, args...)}
}

// configMistakes is how many mistakes of a configuration are told one by one.
const configMistakes = 20

// lookAtConfiguration reads the file as the daemon does. What could be read of a broken one is looked at
// all the same.
func (a *app) lookAtConfiguration() (cfg *config.Config, all []report.Symptom) {
	const area, mend = "configuration", "mend it; reputed config check reads it again"
	add := func(is report.Soundness, says, do string) {
		all = append(all, report.Symptom{Area: area, Is: is, Says: says, Do: do})
	}
	path := a.configFile()
	cfg, err := config.Load(path, config.LoadOptions{Secrets: config.Resolve})
	var wrong *config.Error
	switch {
	case err == nil && path == "":
		add(report.Doubtful, "there is none, and without one nothing is watched", "write "+defaultConfig+", or name another with --config")
	case errors.As(err, &wrong):
		for i, m := range wrong.Mistakes {
			if i == configMistakes {
				add(report.Broken, fmt.Sprintf("and %d more mistakes", len(wrong.Mistakes)-i), mend)
				break
			}
			add(report.Broken, m.String(), mend)
		}
		cfg, _ = config.Load(path, config.LoadOptions{Secrets: config.Resolve, Partial: true})
	case errors.Is(err, fs.ErrPermission):
		add(report.Broken, err.Error(), "run this as the user of the daemon")
	case err != nil:
		add(report.Broken, err.Error(), mend)
	}
	if cfg == nil {
		if cfg, err = config.Default(); err != nil {
			add(report.Broken, err.Error(), "the program was built wrongly; install it again")
			cfg = &config.Config{}
		}
	}
	if wrong == nil && err == nil && path != "" {
		warnings, missing := cfg.ReadyToRun()
		if errors.As(missing, &wrong) {
			for _, m := range wrong.Mistakes {
				add(report.Broken, m.String(), mend)
			}
		} else {
			all = append([]report.Symptom{{Area: area, Is: report.Sound, Says: fmt.Sprintf("%s is valid, and its secrets are there", path)}}, all...)
		}
		for _, w := range append(cfg.Warnings, warnings...) {
			add(report.Doubtful, w, "")
		}
	}
	return cfg, all
}

// lookAtTargets finds out what the names, records and files that stand for addresses stand for now.
func (p *patient) lookAtTargets(ctx context.Context) (all []report.Symptom) {
	sources := p.cfg.Sources()
	for i, o := range expand.Each(ctx, p.resolver, sources) {
		if o.Err != nil {
			f := expand.Missed(sources[i], o.Err)
			all = append(all, report.Symptom{Is: report.Broken, Says: f.Summary, Do: f.Facts[checks.FactInstruction]})
			continue
		}
		all = append(all, sound("%s is %s", sources[i], o))
		if n := len(o.Left); n > 0 {
			all = append(all, report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("%s: %s", sources[i], o.Left[0]), Do: "name what you send from in addresses"})
		}
	}
	ts, err := p.cfg.LocalTargets()
	switch addresses, domains := countKind(ts, checks.KindAddress), countKind(ts, checks.KindDomain); {
	case err != nil:
		all = append(all, report.Symptom{Is: report.Broken, Says: err.Error(), Do: "mend the configuration"})
	case addresses+domains == 0 && len(sources) == 0:
		all = append(all, report.Symptom{Is: report.Broken, Says: "nothing is watched", Do: `add a table [[outbound]] with addresses = ["192.0.2.10"] of your own`})
	case addresses+domains > 0:
		all = append(all, sound("%s and %s are named", checks.Plural(addresses, "address"), checks.Plural(domains, "domain")))
		if inner := notPublic(ts); inner != "" {
			all = append(all, report.Symptom{Is: report.Doubtful, Says: inner + " is not a public address, so that no list says anything of it", Do: "name the address that receivers see, which is that of the NAT"})
		}
	}
	return all
}
