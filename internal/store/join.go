package store

import (
	"context"
	"database/sql"
	"fmt"

	"reputed/checks"
	"reputed/checks/bounce"
)

// One refusal is told twice where both a log and the reports are read: by the log at
// once, and by mail when the MTA gives up. It counts once, as the row of the log,
// which then proves the report. They are known for the same by the queue id at the
// same host, or the Message-ID, each together with the recipient.

// sameMessage finds the rows that tell of the message of row ?1, whichever way they came.
const sameMessage = `recipient = (SELECT recipient FROM bounces WHERE id = ?1)
	AND id IN (SELECT b.id FROM bounces a JOIN bounces b ON b.queue_id = a.queue_id AND b.recipient = a.recipient WHERE a.id = ?1 AND a.queue_id <> '' AND b.queue_id <> ''
		UNION ALL SELECT b.id FROM bounces a JOIN bounces b ON b.message_id = a.message_id AND b.recipient = a.recipient WHERE a.id = ?1 AND a.message_id <> '' AND b.message_id <> '')`

const selectReports = "SELECT " + refusalColumns + " FROM bounces WHERE " + sameMessage + " AND mail IS NOT NULL AND instead IS NULL AND action IN ('failed', 'delayed') ORDER BY id"

const selectLogged = "SELECT " + refusalColumns + " FROM bounces WHERE " + sameMessage + " AND log <> '' ORDER BY id DESC"

// joinMails joins a new row of a log with the reports about its message that came before.
func joinMails(ctx context.Context, q querier, row *refusalRow) error {
	reports, err := refusalRows(ctx, q, selectReports, row.id)
	if err != nil {
		return err
	}
	for i := range reports {
		if row.tellsOf(&reports[i]) {
			if err := row.join(ctx, q, &reports[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// joinLog joins a report with the row of a log that came before, if there is one.
func joinLog(ctx context.Context, q querier, report int64) error {
	logged, err := refusalRows(ctx, q, selectLogged, report)
	if err != nil || len(logged) == 0 {
		return err
	}
	reports, err := refusalRows(ctx, q, "SELECT "+refusalColumns+" FROM bounces WHERE id = ?1 AND instead IS NULL", report)
	if err != nil {
		return err
	}
	for i := range reports { // one, or none if it was joined before
		for k := range logged {
			if logged[k].tellsOf(&reports[i]) {
				return logged[k].join(ctx, q, &reports[i])
			}
		}
	}
	return nil
}

func refusalRows(ctx context.Context, q querier, query string, id int64) (all []refusalRow, err error) {
	err = each(ctx, q, func(r *sql.Rows) error {
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

// join makes a report by mail the same refusal as a row of a log. A report that a
// log of ours agrees with is ours (design section 7, invariant 4), so what it says of
// other recipients counts too.
func (r *refusalRow) join(ctx context.Context, q querier, report *refusalRow) error {
	if _, err := q.ExecContext(ctx, "UPDATE bounces SET instead = ?2, counted = 0 WHERE id = ?1", report.id, r.id); err != nil {
		return err
	}
	r.target = better(r.target, report.target)
	t := r.learn(report.action, bounce.Judgement{Category: report.category, Reputation: report.reputation})
	// When it happened, the log knows better.
	if err := r.update(ctx, q, t, r.at, report.last, report.action, report.action == bounce.Failed, 0); err != nil {
		return err
	}
	// Sendmail and OpenSMTPD log less than they report: words that name the sender's
	// reputation are worth more than words that do not.
	if report.reputation && !r.reputation {
		if _, err := q.ExecContext(ctx, `UPDATE bounces SET (reply, status, diagnostic, stage, category, reputation, temporary, vendor, blocklist, named_address, named_domain, url, code, rule, remedy)
				= (SELECT reply, status, diagnostic, stage, category, reputation, temporary, vendor, blocklist, named_address, named_domain, url, code, rule, remedy FROM bounces WHERE id = ?2)
			WHERE id = ?1`, r.id, report.id); err != nil {
			return err
		}
	}
	r.action, r.counted, r.reputation = t.action, t.counted, r.reputation || report.reputation
	return r.prove(ctx, q, report.mail)
}

// prove makes a row of a log the proof of a mail that has none.
func (r *refusalRow) prove(ctx context.Context, q querier, mail int64) error {
	detail := fmt.Sprintf("the log %s says the same", r.log)
	if r.queueID != "" {
		detail = fmt.Sprintf("queue id %s is in the log %s", r.queueID, r.log)
	}
	proved, err := changed(q.ExecContext(ctx, "UPDATE mails SET proof = ?2, proof_detail = ?3 WHERE id = ?1 AND proof = ''", mail, bounce.ByLog, checks.Line(detail, 500)))
	if err != nil || !proved {
		return err
	}
	_, err = q.ExecContext(ctx, `UPDATE bounces SET counted = reputation AND target <> '' AND action IN ('failed', 'delayed')
		WHERE mail = ? AND instead IS NULL`, mail)
	return err
}
