package probes

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"reputed/probes/probestest"
)

func TestMailboxErrorsSayWhatToDo(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()

	for name, c := range map[string]struct {
		tls    string
		change func(*probestest.IMAP, *MailboxOptions)
		kind   error
		says   string
	}{
		"wrong password": {"implicit", func(d *probestest.IMAP, o *MailboxOptions) {
			o.Password = func() string { return "guess" }
		}, ErrLogin, "check user and password"},
		"login refused with the password in the text": {"implicit", func(d *probestest.IMAP, o *MailboxOptions) {
			d.RefuseLogins("", "no such command: LOGIN \""+mailUser+"\" \""+mailPassword+"\"")
		}, ErrLogin, "<redacted>"},
		"login refused with the password as it was quoted": {"implicit", func(d *probestest.IMAP, o *MailboxOptions) {
			d.RefuseLogins("", `no such command: LOGIN "x" "pass \"word\\ of 2026"`)
		}, ErrLogin, "<redacted>"},
		"login down for a while": {"implicit", func(d *probestest.IMAP, o *MailboxOptions) {
			d.RefuseLogins("UNAVAILABLE", "temporary authentication failure")
		}, ErrProtocol, "temporary"},
		"login not allowed without TLS": {"starttls", func(d *probestest.IMAP, o *MailboxOptions) {
			o.TLS = TLSNone
		}, ErrLogin, "no login by password on this connection"},
		"folder missing": {"implicit", func(d *probestest.IMAP, o *MailboxOptions) {
			o.Folder = "Bounces"
		}, ErrFolder, "check folder"},
		"certificate of nobody": {"implicit", func(d *probestest.IMAP, o *MailboxOptions) {
			o.RootCAs = x509.NewCertPool()
		}, ErrTLS, "ca_file"},
		"certificate of nobody with STARTTLS": {"starttls", func(d *probestest.IMAP, o *MailboxOptions) {
			o.RootCAs = x509.NewCertPool()
		}, ErrTLS, "ca_file"},
		"plain port": {"none", func(d *probestest.IMAP, o *MailboxOptions) {
			o.TLS = TLSImplicit
		}, ErrTLS, "tls starttls on 143"},
		"no STARTTLS": {"none", func(d *probestest.IMAP, o *MailboxOptions) {
			o.TLS = TLSStart
		}, ErrTLS, "tls implicit"},
		"STARTTLS at a TLS port": {"implicit", func(d *probestest.IMAP, o *MailboxOptions) {
			o.TLS, o.Timeout = TLSStart, 100*time.Millisecond
		}, nil, "tls fits the port"},
		"nobody listens": {"none", func(d *probestest.IMAP, o *MailboxOptions) {
			o.Server = nobody
		}, ErrUnreachable, "check server and port"},
		"connection dropped at once": {"none", func(d *probestest.IMAP, o *MailboxOptions) {
			d.Refuse(true)
		}, ErrProtocol, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := startIMAP(t, probestest.IMAPOptions{TLS: c.tls})
			opts := mailboxOptions(t, d, TLSMode(c.tls))
			c.change(d, &opts)
			err := newMailbox(t, opts).Once(t.Context(), Position{}, newStore().handle)
			if err == nil {
				t.Fatal("no error")
			}
			if c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("error %q is not %q", err, c.kind)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "word\\") {
				t.Errorf("error %#v holds the password", err)
			}
			if strings.ContainsAny(err.Error(), "\r\n\x1b") {
				t.Errorf("error %q is more than a line", err)
			}
			t.Log(err)
		})
	}
}

// A second name for the same address, that the certificate does not have.
func TestMailboxCertificateOfAnotherHost(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{TLS: "implicit"})
	opts := mailboxOptions(t, d, TLSImplicit)
	_, port, _ := net.SplitHostPort(d.Addr())
	opts.Server = net.JoinHostPort("127.0.0.2", port) // the double listens on 127.0.0.1 only
	m := newMailbox(t, opts)
	m.host, m.opts.Server = "mail.example.org", d.Addr()
	err := m.Once(t.Context(), Position{}, newStore().handle)
	if !errors.Is(err, ErrTLS) || !strings.Contains(err.Error(), "server name") {
		t.Errorf("error %v, want ErrTLS about the server's name", err)
	}
}

func TestMailboxOptionsAreChecked(t *testing.T) {
	good := MailboxOptions{Name: "b", Server: "imap.example.org:993", User: "u", Password: func() string { return "p" }}
	for name, c := range map[string]struct {
		change func(*MailboxOptions)
		says   string // "" if they are good
	}{
		"as they should be":             {func(o *MailboxOptions) {}, ""},
		"server without port":           {func(o *MailboxOptions) { o.Server = "imap.example.org" }, "host:port"},
		"no server":                     {func(o *MailboxOptions) { o.Server = ":993" }, "host:port"},
		"no TLS outside the loopback":   {func(o *MailboxOptions) { o.TLS = TLSNone }, "in the clear"},
		"no TLS at a name like it":      {func(o *MailboxOptions) { o.TLS, o.Server = TLSNone, "localhost.example.org:143" }, "in the clear"},
		"no TLS on the loopback":        {func(o *MailboxOptions) { o.TLS, o.Server = TLSNone, "127.0.0.1:143" }, ""},
		"no TLS on the IPv6 loopback":   {func(o *MailboxOptions) { o.TLS, o.Server = TLSNone, "[::1]:143" }, ""},
		"no TLS on localhost":           {func(o *MailboxOptions) { o.TLS, o.Server = TLSNone, "localhost:143" }, ""},
		"a mode that there is not":      {func(o *MailboxOptions) { o.TLS = "ssl" }, "implicit, starttls or none"},
		"no user":                       {func(o *MailboxOptions) { o.User = "" }, "user and password"},
		"no password":                   {func(o *MailboxOptions) { o.Password = nil }, "user and password"},
		"a line break in the user name": {func(o *MailboxOptions) { o.User = "a\r\nb" }, "one line"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := good
			c.change(&opts)
			m, err := NewMailbox(opts)
			if c.says == "" {
				if err != nil || m.opts.Poll != 5*time.Minute || m.opts.Folder != "INBOX" || m.batchSize() != 16 {
					t.Errorf("NewMailbox gave %+v, %v; want defaults and no error", m, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestMailboxRetryDelays(t *testing.T) {
	opts := MailboxOptions{RetryMin: time.Second, RetryMax: 5 * time.Minute, LoginRetryMin: 5 * time.Minute, LoginRetryMax: time.Hour}
	within := func(t *testing.T, got, around time.Duration) {
		t.Helper()
		if got < around/2 || got > around*3/2 {
			t.Errorf("wait of %s, want %s give or take half", got, around)
		}
	}
	t.Run("doubled up to the limit", func(t *testing.T) {
		r := newRetry(opts)
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
			got := r.after(ErrProtocol, 0)
			within(t, got, want*time.Second)
			if got > opts.RetryMax {
				t.Errorf("wait of %s, want no more than %s", got, opts.RetryMax)
			}
		}
	})
	t.Run("a refused login waits long", func(t *testing.T) {
		r := newRetry(opts)
		for _, want := range []time.Duration{5, 10, 20, 40, 60, 60} {
			got := r.after(fmt.Errorf("x: %w", ErrLogin), 0)
			within(t, got, want*time.Minute)
			if got > time.Hour {
				t.Errorf("wait of %s, want no more than an hour", got)
			}
		}
	})
	t.Run("a session that held starts anew", func(t *testing.T) {
		r := newRetry(opts)
		for range 6 {
			r.after(ErrProtocol, 0)
		}
		within(t, r.after(ErrProtocol, time.Hour), time.Second)
	})
	t.Run("a session dropped at once does not", func(t *testing.T) {
		r := newRetry(opts)
		for range 6 {
			r.after(ErrProtocol, 100*time.Millisecond)
		}
		within(t, r.after(ErrProtocol, 100*time.Millisecond), 64*time.Second)
	})
}
