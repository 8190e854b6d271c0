package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

// logInserter writes the events of one log within one transaction.
type logInserter struct {
	*counter
	log     string
	hash    func(recipient string, position int) string
	now     time.Time
	sender  *sender
	sent    []byte // see [sender]
	hands   map[hourKind]map[hand]*handed
	waiting map[string]bool // queue ids of rows that are not final; nil: too many to hold
}

// maxWaiting is how many messages that still wait are held in memory while a log is read, so that
// a delivery of any other needs no look into the database.
const maxWaiting = 20_000

// readWaiting reads which messages still wait.
func (in *logInserter) readWaiting(ctx context.Context) error {
	in.waiting = map[string]bool{}
	err := each(ctx, in.q, func(r *sql.Rows) error {
		var id string
		err := r.Scan(&id)
		in.waiting[id] = true
		return err
	}, "SELECT DISTINCT queue_id FROM bounces INDEXED BY bounces_pending WHERE log <> '' AND NOT final LIMIT ?", maxWaiting+1)
	if len(in.waiting) > maxWaiting {
		in.waiting = nil
	}
	return err
}

// event writes one event and says whether it is a refusal for reputation that is news.
func (in *logInserter) event(ctx context.Context, e *LogEvent) (fresh bool, err error) {
	at := in.when(e.At).UnixMicro()
	domain := recipientDomain(&e.Bounce)
	if e.delivered() {
		in.from(e, at, handed{mails: 1})
		in.count(e.Target, domain, e.Judgement.Vendor, at, amounts{delivered: 1})
		in.count(e.Domain, domain, e.Judgement.Vendor, at, amounts{delivered: 1})
		if e.Ours {
			in.left(e, domain)
		}
		if err := in.accepted(ctx, e, domain, at); err != nil {
			return false, err
		}
		return false, in.heard(ctx, e, at)
	}
	if e.Action != bounce.Failed && e.Action != bounce.Delayed {
		return false, nil
	}
	hash := in.hash(e.Recipient, 0)
	row, known, err := in.find(ctx, e, hash, at)
	before := known && row.counted // as a deferral that may fail now
	switch {
	case err != nil:
		return false, err
	case known && row.final:
		return false, nil // the same line a second time
	case known:
		fresh, err = in.again(ctx, e, &row, at)
	case e.kept():
		fresh, err = in.insert(ctx, e, hash, domain, at)
	}
	if err != nil {
		return false, err
	}
	if e.Action == bounce.Failed && !e.Interim {
		n := handed{mails: 1}
		if e.unknownUser() {
			n.unknown = 1
		}
		in.from(e, at, n)
	}
	if !fresh {
		return false, nil
	}
	if !before {
		in.from(e, at, handed{refused: 1})
	}
	sum := amounts{deferred: 1}
	if e.Action == bounce.Failed {
		sum = amounts{refused: 1}
	}
	in.count(e.Target, domain, e.Judgement.Vendor, at, sum)
	return true, nil
}

// heard closes the rows of a message that was delivered.
func (in *logInserter) heard(ctx context.Context, e *LogEvent, at int64) error {
	if e.QueueID == "" || in.waiting != nil && !in.waiting[e.QueueID] {
		return nil
	}
	_, err := in.q.ExecContext(ctx, `UPDATE bounces SET outcome = 'delivered', final = 1, heard = max(heard, ?4)
		WHERE queue_id = ?1 AND recipient IN (?2, '`+noRecipient+`') AND log <> '' AND NOT final AND reporting_host = ?3`, e.QueueID, in.hash(e.Recipient, 0), host(e.ReportingHost), at)
	return err
}

// again writes one more try of a message that has a row.
func (in *logInserter) again(ctx context.Context, e *LogEvent, row *refusalRow, at int64) (fresh bool, err error) {
	row.target = better(row.target, e.Target)
	t := row.learn(e.Action, e.Judgement)
	if e.Judgement.Reputation {
		if err := in.refusedAt(ctx, e.Target, recipientDomain(&e.Bounce), at); err != nil {
			return false, err
		}
	}
	refused := at
	if row.reputation && !e.Judgement.Reputation {
		refused = row.at // it waits for something else now
	}
	if err := row.update(ctx, in.q, t, refused, at, e.Action, e.Final || e.Action == bounce.Failed, 1); err != nil {
		return false, err
	}
	if t.judgement {
		if err := row.say(ctx, in.q, &e.Bounce); err != nil {
			return false, err
		}
	}
	return t.counted && (!row.counted || t.action != row.action), nil
}

// insert begins a row, and joins it with the reports about the same message that
// came by mail before.
func (in *logInserter) insert(ctx context.Context, e *LogEvent, hash, domain string, at int64) (fresh bool, err error) {
	final := e.Final || e.Action == bounce.Failed
	counted := e.Judgement.Reputation && e.Target != ""
	j, d, self := e.Judgement, e.Diagnostic, []string{e.Recipient}
	row := refusalRow{recipient: hash, domain: checks.Line(domain, 255), vendor: j.Vendor, host: host(e.ReportingHost), target: e.Target, action: e.Action, category: j.Category, reputation: j.Reputation, final: final, counted: counted,
		first: at, at: at, last: at, log: in.log, queueID: e.QueueID, messageID: in.messageID(e)}
	r, err := in.q.ExecContext(ctx, `INSERT INTO bounces (log, queue_id, recipient, position, first, at, heard, tries, outcome, final, target, counted, action,
			domain, reply, status, diagnostic, stage, category, reputation, temporary, vendor, blocklist, named_address, named_domain, url, code, rule, remedy,
			remote_host, remote_addr, reporting_host, source, message_id, sender)
		VALUES (?, ?, ?, 0, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		in.log, e.QueueID, hash, at, at, at, e.Action, final, e.Target, counted, e.Action,
		row.domain, checks.Line(d.Reply, 10), checks.Line(d.Status, 20), mask(d.Text, maxText, self), d.Stage, j.Category, j.Reputation, j.Temporary, j.Vendor,
		j.Blocklist, addr(j.Address), j.Domain, mask(j.URL, 500, self), j.Code, j.Rule, j.Remedy,
		mask(e.RemoteHost, 255, self), addr(e.RemoteAddr), row.host, addr(e.Source), row.messageID, checks.Line(e.Sender, 255))
	if err != nil {
		return false, err
	}
	if row.id, err = r.LastInsertId(); err != nil {
		return false, err
	}
	if !final && in.waiting != nil {
		in.waiting[e.QueueID] = true
	}
	if counted {
		if err := in.refusedAt(ctx, e.Target, domain, at); err != nil {
			return false, err
		}
	}
	return counted, in.joinMails(ctx, &row)
}

// when is the time that an event counts at: one from the future is now, as a wrong
// clock must not keep an incident from ever becoming quiet.
func (in *logInserter) when(at time.Time) time.Time {
	if at.IsZero() || at.After(in.now) {
		return in.now
	}
	return at
}

func (in *logInserter) messageID(e *LogEvent) string {
	return maskID(e.MessageID, []string{e.Recipient})
}

// recipientDomain is the receiving domain, lower case.
func recipientDomain(b *bounce.Bounce) string {
	if _, d, ok := cutAddress(b.Recipient); ok && b.Domain == "" {
		return strings.ToLower(d)
	}
	return b.Domain
}
