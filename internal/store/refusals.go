package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/checks/bounce/maillog"
)

// LogEvent is what a log says became of one message for one recipient at one try,
// and whom that concerns.
type LogEvent struct {
	maillog.Event
	Target string // Target.ID that a refusal is laid at, and a delivery counts for; "" counts for nobody
	Domain string // Target.ID of the sending domain if that is watched too: deliveries count for it as well, and its senders are ours
	// Ours says that the mail is from a domain of ours to somebody else: a bounce that returns
	// its Message-ID is one of ours. Mail that comes in, or is passed on, has a
	// Message-ID that an outsider chose.
	Ours bool
}

// delivered says whether the message was handed on.
func (e *LogEvent) delivered() bool {
	return e.Action == bounce.Delivered || e.Action == bounce.Relayed || e.Action == bounce.Expanded
}

// kept says whether the event begins a row of its own. A message that waits for
// other reasons than its sender (a full mailbox, greylisting, a network that is down) and is
// then delivered leaves nothing to tell, and there are very many of them.
func (e *LogEvent) kept() bool {
	return e.Action == bounce.Failed || e.Judgement.Reputation || e.Judgement.Category == bounce.Other && e.Judgement.Rule == "none"
}

// unknownUser says whether the recipient does not exist. A full mailbox (RFC 3463 section 3.3,
// x.2.x) does.
func (e *LogEvent) unknownUser() bool {
	return e.Judgement.Category == bounce.RecipientFault && e.Action == bounce.Failed && !strings.HasPrefix(e.Diagnostic.Status, "5.2.")
}

// refusalRow is what is known of a refusal, as far as the next event about the same
// message changes it.
type refusalRow struct {
	id              int64
	recipient       string // hash
	domain, vendor  string
	host            string
	target          string
	action          bounce.Action
	category        bounce.Category
	reputation      bool
	final           bool
	counted         bool
	first, at, last int64 // microseconds; last: heard
	log, queueID    string
	messageID       string
	mail            int64 // 0: read from a log
	instead         int64 // the row that counts in its place; 0: none
}

const refusalColumns = "id, recipient, domain, vendor, reporting_host, target, action, category, reputation, final, counted, first, at, heard, log, queue_id, message_id, coalesce(mail, 0), coalesce(instead, 0)"

func (r *refusalRow) fields() []any {
	return []any{&r.id, &r.recipient, &r.domain, &r.vendor, &r.host, &r.target, &r.action, &r.category, &r.reputation, &r.final, &r.counted, &r.first, &r.at, &r.last, &r.log, &r.queueID, &r.messageID, &r.mail, &r.instead}
}

// queueIDAgain is how long after the end of a message its queue id is still taken for
// that message: a line that is read from two logs, an MTA that says it in two lines. Later
// it is another message, as short queue ids are given again.
const queueIDAgain = time.Minute

// find gives the row of the message at this host, if it is not over for long.
func (in *logInserter) find(ctx context.Context, e *LogEvent, hash string, at int64) (row refusalRow, ok bool, err error) {
	query, key := "queue_id = ?1 AND queue_id <> ''", e.QueueID
	if key == "" {
		query, key = "message_id = ?1 AND message_id <> '' AND queue_id = ''", in.messageID(e)
	}
	if key == "" {
		return row, false, nil
	}
	// A host that refuses before a recipient was named refuses the whole message; its row
	// becomes that of the first recipient that is told of.
	err = in.q.QueryRowContext(ctx, "SELECT "+refusalColumns+" FROM bounces WHERE "+query+
		" AND recipient IN (?2, '"+noRecipient+"') AND log <> '' AND reporting_host = ?3 ORDER BY recipient = ?2 DESC, id DESC LIMIT 1", key, hash, host(e.ReportingHost)).Scan(row.fields()...)
	if errors.Is(err, sql.ErrNoRows) || err == nil && row.final && at > row.last+queueIDAgain.Microseconds() {
		return refusalRow{}, false, nil
	}
	if err == nil && row.recipient != hash {
		if row.final {
			return refusalRow{}, false, nil
		}
		_, err = in.q.ExecContext(ctx, "UPDATE bounces SET recipient = ?, domain = ? WHERE id = ?", hash, recipientDomain(&e.Bounce), row.id)
	}
	return row, err == nil, err
}

// noRecipient is the hash of a recipient that is not known, see [DB.recipientHash].
const noRecipient = "position 0"

// told is what a row says after one more piece of news about its message.
type told struct {
	judgement bool // the news' judgement and diagnostic are the row's from now on
	action    bounce.Action
	counted   bool
}

// learn says what a row says after news with this action and judgement. The worst
// that was told stays: a deferral for reputation that ends delivered was one; a
// deferral that becomes final is one refusal and not two. A message that was deferred for
// its reputation and then expires was refused for it, whatever the last line says of networks
// and queues; but if the recipient turns out not to exist, it was only deferred.
func (r *refusalRow) learn(action bounce.Action, j bounce.Judgement) (t told) {
	t.action = r.action
	failed := action == bounce.Failed
	switch {
	case j.Reputation:
		t.judgement = true
		if !r.reputation || failed {
			t.action = action
		}
	case r.reputation:
		if failed && j.Category != bounce.RecipientFault && j.Category != bounce.RelayDenied {
			t.action = bounce.Failed
		}
	default:
		t.judgement = true
		if failed || r.action != bounce.Failed {
			t.action = action
		}
	}
	t.counted = (r.reputation || j.Reputation) && r.target != ""
	return t
}

// together is what r says when another row tells of the same message, whichever of them was read
// first: a message is deferred before it is given up.
func (r *refusalRow) together(other *refusalRow) told {
	early, late := *r, *other
	if early.action == bounce.Failed && late.action != bounce.Failed {
		early, late = late, early
	}
	early.target = r.target
	return early.learn(late.action, bounce.Judgement{Category: late.category, Reputation: late.reputation})
}

// better gives the target that says more: an address or domain of ours rather than
// the receiver, which stands for "not known whose".
func better(a, b string) string {
	if a == "" || strings.HasPrefix(a, string(checks.KindReceiver)+":") && b != "" {
		return b
	}
	return a
}

// host is the name of an MTA as rows compare it.
func host(name string) string { return checks.Line(strings.ToLower(name), 255) }

// sameHost says whether a log and a report may have been written by the same host: syslog
// knows the first label only, and a report may name none.
func sameHost(a, b string) bool {
	a, b = host(a), host(b)
	if a == "" || b == "" || a == b {
		return true
	}
	la, restA, _ := strings.Cut(a, ".")
	lb, restB, _ := strings.Cut(b, ".")
	return la == lb && (restA == "" || restB == "")
}

// update writes what a row has learnt. Tries is how many more there were.
func (r *refusalRow) update(ctx context.Context, q querier, t told, refused, heard int64, outcome bounce.Action, final bool, tries int) error {
	_, err := q.ExecContext(ctx, `UPDATE bounces SET target = ?2, action = ?3, counted = ?4, at = max(at, ?5), first = min(first, ?5), heard = max(heard, ?6),
		outcome = ?7, final = max(final, ?8), tries = tries + ?9 WHERE id = ?1`, r.id, r.target, t.action, t.counted, refused, heard, outcome, final, tries)
	return err
}

// say gives a row the words and the judgement of an event.
func (r *refusalRow) say(ctx context.Context, q querier, b *bounce.Bounce) error {
	j, d, self := b.Judgement, b.Diagnostic, []string{b.Recipient}
	_, err := q.ExecContext(ctx, `UPDATE bounces SET reply = ?2, status = ?3, diagnostic = ?4, stage = ?5, category = ?6, reputation = ?7, temporary = ?8, vendor = ?9,
			blocklist = ?10, named_address = ?11, named_domain = ?12, url = ?13, code = ?14, rule = ?15, remedy = ?16,
			remote_host = iif(?17 = '', remote_host, ?17), remote_addr = iif(?18 = '', remote_addr, ?18), source = iif(?19 = '', source, ?19) WHERE id = ?1`,
		r.id, checks.Line(d.Reply, 10), checks.Line(d.Status, 20), mask(d.Text, maxText, self), d.Stage, j.Category, j.Reputation, j.Temporary, j.Vendor,
		j.Blocklist, addr(j.Address), j.Domain, mask(j.URL, 500, self), j.Code, j.Rule, j.Remedy, mask(b.RemoteHost, 255, self), addr(b.RemoteAddr), addr(b.Source))
	return err
}
