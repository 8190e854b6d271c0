package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/remedy"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/wiring"
)

func (a *app) drillCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "drill",
		Short: "Send a rehearsal through the channels and say what came of it",
		Long: `Walks an incident that does not exist (opened, worse, resolved) through every
channel of the configuration, or sends one message to one channel. Everything is
marked as a rehearsal. The database is not touched, and nothing is tried again: what
fails here, the daemon would try again, unless it says "refused".

A channel that keeps what is open (PagerDuty, Alertmanager) may page whoever is on
call; it gets the end at once.`,
		Example: `  reputed drill --channel ops
  reputed drill`,
		Args: args(0, 0, ""),
	}
	c.Flags().StringVar(&name, "channel", "", "only the channel of this `NAME`, one message")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := a.loadConfig(config.Resolve)
		if err != nil {
			return err
		}
		all := cfg.AllChannels()
		if len(all) == 0 {
			return &exitError{exitConfig, errors.New("no channel is configured: add one, such as [[slack]] or [[email]]")}
		}
		if name != "" {
			known := make([]string, 0, len(all))
			for _, x := range all {
				known = append(known, x.Name)
			}
			all = slices.DeleteFunc(all, func(x config.Channel) bool { return x.Name != name })
			if len(all) == 0 {
				return usageError(c, fmt.Errorf("no channel is called %q; there are %s", checks.Line(name, 80), strings.Join(known, ", ")))
			}
		}
		return a.drill(c.Context(), cfg, all, name != "")
	}
	return c
}

// step is a part of the story.
type step struct {
	title string
	note  alerts.Notification
}

// drill walks the story through channels, step by step, all channels at once.
func (a *app) drill(ctx context.Context, cfg *config.Config, channels []config.Channel, one bool) error {
	notifiers, err := wiring.Channels(cfg, nil, newLog(a.stderr, cfg.Log))
	if err != nil {
		return &exitError{exitConfig, err}
	}
	steps, err := story(cfg, time.Now().UTC())
	if err != nil {
		return err
	}
	if one {
		last := steps[len(steps)-1]
		steps = steps[:1]
		if alerts.Pages(notifiers[channels[0].Name]) {
			steps = append(steps, last)
		}
	}
	failed := map[string]bool{} // channels
	for i, s := range steps {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		fmt.Fprintf(a.stdout, "%s\n", s.title)
		outcomes := make([]string, len(channels))
		errs := make([]error, len(channels))
		var wg sync.WaitGroup
		for i, c := range channels {
			wg.Go(func() { outcomes[i], errs[i] = alerts.Try(ctx, c.Name, notifiers[c.Name], s.note) })
		}
		wg.Wait()
		for i, c := range channels {
			fmt.Fprint(a.stdout, a.term().Paragraph(fmt.Sprintf("%s (%s): %s", c.Name, c.Kind, outcomes[i])))
			if errs[i] != nil {
				failed[c.Name] = true
			}
		}
		if ctx.Err() != nil {
			if i < len(steps)-1 {
				hangUp(ctx, notifiers, channels, steps[len(steps)-1].note)
			}
			return ctx.Err()
		}
	}
	fmt.Fprint(a.stdout, "\n"+a.term().Paragraph(drilled(channels, failed)))
	if len(failed) > 0 {
		return &exitError{exitMinor, nil}
	}
	return nil
}

// drilled is what came of it, in a sentence.
func drilled(channels []config.Channel, failed map[string]bool) string {
	var deaf []string
	for _, c := range channels {
		if failed[c.Name] {
			deaf = append(deaf, c.Name)
		}
	}
	const look = "; accepted is not seen, so look there."
	switch n, m := len(channels), len(deaf); {
	case m == 0 && n == 1:
		return channels[0].Name + " takes alerts" + look
	case m == 0:
		return fmt.Sprintf("All %d channels take alerts%s", n, look)
	case m == n:
		return "Nobody would hear of anything: " + strings.Join(deaf, ", ") + " took no alerts."
	}
	return fmt.Sprintf("Not all channels take alerts: %s did not.", strings.Join(deaf, ", "))
}

// hangUpLimit is how long somebody who has pressed Ctrl-C is kept waiting.
const hangUpLimit = 5 * time.Second

// hangUp tells the end to channels that would otherwise go on paging for a drill that was
// broken off.
func hangUp(ctx context.Context, notifiers map[string]alerts.Notifier, channels []config.Channel, end alerts.Notification) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUpLimit)
	defer cancel()
	var wg sync.WaitGroup
	for _, c := range channels {
		if n := notifiers[c.Name]; alerts.Pages(n) {
			wg.Go(func() { _ = n.Notify(ctx, end) }) // nobody is there any more to hear of it
		}
	}
	wg.Wait()
}

// story is an incident that does not exist, about an address that nobody has (RFC 5737), as
// channels are told of it.
func story(cfg *config.Config, now time.Time) ([]step, error) {
	book, err := remedy.Load()
	if err != nil {
		return nil, err
	}
	zone := wiring.Lookup(wiring.Named(cfg))
	target := checks.Address(netip.AddrFrom4([4]byte{192, 0, 2, 10}))
	const list, rehearsed = "spamcop", "this did not happen: it is a rehearsal"
	listed := checks.Finding{
		Key: checks.Key{Check: monitor.JobDNSBL, Target: target.ID(), Source: list}, Target: target, Code: checks.CodeListed, Status: checks.Problem,
		Severity: checks.Major, At: now, Summary: "192.0.2.10 is listed by SpamCop",
		Facts:    map[string]string{checks.FactAddress: target.ID(), checks.FactList: list, checks.FactListName: "SpamCop"},
		Evidence: []checks.Evidence{{Question: "10.2.0.192.bl.spamcop.net. A", Answer: "127.0.0.2", Reason: rehearsed, At: now}},
	}
	refused := checks.Finding{
		Key: checks.Key{Check: "bounce", Target: target.ID(), Source: "cisco-talos"}, Target: target, Code: checks.CodeRefused, Status: checks.Problem,
		Severity: checks.Critical, At: now, Summary: "example.net refuses mail from 192.0.2.10 for its reputation (Cisco Talos)",
		Facts:    map[string]string{checks.FactAddress: target.ID(), checks.FactVendor: "Cisco Talos", checks.FactReceiver: "example.net"},
		Evidence: []checks.Evidence{{Question: "mail to example.net at mx.example.net", Answer: "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.", Proof: rehearsed, At: now}},
	}
	inc := alerts.Incident{
		Cause: "target:" + target.ID(), Title: listed.Summary, State: alerts.Open, Severity: checks.Major, Opened: now, Changed: now, LastSeen: now,
		Members: []alerts.Member{{Finding: listed, First: now, Last: now}},
	}
	note := func(kind alerts.ChangeKind, inc alerts.Incident) alerts.Notification {
		return alerts.Notification{
			ID: fmt.Sprintf("rehearsal/%s/%d", kind, now.UnixMicro()), Kind: kind, At: now, Incident: inc, Rehearsal: true,
			Remediation: book.ForAll(inc.OpenFindings(), zone), Command: "reputed drill --help",
		}
	}
	worse, ended := inc, inc
	worse.Severity, worse.Title = checks.Critical, refused.Summary+" (and 1 more finding)"
	worse.Members = []alerts.Member{{Finding: refused, First: now, Last: now}, inc.Members[0]}
	ended.State, ended.Severity, ended.Resolved, ended.Title = alerts.Resolved, worse.Severity, now, worse.Title
	ended.Members = nil
	for _, m := range worse.Members {
		m.Clear = true
		ended.Members = append(ended.Members, m)
	}
	return []step{
		{"An incident opens", note(alerts.Opened, inc)},
		{"It gets worse", note(alerts.Worsened, worse)},
		{"It is over", note(alerts.Ended, ended)},
	}, nil
}
