package report

import (
	"fmt"
	"io"
	"time"

	"reputed/checks"
)

// Soundness is how one thing that the doctor looked at is.
type Soundness string

const (
	Sound    Soundness = "ok"
	Doubtful Soundness = "warn"
	Broken   Soundness = "bad"
	Unclear  Soundness = "unknown" // it could not be found out, which proves nothing either way
	Absent   Soundness = "absent"  // it is not configured; for exit codes as good as ok
)

// Symptom is one line of the doctor.
type Symptom struct {
	Area string // "configuration", "resolver", "lists", ...
	Is   Soundness
	Says string // what was seen; may hold text from outside
	Do   string // what to do; empty where there is nothing
}

// Doctor is all that was looked at, in the order of the areas.
type Doctor struct {
	Symptoms       []Symptom
	Started, Ended time.Time
}

// count is how many there are of one kind.
func (d Doctor) count(is Soundness) (n int) {
	for _, s := range d.Symptoms {
		if s.Is == is {
			n++
		}
	}
	return n
}

// Level is the exit code, as the design has it: what is known comes before what is not.
func (d Doctor) Level() Level {
	switch {
	case d.count(Broken) > 0:
		return LevelCritical
	case d.count(Doubtful) > 0:
		return LevelWarning
	case d.count(Unclear) > 0 || len(d.Symptoms) == 0:
		return LevelUnknown
	}
	return LevelOK
}

// summary is "1 bad, 2 to look at, 14 ok".
func (d Doctor) summary() string {
	text := ""
	for _, part := range []struct {
		is   Soundness
		word string
	}{{Broken, "bad"}, {Doubtful, "to look at"}, {Unclear, "not known"}, {Absent, "not configured"}, {Sound, "ok"}} {
		if n := d.count(part.is); n > 0 {
			if text != "" {
				text += ", "
			}
			text += number(n) + " " + part.word
		}
	}
	if text == "" {
		return "nothing was looked at"
	}
	return text
}

// worst is the first of the worst symptoms, for one line.
func (d Doctor) worst() string {
	for _, is := range []Soundness{Broken, Doubtful, Unclear} {
		for _, s := range d.Symptoms {
			if s.Is == is {
				return ": " + s.Area + ": " + checks.Line(s.Says, 200)
			}
		}
	}
	return ""
}

// symptomJSON is one line. Field names are a promise: docs/json.md.
type symptomJSON struct {
	Area string `json:"area"`
	Is   string `json:"is"`
	Says string `json:"says"`
	Do   string `json:"do"`
}

// Write renders it.
func (d Doctor) Write(w io.Writer, t Term, f Format) error {
	switch f {
	case JSON:
		all := []symptomJSON{}
		for _, s := range d.Symptoms {
			all = append(all, symptomJSON{s.Area, string(s.Is), checks.Line(s.Says, 0), checks.Line(s.Do, 0)})
		}
		return writeJSON(w, struct {
			Schema  int           `json:"schema"`
			State   string        `json:"state"`
			Code    int           `json:"exit_code"`
			Text    string        `json:"text"`
			Started *string       `json:"started"`
			Ended   *string       `json:"ended"`
			Lines   []symptomJSON `json:"lines"`
		}{1, d.Level().String(), int(d.Level()), d.summary(), utc(d.Started), utc(d.Ended), all})
	case TSV:
		rows := newTSV(w, t.TTY, "area is says do")
		for _, s := range d.Symptoms {
			rows.row(s.Area, string(s.Is), s.Says, s.Do)
		}
		return rows.close()
	case Plugin:
		return writePlugin(w, d.Level(), d.summary()+d.worst(), []perf{{"bad", d.count(Broken)}, {"warn", d.count(Doubtful)}, {"unknown", d.count(Unclear)}, {"ok", d.count(Sound)}})
	}
	p := &page{Term: t}
	area := ""
	for _, s := range d.Symptoms {
		if s.Area != area {
			if area = s.Area; p.b.Len() > 0 {
				p.blank()
			}
			p.line(p.paint(strong, clean(s.Area)))
		}
		word, st := soundWord(s.Is)
		p.para(2, fmt.Sprintf("%-7s ", word), st, clean(s.Says), plain)
		if s.Do != "" {
			p.para(10, "-> ", faint, clean(s.Do), plain)
		}
	}
	p.blank()
	level := d.Level()
	p.line(p.paint(level.style(), level.String()), ": ", d.summary())
	return p.writeTo(w)
}

func soundWord(s Soundness) (string, style) {
	switch s {
	case Sound:
		return "ok", good
	case Doubtful:
		return "warn", warn
	case Broken:
		return "BAD", bad
	case Absent:
		return "absent", faint
	}
	return "unknown", unknown
}
