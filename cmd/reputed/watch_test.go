package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reputed/internal/report"
)

// TestScreenIsDrawnWhenSomethingChanges: at once, when the database or the window changes, and
// every ten seconds; never else.
func TestScreenIsDrawnWhenSomethingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var out bytes.Buffer
		began := time.Now()
		var drawn []time.Duration
		s := screen{out: &out,
			size: func() report.Term {
				width := 80
				if time.Since(began) >= 15*time.Second {
					width = 100
				}
				return report.Term{Width: width, Height: 24}
			},
			draw: func(_ context.Context, _ report.Term, w io.Writer) error {
				drawn = append(drawn, time.Since(began))
				_, err := fmt.Fprintf(w, "picture %d\n", len(drawn))
				return err
			},
			changed: func(context.Context) bool { return time.Since(began) == 3*time.Second },
		}
		done := make(chan error)
		go func() { done <- s.run(ctx) }()
		time.Sleep(29500 * time.Millisecond)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(drawn), "[0s 3s 13s 15s 25s]"; got != want {
			t.Errorf("drawn at %s, want %s", got, want)
		}
		if !strings.HasPrefix(out.String(), screenBegin) || !strings.HasSuffix(out.String(), screenEnd) {
			t.Errorf("the terminal is not left as it was: %q", out.String())
		}
	})
}

// Whatever ends it, the terminal gets its screen and its cursor back.
func TestScreenIsRestoredAfterAnError(t *testing.T) {
	failed := errors.New("no")
	for name, draw := range map[string]func(context.Context, report.Term, io.Writer) error{
		"an error": func(context.Context, report.Term, io.Writer) error { return failed },
		"a panic":  func(context.Context, report.Term, io.Writer) error { panic(failed) },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			func() {
				defer func() { _ = recover() }()
				err := screen{out: &out, size: func() report.Term { return report.Term{} }, draw: draw, changed: func(context.Context) bool { return false }}.run(t.Context())
				if !errors.Is(err, failed) {
					t.Errorf("got %v", err)
				}
			}()
			if !strings.HasSuffix(out.String(), screenEnd) {
				t.Errorf("got %q", out.String())
			}
		})
	}
}

func TestPastTime(t *testing.T) {
	now := time.Date(2026, 11, 25, 10, 40, 0, 0, time.FixedZone("CET", 3600))
	for in, want := range map[string]string{
		"2026-11-24T22:15":     "2026-11-24T22:15:00+01:00",
		"2026-11-24 22:15":     "2026-11-24T22:15:00+01:00",
		"2026-11-24T22:15:30":  "2026-11-24T22:15:30+01:00",
		"2026-11-24T22:15:00Z": "2026-11-24T22:15:00Z",
		"2026-11-24":           "2026-11-24T00:00:00+01:00",
		"09:40":                "2026-11-25T09:40:00+01:00",
		"22:15":                "2026-11-24T22:15:00+01:00", // the one that came last
		"3h":                   "2026-11-25T07:40:00+01:00",
		"2d":                   "2026-11-23T10:40:00+01:00",
		"2026-11-25T10:41":     "",
		"yesterday":            "",
		"":                     "",
	} {
		got, err := pastTime(in, now)
		if s := got.Format(time.RFC3339); err == nil && s != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %s, %v; want %q", in, s, err, want)
		}
	}
}
