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
	TLSStart    TLSMode = "starttls" // by STARTTLS, before anything else is said (RFC 3501 section 6.2.1)
	TLSNone     TLSMode = "none"     // not at all; accepted for the loopback only
)

// MailboxOptions says which folder of which account is read, and how.
type MailboxOptions struct {
	Name     string         // in the configuration; for messages, errors and logs
	Server   string         // host:port
	TLS      TLSMode        // default TLSImplicit
	RootCAs  *x509.CertPool // who may sign the server's certificate; nil: whom the system trusts
	User     string
	Password func() string // asked at each login; the value is kept nowhere, logged nowhere
	OAuth    *OAuth        // logs in with access tokens in place of a password; shared by the folders of an account
	Folder   string        // default "INBOX"

	// Since is how far back a folder is read of which nothing was read under its
	// UIDVALIDITY, by the time of arrival; 0: all of it. What is older is passed over for good.
	Since time.Duration
	// NewestFirst is how many of the newest mails are handed over before all others where nothing of a folder was read under
	// its UIDVALIDITY: a folder of 100,000 mails takes long, and what has just come matters most. They
	// come once more in their turn, with the position behind them; who receives them tells them by their content, as
	// after a new UIDVALIDITY. 0: none.
	NewestFirst int
	// After is what is done with a mail once it is stored; the zero value is nothing.
	// Ledger knows which mails that is due for, and is needed with any other.
	After  After
	Ledger Ledger

	Poll      time.Duration // a look for new mail at least so often, IDLE or not; default 5 min
	IdleRenew time.Duration // IDLE is ended and begun again after it; default 9 min, below the 10 that NAT boxes grant
	Timeout   time.Duration // for the server's answer to one command, and for each mail of a FETCH; default 1 min

	MaxMessageBytes int // of one mail; default MaxMessageBytes
	BatchMessages   int // mails handed over at once; default 50
	BatchBytes      int // of one batch at most, so that it holds BatchBytes/MaxMessageBytes mails; default 16 MiB

	RetryMin      time.Duration // before the first new try after a failure, then doubled; default 1 s
	RetryMax      time.Duration // the longest wait between tries; default 5 min
	LoginRetryMin time.Duration // RetryMin after a login that was refused: accounts are locked for trying; default 5 min
	LoginRetryMax time.Duration // default 1 h

	Log *slog.Logger // default: none
}

// Mailbox reads one folder of one IMAP account and never alters it, unless After
// says so: the folder is opened with EXAMINE (RFC 3501 section 6.3.2) and bodies are read with
// BODY.PEEK. It is safe for use by several goroutines; each Watch and each Once
// has a connection of its own.
type Mailbox struct {
	opts MailboxOptions
	host string // of Server, for the certificate

	answerBytes int64 // that one answer may have; see maxAnswerBytes
}

// Batch is some mails that were read, and how far the folder has been read
// with them.
type Batch struct {
	Messages []Message // one or more, in ascending order of UID
	Position Position  // to be stored in one transaction with what the messages said; below them with NewestFirst
}

// MailboxState is how reading a mailbox stands.
type MailboxState struct {
	Connected     bool      // logged in, and the folder is open
	Since         time.Time // since when Connected is as it is, UTC
	LastRoundTrip time.Time // when the server last answered a command in full, UTC; zero: not yet
	LastErr       error     // why the last try failed; nil after a round that went well. One line that says what to do
	Position      Position  // up to here everything has been handed over
	Behind        int       // mails that the server has above Position, as far as known
	// AfterErr is why After could not be done with mails that were read; nil if it
	// could. Reading goes on meanwhile, and it is tried again. One line that says what to do.
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

// batchSize is how many mails are read at once: so many that all of them may
// be huge without a batch growing over BatchBytes.
func (m *Mailbox) batchSize() int {
	return max(1, min(m.opts.BatchMessages, m.opts.BatchBytes/m.opts.MaxMessageBytes))
}

// Watch reads every mail above start, hands it over, and goes on with new mail
// as it comes, until ctx ends; it returns ctx's error and no other.
//
// handle is given the batches one after the other, in ascending order of UID,
// and commits the content and the position of a batch in one transaction.
// Only once it has returned nil does Watch go beyond the batch. After an error
// the same mails are read and handed over again, later: so no mail is passed
// over, and one that was committed does not come again. If the folder's
// UIDVALIDITY is not that of start, the UIDs of start mean nothing any more
// (RFC 3501 section 2.3.1.1) and everything is read again from the beginning:
// who receives it tells the same mail by its content.
//
// state, if not nil, is told whenever the state changes, and after every look
// for new mail. Both functions are called by the goroutine of Watch, so they
// hold up this mailbox while they run, and nothing else.
//
// Failures are logged, reported and tried again with growing delay (see
// MailboxOptions); none of them ends Watch.
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

// Once reads every mail above start, hands it over as Watch does, and returns
// nil at the end of the folder. It returns the first error, without trying
// again, but for a mail that cannot be read: for that it connects anew a few
// times, and sets it aside as Watch does.
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
