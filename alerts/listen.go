package alerts

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Press is what somebody did to an incident by a button of a channel.
type Press struct {
	Thread string     // [Notification.Thread] of what the button stands under
	Kind   ActionKind // Ack, Mute or Requested
	By     string     // who, as the channel knows them: "kim (U024BE7LH)"
	At     time.Time
}

// Listener is a [Notifier] whose messages have buttons.
type Listener interface {
	Notifier
	// Listen gives act what people press, one by one, until ctx ends. It connects again by
	// itself. What act returns is told in the channel: to all what was done, to who
	// pressed why it was not.
	Listen(ctx context.Context, act func(context.Context, Press) (said string, err error))
}

// Roots is where a channel that keeps one message an incident remembers which one that is.
// What is lost of it costs a second message.
type Roots interface {
	// Root is what [Roots.SetRoot] was last given for a thread; "" if nothing was.
	Root(ctx context.Context, channel, thread string) (handle string, err error)
	// SetRoot remembers; an empty handle forgets.
	SetRoot(ctx context.Context, channel, thread, handle string) error
}

// ThreadIncident is the number of the incident that a [Notification.Thread] belongs to;
// false if it belongs to none, as that of a rehearsal or a digest.
func ThreadIncident(thread string) (id int64, ok bool) {
	first, _, found := strings.Cut(thread, "-")
	id, err := strconv.ParseInt(first, 10, 64)
	return id, found && err == nil && id > 0
}
