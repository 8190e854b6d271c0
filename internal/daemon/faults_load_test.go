package daemon

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"testing"

	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/reliability"
)

// processHolds is what a process holds between two rounds.
type processHolds struct {
	goroutines, files int
	heap              uint64 // bytes that are reachable
}

func holdsNow(t *testing.T) (h processHolds) {
	t.Helper()
	runtime.GC()
	runtime.GC() // finalizers of the first may have let go of more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not tell what a process has open")
	}
	return processHolds{runtime.NumGoroutine(), len(open), m.HeapAlloc}
}

// Round after round over many addresses leaves nothing behind: no goroutine, no open file, no memory. With -short, and so under the
// race detector, it is a smaller network; with four million questions a round it is TestSoak.
func TestRoundsLeaveNothingBehind(t *testing.T) {
	network, addresses, rounds := "198.18.0.0/21", 2048, 4
	if testing.Short() {
		network, addresses = "198.18.0.0/24", 256
	}
	r := newRigLogging(t, slog.New(slog.DiscardHandler), func(cfg *config.Config, _ *lab.World) {
		cfg.Outbound[0].Addresses = append(cfg.Outbound[0].Addresses, network)
	})
	r.world.ListAtSpamCop()
	for range 2 { // pools fill, and the incident opens
		r.mustRound()
		r.mustTick()
	}
	const slack = 2 // connections of a pool come and go
	before := holdsNow(t)
	var most processHolds
	last, grown := before.heap, true
	for range rounds {
		r.mustRound()
		r.mustTick()
		now := holdsNow(t)
		// What was made larger for a burst stays as it is; what leaks grows with each round.
		grown = grown && now.heap > last+last/50
		last = now.heap
		most = processHolds{max(most.goroutines, now.goroutines), max(most.files, now.files), max(most.heap, now.heap)}
	}
	t.Logf("%d addresses on %d lists, %d rounds: before %+v, at most %+v", addresses, len(r.zones), rounds, before, most)
	goroutines, files := max(0, most.goroutines-before.goroutines-slack), max(0, most.files-before.files-slack)
	if goroutines > 0 || files > 0 {
		t.Errorf("%d goroutines and %d files, of %d and %d before", most.goroutines, most.files, before.goroutines, before.files)
	}
	if grown {
		t.Errorf("%d bytes are held, of %d before, and more after each round", last, before.heap)
	}
	if n := len(r.open()); n != 1 {
		t.Errorf("%d incidents are open, want one", n)
	}
	if !testing.Short() {
		reliability.Record(t, reliability.Row{Area: reliability.Load, Fault: fmt.Sprintf("round after round over %d addresses on %d lists", addresses, len(r.zones)), Tries: rounds, Unit: "rounds",
			Promised: "no goroutine, no open file and no memory that grows with each round",
			Seen:     fmt.Sprintf("%d goroutines, %d files more; memory grew: %v", goroutines, files, grown)})
	}
}
