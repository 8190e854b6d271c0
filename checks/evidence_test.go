package checks

import (
	"slices"
	"testing"
)

func TestAnAnswerThatWasConfirmedIsShownOnce(t *testing.T) {
	e := Evidence{Question: "10.2.0.192.bl.example. A", Answer: "127.0.0.2"}
	other := Evidence{Question: e.Question, Answer: "NXDOMAIN"}
	for name, c := range map[string]struct {
		in   []Evidence
		want []string
	}{
		"asked twice, same answer":  {[]Evidence{e, e}, []string{"127.0.0.2 (asked 2 times)"}},
		"asked twice, other answer": {[]Evidence{e, other}, []string{"127.0.0.2", "NXDOMAIN"}},
		"asked once":                {[]Evidence{e}, []string{"127.0.0.2"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, x := range Distinct(c.in) {
				got = append(got, x.Answer)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
