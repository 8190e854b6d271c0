package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/checks/acceptance"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
	"reputed/probes"
)

const (
	// ownEvery is how often they are looked at: certificates end by the day, and the refusals fill their logs.
	ownEvery   = 6 * time.Hour
	ownTimeout = time.Hour
	ownAtOnce  = 4
)

// ownServers are the servers of the configuration; it connects to nothing.
func ownServers(cfg *config.Config, log *slog.Logger) (acceptance.Servers, error) {
	helo := cfg.Acceptance.Helo
	if helo == "" {
		helo = "reputed.invalid" // RFC 2606: our own servers may see that nobody has given it a name
	}
	var all acceptance.Servers
	for _, s := range cfg.Acceptance.Own {
		roots, err := wiring.Authorities(s.CAFile)
		if err != nil {
			return nil, &config.Invalid{Err: fmt.Errorf("[[acceptance.own]] %s: %w", s.Host, err)}
		}
		opts := probes.ReceiverOptions{Helo: helo, Roots: roots, Log: log}
		if s.From != "" {
			opts.From, _ = netip.ParseAddr(s.From) // which was checked
		}
		visitor, err := probes.NewReceiver(opts)
		if err != nil {
			return nil, &config.Invalid{Err: err}
		}
		host, port := config.SplitHost(s.Host)
		all = append(all, acceptance.Own{Host: host, Port: port, Closed: s.Expect == config.ExpectClosed, StartTLS: s.StartTLS, Relay: s.Relay, Postmaster: s.Postmaster, Domains: s.Domains, Visitor: visitor})
	}
	return all, nil
}

// lookAt looks at servers, a few at once, and gives what was seen in their order.
func lookAt(ctx context.Context, asker acceptance.Asker, servers acceptance.Servers, outside string) []acceptance.OwnVisit {
	visits := make([]acceptance.OwnVisit, len(servers))
	slots := make(chan struct{}, ownAtOnce)
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			visits[i] = acceptance.Look(ctx, asker, s, outside)
		})
	}
	wg.Wait()
	return visits
}

// ownJob is the job of looking at our own servers; false: there are none.
func (d *daemon) ownJob(ctx context.Context) (monitor.Job, bool, error) {
	if len(d.own) == 0 {
		return monitor.Job{}, false, nil
	}
	last, _, err := d.db.LastRun(ctx, monitor.JobOwn)
	return monitor.Job{Name: monitor.JobOwn, Schedule: monitor.Every(ownEvery), Jitter: d.cfg.Acceptance.Jitter.Duration, First: true, Last: last.Started, Timeout: ownTimeout, Run: d.lookAtOwn}, true, err
}

// lookAtOwn looks at all servers of our own and commits what follows.
func (d *daemon) lookAtOwn(ctx context.Context, _ time.Time) error {
	return d.asRun(ctx, monitor.JobOwn, func(ctx context.Context, now time.Time, first bool) (store.Summary, error) {
		known, err := d.db.Known(ctx, acceptance.OwnCheck)
		if err != nil {
			return store.Summary{}, err
		}
		visits := lookAt(ctx, d.asker, d.own, d.cfg.Acceptance.Outside)
		if ctx.Err() != nil {
			return store.Summary{}, ctx.Err()
		}
		var news []checks.Finding
		findings := acceptance.JudgeOwn(visits, now)
		for _, f := range findings {
			if _, told := known[f.Key]; told || f.Status == checks.Problem {
				news = append(news, f)
			}
		}
		summary := store.Summary{Targets: len(visits), Questions: len(findings)}
		if len(news) == 0 {
			return summary, nil
		}
		return summary, d.commit(ctx, store.Batch{}, news, first)
	})
}

func (a *app) relayCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "relay [HOST...]",
		Short: "Test your own mail servers: open relay, STARTTLS, certificate, postmaster",
		Long: `Asks the servers under [[acceptance.own]], or some of them, what a spammer would ask:
whether they take mail of strangers for strangers, in each of the classic forms of
address, up to RCPT TO and no further. No message is sent. Any other host is refused,
and nothing is sent to it. Run it from an address that the servers do not relay for.

Exit code: 2 something critical or major, 1 something minor, 3 most is not known, else 0.`,
		Example: `  reputed relay
  reputed relay mx1.example.org --format json`,
		Args: args(0, -1, "servers under [[acceptance.own]]"),
	}
	form := formatFlag(c, report.Text, report.JSON)
	c.RunE = func(c *cobra.Command, hosts []string) error {
		cfg, err := a.loadConfig(config.Skip)
		if err != nil {
			return err
		}
		servers, err := ownServers(cfg, nil)
		if err != nil {
			return err
		}
		if len(servers) == 0 {
			return &exitError{exitConfig, errors.New("there is no server of yours: name one under [[acceptance.own]] (docs/acceptance.md)")}
		}
		if len(hosts) > 0 {
			var chosen acceptance.Servers
			for _, h := range hosts {
				s, err := servers.Find(h)
				if err != nil {
					return err
				}
				chosen = append(chosen, s)
			}
			servers = chosen
		}
		resolver, err := wiring.Resolver(cfg, a.authorityPort, nil)
		if err != nil {
			return err
		}
		now := time.Now()
		visits := lookAt(c.Context(), resolver, servers, cfg.Acceptance.Outside)
		o := ownReport(visits, now)
		if err := o.Write(a.stdout, a.term(), *form); err != nil {
			return err
		}
		return exitWith(o.Level())
	}
	return c
}

// ownReport puts what was seen of our own servers into the words of a report.
func ownReport(visits []acceptance.OwnVisit, now time.Time) report.OwnServers {
	o := report.OwnServers{Now: now}
	for _, v := range acceptance.Doubted(visits) {
		s := report.OwnServer{Host: v.Server.Name(), Findings: v.Findings(now), Talks: talksOf(v.Visits)}
		for _, t := range v.Forms {
			verdict := report.FormRefused
			switch {
			case !t.Proves:
				verdict = report.FormNothing
			case t.Taken:
				verdict = report.FormRelays
			}
			s.Forms = append(s.Forms, report.RelayForm{Name: t.Form.Name, Sender: t.Form.Sender, Recipient: t.Form.Recipient, Reply: t.Reply, Verdict: verdict})
		}
		o.All = append(o.All, s)
	}
	return o
}

func (a *app) egressCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "egress",
		Short: "Test that this host cannot reach port 25 outside",
		Long: `Run it on a host that must not send mail by itself: a web server, a desktop, a customer's
machine. It tries to connect to the servers in [acceptance] egress and says nothing to
them but QUIT. Whoever gets through could spread spam from your network.

Exit code: 2 one of them is reached, 0 none is, 3 it could not be tried.`,
		Example: `  reputed egress --config /etc/reputed/config.toml`,
		Args:    args(0, 0, "no arguments"),
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := a.loadConfig(config.Skip)
		if err != nil {
			return err
		}
		if len(cfg.Acceptance.Egress) == 0 {
			return &exitError{exitConfig, errors.New("nothing to try: name mail servers of yours elsewhere in [acceptance] egress")}
		}
		resolver, err := wiring.Resolver(cfg, a.authorityPort, nil)
		if err != nil {
			return err
		}
		level := report.LevelOK
		for _, line := range tryEgress(c.Context(), resolver, cfg.Acceptance.Egress) {
			fmt.Fprintln(a.stdout, line.text)
			if level != report.LevelCritical && line.level != report.LevelOK { // what is known comes before what is not
				level = line.level
			}
		}
		return exitWith(level)
	}
	return c
}

// egressLine is what came of one server.
type egressLine struct {
	text  string
	level report.Level
}

// egressPatience is how long a firewall that drops is waited for.
const egressPatience = 10 * time.Second

// tryEgress connects to servers and says of each what came of it.
func tryEgress(ctx context.Context, asker acceptance.Asker, servers []string) (lines []egressLine) {
	visitor, err := probes.NewReceiver(probes.ReceiverOptions{Helo: "reputed.invalid", Visit: 2 * egressPatience, Reply: egressPatience})
	for _, s := range servers {
		host, port := config.SplitHost(s)
		name := net.JoinHostPort(host, strconv.Itoa(int(port)))
		if err != nil {
			return []egressLine{{err.Error(), report.LevelUnknown}}
		}
		v, why := acceptance.Reach(ctx, asker, visitor, acceptance.Host{Name: host, Port: port})
		switch {
		case why != "":
			lines = append(lines, egressLine{checks.Line(fmt.Sprintf("UNKNOWN: %s was not tried: %s", name, why), 300), report.LevelUnknown})
		case acceptance.Unreached(v):
			lines = append(lines, egressLine{checks.Line(fmt.Sprintf("OK: %s is not reached from here: %v", name, v.Err), 300), report.LevelOK})
		default:
			lines = append(lines, egressLine{checks.Line(fmt.Sprintf("CRITICAL: %s is reached from here, from %s: close port 25 to the outside for this host in the firewall", name, v.From), 300), report.LevelCritical})
		}
	}
	return lines
}
