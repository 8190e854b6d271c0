package checks

import (
	"fmt"
	"slices"
)

// Distinct folds answers that were asked for again (a new listing is asked for twice before anybody is
// told) into the last of them, which says how often: "127.0.0.2 (asked 2 times)".
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
