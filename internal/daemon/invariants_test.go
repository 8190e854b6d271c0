package daemon

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/probes"
)

// lives is a daemon that dies again and again over one database, and the mailbox
// as it is in truth. What happens is drawn beforehand: time passes in a bubble of
// its own, in which nothing can be drawn.
type lives struct {
	*Daemon
	dir    string
	copies int
	drawn  []int    // numbers still to be used up; 0 after the last
	mails  [][]byte // by UID-1
	proved []bool
	mail   *mailLog
	lines  []probes.LogLine // of the log, as it is in truth
	told   []int            // how many messages the lines up to each have told to be refused
}

// broken is a promise that was not kept.
type broken string

// TestInvariants3And4EndToEnd holds the real decision over the real database to
// invariants 3 and 4 of the design: whatever is found, read, told or acknowledged, and
// wherever the process dies, an incident is opened once before it is resolved, people
// hear of it once and then no more often than they asked to be reminded, and each mail
// counts once.
func TestInvariants3And4EndToEnd(t *testing.T) {
	r := newRig(t)
	r.Daemon.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	r.policy.RemindCritical, r.policy.RemindMajor = 4*time.Hour, 24*time.Hour
	root, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		l := &lives{Daemon: r.Daemon, dir: filepath.Join(root, fmt.Sprint(n)), drawn: rapid.SliceOfN(rapid.IntRange(0, 999), 60, 200).Draw(rt, "what happens")}
		defer os.RemoveAll(l.dir)
		said := broken("")
		synctest.Test(t, func(*testing.T) {
			defer func() {
				switch r := recover().(type) {
				case nil:
				case broken:
					said = r
					_ = l.db.Close()
				default:
					panic(r)
				}
			}()
			l.live()
		})
		if said != "" {
			rt.Fatal(said)
		}
	})
}

// live is everything that happens, and what must be true after each step.
func (l *lives) live() {
	l.deliverer = &alerts.Deliverer{Channels: l.deliverer.Channels} // its channels belong to this bubble
	l.start(filepath.Join(l.dir, "0", "reputed.db"))
	for len(l.drawn) > 0 {
		switch l.draw(11) {
		case 0:
			time.Sleep([]time.Duration{time.Minute, time.Hour, 3 * time.Hour, 5 * time.Hour, 25 * time.Hour}[l.draw(5)])
		case 1, 2:
			l.must(l.commit(context.Background(), store.Batch{}, l.findings(), false))
		case 3:
			l.must(l.tick(context.Background(), time.Now()))
		case 4:
			l.arrive()
			l.read()
		case 5:
			l.deliver()
		case 6:
			l.act()
		case 9:
			l.write()
		case 10:
			l.write()
			l.readLines()
		case 7: // it dies after writing
			l.read()
			l.readLines()
			left := l.copy()
			l.stop()
			l.start(left)
		case 8: // it dies before writing
			left := l.copy()
			l.read()
			l.readLines()
			l.must(l.commit(context.Background(), store.Batch{}, l.findings(), false))
			l.stop()
			l.start(left)
		}
		l.check()
		time.Sleep(time.Second)
	}
	for range l.mails {
		l.read()
	}
	for range l.lines {
		l.readLines()
	}
	l.check()
	if counted := l.counted(); counted != l.truth(len(l.mails))+l.logged(len(l.lines)) {
		l.fail("everything was read, and %d refusals count of %d and %d", counted, l.truth(len(l.mails)), l.logged(len(l.lines)))
	}
	l.stop()
}

// draw gives the next number below n.
func (l *lives) draw(n int) int {
	if len(l.drawn) == 0 {
		return 0
	}
	next := l.drawn[0] % n
	l.drawn = l.drawn[1:]
	return next
}

func (l *lives) fail(format string, args ...any) { panic(broken(fmt.Sprintf(format, args...))) }

func (l *lives) must(err error) {
	if err != nil {
		l.fail("%v", err)
	}
}

// act is a person who takes the first open incident on, or ends it.
func (l *lives) act() {
	open, err := l.db.Incidents(context.Background(), store.IncidentFilter{})
	l.must(err)
	if len(open) == 0 {
		return
	}
	do := []alerts.ActionKind{alerts.Ack, alerts.ResolveHand}[l.draw(2)]
	_, err = l.db.Act(context.Background(), alerts.Action{Kind: do, Incident: open[0].ID, By: "kim", At: time.Now()}, nil)
	l.must(err)
}

func (l *lives) start(path string) {
	db, err := store.Open(context.Background(), path, store.Options{})
	l.must(err)
	l.db, l.deliverer.Outbox = db, db
	// A new process has a reader that remembers what was stored, and nothing else.
	l.mail, err = newMailLog(config.MailLog{Name: "mx1", Path: filepath.Join(l.dir, "mail.log"), Format: config.LogPostfix}, l.cfg, l.rules, l.log)
	l.must(err)
	l.logs = []*mailLog{l.mail}
	before, err := db.Log(context.Background(), "mx1")
	l.must(err)
	l.must(l.mail.reader.Restore(before.State))
}

// write adds to the log: a message that is tried, tried again, refused for good or taken. A
// line that says who sent it comes before, and is needed even if the process dies in between.
func (l *lives) write() {
	n := len(l.lines) / 4
	id := fmt.Sprintf("4LgX%05dz", n)
	lines := mailLines(time.Now(), "postfix/qmgr[7]: "+id+": from=<news@example.org>, size=400, nrcpt=1 (queue active)")
	refused := 0
	if n > 0 {
		refused = l.told[len(l.told)-1]
	}
	end := daemontest.Sent(id, "kim@example.net")
	if l.draw(2) == 0 {
		end = refusedBySpamCop(id, "kim@example.net")
	}
	wait := strings.NewReplacer("status=bounced", "status=deferred", "dsn=5.7.1", "dsn=4.7.1").Replace(refusedBySpamCop(id, "kim@example.net"))
	l.lines = append(l.lines, append(lines, mailLines(time.Now(), wait, wait, end)...)...)
	l.told = append(l.told, refused, refused+1, refused+1, refused+1) // once, whatever became of it
}

// readLines gives the daemon some of the lines that it has not read.
func (l *lives) readLines() {
	before, err := l.db.Log(context.Background(), "mx1")
	l.must(err)
	from := int(before.Position.Offset)
	to := min(len(l.lines), from+1+l.draw(5))
	if to > from {
		l.must(l.intakeLog(context.Background(), l.mail, probes.LogBatch{Lines: l.lines[from:to], Position: position(to)}))
	}
}

// logged is how many messages the first n lines of the log tell to be refused.
func (l *lives) logged(n int) int {
	if n == 0 {
		return 0
	}
	return l.told[n-1]
}

func (l *lives) stop() { l.must(l.db.Close()) }

// copy is the database as it would be found after the process died at this instant.
func (l *lives) copy() string {
	l.copies++
	to := filepath.Join(l.dir, fmt.Sprint(l.copies), "reputed.db")
	l.must(os.MkdirAll(filepath.Dir(to), 0o750))
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(l.db.Path() + suffix)
		l.must(err)
		l.must(os.WriteFile(to+suffix, b, 0o600))
	}
	return to
}

// findings are what a round might find about our address and another.
func (l *lives) findings() (out []checks.Finding) {
	mood := l.draw(4) // all is bad, all is well, or everything is possible
	for _, target := range []string{lab.OurAddress.String(), "198.51.100.7"} {
		for _, list := range []string{lab.SpamCop, "psbl"} {
			status := []checks.Status{checks.Problem, checks.OK}[min(mood, 1)]
			if mood > 1 {
				status = []checks.Status{checks.Problem, checks.OK, checks.Unknown, ""}[l.draw(4)]
			}
			at, err := checks.ParseID(target)
			l.must(err)
			f := checks.Finding{Key: checks.Key{Check: monitor.JobDNSBL, Target: target, Source: list}, Target: at, Status: status, At: time.Now(), Settle: time.Minute, Code: checks.CodeNoAnswer}
			switch status {
			case "":
				continue
			case checks.OK:
				f.Code = checks.CodeNotListed
			case checks.Problem:
				f.Code, f.Summary = checks.CodeListed, target+" is listed by "+list
				f.Severity = []checks.Severity{checks.Critical, checks.Major, checks.Minor}[l.draw(3)]
			}
			out = append(out, f)
		}
	}
	return out
}

// arrive puts a report into the mailbox: ours, or one that anybody could have written.
func (l *lives) arrive() {
	id := fmt.Sprintf("4TgX%05dz", len(l.mails))
	raw, proved := lab.CiscoRefusal(time.Now(), id, "kim@example.net"), l.draw(3) > 0
	if !proved {
		raw = bytes.Replace(raw, []byte("Received: by mail.example.org (Postfix)"), []byte("Received: from mail.example.org (unknown [203.0.113.66])\r\n\tby mx.example.com (Postfix)"), 1)
		raw = bytes.ReplaceAll(raw, []byte("invoice@example.org"), []byte("invoice@example.com"))
	}
	l.mails, l.proved = append(l.mails, raw), append(l.proved, proved)
}

// read gives the daemon what lies above the position that it knows, as the
// mailbox does, and says how many mails that were.
func (l *lives) read() int {
	p, err := l.db.Position(context.Background(), "bounces")
	l.must(err)
	var b probes.Batch
	size := 1 + l.draw(3)
	for uid := int(p.UID) + 1; uid <= len(l.mails) && len(b.Messages) < size; uid++ {
		raw := l.mails[uid-1]
		b.Messages = append(b.Messages, probes.Message{Mailbox: "bounces", UIDValidity: 1, UID: uint32(uid), Received: time.Now(), Size: int64(len(raw)), Bytes: raw})
		b.Position = probes.Position{UIDValidity: 1, UID: uint32(uid)}
	}
	if len(b.Messages) > 0 {
		l.must(l.intake(context.Background(), "bounces", b))
	}
	return len(b.Messages)
}

// deliver lets the channel say yes, no or nothing to what is due.
func (l *lives) deliver() {
	due, err := l.db.Due(context.Background(), "test", time.Now(), 1)
	l.must(err)
	if len(due) == 0 {
		return
	}
	switch l.draw(3) {
	case 0:
		l.must(l.db.Sent(context.Background(), due[0].ID, time.Now()))
	case 1:
		l.must(l.db.Retry(context.Background(), due[0].ID, time.Now().Add(time.Minute), due[0].Tries+1, "500"))
	}
}

func (l *lives) counted() int {
	all, err := l.db.Bounces(context.Background(), store.BounceFilter{Counted: true, Limit: -1})
	l.must(err)
	return len(all)
}

// truth is how many of the first n mails are proved refusals.
func (l *lives) truth(n int) (count int) {
	for _, proved := range l.proved[:n] {
		if proved {
			count++
		}
	}
	return count
}

func (l *lives) check() {
	ctx := context.Background()
	p, err := l.db.Position(ctx, "bounces")
	l.must(err)
	log, err := l.db.Log(ctx, "mx1")
	l.must(err)
	if got, want := l.counted(), l.truth(int(p.UID))+l.logged(int(log.Position.Offset)); got != want {
		l.fail("read to UID %d and line %d: %d refusals count, the truth is %d", p.UID, log.Position.Offset, got, want)
	}
	l.must(daemontest.ToldAsPromised(ctx, l.db, l.policy.RemindCritical))
}
