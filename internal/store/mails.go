package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/probes"
)

// maxText is how many runes of one text from outside are kept.
const maxText = 2000

// nothingRead is the hash of no content at all, which many mails may have.
const nothingRead = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Mail is one mail that was read: its place, what it says, and whom each of its
// refusals is laid at.
type Mail struct {
	Place  Place
	Size   int64 // bytes, as the server has it
	Report bounce.Report
	// Targets are the Target.IDs that Report.Bounces are laid at, by index. Where
	// one is missing or "", that refusal is stored and shown, and counted against nobody.
	Targets []string
	// Settle notes with the mail that its server is still to do with it what the
	// configuration of the mailbox wants ([DB.Unsettled]).
	Settle bool
	// Complaint is the Target.ID that the complaint of Report is about; "": of nobody watched.
	Complaint string
}

// Place is where a mail lies.
type Place struct {
	Mailbox  string // name in the configuration
	Position probes.Position
	Spool    string    // of a mail in a Maildir or an mbox, where in it: the file's name, "byte 4711"; empty over IMAP
	Received time.Time // UTC
}

// String is the place as evidence shows it: "mailbox bounces, UID 4711", "spool bounces, byte 4711".
func (p Place) String() string {
	if p.Spool != "" {
		return fmt.Sprintf("spool %s, %s", p.Mailbox, p.Spool)
	}
	return fmt.Sprintf("mailbox %s, UID %d", p.Mailbox, p.Position.UID)
}

// inserter writes mails within one transaction.
type inserter struct {
	*counter
	mail   *sql.Stmt
	bounce *sql.Stmt
	hash   func(recipient string, position int) string
	sender *sender
	now    time.Time
}

func (db *DB) newInserter(ctx context.Context, tx *sql.Tx, now time.Time) (*inserter, error) {
	// A mail that is met again keeps its row: its place is the latest, and what
	// is known of it can only grow. It may now be readable, or provable,
	// because this version or its configuration knows more than the last one.
	mail, err := tx.PrepareContext(ctx, `INSERT INTO mails
			(hash, mailbox, uid_validity, uid, received, stored, size, cut, kind, proof, proof_detail, trouble, subject, message_id, feedback, target, complained)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
		ON CONFLICT (hash) DO UPDATE SET
			mailbox = excluded.mailbox, uid_validity = excluded.uid_validity, uid = excluded.uid,
			trouble = iif(kind = 'unparsed', excluded.trouble, trouble),
			subject = iif(kind = 'unparsed', excluded.subject, subject),
			message_id = iif(kind = 'unparsed', excluded.message_id, message_id),
			feedback = iif(kind = 'unparsed', excluded.feedback, feedback),
			target = iif(target = '', excluded.target, target),
			complained = coalesce(complained, excluded.complained),
			kind = iif(kind = 'unparsed', excluded.kind, kind),
			proof_detail = iif(proof = '', excluded.proof_detail, proof_detail),
			proof = iif(proof = '', excluded.proof, proof)
		RETURNING id, proof <> ''`)
	if err != nil {
		return nil, err
	}
	bounce, err := tx.PrepareContext(ctx, `INSERT INTO bounces
			(mail, log, queue_id, recipient, position, first, at, heard, tries, outcome, final, target, counted, action, domain, reply, status, diagnostic, stage,
			category, reputation, temporary, vendor, blocklist, named_address, named_domain, url, code, rule, remedy,
			remote_host, remote_addr, reporting_host, source, message_id, sender, sent)
		VALUES (?1, '', ?30, ?2, ?3, ?4, ?4, ?4, 1, ?7, ?7 <> 'delayed', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?31)
		ON CONFLICT (mail, recipient) DO UPDATE SET
			counted = iif(instead IS NULL, max(counted, ?6), 0), target = iif(target = '', ?5, target) RETURNING id`)
	if err != nil {
		return nil, err
	}
	return &inserter{counter: newCounter(compile(tx)), mail: mail, bounce: bounce, hash: db.recipientHash, sender: newSender(db.key), now: now}, nil
}

// insert writes one mail and its bounces, once: meeting the same content again,
// at whatever place, adds nothing that is there already.
func (in *inserter) insert(ctx context.Context, m Mail) error {
	r := m.Report
	var recipients []string
	for _, b := range r.Bounces {
		recipients = append(recipients, b.Recipient)
	}
	recipients = append(recipients, r.Complaint.Recipient)
	hash := r.Hash
	if hash == "" || hash == nothingRead {
		// Nothing was read of it, so its place is all that makes it one.
		hash = fmt.Sprintf("place %s %d %d", m.Place.Mailbox, m.Place.Position.UIDValidity, m.Place.Position.UID)
		if m.Place.Spool != "" {
			hash += " " + m.Place.Spool
		}
	}
	subject := ""
	if r.Kind == bounce.KindUnparsed {
		subject = mask(r.Subject, 200, recipients)
	}
	var feedback, complained any
	if r.Kind == bounce.KindComplaint {
		complained = in.when(bounce.Bounce{At: r.Complaint.At}, m).UnixMicro()
	}
	if r.Kind == bounce.KindComplaint || r.Kind == bounce.KindAuthReport {
		f := r.Complaint
		if _, domain, ok := cutAddress(f.Recipient); ok {
			f.Recipient = "@" + domain
		} else {
			f.Recipient = ""
		}
		f.Reporter, f.MessageID, f.URL = mask(f.Reporter, 255, recipients), maskID(f.MessageID, recipients), mask(f.URL, 500, recipients)
		doc, err := document(f)
		if err != nil {
			return err
		}
		feedback = doc
	}
	var id int64
	var proved bool
	err := in.mail.QueryRowContext(ctx, hash, m.Place.Mailbox, m.Place.Position.UIDValidity, m.Place.Position.UID,
		micros(m.Place.Received), in.now.UnixMicro(), m.Size, r.Cut, r.Kind, r.Proof.Kind, mask(r.Proof.Detail, 500, recipients),
		mask(r.Trouble, 500, recipients), subject, maskID(r.MessageID, recipients), feedback, m.Complaint, complained).Scan(&id, &proved)
	if err != nil {
		return err
	}
	if _, err := in.q.ExecContext(ctx, "UPDATE mails SET place = ?1 WHERE id = ?2 AND place <> ?1", checks.Line(m.Place.Spool, 255), id); err != nil {
		return err
	}
	if m.Settle {
		if err := unsettle(ctx, in.q, m.Place); err != nil {
			return err
		}
	}
	var rows []int64
	for i, b := range r.Bounces {
		target := ""
		if i < len(m.Targets) {
			target = m.Targets[i]
		}
		domain := b.Domain
		if _, d, ok := cutAddress(b.Recipient); ok && domain == "" {
			domain = strings.ToLower(d)
		}
		j, d := b.Judgement, b.Diagnostic
		var row int64
		err := in.bounce.QueryRowContext(ctx, id, in.hash(b.Recipient, i), i, in.when(b, m).UnixMicro(), target,
			proved && j.Reputation && target != "" && (b.Action == bounce.Failed || b.Action == bounce.Delayed),
			b.Action, checks.Line(domain, 255), checks.Line(d.Reply, 10), checks.Line(d.Status, 20), mask(d.Text, maxText, recipients), d.Stage,
			j.Category, j.Reputation, j.Temporary, j.Vendor, j.Blocklist, addr(j.Address), j.Domain, mask(j.URL, 500, recipients), j.Code, j.Rule, j.Remedy,
			mask(b.RemoteHost, 255, recipients), addr(b.RemoteAddr), mask(b.ReportingHost, 255, recipients), addr(b.Source), maskID(b.MessageID, recipients), checks.Line(b.Sender, 255), checks.Line(b.QueueID, 80), in.sender.of(b.MessageID, domain)).Scan(&row)
		if err != nil {
			return err
		}
		if b.Action == bounce.Failed || b.Action == bounce.Delayed {
			rows = append(rows, row)
		}
	}
	for _, row := range rows { // only now, as one that a log proves proves the others
		if err := in.joinLog(ctx, row); err != nil {
			return err
		}
		if err := in.joinReports(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// when is the time that a bounce counts at. A report that names none counts at
// its arrival, and one from the future now: a wrong clock must not keep an
// incident from ever becoming quiet.
func (in *inserter) when(b bounce.Bounce, m Mail) time.Time {
	at := b.At
	if at.IsZero() {
		at = m.Place.Received
	}
	if at.IsZero() || at.After(in.now) {
		return in.now
	}
	return at
}

func addr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
