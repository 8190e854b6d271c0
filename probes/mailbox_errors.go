package probes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// What keeps a mailbox from being read, besides ErrUnreachable and ErrTimeout.
var (
	// ErrLogin: the server refuses user and password, or the way in which we log in. Trying
	// again does not help until someone changes something, and may get the account locked.
	ErrLogin = errors.New("login refused")
	// ErrFolder: the folder does not exist or may not be opened. Trying again does not help
	// until someone changes something.
	ErrFolder = errors.New("folder cannot be opened")
	// ErrTLS: there is no connection that can be trusted, because of the certificate or because
	// the port has no TLS. Trying again does not help until someone changes something.
	ErrTLS = errors.New("no secure connection")
	// ErrProtocol: the server broke off, answered no, or said something that cannot be
	// understood. Trying again often helps.
	ErrProtocol = errors.New("server broke off")
	// ErrUnread: a mail that the server lists could not be read. Trying again helps if the
	// connection was to blame; otherwise the mail is set aside in the end.
	ErrUnread = errors.New("mail could not be read")
	// ErrHandle: whoever was given the mails, or the lines of a log, failed to store them. The
	// same ones come again.
	ErrHandle = errors.New("what was read could not be stored")
)

// MailboxError says which step of reading which mailbox failed, why, and what to do. It unwraps
// to one of the errors above, ErrUnreachable or ErrTimeout, and to the cause if that is one of
// the network, of TLS or of the caller. Its text is one line, quotes at most 200 runes of what
// the server said, and never holds the password.
type MailboxError struct {
	Mailbox string
	Server  string
	Step    string // "OAuth token", "connect", "TLS", "greeting", "login", "EXAMINE", "SEARCH", "FETCH from UID 7 on", "IDLE", "store"
	Kind    error
	Err     error
	Hint    string // what to do; may be empty
}

// Error returns one line: "mailbox bounces: login at imap.example.org:993: login refused: NO
// [AUTHENTICATIONFAILED] no such user: check user and password".
func (e *MailboxError) Error() string {
	text := fmt.Sprintf("mailbox %s: %s at %s: %v", oneLine(e.Mailbox), e.Step, e.Server, e.Kind)
	if e.Err != nil {
		text += ": " + oneLine(e.Err.Error())
	}
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

func (e *MailboxError) Unwrap() []error { return []error{e.Kind, e.Err} }

// failure makes the error of a step out of what the libraries say. late says that it was us
// who closed the connection, because nothing came in time.
func (m *Mailbox) failure(ctx context.Context, step string, err error, late bool) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := errors.AsType[*MailboxError](err); ok {
		return err
	}
	e := &MailboxError{Mailbox: m.opts.Name, Server: m.opts.Server, Step: step, Kind: ErrProtocol, Err: err}
	var (
		no       *imap.Error
		netErr   *net.OpError
		verify   *tls.CertificateVerificationError
		hostname x509.HostnameError
		signer   x509.UnknownAuthorityError
		notTLS   tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &no):
		m.refused(e, no)
	case late:
		e.Kind, e.Err = ErrTimeout, fmt.Errorf("nothing within %s", m.opts.Timeout)
		e.Hint = "check that the server is well"
		if step == stepTLS {
			e.Hint = "check that the server is well, and that tls fits the port: implicit on 993, starttls on 143"
		}
	case step == stepConnect:
		e.Kind, e.Hint = ErrUnreachable, "check server and port, and that a firewall lets us out"
		if isTimeout(err) {
			e.Kind = ErrTimeout
		}
		if errors.As(err, &netErr) {
			e.Err = netErr.Err // the address is there already
		}
	case errors.As(err, &hostname):
		e.Kind, e.Hint = ErrTLS, "use the server name that the certificate is for"
	case errors.As(err, &signer):
		e.Kind, e.Hint = ErrTLS, "set ca_file to the authority that signed it"
	case errors.As(err, &verify):
		e.Kind, e.Hint = ErrTLS, "the server needs a valid certificate"
	case errors.As(err, &notTLS):
		e.Kind, e.Hint = ErrTLS, "no TLS at this port: use port 993, or tls starttls on 143"
		e.Err = errors.New(notTLS.Msg)
	case step == stepTLS:
		e.Kind, e.Hint = ErrTLS, "check that tls fits the port: implicit on 993, starttls on 143"
		fallthrough
	default:
		if errors.Is(err, io.EOF) || strings.HasSuffix(err.Error(), io.ErrUnexpectedEOF.Error()) {
			e.Err = errors.New("connection closed by the server")
		} else {
			// The library quotes the server, which may quote us.
			e.Err = errors.New(m.redact(err.Error()))
		}
	}
	return e
}

// refused fills in the error for a NO, BAD or BYE (RFC 3501 section 7.1) with its response code
// (RFC 5530).
func (m *Mailbox) refused(e *MailboxError, no *imap.Error) {
	code := ""
	if no.Code != "" {
		code = "[" + string(no.Code) + "] "
	}
	e.Err = errors.New(m.redact(string(no.Type) + " " + code + no.Text))
	switch no.Code {
	case imap.ResponseCodeUnavailable, imap.ResponseCodeInUse, imap.ResponseCodeLimit,
		imap.ResponseCodeServerBug, imap.ResponseCodeCorruption:
		e.Hint = "the server calls this temporary or its own fault; if it lasts, ask its operator"
		return
	}
	if no.Type == imap.StatusResponseTypeBye {
		e.Hint = "the server takes no connection now; if it lasts, look for its limit of connections"
		return
	}
	switch e.Step {
	case stepTLS:
		e.Kind, e.Hint = ErrTLS, "the server does not do STARTTLS: use port 993 with tls implicit"
	case stepLogin:
		e.Kind, e.Hint = ErrLogin, "check user and password; some providers want an app password or allow OAuth only"
		if m.opts.OAuth != nil {
			e.Hint = m.opts.OAuth.refusedHint()
		}
	case stepExamine:
		e.Kind, e.Hint = ErrFolder, "check folder, its spelling and the user's right to read it"
		if m.opts.OAuth != nil && strings.Contains(no.Text, "authenticated but not connected") { // Exchange Online
			e.Kind, e.Hint = ErrLogin, m.opts.OAuth.refusedHint()
		}
	case stepMove, stepCopy, stepFlag, stepExpunge:
		e.Kind, e.Hint = ErrAfter, "check the user's right to change this folder"
		if no.Code == imap.ResponseCodeTryCreate || no.Code == imap.ResponseCodeNonExistent {
			e.Hint = fmt.Sprintf("create the folder %q, or check its spelling", oneLine(m.opts.After.Name))
		}
	}
}

// redact removes the password from a text, in the forms in which it is sent: servers quote
// commands that they do not understand.
func (m *Mailbox) redact(text string) string {
	if m.opts.OAuth != nil {
		return redactAll(text, m.opts.OAuth.secrets())
	}
	secret := m.opts.Password()
	if secret == "" {
		return text
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret)
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + m.opts.User + "\x00" + secret)) // RFC 4616
	return redactAll(text, []string{plain, secret, quoted})
}
