package probes

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"reputed/internal/guard"
)

// TLSMode is how the connection to an IMAP server is secured.
type TLSMode string

const (
	TLSImplicit TLSMode = "implicit" // from the first byte, as on port 993 (RFC 8314 section 3.2)
	TLSStart    TLSMode = "starttls" // by STARTTLS, before anything else (RFC 3501 section 6.2.1)
	TLSNone     TLSMode = "none"     // not at all; accepted for the loopback only
)

// MailboxOptions say which folder of which account is read, and how.
type MailboxOptions struct {
	Name     string         // in the configuration; for messages, errors and logs
	Server   string         // host:port
	TLS      TLSMode        // default TLSImplicit
	RootCAs  *x509.CertPool // who may sign the server's certificate; nil: whom the system trusts
	User     string
	Password func() string // called at each login; the value is neither kept nor logged
	OAuth    *OAuth        // gives access tokens, in place of a password; the folders of an account share it
	Folder   string        // default "INBOX"

	// Since is how far back to read a folder of which nothing was read yet under its
	// UIDVALIDITY, by the time of arrival; 0: all of it. Older mail is skipped for good.
	Since time.Duration
	// NewestFirst is how many of the newest mails are handed over before all others, in a folder
	// of which nothing was read yet under its UIDVALIDITY: a folder of 100,000 mails takes long,
	// and what has just come matters most. These mails come again in their turn, with the
	// position after them; whoever receives them recognises them by their content, as after a
	// new UIDVALIDITY. 0: none.
	NewestFirst int
	// After is what is done with a mail on the server once it is stored; the zero value is
	// nothing. Ledger knows which mails that is due for; it is needed with any other value.
	After  After
	Ledger Ledger

	Poll      time.Duration // how often to look for new mail at least, IDLE or not; default 5 min
	IdleRenew time.Duration // IDLE is ended and begun again after this; default 9 min, as NAT boxes forget a connection after 10
	Timeout   time.Duration // for the server's answer to one command, and for each mail of a FETCH; default 1 min

	MaxMessageBytes int // of one mail; default MaxMessageBytes
	BatchMessages   int // mails handed over at once; default 50
	BatchBytes      int // of one batch at most, so that it holds at most BatchBytes/MaxMessageBytes mails; default 16 MiB

	RetryMin      time.Duration // wait after the first failure, then doubled; default 1 s
	RetryMax      time.Duration // longest wait between tries; default 5 min
	LoginRetryMin time.Duration // RetryMin after a refused login: servers lock accounts after too many; default 5 min
	LoginRetryMax time.Duration // RetryMax after a refused login; default 1 h

	Log *slog.Logger // default: none
}

// Mailbox reads one folder of one IMAP account. It never changes the folder unless After says
// so: the folder is opened with EXAMINE (RFC 3501 section 6.3.2), and bodies are read with
// BODY.PEEK. It is safe for concurrent use; each Watch and each Once has a connection of its
// own.
type Mailbox struct {
	opts MailboxOptions
	host string // of Server, for the certificate

	answerBytes int64 // how long one answer may be; see maxAnswerBytes
}

// Batch is some mails that were read, and how far the folder has been read with them.
type Batch struct {
	Messages []Message // one or more, in ascending order of UID
	Position Position  // to be stored in one transaction with the mails; with NewestFirst it may be below them
}

// MailboxState is how the reading of a mailbox stands.
type MailboxState struct {
	Connected     bool      // logged in, and the folder is open
	Since         time.Time // since when Connected is what it is, UTC
	LastRoundTrip time.Time // when the server last answered a command completely, UTC; zero: not yet
	LastErr       error     // why the last try failed; nil after a round that went well. One line that says what to do
	Position      Position  // everything up to here has been handed over
	Behind        int       // mails that the server has above Position, as far as known
	// AfterErr is why After could not be done with mails that were read; nil if it could.
	// Reading goes on meanwhile, and it is tried again. One line that says what to do.
	AfterErr error
}

// NewMailbox checks the options and fills in defaults. It connects to nothing.
func NewMailbox(opts MailboxOptions) (*Mailbox, error) {
	fail := func(format string, args ...any) (*Mailbox, error) {
		return nil, fmt.Errorf("mailbox %s: %s", oneLine(opts.Name), fmt.Sprintf(format, args...))
	}
	host, port, err := net.SplitHostPort(opts.Server)
	if err != nil || host == "" || port == "" {
		return fail("server %q is not host:port, as in imap.example.org:993", opts.Server)
	}
	if opts.TLS == "" {
		opts.TLS = TLSImplicit
	}
	switch opts.TLS {
	case TLSImplicit, TLSStart:
	case TLSNone:
		if !guard.Loopback(host) {
			return fail("tls none would send the password in the clear to %s: use implicit or starttls", host)
		}
	default:
		return fail("tls %q: use implicit, starttls or none", opts.TLS)
	}
	if opts.User == "" || opts.Password == nil && opts.OAuth == nil {
		return fail("user and password are needed, or OAuth in place of the password")
	}
	if opts.Password != nil && opts.OAuth != nil {
		return fail("a password and OAuth are two ways to the same end")
	}
	if strings.ContainsAny(opts.User+opts.Folder, "\r\n\x00") {
		return fail("user and folder are one line each")
	}
	if err := opts.After.check(); err != nil {
		return fail("%v", err)
	}
	if opts.After.Do != AfterKeep && opts.Ledger == nil {
		return fail("what is done with mails after they were read needs a ledger")
	}
	if opts.Folder == "" {
		opts.Folder = "INBOX"
	}
	opts.Poll = positive(opts.Poll, 5*time.Minute)
	opts.IdleRenew = positive(opts.IdleRenew, 9*time.Minute)
	opts.Timeout = positive(opts.Timeout, time.Minute)
	opts.RetryMin, opts.RetryMax = positive(opts.RetryMin, time.Second), positive(opts.RetryMax, 5*time.Minute)
	opts.LoginRetryMin, opts.LoginRetryMax = positive(opts.LoginRetryMin, 5*time.Minute), positive(opts.LoginRetryMax, time.Hour)
	opts.MaxMessageBytes = positive(opts.MaxMessageBytes, MaxMessageBytes)
	opts.BatchMessages, opts.BatchBytes = positive(opts.BatchMessages, 50), positive(opts.BatchBytes, 16<<20)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Mailbox{opts: opts, host: host, answerBytes: maxAnswerBytes + 2*int64(opts.MaxMessageBytes)}, nil
}

// batchSize is how many mails are read at once: few enough that a batch stays below BatchBytes
// even if all of them are huge.
func (m *Mailbox) batchSize() int {
	return max(1, min(m.opts.BatchMessages, m.opts.BatchBytes/m.opts.MaxMessageBytes))
}

// Watch reads every mail above start, hands it over, and goes on with new mail as it comes,
// until ctx ends. It returns the error of ctx and no other.
//
// handle is given the batches one after the other, in ascending order of UID, and commits the
// content and the position of a batch in one transaction. Watch goes beyond the batch only
// once handle has returned nil; after an error it reads and hands over the same mails again,
// later. So no mail is skipped, and one that was committed does not come again. If the folder's
// UIDVALIDITY is not that of start, the UIDs mean something else now (RFC 3501 section
// 2.3.1.1), and everything is read again from the beginning: whoever receives a mail recognises
// it by its content.
//
// state, if not nil, is called whenever the state changes, and after every look for new mail.
// Both functions run on the goroutine of Watch, so that they hold up this mailbox and nothing
// else.
//
// Failures are logged, reported by state and tried again with growing delays (see
// [MailboxOptions]); none of them ends Watch.
func (m *Mailbox) Watch(ctx context.Context, start Position, handle func(context.Context, Batch) error, state func(MailboxState)) error {
	r := newReader(m, start, handle, state)
	pause := newRetry(m.opts)
	for {
		lived, err := r.session(ctx, true)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		delay := pause.after(err, lived)
		m.opts.Log.LogAttrs(ctx, slog.LevelWarn, "mailbox not read",
			slog.String("mailbox", m.opts.Name), slog.Any("err", err), slog.Duration("again_in", delay))
		timer := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// Once reads every mail above start, hands it over as Watch does, and returns nil at the end of
// the folder. It returns the first error without trying again, except for a mail that cannot be
// read: then it connects again a few times, and sets the mail aside as Watch does.
func (m *Mailbox) Once(ctx context.Context, start Position, handle func(context.Context, Batch) error) error {
	r := newReader(m, start, handle, nil)
	for sessions := 1; ; sessions++ {
		_, err := r.session(ctx, false)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, ErrUnread) || sessions == 3*triesBeforeAside {
			return err
		}
	}
}
