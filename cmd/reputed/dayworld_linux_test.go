package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"reputed/internal/store"
	"reputed/probes/probestest"
	"reputed/probes/serverstest"
)

// The network of the day has the addresses that the documentation is written with. It is a network namespace without a
// way out, so that they are real ones there, and servers can have the ports that they have in life.
const (
	dayOurs     = "192.0.2.10"   // what our Postfix sends from
	daySpare    = "192.0.2.11"   // another address of ours, that sends nothing
	dayCisco    = "198.51.100.7" // receives for example.net, and refuses at the greeting
	dayPlain    = "198.51.100.8" // receives for example.com, and asks SpamCop at RCPT
	dayPage     = "127.0.0.1:8025"
	dayPassword = "correct horse battery staple"

	spamCopZone, psblZone, partnerZone, namesZone = "bl.spamcop.net", "psbl.surriel.com", "bl.example.edu", "dbl.example.edu"
)

// dayWorld is everything around the daemon: real servers, and doubles of what is not ours.
type dayWorld struct {
	t       *testing.T
	dir     string
	lists   *probestest.DNS
	unbound *serverstest.Unbound
	postfix *serverstest.Postfix
	dovecot *serverstest.Dovecot
	cisco   *probestest.SMTP
	plain   *probestest.SMTP
	chat    *dayChat

	refusing bool           // receivers refuse
	good     map[string]int // mails that our Postfix was given for receivers that took mail then, by domain
	bad      int            // and for those that refused

	log    *lockedBuffer // of the daemon, all lives
	daemon life
}

func newDayWorld(t *testing.T) *dayWorld {
	w := &dayWorld{t: t, dir: t.TempDir(), log: &lockedBuffer{}, good: map[string]int{}}
	for _, words := range []string{"link set lo up", "addr add " + dayOurs + "/32 dev lo", "addr add " + daySpare + "/32 dev lo",
		"addr add " + dayCisco + "/32 dev lo", "addr add " + dayPlain + "/32 dev lo"} {
		if out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput(); err != nil {
			serverstest.Skip(t, fmt.Sprintf("no network of its own: ip %s: %v: %s (apt-get install iproute2)", words, err, out))
		}
	}
	second := probestest.Zone{TTL: time.Second, Minimum: time.Second, Authoritative: true}
	var zones []probestest.Zone
	for _, name := range []string{spamCopZone, psblZone, partnerZone, namesZone} {
		z := second
		z.Name = name
		zones = append(zones, z)
	}
	w.lists = probestest.StartDNS(t, zones...)
	w.unbound = serverstest.StartUnbound(t, serverstest.UnboundOptions{Addr: netip.MustParseAddrPort("127.0.0.1:53"), Server: w.lists.Addr(),
		Stubs: []string{spamCopZone, psblZone, partnerZone, namesZone}, Options: "  cache-max-negative-ttl: 1\n"})
	w.dovecot = serverstest.StartDovecot(t, serverstest.DovecotOptions{User: "bounces@example.org", Password: dayPassword})
	receiver := func(address string) *probestest.SMTP {
		s, err := probestest.StartSMTP(probestest.SMTPOptions{Address: address, Takes: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	w.cisco, w.plain = receiver(dayCisco), receiver(dayPlain)
	w.postfix = serverstest.StartPostfix(t, fmt.Sprintf(dayMain, w.dovecot.Home, w.dovecot.UID, w.dovecot.GID), dayMaster, map[string]string{
		"transport": fmt.Sprintf("example.net smtp:[%s]:%d\nexample.com smtp:[%s]:%d\n", dayCisco, w.cisco.Addr().Port(), dayPlain, w.plain.Addr().Port())})
	w.chat = newDayChat(t)
	w.configure("24h")
	t.Cleanup(func() {
		if t.Failed() {
			w.show()
		}
	})
	return w
}

// configure writes the configuration of the daemon, as its operator would.
func (w *dayWorld) configure(quiet string, more ...string) {
	w.t.Helper()
	text := fmt.Sprintf(dayConfig, w.cisco.Addr(), w.plain.Addr(), w.dovecot.Addr, w.dovecot.CertFile, w.postfix.Log, quiet) + strings.Join(more, "")
	w.write("reputed.toml", text)
}

func (w *dayWorld) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// start begins a life of the daemon: the real program, as a process.
func (w *dayWorld) start() {
	w.t.Helper()
	daemon := exec.Command("reputed", "run", "--config", filepath.Join(w.dir, "reputed.toml")) // this binary, see TestMain
	daemon.Env = append(os.Environ(), "DAY_PASSWORD="+dayPassword, "DAY_CHAT="+w.chat.URL)
	daemon.Stderr = w.log
	if err := daemon.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.daemon = life{daemon, make(chan error, 1)}
	l := w.daemon
	go func() { l.ended <- l.Wait() }()
	w.t.Cleanup(func() { _ = l.Process.Kill() }) // if the test ends before it
}

func (w *dayWorld) signal(s syscall.Signal) {
	w.t.Helper()
	if err := w.daemon.Process.Signal(s); err != nil {
		w.t.Fatal(err)
	}
}

// reputed runs a command line, and gives its exit code and output.
func (w *dayWorld) reputed(words ...string) (code int, out []byte) {
	w.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("reputed", append(words, "--config", filepath.Join(w.dir, "reputed.toml"))...)
	cmd.Env = append(os.Environ(), "DAY_PASSWORD="+dayPassword, "DAY_CHAT="+w.chat.URL)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		w.t.Fatal(err)
	}
	if stdout.Len() == 0 && stderr.Len() > 0 {
		w.t.Logf("reputed %s: %s", strings.Join(words, " "), stderr.Bytes())
	}
	return cmd.ProcessState.ExitCode(), stdout.Bytes()
}

// submit gives mails to our Postfix, over SMTP, and does not wait for what becomes of them.
func (w *dayWorld) submit(domain string, mails int) {
	w.t.Helper()
	for range mails {
		if w.refusing {
			w.bad++
		} else {
			w.good[domain]++
		}
		n := w.submitted()
		to := fmt.Sprintf("kim%d@%s", n, domain)
		text := fmt.Sprintf("From: News <news@example.org>\r\nTo: <%s>\r\nSubject: Your invoice\r\nMessage-ID: <invoice.%d@example.org>\r\nDate: %s\r\n\r\nHello\r\n",
			to, n, time.Now().Format(time.RFC1123Z))
		if err := dayMail("news@example.org", to, text); err != nil {
			w.t.Fatalf("our Postfix does not take a mail: %v", err)
		}
	}
}

// dayMail hands one mail over, within half a minute.
func dayMail(from, to, text string) (err error) {
	conn, err := net.DialTimeout("tcp", dayOurs+":25", 30*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	c, err := smtp.NewClient(conn, "mx1.example.org")
	if err != nil {
		return err
	}
	if err := errors.Join(c.Mail(from), c.Rcpt(to)); err != nil {
		return err
	}
	body, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(body, text); err != nil {
		return err
	}
	return errors.Join(body.Close(), c.Quit())
}

func (w *dayWorld) submitted() int { return w.good["example.net"] + w.good["example.com"] + w.bad }

// refuse lets the receivers refuse from now on, each in its way, or take mail again. What was submitted before must be done with.
func (w *dayWorld) refuse(yes bool) {
	w.refusing = yes
	set := func(s *probestest.SMTP, m probestest.SMTPMode) {
		s.Set(func(o *probestest.SMTPOptions) {
			o.Mode = probestest.SMTPAccept
			if yes {
				o.Mode = m
			}
		})
	}
	set(w.cisco, probestest.SMTPRefuse)
	set(w.plain, probestest.SMTPListed)
}

// read looks into the database beside the daemon. An error is one more reason to wait.
func (w *dayWorld) read(look func(db *store.DB) error) error {
	db, err := store.OpenReadOnly(w.t.Context(), filepath.Join(w.dir, "reputed.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	return look(db)
}

// await waits until a look finds nothing wrong.
func (w *dayWorld) await(what string, look func() error) {
	w.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(time.Minute); ; {
		err := look()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case err := <-w.daemon.ended:
			w.t.Fatalf("%s: the daemon ended by itself: %v", what, err)
		case <-end:
			w.t.Fatalf("%s: after a minute: %v", what, err)
		}
	}
}

func (w *dayWorld) awaitDB(what string, look func(db *store.DB) error) {
	w.t.Helper()
	w.await(what, func() error { return w.read(look) })
}

// show is what one needs to see when the day went wrong.
func (w *dayWorld) show() {
	w.t.Logf("the daemon's log:\n%s", w.log.String())
	for _, path := range []string{w.postfix.Log, w.unbound.Log} {
		text, _ := os.ReadFile(path)
		w.t.Logf("%s:\n%s", filepath.Base(path), text)
	}
	for _, p := range w.chat.posts() {
		w.t.Logf("told: %s %d %q", p.Kind, p.Incident.ID, p.Title)
	}
}

// get asks the page for something.
func (w *dayWorld) get(path string) (status int, body string) {
	w.t.Helper()
	resp, err := http.Get("http://" + dayPage + path)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(b)
}
