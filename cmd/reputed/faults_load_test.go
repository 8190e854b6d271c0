package main

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

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

// soakRounds is how many rounds .ci/soak load asks for, over as many addresses as come to four million questions.
const soakRounds = "REPUTED_SOAK_ROUNDS"

// Round after round over many addresses leaves nothing behind: no goroutine, no open file, no memory. With -short, and so under the
// race detector, it is a smaller network.
func TestRoundsLeaveNothingBehind(t *testing.T) {
	network, addresses, rounds := "198.18.0.0/21", 2048, 4
	if testing.Short() {
		network, addresses = "198.18.0.0/24", 256
	}
	soak, _ := strconv.Atoi(os.Getenv(soakRounds))
	if soak > 0 {
		network, addresses, rounds = "198.18.0.0/15", 131_072, soak
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
	for n := range rounds {
		began := time.Now()
		r.mustRound()
		r.mustTick()
		now := holdsNow(t)
		// What was made larger for a burst stays as it is; what leaks grows with each round.
		grown = grown && now.heap > last+last/50
		last = now.heap
		if soak > 0 {
			fmt.Printf("round %d: %s, %d goroutines, %d files, %.1f MiB held\n", n+1, time.Since(began).Round(time.Second), now.goroutines, now.files, float64(now.heap)/(1<<20))
		}
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
	if !testing.Short() && soak == 0 {
		reliability.Record(t, reliability.Row{Area: reliability.Load, Fault: fmt.Sprintf("round after round over %d addresses on %d lists", addresses, len(r.zones)), Tries: rounds, Unit: "rounds",
			Promised: "no goroutine, no open file and no memory that grows with each round",
			Seen:     fmt.Sprintf("%d goroutines, %d files more; memory grew: %v", goroutines, files, grown)})
	}
}
