package config

import (
	"errors"
	"time"

	"reputed/internal/monitor"
)

// Duration is a time.Duration that is written as text: "30s", "5m", "36h", "7d".
type Duration struct{ time.Duration }

// UnmarshalText reads the text by [monitor.ParseDuration].
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := monitor.ParseDuration(string(text))
	if err != nil {
		return errors.New(wantDuration)
	}
	d.Duration = parsed
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String returns the duration as it is written in the file.
func (d Duration) String() string { return monitor.FormatDuration(d.Duration) }
