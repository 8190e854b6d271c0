package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reputed/alerts"
	"reputed/checks"
)

// reminds queues one more notice of an incident.
func reminds(in alerts.Incident, at time.Time, channels ...string) func(Situation) Decision {
	return one(Decision{Changes: []alerts.Change{{Kind: alerts.Reminder, Incident: in, At: at, Tell: true}}, Notify: notify(channels...)})
}

func dueIDs(t testing.TB, db *DB, channel string, now time.Time) (ids []int64) {
	t.Helper()
	due, err := db.Due(context.Background(), channel, now, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range due {
		if d.Channel != channel {
			t.Errorf("a notice for %s is due at %s", d.Channel, channel)
		}
		ids = append(ids, d.ID)
	}
	return ids
}

func TestOutboxKeepsTheOrderOfAnIncident(t *testing.T) {
	db := fresh(t)
	a := mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0, "slack"))[0].Incident // 1
	mustCommit(t, db, t0, Batch{}, reminds(a, t0.Add(time.Hour), "slack"))                                   // 2
	mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.11", "spamcop", t0), t0, "slack"))                  // 3
	mustCommit(t, db, t0, Batch{}, reminds(a, t0.Add(2*time.Hour), "email"))                                 // 4
	check := func(when, channel string, now time.Time, want ...int64) {
		t.Helper()
		if got := dueIDs(t, db, channel, now); cmp.Diff(want, got) != "" {
			t.Errorf("%s: due at %s %v, want %v", when, channel, got, want)
		}
	}
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check("at first", "slack", t0, 1, 3)
	check("another channel", "email", t0, 4)
	must(db.Retry(ctx, 1, t0.Add(time.Minute), 1, "503"))
	check("the first is put off, and all behind it", "slack", t0)
	check("another channel is not", "email", t0, 4)
	check("its time has come", "slack", t0.Add(time.Minute), 3, 1)
	must(db.Sent(ctx, 3, t0))
	if next, ok, err := db.NextDue(ctx, "slack"); err != nil || !ok || !next.Equal(t0.Add(time.Minute)) {
		t.Errorf("next due at %v, %v, %v, want when the first is", next, ok, err)
	}
	must(db.Sent(ctx, 1, t0.Add(time.Minute)))
	check("the first is sent", "slack", t0.Add(time.Minute), 2)
	must(db.Refuse(ctx, 2, t0.Add(time.Minute), "channel_not_found"))
	check("all is done", "slack", t0.Add(time.Hour))
	if _, ok, err := db.NextDue(ctx, "slack"); err != nil || ok {
		t.Errorf("something is due at slack: %v, %v", ok, err)
	}
	for what, err := range map[string]error{
		"sent twice": db.Sent(ctx, 1, t0), "retry what is sent": db.Retry(ctx, 1, t0, 2, ""), "refuse what is refused": db.Refuse(ctx, 2, t0, ""), "never queued": db.Sent(ctx, 99, t0),
	} {
		if !errors.Is(err, ErrNoDelivery) {
			t.Errorf("%s: %v, want ErrNoDelivery", what, err)
		}
	}
	if got := len(dueIDs(t, db, "email", t0)); got != 1 {
		t.Errorf("limit: %d due at email", got)
	}
}

func TestDueGivesWhatWasQueued(t *testing.T) {
	db := fresh(t)
	var want alerts.Notification
	d := opens(listed("192.0.2.10", "spamcop", t0), t0)(Situation{})
	d.Notify = func(c alerts.Change) []Notice {
		want = alerts.Notification{ID: "1/opened/0", Kind: c.Kind, At: t0, Incident: c.Incident, Command: "reputed incident show 1", Rehearsal: true}
		return []Notice{{Channel: "slack", Notification: want}}
	}
	mustCommit(t, db, t0.Add(time.Second), Batch{}, one(d))
	if err := db.Retry(t.Context(), 1, t0, 3, "500"); err != nil {
		t.Fatal(err)
	}
	due, err := db.Due(t.Context(), "slack", t0, 1)
	if diff := cmp.Diff([]alerts.Delivery{{ID: 1, Channel: "slack", Notification: want, Tries: 3, Queued: t0.Add(time.Second)}}, due, addresses); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestAClockThatRanAheadHoldsNoNoticeBack: nothing is put off for longer than a day,
// so a time that lies further ahead was written by a clock that has been put right.
func TestAClockThatRanAheadHoldsNoNoticeBack(t *testing.T) {
	db := fresh(t)
	ahead := t0.Add(5 * 365 * 24 * time.Hour)
	a := mustCommit(t, db, ahead, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), ahead, "slack"))[0].Incident // 1, queued then
	mustCommit(t, db, t0, Batch{}, reminds(a, t0.Add(time.Minute), "slack"))                                       // 2
	mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.11", "spamcop", t0), t0, "email"))                        // 3
	if err := db.Retry(t.Context(), 3, t0.Add(24*time.Hour), 1, "come back tomorrow"); err != nil {
		t.Fatal(err)
	}
	if got := dueIDs(t, db, "slack", t0); cmp.Diff([]int64{1}, got) != "" {
		t.Errorf("due: %v, want the one of the clock that ran ahead", got)
	}
	if got := dueIDs(t, db, "email", t0); len(got) > 0 {
		t.Errorf("due: %v, want not the one put off for a day", got)
	}
	if err := db.Sent(t.Context(), 1, t0); err != nil {
		t.Fatal(err)
	}
	if got := dueIDs(t, db, "slack", t0); cmp.Diff([]int64{2}, got) != "" {
		t.Errorf("due after that: %v, want the next of its incident", got)
	}
}

func TestANoticeIsEmptiedOnceItIsDone(t *testing.T) {
	db := fresh(t)
	id := mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0, "email", "pager", "slack"))[0].Incident.ID
	if err := db.Sent(t.Context(), 1, t0); err != nil {
		t.Fatal(err)
	}
	if err := db.Refuse(t.Context(), 2, t0, "552 too large"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT count(*) FROM outbox WHERE notification IS NULL"); n != 2 {
		t.Errorf("%d notices are emptied, want those that were sent or refused", n)
	}
	if got := dueIDs(t, db, "slack", t0); len(got) != 1 {
		t.Errorf("due: %v, want the one that waits", got)
	}
	h, err := db.Incident(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var states []SendingState
	for _, s := range h.Deliveries {
		states = append(states, s.State)
		if s.Notice == "" || s.Kind != alerts.Opened || s.Queued.IsZero() {
			t.Errorf("a delivery shows %+v", s)
		}
	}
	if diff := cmp.Diff([]SendingState{Sent, Refused, Queued}, states); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

func TestChannels(t *testing.T) {
	db := fresh(t)
	ctx := t.Context()
	a := mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0, "email", "slack"))[0].Incident // 1, 2
	mustCommit(t, db, t0.Add(time.Minute), Batch{}, reminds(a, t0.Add(time.Minute), "email", "slack"))                // 3, 4
	check := func(when string, want ...Channel) {
		t.Helper()
		got, err := db.Channels(ctx)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", when, err, diff)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(db.Sent(ctx, 1, t0.Add(time.Second)))
	must(db.Retry(ctx, 2, t0.Add(time.Hour), 4, "500 Internal\nServer Error"))
	check("one channel is down",
		Channel{Name: "email", Queued: 1, Oldest: t0.Add(time.Minute), Next: t0.Add(time.Minute), Sent: 1, LastSent: t0.Add(time.Second)},
		Channel{Name: "slack", Queued: 2, Oldest: t0, Next: t0.Add(time.Hour), Tries: 4, LastError: "500 Internal Server Error"})
	must(db.Sent(ctx, 2, t0.Add(2*time.Hour)))
	must(db.Refuse(ctx, 4, t0.Add(3*time.Hour), "invalid_auth"))
	must(db.Refuse(ctx, 3, t0.Add(-time.Hour), "552 too large"))
	check("one is well again, one was refused",
		Channel{Name: "email", Sent: 1, LastSent: t0.Add(time.Second), Refused: 1, LastRefused: t0.Add(-time.Hour)},
		Channel{Name: "slack", Sent: 1, LastSent: t0.Add(2 * time.Hour), Refused: 1, LastRefused: t0.Add(3 * time.Hour), LastError: "invalid_auth"})
}

// TestOutboxOrder plays any order of tries: what arrives of one incident at one
// channel arrives in the order it was queued, and the last of it is never lost.
func TestOutboxOrder(t *testing.T) {
	root := t
	rapid.Check(t, func(t *rapid.T) {
		db, err := Open(context.Background(), root.TempDir()+"/reputed.db", Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		now := t0
		var incidents []alerts.Incident
		queued, done := 0, map[string][]int64{}
		t.Repeat(map[string]func(*rapid.T){
			"open": func(t *rapid.T) {
				c := mustCommit(root, db, now, Batch{}, opens(listed(fmt.Sprintf("192.0.2.%d", len(incidents)+1), "spamcop", now), now, "slack", "email"))
				incidents = append(incidents, c[0].Incident)
				queued += 2
			},
			"remind": func(t *rapid.T) {
				if len(incidents) == 0 {
					t.Skip("none")
				}
				now = now.Add(time.Second)
				about := rapid.SampledFrom(incidents).Draw(t, "incident")
				// What is put off is told together with it.
				queued += 2 - count(root, db, "SELECT count(*) FROM outbox WHERE state = 'queued' AND incident = ? AND next > ?", about.ID, now.UnixMicro())
				mustCommit(root, db, now, Batch{}, reminds(about, now, "slack", "email"))
				if n := count(root, db, "SELECT count(*) FROM outbox WHERE state = 'queued' AND incident = ? AND notice = ?", about.ID, fmt.Sprintf("%d/%s/%d", about.ID, alerts.Reminder, now.Unix())); n != 2 {
					t.Fatalf("%d channels are to be told of the last reminder, want 2", n)
				}
			},
			"deliver": func(t *rapid.T) {
				channel := rapid.SampledFrom([]string{"slack", "email"}).Draw(t, "channel")
				now = now.Add(time.Second)
				due, err := db.Due(context.Background(), channel, now, rapid.IntRange(1, 3).Draw(t, "limit"))
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range due {
					switch rapid.IntRange(0, 3).Draw(t, "outcome") {
					case 0:
						err = db.Retry(context.Background(), d.ID, now.Add(time.Duration(rapid.IntRange(1, 9).Draw(t, "delay"))*time.Second), d.Tries+1, "500")
					case 1:
						err = db.Refuse(context.Background(), d.ID, now, "no")
						queued--
					default:
						err = db.Sent(context.Background(), d.ID, now)
						queued--
						key := fmt.Sprint(channel, d.Notification.Incident.ID)
						done[key] = append(done[key], d.ID)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			},
			"": func(t *rapid.T) {
				for key, ids := range done {
					for i := 1; i < len(ids); i++ {
						if ids[i] <= ids[i-1] {
							t.Fatalf("%s: delivered in the order %v", key, ids)
						}
					}
				}
				if n := count(root, db, "SELECT count(*) FROM outbox WHERE state = 'queued'"); n != queued {
					t.Fatalf("%d notices wait, want %d", n, queued)
				}
			},
		})
	})
}

// What was held through the night is told as what it has become, or not at all.
func TestWhatWaitsIsToldTogether(t *testing.T) {
	db := fresh(t)
	held := func(c alerts.Change) []Notice {
		n := notify("slack")(c)
		if c.Kind == alerts.Opened {
			n[0].NotBefore = t0.Add(8 * time.Hour)
		}
		return n
	}
	open := func(address string) alerts.Incident {
		d := opens(listed(address, "spamcop", t0), t0)(Situation{})
		d.Notify = held
		d.Changes[0].Incident.LastTold, d.Changes[0].Incident.Told = t0, []string{"slack"}
		return mustCommit(t, db, t0, Batch{}, one(d))[0].Incident
	}
	next := func(i alerts.Incident, kind alerts.ChangeKind, at time.Time) alerts.Change {
		if kind == alerts.Ended {
			i.State, i.Resolved = alerts.Resolved, at
		}
		return mustCommit(t, db, at, Batch{}, one(Decision{Notify: held, Changes: []alerts.Change{{Kind: kind, Incident: i, At: at, Tell: true}}}))[0]
	}
	worse, over := open("192.0.2.10"), open("192.0.2.11")
	if due := dueIDs(t, db, "slack", t0.Add(time.Hour)); len(due) != 0 {
		t.Fatalf("due at night: %v", due)
	}
	next(worse, alerts.Worsened, t0.Add(time.Hour))
	due, err := db.Due(t.Context(), "slack", t0.Add(time.Hour), 9)
	if err != nil || len(due) != 1 || due[0].Notification.Kind != alerts.Opened {
		t.Errorf("a rise by night of what nobody heard of is told as new: %v %+v", err, due)
	}
	c := next(over, alerts.Ended, t0.Add(2*time.Hour))
	if c.Tell || c.Why == "" || len(dueIDs(t, db, "slack", t0.Add(24*time.Hour))) != 1 {
		t.Errorf("begun and ended by night: %+v", c)
	}
	got, err := db.Incident(t.Context(), over.ID)
	if err != nil || !got.Incident.LastTold.IsZero() || len(got.Incident.Told) != 0 || len(got.Decisions) == 0 {
		t.Errorf("it is for the digest, and says why: %v %+v", err, got)
	}
}

// A channel that takes nothing is left alone with all that waits for it, and with what is new, so that afterwards each
// incident is one message. Those that were tried least come first: one that is never taken is in no other's way.
func TestWhatWaitsForAChannelInTroubleIsPutOffAndToldTogether(t *testing.T) {
	db := fresh(t)
	ctx := t.Context()
	mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0, "slack", "email"))         // 1, 2
	b := mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.11", "spamcop", t0), t0, "slack"))[0].Incident // 3
	next := t0.Add(15 * time.Minute)
	if err := db.Retry(ctx, 1, next, 1, "500"); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, db, t0.Add(time.Minute), Batch{}, reminds(b, t0.Add(time.Minute), "slack")) // 4, in place of 3
	if got := dueIDs(t, db, "slack", t0.Add(2*time.Minute)); len(got) > 0 {
		t.Errorf("due while it is left alone: %v", got)
	}
	if got := dueIDs(t, db, "email", t0.Add(2*time.Minute)); cmp.Diff([]int64{2}, got) != "" {
		t.Errorf("due for another channel: %v, want 2", got)
	}
	if got := dueIDs(t, db, "slack", next); cmp.Diff([]int64{4, 1}, got) != "" {
		t.Errorf("due then: %v, want the one that was never tried, and after it the other", got)
	}
	due, err := db.Due(ctx, "slack", next, 10)
	if err != nil || len(due) != 2 || due[0].Notification.Kind != alerts.Opened {
		t.Errorf("due = %+v, %v, want the reminder told as the opening that nobody heard of", due, err)
	}
}

func TestAChannelKnowsThatSomethingCriticalWaits(t *testing.T) {
	db := fresh(t)
	is := func(want bool) {
		t.Helper()
		all, err := db.Channels(t.Context())
		if err != nil || len(all) != 1 || all[0].Critical != want {
			t.Errorf("%+v, %v, want critical %v", all, err, want)
		}
	}
	mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0, "pager")) // major
	is(false)
	f := listed("192.0.2.11", "zen", t0)
	f.Severity = checks.Critical
	mustCommit(t, db, t0, Batch{}, opens(f, t0, "pager"))
	is(true)
	if err := db.Sent(t.Context(), 2, t0); err != nil {
		t.Fatal(err)
	}
	is(false)
}
