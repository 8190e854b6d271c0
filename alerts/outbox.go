package alerts

import (
	"context"
	"time"
)

// Delivery is one notification on its way to one channel.
type Delivery struct {
	ID           int64
	Channel      string // name of the channel in the configuration
	Notification Notification
	Tries        int // attempts that failed so far
	Queued       time.Time
}

// Outbox is where notices wait until their channel has said yes. It is written
// in the same transaction as the incident it tells of, and survives a restart.
//
// Notices of one incident to one channel come in order: a later one is not due
// while an earlier one waits. Channels are asked for one by one, so that one
// that is down delays no other.
type Outbox interface {
	// Due gives up to limit deliveries to a channel whose time has come: those that failed least first, of these the
	// oldest. So one that the channel never takes keeps no other from being tried.
	Due(ctx context.Context, channel string, now time.Time, limit int) ([]Delivery, error)
	// NextDue is when the next waiting delivery to a channel is due; false if none waits.
	NextDue(ctx context.Context, channel string) (time.Time, bool, error)
	// Sent records that the channel said yes.
	Sent(ctx context.Context, id int64, at time.Time) error
	// Retry puts a delivery off until next, after tries failed attempts, and with it what else waits for the
	// channel: it is not tried before either.
	Retry(ctx context.Context, id int64, next time.Time, tries int, why string) error
	// Refuse records that the channel will never take it.
	Refuse(ctx context.Context, id int64, at time.Time, why string) error
}
