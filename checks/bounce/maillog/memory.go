package maillog

import (
	"bytes"
	"container/list"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"reputed/checks"
)

const (
	maxNotes     = 5000      // messages and the like that are remembered
	maxNoteBytes = 400 << 10 // of all their texts; in JSON they take at most twice that
	maxHeard     = 10        // replies kept for one message
	maxLast      = 50        // recipients kept for one message
	maxReply     = 1000      // runes of one reply
)

// note is what earlier lines told of one message, session or route.
type note struct {
	Key    string   `json:"k"`
	Sender string   `json:"s,omitempty"` // domain
	ID     string   `json:"m,omitempty"` // Message-ID
	From   string   `json:"f,omitempty"` // envelope sender, whole
	Login  string   `json:"u,omitempty"` // see Origin
	Client string   `json:"c,omitempty"`
	Heard  []answer `json:"h,omitempty"` // refusals that no line has given to a recipient yet
	Last   []last   `json:"l,omitempty"` // how recipients stand that are still tried
	Pieces []string `json:"p,omitempty"` // of an entry that comes in several lines
}

// answer is what some host said.
type answer struct {
	Text  string `json:"t"`
	Host  string `json:"o,omitempty"`
	Addr  string `json:"a,omitempty"`
	Stage string `json:"g,omitempty"`
	At    int64  `json:"at,omitempty"` // Unix seconds
	PID   string `json:"i,omitempty"`
	For   string `json:"f,omitempty"` // recipient domain that it was given to
}

// last is the last refusal of one recipient.
type last struct {
	To  string `json:"to"`
	Tag string `json:"tag,omitempty"`
	answer
}

// cost is about how many bytes the note takes.
func (n *note) cost() int {
	c := 40 + len(n.Key) + len(n.Sender) + len(n.ID) + len(n.From) + len(n.Login) + len(n.Client)
	for i := range n.Heard {
		c += n.Heard[i].cost()
	}
	for i := range n.Last {
		c += 20 + len(n.Last[i].To) + len(n.Last[i].Tag) + n.Last[i].cost()
	}
	for _, p := range n.Pieces {
		c += 10 + len(p)
	}
	return c
}

func (a *answer) cost() int {
	return 60 + len(a.Text) + len(a.Host) + len(a.Addr) + len(a.Stage) + len(a.PID) + len(a.For)
}

// kept cuts a text loose from the lines and cleans it, so that it can be stored.
func kept(s string, max int) string {
	if len(s) <= max {
		plain := true
		for i := 0; i < len(s) && plain; i++ {
			plain = s[i] > ' ' && s[i] <= '~' || s[i] == ' ' && i > 0 && s[i-1] != ' '
		}
		if plain && !strings.HasSuffix(s, " ") {
			return strings.Clone(s)
		}
	}
	return checks.Line(s, max)
}

// memory holds notes; the one not used for longest is forgotten first.
type memory struct {
	notes map[string]*list.Element
	order *list.List // of *slot, the latest used in front
	bytes int
}

type slot struct {
	note
	cost int
}

func newMemory() memory { return memory{notes: map[string]*list.Element{}, order: list.New()} }

// find returns the note, or nil. It lasts until the next call of note.
func (m *memory) find(key string) *note {
	e := m.notes[key]
	if e == nil {
		if e = m.notes[kept(key, 400)]; e == nil {
			return nil
		}
	}
	m.order.MoveToFront(e)
	return &e.Value.(*slot).note
}

// note returns the note, a new one if there is none. [memory.changed] has to
// follow a change.
func (m *memory) note(key string) *note {
	if n := m.find(key); n != nil {
		return n
	}
	s := &slot{note: note{Key: kept(key, 400)}}
	m.notes[s.Key] = m.order.PushFront(s)
	m.changed(&s.note)
	return &s.note
}

// changed keeps account of a note that has grown or shrunk, and forgets old
// ones if need be, though never the one that was just changed.
func (m *memory) changed(n *note) {
	e := m.notes[n.Key]
	if e == nil {
		return
	}
	s := e.Value.(*slot)
	c := s.note.cost()
	m.bytes += c - s.cost
	s.cost = c
	for m.order.Len() > 1 && (m.order.Len() > maxNotes || m.bytes > maxNoteBytes) {
		m.forget(m.order.Back().Value.(*slot).Key)
	}
}

func (m *memory) forget(key string) {
	e := m.notes[key]
	if e == nil {
		return
	}
	m.bytes -= e.Value.(*slot).cost
	m.order.Remove(e)
	delete(m.notes, key)
}

// state is the form in which notes are stored.
type state struct {
	Version int     `json:"version"`
	Notes   []*note `json:"notes"` // the latest used last
}

const stateVersion = 1

func (m *memory) encode() []byte {
	if m.order.Len() == 0 {
		return nil
	}
	st := state{Version: stateVersion}
	for e := m.order.Back(); e != nil; e = e.Prev() {
		st.Notes = append(st.Notes, &e.Value.(*slot).note)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(st); err != nil {
		return nil // there is nothing in it that cannot be encoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func decode(b []byte) (memory, error) {
	m := newMemory()
	if len(b) == 0 {
		return m, nil
	}
	var st state
	if err := json.Unmarshal(b, &st); err != nil {
		return newMemory(), fmt.Errorf("state of a log reader: %w", err)
	}
	if st.Version != stateVersion {
		return newMemory(), fmt.Errorf("state of a log reader: version %d, this program knows %d", st.Version, stateVersion)
	}
	for _, n := range st.Notes {
		if n == nil || n.Key == "" || m.notes[n.Key] != nil {
			continue
		}
		s := &slot{note: *n}
		m.notes[n.Key] = m.order.PushFront(s)
		m.changed(&s.note)
	}
	return m, nil
}

// hear keeps a refusal until a line says whom it concerned.
func (n *note) hear(a answer) {
	if len(n.Heard) >= maxHeard {
		n.Heard = slices.Delete(n.Heard, 0, 1)
	}
	n.Heard = append(n.Heard, a)
}

// put keeps how a recipient stands; one that is done is forgotten.
func (n *note) put(l last, done bool) {
	i := slices.IndexFunc(n.Last, func(o last) bool { return o.To == l.To })
	switch {
	case done && i >= 0:
		n.Last = slices.Delete(n.Last, i, i+1)
	case done:
	case i >= 0:
		n.Last[i] = l
	default:
		if len(n.Last) >= maxLast {
			n.Last = slices.Delete(n.Last, 0, 1)
		}
		n.Last = append(n.Last, l)
	}
}

// lastOf returns how a recipient stands, or nil.
func (n *note) lastOf(to string) *last {
	if n == nil {
		return nil
	}
	for i := range n.Last {
		if n.Last[i].To == to {
			return &n.Last[i]
		}
	}
	return nil
}
