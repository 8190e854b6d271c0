package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/store"
	"reputed/probes/probestest"
)

func (d *day) quiet() {
	d.start()
	d.rounds(2)
	d.await("receivers are knocked at from both addresses", func() error {
		if a, b := d.cisco.Visits(), d.plain.Visits(); a < 2 || b < 2 {
			return fmt.Errorf("%d and %d visits", a, b)
		}
		return nil
	})
	d.submit("example.net", 6)
	d.submit("example.com", 4)
	d.deliveries()
	if posts := d.chat.posts(); len(posts) > 0 {
		d.t.Errorf("told on a quiet night: %+v", posts)
	}
}

func (d *day) listed() {
	d.lists.SetListed(spamCopZone, dayOurs, "Blocked - see https://www.spamcop.net/bl.shtml?"+dayOurs)
	d.incident = d.one("SpamCop's listing is told", dayOurs, false, alerts.Opened).ID
	posts := d.chat.posts()
	if len(posts) != 1 || !strings.Contains(posts[0].Title, "SpamCop") || !strings.Contains(posts[0].Title, dayOurs) || len(posts[0].Incident.Remediation) == 0 {
		d.t.Errorf("told was %+v, want one alert that names list and address and says what to do", posts)
	}
}

func (d *day) refused() {
	d.refuse(true)
	d.submit("example.net", 5)
	d.submit("example.com", 4)
	d.refusals()
	d.cost(9, alerts.Worsened)
	posts := d.chat.posts() // the last tells of what had been read by then, which need not be all
	if p := posts[len(posts)-1]; p.Incident.Severity != string(checks.Critical) || !strings.Contains(p.Incident.Cost, " to example.") {
		d.t.Errorf("told was %s, %q", p.Incident.Severity, p.Incident.Cost)
	}
}

// cost awaits that the incident about our address has cost so many mails.
func (d *day) cost(mails int, told alerts.ChangeKind) {
	d.t.Helper()
	d.await("what it costs is counted", func() error {
		i := d.one("it is one incident", dayOurs, false, told)
		if i.ID != d.incident || i.Impact.Refusals() != mails {
			return fmt.Errorf("incident %d has cost %d mails, want incident %d and %d", i.ID, i.Impact.Refusals(), d.incident, mails)
		}
		return nil
	})
}

func (d *day) takenOn() {
	if code, out := d.reputed("incident", "ack", fmt.Sprint(d.incident), "--by", "kim", "--note", "infected PC found"); code != exitOK {
		d.t.Errorf("ack: exit code %d: %s", code, out)
	}
	if i := d.one("it is acknowledged", dayOurs, false, ""); i.State != alerts.Acknowledged || i.AckedBy != "kim" {
		d.t.Errorf("acknowledged: %s by %q", i.State, i.AckedBy)
	}
}

// dayResolver is the target of what is wrong with our own resolver.
var dayResolver = checks.Monitor("resolver").ID()

func (d *day) rewriting() {
	before, told := d.transitions(), len(d.chat.of(d.incident))
	d.unbound.Stop()
	// What a provider does that sells the names that there are not.
	d.unbound.Start("  local-zone: \".\" redirect\n  local-data: \". 60 IN A 203.0.113.9\"\n")
	i := d.one("that the resolver lies is told", dayResolver, false, alerts.Opened)
	d.rounds(2)
	if again := d.one("still once", dayResolver, false, alerts.Opened); again.ID != i.ID || len(d.chat.of(i.ID)) != 1 {
		d.t.Errorf("told of it was %v", d.chat.of(i.ID))
	}
	d.blinded, d.invented = len(d.chat.of(i.ID)), d.transitions()-before
	if d.invented != 0 {
		d.t.Errorf("a lying resolver changed %d answers about us", d.invented)
	}
	if a := d.one("nothing else moves", dayOurs, false, ""); a.State != alerts.Acknowledged || len(d.chat.of(d.incident)) != told {
		d.t.Errorf("the listing is %s now, told %v", a.State, d.chat.of(d.incident))
	}
}

func (d *day) seeing() {
	before := d.transitions()
	d.unbound.Stop()
	d.unbound.Start("")
	i := d.one("that the resolver is well is told", dayResolver, true, alerts.Ended)
	d.rounds(2)
	if told := d.chat.of(i.ID); !slices.Equal(told, []string{string(alerts.Opened), string(alerts.Ended)}) {
		d.t.Errorf("told of the resolver was %v", told)
	}
	if n := d.transitions(); n != before {
		d.t.Errorf("a resolver that is back changed %d answers about us", n-before)
	}
}

func (d *day) mailboxAway() {
	d.dovecot.Stop()
	d.awaitDB("that the mailbox is away is seen", func(db *store.DB) error {
		all, err := db.Mailboxes(d.t.Context(), time.Time{})
		if err == nil && (len(all) != 1 || all[0].OK) {
			err = fmt.Errorf("mailboxes %+v", all)
		}
		return err
	})
	d.submit("example.com", 3)
	d.dovecot.Start()
	d.refusals()
	d.cost(12, "")
}

func (d *day) killed() {
	d.awaitDB("all is told", d.settled)
	d.told = len(d.chat.posts())
	d.submit("example.com", 2)
	d.submit("example.net", 2)
	if err := d.daemon.Process.Kill(); err != nil { // while it reads what became of them
		d.t.Fatal(err)
	}
	<-d.daemon.ended
	d.submit("example.net", 1) // nobody looks
	d.start()
	d.refusals()
	d.cost(17, "")
	d.rounds(2)
	if n := len(d.chat.posts()); n != d.told {
		d.t.Errorf("told after the restart: %+v", d.chat.posts()[d.told:])
	}
	if i := d.one("it is still acknowledged", dayOurs, false, ""); i.State != alerts.Acknowledged {
		d.t.Errorf("after the restart it is %s", i.State)
	}
}

// settled says whether every notice has been told.
func (d *day) settled(db *store.DB) error {
	all, err := db.Channels(d.t.Context())
	for _, c := range all {
		if c.Queued > 0 {
			err = errors.Join(err, fmt.Errorf("%d notices wait for %s", c.Queued, c.Name))
		}
	}
	return err
}

func (d *day) spoilt() {
	good, err := os.ReadFile(filepath.Join(d.dir, "reputed.toml"))
	if err != nil {
		d.t.Fatal(err)
	}
	d.write("reputed.toml", string(good)+"\n[slak]\n")
	d.signal(syscall.SIGHUP)
	d.await("the refused configuration is seen", func() error { return d.trouble("slak") })
	d.write("reputed.toml", string(good))
	d.rounds(1) // with the old one
}

// trouble says whether status tells of a configuration that was not taken; with "" that there is none.
func (d *day) trouble(word string) error {
	_, out := d.reputed("status", "--format", "json")
	var status struct {
		Troubles []struct{ Part, What string } `json:"daemon_troubles"`
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return err
	}
	if found := slices.ContainsFunc(status.Troubles, func(t struct{ Part, What string }) bool {
		return t.Part == "config" && strings.Contains(t.What, word)
	}); found != (word != "") {
		return fmt.Errorf("status tells of %+v", status.Troubles)
	}
	return nil
}

func (d *day) backedUp() {
	path := filepath.Join(d.dir, "noon.db")
	if code, out := d.reputed("backup", path); code != exitOK {
		d.t.Fatalf("backup: exit code %d: %s", code, out)
	}
	db, err := store.OpenReadOnly(d.t.Context(), path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer db.Close()
	if err := errors.Join(db.Check(d.t.Context()), daemontest.ToldAsPromised(d.t.Context(), db, 4*time.Hour)); err != nil {
		d.t.Errorf("the copy: %v", err)
	}
	if h, err := db.Incident(d.t.Context(), d.incident); err != nil || h.Incident.State != alerts.Acknowledged || h.Incident.Impact.Refusals() != 17 {
		d.t.Errorf("in the copy the incident is %s with %d refusals, %v", h.Incident.State, h.Incident.Impact.Refusals(), err)
	}
}

func (d *day) chatAway() {
	d.chat.fail(true)
	d.lists.SetListed(psblZone, daySpare, "")
	d.one("another address is listed", daySpare, false, "")
	d.await("the chat is tried", func() error {
		if d.chat.refusals() == 0 {
			return errors.New("it was not")
		}
		return nil
	})
}

func (d *day) chatStillAway() {
	d.await("the chat is tried again", func() error {
		if d.chat.refusals() < 2 {
			return errors.New("it was not")
		}
		return nil
	})
	if told := d.chat.of(d.one("it is still listed", daySpare, false, "").ID); len(told) > 0 {
		d.t.Errorf("told through a chat that says no was %v", told)
	}
}

func (d *day) recovered() {
	d.refuse(false)
	d.lists.Delist(spamCopZone, dayOurs)
	d.submit("example.net", 8)
	d.submit("example.com", 4)
	d.deliveries()
	d.chat.fail(false)
	d.configure("2m") // a second, in time-lapse
	d.signal(syscall.SIGHUP)
	if i := d.one("it is over", dayOurs, true, ""); i.ID != d.incident || i.Impact.Refusals() != 17 {
		d.t.Errorf("incident %d is over with %d refusals, want %d with 17", i.ID, i.Impact.Refusals(), d.incident)
	}
	d.await("the good configuration is in force", func() error { return d.trouble("") })
}

func (d *day) rotated() {
	d.submit("example.net", 5)
	d.postfix.RotateLog()
	d.submit("example.com", 5)
	d.deliveries()
}

// chatBack: a chat that said no twice is left alone for ten seconds, which three hours have filled.
func (d *day) chatBack() {
	d.one("the chat hears that it is over", dayOurs, true, alerts.Ended)
	d.one("the chat hears of the other address", daySpare, false, alerts.Opened)
	d.lists.Delist(psblZone, daySpare)
	spare := d.one("its end is told", daySpare, true, alerts.Ended)
	if told := d.chat.of(spare.ID); !slices.Equal(told, []string{string(alerts.Opened), string(alerts.Ended)}) {
		d.t.Errorf("told of the other address was %v", told)
	}
}

func (d *day) listDies() {
	before, told, spare := d.transitions(), len(d.chat.posts()), d.one("it is still listed", daySpare, false, "").ID
	d.lists.SetMode(partnerZone, probestest.ZoneListWorld)
	d.one("that a list is unusable is known", checks.List("partner").ID(), false, "")
	d.rounds(2)
	if n := d.transitions(); n != before {
		d.t.Errorf("a list of the world changed %d answers about us", n-before)
	}
	for _, p := range d.chat.posts()[told:] {
		if p.Incident.ID != d.incident && p.Incident.ID != spare { // these waited for the chat
			d.t.Errorf("told of it was %q", p.Title)
		}
	}
	d.lists.SetMode(partnerZone, probestest.ZoneNormal)
}

func (d *day) domainListed() {
	d.lists.SetListed(namesZone, "example.org", "")
	d.one("that our domain is listed is told", "example.org", false, alerts.Opened)
	d.lists.Delist(namesZone, "example.org")
	d.one("that it is not any more is told", "example.org", true, alerts.Ended)
}

func (d *day) lookedBack() {
	code, out := d.reputed("report", "--since", "24h", "--format", "json")
	var r struct {
		Listings struct{ New, Ended, Open int }
		Opened   []struct {
			ID       int64
			Refusals int
		}
	}
	if err := json.Unmarshal(out, &r); code != exitOK || err != nil {
		d.t.Fatalf("report: exit code %d, %v: %s", code, err, out)
	}
	if l := r.Listings; l.New != 3 || l.Ended != 3 || l.Open != 0 || len(r.Opened) != 5 {
		d.t.Errorf("the report has %+v and %d incidents, want 3 listings that came and went, and 5 incidents", l, len(r.Opened))
	}
	for _, i := range r.Opened {
		if want := map[bool]int{true: d.bad}[i.ID == d.incident]; i.Refusals != want {
			d.t.Errorf("the report has %d refusals for incident %d, want %d", i.Refusals, i.ID, want)
		}
	}
}

func (d *day) stopped() {
	if left := d.postfix.Queued(); len(left) > 0 {
		d.t.Errorf("Postfix still has mail: %v", left)
	}
	d.awaitDB("all is told", d.settled)
	d.signal(syscall.SIGTERM)
	if err := <-d.daemon.ended; err != nil {
		d.t.Errorf("told to stop: %v", err)
	}
}
