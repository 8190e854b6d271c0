package store

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

const (
	// SendersKept is how long it is known who handed mail in: long enough to tell what is usual.
	SendersKept = 8 * 24 * time.Hour
	// Of one hour and kind so many names are kept; once there are more than sendersMost,
	// the heaviest sendersLeft stay. One who sends more than others is among them.
	sendersMost = 1000
	sendersLeft = 500
	// sendersAtOnce is how many of one hour and kind are written for one read of a log, the
	// heaviest: more come only where a log is caught up with, and would take most of its time.
	sendersAtOnce = 200
)

// hourKind and hand are what a row of senders is about.
type (
	hourKind struct {
		hour int64
		kind string
	}
	hand struct{ target, name string }
)

// handed are numbers of mails.
type handed struct{ mails, unknown, refused int }

// from adds to the hour of a time, for everybody who had a hand in a mail.
func (in *logInserter) from(e *LogEvent, at int64, n handed) {
	if e.Target == "" {
		return
	}
	for _, o := range origins(e) {
		k := hourKind{hourOf(at), string(o.Kind)}
		of := in.hands[k]
		if of == nil {
			of = map[hand]*handed{}
			in.hands[k] = of
		}
		who := hand{e.Target, o.Name}
		sum := of[who]
		if sum == nil {
			sum = &handed{}
			of[who] = sum
		}
		sum.mails += n.mails
		sum.unknown += n.unknown
		sum.refused += n.refused
	}
}

// origins names who handed a mail in. A sender who is not one of ours is known by the domain
// alone: addresses of other people are not kept.
func origins(e *LogEvent) []bounce.Origin {
	var all []bounce.Origin
	add := func(kind bounce.OriginKind, name string) {
		if len(name) > 255 { // they were cleaned when the log was read
			name = checks.Line(name, 255)
		}
		if name != "" {
			all = append(all, bounce.Origin{Kind: kind, Name: name})
		}
	}
	add(bounce.OriginLogin, e.Origin.Login)
	add(bounce.OriginClient, e.Origin.Client)
	if s := e.Origin.Sender; e.Domain != "" {
		add(bounce.OriginSender, s)
	} else if i := strings.LastIndexByte(s, '@'); i >= 0 {
		add(bounce.OriginSender, s[i:])
	}
	if e.Tag != "" {
		add(bounce.OriginStream, e.Tag+" on "+e.ReportingHost)
	}
	return all
}

// flushHands writes who was counted, and forgets what is old or light.
func (in *logInserter) flushHands(ctx context.Context) error {
	for k, of := range in.hands {
		heaviest := slices.SortedFunc(maps.Keys(of), func(a, b hand) int {
			return cmp.Or(cmp.Compare(max(of[b].mails, of[b].refused), max(of[a].mails, of[a].refused)), cmp.Compare(a.name, b.name), cmp.Compare(a.target, b.target))
		})
		for _, who := range heaviest[:min(sendersAtOnce, len(heaviest))] {
			n := of[who]
			if _, err := in.q.ExecContext(ctx, `INSERT INTO senders (hour, kind, target, name, mails, unknown, refused) VALUES (?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (hour, kind, target, name) DO UPDATE SET mails = mails + excluded.mails, unknown = unknown + excluded.unknown, refused = refused + excluded.refused`,
				k.hour, k.kind, who.target, who.name, n.mails, n.unknown, n.refused); err != nil {
				return err
			}
		}
		var rows int
		if err := in.q.QueryRowContext(ctx, "SELECT count(*) FROM senders WHERE hour = ? AND kind = ?", k.hour, k.kind).Scan(&rows); err != nil {
			return err
		}
		if rows <= sendersMost {
			continue
		}
		if _, err := in.q.ExecContext(ctx, `DELETE FROM senders WHERE (hour, kind, target, name) IN
			(SELECT hour, kind, target, name FROM senders WHERE hour = ? AND kind = ? ORDER BY max(mails, refused) DESC, name LIMIT -1 OFFSET ?)`,
			k.hour, k.kind, sendersLeft); err != nil {
			return err
		}
	}
	if len(in.hands) == 0 {
		return nil
	}
	_, err := in.q.ExecContext(ctx, "DELETE FROM senders WHERE hour < ?", hourOf(in.now.Add(-SendersKept).UnixMicro()))
	return err
}

// What logs tell is read in the order of the key, hour by hour, and put together as it comes: a
// sort of a week of hours here would take longer than all the rest.
const (
	selectSenders = `SELECT kind, name, hour, mails, unknown, refused, 0 FROM senders
		WHERE hour >= ?1 AND hour < ?2 AND (?3 = '[]' OR target IN (SELECT value FROM json_each(?3))) ORDER BY hour`
	// The same for few targets: of each hour and kind only their rows are looked for.
	selectFewSenders = `WITH RECURSIVE hours(h) AS (SELECT ?1 WHERE ?1 < ?2 UNION ALL SELECT h + 1 FROM hours WHERE h + 1 < ?2)
		SELECT kind, name, hour, mails, unknown, refused, 0 FROM hours
			CROSS JOIN (VALUES ('` + string(bounce.OriginLogin) + `'), ('` + string(bounce.OriginClient) + `'), ('` + string(bounce.OriginSender) + `'), ('` + string(bounce.OriginStream) + `')) k
			CROSS JOIN json_each(?3) t CROSS JOIN senders ON hour = h AND kind = k.column1 AND target = t.value`
	// Reports tell of what failed alone.
	selectReporters = `SELECT 'sender', '@' || sender, at / 3600000000 AS hour, 0, sum(category = 'recipient' AND status NOT LIKE '5.2.%' AND action = 'failed'), sum(counted), 0
		FROM bounces INDEXED BY bounces_by_time
		WHERE at >= ?1 * 3600000000 AND at < ?2 * 3600000000 AND log = '' AND sender <> '' AND (?3 = '[]' OR target IN (SELECT value FROM json_each(?3))) GROUP BY hour, sender`
	selectComplained = `SELECT 'sender', '@' || (feedback ->> 'Domain') AS domain, complained / 3600000000 AS hour, 0, 0, 0, count(*) FROM mails INDEXED BY mails_complaints
		WHERE kind = 'complaint' AND complained >= ?1 * 3600000000 AND complained < ?2 * 3600000000 AND proof <> '' AND feedback ->> 'Domain' <> ''
			AND (?3 = '[]' OR target IN (SELECT value FROM json_each(?3))) GROUP BY hour, domain`
)

// Senders are who handed in mail that left from these targets (none: from any), by the hour, in the hours that
// begin in [from, to): as logs tell it, and where they tell nothing, as bounces and
// complaints do.
func (db *DB) Senders(ctx context.Context, targets []string, from, to time.Time) (all []bounce.SenderHour, err error) {
	about, err := document(append([]string{}, targets...))
	if err != nil {
		return nil, err
	}
	logged := selectSenders
	if n := len(targets); n > 0 && n <= manyTargets {
		logged = selectFewSenders
	}
	err = db.view(ctx, "read senders", func(tx *sql.Tx) error {
		for _, query := range []string{logged, selectReporters, selectComplained} {
			if query == selectReporters && len(all) > 0 {
				continue // the log has these refusals too
			}
			together := senderHours{all: all}
			err := each(ctx, tx, together.scan, query, hourOf(from.UnixMicro()), hourOf(to.Add(time.Hour-time.Microsecond).UnixMicro()), about)
			if all = together.all; err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

// senderHours puts rows together that come hour by hour, of several targets.
type senderHours struct {
	all        []bounce.SenderHour
	hour       int64
	at         map[bounce.Origin]int // where in all those of the hour are
	kind, name sql.RawBytes
	names      map[string]string // so that a name that comes in each hour is one text
}

func (s *senderHours) scan(r *sql.Rows) error {
	var at, mails, unknown, refused, complaints any
	if err := r.Scan(&s.kind, &s.name, &at, &mails, &unknown, &refused, &complaints); err != nil {
		return err
	}
	hour := number(at)
	h := bounce.SenderHour{Mails: int(number(mails)), Unknown: int(number(unknown)), Refused: int(number(refused)), Complaints: int(number(complaints))}
	if s.at == nil {
		s.at, s.names = map[bounce.Origin]int{}, map[string]string{}
	}
	if hour != s.hour {
		clear(s.at)
		s.hour = hour
	}
	h.Kind, h.Name = bounce.OriginKind(s.text(s.kind)), s.text(s.name)
	i, ok := s.at[h.Origin]
	if !ok {
		h.At = time.UnixMicro(hour * time.Hour.Microseconds()).UTC()
		s.at[h.Origin] = len(s.all)
		s.all = append(s.all, h)
		return nil
	}
	x := &s.all[i]
	x.Mails, x.Unknown, x.Refused, x.Complaints = x.Mails+h.Mails, x.Unknown+h.Unknown, x.Refused+h.Refused, x.Complaints+h.Complaints
	return nil
}

func (s *senderHours) text(b sql.RawBytes) string {
	t, ok := s.names[string(b)]
	if !ok {
		t = string(b)
		s.names[t] = t
	}
	return t
}
