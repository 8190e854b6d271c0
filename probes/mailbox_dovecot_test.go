package probes

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"reputed/probes/probestest"
)

// dovecot is a Dovecot 2.3 or 2.4 of its own in a temporary directory, with one user
// whose INBOX is a maildir, on a port of the loopback with TLS from the start.
type dovecot struct {
	addr  string
	roots *x509.CertPool
	home  string
	uid   int
	gid   int
	mails int
}

// skipServer skips the test, or fails it where nothing may be skipped.
func skipServer(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI=true allows no skip: %s", reason)
	}
	t.Skip(reason)
}

func startDovecot(t *testing.T) *dovecot { return startDovecotWith(t, "plain", "") }

// startDovecotWith has other SASL mechanisms, and asks at an address about access
// tokens (RFC 7662), if it is not empty.
func startDovecotWith(t *testing.T, mechanisms, introspection string) *dovecot {
	t.Helper()
	binary, err := exec.LookPath("dovecot")
	if err != nil {
		binary = "/usr/sbin/dovecot" // not in everybody's PATH
	}
	version, err := exec.Command(binary, "--version").Output()
	if err != nil {
		skipServer(t, "no dovecot here: apt-get install dovecot-imapd")
	}
	conf, ok := dovecotConf(string(version))
	if !ok {
		skipServer(t, "the configuration of this test is for dovecot 2.3 and 2.4, here is "+strings.TrimSpace(string(version)))
	}
	// Of its own and not t.TempDir: unix socket paths must be short, and what
	// Dovecot runs as must be able to pass through.
	dir, err := os.MkdirTemp("", "dovecot")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(dir, 0o755))

	// As anyone but root, Dovecot runs all its parts as that user. As root it
	// insists on other users for login and mail; the package makes them.
	d := &dovecot{home: filepath.Join(dir, "home"), uid: os.Getuid(), gid: os.Getgid(), roots: x509.NewCertPool()}
	me, err := user.Current()
	must(err)
	group, err := user.LookupGroupId(me.Gid)
	must(err)
	internal, login, internalGroup := me.Username, me.Username, group.Name
	if os.Getuid() == 0 {
		internal, login, internalGroup = "dovecot", "dovenull", "dovecot"
		other, err := user.Lookup(internal)
		must(err)
		d.uid, _ = strconv.Atoi(other.Uid)
		d.gid, _ = strconv.Atoi(other.Gid)
	}
	for _, sub := range []string{"cur", "new", "tmp"} {
		must(os.MkdirAll(filepath.Join(d.home, "Maildir", sub), 0o755))
	}
	must(filepath.WalkDir(d.home, func(p string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Chown(p, d.uid, d.gid)
		}
		return err
	}))

	cert, certPEM, err := probestest.LoopbackCertificate(time.Now())
	must(err)
	d.roots.AppendCertsFromPEM(certPEM)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	must(err)
	must(os.WriteFile(filepath.Join(dir, "cert.pem"), certPEM, 0o644))
	must(os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o644))
	must(os.WriteFile(filepath.Join(dir, "passwd"), fmt.Appendf(nil, "%s:{PLAIN}%s:%d:%d::%s::\n", mailUser, mailPassword, d.uid, d.gid, d.home), 0o644))

	// The port is free now, and may be taken until Dovecot listens: try again.
	for try := 1; ; try++ {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		must(err)
		d.addr = ln.Addr().String()
		port := ln.Addr().(*net.TCPAddr).Port
		ln.Close()
		must(os.WriteFile(filepath.Join(dir, "dovecot.conf"), conf(dovecotSettings{
			Dir: dir, User: internal, Group: internalGroup, Login: login, Port: port, Mechanisms: mechanisms, Introspection: introspection,
		}), 0o644))
		must(os.WriteFile(filepath.Join(dir, "oauth2.conf"), fmt.Appendf(nil, "introspection_url = %s\nintrospection_mode = get\n"+
			"username_attribute = username\nactive_attribute = active\nactive_value = true\n", introspection), 0o644)) // of 2.3 only
		if err := d.run(t, binary, dir); err == nil {
			return d
		} else if try == 3 {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("dovecot: %v\n%s", err, log)
		}
	}
}

// run starts Dovecot and waits until it answers.
func (d *dovecot) run(t *testing.T, binary, dir string) error {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(binary, "-F", "-c", filepath.Join(dir, "dovecot.conf"))
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := func() {
		_ = cmd.Process.Signal(os.Interrupt) // it takes its children along
		<-ended
	}
	deadline := time.After(30 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp", d.addr, time.Second)
		if err == nil {
			conn.Close()
			t.Cleanup(stop)
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("%v: %s", err, stderr.String())
		case <-deadline:
			stop()
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// deliver puts the next mail into the maildir, as a delivery agent does.
func (d *dovecot) deliver(t *testing.T) {
	t.Helper()
	d.mails++
	name := fmt.Sprintf("%d.M%dP1.mx.example.org", mailTime.Unix()+int64(d.mails), d.mails)
	tmp := filepath.Join(d.home, "Maildir", "tmp", name)
	err := os.WriteFile(tmp, testMail(d.mails), 0o644)
	if err == nil {
		err = os.Chown(tmp, d.uid, d.gid)
	}
	if err == nil {
		err = os.Chtimes(tmp, mailTime, mailTime)
	}
	if err == nil {
		err = os.Rename(tmp, filepath.Join(d.home, "Maildir", "new", name))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// renumber gives the folder another UIDVALIDITY, as a restored backup has.
// Dovecot takes the second of the day for a new one, so a test is too fast to
// leave it to choose.
func (d *dovecot) renumber(t *testing.T) {
	t.Helper()
	list := filepath.Join(d.home, "Maildir", "dovecot-uidlist")
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), "\n") // "3 V1795628760 N34 G..."
	fields := strings.Fields(head)
	if len(fields) < 2 || fields[1][0] != 'V' {
		t.Fatalf("%s begins with %q", list, head)
	}
	fields[1] = "V77"
	if err := os.WriteFile(list, []byte(strings.Join(fields, " ")+"\n"+rest), 0o644); err != nil {
		t.Fatal(err)
	}
	indexes, err := filepath.Glob(filepath.Join(d.home, "Maildir", "dovecot.index*"))
	if err != nil || len(indexes) == 0 {
		t.Fatalf("no index files: %v", err)
	}
	for _, f := range indexes {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
}

// flagged gives the mails with flags: a maildir keeps them in the file name.
func (d *dovecot) flagged(t *testing.T) (names []string) {
	t.Helper()
	found := 0
	for _, sub := range []string{"cur", "new"} {
		files, err := os.ReadDir(filepath.Join(d.home, "Maildir", sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			found++
			if _, flags, _ := strings.Cut(f.Name(), ":2,"); flags != "" {
				names = append(names, f.Name())
			}
		}
	}
	if found != d.mails {
		t.Errorf("%d mails in the maildir, want %d", found, d.mails)
	}
	return names
}

func TestMailboxReadsFromDovecot(t *testing.T) {
	d := startDovecot(t)
	opts := MailboxOptions{
		Name: "bounces", Server: d.addr, RootCAs: d.roots, User: mailUser, Password: func() string { return mailPassword },
		Poll: time.Hour, IdleRenew: 50 * time.Millisecond, RetryMin: time.Millisecond, RetryMax: 2 * time.Millisecond, BatchMessages: 7,
	}
	m := newMailbox(t, opts)

	wrong := opts
	wrong.Password = func() string { return "guess" }
	err := newMailbox(t, wrong).Once(t.Context(), Position{}, newStore().handle)
	if err == nil || !strings.Contains(err.Error(), ErrLogin.Error()) {
		t.Errorf("with a wrong password: %v, want ErrLogin", err)
	}
	wrong = opts
	wrong.Folder = "Bounces"
	err = newMailbox(t, wrong).Once(t.Context(), Position{}, newStore().handle)
	if err == nil || !strings.Contains(err.Error(), ErrFolder.Error()) {
		t.Errorf("with a folder that is missing: %v, want ErrFolder", err)
	}

	for range 30 {
		d.deliver(t)
	}
	s := newStore()
	w := watch(t, m, Position{}, s)
	w.read(t, 30)
	for range 3 { // Poll is an hour: these are told by IDLE
		d.deliver(t)
		w.read(t, uint32(d.mails))
	}
	_ = w.stop()
	check := func(got []Message) {
		t.Helper()
		for i := range got {
			got[i].UIDValidity = 1 // Dovecot takes the second of the day
		}
		wantMails(t, got, d.mails)
	}
	check(s.all())

	// The process that served the last session may outlive it, and write down what it knew.
	again := newStore()
	for end := time.Now().Add(30 * time.Second); again.pos.UIDValidity != 77 && time.Now().Before(end); {
		d.renumber(t)
		if err := m.Once(context.Background(), s.pos, again.handle); err != nil {
			t.Fatal(err)
		}
	}
	check(again.all())
	if again.pos.UIDValidity != 77 {
		t.Errorf("position %v, want UIDVALIDITY 77", again.pos)
	}
	if names := d.flagged(t); len(names) > 0 {
		t.Errorf("mails have flags now: %q", names)
	}
}
