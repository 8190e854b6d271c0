package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
)

// Bounce is one stored refusal. The Recipient of its bounce holds only "@" and the
// domain; an equal RecipientHash means an equal recipient, within one mail also where none is known.
type Bounce struct {
	ID            int64
	Place         Place         // of its mail; zero if it was read from a log
	Log           string        // name of the log it was read from; empty: a mail
	First         time.Time     // the first try that was refused; At is the last
	Tries         int           // how many were refused
	Outcome       bounce.Action // what was heard last: a deferral may have ended delivered
	Instead       int64         // id of the bounce that counts in its place, being the same refusal in a log or another report; 0: none
	Target        string        // Target.ID that it is laid at; may be empty
	RecipientHash string
	Proof         bounce.Proof
	bounce.Bounce
}

// Via says where it was read: "mailbox bounces, UID 4711", "log mx1, queue id 4TgXkR2x9zB".
func (b Bounce) Via() string {
	switch {
	case b.Log == "":
		return b.Place.String()
	case b.QueueID == "":
		return "log " + b.Log
	}
	return "log " + b.Log + ", queue id " + checks.Line(b.QueueID, 40)
}

// BounceFilter says which bounces to read. The zero filter is the latest 100.
type BounceFilter struct {
	Since    time.Time // that happened then or later
	Target   string    // Target.ID they are laid at; empty: any
	Mailbox  string    // empty: any
	Counted  bool      // only those that may decide something
	Limit    int       // 0: 100; -1: no limit
	Incident int64     // laid at a target of this incident, and counted; 0: any
	Vendor   string    // of this vendor or receiving domain; empty: any
	// Before and BeforeID are At and ID of the last bounce of the page before; zero: the first page.
	Before   time.Time
	BeforeID int64
}

// bounceColumns are what scanBounce reads, of bounces b and its mail m.
const bounceColumns = `b.id, coalesce(m.mailbox, ''), coalesce(m.uid_validity, 0), coalesce(m.uid, 0), m.received, b.log, b.queue_id, b.first, b.tries, b.outcome, coalesce(b.instead, 0),
	b.target, b.recipient, iif(b.log = '', m.proof, 'log'), iif(b.log = '', m.proof_detail, 'the log ' || b.log || ' says so'),
	b.at, b.action, b.domain, b.reply, b.status, b.diagnostic, b.stage, b.category, b.reputation, b.temporary, b.vendor, b.blocklist,
	b.named_address, b.named_domain, b.url, b.code, b.rule, b.remedy, b.remote_host, b.remote_addr, b.reporting_host, b.source, b.message_id, b.sender, coalesce(m.place, '')`

func scanBounce(r *sql.Rows, also ...any) (Bounce, error) {
	var b Bounce
	j, d := &b.Judgement, &b.Diagnostic
	err := r.Scan(append([]any{&b.ID, &b.Place.Mailbox, &b.Place.Position.UIDValidity, &b.Place.Position.UID, stamp{&b.Place.Received},
		&b.Log, &b.QueueID, stamp{&b.First}, &b.Tries, &b.Outcome, &b.Instead, &b.Target, &b.RecipientHash, &b.Proof.Kind, &b.Proof.Detail,
		stamp{&b.At}, &b.Action, &b.Domain, &d.Reply, &d.Status, &d.Text, &d.Stage, &j.Category, &j.Reputation, &j.Temporary, &j.Vendor, &j.Blocklist,
		ip{&j.Address}, &j.Domain, &j.URL, &j.Code, &j.Rule, &j.Remedy, &b.RemoteHost, ip{&b.RemoteAddr}, &b.ReportingHost, ip{&b.Source}, &b.MessageID, &b.Sender, &b.Place.Spool}, also...)...)
	if b.Domain != "" {
		b.Recipient = "@" + b.Domain
	}
	return b, err
}

// ip scans an address; an empty text is the zero address.
type ip struct{ a *netip.Addr }

// Scan implements [database/sql.Scanner].
func (p ip) Scan(v any) (err error) {
	s, _ := v.(string)
	if *p.a = (netip.Addr{}); s != "" {
		*p.a, err = netip.ParseAddr(s)
	}
	return err
}

// Bounces are stored bounces, latest first.
func (db *DB) Bounces(ctx context.Context, f BounceFilter) (all []Bounce, err error) {
	where, args, from := []string{"b.at >= ?"}, []any{int64(0)}, ""
	if !f.Since.IsZero() {
		args[0] = f.Since.UnixMicro()
	}
	if f.Target != "" {
		where, args = append(where, "b.target = ?"), append(args, f.Target)
	}
	if f.Mailbox != "" {
		from = " JOIN mails m ON m.id = b.mail"
		where, args = append(where, "m.mailbox = ?"), append(args, f.Mailbox)
	}
	if f.Counted || f.Incident != 0 {
		where = append(where, "b.counted")
	}
	if f.Incident != 0 {
		where, args = append(where, "b.target IN (SELECT target FROM members WHERE incident = ?)"), append(args, f.Incident)
	}
	if !f.Before.IsZero() {
		where, args = append(where, "(b.at, b.id) < (?, ?)"), append(args, f.Before.UnixMicro(), f.BeforeID)
	}
	// Numbers are sorted, and only those that are wanted are read: the rows are wide.
	numbers := "SELECT b.id FROM bounces b" + from + " WHERE " + strings.Join(where, " AND ")
	const latest = " ORDER BY b.at DESC, b.id DESC LIMIT ?"
	n := limit(f.Limit)
	if f.Vendor == "" {
		numbers, args = numbers+latest, append(args, n)
	} else { // the latest of each, from an index each, and of these the latest
		one := append(slices.Clone(args), f.Vendor, n)
		numbers = "SELECT * FROM (" + numbers + " AND b.vendor = ?" + latest + ") UNION ALL SELECT * FROM (" + numbers + " AND b.domain = ?" + latest + ")"
		args = append(one, one...)
	}
	err = db.view(ctx, "read bounces", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			b, err := scanBounce(r)
			all = append(all, b)
			return err
		}, "SELECT "+bounceColumns+" FROM bounces b LEFT JOIN mails m ON m.id = b.mail WHERE b.id IN ("+numbers+")"+latest, append(args, n)...)
	})
	return all, err
}

// limit is how many rows to read: 100 if nothing is said, -1 is SQLite's "all".
func limit(n int) int {
	if n == 0 {
		return 100
	}
	return n
}

// Unparsed is one mail that could not be read. It is kept so that a person sees it.
type Unparsed struct {
	Place   Place
	Stored  time.Time
	Size    int64  // bytes
	Cut     bool   // only its beginning was read
	Trouble string // why it could not be read
	Subject string // untrusted, without full addresses
}

// Unparsed are mails that could not be read, latest first, and how many there
// are in all.
func (db *DB) Unparsed(ctx context.Context, max int) (latest []Unparsed, total int, err error) {
	err = db.view(ctx, "read unparsed mails", func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM mails WHERE kind = 'unparsed'").Scan(&total); err != nil {
			return err
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			var u Unparsed
			err := r.Scan(&u.Place.Mailbox, &u.Place.Position.UIDValidity, &u.Place.Position.UID, stamp{&u.Place.Received}, stamp{&u.Stored}, &u.Size, &u.Cut, &u.Trouble, &u.Subject, &u.Place.Spool)
			latest = append(latest, u)
			return err
		}, `SELECT mailbox, uid_validity, uid, received, stored, size, cut, trouble, subject, place FROM mails
			WHERE kind = 'unparsed' ORDER BY stored DESC, id DESC LIMIT ?`, limit(max))
	})
	return latest, total, err
}

// tallies counts the bounces that may decide something, since the beginning of
// the window. For targets of open incidents about bounces it goes on to look
// before it: a kind of refusal that has ended is a tally of those there were,
// with the time of the last, so that quiet can be judged.
//
// What happened before an end belongs to an incident that is over ([alerts.Ends]), and is
// counted no more.
func tallies(ctx context.Context, q querier, open []alerts.Incident, ends map[string]time.Time, since time.Time) (all []bounce.Tally, err error) {
	older := map[string]int64{} // target: from when on
	for _, inc := range open {
		for _, m := range inc.Members {
			if key := m.Finding.Key; key.Check == bounce.Check {
				// A refusal is reported after it happened, at most as much as we look back.
				from := m.First.Add(-olderSlack).UnixMicro()
				if had, ok := older[key.Target]; !ok || from < had {
					older[key.Target] = from
				}
			}
		}
	}
	targets, err := json.Marshal(older)
	if err != nil {
		return nil, err
	}
	over := make(map[string]int64, len(ends))
	for target, end := range ends {
		over[target] = end.UnixMicro()
	}
	counted, err := json.Marshal(over)
	if err != nil {
		return nil, err
	}
	err = each(ctx, q, func(r *sql.Rows) error {
		var t bounce.Tally
		b, err := scanBounce(r, &t.Refused, &t.Deferred, stamp{&t.First}, stamp{&t.Last})
		t.Target, t.Receiver, t.Proof, t.Via, t.Sample = b.Target, b.Domain, b.Proof, b.Via(), b.Bounce
		t.Vendor, t.Blocklist, t.Category, t.Rule, t.Remedy = b.Judgement.Vendor, b.Judgement.Blocklist, b.Judgement.Category, b.Judgement.Rule, b.Judgement.Remedy
		all = append(all, t)
		return err
	}, `WITH considered AS (
			SELECT id, at, first, action, target, domain, vendor, blocklist, category, rule, remedy FROM bounces
				WHERE counted AND at >= ?1
			UNION ALL
			SELECT b.id, b.at, b.first, b.action, b.target, b.domain, b.vendor, b.blocklist, b.category, b.rule, b.remedy
				FROM json_each(?2) o JOIN bounces b ON b.target = o.key AND b.at >= o.value AND b.at < ?1 AND b.counted
		), over AS (SELECT key AS target, value AS end FROM json_each(?3)
		), kinds AS (
			SELECT max(at) AS last, max(at) < ?1 AS ended,
				sum(action = 'failed') AS refused, sum(action = 'failed' AND at >= ?1) AS refused_now,
				sum(action = 'delayed') AS deferred, sum(action = 'delayed' AND at >= ?1) AS deferred_now,
				min(first) AS first, min(iif(at >= ?1, max(first, ?1), NULL)) AS first_now,
				-- the id of the latest: both numbers in one text that sorts like them
				CAST(substr(max(printf('%020d%020d', at, id)), 21) AS INTEGER) AS sample
			FROM considered LEFT JOIN over USING (target) WHERE over.end IS NULL OR at > over.end GROUP BY target, domain, vendor, blocklist, category, rule, remedy
		)
		SELECT `+bounceColumns+`, iif(kinds.ended, kinds.refused, kinds.refused_now), iif(kinds.ended, kinds.deferred, kinds.deferred_now), iif(kinds.ended, kinds.first, kinds.first_now), kinds.last
		FROM kinds JOIN bounces b ON b.id = sample LEFT JOIN mails m ON m.id = b.mail
		ORDER BY b.target, b.domain, b.vendor, b.blocklist, b.category, b.rule, b.remedy`,
		since.UnixMicro(), string(targets), string(counted))
	return all, err
}

// olderSlack is how long before the finding about it a refusal may have happened:
// the five days that mail is tried again (RFC 5321 section 4.5.4.1).
const olderSlack = 5 * 24 * time.Hour
