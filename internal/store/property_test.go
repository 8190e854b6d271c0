package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reputed/alerts"
	"reputed/checks/bounce"
	"reputed/probes"
)

// world is a mailbox as it is in truth, and a reader that crashes.
type world struct {
	t        *rapid.T
	dir      string // of the test; each copy of the database gets a folder in it
	copies   int
	db       *DB
	contents []content // by UID-1 under the present UIDVALIDITY
	validity uint32
	truth    map[string]content // by hash: everything that was ever in the mailbox
}

// content is one mail: two mails with the same hash are the same mail.
type content struct {
	hash       string
	kind       bounce.Kind
	recipients []string
	proved     bool
}

func (w *world) open(path string) {
	db, err := Open(context.Background(), path, Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.db = db
}

// begin opens a database that is empty.
func (w *world) begin() {
	path := filepath.Join(w.dir, "0", "reputed.db")
	lay(w.t, path)
	w.open(path)
}

func (w *world) close() {
	if err := w.db.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// snapshot copies the files as they are at this instant, as a power cut would
// leave them, and gives the copy's path. The -shm file is not copied: it does
// not survive one.
func (w *world) snapshot() string {
	w.copies++
	to := filepath.Join(w.dir, fmt.Sprint(w.copies), "reputed.db")
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		w.t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(w.db.Path() + suffix)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, b, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	return to
}

// arrive puts a mail into the mailbox; now and then one that was there before.
func (w *world) arrive(t *rapid.T) {
	if len(w.truth) > 0 && rapid.IntRange(0, 3).Draw(t, "again") == 0 {
		hash := rapid.SampledFrom(slices.Sorted(maps.Keys(w.truth))).Draw(t, "which")
		w.contents = append(w.contents, w.truth[hash])
		return
	}
	c := content{
		hash:       fmt.Sprintf("hash %d", len(w.truth)),
		kind:       rapid.SampledFrom([]bounce.Kind{bounce.KindBounce, bounce.KindBounce, bounce.KindUnparsed, bounce.KindOther}).Draw(t, "kind"),
		recipients: nil,
		proved:     rapid.Bool().Draw(t, "proved"),
	}
	if c.kind == bounce.KindBounce {
		c.recipients = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"kim@example.net", "lee@example.net", "max@example.com"}), 1, 3, rapid.ID[string]).Draw(t, "recipients")
	}
	w.truth[c.hash] = c
	w.contents = append(w.contents, c)
}

// renumber gives the mailbox another UIDVALIDITY, and its mails other UIDs.
func (w *world) renumber(t *rapid.T) {
	w.validity++
	w.contents = rapid.Permutation(w.contents).Draw(t, "order")
}

// batch is what a reader that starts at the stored position reads: a few mails.
func (w *world) batch(t *rapid.T) (Batch, int) {
	p, err := w.db.Position(context.Background(), "bounces")
	if err != nil {
		t.Fatal(err)
	}
	if p.UIDValidity != w.validity {
		p = probes.Position{UIDValidity: w.validity}
	}
	end := min(len(w.contents), int(p.UID)+rapid.IntRange(1, 4).Draw(t, "size"))
	b := Batch{Read: map[string]probes.Position{"bounces": {UIDValidity: w.validity, UID: uint32(end)}}, Window: time.Hour}
	for uid := int(p.UID) + 1; uid <= end; uid++ {
		b.Mails = append(b.Mails, w.mail(uid))
	}
	return b, len(w.contents) - end
}

func (w *world) mail(uid int) Mail {
	c := w.contents[uid-1]
	m := Mail{Place: Place{Mailbox: "bounces", Position: probes.Position{UIDValidity: w.validity, UID: uint32(uid)}, Received: t0}, Report: bounce.Report{Kind: c.kind, Hash: c.hash}}
	if c.proved {
		m.Report.Proof = bounce.Proof{Kind: bounce.ByOwnMTA, Detail: "written by mx1.example.org"}
	}
	for _, r := range c.recipients {
		b := refusal(1, r, t0).Report.Bounces[0]
		b.MessageID = strings.ReplaceAll(c.hash, " ", "-") + "@mx1.example.org"
		m.Report.Bounces = append(m.Report.Bounces, b)
		m.Targets = append(m.Targets, "192.0.2.10")
	}
	return m
}

// decide opens an incident once there is a refusal and none is open, ends it
// when told to, and tells of both. It stands in for the fold.
func decide(end bool) func(Situation) Decision {
	return func(s Situation) Decision {
		d := Decision{Notify: notify("slack")}
		switch {
		case len(s.Open) == 0 && len(s.Tallies) > 0:
			in := incident(listed("192.0.2.10", "Cisco Talos", s.Now), s.Now)
			if len(s.Recent) > 0 {
				in.ID, in.Relapses = s.Recent[0].ID, s.Recent[0].Relapses+1
			}
			d.Changes = []alerts.Change{{Kind: alerts.Opened, Incident: in, At: s.Now, Tell: true}}
		case len(s.Open) > 0 && end:
			in := s.Open[0]
			in.State, in.Resolved = alerts.Resolved, s.Now
			d.Changes = []alerts.Change{{Kind: alerts.Ended, Incident: in, At: s.Now, Tell: true}}
		}
		return d
	}
}

// TestNoMailIsLostOrCountedTwice is invariant 4 of the design, and invariant 3
// as far as it is stored, whatever crashes and whenever.
func TestNoMailIsLostOrCountedTwice(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		w := &world{t: t, dir: filepath.Join(root, fmt.Sprint(n)), validity: 1, truth: map[string]content{}}
		w.begin()
		defer func() { w.close(); _ = os.RemoveAll(w.dir) }()
		now := t0
		tick := func() time.Time { now = now.Add(time.Second); return now }
		t.Repeat(map[string]func(*rapid.T){
			"arrive":   w.arrive,
			"renumber": w.renumber,
			"read": func(t *rapid.T) {
				b, _ := w.batch(t)
				if _, err := w.db.Commit(context.Background(), tick(), b, decide(rapid.Bool().Draw(t, "end"))); err != nil {
					t.Fatal(err)
				}
			},
			"read, and panic while deciding": func(t *rapid.T) {
				b, _ := w.batch(t)
				func() {
					defer func() { _ = recover() }()
					_, _ = w.db.Commit(context.Background(), tick(), b, func(Situation) Decision { panic("decide") })
				}()
			},
			"read, and be stopped while deciding": func(t *rapid.T) {
				b, _ := w.batch(t)
				ctx, cancel := context.WithCancel(context.Background())
				_, err := w.db.Commit(ctx, tick(), b, func(s Situation) Decision { cancel(); return decide(false)(s) })
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("a stopped commit gave %v", err)
				}
			},
			"read, and lose power while deciding": func(t *rapid.T) {
				b, _ := w.batch(t)
				var left string
				if _, err := w.db.Commit(context.Background(), tick(), b, func(s Situation) Decision { left = w.snapshot(); return decide(false)(s) }); err != nil {
					t.Fatal(err)
				}
				w.close()
				w.open(left)
			},
			"read, and lose power before the answer": func(t *rapid.T) {
				b, _ := w.batch(t)
				if _, err := w.db.Commit(context.Background(), tick(), b, decide(false)); err != nil {
					t.Fatal(err)
				}
				left := w.snapshot()
				w.close()
				w.open(left)
			},
			"read again what was read": func(t *rapid.T) {
				if len(w.contents) == 0 {
					t.Skip("nothing there")
				}
				before, err := w.db.Position(context.Background(), "bounces")
				if err != nil {
					t.Fatal(err)
				}
				if before.UIDValidity != w.validity {
					t.Skip("nothing read")
				}
				uid := rapid.IntRange(1, len(w.contents)).Draw(t, "uid")
				if uid > int(before.UID) {
					t.Skip("not read yet")
				}
				b := Batch{Mails: []Mail{w.mail(uid)}, Read: map[string]probes.Position{"bounces": {UIDValidity: w.validity, UID: uint32(uid)}}, Window: time.Hour}
				if _, err := w.db.Commit(context.Background(), tick(), b, decide(false)); err != nil {
					t.Fatal(err)
				}
				if after, err := w.db.Position(context.Background(), "bounces"); err != nil || after != before {
					t.Fatalf("position went from %v to %v, %v", before, after, err)
				}
			},
			"": func(t *rapid.T) { w.check(t, false) },
		})
		for left := 1; left > 0; {
			var b Batch
			b, left = w.batch(t)
			if _, err := w.db.Commit(context.Background(), tick(), b, decide(false)); err != nil {
				t.Fatal(err)
			}
		}
		w.check(t, true)
	})
}

// check compares what is stored with the truth; all says that everything was read.
func (w *world) check(t *rapid.T, all bool) {
	ctx := context.Background()
	number := func(query string) (n int) {
		if err := w.db.read.QueryRowContext(ctx, query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	mails, bounces, counted, unparsed := 0, 0, 0, 0
	for _, c := range w.truth {
		mails++
		bounces += len(c.recipients)
		if c.proved {
			counted += len(c.recipients)
		}
		if c.kind == bounce.KindUnparsed {
			unparsed++
		}
	}
	for what, c := range map[string]struct{ got, want int }{
		"mails":    {number("SELECT count(*) FROM mails"), mails},
		"bounces":  {number("SELECT count(*) FROM bounces"), bounces},
		"counted":  {number("SELECT count(*) FROM bounces WHERE counted"), counted},
		"unparsed": {number("SELECT count(*) FROM mails WHERE kind = 'unparsed'"), unparsed},
	} {
		if c.got > c.want || all && c.got != c.want {
			t.Fatalf("%d %s are stored, the truth is %d (all read: %v)", c.got, what, c.want, all)
		}
	}
	// The messages of each incident: opened and ended by turns.
	for id := range number("SELECT coalesce(max(id), 0) FROM incidents") {
		h, err := w.db.Incident(ctx, int64(id+1))
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range h.Deliveries {
			if want := []alerts.ChangeKind{alerts.Opened, alerts.Ended}[i%2]; s.Kind != want {
				t.Fatalf("message %d of incident %d is %s, want %s", i, id+1, s.Kind, want)
			}
		}
		if open := len(h.Deliveries)%2 == 1; open != (h.Incident.State == alerts.Open) {
			t.Fatalf("incident %d is %s after %d messages", id+1, h.Incident.State, len(h.Deliveries))
		}
	}
}
