package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/remedy"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/internal/wiring"
)

// incidentActions are the commands by which people act on incidents. Each writes who,
// when and what, in a transaction of its own beside a running daemon.
func (a *app) incidentActions() []*cobra.Command {
	return []*cobra.Command{
		a.incidentAction(action{
			name: "ack", kind: alerts.Ack, short: "Take incidents on: no more reminders until they get worse",
			example: `  reputed incident ack 12
  reputed incident ack 12 13 --by kim --note "talking to the hoster"`,
		}),
		a.silenceCommand(),
		a.incidentAction(action{
			name: "unsilence", kind: alerts.Unmute, short: "End a silence early",
			example: `  reputed incident unsilence 12`,
		}),
		a.noteCommand(),
		a.requestedCommand(),
		a.incidentAction(action{
			name: "resolve", kind: alerts.ResolveHand, short: "End incidents by hand",
			example: `  reputed incident resolve 12 --note "address given back"`,
		}),
	}
}

// action is one such command.
type action struct {
	name, short, example string
	kind                 alerts.ActionKind
}

func (a *app) incidentAction(what action) *cobra.Command {
	var by, note string
	c := &cobra.Command{Use: what.name + " ID...", Short: what.short, Example: what.example, Args: args(1, -1, "incidents by their numbers")}
	byFlag(c, &by)
	c.Flags().StringVar(&note, "note", "", "`TEXT` that everybody sees with the incident")
	c.RunE = func(c *cobra.Command, words []string) error {
		ids, err := incidentIDs(c, words)
		if err != nil {
			return err
		}
		return a.act(c, ids, alerts.Action{Kind: what.kind, By: by, Note: note})
	}
	return c
}

func byFlag(c *cobra.Command, by *string) {
	c.Flags().StringVar(by, "by", "", "`NAME` of who does it (default: your login name)")
}

func (a *app) silenceCommand() *cobra.Command {
	var by, reason, length, until string
	c := &cobra.Command{
		Use:   "silence ID...",
		Short: "Tell nobody of incidents for a while",
		Long: `Tell nobody of incidents for a while. A silence has an owner, a reason and an end, of which
it is told an hour before. Status goes on showing the incident.`,
		Example: `  reputed incident silence 12 --for 8h --reason "moving the servers tonight"
  reputed incident silence 12 --until 2026-12-01T08:00 --reason "the hoster is on it"`,
		Args: args(1, -1, "incidents by their numbers"),
	}
	byFlag(c, &by)
	c.Flags().StringVar(&reason, "reason", "", "`TEXT`, for whoever finds it later; must be there")
	c.Flags().StringVar(&length, "for", "", "`TIME` that it lasts: 30m, 8h, 7d, at most 90d")
	c.Flags().StringVar(&until, "until", "", "`WHEN` it ends: 2026-12-01T08:00, or with a zone as RFC 3339 has it")
	c.RunE = func(c *cobra.Command, words []string) error {
		ids, err := incidentIDs(c, words)
		if err != nil {
			return err
		}
		if strings.TrimSpace(reason) == "" {
			return usageError(c, errors.New("say why with --reason TEXT, for whoever finds the silence later"))
		}
		now := time.Now()
		end, err := silenceEnd(now, length, until)
		if err != nil {
			return usageError(c, err)
		}
		return a.act(c, ids, alerts.Action{Kind: alerts.Mute, By: by, Note: reason, Until: end})
	}
	return c
}

// silenceEnd reads when a silence ends, a day if nothing is said.
func silenceEnd(now time.Time, length, until string) (time.Time, error) {
	switch {
	case length != "" && until != "":
		return time.Time{}, errors.New("say how long or until when, not both")
	case until != "":
		for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
			if t, err := time.ParseInLocation(layout, until, time.Local); err == nil {
				return t.UTC(), nil
			}
		}
		t, err := time.Parse(time.RFC3339, until)
		if err != nil {
			return t, fmt.Errorf("%q is no time: write 2026-12-01T08:00", checks.Line(until, 40))
		}
		return t.UTC(), nil
	case length != "":
		d, err := monitor.ParseDuration(length)
		if err != nil {
			return time.Time{}, fmt.Errorf("--for %s: write 30m, 8h or 7d", checks.Line(length, 40))
		}
		return now.Add(d).UTC(), nil
	}
	return now.Add(24 * time.Hour).UTC(), nil
}

func (a *app) noteCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use:     "note ID TEXT...",
		Short:   "Write down something about an incident, also one that is over",
		Example: `  reputed incident note 12 "it was the contact form on www; closed at 10:20"`,
		Args:    args(2, -1, "an incident by its number, and what to write down"),
	}
	byFlag(c, &by)
	c.RunE = func(c *cobra.Command, words []string) error {
		ids, err := incidentIDs(c, words[:1])
		if err != nil {
			return err
		}
		return a.act(c, ids, alerts.Action{Kind: alerts.AddNote, By: by, Note: strings.Join(words[1:], " ")})
	}
	return c
}

// act does one thing to some incidents and says that it is done.
func (a *app) act(c *cobra.Command, ids []int64, what alerts.Action) error {
	open := a.writeStoreAsItIs
	if what.Kind == alerts.ResolveHand { // whose notices go to the channels that the configuration names
		open = a.writeStore
	}
	db, cfg, err := open(c.Context())
	if err != nil {
		return err
	}
	defer db.Close()
	return a.actOn(c, db, cfg, ids, what)
}

// writeStore opens the database for a command that changes something. The caller closes it.
func (a *app) writeStore(ctx context.Context) (*store.DB, *config.Config, error) {
	cfg, err := a.optionalConfig()
	if err != nil {
		return nil, nil, err
	}
	return writeStoreOf(ctx, cfg)
}

// writeStoreAsItIs does so with what could be read of a configuration that is broken, and says so: whoever is woken can take it on
// without mending first what somebody else has broken.
func (a *app) writeStoreAsItIs(ctx context.Context) (*store.DB, *config.Config, error) {
	cfg, wrong, err := a.configAsItIs()
	if err != nil {
		return nil, nil, err
	}
	if wrong != nil {
		fmt.Fprint(a.stderr, a.term().Paragraph("warning: "+brokenConfig(cfg, wrong)))
	}
	return writeStoreOf(ctx, cfg)
}

func writeStoreOf(ctx context.Context, cfg *config.Config) (*store.DB, *config.Config, error) {
	if _, err := os.Stat(cfg.Database.Path); errors.Is(err, os.ErrNotExist) {
		return nil, nil, noDatabase(cfg) // opening it for writing would make one
	}
	db, err := wiring.OpenStore(ctx, cfg, nil)
	return db, cfg, err
}

func (a *app) actOn(c *cobra.Command, db *store.DB, cfg *config.Config, ids []int64, what alerts.Action) error {
	notify, err := notifier(cfg)
	if err != nil {
		return err
	}
	what.By, what.At = cmp.Or(what.By, loginName()), time.Now()
	var failed error // one that cannot be done is no reason to leave out those after it
	for _, id := range ids {
		what.Incident = id
		before, _ := db.Incident(c.Context(), id) // that there is none, Act says
		i, err := db.Act(c.Context(), what, notify)
		if err != nil {
			failed = errors.Join(failed, view.NoIncident(id, err))
			continue
		}
		fmt.Fprint(a.stdout, a.term().Paragraph(fmt.Sprintf("#%d %s by %s: %s", id, done(what), checks.Line(what.By, 80)+inPlaceOf(before.Incident, what), i.Title)))
		if s := stillSo(i, what.At); what.Kind == alerts.ResolveHand && s != "" {
			fmt.Fprint(a.stderr, a.term().Paragraph("warning: "+s+"."))
		}
	}
	return failed
}

// done is what was done, in words: "acknowledged", "removal requested at spamcop, 4711,".
func done(what alerts.Action) string {
	s := what.Kind.Done()
	switch what.Kind {
	case alerts.Requested:
	case alerts.Mute:
		return s + " until " + what.Until.Local().Format("2006-01-02 15:04 MST")
	default:
		return s
	}
	s += " at " + checks.Line(what.Request.List, 80) + ","
	if ref := checks.Line(what.Request.Ref, 100); ref != "" {
		s += " " + ref + ","
	}
	return s
}

// inPlaceOf says who had an incident before whoever takes it on now; empty: nobody, or the same.
func inPlaceOf(before alerts.Incident, what alerts.Action) string {
	if had := checks.Line(before.AckedBy, 80); what.Kind == alerts.Ack && had != "" && had != checks.Line(what.By, 80) {
		return ", in place of " + had + ": tell them"
	}
	return ""
}

// mostStill is how many lists a warning names.
const mostStill = 3

// stillSo says which lists held a target of the incident when they were last asked, and what of its identity was not as it
// should be; empty: none.
// What was ended by hand and is so is opened anew, and until then status cannot tell.
func stillSo(inc alerts.Incident, now time.Time) string {
	type entry struct{ target, list string }
	var names []string
	var asked time.Time
	seen := map[entry]bool{}
	for _, m := range inc.Members {
		f := m.Finding
		e := entry{f.Target.String(), cmp.Or(checks.Line(f.Facts[checks.FactListName], 80), f.Key.Source)}
		if !view.StillWrong(m) || seen[e] {
			continue
		}
		seen[e] = true
		if f.Key.Check == monitor.JobIdentity {
			names = append(names, e.target+" still had a finding ("+checks.Line(e.list, 80)+")")
		} else {
			names = append(names, e.target+" was still listed by "+e.list)
		}
		if m.Last.After(asked) {
			asked = m.Last
		}
	}
	if len(names) == 0 {
		return ""
	}
	s := strings.Join(names[:min(mostStill, len(names))], ", ")
	if rest := len(names) - mostStill; rest > 0 {
		s += fmt.Sprintf(", and %d more", rest)
	}
	layout := "15:04"
	if !sameDay(asked, now) {
		layout = "2 Jan 15:04"
	}
	return s + " when last asked, " + asked.Local().Format(layout) + ": if it still is, the next round opens this again"
}

func sameDay(a, b time.Time) bool {
	return a.Local().Format(time.DateOnly) == b.Local().Format(time.DateOnly)
}

// notifier makes the notices of an end by hand, for the channels that told of the beginning.
func notifier(cfg *config.Config) (func(alerts.Change) []store.Notice, error) {
	book, err := remedy.Load()
	if err != nil {
		return nil, err
	}
	zone := wiring.Lookup(wiring.Named(cfg))
	return func(c alerts.Change) []store.Notice {
		return store.NoticesOf(c, book.ForAll(c.Incident.OpenFindings(), zone), cfg.Channels())
	}, nil
}
