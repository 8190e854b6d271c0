package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/checks/acceptance"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/wiring"
	"reputed/probes"
)

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
		servers, err := wiring.OwnServers(cfg, nil)
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
		visits := acceptance.LookAll(c.Context(), resolver, servers, cfg.Acceptance.Outside)
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
