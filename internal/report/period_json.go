package report

import (
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// periodJSON is `report --format json`. Field names are a promise: docs/json.md.
type periodJSON struct {
	Schema   int                  `json:"schema"`
	Text     string               `json:"text"`
	Since    *string              `json:"since"`
	Until    *string              `json:"until"`
	Pool     string               `json:"pool"`
	Watching *string              `json:"watching_since"`
	Listings periodListingsJSON   `json:"listings"`
	Opened   []periodIncidentJSON `json:"opened"`
	Ended    []periodIncidentJSON `json:"ended"`
	Open     []periodIncidentJSON `json:"open_before"`
	Mail     periodMailJSON       `json:"mail"`
	Before   periodMailJSON       `json:"mail_before"`
	Compared bool                 `json:"compared"`
	Deeds    []deedJSON           `json:"done"`
	Sight    sightJSON            `json:"not_known"`
	Quiet    []string             `json:"quiet"`
}

type periodListingsJSON struct {
	New      int              `json:"new"`
	Ended    int              `json:"ended"`
	Open     int              `json:"open"`
	Relapses int              `json:"relapses"`
	Clear    *int             `json:"seconds_to_clear"`
	Lists    []periodListJSON `json:"lists"`
}

type periodListJSON struct {
	List     string   `json:"list"`
	Name     string   `json:"name"`
	New      int      `json:"new"`
	Ended    int      `json:"ended"`
	Open     int      `json:"open"`
	Relapses int      `json:"relapses"`
	Clear    *int     `json:"seconds_to_clear"`
	Longest  int      `json:"longest_seconds"`
	Targets  []string `json:"targets"`
}

type periodIncidentJSON struct {
	ID       int64           `json:"id"`
	Title    string          `json:"title"`
	Severity checks.Severity `json:"severity"`
	State    alerts.State    `json:"state"`
	Opened   *string         `json:"opened"`
	Resolved *string         `json:"resolved"`
	AckedBy  string          `json:"acked_by"`
	Relapses int             `json:"relapses"`
	Refusals int             `json:"refusals"`
	Cost     string          `json:"cost"`
}

type periodMailJSON struct {
	Looked    bool           `json:"looked"`
	Refused   int            `json:"refused"`
	Deferred  int            `json:"deferred"`
	Delivered *int           `json:"delivered"` // null: not counted
	By        []periodByJSON `json:"by"`
}

type periodByJSON struct {
	Name      string `json:"name"`
	Domains   int    `json:"domains"`
	Refused   int    `json:"refused"`
	Deferred  int    `json:"deferred"`
	Delivered *int   `json:"delivered"`
}

type deedJSON struct {
	At       *string `json:"at"`
	Incident int64   `json:"incident"`
	Title    string  `json:"title"`
	What     string  `json:"what"`
	By       string  `json:"by"`
	Note     string  `json:"note"`
}

type sightJSON struct {
	Rounds int             `json:"rounds"`
	Whole  int             `json:"complete"`
	Gaps   []gapJSON       `json:"gaps"`
	Parts  []blindPartJSON `json:"parts"`
	Lists  []silentInJSON  `json:"lists"`
}

type gapJSON struct {
	From  *string `json:"from"`
	Until *string `json:"until"`
}

type blindPartJSON struct {
	Code    checks.Code `json:"code"`
	Name    string      `json:"name"`
	Seconds int         `json:"seconds"`
	Now     bool        `json:"now"`
}

type silentInJSON struct {
	List    string `json:"list"`
	Name    string `json:"name"`
	Verdict string `json:"verdict"`
	Rounds  int    `json:"rounds"`
}

func secondsOf(d time.Duration) *int {
	if d <= 0 {
		return nil
	}
	n := int(d / time.Second)
	return &n
}

func periodOf(p Period, t Term) periodJSON {
	out := periodJSON{Schema: 1, Text: p.Verdict(), Since: utc(p.Since), Until: utc(p.Until), Pool: clean(p.Pool), Watching: utc(p.Watching),
		Listings: periodListingsJSON{p.NewLists, p.OverLists, p.Standing, p.Relapses, secondsOf(p.Clear), []periodListJSON{}},
		Mail:     periodMailOf(p.Mail), Before: periodMailOf(p.Before), Compared: p.Compared, Deeds: []deedJSON{}, Quiet: []string{},
		Sight: sightJSON{p.Sight.Rounds, p.Sight.Whole, []gapJSON{}, []blindPartJSON{}, []silentInJSON{}}}
	for _, l := range p.Lists {
		out.Listings.Lists = append(out.Listings.Lists, periodListJSON{clean(l.ID), clean(l.Name), l.New, l.Ended, l.Open, l.Relapses, secondsOf(l.Clear), int(l.Longest / time.Second), append([]string{}, lines(l.Targets)...)})
	}
	for _, x := range []struct {
		from []alerts.Incident
		to   *[]periodIncidentJSON
	}{{p.Opened, &out.Opened}, {p.Over, &out.Ended}, {p.Open, &out.Open}} {
		*x.to = []periodIncidentJSON{}
		for _, i := range x.from {
			one := periodIncidentJSON{ID: i.ID, Title: clean(i.Title), Severity: i.Severity, State: alerts.State(clean(string(i.State))), Opened: utc(i.Opened), Resolved: utc(i.Resolved), AckedBy: checks.Line(i.AckedBy, 100),
				Relapses: i.Relapses, Refusals: i.Impact.Refusals()}
			if i.CostsMail() {
				one.Cost = t.Cost(i.Impact, p.Until)
			}
			*x.to = append(*x.to, one)
		}
	}
	for _, d := range p.Deeds {
		out.Deeds = append(out.Deeds, deedJSON{utc(d.At), d.Incident, clean(d.Title), checks.Line(d.What, 100), checks.Line(d.Who, 100), clean(d.Note)})
	}
	for _, g := range p.Sight.Gaps {
		out.Sight.Gaps = append(out.Sight.Gaps, gapJSON{utc(g.From), utc(g.Until)})
	}
	for _, b := range p.Sight.Parts {
		out.Sight.Parts = append(out.Sight.Parts, blindPartJSON{b.Code, checks.Line(b.Name, 100), int(b.For / time.Second), b.Now})
	}
	for _, u := range p.Sight.Lists {
		out.Sight.Lists = append(out.Sight.Lists, silentInJSON{clean(u.ID), clean(u.Name), checks.Line(string(u.Verdict), 40), u.Rounds})
	}
	out.Quiet = append(out.Quiet, p.quietLines()...)
	return out
}

func periodMailOf(m PeriodMail) periodMailJSON {
	delivered := func(n int, known bool) *int {
		if !known {
			return nil
		}
		return &n
	}
	out := periodMailJSON{m.Looked, m.Refused, m.Deferred, delivered(m.Delivered, m.Counted), []periodByJSON{}}
	for _, r := range m.Refusers {
		out.By = append(out.By, periodByJSON{clean(r.Name), r.Domains, r.Refused, r.Deferred, delivered(r.Delivered, m.Counted && m.Apart)})
	}
	return out
}
