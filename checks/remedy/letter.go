package remedy

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pelletier/go-toml/v2"

	"reputed/blocklists"
	"reputed/checks"
)

//go:embed letters/*.toml
var embeddedLetters embed.FS

// letterWidth is where lines of a letter are broken, but for literal refusals.
const letterWidth = 72

// The letters that there are.
const (
	ToPostmaster = "postmaster" // of an organisation that refuses our mail
	ToList       = "list"       // of which removal is asked
	ToISP        = "isp"        // who owns the network
	ToCustomer   = "customer"   // who misses mail
)

// Refusal is one mail that was refused, as a letter quotes it.
type Refusal struct {
	At      time.Time
	QueueID string // at our server; "" if not known
	From    string // our address
	Host    string // that refused
	Text    string // literally; recipients are taken out before
}

// Occasion is what a letter is written about. Everything may be missing but the finding.
type Occasion struct {
	Finding   checks.Finding // what is asked to be ended
	Zone      func(id string) (blocklists.Zone, bool)
	Receiver  string // whom the letter is for, if not the finding's receiver
	Since     time.Time
	Refusals  []Refusal // the latest first; some are quoted
	Receivers []string  // who refuse, most refusals first
	Requests  []string  // removals asked for, one clean line each: "Spamhaus ZEN on 25 Nov 2026 (SBL123)"
	Takes     string    // how long it takes, for people who know nothing of lists: "up to about 2 days"
	Location  *time.Location
	Signature Signature
}

// Signature is who writes.
type Signature struct{ Organisation, Name, Contact, Phone string }

// Letter is one letter, ready but for what only a person knows.
type Letter struct {
	To, Subject, Body string
	Blanks            []string // what stands in angle brackets, each once, in order
	Unblocked         bool     // it must go by a way that is not blocked
}

type rawLetter struct {
	ID          string    `toml:"id"`
	To          string    `toml:"to"`
	ToElse      string    `toml:"to_else"`
	Subject     string    `toml:"subject"`
	SubjectElse string    `toml:"subject_else"`
	Parts       []rawPart `toml:"part"`
}

type rawPart struct {
	Text    string   `toml:"text"`
	Else    string   `toml:"else"`
	Vendors []string `toml:"vendors"` // only where one of these refuses
	Literal string   `toml:"literal"` // what is made of the occasion, in place of text
}

type letter struct {
	to, toElse, subject, subjectElse template
	parts                            []letterPart
}

type letterPart struct {
	text, els template
	vendors   []string
	literal   string
}

// literals are what may stand in a part in place of text.
var literals = map[string]func(Occasion, map[string]string) []string{
	"refusals": refusalLines, "requests": requestLines, "since": sinceLines, "since_customers": sinceCustomers,
	"entry": entryLines, "receivers": receiverLines, "signature": signatureLines,
}

var letters = sync.OnceValues(func() (map[string]letter, error) {
	text, err := embeddedLetters.ReadFile("letters/en.toml")
	if err != nil {
		return nil, err
	}
	return readLetters(text)
})

// readLetters reads a file of letters strictly; the error names the letter.
func readLetters(text []byte) (map[string]letter, error) {
	var f struct {
		Letters []rawLetter `toml:"letter"`
	}
	if err := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields().Decode(&f); err != nil {
		return nil, fmt.Errorf("letters: %w", err)
	}
	all := map[string]letter{}
	for _, raw := range f.Letters {
		p := compiler{}
		l := letter{to: p.parse("to", raw.To, inText), toElse: p.parse("to_else", raw.ToElse, inText),
			subject: p.parse("subject", raw.Subject, inText), subjectElse: p.parse("subject_else", raw.SubjectElse, inText)}
		for i, part := range raw.Parts {
			at := fmt.Sprintf("part %d: ", i+1)
			if (part.Text == "") == (part.Literal == "") || part.Literal != "" && literals[part.Literal] == nil {
				return nil, fmt.Errorf("letter %q: %sneither text nor a literal that there is", raw.ID, at)
			}
			l.parts = append(l.parts, letterPart{p.parse(at+"text", part.Text, inText), p.parse(at+"else", part.Else, inText), part.Vendors, part.Literal})
		}
		switch {
		case p.err != nil:
			return nil, fmt.Errorf("letter %q: %w", raw.ID, p.err)
		case raw.ID == "" || len(l.parts) == 0:
			return nil, fmt.Errorf("letter %q has no id or no parts", raw.ID)
		}
		all[raw.ID] = l
	}
	return all, nil
}

// Write writes one of the letters. An error says that there is none of this name.
func Write(to string, o Occasion) (Letter, error) {
	all, err := letters()
	if err != nil {
		return Letter{}, err
	}
	l, ok := all[to]
	if !ok {
		return Letter{}, fmt.Errorf("no letter is written to %q: say %s, %s, %s or %s", checks.Line(to, 40), ToPostmaster, ToList, ToISP, ToCustomer)
	}
	v := o.values()
	w := writer{v: v}
	out := Letter{To: w.say(l.to, l.toElse), Subject: w.say(l.subject, l.subjectElse), Unblocked: to == ToPostmaster || to == ToISP}
	var body []string
	for _, part := range l.parts {
		switch {
		case len(part.vendors) > 0 && !slices.Contains(part.vendors, v[checks.FactVendor]):
		case part.literal != "":
			if lines := literals[part.literal](o, v); len(lines) > 0 {
				w.note(strings.Join(w.unknown(part.literal, o), ""))
				body = append(body, strings.Join(lines, "\n"))
			}
		default:
			if s := w.say(part.text, part.els); s != "" {
				body = append(body, strings.Join(folded(s, letterWidth), "\n"))
			}
		}
	}
	out.Body = strings.Join(body, "\n\n") + "\n"
	out.Blanks = w.blanks
	return out, nil
}

// values are the placeholders of a letter: those of the finding, and who writes.
func (o Occasion) values() map[string]string {
	var z blocklists.Zone
	if id := listID(o.Finding); id != "" && o.Zone != nil {
		z, _ = o.Zone(id)
	}
	v := values(o.Finding, z)
	if d, err := checks.Domain(o.Receiver); err == nil {
		v[checks.FactReceiver] = d.Name
	}
	for name, value := range map[string]string{"contact": o.Signature.Contact, "phone": o.Signature.Phone, "takes": o.Takes} {
		if value = checks.Line(value, maxFactRunes); value != "" {
			v[name] = value
		}
	}
	return v
}

// writer fills in texts and keeps what only a person knows.
type writer struct {
	v      map[string]string
	blanks []string
}

// blank is what stands in angle brackets in our own texts.
var blank = regexp.MustCompile(`<[^<>]+>`)

func (w *writer) say(ts ...template) string {
	for _, t := range ts {
		if s, ok := t.expand(w.v, inText); ok {
			for _, p := range t { // not of the values: a refusal is full of angle brackets
				w.note(p.text)
			}
			return s
		}
	}
	return ""
}

func (w *writer) note(text string) {
	for _, b := range blank.FindAllString(text, -1) {
		if !slices.Contains(w.blanks, b) {
			w.blanks = append(w.blanks, b)
		}
	}
}

// unknown are the blanks of a literal.
func (w *writer) unknown(literal string, o Occasion) (all []string) {
	switch {
	case literal == "refusals" && len(o.Refusals) == 0:
		all = append(all, noRefusal)
	case literal == "signature" && o.Signature.Name == "":
		all = append(all, noName)
	case literal == "since_customers" && o.Since.IsZero():
		all = append(all, noSince)
	}
	return all
}

// folded breaks a text between words.
func folded(s string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
