package store

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/checks"
)

func listedFinding(target, list string, status checks.Status, at time.Time) checks.Finding {
	f := checks.Finding{Key: checks.Key{Check: checkLists, Target: target, Source: list}, Status: status, Code: checks.CodeNotListed, At: at}
	if status == checks.Problem {
		f.Code, f.Severity = checks.CodeListed, checks.Major
	}
	return f
}

func TestStandingsTurnsAndChanges(t *testing.T) {
	db := fresh(t)
	hour := t0.Truncate(time.Hour)
	step := func(at time.Time, findings ...checks.Finding) {
		mustCommit(t, db, at, Batch{}, one(Decision{Findings: findings}))
	}
	step(hour, listedFinding("192.0.2.1", "spamcop", checks.Problem, hour), listedFinding("192.0.2.2", "spamcop", checks.Problem, hour), listedFinding("192.0.2.1", "psbl", checks.Problem, hour))
	later := hour.Add(3 * time.Hour)
	step(later, listedFinding("192.0.2.1", "spamcop", checks.OK, later), listedFinding("192.0.2.2", "spamcop", checks.Unknown, later))

	standings, err := db.Standings(t.Context(), StandingFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range standings {
		got = append(got, fmt.Sprintf("%s %s %v", s.Key.Target, s.Key.Source, !s.Unknown.IsZero()))
	}
	if diff := cmp.Diff([]string{"192.0.2.1 psbl false", "192.0.2.2 spamcop true"}, got); diff != "" {
		t.Errorf("what has no answer stands as it was (-want +got):\n%s", diff)
	}
	if one, err := db.Standings(t.Context(), StandingFilter{Source: "psbl", Target: "192.0.2.1"}); err != nil || len(one) != 1 {
		t.Errorf("of one list and target: %v, %v", one, err)
	}

	turns, err := db.Turns(t.Context(), hour, time.Hour, 100)
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, x := range turns {
		got = append(got, fmt.Sprintf("%s %v %d %s", x.Source, x.Problem, x.Targets, x.Target))
	}
	if diff := cmp.Diff([]string{"psbl true 1 192.0.2.1", "spamcop true 2 192.0.2.1", "spamcop false 1 192.0.2.1"}, got); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}

	all, err := db.Changes(t.Context(), ChangeFilter{})
	if err != nil || len(all) != 4 || all[0].At.Before(all[3].At) {
		t.Fatalf("%d changes, %v", len(all), err)
	}
	var paged []int64
	for before := int64(0); ; before = paged[len(paged)-1] {
		next, err := db.Changes(t.Context(), ChangeFilter{Limit: 3, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		if len(next) == 0 {
			break
		}
		for _, c := range next {
			paged = append(paged, c.ID)
		}
	}
	if len(paged) != 4 {
		t.Errorf("page by page there are %v", paged)
	}
	if some, err := db.Changes(t.Context(), ChangeFilter{Source: "spamcop", Target: "192.0.2.1", Since: later, Check: checkLists}); err != nil || len(some) != 1 {
		t.Errorf("filtered: %v, %v", some, err)
	}
}

func TestFlowsCountWhatCounts(t *testing.T) {
	db := fresh(t)
	hour := t0.Truncate(time.Hour)
	mustCommit(t, db, hour.Add(2*time.Hour), Batch{Mails: []Mail{refusal(1, "kim@example.net", hour.Add(time.Minute)), refusal(2, "lee@example.net", hour.Add(2*time.Minute)), refusal(3, "kim@example.net", hour.Add(90*time.Minute))}}, nothing)
	flows, err := db.Flows(t.Context(), FlowFilter{Since: hour, Step: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, f := range flows {
		total += f.Refused + f.Deferred
		if f.Name == "" || !f.At.Equal(f.At.Truncate(time.Hour)) {
			t.Errorf("%+v", f)
		}
	}
	if total != 3 || len(flows) != 2 {
		t.Errorf("%d refusals in %d flows, want 3 in 2: %+v", total, len(flows), flows)
	}
	if none, err := db.Flows(t.Context(), FlowFilter{Since: hour, Step: time.Hour, Target: "192.0.2.99"}); err != nil || len(none) != 0 {
		t.Errorf("of another target: %+v, %v", none, err)
	}
	if mine, err := db.Flows(t.Context(), FlowFilter{Since: hour, Step: time.Hour, Target: "192.0.2.10"}); err != nil || len(mine) == 0 {
		t.Errorf("of this target: %+v, %v", mine, err)
	}
}

func TestReceiversCountEachDeliveryOnce(t *testing.T) {
	db := fresh(t)
	hour := t0.Truncate(time.Hour)
	mustCommit(t, db, hour.Add(time.Hour), Batch{Mails: []Mail{refusal(1, "kim@example.net", hour.Add(time.Minute))}}, nothing)
	if err := db.update(t.Context(), "count", func(tx *sql.Tx) error {
		c := newCounter(compile(tx))
		for _, r := range []struct {
			target, domain string
			n              int
		}{{"192.0.2.10", "example.net", 5}, {"2001:db8::a", "example.net", 2}, {"example.org", "example.net", 6}, {"192.0.2.10", "example.com", 4}} {
			c.count(r.target, r.domain, "", hour.UnixMicro(), amounts{delivered: r.n})
		}
		return c.flush(t.Context())
	}); err != nil {
		t.Fatal(err)
	}
	all, err := db.Receivers(t.Context(), hour)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range all {
		got[r.Domain] = fmt.Sprint(r.Refused, r.Deferred, r.Delivered, r.Counted)
	}
	if diff := cmp.Diff(map[string]string{"example.net": "1 0 7 true", "example.com": "0 0 4 true"}, got); diff != "" {
		t.Errorf("refused, deferred, delivered (-want +got):\n%s", diff)
	}
	if later, err := db.Receivers(t.Context(), hour.Add(time.Hour)); err != nil || len(later) != 0 {
		t.Errorf("of the time after: %+v, %v", later, err)
	}
}

func TestBouncesPageByPage(t *testing.T) {
	db := fresh(t)
	var mails []Mail
	for i := range 7 {
		mails = append(mails, refusal(uint32(i+1), fmt.Sprintf("u%d@example.net", i), t0.Add(time.Duration(i/3)*time.Minute))) // several at one time
	}
	mustCommit(t, db, t0.Add(time.Hour), Batch{Mails: mails}, nothing)
	for name, f := range map[string]BounceFilter{"of all": {Limit: 2}, "of a vendor": {Limit: 2, Vendor: "Cisco Talos", Counted: true}, "of a receiver": {Limit: 2, Vendor: "example.net", Counted: true}} {
		if got := pageByPage(t, db, f); got != 7 {
			t.Errorf("%s: %d of 7 bounces, page by page", name, got)
		}
	}
}

// pageByPage is how many bounces there are, each of which has to be there once.
func pageByPage(t *testing.T, db *DB, f BounceFilter) int {
	t.Helper()
	seen := map[int64]bool{}
	for range 10 {
		page, err := db.Bounces(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page {
			if seen[b.ID] {
				t.Errorf("bounce %d twice", b.ID)
			}
			seen[b.ID] = true
			f.Before, f.BeforeID = b.At, b.ID
		}
		if len(page) == 0 {
			break
		}
	}
	return len(seen)
}
