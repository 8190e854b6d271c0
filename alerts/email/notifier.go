package email

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/guard"
)

// TLSMode is how TLS begins.
type TLSMode string

const (
	Implicit TLSMode = "implicit" // from the first byte (RFC 8314 section 3.3); the default
	StartTLS TLSMode = "starttls" // RFC 3207; without it nothing is sent
	NoTLS    TLSMode = "none"     // to this very host only
)

// Options is one mail account.
type Options struct {
	Name     string // of the channel in the configuration; stands in errors. Default "email"
	Server   string // host:port
	TLS      TLSMode
	RootCAs  *x509.CertPool // nil: whom the system trusts
	User     string         // empty: no login
	Password string         // secret
	From     string         // an address alone
	To       []string       // addresses alone

	Timeout time.Duration // of the whole session; default 25 s, less than the outbox gives
	Log     *slog.Logger  // hears of recipients that are refused while others are not; nil: nobody does
}

const defaultTimeout = 25 * time.Second

// Notifier sends mails through one account. It keeps nothing between calls and may be used
// from several goroutines.
type Notifier struct {
	options Options
	host    string
}

var _ alerts.Reacher = (*Notifier)(nil)

// New checks the options. Errors say what to set and never hold a secret; they
// do not pass by trying again. No connection is made.
func New(o Options) (*Notifier, error) {
	if o.Name = checks.Line(o.Name, 80); o.Name == "" {
		o.Name = "email"
	}
	o.TLS, o.Timeout = cmp.Or(o.TLS, Implicit), cmp.Or(o.Timeout, defaultTimeout)
	host, _, err := net.SplitHostPort(o.Server)
	problem := ""
	switch {
	case err != nil || host == "":
		problem = "the server is not host:port"
	case !slices.Contains([]TLSMode{Implicit, StartTLS, NoTLS}, o.TLS):
		problem = "tls is none of implicit, starttls, none"
	case o.TLS == NoTLS && !guard.Loopback(host):
		problem = "without TLS the alert, and the password, would go out in the clear: use implicit or starttls"
	case !isAddress(o.From):
		problem = "from is not an address alone"
	case len(o.To) == 0 || slices.ContainsFunc(o.To, func(to string) bool { return !isAddress(to) }):
		problem = "to has to be addresses alone, at least one"
	case (o.User == "") != (o.Password == ""):
		problem = "user and password belong together: set both or neither"
	}
	if problem != "" {
		return nil, fmt.Errorf("email %q: %s", o.Name, problem)
	}
	return &Notifier{options: o, host: host}, nil
}

// isAddress says whether s can stand in a command of SMTP and in a header as it is.
func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>()\,;:`, r) })
}

// Notify hands one mail to the server. It returns nil once the server has taken it for at
// least one recipient; who was refused is in the log.
func (n *Notifier) Notify(ctx context.Context, note alerts.Notification) error {
	raw, err := compose(note, n.options.From, n.options.To, time.Now())
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, n.options.Timeout)
		defer cancel()
		err = n.submit(ctx, raw)
	}
	if err != nil {
		return n.scrub(fmt.Errorf("email %q: %w", n.options.Name, err))
	}
	return nil
}

// Reach implements [alerts.Reacher]: it connects, begins TLS, logs in if there is a user, and
// says goodbye. No mail is begun.
func (n *Notifier) Reach(ctx context.Context) (alerts.Reached, error) {
	ctx, cancel := context.WithTimeout(ctx, n.options.Timeout)
	defer cancel()
	if err := n.submit(ctx, nil); err != nil {
		return alerts.Reached{}, n.scrub(fmt.Errorf("email %q: %w", n.options.Name, err))
	}
	return alerts.Reached{Login: n.options.User != ""}, nil
}

// scrub makes sure that the password leaves in no error, even if the server sent it back to
// us. It keeps the error's kind.
func (n *Notifier) scrub(err error) error {
	text := err.Error()
	clean := text
	if p := n.options.Password; p != "" {
		b64 := base64.StdEncoding.EncodeToString
		for _, secret := range []string{b64([]byte("\x00" + n.options.User + "\x00" + p)), b64([]byte(p)), p} {
			clean = strings.ReplaceAll(clean, secret, "(redacted)")
		}
	}
	switch {
	case clean == text:
		return err
	case errors.Is(err, alerts.ErrRefused):
		return fmt.Errorf("%w: %s", alerts.ErrRefused, clean)
	}
	return errors.New(clean)
}
