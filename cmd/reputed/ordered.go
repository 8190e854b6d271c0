package main

import (
	"errors"
	"sync"
)

// errEnough is what emit returns once nothing more is wanted.
var errEnough = errors.New("enough")

// ordered makes something of many things on several goroutines, and gives the results
// in the order of the things. At most ahead of them are in memory, so that a slow one, or
// a slow terminal, holds up the reading and never piles it up. It ends with the first
// error of produce or take; take is called on the caller's goroutine.
func ordered[In, Out any](workers, ahead int, produce func(emit func(In) error) error, work func(In) Out, take func(Out) error) error {
	type slot struct {
		in  In
		out chan Out
	}
	order, jobs, stop := make(chan *slot, ahead), make(chan *slot, ahead), make(chan struct{})
	var produced error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(order)
		defer close(jobs)
		produced = produce(func(in In) error {
			s := &slot{in, make(chan Out, 1)}
			for _, c := range []chan *slot{order, jobs} {
				select {
				case c <- s:
				case <-stop:
					return errEnough
				}
			}
			return nil
		})
	})
	for range workers {
		wg.Go(func() {
			for s := range jobs {
				s.out <- work(s.in)
			}
		})
	}
	var taken error
	for s := range order {
		if taken == nil {
			if taken = take(<-s.out); taken != nil {
				close(stop)
			}
		}
	}
	wg.Wait()
	if errors.Is(produced, errEnough) {
		produced = nil
	}
	return errors.Join(taken, produced)
}
