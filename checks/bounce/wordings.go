package bounce

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	mostWordings  = 10_000 // told apart at once; what comes after them is counted together
	mostReceivers = 1000   // remembered of one wording
)

// Wording is a group of refusals that say the same, whoever received them, and that no rule knows.
type Wording struct {
	Shape     string   // what they have in common, see [Shape]
	Count     int      // refusals and deferrals
	Refused   int      // of these, those that were final
	Receivers []string // recipient domains, most refusals first; at most 1000
	First     time.Time
	Last      time.Time
	Sample    Bounce // the latest one
	// Settled says that its enhanced status says what it is: a recipient, the network or the
	// receiver's system is at fault, and a rule would say the same.
	Settled bool
}

// Wordings gathers refusals that no rule knows. The zero value is empty. Its memory
// is bounded however many there are.
type Wordings struct {
	byWords map[string]*gathered
	Known   int // refusals that a rule knows
	Silent  int // refusals without any text, which no rule could know
	Beyond  int // refusals of wordings that were too many to be told apart
}

type gathered struct {
	Wording
	receivers map[string]int
}

// Add takes one refusal, judged by the rules of now.
func (w *Wordings) Add(b Bounce) {
	if b.Judgement.Rule != RuleNone && b.Judgement.Rule != "" {
		w.Known++
		return
	}
	shape := Shape(b.Diagnostic.Text)
	if len(phrasesOf(shape)) == 0 { // codes alone are read without a rule
		w.Silent++
		return
	}
	words := wordsOf(shape)
	g := w.byWords[words]
	if g == nil {
		if len(w.byWords) >= mostWordings {
			w.Beyond++
			return
		}
		if w.byWords == nil {
			w.byWords = map[string]*gathered{}
		}
		g = &gathered{Wording: Wording{Shape: shape, First: b.At}, receivers: map[string]int{}}
		w.byWords[words] = g
	}
	g.Count++
	if b.Action == Failed {
		g.Refused++
	}
	if _, known := g.receivers[b.Domain]; b.Domain != "" && (known || len(g.receivers) < mostReceivers) {
		g.receivers[b.Domain]++
	}
	if b.At.Before(g.First) {
		g.First = b.At
	}
	if g.Count == 1 || !b.At.Before(g.Last) {
		g.Last, g.Sample = b.At, b
		c := byStatus(b.Diagnostic.Status)
		g.Settled = c == RecipientFault || c == Network || c == System
	}
}

// wordsOf is a shape without the codes at its beginning: the same sentence may refuse and defer.
func wordsOf(shape string) string {
	for range 2 {
		word, rest, _ := strings.Cut(shape, " ")
		if !codeWord(word) {
			break
		}
		shape = rest
	}
	return shape
}

// All are the wordings, those of most refusals first.
func (w *Wordings) All() []Wording {
	var all []Wording
	for _, g := range w.byWords {
		g.Receivers = slices.SortedFunc(maps.Keys(g.receivers), func(a, b string) int {
			return cmp.Or(g.receivers[b]-g.receivers[a], cmp.Compare(a, b))
		})
		all = append(all, g.Wording)
	}
	slices.SortFunc(all, func(a, b Wording) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Shape, b.Shape)) })
	return all
}
