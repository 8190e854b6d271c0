package store

import (
	"fmt"
	"time"
)

// micros is t as it is stored: microseconds since 1970, and NULL for the zero
// time. A time.Time handed to the driver would be stored as Go's own text, with
// a monotonic reading in it, and would never be found again.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// stamp scans what [micros] stored into a time.
type stamp struct{ t *time.Time }

// Scan implements [database/sql.Scanner].
func (s stamp) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*s.t = time.Time{}
	case int64:
		*s.t = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time is stored as %T, not as microseconds", v)
	}
	return nil
}
