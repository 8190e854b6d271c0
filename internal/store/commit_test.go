package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reputed/alerts"
	"reputed/checks"
)

// addresses compares netip.Addr by value; times are compared by their Equal method.
var addresses = cmpopts.EquateComparable(checks.Address(checks.Target{}.Addr).Addr)

func TestIncidentComesBackAsItWasGiven(t *testing.T) {
	db := fresh(t)
	f := listed("192.0.2.10", "spamcop", t0)
	in := incident(f, t0)
	in.State, in.AckedBy, in.AckedAt = alerts.Silenced, "kim", t0.Add(time.Second)
	in.Silence = alerts.Silence{By: "kim", Reason: "moving", Since: t0, Until: t0.Add(time.Hour)}
	in.Told, in.Paged, in.Escalated, in.Turns, in.Flapping = []string{"chat"}, t0, t0.Add(time.Second), []time.Time{t0}, t0.Add(time.Minute)
	in.Note, in.Reminded, in.Existing, in.Relapses = "asked for removal", 2, true, 3
	second := listed("2001:db8::25", "spamcop", t0.Add(time.Minute))
	in.Members = append(in.Members, alerts.Member{Finding: second, First: t0, Last: t0.Add(time.Minute), ClearSince: t0.Add(2 * time.Minute), Clear: true, Unknown: t0.Add(3 * time.Minute)})
	changes := mustCommit(t, db, t0, Batch{}, one(Decision{Changes: []alerts.Change{{Kind: alerts.Opened, Incident: in, At: t0, Why: "test"}}}))
	if changes[0].Incident.ID == 0 {
		t.Fatal("the change does not carry the id of its incident")
	}
	in.ID = changes[0].Incident.ID
	s := look(t, db, t0, Batch{})
	if diff := cmp.Diff([]alerts.Incident{in}, s.Open, addresses); diff != "" {
		t.Errorf("open incidents (-want +got):\n%s", diff)
	}

	// Of a member only its times may change.
	in.Members[0].Last, in.Members[0].ClearSince = t0.Add(time.Hour), t0.Add(2*time.Hour)
	mustCommit(t, db, t0, Batch{}, one(Decision{Changes: []alerts.Change{{Kind: alerts.Quiet, Incident: in, At: t0, Why: "test"}}}))
	if diff := cmp.Diff([]alerts.Incident{in}, look(t, db, t0, Batch{}).Open, addresses); diff != "" {
		t.Errorf("after the times of a member moved (-want +got):\n%s", diff)
	}

	// Members are replaced: one leaves, one stays, one joins ahead of it.
	in.Members = []alerts.Member{{Finding: listed("198.51.100.7", "barracuda", t0), First: t0, Last: t0}, in.Members[1]}
	mustCommit(t, db, t0, Batch{}, one(Decision{Changes: []alerts.Change{{Kind: alerts.Updated, Incident: in, At: t0, Why: "test"}}}))
	all, err := db.Incidents(t.Context(), IncidentFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]alerts.Incident{in}, all, addresses); diff != "" {
		t.Errorf("after an update (-want +got):\n%s", diff)
	}
}

func TestNoticesCarryTheIDOfANewIncident(t *testing.T) {
	db := fresh(t)
	changes := mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0, "slack", "email"))
	id := changes[0].Incident.ID
	for _, channel := range []string{"slack", "email"} {
		due, err := db.Due(t.Context(), channel, t0, 10)
		if err != nil || len(due) != 1 {
			t.Fatalf("%s: due = %v, %v, want one", channel, due, err)
		}
		n := due[0].Notification
		if n.Incident.ID != id || n.Command != "reputed incident show 1" || !strings.HasPrefix(n.ID, "1/opened/") {
			t.Errorf("%s: notification %q of incident %d says %q, want those of incident %d", channel, n.ID, n.Incident.ID, n.Command, id)
		}
	}
}

func TestAllOrNothing(t *testing.T) {
	f := listed("192.0.2.10", "spamcop", t0)
	batch := Batch{Mails: []Mail{refusal(1, "kim@example.net", t0)}, Read: readTo(1), Window: time.Hour}
	for name, breaks := range map[string]func(t *testing.T, db *DB, ctx context.Context, cancel func()) error{
		"decide panics": func(t *testing.T, db *DB, ctx context.Context, _ func()) (err error) {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
				err = errors.New("panicked")
			}()
			_, _ = db.Commit(ctx, t0, batch, func(Situation) Decision { panic("decide") })
			return nil
		},
		"context ends while deciding": func(t *testing.T, db *DB, ctx context.Context, cancel func()) error {
			_, err := db.Commit(ctx, t0, batch, func(s Situation) Decision { cancel(); return opens(f, t0, "slack")(s) })
			return err
		},
		"a change is about no incident": func(t *testing.T, db *DB, ctx context.Context, _ func()) error {
			_, err := db.Commit(ctx, t0, batch, func(s Situation) Decision {
				d := opens(f, t0, "slack")(s)
				d.Changes = append(d.Changes, alerts.Change{Kind: alerts.Updated, Incident: alerts.Incident{ID: 99}, At: t0})
				return d
			})
			if !errors.Is(err, ErrNoIncident) {
				t.Errorf("err = %v, want ErrNoIncident", err)
			}
			return err
		},
		"making a notice panics": func(t *testing.T, db *DB, ctx context.Context, _ func()) (err error) {
			defer func() { recover(); err = errors.New("panicked") }()
			_, _ = db.Commit(ctx, t0, batch, func(s Situation) Decision {
				d := opens(f, t0, "slack")(s)
				d.Notify = func(alerts.Change) []Notice { panic("notify") }
				return d
			})
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := fresh(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if err := breaks(t, db, ctx, cancel); err == nil {
				t.Error("the commit succeeded")
			}
			for _, table := range []string{"mails", "bounces", "mailboxes", "incidents", "members", "states", "transitions", "outbox", "events", "decisions"} {
				if n := count(t, db, "SELECT count(*) FROM "+table); n != 0 {
					t.Errorf("%s holds %d rows, want none", table, n)
				}
			}
			// The one writer is free again.
			mustCommit(t, db, t0, batch, opens(f, t0, "slack"))
			if n := count(t, db, "SELECT count(*) FROM outbox"); n != 1 {
				t.Errorf("the same batch again queued %d notices, want 1", n)
			}
		})
	}
}

func TestCalmIsKeptAtTheLastLine(t *testing.T) {
	db := fresh(t)
	f := listed("192.0.2.10", "spamcop", t0)
	id := mustCommit(t, db, t0, Batch{}, opens(f, t0, "slack"))[0].Incident.ID
	change := func(kind alerts.ChangeKind, state alerts.State, at time.Time) alerts.Change {
		in := incident(f, t0)
		in.ID, in.State = id, state
		if state == alerts.Resolved {
			in.Resolved = at
		}
		return mustCommit(t, db, at, Batch{}, one(Decision{Changes: []alerts.Change{{Kind: kind, Incident: in, At: at, Tell: true}}, Notify: notify("slack")}))[0]
	}
	for i, step := range []struct {
		name  string
		kind  alerts.ChangeKind
		state alerts.State
		tell  bool
	}{
		{"opened while open is not told", alerts.Opened, alerts.Open, false},
		{"reminder is told", alerts.Reminder, alerts.Open, true},
		{"ended is told", alerts.Ended, alerts.Resolved, true},
		{"ended while resolved is not told", alerts.Ended, alerts.Resolved, false},
		{"opened after an end is told", alerts.Opened, alerts.Open, true},
	} {
		c := change(step.kind, step.state, t0.Add(time.Duration(i+1)*time.Minute))
		if c.Tell != step.tell || !c.Tell && c.Why == "" {
			t.Errorf("%s: tell = %v because %q, want %v", step.name, c.Tell, c.Why, step.tell)
		}
	}
	if n := count(t, db, "SELECT count(*) FROM outbox"); n != 4 {
		t.Errorf("%d notices are queued, want 4", n)
	}
	// The same notice again is no second message.
	in := incident(f, t0)
	in.ID = id
	again := mustCommit(t, db, t0.Add(2*time.Minute), Batch{}, one(Decision{Notify: notify("slack"),
		Changes: []alerts.Change{{Kind: alerts.Reminder, Incident: in, At: t0.Add(2 * time.Minute), Tell: true}}}))
	if again[0].Tell || count(t, db, "SELECT count(*) FROM outbox") != 4 {
		t.Errorf("a reminder was queued twice: %+v", again[0])
	}
}

func TestWhatIsNotToldHasAReason(t *testing.T) {
	db := fresh(t)
	f := listed("192.0.2.10", "spamcop", t0)
	d := opens(f, t0)(Situation{}) // no channel
	d.Notify = nil
	c := mustCommit(t, db, t0, Batch{}, one(d))[0]
	if c.Tell || c.Why == "" {
		t.Errorf("without a channel: tell = %v because %q", c.Tell, c.Why)
	}
	in := c.Incident
	for i := range 5 {
		at := t0.Add(time.Duration(i+1) * time.Minute)
		mustCommit(t, db, at, Batch{}, one(Decision{Changes: []alerts.Change{{Kind: alerts.Quiet, Incident: in, At: at, Why: "nothing new"}}}))
	}
	h, err := db.Incident(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := []Untold{
		{alerts.Opened, "no channel is configured to tell", t0, t0, 1},
		{alerts.Quiet, "nothing new", t0.Add(time.Minute), t0.Add(5 * time.Minute), 5},
	}
	if diff := cmp.Diff(want, h.Decisions); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
	if len(h.Events) != 1 || h.Events[0].Kind != string(alerts.Opened) {
		t.Errorf("events = %+v, want that it was opened", h.Events)
	}
}

func TestTransitionsAreWrittenWhenKnowledgeChanges(t *testing.T) {
	problem := func(at time.Time) checks.Finding { return listed("192.0.2.10", "spamcop", at) }
	worse := func(at time.Time) checks.Finding { f := problem(at); f.Severity = checks.Critical; return f }
	unknown := func(at time.Time) checks.Finding {
		f := problem(at)
		f.Status, f.Severity, f.Code = checks.Unknown, "", checks.CodeNoAnswer
		return f
	}
	ok := func(at time.Time) checks.Finding {
		f := problem(at)
		f.Status, f.Severity, f.Code = checks.OK, "", checks.CodeNotListed
		return f
	}
	steps := map[rune]func(time.Time) checks.Finding{'P': problem, 'W': worse, '?': unknown, 'o': ok}
	for name, c := range map[string]struct{ steps, want string }{
		"a first clean answer leaves nothing": {"ooo", "..."},
		"a problem is one row however often":  {"PPP", "P.."},
		"unknown is not knowledge":            {"?P?P?o?o", ".P...o.."},
		"a rise in severity is a row":         {"PWP", "PWP"},
		"a problem that comes back is a row":  {"PoP", "PoP"},
		"unknown at first leaves nothing":     {"??o", "..."},
	} {
		t.Run(name, func(t *testing.T) {
			db := fresh(t)
			got := ""
			rows := 0
			for i, step := range c.steps {
				at := t0.Add(time.Duration(i) * time.Minute)
				mustCommit(t, db, at, Batch{}, one(Decision{Findings: []checks.Finding{steps[step](at)}}))
				if n := count(t, db, "SELECT count(*) FROM transitions"); n > rows {
					rows, got = n, got+string(step)
				} else {
					got += "."
				}
			}
			if got != c.want {
				t.Errorf("transitions at %s, want %s", got, c.want)
			}
			known, err := db.Known(t.Context(), "dnsbl")
			if err != nil {
				t.Fatal(err)
			}
			last := strings.TrimRight(strings.ReplaceAll(c.want, ".", ""), ".")
			if want := strings.HasSuffix(last, "P") || strings.HasSuffix(last, "W"); (len(known) == 1) != want {
				t.Errorf("known = %v, want a problem known: %v", known, want)
			}
		})
	}
	t.Run("one question answered several times at once", func(t *testing.T) {
		db := fresh(t)
		mustCommit(t, db, t0, Batch{}, one(Decision{Findings: []checks.Finding{problem(t0), problem(t0.Add(1)), ok(t0.Add(2)), unknown(t0.Add(3)), worse(t0.Add(4))}}))
		all, err := db.Transitions(t.Context(), "192.0.2.10")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range all {
			got = append(got, string(x.Before)+" to "+string(x.Status))
		}
		if diff := cmp.Diff([]string{" to problem", "problem to ok", "ok to problem"}, got); diff != "" {
			t.Errorf("transitions (-want +got):\n%s", diff)
		}
	})
	t.Run("evidence of a transition is kept", func(t *testing.T) {
		db := fresh(t)
		f := problem(t0)
		mustCommit(t, db, t0, Batch{}, one(Decision{Findings: []checks.Finding{f}}))
		got, err := db.Transitions(t.Context(), "192.0.2.10")
		if err != nil {
			t.Fatal(err)
		}
		want := []Transition{{Key: f.Key, At: t0, Status: f.Status, Code: f.Code, Severity: f.Severity, Summary: f.Summary, Facts: f.Facts, Evidence: f.Evidence}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("transitions (-want +got):\n%s", diff)
		}
	})
}

func TestKnownAreMembersOfWhatIsNotResolved(t *testing.T) {
	db := fresh(t)
	f := listed("192.0.2.10", "spamcop", t0)
	in := mustCommit(t, db, t0, Batch{}, opens(f, t0))[0].Incident
	clean := f
	clean.Status, clean.Code, clean.Severity = checks.OK, checks.CodeNotListed, ""
	mustCommit(t, db, t0, Batch{}, one(Decision{Findings: []checks.Finding{clean}}))
	if known, err := db.Known(t.Context(), "dnsbl"); err != nil || len(known) != 1 {
		t.Errorf("clean once, incident open: known = %v, %v, want the key", known, err)
	}
	if known, err := db.Known(t.Context(), "bounce"); err != nil || len(known) != 0 {
		t.Errorf("of another check: known = %v, %v, want none", known, err)
	}
	in.State, in.Resolved = alerts.Resolved, t0
	mustCommit(t, db, t0, Batch{}, one(Decision{Changes: []alerts.Change{{Kind: alerts.Ended, Incident: in, At: t0, Why: "test"}}}))
	if known, err := db.Known(t.Context(), "dnsbl"); err != nil || len(known) != 0 {
		t.Errorf("clean and resolved: known = %v, %v, want none", known, err)
	}
}

func TestSituationHoldsOpenAndRecentIncidents(t *testing.T) {
	db := fresh(t)
	resolved := func(target string, at time.Time) {
		in := incident(listed(target, "spamcop", at), at)
		in.State, in.Resolved = alerts.Resolved, at
		mustCommit(t, db, t0, Batch{}, one(Decision{Changes: []alerts.Change{{Kind: alerts.Ended, Incident: in, At: at, Why: "test"}}}))
	}
	resolved("192.0.2.1", t0.Add(-alerts.RelapseWindow-time.Second))
	resolved("192.0.2.2", t0.Add(-alerts.RelapseWindow))
	mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.3", "spamcop", t0), t0))
	s := look(t, db, t0, Batch{})
	if len(s.Open) != 1 || s.Open[0].Cause != "target:192.0.2.3" {
		t.Errorf("open = %+v, want that of 192.0.2.3", s.Open)
	}
	if len(s.Recent) != 1 || s.Recent[0].Cause != "target:192.0.2.2" {
		t.Errorf("recent = %+v, want that of 192.0.2.2", s.Recent)
	}
	if !s.Now.Equal(t0) {
		t.Errorf("now = %v, want %v", s.Now, t0)
	}
}

// TestWhatWasOverBeforeItWasWatchedIsWrittenDownOnce: it is found at every look as long as it is counted.
func TestWhatWasOverBeforeItWasWatchedIsWrittenDownOnce(t *testing.T) {
	db := fresh(t)
	f := checks.Finding{Key: checks.Key{Check: "bounce", Target: "192.0.2.10", Source: "cisco"}, Code: checks.CodeOverBefore, Status: checks.OK, Summary: "over before it was watched", At: t0}
	for range 2 {
		mustCommit(t, db, t0, Batch{}, func(Situation) Decision { return Decision{Findings: []checks.Finding{f}} })
	}
	all, err := db.Transitions(t.Context(), "192.0.2.10")
	if err != nil || len(all) != 1 || all[0].Summary != f.Summary || all[0].Status != checks.OK {
		t.Errorf("%+v, %v; want it once", all, err)
	}
}
