package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

// One refusal is told several times: by the log at once, by mail while the MTA tries again
// (Exim: daily) and when it gives up, and the same mail may come by two ways. It counts
// once, as the row of the log, which then proves the reports, or else as one of those
// that are proved. They are known for the same by the queue id at the same host, or the
// Message-ID, each together with the recipient.

// sameMessage finds the rows that tell of the message of row ?1, whichever way they came: the
// latest thousand, as somebody may send the same report for ever.
const sameMessage = `recipient = (SELECT recipient FROM bounces WHERE id = ?1)
	AND id IN (SELECT * FROM (SELECT b.id FROM bounces a JOIN bounces b ON b.queue_id = a.queue_id AND b.recipient = a.recipient
			WHERE a.id = ?1 AND a.queue_id <> '' AND b.queue_id <> '' ORDER BY b.id DESC LIMIT 1000)
		UNION ALL SELECT * FROM (SELECT b.id FROM bounces a JOIN bounces b ON b.message_id = a.message_id AND b.recipient = a.recipient
			WHERE a.id = ?1 AND a.message_id <> '' AND b.message_id <> '' ORDER BY b.id DESC LIMIT 1000))`

const selectReports = "SELECT " + refusalColumns + " FROM bounces WHERE " + sameMessage + " AND mail IS NOT NULL AND action IN ('failed', 'delayed') ORDER BY id"

const selectProved = "SELECT " + refusalColumns + " FROM bounces WHERE " + sameMessage + ` AND mail IS NOT NULL AND action IN ('failed', 'delayed')
	AND EXISTS (SELECT 1 FROM mails WHERE mails.id = bounces.mail AND proof <> '') ORDER BY id`

const selectLogged = "SELECT " + refusalColumns + " FROM bounces WHERE " + sameMessage + " AND log <> '' ORDER BY id DESC"

// selectCounting is the row that counts for row ?1: itself, or the one in its place.
const selectCounting = "SELECT " + refusalColumns + " FROM bounces WHERE id = (SELECT coalesce(instead, id) FROM bounces WHERE id = ?1)"

const selectMailsOf = "SELECT DISTINCT mail FROM bounces WHERE instead = ?1 AND mail IS NOT NULL"

// joinMails joins a new row of a log with the reports about its message that came before.
func (c *counter) joinMails(ctx context.Context, row *refusalRow) error {
	reports, err := c.refusalRows(ctx, selectReports, row.id)
	if err != nil {
		return err
	}
	for i := range reports {
		if !row.tellsOf(&reports[i]) {
			continue
		}
		if err := c.take(ctx, row, reports[i].id); err != nil {
			return err
		}
	}
	return nil
}

// joinLog joins a report with the row of a log that came before, if there is one.
func (c *counter) joinLog(ctx context.Context, report int64) error {
	logged, err := c.refusalRows(ctx, selectLogged, report)
	if err != nil || len(logged) == 0 {
		return err
	}
	reports, err := c.refusalRows(ctx, "SELECT "+refusalColumns+" FROM bounces WHERE id = ?1", report)
	if err != nil || len(reports) == 0 {
		return err
	}
	for i := range logged {
		if logged[i].tellsOf(&reports[0]) {
			return c.take(ctx, &logged[i], report)
		}
	}
	return nil
}

// joinReports joins a proved report with the proved reports about the same message. One without
// proof joins nothing: it must not change what a proved one says.
func (c *counter) joinReports(ctx context.Context, report int64) error {
	all, err := c.refusalRows(ctx, selectProved, report)
	if err != nil {
		return err
	}
	var self *refusalRow
	for i := range all {
		if all[i].id == report {
			self = &all[i]
		}
	}
	if self == nil {
		return nil // it is not proved, or names no message
	}
	for i := range all {
		if !self.sameNotice(&all[i]) {
			continue
		}
		one, err := c.refusalRows(ctx, selectCounting, report)
		if err != nil {
			return err
		}
		other, err := c.refusalRows(ctx, selectCounting, all[i].id)
		if err != nil {
			return err
		}
		if len(one) == 0 || len(other) == 0 || one[0].id == other[0].id {
			continue
		}
		a, b := &one[0], &other[0]
		if b.speaksFor(a) {
			a, b = b, a
		}
		if err := c.take(ctx, a, b.id); err != nil {
			return err
		}
	}
	return nil
}

func (c *counter) refusalRows(ctx context.Context, query string, id int64) (all []refusalRow, err error) {
	err = each(ctx, c.q, func(r *sql.Rows) error {
		var x refusalRow
		err := r.Scan(x.fields()...)
		all = append(all, x)
		return err
	}, query, id)
	return all, err
}

// tellsOf says whether a report of the same queue id or Message-ID, and recipient, is of
// the same message: queue ids mean something at one host only.
func (r *refusalRow) tellsOf(report *refusalRow) bool {
	return r.messageID != "" && r.messageID == report.messageID || sameHost(r.host, report.host)
}

// queueLifetime is how long a message may wait in a queue, and a little more: a week with
// Courier, five days elsewhere. Reports farther apart are of two messages, as short queue ids are
// given again.
const queueLifetime = 8 * 24 * time.Hour

// sameNotice says whether two reports with an id and the recipient in common are of the
// same message. Queue ids alone say so only where not both know the Message-ID.
func (r *refusalRow) sameNotice(other *refusalRow) bool {
	if max(r.at-other.at, other.at-r.at) > queueLifetime.Microseconds() {
		return false
	}
	if r.messageID != "" && other.messageID != "" {
		return r.messageID == other.messageID
	}
	return sameHost(r.host, other.host)
}

// speaksFor says whether r counts rather than other, where both are of one message: a log
// rather than a report, then whoever names the sender's reputation, then who gave up, then
// the latest.
func (r *refusalRow) speaksFor(other *refusalRow) bool {
	switch {
	case r.mail == 0 || other.mail == 0:
		return r.mail == 0
	case r.reputation != other.reputation:
		return r.reputation
	case r.action != other.action:
		return r.action == bounce.Failed
	}
	return r.id > other.id
}

// take lets row count for a report too, and for all that the report counted for. A report
// that another log knows already stays there.
func (c *counter) take(ctx context.Context, row *refusalRow, report int64) error {
	counting, err := c.refusalRows(ctx, selectCounting, report)
	if err != nil || len(counting) == 0 || counting[0].mail == 0 || counting[0].id == row.id {
		return err
	}
	if _, err := c.q.ExecContext(ctx, "UPDATE bounces SET instead = ?2, counted = 0 WHERE id = ?1 OR instead = ?1", counting[0].id, row.id); err != nil {
		return err
	}
	if err := c.join(ctx, row, &counting[0]); err != nil || row.mail != 0 {
		return err
	}
	// A report that a log of ours agrees with is ours (design section 7, invariant 4), so
	// what it says of other recipients counts too.
	mails, err := c.mailsOf(ctx, row.id)
	for i := 0; i < len(mails) && err == nil; i++ {
		err = c.prove(ctx, row, mails[i])
	}
	return err
}

// join lets a row learn what a report says.
func (c *counter) join(ctx context.Context, r, report *refusalRow) error {
	before := *r
	r.target = better(r.target, report.target)
	t := r.together(report)
	// When it happened, a log knows better. Of reports, those that name the reputation say when that was.
	if r.mail != 0 {
		switch {
		case r.reputation == report.reputation:
			r.first, r.at = min(r.first, report.first), max(r.at, report.at)
		case report.reputation:
			r.first, r.at = report.first, report.at
		}
	}
	gaveUp := report.final || report.action == bounce.Failed
	if _, err := c.q.ExecContext(ctx, `UPDATE bounces SET target = ?2, action = ?3, counted = ?4, first = ?5, at = ?6, heard = max(heard, ?7),
			outcome = iif(final AND ?8 <> 'failed', outcome, ?8), final = max(final, ?9) WHERE id = ?1`,
		r.id, r.target, t.action, t.counted, r.first, r.at, report.last, report.action, gaveUp); err != nil {
		return err
	}
	// Sendmail and OpenSMTPD log less than they report: words that name the sender's
	// reputation are worth more than words that do not.
	if report.reputation && !r.reputation {
		if _, err := c.q.ExecContext(ctx, `UPDATE bounces SET (reply, status, diagnostic, stage, category, reputation, temporary, vendor, blocklist, named_address, named_domain, url, code, rule, remedy)
				= (SELECT reply, status, diagnostic, stage, category, reputation, temporary, vendor, blocklist, named_address, named_domain, url, code, rule, remedy FROM bounces WHERE id = ?2)
			WHERE id = ?1`, r.id, report.id); err != nil {
			return err
		}
		r.category, r.vendor, r.reputation = report.category, report.vendor, true
	}
	r.action, r.counted, r.last, r.final = t.action, t.counted, max(r.last, report.last), r.final || gaveUp
	if r.mail != 0 {
		return nil // what no log tells of is not in the traffic
	}
	return c.learnt(ctx, &before, r)
}

// learnt counts in the traffic what a row of a log has become by a report.
func (c *counter) learnt(ctx context.Context, before, now *refusalRow) error {
	if !now.counted || before.counted && before.action == now.action {
		return nil
	}
	sum := amounts{deferred: 1}
	if now.action == bounce.Failed {
		sum = amounts{refused: 1}
	}
	c.count(now.target, now.domain, now.vendor, now.at, sum)
	return c.refusedAt(ctx, now.target, now.domain, now.at)
}

// mailsOf are the mails whose reports a row counts for.
func (c *counter) mailsOf(ctx context.Context, row int64) (mails []int64, err error) {
	err = each(ctx, c.q, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		mails = append(mails, id)
		return err
	}, selectMailsOf, row)
	return mails, err
}

// prove makes a row of a log the proof of a mail that has none.
func (c *counter) prove(ctx context.Context, r *refusalRow, mail int64) error {
	detail := fmt.Sprintf("the log %s says the same", r.log)
	if r.queueID != "" {
		detail = fmt.Sprintf("queue id %s is in the log %s", r.queueID, r.log)
	}
	return c.proved(ctx, mail, bounce.Proof{Kind: bounce.ByLog, Detail: detail})
}

// proved gives a mail that has no proof one, and lets its refusals count.
func (c *counter) proved(ctx context.Context, mail int64, p bounce.Proof) error {
	news, err := changed(c.q.ExecContext(ctx, "UPDATE mails SET proof = ?2, proof_detail = ?3 WHERE id = ?1 AND proof = ''", mail, p.Kind, checks.Line(p.Detail, 500)))
	if err != nil || !news {
		return err
	}
	if _, err = c.q.ExecContext(ctx, `UPDATE bounces SET counted = reputation AND target <> '' AND action IN ('failed', 'delayed')
		WHERE mail = ? AND instead IS NULL`, mail); err != nil {
		return err
	}
	rows, err := c.refusalRows(ctx, "SELECT "+refusalColumns+" FROM bounces WHERE mail = ?1 AND instead IS NULL AND action IN ('failed', 'delayed')", mail)
	for i := 0; i < len(rows) && err == nil; i++ {
		err = c.joinReports(ctx, rows[i].id)
	}
	return err
}
