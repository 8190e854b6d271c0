package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"hash"
	"maps"
	"slices"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

// A receiver that takes a mail and refuses it afterwards sends a bounce of its own, which
// no server of ours has written. It is proved if it returns a Message-ID that a log of
// ours has seen leave for the domain that refuses. Bound to the domain, because whoever has
// got a mail from us knows its Message-ID: he can forge a refusal of his own domain, and of no other.

const (
	// sentFor and sentMost are how long, and how many, mails that left are known: a receiver
	// that bounces late does so within the five days that its own queue lasts.
	sentFor  = 14 * 24 * time.Hour
	sentMost = 2_000_000
	// sentBlock is from how many bytes on a row of hashes is full.
	sentBlock = 8192
	// sentAgain is how long a report without proof is looked for among the mails that
	// left: it may be quicker than the log.
	sentAgain = time.Hour
	// sentAtOnce is how many such reports are looked for, the latest first.
	sentAtOnce = 5000
)

// sender makes the hashes of mails that left.
type sender struct{ mac hash.Hash }

func newSender(key []byte) *sender { return &sender{hmac.New(sha256.New, key)} }

// of is the keyed hash of a message to a domain; 0 if one of them is not known.
func (s *sender) of(messageID, domain string) int64 {
	if messageID == "" || domain == "" {
		return 0
	}
	s.mac.Reset()
	_, _ = s.mac.Write([]byte("sent\x00" + strings.TrimSpace(messageID) + "\x00" + strings.ToLower(domain)))
	var sum [sha256.Size]byte
	h := int64(binary.LittleEndian.Uint64(s.mac.Sum(sum[:0])))
	if h == 0 {
		return 1
	}
	return h
}

// left notes a mail that left.
func (in *logInserter) left(e *LogEvent, domain string) {
	h := in.sender.of(e.MessageID, domain)
	if n := len(in.sent); h == 0 || n >= 8 && int64(binary.LittleEndian.Uint64(in.sent[n-8:])) == h {
		return // to several recipients there
	}
	in.sent = binary.LittleEndian.AppendUint64(in.sent, uint64(h))
}

const (
	selectLastSent = "SELECT id, length(hashes) FROM sent WHERE log = ?1 ORDER BY id DESC LIMIT 1"
	selectTooMuch  = "SELECT coalesce(max(at), 0) FROM (SELECT at, sum(n) OVER (ORDER BY at DESC) AS total FROM sent INDEXED BY sent_by_time) WHERE total > ?1"
)

// saveSent writes which mails left, and forgets the oldest.
func (in *logInserter) saveSent(ctx context.Context) error {
	if len(in.sent) == 0 {
		return nil
	}
	var id int64
	size := sentBlock
	if err := each(ctx, in.q, func(r *sql.Rows) error { return r.Scan(&id, &size) }, selectLastSent, in.log); err != nil {
		return err
	}
	n, now := len(in.sent)/8, in.now.UnixMicro()
	if size < sentBlock {
		_, err := in.q.ExecContext(ctx, "UPDATE sent SET hashes = CAST(hashes || ?2 AS BLOB), n = n + ?3, at = ?4 WHERE id = ?1", id, in.sent, n, now)
		return err
	}
	if _, err := in.q.ExecContext(ctx, "INSERT INTO sent (log, at, n, hashes) VALUES (?, ?, ?, ?)", in.log, now, n, in.sent); err != nil {
		return err
	}
	_, err := in.q.ExecContext(ctx, "DELETE FROM sent WHERE at <= max(?2, ("+selectTooMuch+"))", sentMost, in.now.Add(-sentFor).UnixMicro())
	return err
}

const selectUnproved = `SELECT b.mail, b.sent FROM (SELECT id FROM mails INDEXED BY mails_unproved WHERE proof = '' AND kind = 'bounce' AND stored >= ?1 ORDER BY stored DESC LIMIT ?2) w
	CROSS JOIN bounces b ON b.mail = w.id WHERE b.action IN ('failed', 'delayed')`

// proveSent proves reports about mails that a log has seen leave: each message that
// they speak of has to be one of those.
func (db *DB) proveSent(ctx context.Context, tx *sql.Tx, now time.Time) error {
	c := newCounter(compile(tx))
	mails, wanted := map[int64][]int64{}, newWanted()
	if err := each(ctx, c.q, func(r *sql.Rows) error {
		var mail, h int64
		err := r.Scan(&mail, &h)
		mails[mail] = append(mails[mail], h)
		wanted.add(h)
		return err
	}, selectUnproved, now.Add(-sentAgain).UnixMicro(), sentAtOnce); err != nil || len(wanted.log) == 0 {
		return err
	}
	if err := each(ctx, c.q, func(r *sql.Rows) error {
		var log string
		var hashes sql.RawBytes
		err := r.Scan(&log, &hashes)
		wanted.look(log, hashes)
		return err
	}, "SELECT log, hashes FROM sent WHERE at >= ?", now.Add(-sentFor).UnixMicro()); err != nil {
		return err
	}
	for _, mail := range slices.Sorted(maps.Keys(mails)) {
		log, hashes := "", mails[mail]
		for _, h := range hashes {
			if log = wanted.log[h]; log == "" {
				break
			}
		}
		if log == "" {
			continue
		}
		if err := c.proved(ctx, mail, bounce.Proof{Kind: bounce.ByMessageID, Detail: "Message-ID in the log " + checks.Line(log, 100)}); err != nil {
			return err
		}
	}
	return c.flush(ctx)
}

// wanted are hashes that are looked for among very many: most are passed over by one bit.
type wanted struct {
	log  map[int64]string // by hash; "" as long as it was not found
	bits [1 << 10]uint64
}

func newWanted() *wanted { return &wanted{log: map[int64]string{}} }

func (w *wanted) add(h int64) {
	if h == 0 {
		return
	}
	w.log[h] = ""
	w.bits[uint16(h)>>6] |= 1 << (h & 63)
}

func (w *wanted) look(log string, hashes []byte) {
	for ; len(hashes) >= 8; hashes = hashes[8:] {
		h := int64(binary.LittleEndian.Uint64(hashes))
		if w.bits[uint16(h)>>6]&(1<<(h&63)) == 0 {
			continue
		}
		if _, ok := w.log[h]; ok {
			w.log[h] = log
		}
	}
}
