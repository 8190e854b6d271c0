package store

import (
	"fmt"
	"testing"
	"time"

	"reputed/checks/bounce"
)

func TestMessagesThatNothingIsHeardOfAreGivenUp(t *testing.T) {
	db := fresh(t)
	hours := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Hour) }
	mustLog(t, db, hours(24), logged(bounce.Delayed, hours(0), queue("lost")), logged(bounce.Delayed, hours(0), queue("tried")), logged(bounce.Failed, hours(0), queue("over")))
	mustLog(t, db, hours(24), logged(bounce.Delayed, hours(24), queue("tried")))
	for _, c := range []struct {
		after int
		want  int64
	}{{8*24 - 1, 0}, {8*24 + 1, 1}, {8*24 + 2, 0}, {9*24 + 1, 1}} {
		if n, err := db.ForgetWaiting(t.Context(), hours(c.after)); err != nil || n != c.want {
			t.Errorf("after %d h: %d given up, %v, want %d", c.after, n, err, c.want)
		}
	}
	// What was counted stays, and a queue id that is given again is another message.
	fresh := mustLog(t, db, hours(9*24+2), logged(bounce.Delayed, hours(9*24+2), queue("lost")))
	if n := count(t, db, "SELECT count(*) FROM bounces WHERE counted"); n != 4 || len(fresh) != 1 {
		t.Errorf("%d refusals count, news %v; want 4, and the last is news", n, fresh)
	}
}

func TestGivingUpIsBounded(t *testing.T) {
	db := fresh(t)
	var events []LogEvent
	for i := range forgetAtOnce + 10 {
		events = append(events, logged(bounce.Delayed, t0, queue(fmt.Sprintf("4B%05dz", i))))
	}
	mustLog(t, db, t0, events...)
	later := t0.Add(queueLifetime + time.Hour)
	for _, want := range []int64{forgetAtOnce, 10, 0} {
		if n, err := db.ForgetWaiting(t.Context(), later); err != nil || n != want {
			t.Errorf("%d given up, %v, want %d", n, err, want)
		}
	}
}
