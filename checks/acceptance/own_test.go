package acceptance

import (
	"crypto/x509"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

// ours is a server of ours behind a double, all of which is looked at.
func ours(t *testing.T, s *probestest.SMTP, roots *x509.CertPool) Own {
	t.Helper()
	r, err := probes.NewReceiver(probes.ReceiverOptions{Helo: "monitor.example.org", Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	return Own{Host: "mx1.example.org", Port: s.Addr().Port(), StartTLS: true, Relay: true, Postmaster: true, Domains: []string{"example.org"}, Visitor: r}
}

var loopback = table{"mx1.example.org A": {"127.0.0.1"}}

// found are the findings by what they are about.
func found(all []checks.Finding) map[string]checks.Finding {
	out := map[string]checks.Finding{}
	for _, f := range all {
		source, _, _ := strings.Cut(f.Key.Source, ":")
		out[source] = f
	}
	return out
}

func TestOwnServer(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		smtp   func(*probestest.SMTPOptions)
		own    func(*Own)
		cert   time.Duration // until it ends; 0: there is none
		source string
		status checks.Status
		code   checks.Code
		sev    checks.Severity
	}{
		"relays for nobody":    {nil, nil, 90 * 24 * time.Hour, "relay", checks.OK, checks.CodeOwnWell, ""},
		"relays for everybody": {func(o *probestest.SMTPOptions) { o.Relay = nil }, nil, 90 * 24 * time.Hour, "relay", checks.Problem, checks.CodeOpenRelay, checks.Critical},
		"falls for a percent": {func(o *probestest.SMTPOptions) {
			o.Fooled = func(p string) bool { return strings.Contains(p, "%example.com@example.org") }
			o.NoSuch = []string{"no-such-mailbox-relay-test@example.org"}
		}, nil, 90 * 24 * time.Hour, "relay", checks.Problem, checks.CodeOpenRelay, checks.Critical},
		"falls for a source route": {func(o *probestest.SMTPOptions) {
			o.Fooled = func(p string) bool { return strings.HasPrefix(p, "@example.org:") }
		}, nil, 90 * 24 * time.Hour, "relay", checks.Problem, checks.CodeOpenRelay, checks.Critical},
		"takes whatever is at our domain": {func(o *probestest.SMTPOptions) {
			o.Fooled = func(p string) bool {
				return strings.HasSuffix(p, "@example.org") && !strings.HasPrefix(p, "@") && strings.Count(p, "@") == 1
			}
		}, nil, 90 * 24 * time.Hour, "relay", checks.OK, checks.CodeOwnWell, ""},
		"greylists strangers":                 {func(o *probestest.SMTPOptions) { o.Mode = probestest.SMTPGreylist }, nil, 90 * 24 * time.Hour, "relay", checks.Unknown, checks.CodeOwnUnknown, ""},
		"a certificate with time":             {nil, nil, 22 * 24 * time.Hour, "certificate", checks.OK, checks.CodeOwnWell, ""},
		"a certificate that ends soon":        {nil, nil, 20 * 24 * time.Hour, "certificate", checks.Problem, checks.CodeCertificate, checks.Minor},
		"a certificate that ends this week":   {nil, nil, 6 * 24 * time.Hour, "certificate", checks.Problem, checks.CodeCertificate, checks.Major},
		"a certificate that has ended":        {nil, nil, -time.Hour, "certificate", checks.Problem, checks.CodeCertificate, checks.Major},
		"a certificate for another name":      {nil, func(o *Own) { o.Host = "mx2.example.org" }, 90 * 24 * time.Hour, "certificate", checks.Problem, checks.CodeCertificate, checks.Minor},
		"no STARTTLS":                         {nil, nil, 0, "starttls", checks.Problem, checks.CodeNoStartTLS, checks.Major},
		"no STARTTLS, no certificate":         {nil, nil, 0, "certificate", checks.Unknown, checks.CodeOwnUnknown, ""},
		"STARTTLS":                            {nil, nil, 90 * 24 * time.Hour, "starttls", checks.OK, checks.CodeOwnWell, ""},
		"postmaster and abuse":                {nil, nil, 90 * 24 * time.Hour, "mailbox", checks.OK, checks.CodeOwnWell, ""},
		"no abuse":                            {func(o *probestest.SMTPOptions) { o.NoSuch = []string{"abuse@example.org"} }, nil, 90 * 24 * time.Hour, "mailbox", checks.Problem, checks.CodeNoRole, checks.Minor},
		"postmaster is greylisted":            {func(o *probestest.SMTPOptions) { o.Mode = probestest.SMTPGreylist }, nil, 90 * 24 * time.Hour, "mailbox", checks.Unknown, checks.CodeOwnUnknown, ""},
		"reached":                             {nil, nil, 90 * 24 * time.Hour, "port", checks.OK, checks.CodeOwnWell, ""},
		"reached, and should not be":          {nil, func(o *Own) { o.Closed = true }, 90 * 24 * time.Hour, "port", checks.Problem, checks.CodePortOpen, checks.Major},
		"it does not let us in":               {func(o *probestest.SMTPOptions) { o.Mode = probestest.SMTPRefuse }, nil, 90 * 24 * time.Hour, "relay", checks.Unknown, checks.CodeOwnUnknown, ""},
		"it does not let us in, but is there": {func(o *probestest.SMTPOptions) { o.Mode = probestest.SMTPRefuse }, nil, 90 * 24 * time.Hour, "port", checks.OK, checks.CodeOwnWell, ""},
		"its address is not known":            {nil, func(o *Own) { o.Host = "mx9.example.org" }, 90 * 24 * time.Hour, "port", checks.Unknown, checks.CodeOwnUnknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			opts := probestest.SMTPOptions{Relay: []string{"example.org"}}
			roots := x509.NewCertPool()
			if c.cert != 0 {
				cert, root, err := probestest.CertificateFor(now.Add(-48*time.Hour), now.Add(c.cert), "mx1.example.org")
				if err != nil {
					t.Fatal(err)
				}
				roots.AddCert(root)
				opts.Certificate = &cert
			}
			if c.smtp != nil {
				c.smtp(&opts)
			}
			s := startSMTP(t, opts)
			o := ours(t, s, roots)
			if c.own != nil {
				c.own(&o)
			}
			v := Look(t.Context(), table{"mx1.example.org A": {"127.0.0.1"}, "mx2.example.org A": {"127.0.0.1"}}, o, "example.com")
			all := JudgeOwn([]OwnVisit{v}, now)
			f := found(all)[c.source]
			if f.Status != c.status || f.Code != c.code || f.Severity != c.sev {
				t.Errorf("%s %s %s %q, want %s %s %s\n%+v", f.Status, f.Code, f.Severity, f.Summary, c.status, c.code, c.sev, v.Forms)
			}
			if o.Closed && len(all) != 1 {
				t.Errorf("of a server that is to be closed there are %d findings", len(all))
			}
		})
	}
}

func TestAPortThatIsClosed(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{})
	s.Close()
	o := ours(t, s, nil)
	closed := o
	closed.Closed = true
	look := func(o Own) OwnVisit { return Look(t.Context(), loopback, o, "example.com") }
	if f := found(JudgeOwn([]OwnVisit{look(o)}, time.Now()))["port"]; f.Code != checks.CodePortClosed || f.Severity != checks.Major {
		t.Errorf("%+v", f)
	}
	if f := found(JudgeOwn([]OwnVisit{look(closed)}, time.Now()))["port"]; f.Status != checks.OK {
		t.Errorf("closed, as it should be: %+v", f)
	}
	for _, f := range JudgeOwn([]OwnVisit{look(o), look(o)}, time.Now()) {
		if f.Status != checks.Unknown {
			t.Errorf("none of two is reached: %s %s", f.Key.Source, f.Status)
		}
	}
}

// TestOnlyWhatIsConfiguredIsTested: anything else is an error, and no packet.
func TestOnlyWhatIsConfiguredIsTested(t *testing.T) {
	s := Servers{{Host: "mx1.example.org", Port: 25}, {Host: "2001:db8::25", Port: 2525}}
	for _, host := range []string{"mx1.example.org", "MX1.Example.Org.", "[2001:db8::25]:2525"} {
		if _, err := s.Find(host); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"mx2.example.org", "", "192.0.2.25", "mx1.example.org:26", "mx1.example.org.evil.example", "example.org"} {
		if _, err := s.Find(host); !errors.Is(err, ErrNotOurs) {
			t.Errorf("%q: %v", host, err)
		}
	}
}

// Every form can be said, asks for a stranger, and is there once.
func TestForms(t *testing.T) {
	for _, server := range []string{"192.0.2.25", "2001:db8:1::25"} {
		forms := Forms("example.org", "example.com", netip.MustParseAddr(server))
		seen := map[string]bool{}
		for _, f := range forms {
			if seen[f.Sender+" "+f.Recipient] || seen[f.Name] || f.Name == "" {
				t.Errorf("%q is there twice", f.Name)
			}
			seen[f.Sender+" "+f.Recipient], seen[f.Name] = true, true
			strange := strings.Contains(f.Recipient, "example.com") || strings.Contains(f.Recipient, Literal(outsideAddr(netip.MustParseAddr(server))))
			if !strange {
				t.Errorf("%q asks for no stranger: %s", f.Name, f.Recipient)
			}
			if last := f.Recipient[strings.LastIndexByte(f.Recipient, '@')+1:]; f.Control == "" && last != "example.com" && !strings.HasPrefix(last, "[") {
				t.Errorf("%q: %s is not for a stranger by itself, and has no control", f.Name, f.Recipient)
			}
		}
		if len(forms) < 20 || len(controls(forms)) != 3 {
			t.Errorf("%d forms, %d controls", len(forms), len(controls(forms)))
		}
	}
	if got := Literal(netip.MustParseAddr("::ffff:192.0.2.1")); got != "[192.0.2.1]" {
		t.Errorf("literal %s", got)
	}
}

// TestARelayTestSendsNothing: of all that was said, nothing hands over a message, and no conversation is long.
func TestARelayTestSendsNothing(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{}) // takes everything
	v := Look(t.Context(), loopback, ours(t, s, nil), "example.com")
	if len(v.Forms) < 20 || !slices.ContainsFunc(v.Forms, func(f Tried) bool { return f.Taken && f.Proves }) {
		t.Errorf("forms %+v", v.Forms)
	}
	for _, said := range s.Commands() {
		verb, _, _ := strings.Cut(said, " ")
		if !slices.Contains([]string{"EHLO", "STARTTLS", "MAIL", "RCPT", "RSET", "QUIT"}, verb) {
			t.Errorf("said %q", said)
		}
	}
	for _, visit := range v.Visits[1:] {
		if len(visit.Asked) > formsAtOnce {
			t.Errorf("%d forms in one conversation", len(visit.Asked))
		}
	}
}
