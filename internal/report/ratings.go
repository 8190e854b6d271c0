package report

import (
	"io"
	"time"

	"reputed/checks"
)

// Rating is what one source says of one target now, and what it said before.
type Rating struct {
	ID                   string // Target.ID
	Target, Source, Name string
	Value, Level, How    string // how: measured, recorded, inferred from refusals
	By, Note             string
	Since, At            time.Time // of equal readings, the first and the last
	Readings             int       // how many
	Before               []RatingBefore
	Page, Advice         string // where a person looks, and how it is read
	Problem              bool   // it is told as one
	Scale                Scale
	Course               []RatingPoint // all that is known within some time, oldest first
}

// Scale is what the course of a rating is drawn on. The zero Scale is that of levels: bad, poor, neutral, good.
type Scale struct {
	Numbers     bool    // it has numbers, from Worst to Best
	Worst, Best float64 // ends of the scale; a number may lie beyond them
	Limits      []Limit
}

// Limit is a number of a scale on whose worse side something is so.
type Limit struct {
	Number float64
	Says   string // "told", "poor", "bad"
}

// RatingPoint is a run of equal readings.
type RatingPoint struct {
	From, To     time.Time // of the first and the last of them
	Value, Level string
	Number       float64 // where the scale has numbers
}

// RatingBefore is what was said before, the latest first.
type RatingBefore struct {
	Value, Level string
	Until        time.Time
}

// Ratings are all of them, by target and source.
type Ratings struct {
	Rows []Rating
	Now  time.Time
	Cut  bool // there are too many to read all of them: what is told or recorded is there, and no other
}

// ratingJSON is one rating. Field names are a promise: docs/json.md.
type ratingJSON struct {
	Target   string             `json:"target"`
	Source   string             `json:"source"`
	Name     string             `json:"name"`
	Value    string             `json:"value"`
	Level    string             `json:"level"`
	How      string             `json:"how"`
	By       string             `json:"by"`
	Note     string             `json:"note"`
	Since    *string            `json:"since"`
	At       *string            `json:"at"`
	Readings int                `json:"readings"`
	Before   []ratingBeforeJSON `json:"before"`
	Page     string             `json:"page"`
	Advice   string             `json:"advice"`
	Problem  bool               `json:"problem"`
}

type ratingBeforeJSON struct {
	Value string  `json:"value"`
	Level string  `json:"level"`
	Until *string `json:"until"`
}

func ratingOf(r Rating) ratingJSON {
	line := func(s string) string { return checks.Line(s, 0) }
	out := ratingJSON{
		Target: line(r.Target), Source: line(r.Source), Name: line(r.Name), Value: line(r.Value), Level: line(r.Level), How: line(r.How), By: line(r.By), Note: line(r.Note),
		Since: utc(r.Since), At: utc(r.At), Readings: r.Readings, Before: []ratingBeforeJSON{}, Page: checks.Link(r.Page), Advice: line(r.Advice), Problem: r.Problem,
	}
	for _, b := range r.Before {
		out.Before = append(out.Before, ratingBeforeJSON{line(b.Value), line(b.Level), utc(b.Until)})
	}
	return out
}

// Write renders ratings.
func (r Ratings) Write(w io.Writer, t Term, f Format) error {
	rows := r.Rows
	switch f {
	case JSON:
		all := []ratingJSON{}
		for _, x := range rows {
			all = append(all, ratingOf(x))
		}
		return writeJSON(w, struct {
			Schema  int          `json:"schema"`
			At      *string      `json:"at"`
			Ratings []ratingJSON `json:"ratings"`
		}{1, utc(r.Now), all})
	case TSV:
		out := newTSV(w, t.TTY, "target source level value how since at before")
		for _, x := range rows {
			before := ""
			if len(x.Before) > 0 {
				before = x.Before[0].Value
			}
			out.row(x.Target, x.Source, x.Level, x.Value, x.How, stampOrNone(x.Since), stampOrNone(x.At), before)
		}
		return out.close()
	}
	p := &page{Term: t}
	if len(rows) == 0 {
		p.para(0, "", plain, "No source has said anything yet. Scores are asked when the daemon runs; reputed record writes down what a page says.", plain)
		return p.writeTo(w)
	}
	target := ""
	for _, x := range rows {
		if x.Target != target {
			if target != "" {
				p.blank()
			}
			target = x.Target
			p.line(p.paint(strong, clean(target)))
		}
		p.rating(x, r.Now)
	}
	return p.writeTo(w)
}

// rated is what a source says in words: "62, poor, since ...", with who recorded it and how old it is.
func (t Term) rated(x Rating, now time.Time, clock func(time.Time) string) string {
	value := clean(x.Value)
	switch x.How {
	case "recorded":
		value += " (recorded"
		if x.By != "" {
			value += " by " + clean(x.By)
		}
		value += ")"
	case "inferred":
		value += " (as refusals tell)"
	}
	if !x.Since.IsZero() {
		value += ", since " + clock(x.Since)
	}
	if !x.At.IsZero() && now.Sub(x.At) > 48*time.Hour {
		value += ", last seen " + ago(x.At, now)
	}
	return value
}

// rating is one source: the value, how it is known, what it was, and where to look.
func (p *page) rating(x Rating, now time.Time) {
	p.para(2, clean(x.Name)+": ", faint, p.rated(x, now, p.stamp), levelStyle(x.Level, x.Problem))
	if len(x.Before) > 0 {
		text := "before: "
		for i, b := range x.Before {
			if i > 0 {
				text += "; "
			}
			text += clean(b.Value) + " until " + p.stamp(b.Until)
		}
		p.para(4, "", faint, text, faint)
	}
	if x.Note != "" {
		p.para(4, "", faint, clean(x.Note), faint)
	}
	if page := checks.Link(x.Page); page != "" && (x.Problem || x.How != "measured") {
		p.line("    ", page)
	}
}

func levelStyle(level string, problem bool) style {
	switch {
	case level == "bad":
		return bad
	case level == "poor" || problem:
		return warn
	case level == "good":
		return good
	}
	return plain
}

func stampOrNone(at time.Time) string {
	if s := utc(at); s != nil {
		return *s
	}
	return ""
}
