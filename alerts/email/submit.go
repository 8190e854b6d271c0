package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"reputed/alerts"
	"reputed/checks"
)

// maxSessionBytes is how much a server may say in one session: greeting, extensions and a
// line a command. The library collects a reply without end for as long as it comes.
const maxSessionBytes = 256 << 10

// bounded is a connection that ends after so much was read of it.
type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the server says more than any mail server has to")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// submit is one session: connect, log in, hand the mail over; without one, only log in.
func (n *Notifier) submit(ctx context.Context, raw []byte) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", n.options.Server)
	if err != nil {
		return fmt.Errorf("no connection: %w", err)
	}
	// The library knows no context: closing the connection is what ends a command.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer conn.Close()
	if err := n.session(ctx, &bounded{conn, maxSessionBytes}, raw); err != nil {
		switch {
		case errors.Is(err, alerts.ErrRefused):
		case ctx.Err() != nil:
			return fmt.Errorf("no answer: %w", ctx.Err())
		case errors.Is(err, os.ErrDeadlineExceeded): // the library's own clock was first
			return fmt.Errorf("no answer: %w", err)
		}
		return err
	}
	return nil
}

func (n *Notifier) session(ctx context.Context, conn net.Conn, raw []byte) error {
	config := &tls.Config{ServerName: n.host, RootCAs: n.options.RootCAs, MinVersion: tls.VersionTLS12}
	if n.options.TLS == Implicit {
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("TLS: %w%s", err, hint(err))
		}
		conn = secure
	}
	var c *smtp.Client
	var err error
	if n.options.TLS == StartTLS {
		if c, err = smtp.NewClientStartTLS(conn, config); err != nil {
			return fmt.Errorf("STARTTLS: %w%s", said(err), hint(err))
		}
	} else {
		c = smtp.NewClient(conn)
	}
	// Each command may take what the whole session may: ctx ends both.
	c.CommandTimeout, c.SubmissionTimeout = n.options.Timeout, n.options.Timeout
	if err := c.Hello(domainOf(n.options.From)); err != nil {
		return fmt.Errorf("greeting: %w%s", said(err), hint(err)) // whatever the code: it is about the server, not about us
	}
	if n.options.User != "" {
		if err := n.login(c); err != nil {
			return err
		}
	}
	if raw == nil {
		_ = c.Quit() // nothing was said that it would have to remember
		return nil
	}
	if err := c.Mail(n.options.From, nil); err != nil {
		return verdict("sender", err)
	}
	if err := n.recipients(ctx, c); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return verdict("message", err)
	}
	if _, err := w.Write(raw); err != nil {
		return fmt.Errorf("send the message: %w", said(err))
	}
	if err := w.Close(); err != nil {
		return verdict("message", err)
	}
	_ = c.Quit() // it has the mail; how it says goodbye changes nothing
	return nil
}

// hint is what to set where TLS does not come about; empty: the error says it.
func hint(err error) string {
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	_, hostname := errors.AsType[x509.HostnameError](err)
	_, signer := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case notTLS:
		return `: no TLS at this port: use port 465, or tls = "starttls" on 587 ("none" on the loopback)`
	case hostname:
		return ": name the server in server as its certificate does"
	case signer:
		return ": set ca_file to the authority that signed its certificate"
	}
	return ""
}

// login prefers PLAIN (RFC 4616); LOGIN is for servers that have nothing else.
func (n *Notifier) login(c *smtp.Client) error {
	var mechanism sasl.Client
	switch {
	case c.SupportsAuth(sasl.Plain):
		mechanism = sasl.NewPlainClient("", n.options.User, n.options.Password)
	case c.SupportsAuth(sasl.Login):
		mechanism = sasl.NewLoginClient(n.options.User, n.options.Password)
	default:
		return fmt.Errorf("the server offers neither PLAIN nor LOGIN to log in with: check server and tls, or use an account of another server: %w", alerts.ErrRefused)
	}
	if err := c.Auth(mechanism); err != nil {
		return verdict("login", err)
	}
	return nil
}

// recipients names all, and fails if the server takes none of them.
func (n *Notifier) recipients(ctx context.Context, c *smtp.Client) error {
	var last error
	var lost []slog.Attr // of those who were not taken
	taken, passing := 0, false
	for i, to := range n.options.To {
		err := c.Rcpt(to, nil)
		if err == nil {
			taken++
			continue
		}
		last = verdict(fmt.Sprintf("recipient %d of %d", i+1, len(n.options.To)), err)
		passing = passing || !errors.Is(last, alerts.ErrRefused)
		var reply *smtp.SMTPError
		if !errors.As(err, &reply) { // the connection is gone
			return last
		}
		lost = append(lost, slog.Any("err", n.scrub(last)))
	}
	switch {
	case taken > 0:
		for _, err := range lost { // if all are lost, the error says so
			if n.options.Log != nil {
				n.options.Log.LogAttrs(ctx, slog.LevelWarn, "recipient of alerts not taken", slog.String("channel", n.options.Name), err)
			}
		}
		return nil
	case passing && errors.Is(last, alerts.ErrRefused):
		return errors.New("no recipient was taken, some of them only for now")
	}
	return last
}

// verdict tells a no that stays (5yz, RFC 5321 section 4.2.1) from one that may pass.
func verdict(what string, err error) error {
	var reply *smtp.SMTPError
	if errors.As(err, &reply) && reply.Code >= 500 && reply.Code < 600 {
		advice := "the server will not take it; its log says why"
		switch {
		case reply.Code == 535 || reply.Code == 534 || reply.Code == 538: // RFC 4954 section 6
			advice = "check user and password, and whether the account may send"
		case reply.Code == 550 || reply.Code == 553:
			advice = "check from and to, and whether the account may use them"
		case reply.Code == 530:
			advice = "the server wants a login: set user and password"
		}
		return fmt.Errorf("%s refused: %w: %s: %w", what, said(err), advice, alerts.ErrRefused)
	}
	return fmt.Errorf("%s not taken: %w", what, said(err))
}

// said is an error with what the server said as one short line.
func said(err error) error {
	var reply *smtp.SMTPError
	if !errors.As(err, &reply) {
		return err
	}
	return fmt.Errorf("%d %q", reply.Code, checks.Line(reply.Message, 200))
}
