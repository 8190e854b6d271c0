//go:build unix

package serverstest

import (
	"cmp"
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

// Dovecot is a Dovecot 2.3 or 2.4 with one user whose INBOX is a maildir, on a port of the loopback with TLS from the start.
type Dovecot struct {
	Addr     string
	Roots    *x509.CertPool
	CertFile string // the same, for a configuration
	Home     string // of the user; Maildir is below
	UID, GID int    // owner of Home

	t   testing.TB
	dir string
	run *process
}

// DovecotOptions say who can log in to a [Dovecot], and how.
type DovecotOptions struct {
	User, Password string
	Mechanisms     string // of SASL; default plain
	Introspection  string // URL at which it asks about access tokens (RFC 7662); empty: it accepts none
}

// StartDovecot starts a Dovecot, and stops it when the test ends.
func StartDovecot(t testing.TB, o DovecotOptions) *Dovecot {
	t.Helper()
	version, err := exec.Command(find("dovecot"), "--version").Output()
	if err != nil {
		Skip(t, "no dovecot here: apt-get install dovecot-imapd")
	}
	conf, ok := dovecotConf(string(version))
	if !ok {
		Skip(t, "the configuration of this test is for dovecot 2.3 and 2.4, here is "+strings.TrimSpace(string(version)))
	}
	dir := folder(t, "dovecot")

	d := &Dovecot{Home: filepath.Join(dir, "home"), CertFile: filepath.Join(dir, "cert.pem"), Roots: x509.NewCertPool(), t: t, dir: dir}
	settings := dovecotSettings{Dir: dir, Mechanisms: cmp.Or(o.Mechanisms, "plain"), Introspection: o.Introspection}
	d.users(&settings)
	for _, sub := range []string{"cur", "new", "tmp"} {
		must(t, os.MkdirAll(filepath.Join(d.Home, "Maildir", sub), 0o755))
	}
	must(t, filepath.WalkDir(d.Home, func(p string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Chown(p, d.UID, d.GID)
		}
		return err
	}))

	cert, certPEM, err := probestest.LoopbackCertificate(time.Now())
	must(t, err)
	d.Roots.AppendCertsFromPEM(certPEM)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	must(t, err)
	must(t, os.WriteFile(d.CertFile, certPEM, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "passwd"), fmt.Appendf(nil, "%s:{PLAIN}%s:%d:%d::%s::\n", o.User, o.Password, d.UID, d.GID, d.Home), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "oauth2.conf"), fmt.Appendf(nil, "introspection_url = %s\nintrospection_mode = get\n"+
		"username_attribute = username\nactive_attribute = active\nactive_value = true\n", o.Introspection), 0o644)) // of 2.3 only
	for try := 1; ; try++ {
		settings.Port = FreePort(t, "127.0.0.1")
		d.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(settings.Port))
		must(t, os.WriteFile(filepath.Join(dir, "dovecot.conf"), conf(settings), 0o644))
		if err = d.start(); err == nil {
			t.Cleanup(d.Stop)
			return d
		} else if try == 3 {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("dovecot: %v\n%s", err, log)
		}
	}
}

// users sets the users that Dovecot runs as. As anyone but root it runs all its parts as that
// user. As root it insists on other users for login and mail, which its package creates.
func (d *Dovecot) users(s *dovecotSettings) {
	d.t.Helper()
	owner, err := user.Current()
	must(d.t, err)
	group, err := user.LookupGroupId(owner.Gid)
	must(d.t, err)
	s.User, s.Login, s.Group = owner.Username, owner.Username, group.Name
	if os.Getuid() == 0 {
		s.User, s.Login, s.Group = "dovecot", "dovenull", "dovecot"
		owner, err = user.Lookup(s.User)
		must(d.t, err)
	}
	d.UID, _ = strconv.Atoi(owner.Uid)
	d.GID, _ = strconv.Atoi(owner.Gid)
}

func (d *Dovecot) start() (err error) {
	d.run, err = launch(d.Addr, find("dovecot"), "-F", "-c", filepath.Join(d.dir, "dovecot.conf"))
	return err
}

// Start starts it again on the same port after [Dovecot.Stop].
func (d *Dovecot) Start() {
	d.t.Helper()
	must(d.t, d.start())
}

// Stop ends it with all its sessions. Stopping twice does no harm.
func (d *Dovecot) Stop() {
	if d.run != nil {
		d.run.stop()
		d.run = nil
	}
}

// Mails returns how many mails the INBOX has, read or not.
func (d *Dovecot) Mails() (n int) {
	d.t.Helper()
	for _, sub := range []string{"cur", "new"} {
		files, err := os.ReadDir(filepath.Join(d.Home, "Maildir", sub))
		must(d.t, err)
		n += len(files)
	}
	return n
}
