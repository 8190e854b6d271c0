package daemon

import (
	"maps"
	"slices"
	"sync"
	"time"

	"reputed/checks"
)

// pending is what waits to be asked because bounces named it: targets, each with
// the lists that were named with it.
type pending struct {
	mu    sync.Mutex
	named map[string]naming // by Target.ID
	asked map[checks.Key]time.Time
}

type naming struct {
	target checks.Target
	lists  map[string]bool // by id; empty where a refusal named none
}

// add notes a target, and the list that a refusal of its mail named, if it did, unless
// that was asked just now; it says whether there is something to ask.
func (p *pending) add(t checks.Target, list string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at, ok := p.asked[checks.Key{Target: t.ID(), Source: list}]; ok && now.Sub(at) < namedAgain && !now.Before(at) {
		return false
	}
	if p.named == nil {
		p.named = map[string]naming{}
	}
	n, ok := p.named[t.ID()]
	if !ok {
		n = naming{t, map[string]bool{}}
		p.named[t.ID()] = n
	}
	if list != "" {
		n.lists[list] = true
	}
	return true
}

// done notes that this was asked.
func (p *pending) done(all []naming, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, at := range p.asked {
		if now.Sub(at) >= namedAgain {
			delete(p.asked, key)
		}
	}
	if p.asked == nil {
		p.asked = map[checks.Key]time.Time{}
	}
	for _, n := range all {
		p.asked[checks.Key{Target: n.target.ID()}] = now
		for list := range n.lists {
			p.asked[checks.Key{Target: n.target.ID(), Source: list}] = now
		}
	}
}

// take gives what waits, in order of the targets' ids, and forgets it.
func (p *pending) take() []naming {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []naming
	for _, id := range slices.Sorted(maps.Keys(p.named)) {
		all = append(all, p.named[id])
	}
	p.named = nil
	return all
}
