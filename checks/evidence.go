package checks

import (
	"fmt"
	"slices"
)

// Distinct leaves out an answer that was asked for again, as a new listing is before anybody is
// told, and says with the last of them how often it was asked: "127.0.0.2 (asked 2 times)".
func Distinct(all []Evidence) []Evidence {
	var out []Evidence
	for i, e := range all {
		same := func(other Evidence) bool { return other.Question == e.Question && other.Answer == e.Answer }
		if slices.ContainsFunc(all[i+1:], same) {
			continue
		}
		times := 1
		for _, earlier := range all[:i] {
			if same(earlier) {
				times++
			}
		}
		if times > 1 {
			e.Answer = fmt.Sprintf("%s (asked %d times)", e.Answer, times)
		}
		out = append(out, e)
	}
	return out
}
