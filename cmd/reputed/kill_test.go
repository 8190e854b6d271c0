package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"reputed/internal/lab"
	"reputed/internal/reliability"
	"reputed/internal/store"
	"reputed/probes"
	"reputed/probes/probestest"
)

// killings is how often each story of TestKilledDaemonCountsEveryMailOnce kills the daemon.
const killings = 100

// TestKilledDaemonCountsEveryMailOnce kills the real program, as a process, at
// random moments while it reads a mailbox: in the middle of a mail, before and after a
// commit, while mails are moved. In the end each mail counts once. It is invariant 4 with
// nothing left out.
func TestKilledDaemonCountsEveryMailOnce(t *testing.T) {
	times := killings
	if testing.Short() {
		times = 4
	}
	for name, c := range map[string]struct {
		after    string
		renumber int // after so many deaths the server numbers the folder anew
		left     func(total int) (inbox, done int)
	}{
		"kept in a folder that is renumbered": {"keep", 10, func(total int) (int, int) { return total, 0 }},
		"moved away":                          {"move:Done", 0, func(total int) (int, int) { return 0, total }},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t, c.after)
			for n := 1; n <= times; n++ {
				mails := 1 + rand.IntN(20)
				bytes := int64(0)
				for range mails {
					bytes += int64(v.arrive())
				}
				if c.renumber > 0 && n%c.renumber == 0 {
					v.imap.Recreate()
				}
				// What has just come was never read, so at least so much is sent.
				here := v.imap.Sent(rand.Int64N(bytes))
				daemon := v.start()
				select {
				case <-here:
				case err := <-daemon.ended:
					t.Fatalf("life %d: the daemon ended by itself, %v:\n%s", n, err, v.log)
				case <-time.After(time.Minute):
					t.Fatalf("life %d: the daemon reads nothing", n)
				}
				// Not always in the middle of a mail: a commit and what follows it come later.
				<-time.After(time.Duration(rand.IntN(20_000)) * time.Microsecond * time.Duration(rand.IntN(2)))
				_ = daemon.Process.Kill()
				<-daemon.ended
			}
			v.arrive() // so that the last life has something to do
			daemon := v.start()
			inbox, done := c.left(v.mails)
			v.await(func() bool {
				return v.bounces() >= v.mails && len(v.imap.Flags()) == inbox && len(v.imap.FlagsIn("Done")) == done
			})
			if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := <-daemon.ended; err != nil {
				t.Errorf("told to stop: %v\n%s", err, v.log)
			}
			lost, twice := v.check(inbox, done)
			reliability.Record(t, reliability.Row{Area: reliability.Process, Fault: "kill -9 while a mailbox is read, " + name, Tries: times, Unit: "kills",
				Promised: "each mail counts once", Seen: fmt.Sprintf("%d lost, %d counted twice", lost, twice)})
		})
	}
}

// victim is a daemon that is killed, and the mailbox that it reads.
type victim struct {
	t     *testing.T
	imap  *probestest.IMAP
	dir   string
	log   *bytes.Buffer // of the last life
	mails int
}

func newVictim(t *testing.T, after string, more ...string) *victim {
	t.Helper()
	v := &victim{t: t, dir: t.TempDir(), log: &bytes.Buffer{}}
	var err error
	v.imap, err = probestest.StartIMAP(probestest.IMAPOptions{Folders: []string{"Done"}, Capabilities: []string{"MOVE", "UIDPLUS"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.imap.Close)
	dns, err := probestest.NewDNS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dns.Close() })
	text := fmt.Sprintf(`
[dns]
servers = [%q]
[blocklists]
builtin = false
[[blocklists.list]]
id = "own"
zone = "bl.example.net"
[[outbound]]
addresses = [%q]
domains = [%q]
hosts = { %q = %q }
[[mailbox]]
server = %q
tls = "none"
user = %q
password = "env:KILL_TEST_PASSWORD"
after = %q
[database]
path = "reputed.db"
`, dns.Addr(), lab.OurAddress, lab.OurDomain, lab.OurHost, lab.OurAddress, v.imap.Addr(), lab.MailboxUser, after) + strings.Join(more, "")
	if err := os.WriteFile(filepath.Join(v.dir, "reputed.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return v
}

// life is one process of the daemon.
type life struct {
	*exec.Cmd
	ended chan error
}

// start starts a life of the daemon.
func (v *victim) start() life {
	v.t.Helper()
	v.log.Reset()
	daemon := exec.Command("reputed", "run", "--config", filepath.Join(v.dir, "reputed.toml")) // this binary, see TestMain
	daemon.Env = append(os.Environ(), "KILL_TEST_PASSWORD="+lab.MailboxPassword)
	daemon.Stderr = v.log
	if err := daemon.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { _ = daemon.Process.Kill() }) // if the test ends before it
	l := life{daemon, make(chan error, 1)}
	go func() { l.ended <- daemon.Wait() }()
	return l
}

// arrive puts the next mail into the mailbox and gives its size.
func (v *victim) arrive() int {
	v.mails++
	now := time.Now()
	raw := lab.CiscoRefusal(now, fmt.Sprintf("4Kill%06d", v.mails), fmt.Sprintf("kim%d@example.net", v.mails))
	v.imap.Append(raw, now)
	return len(raw)
}

// bounces is how many there are in the database, 0 if it cannot be read now.
func (v *victim) bounces() int {
	db, err := store.OpenReadOnly(v.t.Context(), filepath.Join(v.dir, "reputed.db"))
	if err != nil {
		return 0
	}
	defer db.Close()
	all, _ := db.Bounces(v.t.Context(), store.BounceFilter{Limit: -1})
	return len(all)
}

// await waits until ok holds.
func (v *victim) await(ok func() bool) {
	v.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(time.Minute); ; {
		select {
		case <-tick.C:
			if ok() {
				return
			}
		case <-end:
			v.t.Fatalf("after a minute %d of %d bounces are stored, %d mails are in INBOX, %d in Done:\n%s", v.bounces(), v.mails, len(v.imap.Flags()), len(v.imap.FlagsIn("Done")), v.log)
		}
	}
}

// check looks at what is left when all is done.
func (v *victim) check(inbox, done int) (lost, twice int) {
	v.t.Helper()
	ctx := v.t.Context()
	db, err := store.OpenReadOnly(ctx, filepath.Join(v.dir, "reputed.db"))
	if err != nil {
		v.t.Fatal(err)
	}
	defer db.Close()
	all, err := db.Bounces(ctx, store.BounceFilter{Limit: -1})
	if err != nil {
		v.t.Fatal(err)
	}
	mails := map[string]int{}
	for _, b := range all {
		mails[b.RecipientHash]++ // each mail is about a recipient of its own
	}
	for _, n := range mails {
		if n != 1 {
			twice++
			v.t.Errorf("a mail is there %d times", n)
		}
	}
	counted, err := db.Bounces(ctx, store.BounceFilter{Limit: -1, Counted: true})
	if len(mails) != v.mails || len(counted) != v.mails || err != nil {
		v.t.Errorf("%d mails are stored and %d count, %v; %d arrived", len(mails), len(counted), err, v.mails)
	}
	if in, moved := len(v.imap.Flags()), len(v.imap.FlagsIn("Done")); in != inbox || moved != done {
		v.t.Errorf("%d mails are in INBOX and %d in Done, want %d and %d", in, moved, inbox, done)
	}
	position, err := db.Position(ctx, "bounces")
	if err != nil || position == (probes.Position{}) {
		v.t.Errorf("position %v, %v", position, err)
	}
	if due, err := db.Unsettled(ctx, "bounces", position.UIDValidity, 0); err != nil || len(due) > 0 {
		v.t.Errorf("%d mails are still to be settled, %v", len(due), err)
	}
	return v.mails - len(mails), twice
}
