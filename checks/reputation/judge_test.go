package reputation

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reputed/checks"
)

var (
	ours  = checks.Address(netip.MustParseAddr("192.0.2.10"))
	begin = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
)

// history makes spans of readings six hours apart, written as words: a number, "+" praise, "-" no
// entry, "!" bad, "~" neutral.
func history(words string) (spans []Span) {
	at := begin
	for word := range strings.FieldsSeq(words) {
		r := Reading{Source: "s", Target: ours, How: Measured, Value: word, At: at}
		switch word {
		case "+":
			r.Level = Good
		case "-":
			r.Level = None
		case "!":
			r.Level = Bad
		case "~":
			r.Level = Neutral
		default:
			r.Level, r.Numbered = Neutral, true
			for _, c := range word {
				r.Number = r.Number*10 + float64(c-'0')
			}
		}
		if n := len(spans) - 1; n >= 0 && r.Continues(spans[n]) {
			spans[n].At, spans[n].Count = at, spans[n].Count+1
		} else {
			spans = append(spans, Span{Reading: r, First: at, Count: 1})
		}
		at = at.Add(6 * time.Hour)
	}
	return spans
}

func TestJudge(t *testing.T) {
	number := Source{ID: "s", Title: "Score", Higher: true, Below: 70, HasBelow: true, Drop: 10, Fallen: checks.Minor, Bad: checks.Major, Confirm: 2}
	lower := Source{ID: "s", Title: "Rate", Below: 3, HasBelow: true, Fallen: checks.Major}
	allow := Source{ID: "s", Title: "Allow", Allow: true, Drop: 1, Higher: true, Fallen: checks.Informational, Confirm: 2}
	for name, c := range map[string]struct {
		source  Source
		history string
		later   time.Duration // after the last reading
		status  checks.Status
		code    checks.Code
	}{
		"nothing was said":                               {number, "", 0, checks.Unknown, checks.CodeUnrated},
		"good is well":                                   {number, "95", 0, checks.OK, checks.CodeRatedWell},
		"one low reading is none":                        {number, "95 60", 0, checks.Unknown, checks.CodeUnrated},
		"two low readings are":                           {number, "95 60 60", 0, checks.Problem, checks.CodePoor},
		"two different low readings are":                 {number, "95 60 58", 0, checks.Problem, checks.CodePoor},
		"low between good is not":                        {number, "60 95 60", 0, checks.Unknown, checks.CodeUnrated},
		"the threshold itself is well":                   {number, "70 70", 0, checks.OK, checks.CodeRatedWell},
		"a fall above the threshold":                     {number, "95 84 84", 0, checks.Problem, checks.CodeFell},
		"a small fall is none":                           {number, "95 86 86", 0, checks.OK, checks.CodeRatedWell},
		"a slow fall is one":                             {number, "95 92 89 86 84 83", 0, checks.Problem, checks.CodeFell},
		"what has been low for weeks has fallen no more": {number, "95" + strings.Repeat(" 84", 60), 0, checks.OK, checks.CodeRatedWell},
		"below stays told":                               {number, "95" + strings.Repeat(" 60", 60), 0, checks.Problem, checks.CodePoor},
		"it has recovered":                               {number, "95 60 60 93", 0, checks.OK, checks.CodeRatedWell},
		"no data is no zero":                             {number, "95 95 - -", 0, checks.Unknown, checks.CodeUnrated},
		"bad by its level":                               {number, "95 ! !", 0, checks.Problem, checks.CodePoor},
		"too old to count":                               {number, "60 60", 8 * 24 * time.Hour, checks.Unknown, checks.CodeUnrated},
		"a rate is worse when higher":                    {lower, "5", 0, checks.Problem, checks.CodePoor},
		"a low rate is well":                             {lower, "1", 0, checks.OK, checks.CodeRatedWell},
		"praise":                                         {allow, "+ +", 0, checks.OK, checks.CodeRatedWell},
		"never praised is normal":                        {allow, "- -", 0, checks.OK, checks.CodeRatedWell},
		"praise that is lost":                            {allow, "+ + - -", 0, checks.Problem, checks.CodeFell},
		"praise that is lost once":                       {allow, "+ + -", 0, checks.Unknown, checks.CodeUnrated},
		"praise that was lost long ago":                  {allow, "+" + strings.Repeat(" -", 60), 0, checks.OK, checks.CodeRatedWell},
		"praise that is back":                            {allow, "+ - - +", 0, checks.OK, checks.CodeRatedWell},
	} {
		t.Run(name, func(t *testing.T) {
			h := history(c.history)
			now := begin
			if len(h) > 0 {
				now = h[len(h)-1].At
			}
			got := c.source.Judge(ours, h, now.Add(c.later))
			if got.Status != c.status || got.Code != c.code || (got.Severity != "") != (c.status == checks.Problem) {
				t.Errorf("got %s %s %s (%s), want %s %s", got.Status, got.Code, got.Severity, got.Summary, c.status, c.code)
			}
			if got.Summary == "" || got.Key != (checks.Key{Check: CheckName, Target: "192.0.2.10", Source: "s"}) {
				t.Errorf("got %q, key %v", got.Summary, got.Key)
			}
		})
	}
}

func TestJudgeSaysWhatItWasBefore(t *testing.T) {
	s := Source{ID: "s", Title: "Score", Higher: true, Drop: 10, Fallen: checks.Minor, Page: "https://score.example/?ip={ip}"}
	got := s.Judge(ours, history("95 97 80"), begin.Add(12*time.Hour))
	if got.Facts[checks.FactValue] != "80" || got.Facts[checks.FactBefore] != "97" || got.Facts[checks.FactLookupURL] != "https://score.example/?ip=192.0.2.10" {
		t.Errorf("got %v", got.Facts)
	}
	domain, _ := checks.Domain("example.org")
	if page := s.PageFor(domain); page != "" {
		t.Errorf("a page about addresses is shown for a domain: %s", page)
	}
}

// Whatever the history, only knowledge opens or closes: no data, a stale reading and a
// single bad one do neither, and the same history always comes to the same.
func TestJudgeMovesOnKnowledgeOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"95", "80", "60", "-", "!", "~", "+"}), 1, 20).Draw(t, "history")
		s := Source{ID: "s", Title: "Score", Higher: true, Below: 70, HasBelow: true, Drop: 10, Fallen: checks.Minor, Bad: checks.Minor, Confirm: 2}
		h := history(strings.Join(words, " "))
		now := h[len(h)-1].At
		got := s.Judge(ours, h, now)
		last := words[len(words)-1]
		switch got.Status {
		case checks.Problem:
			if last != "60" && last != "!" && last != "80" || len(words) < 2 {
				t.Fatalf("%v is a problem: %s", words, got.Summary)
			}
		case checks.OK:
			if last == "-" || last == "60" || last == "!" {
				t.Fatalf("%v is well: %s", words, got.Summary)
			}
		}
		if late := s.Judge(ours, h, now.Add(30*24*time.Hour)); late.Status != checks.Unknown {
			t.Fatalf("a month later %v is %s", words, late.Status)
		}
	})
}
