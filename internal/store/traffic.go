package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"reputed/checks"
)

// counter counts what became of mails within one transaction. Sums are gathered in memory
// and written at the end.
type counter struct {
	q       *compiled
	traffic map[cell]*amounts
	taken   map[receiver]*taking
}

func newCounter(q *compiled) *counter {
	return &counter{q: q, traffic: map[cell]*amounts{}, taken: map[receiver]*taking{}}
}

// cell is one row of traffic.
type cell struct {
	target, domain, vendor string
	hour                   int64
}

// amounts are numbers of messages.
type amounts struct{ delivered, deferred, refused int }

// everywhere is the domain of traffic that is summed over all receivers.
const everywhere = "*"

// hourOf is the hour of a time in microseconds, counted from 1970.
func hourOf(micro int64) int64 { return micro / time.Hour.Microseconds() }

// hourAfter is the first hour that begins at a time or after it, counted as [hourOf] does.
func hourAfter(at time.Time) int64 { return hourOf(at.Add(time.Hour - time.Microsecond).UnixMicro()) }

// count adds to the hour of a time, for one receiver and for all together.
func (c *counter) count(target, domain, vendor string, at int64, n amounts) {
	if target == "" {
		return
	}
	domain, vendor = checks.Line(domain, 255), checks.Line(vendor, 80)
	for _, k := range [2]cell{{target, domain, vendor, hourOf(at)}, {target, everywhere, "", hourOf(at)}} {
		sum := c.traffic[k]
		if sum == nil {
			sum = &amounts{}
			c.traffic[k] = sum
		}
		sum.delivered += n.delivered
		sum.deferred += n.deferred
		sum.refused += n.refused
	}
}

// receiver is one receiving domain as seen from one target.
type receiver struct{ target, domain string }

// taking is whether a receiver takes mail again; refused 0: it has never refused any.
type taking struct {
	refused     int64
	first, last int64 // 0: none was taken since
	accepted    int
	changed     bool
}

// acceptance reads, once in a transaction, how a receiver stands.
func (c *counter) acceptance(ctx context.Context, target, domain string) (*taking, error) {
	k := receiver{target, domain}
	if a := c.taken[k]; a != nil {
		return a, nil
	}
	a := &taking{}
	err := c.q.QueryRowContext(ctx, "SELECT refused, coalesce(first, 0), coalesce(last, 0), accepted FROM acceptances WHERE target = ? AND domain = ?", target, domain).
		Scan(&a.refused, &a.first, &a.last, &a.accepted)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	c.taken[k] = a
	return a, nil
}

// refusedAt notes a refusal for reputation: what was taken before it proves nothing any more.
func (c *counter) refusedAt(ctx context.Context, target, domain string, at int64) error {
	if target == "" {
		return nil
	}
	a, err := c.acceptance(ctx, target, domain)
	if err != nil || at <= a.refused {
		return err
	}
	a.refused, a.changed = at, true
	if a.first != 0 && a.first <= at { // which of those taken came after it is not known any more
		a.first, a.last, a.accepted = 0, 0, 0
	}
	return nil
}

// accepted notes a delivery, for the address that it left from and the domain it was sent as.
func (c *counter) accepted(ctx context.Context, e *LogEvent, domain string, at int64) error {
	for _, target := range []string{e.Target, e.Domain} {
		if target == "" {
			continue
		}
		a, err := c.acceptance(ctx, target, domain)
		if err != nil {
			return err
		}
		if a.refused == 0 || at <= a.refused {
			continue
		}
		a.accepted++
		a.last, a.changed = max(a.last, at), true
		if a.first == 0 || at < a.first {
			a.first = at
		}
	}
	return nil
}

// TakenKept is how long it is known what a receiver took of all senders together ([DB.Receivers], [DB.DeliveredBy]).
const TakenKept = 35 * 24 * time.Hour

// taker is one row of takers: a receiver, who answered for it, and an hour.
type taker struct {
	hour           int64
	domain, vendor string
}

// addressed says whether a Target.ID is an address: an address and the domain that mail was sent as
// both count its delivery.
func addressed(target string) bool {
	return strings.Contains(target, ":") || target != "" && target[len(target)-1] >= '0' && target[len(target)-1] <= '9'
}

// flushTakers adds what was delivered to the sums over all senders, and forgets old ones.
func (c *counter) flushTakers(ctx context.Context) error {
	sums, latest := map[taker]*[2]int{}, int64(0)
	for k, n := range c.traffic {
		if k.domain == everywhere || n.delivered == 0 {
			continue
		}
		t := taker{k.hour, k.domain, k.vendor}
		sum := sums[t]
		if sum == nil {
			sum = &[2]int{}
			sums[t] = sum
		}
		if addressed(k.target) {
			sum[0] += n.delivered
		} else {
			sum[1] += n.delivered
		}
		latest = max(latest, k.hour)
	}
	for k, n := range sums {
		if _, err := c.q.ExecContext(ctx, `INSERT INTO takers (hour, domain, vendor, addresses, others) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (hour, domain, vendor) DO UPDATE SET addresses = addresses + excluded.addresses, others = others + excluded.others`, k.hour, k.domain, k.vendor, n[0], n[1]); err != nil {
			return err
		}
	}
	if len(sums) == 0 {
		return nil
	}
	_, err := c.q.ExecContext(ctx, "DELETE FROM takers WHERE hour < ?", latest-int64(TakenKept/time.Hour))
	return err
}

// flush writes what was counted.
func (c *counter) flush(ctx context.Context) error {
	if err := c.flushTakers(ctx); err != nil {
		return err
	}
	// In the order of the key, so that the pages of the table are touched one after another.
	for _, k := range slices.SortedFunc(maps.Keys(c.traffic), func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.target, b.target), cmp.Compare(a.domain, b.domain), cmp.Compare(a.hour, b.hour), cmp.Compare(a.vendor, b.vendor))
	}) {
		n := c.traffic[k]
		if _, err := c.q.ExecContext(ctx, `INSERT INTO traffic (target, domain, hour, vendor, delivered, deferred, refused) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (target, domain, hour, vendor) DO UPDATE SET
				delivered = delivered + excluded.delivered, deferred = deferred + excluded.deferred, refused = refused + excluded.refused`,
			k.target, k.domain, k.hour, k.vendor, n.delivered, n.deferred, n.refused); err != nil {
			return err
		}
	}
	for k, a := range c.taken {
		if !a.changed {
			continue
		}
		if _, err := c.q.ExecContext(ctx, `INSERT OR REPLACE INTO acceptances (target, domain, refused, first, last, accepted) VALUES (?, ?, ?, nullif(?, 0), nullif(?, 0), ?)`,
			k.target, k.domain, a.refused, a.first, a.last, a.accepted); err != nil {
			return err
		}
	}
	return nil
}
