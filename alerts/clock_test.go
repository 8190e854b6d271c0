package alerts

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"reputed/checks"
	"reputed/internal/reliability"
)

// The clock jumps back and forth by hours, and by a day as after a suspend, while a critical problem goes on, is silenced,
// and ends. Nothing opens or ends by it, reminders go on as often as promised and one more at most for each jump, and a silence
// never lasts longer than was said.
func TestClockJumps(t *testing.T) {
	const stories, jumps = 100, 10
	invented, storm, silent, extended := 0, 0, 0, 0
	for story := range stories {
		rng := rand.New(rand.NewPCG(uint64(story), 7))
		w := newWorld(t)
		every := w.policy.RemindCritical
		problem := func() string { return told(w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical))) }
		if got := problem(); got != "opened" {
			t.Fatalf("story %d: told %q", story, got)
		}
		const step = 10 * time.Minute // of real time, between two rounds
		look := func() string {       // and a step of time passes
			got := problem()
			if got != "." && got != "reminder" && got != "silence ending" {
				invented++
				t.Errorf("story %d: told %q of what has not changed", story, got)
			}
			return got
		}
		for range jumps {
			jump := time.Duration(rng.Int64N(int64(20*time.Hour))) - 10*time.Hour
			if rng.IntN(4) == 0 {
				jump = 24 * time.Hour // the machine slept
			}
			w.now = w.now.Add(jump)
			steady := time.Duration(rng.IntN(60)) * step
			reminders, last := 0, time.Duration(0)
			for passed := step; passed <= steady; passed += step {
				if look() == "reminder" {
					reminders++
					last = passed
				}
				if passed-last > every+step {
					silent++
					t.Errorf("story %d: no reminder for %s after a jump of %s", story, passed-last, jump)
					last = passed
				}
			}
			if most := int(steady/every) + 1; reminders > most {
				storm++
				t.Errorf("story %d: %d reminders in %s after a jump of %s, want at most %d", story, reminders, steady, jump, most)
			}
		}

		// A silence of two hours, then the clock is put back, by years if it had run ahead.
		const length = 2 * time.Hour
		muted, err := w.open[0].Apply(Action{Kind: Mute, Incident: w.open[0].ID, By: "kim", Note: "known", At: w.now, Until: w.now.Add(length)})
		if err != nil {
			t.Fatal(err)
		}
		w.open[0] = muted
		back := time.Duration(rng.Int64N(int64(10 * time.Hour)))
		if story%3 == 0 {
			back = 9 * 365 * 24 * time.Hour
		}
		passed := time.Duration(0)
		for ; passed < length/2; passed += step {
			look()
		}
		w.now = w.now.Add(-back)
		for ; len(w.open) == 1 && w.open[0].Silence.Holds(w.now); passed += step {
			problem()
			if passed > 2*length { // the clock was put back by less than had passed since
				extended++
				t.Errorf("story %d: silent for %s of real time after %s were asked for and the clock was put back by %s", story, passed, length, back)
				break
			}
		}
		for range 2 {
			w.run(listing("192.0.2.10", "zen", checks.OK, ""))
		}
		if len(w.open) != 0 {
			t.Errorf("story %d: two clean answers, and it is still open", story)
		}
	}
	reliability.Record(t, reliability.Row{Area: reliability.Clock, Fault: "the clock jumps back and forth by up to ten hours, a day (suspend) or nine years", Tries: stories * (jumps + 1), Unit: "jumps",
		Promised: "nothing opens or ends by it, reminders as often as ever and one more at most for a jump, no silence until a time that was wrong",
		Seen:     fmt.Sprintf("%d invented, %d reminders too many, %d too few, %d silences too long", invented, storm, silent, extended)})
}
