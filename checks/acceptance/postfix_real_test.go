package acceptance

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
	"reputed/probes/serverstest"
)

// postfix is a real Postfix on the loopback with several servers, each on a port of its own.
type postfix struct {
	strict, open, dull uint16 // relays for nobody; for us, whom it should not know; takes every mailbox of its domain
	root               *x509.Certificate
}

// startPostfix starts it in a folder of its own. It refuses 127.0.0.2 at the greeting as a Postfix that asks a list
// does, and trusts nobody.
func startPostfix(t *testing.T) postfix {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	cert, root, err := probestest.CertificateFor(now.Add(-time.Hour), now.Add(10*24*time.Hour), "mx1.example.org")
	must(err)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	must(err)
	chain := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})...)
	tls := filepath.Join(t.TempDir(), "tls.pem")
	must(os.WriteFile(tls, chain, 0o600))
	ports := freePorts(t, 3)
	p := postfix{ports[0], ports[1], ports[2], root}
	server := serverstest.StartPostfix(t, fmt.Sprintf(postfixMain, tls), fmt.Sprintf(postfixMaster, p.strict, p.open, p.dull), map[string]string{
		"clients": "127.0.0.2 554 5.7.1 Service unavailable; Client host [127.0.0.2] blocked using zen.spamhaus.org\n",
		"people":  "postmaster x\nkim x\n",
	})
	t.Cleanup(func() {
		if log, err := os.ReadFile(server.Log); err == nil {
			if t.Failed() {
				t.Logf("its log:\n%s", log)
			}
			// A message that was handed over would have a queue id.
			if strings.Contains(string(log), "/qmgr[") && strings.Contains(string(log), "queue active") {
				t.Error("it was handed a message")
			}
		}
	})
	return p
}

// freePorts are ports that nobody has now: Postfix cannot choose one by itself.
func freePorts(t *testing.T, n int) (ports []uint16) {
	t.Helper()
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close() // together, so that none is given twice
		ports = append(ports, ln.Addr().(*net.TCPAddr).AddrPort().Port())
	}
	return ports
}

const postfixMain = `mydestination = example.org
local_recipient_maps = texthash:{dir}/conf/people
inet_interfaces = loopback-only
mynetworks = 192.0.2.0/24
smtpd_delay_reject = no
smtpd_client_restrictions = check_client_access texthash:{dir}/conf/clients
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_tls_security_level = may
smtpd_tls_chain_files = %s
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
`

const postfixMaster = `127.0.0.1:%d inet n - n - - smtpd
127.0.0.1:%d inet n - n - - smtpd
  -o mynetworks=127.0.0.0/8
127.0.0.1:%d inet n - n - - smtpd
  -o local_recipient_maps=
local unix - n n - - local
`

// TestRealPostfix: what a real server says to the front door and to who asks it for a relay.
func TestRealPostfix(t *testing.T) {
	p := startPostfix(t)
	// It says no at once to an address that it refuses, and greets another.
	door := Destination{Domain: "example.org", Hosts: []Host{{"127.0.0.1", p.strict}}}
	agreed := door
	agreed.Agreed = true
	all := hastily(t).Run(t.Context(), []Destination{door, agreed}, []Origin{origin(t, "192.0.2.10", "127.0.0.2"), origin(t, "192.0.2.11", "127.0.0.3")})
	for i, want := range []Outcome{Refused, Accepted, Refused, Accepted} {
		if k := all[i]; k.Outcome != want {
			t.Errorf("%s at the door: %s (%s), want %s", k.Origin, k.Outcome, k.Reason, want)
		}
	}
	if k := all[0]; k.Judgement.Blocklist != "spamhaus-zen" || k.Diagnostic.Stage != "greeting" {
		t.Errorf("refused at %q, judged %+v", k.Diagnostic.Stage, k.Judgement)
	}
	if v, _ := all[3].Last(); v.TLS == nil || len(v.Asked) != 1 || !v.Asked[0].Rcpts[0].Positive() {
		t.Errorf("postmaster was not asked for inside TLS: %+v", v)
	}

	roots := x509.NewCertPool()
	roots.AddCert(p.root)
	visitor, err := probes.NewReceiver(probes.ReceiverOptions{Helo: "monitor.example.org", From: netip.MustParseAddr("127.0.0.3"), Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		port   uint16
		status checks.Status
		words  string
	}{
		"relays for nobody":    {p.strict, checks.OK, "relays for no stranger"},
		"relays for everybody": {p.open, checks.Problem, "takes mail of strangers"},
		"takes every mailbox":  {p.dull, checks.OK, "relays for no stranger"},
	} {
		own := Own{Host: "mx1.example.org", Port: c.port, StartTLS: true, Relay: true, Postmaster: true, Domains: []string{"example.org"}, Visitor: visitor}
		v := Look(t.Context(), loopback, own, "example.com")
		f := found(v.Findings(time.Now()))
		if got := f["relay"]; got.Status != c.status || !strings.Contains(got.Summary, c.words) {
			t.Errorf("%s: %s %q\n%+v", name, got.Status, got.Summary, v.Forms)
		}
		if got := f["certificate"]; got.Code != checks.CodeCertificate || got.Severity != checks.Minor { // it ends in ten days
			t.Errorf("%s: certificate %s %q", name, got.Status, got.Summary)
		}
		if got := f["starttls"]; got.Status != checks.OK {
			t.Errorf("%s: STARTTLS %s %q", name, got.Status, got.Summary)
		}
		if got := f["mailbox"]; got.Code != checks.CodeNoRole && c.port != p.dull { // there is no abuse
			t.Errorf("%s: mailboxes %s %q", name, got.Status, got.Summary)
		}
	}
}
