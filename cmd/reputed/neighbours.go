package main

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/wiring"
	"reputed/probes"
)

// maxNetworks is how many networks one check looks around in: each costs 255
// questions a list, of the same budget as everything else.
const maxNetworks = 16

// neighbourhood gathers, while a check runs, in which networks to look around
// and which lists answered there.
type neighbourhood struct {
	networks map[netip.Prefix]*network
}

// network is an IPv4 /24 and the lists that gave an answer about a target in it.
type network struct {
	prefix netip.Prefix
	lists  map[string]bool
}

// newNeighbourhood is that of the targets; the error says that there are too many networks.
func newNeighbourhood(ts checks.Targets) (*neighbourhood, error) {
	n := &neighbourhood{networks: map[netip.Prefix]*network{}}
	for t := range ts.All() {
		if !t.Addr.Is4() {
			continue
		}
		p := networkOf(t.Addr)
		if n.networks[p] == nil {
			n.networks[p] = &network{prefix: p, lists: map[string]bool{}}
		}
		if len(n.networks) > maxNetworks {
			return nil, fmt.Errorf("--neighbours looks around in at most %d networks (IPv4 /24), and these are more: name fewer addresses", maxNetworks)
		}
	}
	return n, nil
}

// answer takes note of which lists answer.
func (n *neighbourhood) answer(t checks.Target, z *blocklists.Zone, class blocklists.Class) {
	if n == nil || !t.Addr.Is4() {
		return
	}
	switch class {
	case blocklists.Refused, blocklists.Unusable, blocklists.Unknown:
	default:
		n.networks[networkOf(t.Addr)].lists[z.ID] = true
	}
}

// ask counts which of the neighbours the lists hold, network by network. The
// error is the context's: what was not asked until then is not reported.
func (n *neighbourhood) ask(ctx context.Context, cfg *config.Config, resolver *probes.Resolver, zones []blocklists.Zone, ts checks.Targets, watch *checkProgress, out *report.Check) error {
	for _, p := range slices.SortedFunc(n.each(), func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) }) {
		network := n.networks[p]
		var ask []blocklists.Zone
		counts := map[string]*report.Neighbours{}
		for _, z := range zones {
			if network.lists[z.ID] {
				ask = append(ask, z)
				counts[z.ID] = &report.Neighbours{Network: p, List: z.ID}
			}
		}
		if len(ask) == 0 {
			continue
		}
		check, err := wiring.DNSBL(cfg, resolver, ask)
		if err != nil {
			return err
		}
		check.Options.Confirm = 0
		check.Options.Each = func(_ checks.Target, z *blocklists.Zone, v blocklists.Verdict, _ checks.Evidence) {
			counts[z.ID].Add(v.Class)
		}
		check.Options.Progress = watch.step
		if _, err := check.Run(ctx, time.Now(), network.neighbours(ts), nil, nil); err != nil {
			return err
		}
		for _, z := range ask {
			out.Around(*counts[z.ID])
		}
	}
	return nil
}

func (n *neighbourhood) each() iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for p := range n.networks {
			if !yield(p) {
				return
			}
		}
	}
}

// neighbours are the addresses of the network that are no targets themselves.
func (n *network) neighbours(ts checks.Targets) iter.Seq[checks.Target] {
	return func(yield func(checks.Target) bool) {
		for a := n.prefix.Addr(); n.prefix.Contains(a); a = a.Next() {
			t := checks.Address(a)
			if _, ours := ts.Find(t); !ours && !yield(t) {
				return
			}
		}
	}
}

// networkOf is the /24 that an IPv4 address lies in.
func networkOf(a netip.Addr) netip.Prefix {
	p, _ := a.Prefix(24) // which every IPv4 address has
	return p
}
