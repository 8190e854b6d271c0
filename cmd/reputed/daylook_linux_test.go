package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/monitor"
	"reputed/internal/store"
)

// incidentsOf are all that fit, those that are over too.
func incidentsOf(ctx context.Context, db *store.DB, fits func(alerts.Incident) bool) (some []alerts.Incident, err error) {
	all, err := db.Incidents(ctx, store.IncidentFilter{Resolved: true, Limit: -1})
	for _, i := range all {
		if fits(i) {
			some = append(some, i)
		}
	}
	return some, err
}

// regarding says whether an incident is about a target.
func regarding(target string) func(alerts.Incident) bool {
	return func(i alerts.Incident) bool {
		return slices.ContainsFunc(i.Members, func(m alerts.Member) bool { return m.Finding.Key.Target == target })
	}
}

// one awaits that exactly one incident is about a target, in a state, and that the last that was told of it is kind.
func (d *day) one(what, target string, resolved bool, kind alerts.ChangeKind) (found alerts.Incident) {
	d.t.Helper()
	d.awaitDB(what, func(db *store.DB) error {
		all, err := incidentsOf(d.t.Context(), db, regarding(target))
		if err != nil || len(all) != 1 || (all[0].State == alerts.Resolved) != resolved {
			return fmt.Errorf("about %s there are %v, %w", target, daemontest.Titles(all), err)
		}
		found = all[0]
		if told := d.chat.of(found.ID); kind != "" && (len(told) == 0 || told[len(told)-1] != string(kind)) {
			return fmt.Errorf("told of it was %v, want %s", told, kind)
		}
		return nil
	})
	return found
}

// rounds awaits that so many more rounds end.
func (d *day) rounds(n int) {
	d.t.Helper()
	ended := func(db *store.DB) (k int, err error) {
		all, _, err := db.Runs(d.t.Context(), monitor.JobDNSBL, d.began.Add(-time.Hour), time.Now().Add(time.Hour))
		for _, r := range all {
			if r.State == store.Complete || r.State == store.Troubled {
				k++
			}
		}
		return k, err
	}
	before := -1
	d.awaitDB("rounds end", func(db *store.DB) error {
		k, err := ended(db)
		if before < 0 && err == nil {
			before = k
		}
		if err == nil && k < before+n {
			err = fmt.Errorf("%d rounds, want %d", k, before+n)
		}
		return err
	})
}

// refusals awaits that what counts as refused is what was, each once, and that each bounce was read.
func (d *day) refusals() {
	d.t.Helper()
	want := d.bad
	d.awaitDB("refused mail is counted", func(db *store.DB) error {
		counted, err := db.Bounces(d.t.Context(), store.BounceFilter{Counted: true, Limit: -1})
		if err != nil {
			return err
		}
		all, err := db.Bounces(d.t.Context(), store.BounceFilter{Limit: -1})
		if err != nil {
			return err
		}
		reports, lines, final := 0, 0, 0
		for _, b := range all {
			if b.Log == "" {
				reports++
			} else {
				lines++
			}
		}
		for _, b := range counted {
			if b.Action == bounce.Failed {
				final++
			}
		}
		if len(counted) != want || final != want || reports != want || lines != want || d.dovecot.Mails() != want {
			return fmt.Errorf("%d mails were refused; %d count, %d of them as given up, %d are known from the log, %d reports were read of %d that Postfix wrote", want, len(counted), final, lines, reports, d.dovecot.Mails())
		}
		return nil
	})
}

// deliveries awaits that what counts as delivered is what the receivers took.
func (d *day) deliveries() {
	d.t.Helper()
	d.awaitDB("delivered mail is counted", func(db *store.DB) error {
		took := map[string]int{"example.net": d.cisco.Taken(), "example.com": d.plain.Taken()}
		all, err := db.Receivers(d.t.Context(), d.began.Add(-time.Hour))
		got := map[string]int{}
		for _, r := range all {
			got[r.Domain] = r.Delivered // of a receiver that refused, each of its vendors has it
		}
		if err == nil && (!maps.Equal(took, d.good) || !maps.Equal(got, d.good)) {
			err = fmt.Errorf("sent were %v, the receivers took %v, and %v are counted", d.good, took, got)
		}
		return err
	})
}

// look asks the page, its metrics, its health and the command line, which must all tell of the same incidents.
func (d *day) look(hour int) {
	d.t.Helper()
	d.looks++
	d.await(fmt.Sprintf("%02d:00 page, metrics and status agree", hour), func() error {
		_, out := d.reputed("status", "--format", "json")
		var status struct {
			Daemon    struct{ Alive bool }
			Incidents []struct {
				ID    int64
				Title string
			}
		}
		if err := json.Unmarshal(out, &status); err != nil {
			return fmt.Errorf("status: %w: %s", err, out)
		}
		if !status.Daemon.Alive {
			return errors.New("status says that the daemon is dead")
		}
		if code, body := d.get("/healthz"); code != http.StatusOK {
			return fmt.Errorf("/healthz: %d %s", code, body)
		}
		code, metrics := d.get("/metrics")
		open := 0
		for line := range strings.Lines(metrics) {
			if strings.HasPrefix(line, "reputed_incidents{") {
				n := 0
				_, _ = fmt.Sscan(line[strings.LastIndexByte(line, ' '):], &n)
				open += n
			}
		}
		if code != http.StatusOK || open != len(status.Incidents) {
			return fmt.Errorf("/metrics: %d, %d incidents, status has %d", code, open, len(status.Incidents))
		}
		code, page := d.get("/")
		for _, i := range status.Incidents {
			if link := fmt.Sprintf("/incidents/%d", i.ID); code == http.StatusOK && !strings.Contains(page, link) {
				return fmt.Errorf("/ has no %s (%s)", link, i.Title)
			}
		}
		if code != http.StatusOK {
			return fmt.Errorf("/: %d", code)
		}
		return nil
	})
}

// transitions is how often what lists say about addresses and domains of ours has changed.
func (d *day) transitions() (n int) {
	d.t.Helper()
	if err := d.read(func(db *store.DB) error {
		all, _, err := db.History(d.t.Context(), store.TransitionFilter{Check: monitor.JobDNSBL})
		for _, tr := range all {
			if t, bad := checks.ParseID(tr.Key.Target); bad == nil && (t.Kind == checks.KindAddress || t.Kind == checks.KindDomain) {
				n++
			}
		}
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return n
}
