package daemon

import (
	"testing"
	"time"

	"reputed/internal/config"
	"reputed/internal/store"
)

// What the configuration says of each kind of thing is what is kept of it.
func TestWhatIsKeptIsWhatTheConfigurationSays(t *testing.T) {
	days := func(n int) config.Duration { return config.Duration{Duration: time.Duration(n) * 24 * time.Hour} }
	got := keep(config.Retention{Refusals: days(61), Traffic: days(62), Receivers: days(11), Runs: days(63), Notices: days(64)})
	want := store.Keep{Refusals: days(61).Duration, Traffic: days(62).Duration, Receivers: days(11).Duration, Runs: days(63).Duration, Notices: days(64).Duration}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
