package checks

import (
	"strings"
	"testing"
)

// An alert says what it costs. Where that is no mail that could be counted, the code says it.
func TestWhatCannotBeCountedSaysWhatItCosts(t *testing.T) {
	for code := range titles {
		of, is, _ := strings.Cut(string(code), ".")
		over := is == "ok" || is == "unknown" && of != "list"
		switch want := (of == "identity" || of == "own" || of == "monitor" || of == "list") && !over; {
		case want && code.Costs() == "":
			t.Errorf("%s: nothing says what it costs", code)
		case !want && code.Costs() != "":
			t.Errorf("%s: the counted mail says what it costs, and %q does too", code, code.Costs())
		}
	}
}
