package probes

import "time"

// positive returns an option, or its default if it is not positive.
func positive[T int | int64 | time.Duration](option, standard T) T {
	if option > 0 {
		return option
	}
	return standard
}
