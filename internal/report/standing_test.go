package report

import (
	"strings"
	"testing"
	"time"
)

// What systemd shows was written before it is read: each time in it is one of the clock, in the zone of the terminal.
func TestStandingTellsTimesOfTheClock(t *testing.T) {
	at := func(d time.Duration) string { return Term{Location: zone}.Clock(now.Add(d), now) }
	for name, c := range map[string]struct {
		change func(*Input)
		want   []string
	}{
		"all is well": {func(*Input) {}, []string{
			"All clear: 3 addresses and 1 domain on 40 lists, last complete round " + at(-4*time.Minute) + "; ",
			"running since " + at(-50*time.Hour) + ", last complete round " + at(-4*time.Minute) + ", next " + at(26*time.Minute), "(UID 4711, " + at(-time.Minute) + ")"}},
		"it has just started": {func(in *Input) {
			in.Daemon.Started, in.Round, in.NextRound, in.Running = now, Round{}, time.Time{}, now
		},
			[]string{"no round has been finished yet", "running since " + at(0) + ", no complete round yet, one under way since " + at(0)}},
		"the last round is old": {func(in *Input) { in.Round.Ended = ago2(5 * time.Hour) }, []string{"Cannot tell: the last complete round was at " + at(-5*time.Hour)}},
		"the daemon is gone": {func(in *Input) { in.Daemon.Alive, in.Daemon.Beat = false, ago2(3*time.Hour) },
			[]string{"the daemon is not running, last sign of life " + at(-3*time.Hour), "in the last complete round, " + at(-4*time.Minute)}},
	} {
		t.Run(name, func(t *testing.T) {
			in := well()
			c.change(&in)
			r := Build(in, now)
			before := r.Verdict() + r.Health()
			got := r.Standing(Term{Location: zone})
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q\nlacks %q", got, want)
				}
			}
			for _, stale := range []string{" ago", "just now", " for ", " in "} {
				if strings.Contains(strings.ReplaceAll(got, " in the last ", " "), stale) {
					t.Errorf("%q tells an age: %q", got, stale)
				}
			}
			if after := r.Verdict() + r.Health(); after != before {
				t.Errorf("the report itself has changed: %q, was %q", after, before)
			}
		})
	}
}
