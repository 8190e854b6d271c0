package checks

import "time"

// Count is a number of mails that may not have been counted at all: zero
// refusals and "nobody looked" are different answers.
type Count struct {
	N       int
	Counted bool
}

// Receiver is what one receiving domain or provider did with our mail.
type ReceiverImpact struct {
	Receiver  string // receiving domain, or vendor where several share one
	Vendor    string // filter or provider that refused, if known
	Refused   Count
	Deferred  Count
	Delivered Count // not Counted unless deliveries are read from a log
	First     time.Time
	Last      time.Time
}

// Impact is what a problem of one target costs, as far as it is known.
// The zero Impact says "mail is not counted here".
type Impact struct {
	Target    string // Target.ID
	Since     time.Time
	Receivers []ReceiverImpact // most refusals first
	// Watched is since when every refusal would have been seen, because the mailboxes
	// they come to are being read; zero: nobody looks.
	Watched time.Time
}

// MinMails is below how many mails no share is given: "2 of 3" says nothing.
const MinMails = 20

// Refusals is how many mails all receivers refused or deferred.
func (i Impact) Refusals() int {
	n := 0
	for _, r := range i.Receivers {
		n += r.Refused.N + r.Deferred.N
	}
	return n
}

// Counted says whether anything was looked at that could have shown harm.
func (i Impact) Counted() bool { return len(i.Receivers) > 0 }
