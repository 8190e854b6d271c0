package acceptance

import (
	"context"
	"sync"
)

// lookAtOnce is how many servers of our own are looked at at a time.
const lookAtOnce = 4

// LookAll looks at servers, a few at once, and gives what was seen in their order.
func LookAll(ctx context.Context, asker Asker, servers Servers, outside string) []OwnVisit {
	visits := make([]OwnVisit, len(servers))
	slots := make(chan struct{}, lookAtOnce)
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			visits[i] = Look(ctx, asker, s, outside)
		})
	}
	wg.Wait()
	return visits
}
