package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/checks"
	"reputed/checks/identity"
)

func TestDriftIsAChangeOfWhatIsPublished(t *testing.T) {
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	// One letter a day: an answer, "-" for nothing published, "?" for no answer.
	for name, c := range map[string]struct{ days, want string }{
		"the first sight is no change":        {"aaa", ""},
		"a change":                            {"aab", "a>b 1-2"},
		"nothing is a value":                  {"a-a", "->a 1-2, a>- 0-1"},
		"no answer changes nothing":           {"a?a", ""},
		"and hides no change":                 {"a?b", "a>b 0-2"},
		"there and back are two":              {"aba", "b>a 1-2, a>b 0-1"},
		"what was never answered is no drift": {"???", ""},
		"first known late":                    {"??a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			db := fresh(t)
			domain, err := checks.Domain("example.org")
			if err != nil {
				t.Fatal(err)
			}
			for day, letter := range c.days {
				at := begin.AddDate(0, 0, day)
				p := identity.Published{Target: domain, What: "SPF", Value: string(letter), At: at}
				switch letter {
				case '-':
					p.Value = ""
				case '?':
					p.Value, p.Unknown = "", true
				}
				for range 2 { // the same again is the same
					if err := db.SavePublished(t.Context(), at, []identity.Published{p}, true); err != nil {
						t.Fatal(err)
					}
				}
			}
			all, err := db.Drift(t.Context(), DriftFilter{Targets: []string{"example.org"}})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for i, d := range all {
				if i > 0 {
					got += ", "
				}
				value := func(s string) string {
					if s == "" {
						return "-"
					}
					return s
				}
				got += fmt.Sprintf("%s>%s %d-%d", value(d.Before), value(d.Now), int(d.Since.Sub(begin).Hours()/24), int(d.At.Sub(begin).Hours()/24))
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestDriftIsFoundByTargetAndTime(t *testing.T) {
	db := fresh(t)
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	a, _ := checks.Domain("a.example.org")
	b, _ := checks.Domain("b.example.org")
	for day := range 3 {
		at := begin.AddDate(0, 0, day)
		var all []identity.Published
		for _, target := range []checks.Target{a, b} {
			all = append(all, identity.Published{Target: target, What: "MX", Value: fmt.Sprint(day), At: at})
		}
		if err := db.SavePublished(t.Context(), at, all, true); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		f    DriftFilter
		want int
	}{
		"all":          {DriftFilter{}, 4},
		"of one":       {DriftFilter{Targets: []string{"a.example.org"}}, 2},
		"of another":   {DriftFilter{Targets: []string{"c.example.org"}}, 0},
		"since":        {DriftFilter{Since: begin.AddDate(0, 0, 2)}, 2},
		"until":        {DriftFilter{Until: begin.AddDate(0, 0, 1)}, 2},
		"no more than": {DriftFilter{Limit: 3}, 3},
	} {
		if got, err := db.Drift(t.Context(), c.f); err != nil || len(got) != c.want {
			t.Errorf("%s: %d changes, %v; want %d", name, len(got), err, c.want)
		}
	}
	for i := range maxPublished + 50 { // a record that says something else each time
		at := begin.AddDate(0, 1, 0).Add(time.Duration(i) * time.Minute)
		if err := db.SavePublished(t.Context(), at, []identity.Published{{Target: a, What: "MX", Value: fmt.Sprint("x", i), At: at}}, false); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := db.Drift(t.Context(), DriftFilter{Targets: []string{"a.example.org"}, Limit: 10 * maxPublished}); err != nil || len(got) != maxPublished-1 {
		t.Errorf("kept %d changes, %v; want %d", len(got), err, maxPublished-1)
	}
}

func TestUnansweredLastsUntilAnAnswerOrTheEndOfAsking(t *testing.T) {
	db := fresh(t)
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	domain, _ := checks.Domain("example.org")
	save := func(day int, whole bool, all ...identity.Published) {
		t.Helper()
		at := begin.AddDate(0, 0, day)
		for i := range all {
			all[i].Target, all[i].At = domain, at
		}
		if err := db.SavePublished(t.Context(), at, all, whole); err != nil {
			t.Fatal(err)
		}
	}
	want := func(since int, whats ...string) {
		t.Helper()
		all, err := db.Unanswered(t.Context(), begin.AddDate(0, 0, since), 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, u := range all {
			got = append(got, fmt.Sprintf("%s %d", u.What, int(u.Since.Sub(begin).Hours()/24)))
		}
		if diff := cmp.Diff(whats, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	save(0, true, identity.Published{What: "SPF", Unknown: true}, identity.Published{What: "MX", Unknown: true})
	save(1, true, identity.Published{What: "SPF", Unknown: true}, identity.Published{What: "MX", Value: "10 mx1.example.org"})
	save(2, true, identity.Published{What: "SPF", Unknown: true}, identity.Published{What: "DMARC", Unknown: true})
	want(0, "SPF 0")
	want(9, "SPF 0", "DMARC 2")
	save(3, false, identity.Published{What: "DMARC", Unknown: true}) // a part of all
	want(9, "SPF 0", "DMARC 2")
	save(4, true, identity.Published{What: "DMARC", Unknown: true}) // SPF is not asked about any more
	want(9, "DMARC 2")
}
