package wiring

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"reputed/checks/acceptance"
	"reputed/checks/identity"
	"reputed/probes"
	"reputed/probes/probestest"
)

// What only our own mail servers can show is asked of them, and of nobody else.
func TestIdentityLooksAtOurOwnServers(t *testing.T) {
	now := time.Now()
	cert, root, err := probestest.CertificateFor(now.Add(-time.Hour), now.Add(90*24*time.Hour), "mx1.example.org")
	if err != nil {
		t.Fatal(err)
	}
	s := probestest.StartDoor(t, probestest.SMTPOptions{Relay: []string{"example.org"}, Certificate: &cert})
	trusted := x509.NewCertPool()
	trusted.AddCert(root)
	dns := probestest.StartDNS(t)
	dns.SetName("mx1.example.org", "A 127.0.0.1")
	asker, err := probes.NewResolver(probes.ResolverOptions{Servers: []string{dns.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	looks := func(roots *x509.CertPool) *ownLooks {
		t.Helper()
		visitor, err := probes.NewReceiver(probes.ReceiverOptions{Helo: "monitor.example.org", Roots: roots})
		if err != nil {
			t.Fatal(err)
		}
		return &ownLooks{asker: asker, seen: map[string]acceptance.OwnVisit{}, servers: acceptance.Servers{
			{Host: "mx1.example.org", Port: s.Addr().Port(), StartTLS: true, Relay: true, Postmaster: true, Domains: []string{"example.org"}, Visitor: visitor}}}
	}
	is := func(what string, i identity.Item, ok bool, state identity.State, says string) {
		t.Helper()
		if !ok || i.State != state || !strings.Contains(i.Text, says) {
			t.Errorf("%s: %v, %s: %q; want %s and %q", what, ok, i.State, i.Text, state, says)
		}
	}
	o := looks(trusted)
	i, ok := o.mailboxes(t.Context(), "example.org")
	is("both are taken", i, ok, identity.Good, "takes mail to both")
	i, ok = o.certificate(t.Context(), "MX1.example.org")
	is("a good certificate", i, ok, identity.Good, "good until")
	if n := s.Visits(); n != 1 {
		t.Errorf("%d visits, want one for both", n)
	}
	for _, said := range s.Commands() {
		if strings.HasPrefix(said, "RCPT") && !strings.Contains(said, "@example.org") {
			t.Errorf("asked to relay: %s", said)
		}
	}
	if _, ok := o.mailboxes(t.Context(), "example.net"); ok {
		t.Error("something is said of a domain that no server of ours takes mail for")
	}
	if _, ok := o.certificate(t.Context(), "mx.example.net"); ok {
		t.Error("something is said of a server that is not ours")
	}
	if s.Visits() != 1 {
		t.Error("somebody was asked about what is not ours")
	}

	s.Set(func(o *probestest.SMTPOptions) { o.NoSuch = []string{"abuse@example.org"} })
	o = looks(nil)
	i, ok = o.mailboxes(t.Context(), "example.org")
	is("abuse is refused", i, ok, identity.Advice, "refuses mail to abuse@example.org")
	i, ok = o.certificate(t.Context(), "mx1.example.org")
	is("nobody vouches for it", i, ok, identity.Advice, "not to be trusted")
	s.Close()
	i, ok = looks(trusted).mailboxes(t.Context(), "example.org")
	is("it is down", i, ok, identity.Unchecked, "no clear answer")
	if _, ok := looks(trusted).certificate(t.Context(), "mx1.example.org"); ok {
		t.Error("something is said of a certificate that was not shown")
	}
}
