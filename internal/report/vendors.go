package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"reputed/checks"
)

// Vendor is who stands before some of our receivers, and what of our mail hangs on that.
type Vendor struct {
	Name     string // as refusals have it; empty: receivers of whom it is not known
	Title    string // for people
	Kind     string // filter, provider; empty: not known
	JudgedBy string // whose opinion of a sender decides: "itself", "Cisco Talos"
	Page     string // where a person looks that up; may be empty
	Source   string // where this was read
	Read     string // when

	Domains  []string       // receivers, those with most mail first
	How      map[string]int // how many of them are known by mx, greeting, words, delivery or refusal
	Mails    int            // delivered and refused for good
	Refused  int            // now: in the window that refusals are judged in, for reputation
	Deferred int            // likewise
	Refusing []string       // which of the receivers do that, those with most first
}

// Vendors is the vendor map: most mail first, those who are not known last.
type Vendors struct {
	All     []Vendor
	Counted bool // deliveries are counted, so that a share of the mail can be told
	Since   time.Time
	Window  time.Duration // what "now" is
	Now     time.Time
}

// share is n of all mail; -1: not known.
func (v Vendors) share(n int) float64 {
	total := 0
	for _, x := range v.All {
		total += x.Mails
	}
	if !v.Counted || total == 0 {
		return -1
	}
	return float64(n) / float64(total)
}

// vendorJSON is one vendor. Field names are a promise: docs/json.md.
type vendorJSON struct {
	Vendor    string         `json:"vendor"` // empty: receivers of whom it is not known
	Title     string         `json:"title"`
	Kind      string         `json:"kind"`
	Receivers int            `json:"receivers"`
	Domains   []string       `json:"domains"` // those with most mail, at most 20
	KnownBy   map[string]int `json:"known_by"`
	Mails     int            `json:"mails"`
	Share     *float64       `json:"share"` // 0 to 1; null: mail is not counted
	Refused   int            `json:"refused"`
	Deferred  int            `json:"deferred"`
	Refusing  []string       `json:"refusing"`
	JudgedBy  string         `json:"judged_by"`
	Page      string         `json:"page"`
	Source    string         `json:"source"`
	Read      string         `json:"read"`
}

// vendorDomains is how many receivers of a vendor are named.
const vendorDomains = 20

// sort puts those with most mail first, those who refuse before the others of no mail, and those
// who are not known last.
func (v Vendors) sort() {
	slices.SortFunc(v.All, func(a, b Vendor) int {
		return cmp.Or(cmp.Compare(rank(a.Name == ""), rank(b.Name == "")), cmp.Compare(b.Mails, a.Mails), cmp.Compare(b.Refused+b.Deferred, a.Refused+a.Deferred),
			cmp.Compare(len(b.Domains), len(a.Domains)), strings.Compare(a.Name, b.Name))
	})
}

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

// Write renders the map.
func (v Vendors) Write(w io.Writer, t Term, f Format) error {
	v.sort()
	if f == JSON {
		return v.json(w)
	}
	p := &page{Term: t}
	if len(v.All) == 0 {
		p.para(0, "", plain, "Nothing is known of any receiver yet: their domains come from mail logs ([[maillog]]) and bounces, and the daemon asks for their MX records.", plain)
		return p.writeTo(w)
	}
	receivers := 0
	for _, x := range v.All {
		receivers += len(x.Domains)
	}
	p.line(p.paint(strong, fmt.Sprintf("Who stands before your receivers: %s, mail since %s", plural(receivers, "domain", "domains"), v.Since.UTC().Format("2 Jan 2006"))))
	p.blank()
	columns := []column{{title: "VENDOR", flex: true}, {title: "RECEIVERS", right: true}, {title: "MAIL", right: true}, {title: "REFUSED", right: true}, {title: "JUDGED BY", flex: true}}
	var rows [][]cell
	for _, x := range v.All {
		refuses := cell{text: "-", style: faint}
		if n := x.Refused + x.Deferred; n > 0 {
			refuses = cell{number(n) + " at " + number(len(x.Refusing)), bad}
		}
		name, judged := cell{text: clean(x.Title)}, cell{text: clean(x.JudgedBy)}
		if x.Name == "" {
			name, judged = cell{"not known", faint}, cell{"-", faint}
		}
		rows = append(rows, []cell{name, {text: number(len(x.Domains))}, {text: percent(v.share(x.Mails))}, refuses, judged})
	}
	p.grid(0, columns, rows)
	if !v.Counted {
		p.blank()
		p.para(0, "", plain, "Mail is not counted here, so that no share can be told: let the daemon read the log of your mail server ([[maillog]]).", warn)
	}
	for _, x := range v.All {
		if n := x.Refused + x.Deferred; n > 0 && x.Name != "" {
			p.blank()
			text := fmt.Sprintf("refused %s in %s, at %s", plural(n, "mail", "mails"), span(v.Window), some(cleaned(x.Refusing), 3))
			p.para(0, clean(x.Title)+" ", strong, text, bad)
			if page := checks.Link(x.Page); page != "" {
				p.line("  ", page)
			}
		}
	}
	v.ahead(p)
	return p.writeTo(w)
}

// ahead says what a worse opinion of one source would cost, before it is there.
func (v Vendors) ahead(p *page) {
	type source struct {
		mails   int
		vendors []string
		page    string
	}
	by := map[string]*source{}
	var names []string
	for _, x := range v.All {
		if x.Name == "" || x.Mails == 0 {
			continue
		}
		name := clean(x.JudgedBy)
		if strings.HasPrefix(name, "itself") {
			name = clean(x.Title)
		}
		s := by[name]
		if s == nil {
			s = &source{}
			by[name] = s
			names = append(names, name)
		}
		s.mails += x.Mails
		s.vendors = append(s.vendors, clean(x.Title))
		s.page = cmp.Or(s.page, checks.Link(x.Page))
	}
	told := 0
	for _, name := range names {
		s := by[name]
		share := v.share(s.mails)
		if share < aheadShare || told == aheadMost {
			continue
		}
		if told++; told == 1 {
			p.blank()
		}
		p.para(0, "", plain, fmt.Sprintf("If %s came to think badly of you, that would hit %s of your mail.", name, percent(share)), plain)
		if s.page != "" {
			p.line("  ", s.page)
		}
	}
}

const (
	aheadShare = 0.02 // of the mail: less is not worth a sentence
	aheadMost  = 6
)

// percent is a share for people; "-" if it is not known.
func percent(share float64) string {
	switch {
	case share < 0:
		return "-"
	case share == 0:
		return "0 %"
	case share < 0.001:
		return "< 0.1 %"
	case share < 0.1:
		return strconv.FormatFloat(100*share, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(100*share, 'f', 0, 64) + " %"
}

func cleaned(all []string) []string {
	out := make([]string, 0, len(all))
	for _, s := range all {
		out = append(out, checks.Line(s, 100))
	}
	return out
}

func (v Vendors) json(w io.Writer) error {
	all := []vendorJSON{}
	line := func(s string) string { return checks.Line(s, 0) }
	for _, x := range v.All {
		j := vendorJSON{
			Vendor: line(x.Name), Title: line(x.Title), Kind: x.Kind, Receivers: len(x.Domains), Domains: lines(x.Domains[:min(len(x.Domains), vendorDomains)]),
			KnownBy: x.How, Mails: x.Mails, Refused: x.Refused, Deferred: x.Deferred, Refusing: lines(x.Refusing[:min(len(x.Refusing), vendorDomains)]),
			JudgedBy: line(x.JudgedBy), Page: checks.Link(x.Page), Source: line(x.Source), Read: line(x.Read),
		}
		if j.KnownBy == nil {
			j.KnownBy = map[string]int{}
		}
		if s := v.share(x.Mails); s >= 0 {
			j.Share = &s
		}
		all = append(all, j)
	}
	return writeJSON(w, struct {
		Schema  int          `json:"schema"`
		At      *string      `json:"at"`
		Since   *string      `json:"since"`
		Counted bool         `json:"counted"`
		Window  int          `json:"refusals_seconds"`
		Vendors []vendorJSON `json:"vendors"`
	}{1, utc(v.Now), utc(v.Since), v.Counted, int(v.Window.Seconds()), all})
}
