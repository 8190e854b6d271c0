package checks

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestAFaultSaysNothingOfWhatWasAtHand(t *testing.T) {
	const canary = "c4n4ry-s3cr3t"
	none := map[string]int(nil)
	short := []string{canary}
	var x any = canary
	for want, panics := range map[string]func(){
		"assignment to entry in nil map":            func() { none[canary] = 1 },
		"index out of range [3] with length 1":      func() { _ = short[len(canary)-10] },
		"interface conversion: string is not error": func() { _ = x.(error) },
		"a value of type string":                    func() { panic("cannot log in with " + canary) },
		"a value of type *errors.errorString":       func() { panic(errors.New(canary)) },
		"a value of type *fmt.wrapError":            func() { panic(fmt.Errorf("%s: %w", canary, errors.ErrUnsupported)) },
		"nil pointer dereference":                   func() { var p *struct{ n int }; p.n = 1 },
		"panic called with nil argument":            func() { panic(nil) },
	} {
		func() {
			defer func() {
				if got := Fault(recover()); !strings.Contains(got, want) || strings.Contains(got, canary) {
					t.Errorf("got %q, want %q", got, want)
				}
			}()
			panics()
		}()
	}
}
