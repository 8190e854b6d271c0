package reputation

import (
	"strings"
	"testing"
	"time"

	"reputed/checks"
)

func TestPagesSayWhatTheirWordsMean(t *testing.T) {
	for _, p := range Pages() {
		if p.PageFor(ours) == "" || p.Advice == "" || p.Vendor == "" || p.Below == "" {
			t.Errorf("%s: %+v", p.ID, p)
		}
		for _, w := range p.All() {
			r, err := p.Reading(ours, strings.ToUpper(w.Word), "kim", "seen\nby phone", begin)
			if err != nil || r.Level != w.Level || r.Value != w.Word || r.How != Recorded || strings.Contains(r.Note, "\n") || w.Meaning == "" {
				t.Errorf("%s %s: %+v, %v", p.ID, w.Word, r, err)
			}
		}
		if _, err := p.Reading(ours, "fantastic", "", "", begin); err == nil || !strings.Contains(err.Error(), `"bad"`) {
			t.Errorf("%s takes any word: %v", p.ID, err)
		}
	}
	if _, ok := FindPage("Talos"); !ok {
		t.Error("no Talos")
	}
}

// What is recorded goes the way of what is measured: history, finding, incident.
func TestARecordedReadingIsJudged(t *testing.T) {
	talos, _ := FindPage("talos")
	at := func(word string, hours int) Span {
		r, err := talos.Reading(ours, word, "kim", "", begin.Add(time.Duration(hours)*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return Span{Reading: r, First: r.At, Count: 1}
	}
	now := begin.Add(30 * time.Hour)
	f := talos.Judge(ours, []Span{at("neutral", 0), at("poor", 24)}, now)
	if f.Status != checks.Problem || f.Severity != checks.Major || f.Facts[checks.FactRemedy] != "cisco-talos" || f.Evidence[0].Via != "recorded by kim" {
		t.Errorf("got %+v", f)
	}
	if f := talos.Judge(ours, []Span{at("poor", 0), at("neutral", 24)}, now); f.Status != checks.OK {
		t.Errorf("got %+v", f)
	}
	if f := talos.Judge(ours, []Span{at("neutral", 0)}, now.Add(40*24*time.Hour)); f.Status != checks.Unknown {
		t.Errorf("what was read long ago: %+v", f)
	}
}

func TestBelieve(t *testing.T) {
	talos, _ := FindPage("talos")
	refusals := []Refusal{
		{"192.0.2.10", "Cisco Talos", "example.net", 2, begin.Add(time.Hour), begin.Add(3 * time.Hour)},
		{"192.0.2.10", "Cisco Talos", "example.com", 1, begin, begin},
		{"192.0.2.10", "Cisco Talos", "example.org", 1, begin.Add(2 * time.Hour), begin.Add(2 * time.Hour)},
		{"192.0.2.10", "Microsoft", "outlook.example", 9, begin, begin},
		{"192.0.2.11", "Cisco Talos", "example.net", 9, begin, begin},
	}
	r, ok := talos.Believe(ours, refusals)
	if !ok || r.Level != Bad || r.How != Inferred || !r.At.Equal(begin.Add(3*time.Hour)) ||
		r.Note != "refused by 3 receivers behind Cisco Talos since 2026-03-01 00:00, 4 times" || !strings.HasPrefix(r.Value, "poor or below") {
		t.Errorf("got %+v", r)
	}
	if r, ok := talos.Believe(ours, refusals[3:]); ok {
		t.Errorf("refusals of others tell nothing: %+v", r)
	}
}
