package checks

import (
	"slices"
	"time"
)

// Count is a number of mails that may not have been counted at all: zero
// refusals and "nobody looked" are different answers.
type Count struct {
	N       int
	Counted bool
}

// Receiver is what one receiving domain or provider did with our mail.
type ReceiverImpact struct {
	Receiver string // receiving domain, or vendor where several share one
	Vendor   string // filter or provider that refused, if known
	Refused  Count
	Deferred Count
	// Delivered is what the receiver accepted since the hour in which Vendor first refused at any
	// receiver, so that the receivers of one vendor can be added up; without a Vendor, since the hour of
	// First. It is not Counted unless deliveries are read from a log. Logs know the receiving domain only:
	// where several vendors refuse for one domain, each has the same number.
	Delivered Count
	First     time.Time
	Last      time.Time
	// Accepted is when it first accepted a mail after Last; zero: it has not, or no log says so.
	Accepted time.Time
}

// Before is what became of a target's mail before its trouble began.
type Before struct {
	Span      time.Duration // over how long; 0: not known
	Delivered int
	Deferred  int // for reputation
	Refused   int // for reputation
}

// Impact is what a problem of one target costs, as far as it is known.
// The zero Impact says "mail is not counted here".
type Impact struct {
	Target    string // Target.ID
	Since     time.Time
	Receivers []ReceiverImpact // most refusals first
	// Delivered is what all receivers together accepted since the trouble began, in whole hours: mail of
	// the hour in which it began may have left before that. Not Counted unless a log is read.
	Delivered Count
	Before    Before
	// Watched is since when every refusal would have been seen, because the mailboxes that
	// they come to are being read; zero: nobody is looking.
	Watched time.Time
	// Unread says that mailboxes or logs are being read, but not to their end yet: refusals
	// that are not counted may still turn up.
	Unread bool `json:",omitzero"`
}

// MinMails is the least number of mails of which a share is given: "2 of 3" says nothing.
const MinMails = 20

// Refusals is how many mails all receivers refused or deferred.
func (i Impact) Refusals() int {
	n := 0
	for _, r := range i.Receivers {
		n += r.Refused.N + r.Deferred.N
	}
	return n
}

// Deliveries is how many mails were seen to be taken since the trouble began.
func (i Impact) Deliveries() int {
	if i.Delivered.Counted {
		return i.Delivered.N
	}
	n, seen := 0, map[string]bool{}
	for _, r := range i.Receivers {
		if r.Delivered.Counted && !seen[r.Receiver] {
			seen[r.Receiver] = true
			n += r.Delivered.N
		}
	}
	return n
}

// DeliveriesCounted says whether what was delivered is known, of any receiver or of all.
func (i Impact) DeliveriesCounted() bool {
	return i.Delivered.Counted || slices.ContainsFunc(i.Receivers, func(r ReceiverImpact) bool { return r.Delivered.Counted })
}

// Counted says whether anything was looked at that could have shown harm.
func (i Impact) Counted() bool { return len(i.Receivers) > 0 || i.Delivered.Counted }
