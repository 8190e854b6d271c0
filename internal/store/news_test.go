package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/alerts"
)

// joins decides that findings joined an incident without making it worse: at first silently, then, if said, as news.
func joins(in alerts.Incident, at time.Time, said bool, sources ...string) func(Situation) Decision {
	c := alerts.Change{Kind: alerts.Updated, Incident: in, At: at, Why: "no rise in severity"}
	var news alerts.News
	for _, s := range sources {
		m := alerts.Member{Finding: listed("192.0.2.10", s, at), First: at, Last: at, Turned: at}
		c.Incident.Members = append(c.Incident.Members, m)
		news.Joined = append(news.Joined, m)
	}
	if said {
		c.Why, c.Tell, c.News, c.Incident.Said = "", true, &news, at
	}
	return one(Decision{Changes: []alerts.Change{c}, Notify: func(c alerts.Change) []Notice {
		all := notify(c.Channels...)(c)
		for i := range all {
			all[i].Notification.News = c.News
		}
		return all
	}})
}

func TestNewsAndTurnsAreKept(t *testing.T) {
	db := fresh(t)
	in := mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0, "slack"))[0].Incident
	mustCommit(t, db, t0, Batch{}, joins(in, t0.Add(time.Minute), true, "psbl"))
	got, err := db.Incident(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Incident.Said.Equal(t0.Add(time.Minute)) || len(got.Incident.Members) != 2 || !got.Incident.Members[1].Turned.Equal(t0.Add(time.Minute)) {
		t.Errorf("said %v, members %+v", got.Incident.Said, got.Incident.Members)
	}
}

func TestWhatIsHeldIsToldAsWhatItHasBecome(t *testing.T) {
	db := fresh(t)
	morning := t0.Add(6 * time.Hour)
	held := func(s Situation) Decision {
		d := opens(listed("192.0.2.10", "spamcop", t0), t0, "slack", "mail")(s)
		inner := d.Notify
		d.Notify = func(c alerts.Change) []Notice {
			all := inner(c)
			for i := range all {
				all[i].NotBefore = morning
			}
			return all
		}
		return d
	}
	in := mustCommit(t, db, t0, Batch{}, held)[0].Incident
	mustCommit(t, db, t0.Add(time.Hour), Batch{}, joins(in, t0.Add(time.Hour), false, "psbl"))
	for _, channel := range []string{"slack", "mail"} {
		if got := dueIDs(t, db, channel, t0.Add(2*time.Hour)); len(got) > 0 {
			t.Errorf("%s: %v is due before the morning", channel, got)
		}
		due, err := db.Due(t.Context(), channel, morning, 10)
		if err != nil || len(due) != 1 {
			t.Fatalf("%s: %v, %v", channel, due, err)
		}
		if n := due[0].Notification; n.Kind != alerts.Opened || len(n.Incident.Members) != 2 {
			t.Errorf("%s: %s with %d members", channel, n.Kind, len(n.Incident.Members))
		}
	}
}

func TestNewsJoinsWhatWaitsForAChannelInTrouble(t *testing.T) {
	db := fresh(t)
	in := mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0, "slack"))[0].Incident
	if err := db.Sent(t.Context(), 1, t0); err != nil {
		t.Fatal(err)
	}
	say := func(at time.Time, source string) {
		d := joins(in, at, true, source)(Situation{})
		d.Changes[0].Channels = []string{"slack"}
		mustCommit(t, db, at, Batch{}, one(d))
	}
	say(t0.Add(time.Minute), "psbl")
	if err := db.Retry(t.Context(), 2, t0.Add(time.Hour), 1, "503"); err != nil {
		t.Fatal(err)
	}
	say(t0.Add(30*time.Minute), "zen")
	due, err := db.Due(t.Context(), "slack", t0.Add(time.Hour), 10)
	if err != nil || len(due) != 1 {
		t.Fatalf("%v, %v", due, err)
	}
	if diff := cmp.Diff("192.0.2.10 is listed by psbl and 1 more", due[0].Notification.News.String()); diff != "" {
		t.Error(diff)
	}
	if at := due[0].Notification.ID; at != fmt.Sprintf("1/updated/%d", t0.Add(time.Minute).Unix()) {
		t.Errorf("the notice has another id, %s", at)
	}
	history, err := db.Incident(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, e := range history.Events {
		said = append(said, e.Kind+": "+e.Note)
	}
	if diff := cmp.Diff([]string{"opened: 192.0.2.10 is listed by spamcop", "updated: 192.0.2.10 is listed by psbl", "updated: 192.0.2.10 is listed by zen"}, said); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
