package reputation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/checks"
)

// Page is a source without an interface: nothing is scraped, a person reads its page and
// records what it says (`reputed record`).
type Page struct {
	Source
	Words []Word // what it says, in its own words
	// Below is what a refusal by a receiver that uses it tells of the rating.
	Below string
}

// Word is one thing that a page can say, and what it means for the mail.
type Word struct {
	Word    string // lower case
	Level   Level
	Meaning string
}

// ladder are the words that every page takes, for what has no word of its own.
func ladder() []Word {
	return []Word{
		{"good", Good, "well spoken of"}, {"neutral", Neutral, "nothing against it"},
		{"poor", Poor, "some receivers defer or filter"}, {"bad", Bad, "receivers refuse"},
	}
}

// recordedStale is for how long what a person read counts. Nobody looks every week.
const recordedStale = 30 * 24 * time.Hour

// Pages are the sources whose readings people record.
func Pages() []Page {
	page := func(id, title, vendor, url, remedy, advice, below string, words ...Word) Page {
		return Page{
			Source: Source{ID: id, Title: title, Operator: vendor, Vendor: vendor, Page: url, Remedy: remedy, Advice: advice,
				Recorded: true, Stale: recordedStale, Poor: checks.Major, Bad: checks.Major},
			Words: words, Below: below,
		}
	}
	listed := []Word{
		{"not listed", Good, "mail is not refused for it"},
		{"listed", Bad, "receivers refuse"},
	}
	return []Page{
		page("talos", "Cisco Talos", "Cisco Talos", "https://talosintelligence.com/reputation_center/lookup?search={ip}", "cisco-talos",
			"Behind the word is a score from -10 to +10 that is not shown. Receivers refuse below -4, -3 (the default) or -2, as they choose.",
			"poor or below: -3 or less at a receiver with the default settings",
			Word{"good", Good, "accepted everywhere"}, Word{"neutral", Neutral, "accepted, now and then slowed; little volume is neutral"},
			Word{"poor", Bad, "refused or slowed by receivers behind Cisco gateways"}),
		page("proofpoint", "Proofpoint Dynamic Reputation", "Proofpoint", "https://ipcheck.proofpoint.com/?ip={ip}", "proofpoint",
			"The page tells whether the address is blocked now, and has a form only while it is.", "blocked",
			Word{"not blocked", Good, "mail is not refused for it"}, Word{"blocked", Bad, "receivers behind Proofpoint refuse or defer"}),
		page("cloudmark", "Cloudmark Sender Intelligence", "Cloudmark", "https://csi.cloudmark.com/en/reset/?ip={ip}", "cloudmark",
			"The form resets a rating; what caused it brings it back.", "poor", listed...),
		page("trend-micro", "Trend Micro Email Reputation", "Trend Micro", "https://servicecentral.trendmicro.com/", "trend-micro",
			"It has lists of bad senders and of dynamic addresses.", "listed", listed...),
		page("barracuda", "Barracuda Central", "Barracuda", "https://www.barracudacentral.org/lookups/lookup-reputation", "barracuda",
			"The page tells whether the address is on the list of poor senders.", "listed as poor",
			Word{"not listed", Good, "mail is not refused for it"}, Word{"listed", Bad, "receivers with a Barracuda refuse"}, Word{"poor", Bad, "receivers with a Barracuda refuse"}),
	}
}

// FindPage looks a page up by its id.
func FindPage(id string) (Page, bool) {
	pages := Pages()
	i := slices.IndexFunc(pages, func(p Page) bool { return p.ID == strings.ToLower(id) })
	if i < 0 {
		return Page{}, false
	}
	return pages[i], true
}

// All are the words that can be recorded: those of the page, and those that all pages take
// where it has none of its own for it.
func (p Page) All() []Word {
	all := slices.Clone(p.Words)
	for _, w := range ladder() {
		if !slices.ContainsFunc(all, func(own Word) bool { return own.Word == w.Word }) {
			all = append(all, w)
		}
	}
	return all
}

// Reading is what a person has read. The error says which words there are.
func (p Page) Reading(t checks.Target, word, by, note string, at time.Time) (Reading, error) {
	word = strings.ToLower(checks.Line(word, maxValue))
	var known []string
	for _, w := range p.All() {
		if w.Word == word || strings.ReplaceAll(w.Word, " ", "-") == word {
			return Reading{Source: p.ID, Target: t, Value: w.Word, Level: w.Level, How: Recorded, By: checks.Line(by, 80), Note: checks.Line(note, maxSummary), At: at.UTC()}, nil
		}
		known = append(known, fmt.Sprintf("%q", w.Word))
	}
	return Reading{}, fmt.Errorf("%s says no %q: record one of %s", p.Title, word, strings.Join(known, ", "))
}

// Refusal is how often one receiver refused or deferred mail of a target for its reputation.
type Refusal struct {
	Target      string // checks.Target ID
	Vendor      string // in the words of the classification rules
	Receiver    string
	N           int
	First, Last time.Time
}

// Believe is what refusals tell of a rating that a program cannot look up: a sender that is refused by
// receivers which use the source is rated badly enough for them to refuse it. It is false where none of
// them did. The reading has the time of the last refusal, so that one recorded later takes precedence.
func (p Page) Believe(t checks.Target, refusals []Refusal) (Reading, bool) {
	receivers := map[string]bool{}
	n := 0
	var first, last time.Time
	for _, r := range refusals {
		if p.Vendor == "" || r.Vendor != p.Vendor || r.Target != t.ID() || r.N <= 0 {
			continue
		}
		receivers[r.Receiver] = true
		n += r.N
		if first.IsZero() || r.First.Before(first) {
			first = r.First
		}
		if r.Last.After(last) {
			last = r.Last
		}
	}
	if n == 0 {
		return Reading{}, false
	}
	who := "1 receiver"
	if len(receivers) > 1 {
		who = fmt.Sprintf("%d receivers", len(receivers))
	}
	return Reading{
		Source: p.ID, Target: t, Value: p.Below, Level: Bad, How: Inferred, At: last.UTC(),
		Note: fmt.Sprintf("refused by %s behind %s since %s, %d times", who, p.Vendor, first.UTC().Format("2006-01-02 15:04"), n),
	}, true
}
