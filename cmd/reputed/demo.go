package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/alerts/slack"
	"reputed/blocklists"
	"reputed/checks/bounce"
	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/lab"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

const (
	// pause between the steps of the rehearsal: enough to read a few lines.
	pause = 2500 * time.Millisecond
	// stepLimit is how long one step may take before it counts as not having happened.
	stepLimit = 20 * time.Second
	// demoQuiet stands in for the day without a refusal that [bounces] quiet asks for.
	demoQuiet = 6 * time.Second
	// demoHistory is for how many hours the mail log goes back, demoRefused how many mails the
	// gateway refuses, and demoTaken how many it takes right before and after the recovery:
	// enough for a share.
	demoHistory, demoRefused, demoTaken = 6, 9, 25
)

func (a *app) demoCommand() *cobra.Command {
	var step, check bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Rehearse the whole job on this machine: listing, refusal, alert, recovery",
		Long: `Starts DNS lists, a bounce mailbox, a mail server's log and a chat on this
machine and the real daemon over them, and walks one story in under half a
minute: all is well, a machine sends spam, SpamCop lists the address, a receiver
behind Cisco refuses it, the alert goes out, the address is delisted, mail is
taken again, the incident ends.

Nothing leaves the machine, nothing is installed, nothing stays.`,
		Example: `  reputed demo
  reputed demo --step          wait for Enter after each step
  reputed demo --check         no pauses; fails if a step did not happen`,
		Args: args(0, 0, ""),
	}
	c.Flags().BoolVar(&step, "step", false, "wait for Enter after each step")
	c.Flags().BoolVar(&check, "check", false, "do not pause; exit with 1 if any step did not happen")
	c.RunE = func(c *cobra.Command, _ []string) error {
		wait := func(ctx context.Context) { monitor.Sleep(ctx, pause) }
		switch {
		case check:
			wait = func(context.Context) {}
		case step:
			lines := bufio.NewReader(a.stdin)
			wait = func(context.Context) {
				fmt.Fprint(a.stdout, "\n[Enter] ")
				_, _ = lines.ReadString('\n')
			}
		}
		return a.rehearse(c.Context(), wait)
	}
	return c
}

// rehearsal is the story under way.
type rehearsal struct {
	app    *app
	config string // path of the daemon's configuration
	out    io.Writer
	width  int
	world  *lab.World
	daemon *daemon.Daemon
	db     *store.DB
	lists  int
	told   chan alerts.Notification // what the chat has said yes to
	shown  int                      // messages of the chat that were shown
	wait   func(context.Context)
	id     int64  // of the incident
	queue  string // id of a mail that the gateway refused
	to     string // its recipient
}

// rehearse sets the world up, walks the story and takes everything down again.
func (a *app) rehearse(ctx context.Context, wait func(context.Context)) (err error) {
	dir, err := os.MkdirTemp("", "reputed-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the rehearsal: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	zones, err := blocklists.Builtin()
	if err != nil {
		return err
	}
	world, err := lab.Start(zones)
	if err != nil {
		return err
	}
	defer world.Close()

	if err := world.KeepLog(dir); err != nil {
		return err
	}
	if err := world.Log.Deliver(time.Now(), demoHistory); err != nil {
		return err
	}

	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(world.Config(filepath.Join(dir, "reputed.db"))), 0o600); err != nil {
		return fmt.Errorf("write the configuration of the rehearsal: %w", err)
	}
	cfg, err := config.Load(path, config.LoadOptions{Env: world.Env})
	if err != nil {
		return err
	}
	lab.Unpaced(cfg.Blocklists.Zones, cfg.Blocklists.Catalog.Zones)
	cfg.Bounces.Quiet.Duration = demoQuiet
	var logged lockedBuffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	channels, err := wiring.Channels(cfg, nil, log)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, cfg.Database.Path, store.Options{Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	told := make(chan alerts.Notification, 100)
	d, err := daemon.New(daemon.Options{Config: cfg, DB: db, Channels: channels, Version: version(), Log: log,
		Observe: func(_ string, n alerts.Notification, err error) {
			if err == nil {
				told <- n
			}
		}})
	if err != nil {
		return err
	}
	r := &rehearsal{
		app: a, config: path, out: a.stdout, width: a.term().Width, world: world, daemon: d, db: db, lists: len(cfg.Blocklists.Zones),
		told: told, wait: wait,
	}
	if r.width == 0 || r.width > 100 {
		r.width = 80
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- d.Run(run) }()
	err = r.walk(ctx)
	stop()
	if stopped := <-done; err == nil {
		err = stopped
	}
	if err != nil {
		return fmt.Errorf("the rehearsal did not go as it should: %w\n\nthe daemon's log:\n%s", err, logged.String())
	}
	return nil
}

// walk tells the story. Each step says what happens, lets it happen, and waits
// until the real daemon has noticed.
func (r *rehearsal) walk(ctx context.Context) error {
	fmt.Fprintf(r.out, `A rehearsal on this machine: %d lists, a bounce mailbox and a chat on 127.0.0.1,
the log of a mail server, and the real daemon over them. Nothing leaves the
machine. Waiting times are shortened: where hours would pass, the next round is
asked at once.
`, r.lists)
	steps := []struct {
		title, text string
		do          func(context.Context) error
	}{
		{"All is well", "Your mail server sends from " + lab.OurAddress.String() + ". The daemon starts and asks every list\nthat serves IPv4 addresses or domain names.", r.allWell},
		{"A machine in the office sends spam", "An infected PC mails through the same address. You know nothing of it.\nSpamCop does: it lists the address. The next round finds it.", r.listed},
		{"A receiver refuses your mail", lab.TheirDomain + " sits behind a Cisco gateway, which has lowered the score of your\naddress: it refuses at the greeting. Postfix will try for five days before it\nbounces anything; the log has it in the first second.", r.refused},
		{"The person on call looks", "Five days are over for the first of these mails, and its bounce comes. The log\nproves that it is yours: it is the same refusal, and counts once.", r.onCall},
		{"The PC is unplugged, the address is delisted", "SpamCop lets go, and the gateway takes mail again. Two clean answers end it.", r.recovered},
		{"All is well again", "", r.status(exitOK)},
	}
	for i, s := range steps {
		r.wait(ctx)
		fmt.Fprintf(r.out, "\n%s\n%d/%d  %s\n", strings.Repeat("━", r.width), i+1, len(steps), s.title)
		if s.text != "" {
			fmt.Fprintf(r.out, "\n%s\n", s.text)
		}
		limited, cancel := context.WithTimeout(ctx, stepLimit)
		err := s.do(limited)
		cancel()
		if err != nil {
			return fmt.Errorf("step %d, %q: %w", i+1, s.title, err)
		}
	}
	fmt.Fprintf(r.out, `
%s
That was the whole job. Now your own addresses, without any configuration:

  reputed check 192.0.2.10 example.org      (yours instead of these)
  reputed lists test                        does your resolver get true answers?

and for the daemon: config.example.toml and docs/daemon.md.
`, strings.Repeat("━", r.width))
	return nil
}

func (r *rehearsal) allWell(ctx context.Context) error {
	for {
		_, complete, err := r.db.LastCompleteRun(ctx, monitor.JobDNSBL)
		if err != nil {
			return err
		}
		if complete && r.daemon.Whole(time.Now()) {
			return r.status(exitOK)(ctx)
		}
		if monitor.Sleep(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return fmt.Errorf("no round was completed: %w", ctx.Err())
		}
	}
}

func (r *rehearsal) listed(ctx context.Context) error {
	r.world.ListAtSpamCop()
	r.daemon.Poke(monitor.JobDNSBL)
	return r.alert(ctx, alerts.Opened)
}

func (r *rehearsal) refused(ctx context.Context) (err error) {
	now := time.Now() // one hour, so that what was taken in it is told beside what was not
	if err := r.world.Log.Take(now, demoTaken); err != nil {
		return err
	}
	if r.queue, r.to, err = r.world.Log.Refuse(now, demoRefused); err != nil {
		return err
	}
	return r.alert(ctx, alerts.Worsened, fmt.Sprintf("Cost: %d of ", demoRefused), "mails to "+lab.TheirDomain+" deferred")
}

func (r *rehearsal) onCall(ctx context.Context) error {
	r.world.GiveUp(time.Now(), r.queue, r.to)
	// The report counts for nothing of its own, and its mail is refused and not late any more.
	if err := r.until(ctx, "the bounce and the line of the log did not become one refusal", func() (bool, error) {
		all, err := r.db.Bounces(ctx, store.BounceFilter{})
		counting, refused := 0, 0
		for _, b := range all {
			if b.Instead == 0 {
				counting++
			}
			if b.Instead == 0 && b.Action == bounce.Failed {
				refused++
			}
		}
		return len(all) == demoRefused+1 && counting == demoRefused && refused == 1, err
	}); err != nil {
		return err
	}
	if err := r.status(exitMajor)(ctx); err != nil {
		return err
	}
	return r.command(ctx, exitOK, "incident", "ack", fmt.Sprint(r.id), "--by", "kim", "--note", "infected PC found, port 25 closed")
}

func (r *rehearsal) recovered(ctx context.Context) error {
	if err := r.world.Log.Take(time.Now(), demoTaken); err != nil {
		return err
	}
	if err := r.until(ctx, "the mail that was taken again was not seen", func() (bool, error) {
		r.daemon.Poke(monitor.JobTick)
		h, err := r.db.Incident(ctx, r.id)
		for _, v := range h.Incident.Impact.Recoveries() {
			if v.Over() {
				return true, err
			}
		}
		return false, err
	}); err != nil {
		return err
	}
	r.world.DelistAtSpamCop()
	ticker := time.NewTicker(300 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case n := <-r.told:
			return r.show(ctx, n, alerts.Ended, "Recovery: Cisco Talos: takes us again")
		case <-ticker.C: // rounds and minutes, faster than they come in life
			r.daemon.Poke(monitor.JobDNSBL)
			r.daemon.Poke(monitor.JobTick)
		case <-ctx.Done():
			return fmt.Errorf("the incident did not end: %w", ctx.Err())
		}
	}
}

// until waits for what the daemon does on its own.
func (r *rehearsal) until(ctx context.Context, otherwise string, done func() (bool, error)) error {
	for {
		switch ok, err := done(); {
		case err != nil && ctx.Err() == nil:
			return err
		case ok:
			return nil
		}
		if monitor.Sleep(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return fmt.Errorf("%s: %w", otherwise, ctx.Err())
		}
	}
}

// alert waits for the next message that the chat takes, and shows it.
func (r *rehearsal) alert(ctx context.Context, want alerts.ChangeKind, says ...string) error {
	select {
	case n := <-r.told:
		return r.show(ctx, n, want, says...)
	case <-ctx.Done():
		return fmt.Errorf("no alert came: %w", ctx.Err())
	}
}

// show prints an alert as the chat shows it, and holds it to what the story expects: its kind, and
// what it says.
func (r *rehearsal) show(ctx context.Context, n alerts.Notification, want alerts.ChangeKind, says ...string) error {
	if n.Kind != want {
		return fmt.Errorf("an alert of kind %q came, expected %q", n.Kind, want)
	}
	if r.id != 0 && n.Incident.ID != r.id {
		return fmt.Errorf("an alert about incident %d came, expected incident %d", n.Incident.ID, r.id)
	}
	r.id = n.Incident.ID
	// What is shown is what arrived there, not what was meant to be sent.
	post, err := r.world.Chat.Wait(ctx, r.shown)
	if err != nil {
		return err
	}
	r.shown++
	drawn, err := slack.Draw(post.Payload, r.width)
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintf(r.out, "\nSlack shows:\n\n%s", drawn); err != nil {
		return err
	}
	text := strings.Join(strings.FieldsFunc(drawn, func(c rune) bool { return c == '┃' || unicode.IsSpace(c) }), " ")
	for _, s := range says {
		if !strings.Contains(text, s) {
			return fmt.Errorf("the alert does not say %q", s)
		}
	}
	return nil
}

func (r *rehearsal) status(want int) func(context.Context) error {
	return func(ctx context.Context) error { return r.command(ctx, want, "status") }
}

// command runs a command line of ours, shows it as typed, and expects its exit code.
func (r *rehearsal) command(ctx context.Context, want int, args ...string) error {
	shown := append([]string{}, args...)
	for i, w := range shown {
		if strings.Contains(w, " ") {
			shown[i] = `"` + w + `"`
		}
	}
	fmt.Fprintf(r.out, "\n$ reputed %s\n", strings.Join(shown, " "))
	if got := r.app.main(ctx, append(args, "--config", r.config)); got != want {
		return fmt.Errorf("reputed %s: exit code %d, expected %d", strings.Join(shown, " "), got, want)
	}
	return nil
}
