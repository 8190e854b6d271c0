package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reputed/alerts"
	"reputed/checks"
)

func TestPeopleActOnIncidents(t *testing.T) {
	db := fresh(t)
	ctx := t.Context()
	f := listed("192.0.2.10", "spamcop", t0)
	in := mustCommit(t, db, t0, Batch{}, opens(f, t0, "slack"))[0].Incident
	in.Reminded = 3
	mustCommit(t, db, t0, Batch{}, one(Decision{Findings: nil, Changes: []alerts.Change{{Kind: alerts.Quiet, Incident: in, At: t0, Why: "nothing new"}}}))

	acked, err := db.Act(ctx, alerts.Action{Kind: alerts.Ack, Incident: in.ID, By: "kim\x1b[2J", Note: "on\nit", At: t0.Add(time.Minute)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if acked.State != alerts.Acknowledged || acked.AckedBy != "kim [2J" || !acked.AckedAt.Equal(t0.Add(time.Minute)) || acked.Note != "on it" || acked.Reminded != 0 {
		t.Errorf("acknowledged: %+v", acked)
	}
	again, err := db.Act(ctx, alerts.Action{Kind: alerts.Ack, Incident: in.ID, By: "lee", At: t0.Add(2 * time.Minute)}, nil)
	if err != nil || again.AckedBy != "lee" || again.Note != "on it" {
		t.Errorf("acknowledged by another, without a note: %+v, %v", again, err)
	}
	over, err := db.Act(ctx, alerts.Action{Kind: alerts.ResolveHand, Incident: in.ID, By: "lee", Note: "moved to another address", At: t0.Add(3 * time.Minute)}, nil)
	if err != nil || over.State != alerts.Resolved || !over.Resolved.Equal(t0.Add(3*time.Minute)) {
		t.Errorf("resolved: %+v, %v", over, err)
	}
	for what, act := range map[string]func(id int64) error{
		"ack": func(id int64) error {
			_, err := db.Act(ctx, alerts.Action{Kind: alerts.Ack, Incident: id, By: "kim", At: t0}, nil)
			return err
		},
		"resolve": func(id int64) error {
			_, err := db.Act(ctx, alerts.Action{Kind: alerts.ResolveHand, Incident: id, By: "kim", At: t0}, nil)
			return err
		},
	} {
		if err := act(in.ID); !errors.Is(err, ErrIncidentOver) {
			t.Errorf("%s of what is over: %v, want ErrIncidentOver", what, err)
		}
		if err := act(99); !errors.Is(err, ErrNoIncident) || !strings.Contains(err.Error(), "reputed incident list") || strings.Contains(err.Error(), db.Path()) {
			t.Errorf("%s of an incident that does not exist: %v, want ErrNoIncident and where to look, without the database", what, err)
		}
	}

	h, err := db.Incident(ctx, in.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := History{
		Incident: over,
		Events: []Event{
			{t0, "opened", checks.Major, "", f.Summary},
			{t0.Add(time.Minute), alerts.Ack.Done(), checks.Major, "kim [2J", "on it"},
			{t0.Add(2 * time.Minute), alerts.Ack.Done(), checks.Major, "lee", ""},
			{t0.Add(3 * time.Minute), alerts.ResolveHand.Done(), checks.Major, "lee", "moved to another address"},
		},
		Transitions: []Transition{{Key: f.Key, At: t0, Status: checks.Problem, Code: f.Code, Severity: f.Severity, Summary: f.Summary}},
		Deliveries:  []Sending{{ID: 1, Channel: "slack", Notice: "1/opened/" + itoa(int(t0.Unix())), Kind: alerts.Opened, State: Queued, Queued: t0, Next: t0}},
		Decisions: []Untold{
			{alerts.Quiet, "nothing new", t0, t0, 1},
			{alerts.Ended, "resolved by hand: whoever did it knows", t0.Add(3 * time.Minute), t0.Add(3 * time.Minute), 1},
		},
	}
	if diff := cmp.Diff(want, h, addresses, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if _, err := db.Incident(ctx, 99); !errors.Is(err, ErrNoIncident) {
		t.Errorf("history of an incident that does not exist: %v", err)
	}
}

func TestAPersonsWordsAreStoredAsOneLine(t *testing.T) {
	db := fresh(t)
	id := mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0))[0].Incident.ID
	if _, err := db.Act(t.Context(), alerts.Action{Kind: alerts.Ack, Incident: id, By: "kim\r\nlee\x1b[2J" + strings.Repeat("x", 200), Note: "on\nit\x1b]0;", At: t0}, nil); err != nil {
		t.Fatal(err)
	}
	in := onlyOpen(t, db, t0)
	h, err := db.Incident(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	last := h.Events[len(h.Events)-1]
	for what, text := range map[string]string{"acknowledged by": in.AckedBy, "note": in.Note} {
		if text == "" || text != checks.Line(text, 500) {
			t.Errorf("%s %q is stored, want one plain line", what, text)
		}
	}
	if in.AckedBy != last.Who || in.Note != last.Note {
		t.Errorf("stored: %q, %q; its event has %q, %q", in.AckedBy, in.Note, last.Who, last.Note)
	}
}

func TestDecisionsOfManyIncidents(t *testing.T) {
	db := fresh(t)
	quiet := func(in alerts.Incident, at time.Time, why string) {
		mustCommit(t, db, at, Batch{}, one(Decision{Changes: []alerts.Change{{Kind: alerts.Quiet, Incident: in, At: at, Why: why}}}))
	}
	var ids []int64
	for i := range 4 {
		in := mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2."+itoa(i+1), "spamcop", t0), t0, "slack"))[0].Incident
		ids = append(ids, in.ID)
		if i == 3 {
			continue // everything about it was told
		}
		quiet(in, t0.Add(2*time.Minute), "later")
		quiet(in, t0.Add(time.Minute), "earlier")
	}
	got, err := db.Decisions(t.Context(), []int64{ids[0], ids[2], ids[3], 99})
	if err != nil {
		t.Fatal(err)
	}
	both := []Untold{
		{alerts.Quiet, "earlier", t0.Add(time.Minute), t0.Add(time.Minute), 1},
		{alerts.Quiet, "later", t0.Add(2 * time.Minute), t0.Add(2 * time.Minute), 1},
	}
	if diff := cmp.Diff(map[int64][]Untold{ids[0]: both, ids[2]: both}, got); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
	if none, err := db.Decisions(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("of no incident: %v, %v", none, err)
	}
}

func TestAckKeepsWhatIsClearing(t *testing.T) {
	db := fresh(t)
	in := incident(listed("192.0.2.10", "spamcop", t0), t0)
	in.State = alerts.Clearing
	id := mustCommit(t, db, t0, Batch{}, one(Decision{Changes: []alerts.Change{{Kind: alerts.Opened, Incident: in, At: t0, Why: "test"}}}))[0].Incident.ID
	if got, err := db.Act(t.Context(), alerts.Action{Kind: alerts.Ack, Incident: id, By: "kim", At: t0}, nil); err != nil || got.State != alerts.Clearing || got.AckedBy != "kim" {
		t.Errorf("%+v, %v, want clearing, by kim", got, err)
	}
}

func TestIncidentsAreFiltered(t *testing.T) {
	db := fresh(t)
	for i, state := range []alerts.State{alerts.Resolved, alerts.Open, alerts.Acknowledged, alerts.Resolved} {
		at := t0.Add(time.Duration(i) * time.Hour)
		in := incident(listed("192.0.2."+itoa(i+1), "spamcop", at), at)
		if in.State = state; state == alerts.Resolved {
			in.Resolved = at
		}
		mustCommit(t, db, at, Batch{}, one(Decision{Changes: []alerts.Change{{Kind: alerts.Opened, Incident: in, At: at, Why: "test"}}}))
	}
	for name, c := range map[string]struct {
		filter IncidentFilter
		want   []int64
	}{
		"not resolved, latest first": {IncidentFilter{}, []int64{3, 2}},
		"all, resolved last":         {IncidentFilter{Resolved: true}, []int64{3, 2, 4, 1}},
		"since":                      {IncidentFilter{Resolved: true, Since: t0.Add(2 * time.Hour)}, []int64{3, 4}},
		"limit":                      {IncidentFilter{Resolved: true, Limit: 1}, []int64{3}},
		"no limit":                   {IncidentFilter{Resolved: true, Limit: -1}, []int64{3, 2, 4, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := db.Incidents(t.Context(), c.filter)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, in := range all {
				got = append(got, in.ID)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
}

// Requests outlive their incident, and what came of them is told by the question's own history.
func TestRequestsAreKeptWithWhatCameOfThem(t *testing.T) {
	db := fresh(t)
	ctx := t.Context()
	f := listed("192.0.2.10", "spamcop", t0)
	in := mustCommit(t, db, t0, Batch{}, opens(f, t0))[0].Incident
	ask := func(at time.Time, r alerts.Request) {
		t.Helper()
		if _, err := db.Act(ctx, alerts.Action{Kind: alerts.Requested, Incident: in.ID, By: "kim", Request: r, At: at}, nil); err != nil {
			t.Fatal(err)
		}
	}
	first := alerts.Request{List: "spamcop", Ref: "SBL\n1", Promised: 24 * time.Hour, CoolDown: 48 * time.Hour, Key: f.Key}
	ask(t0.Add(time.Hour), first)
	ask(t0.Add(2*time.Hour), alerts.Request{List: "nobody"})
	waiting, err := db.Waiting(ctx)
	if err != nil || len(waiting) != 2 || !waiting[1].Cleared.IsZero() {
		t.Fatalf("waiting: %+v, %v", waiting, err)
	}
	if asked := situationOf(t, db, t0.Add(3*time.Hour)).Asked; !cmp.Equal(asked, waiting) {
		t.Errorf("a decision sees %+v, want %+v", asked, waiting)
	}
	clean := f
	clean.Code, clean.Status, clean.Severity, clean.At = checks.CodeNotListed, checks.OK, "", t0.Add(20*time.Hour)
	mustCommit(t, db, clean.At, Batch{}, one(Decision{Findings: []checks.Finding{clean}}))
	ask(t0.Add(30*time.Hour), first) // it came back, and was asked again
	if _, err := db.Act(ctx, alerts.Action{Kind: alerts.ResolveHand, Incident: in.ID, By: "kim", At: t0.Add(40 * time.Hour)}, nil); err != nil {
		t.Fatal(err)
	}
	got, err := db.Requests(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	first.Ref = "SBL 1"
	want := []alerts.Asked{
		{Request: first, Incident: in.ID, By: "kim", At: t0.Add(30 * time.Hour)},
		{Request: alerts.Request{List: "nobody"}, Incident: in.ID, By: "kim", At: t0.Add(2 * time.Hour)},
		{Request: first, Incident: in.ID, By: "kim", At: t0.Add(time.Hour), Cleared: t0.Add(20 * time.Hour)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if waiting, err := db.Waiting(ctx); err != nil || len(waiting) != 0 {
		t.Errorf("waiting about what is resolved: %+v, %v", waiting, err)
	}
}

// situationOf is what a decision sees.
func situationOf(t *testing.T, db *DB, at time.Time) (seen Situation) {
	t.Helper()
	mustCommit(t, db, at, Batch{}, func(s Situation) Decision { seen = s; return Decision{} })
	return seen
}

// The replay and what people read take the end of a silence from the same words.
func TestAnEventOfASilenceSaysUntilWhen(t *testing.T) {
	until := time.Date(2026, 11, 25, 23, 36, 10, 0, time.UTC)
	note := said(alerts.Action{Kind: alerts.Mute, Note: "moving: two racks", Until: until})
	for name, c := range map[string]struct {
		event Event
		why   string
		ok    bool
	}{
		"a silence":       {Event{Kind: alerts.Mute.Done(), Note: note}, "moving: two racks", true},
		"a note like one": {Event{Kind: alerts.AddNote.Done(), Note: note}, "", false},
		"no time":         {Event{Kind: alerts.Mute.Done(), Note: "until later: x"}, "x", false},
	} {
		got, why, ok := c.event.Silenced()
		if ok != c.ok || why != c.why || ok && !got.Equal(until) {
			t.Errorf("%s: got %v, %q, %v", name, got, why, ok)
		}
	}
}
