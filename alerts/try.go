package alerts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"reputed/checks"
)

// Pages says whether a channel keeps what it is told until it is told of the end.
func Pages(n Notifier) bool {
	_, only := n.(interface{ IncidentsOnly() })
	return only
}

// Try tells one channel once and says what came of it, in words that fit behind the channel's name.
func Try(ctx context.Context, name string, channel Notifier, n Notification) (outcome string, err error) {
	ctx, cancel := context.WithTimeout(ctx, NotifyTimeout)
	defer cancel()
	began := time.Now()
	err = channel.Notify(ctx, n)
	took := time.Since(began).Round(time.Millisecond)
	said := func(err error) string { // the line begins with the channel already
		text := err.Error()
		if _, rest, named := strings.Cut(text, fmt.Sprintf("%q: ", name)); named {
			text = rest
		}
		return checks.Line(text, 0)
	}
	var retry *RetryError
	switch {
	case err == nil:
		return fmt.Sprintf("accepted in %s", took), nil
	case errors.Is(err, ErrRefused):
		return fmt.Sprintf("refused after %s, and would not be tried again: %s", took, said(err)), err
	case errors.As(err, &retry):
		return fmt.Sprintf("put off after %s, for %s: %s", took, retry.After.Round(time.Second), said(retry.Err)), err
	}
	return fmt.Sprintf("failed after %s, and would be tried again: %s", took, said(err)), err
}
