package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reputed/checks/bounce"
	"reputed/checks/bounce/maillog"
)

// logWorld is a mail server's log as it is in truth, the mailbox that its reports come to,
// and a reader of both that crashes.
type logWorld struct {
	world
	log     []LogEvent // a line each
	reports []Mail     // what the server reports by mail of messages that it gave up
	queued  []string   // queue ids that are still tried
	ids     int
}

// line writes one more line into the log: a new message, or another try of one that waits.
func (w *logWorld) line(t *rapid.T) {
	id := ""
	if len(w.queued) > 0 && rapid.Bool().Draw(t, "again") {
		id = rapid.SampledFrom(w.queued).Draw(t, "which")
	} else {
		w.ids++
		id = fmt.Sprintf("4B%05dz", w.ids)
		w.queued = append(w.queued, id)
	}
	action := rapid.SampledFrom([]bounce.Action{bounce.Delayed, bounce.Failed, bounce.Delivered}).Draw(t, "action")
	e := logged(action, t0.Add(time.Duration(len(w.log))*time.Second), queue(id))
	if action != bounce.Delivered && rapid.IntRange(0, 3).Draw(t, "why") == 0 {
		because(bounce.Network)(&e)
	}
	w.log = append(w.log, e)
	if action == bounce.Delayed {
		return
	}
	for i, q := range w.queued {
		if q == id {
			w.queued = append(w.queued[:i:i], w.queued[i+1:]...)
			break
		}
	}
	if action == bounce.Failed && rapid.Bool().Draw(t, "reported") {
		m := refusal(uint32(len(w.reports)+1), "kim@example.net", e.At)
		m.Report.Proof = bounce.Proof{} // the log has to prove it
		b := &m.Report.Bounces[0]
		b.QueueID, b.ReportingHost, b.MessageID = id, "mx1.example.org", ""
		b.Judgement = e.Judgement
		w.reports = append(w.reports, m)
	}
}

// next is what a reader that starts at the stored position reads of the log.
func (w *logWorld) next(t *rapid.T) LogRead {
	l, err := w.db.Log(context.Background(), "mx1")
	if err != nil {
		t.Fatal(err)
	}
	from := int(l.Position.Offset)
	to := min(len(w.log), from+rapid.IntRange(1, 5).Draw(t, "lines"))
	return LogRead{Log: "mx1", Position: position(int64(to)), State: []byte(fmt.Sprint(to)), Events: w.log[from:to], Lines: to - from}
}

// mails is what a reader of the mailbox reads.
func (w *logWorld) mails(t *rapid.T) Batch {
	p, err := w.db.Position(context.Background(), "bounces")
	if err != nil {
		t.Fatal(err)
	}
	to := min(len(w.reports), int(p.UID)+rapid.IntRange(1, 3).Draw(t, "mails"))
	b := Batch{Window: time.Hour}
	if to > int(p.UID) {
		b.Mails, b.Read = w.reports[p.UID:to], readTo(uint32(to))
	}
	return b
}

// TestNoEventOfALogIsLostOrCountedTwice is invariant 4 of the design for logs: whatever
// crashes and whenever, and whichever of a log and a report is read first.
func TestNoEventOfALogIsLostOrCountedTwice(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		w := &logWorld{world: world{t: t, dir: filepath.Join(root, fmt.Sprint(n))}}
		w.begin()
		defer func() { w.close(); _ = os.RemoveAll(w.dir) }()
		now := t0.Add(time.Hour)
		read := func(t *rapid.T) {
			if _, err := w.db.CommitLog(context.Background(), now, w.next(t)); err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"write":      w.line,
			"write more": w.line,
			"read":       read,
			"read mails": func(t *rapid.T) {
				if _, err := w.db.Commit(context.Background(), now, w.mails(t), decide(false)); err != nil {
					t.Fatal(err)
				}
			},
			"read, and be stopped": func(t *rapid.T) {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				if _, err := w.db.CommitLog(ctx, now, w.next(t)); !errors.Is(err, context.Canceled) {
					t.Fatalf("a stopped commit gave %v", err)
				}
			},
			"lose power before reading is answered": func(t *rapid.T) {
				read(t)
				left := w.snapshot()
				w.close()
				w.open(left)
			},
			"lose power while reading": func(t *rapid.T) {
				left := w.snapshot()
				read(t)
				w.close()
				w.open(left)
			},
			"": func(t *rapid.T) { w.check(t) },
		})
		for {
			before, err := w.db.Log(context.Background(), "mx1")
			if err != nil {
				t.Fatal(err)
			}
			if before.Position.Offset == int64(len(w.log)) {
				break
			}
			read(t)
		}
		for range w.reports {
			if _, err := w.db.Commit(context.Background(), now, w.mails(t), decide(false)); err != nil {
				t.Fatal(err)
			}
		}
		w.check(t)
	})
}

// check compares what is stored with what the log says up to where it was read.
func (w *logWorld) check(t *rapid.T) {
	ctx := context.Background()
	l, err := w.db.Log(ctx, "mx1")
	if err != nil {
		t.Fatal(err)
	}
	number := func(query string) (n int) {
		if err := w.db.read.QueryRowContext(ctx, query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	worst := map[string]bounce.Action{}
	delivered := 0
	for _, e := range w.log[:l.Position.Offset] {
		_, had := worst[e.QueueID]
		switch {
		case e.Action == bounce.Delivered:
			delivered++
		case e.Judgement.Reputation:
			worst[e.QueueID] = e.Action
		case e.Action == bounce.Failed && had:
			worst[e.QueueID] = bounce.Failed // it expired for what it waited for
		}
	}
	p, err := w.db.Position(ctx, "bounces")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range w.reports[:p.UID] { // some reports are read before the last lines
		if id := m.Report.Bounces[0].QueueID; worst[id] != "" {
			worst[id] = bounce.Failed
		}
	}
	failed := 0
	for _, a := range worst {
		if a == bounce.Failed {
			failed++
		}
	}
	if string(l.State) != fmt.Sprint(l.Position.Offset) && l.Position.Offset > 0 {
		t.Fatalf("state %q belongs to another position than %d", l.State, l.Position.Offset)
	}
	for what, c := range map[string]struct{ got, want int }{
		"refusals that count": {number("SELECT count(*) FROM bounces WHERE counted"), len(worst)},
		"of them final":       {number("SELECT count(*) FROM bounces WHERE counted AND action = 'failed'"), failed},
		"reports that count":  {number("SELECT count(*) FROM bounces WHERE counted AND mail IS NOT NULL"), 0},
		"deliveries":          {number("SELECT coalesce(sum(delivered), 0) FROM traffic WHERE domain = 'example.net'"), delivered},
		"deliveries in all":   {number("SELECT coalesce(sum(delivered), 0) FROM traffic WHERE domain = '*'"), delivered},
		"events":              {number("SELECT coalesce(sum(told), 0) FROM logs"), int(l.Position.Offset)},
		"joined reports":      {number("SELECT count(*) FROM bounces b JOIN bounces r ON r.id = b.instead WHERE r.queue_id <> b.queue_id OR r.log = ''"), 0},
	} {
		if c.got != c.want {
			t.Fatalf("%s: %d, the truth is %d, at line %d", what, c.got, c.want, l.Position.Offset)
		}
	}
}

// BenchmarkCommitLog is how many events of a log are committed in a second, most of them
// deliveries of two thousand users to a thousand receivers, with 2 percent deferred and then delivered, and as many refused.
func BenchmarkCommitLog(b *testing.B) {
	db := fresh(b)
	const size = 5000
	id := 0
	batch := func() []LogEvent {
		events := make([]LogEvent, 0, size)
		for len(events) < size {
			id++
			to := func(e *LogEvent) {
				e.QueueID = fmt.Sprintf("4TgX%07dz", id)
				e.Domain = "example.org"
				e.Bounce.Domain = fmt.Sprintf("%d.example.net", id%1000)
				e.Recipient = fmt.Sprintf("kim%d@%s", id, e.Bounce.Domain)
				e.MessageID, e.Ours = fmt.Sprintf("%d@mx1.example.org", id), true
				who := fmt.Sprintf("user%d", id%2000)
				e.Origin = maillog.Origin{Login: who, Client: who + ".example.org [192.0.2.80]", Sender: who + "@example.org"}
			}
			at := t0.Add(time.Duration(id) * time.Millisecond)
			switch {
			case id%50 == 0:
				events = append(events, logged(bounce.Delayed, at, to), logged(bounce.Delivered, at.Add(time.Second), to))
			case id%50 == 1:
				events = append(events, logged(bounce.Failed, at, to))
			default:
				events = append(events, logged(bounce.Delivered, at, to))
			}
		}
		return events
	}
	n := 0
	for b.Loop() {
		b.StopTimer()
		events := batch()
		b.StartTimer()
		if _, err := db.CommitLog(b.Context(), t0.Add(24*time.Hour), LogRead{Log: "mx1", Position: position(int64(id)), Events: events}); err != nil {
			b.Fatal(err)
		}
		n += len(events)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkJudgeManyRefusals is how long it takes to read what is judged when a receiver
// has refused a hundred thousand mails in the window.
func BenchmarkJudgeManyRefusals(b *testing.B) {
	db := fresh(b)
	for n := range 20 {
		var events []LogEvent
		for i := range 5000 {
			id := fmt.Sprintf("4TgX%03d%05dz", n, i)
			events = append(events, logged(bounce.Failed, t0, queue(id)))
		}
		if _, err := db.CommitLog(b.Context(), t0, LogRead{Log: "mx1", Position: position(int64(n)), Events: events}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if s := look(b, db, t0, Batch{Window: 24 * time.Hour}); len(s.Tallies) != 1 || s.Tallies[0].Refused != 100_000 {
			b.Fatalf("tallies %+v", s.Tallies)
		}
	}
}
