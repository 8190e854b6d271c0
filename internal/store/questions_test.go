package store

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"
)

// back commits that an address is listed by a list, or is not any more.
func back(t *testing.T, db *DB, target, list string, at time.Time, status checks.Status) {
	t.Helper()
	f := listed(target, list, at)
	if f.Status = status; status == checks.OK {
		f.Code, f.Severity = checks.CodeNotListed, ""
	}
	f.Evidence[0].Wire = "NOERROR, TTL 300 s, " + at.Format("05") + " ms"
	mustCommit(t, db, at, Batch{}, folds([]checks.Finding{f}))
}

func TestHistoryIsWhatWasAskedForOldestFirst(t *testing.T) {
	db := fresh(t)
	for i, status := range []checks.Status{checks.Problem, checks.OK, checks.Problem} {
		back(t, db, "192.0.2.10", "spamcop", t0.Add(time.Duration(i)*24*time.Hour), status)
	}
	back(t, db, "192.0.2.10", "psbl", t0.Add(time.Hour), checks.Problem)
	back(t, db, "192.0.2.11", "spamcop", t0.Add(2*time.Hour), checks.Problem)
	for name, c := range map[string]struct {
		filter TransitionFilter
		want   int
		more   bool
	}{
		"all":               {TransitionFilter{}, 5, false},
		"of a target":       {TransitionFilter{Target: "192.0.2.10"}, 4, false},
		"of a list":         {TransitionFilter{Source: "spamcop"}, 4, false},
		"of a pair":         {TransitionFilter{Target: "192.0.2.10", Source: "spamcop", Check: "dnsbl"}, 3, false},
		"of another check":  {TransitionFilter{Check: "bounce"}, 0, false},
		"the newest if cut": {TransitionFilter{Limit: 2}, 2, true},
		"exactly the limit": {TransitionFilter{Limit: 5}, 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			all, more, err := db.History(t.Context(), c.filter)
			if err != nil || len(all) != c.want || more != c.more {
				t.Fatalf("%d changes, more %v, %v; want %d, %v", len(all), more, err, c.want, c.more)
			}
			if !slices.IsSortedFunc(all, func(a, b Transition) int { return a.At.Compare(b.At) }) {
				t.Error("not in the order they happened")
			}
		})
	}
}

func TestQuestionIsAllThatIsKnown(t *testing.T) {
	db := fresh(t)
	for i, status := range []checks.Status{checks.Problem, checks.OK, checks.Problem} {
		back(t, db, "192.0.2.10", "spamcop", t0.Add(time.Duration(i)*24*time.Hour), status)
	}
	q, err := db.Question(t.Context(), checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "spamcop"})
	if err != nil {
		t.Fatal(err)
	}
	if q.Status != checks.Problem || !q.Since.Equal(t0.Add(48*time.Hour)) || len(q.Transitions) != 3 || len(q.Incidents) != 1 || q.Answer != nil {
		t.Errorf("got %+v", q)
	}
	if got := q.Transitions[2].Evidence[0].Wire; got != "NOERROR, TTL 300 s, 00 ms" {
		t.Errorf("what came with the answer: %q", got)
	}
	q, err = db.Question(t.Context(), checks.Key{Check: "dnsbl", Target: "192.0.2.11", Source: "spamcop"})
	if err != nil || q.Status != "" || q.Transitions != nil || q.Incidents != nil {
		t.Errorf("of what was never a problem: %+v, %v", q, err)
	}
}

// What comes with an answer differs each time, and is no reason to write a member anew.
func TestTheWireIsNotPartOfAMember(t *testing.T) {
	a := listed("192.0.2.10", "spamcop", t0)
	b := listed("192.0.2.10", "spamcop", t0)
	a.Evidence[0].Wire, b.Evidence[0].Wire = "TTL 300 s", "TTL 299 s"
	doc, err := document(contentOf(a))
	if err != nil || !sameContent(a, b) || strings.Contains(doc, "TTL") {
		t.Errorf("%v %s", err, doc)
	}
}

func TestTargetsBeginWithThePrefix(t *testing.T) {
	db := fresh(t)
	for _, target := range []string{"192.0.2.10", "192.0.2.11", "198.51.100.7"} {
		back(t, db, target, "spamcop", t0, checks.Problem)
	}
	for prefix, want := range map[string][]string{"": {"192.0.2.10", "192.0.2.11"}, "198": {"198.51.100.7"}, "192.0.2.11": {"192.0.2.11"}, "%": nil} {
		got, err := db.Targets(t.Context(), prefix, 2)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", prefix, got, err, want)
		}
	}
}

// Whoever only reads is not told to get write permission.
func TestAReaderIsToldToGetReadPermission(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	err := explainRead(path, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission})
	if err == nil || strings.Contains(err.Error(), "writable") || !strings.Contains(err.Error(), "readable for you") {
		t.Errorf("got %v", err)
	}
}
