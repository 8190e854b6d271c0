package probes

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Defaults of [ReceiverOptions]. RFC 5321 section 4.5.3.2 asks a client to wait five minutes
// for a greeting, so that its mail gets through. We have no mail, and a receiver that makes us
// wait so long tells us nothing.
const (
	DefaultVisit = 2 * time.Minute
	DefaultReply = 45 * time.Second
	// goodbye is how long to wait for the answer to QUIT: the visit is over anyway.
	goodbye = 5 * time.Second
)

// Why a visit has no answer to judge, besides [ErrTimeout], [ErrUnreachable] and [ErrTLS]. None
// of these says anything about how the server would treat our mail.
var (
	// ErrNotOurs: the address to connect from is not one of this machine, or is of another
	// family than the server's. Trying again helps once the machine has it.
	ErrNotOurs = errors.New("address not on this machine")
	// ErrProxy: the SOCKS5 proxy cannot be reached, or does not let us through. Trying again may help.
	ErrProxy = errors.New("proxy does not connect")
	// ErrCut: the connection ended before the reply did. Trying again may help.
	ErrCut = errors.New("connection closed before the reply ended")
	// ErrNotSMTP: what the server says is not a reply (RFC 5321 section 4.2). Trying again seldom helps.
	ErrNotSMTP = errors.New("not an SMTP reply")
	// ErrEndless: the server says more than any reply needs. Trying again does not help.
	ErrEndless = errors.New("reply without an end")
	// ErrCommand: what we were asked to say does not fit into one command of SMTP. Trying again never helps.
	ErrCommand = errors.New("cannot be said in SMTP")
)

// ReceiverOptions say from where receivers are visited, and how patiently.
type ReceiverOptions struct {
	// Helo is what we call ourselves (RFC 5321 section 4.1.1.1): a host name, or an address literal in brackets.
	Helo string
	// From is the address to connect from; the zero value lets the system choose. With a proxy
	// it is where the connection to the proxy comes from.
	From netip.Addr
	// Proxy is a SOCKS5 proxy (RFC 1928) to connect through; the zero value is none.
	Proxy SOCKS5
	// Visit bounds a whole conversation, Reply the wait for one reply; 0 means the default.
	Visit, Reply time.Duration
	// Roots are who may sign certificates; nil: whom the system trusts.
	Roots *x509.CertPool
	Log   *slog.Logger // nil: none
}

// SOCKS5 is a proxy, and the login at it.
type SOCKS5 struct {
	Server   string // host:port; empty: no proxy
	User     string // empty: no login (RFC 1929)
	Password func() string
}

// Receiver visits SMTP servers: it connects, reads the greeting, says EHLO, on request
// STARTTLS, MAIL FROM and RCPT TO, and leaves with RSET and QUIT. It has no word for DATA or
// BDAT (see verb), so that it cannot send a message. It keeps nothing between visits, and is
// safe for concurrent use.
type Receiver struct {
	opts ReceiverOptions
}

// NewReceiver checks the options. It connects to nothing. The error wraps [ErrCommand].
func NewReceiver(opts ReceiverOptions) (*Receiver, error) {
	if !validHelo(opts.Helo) {
		return nil, fmt.Errorf("EHLO name %q %w: give a host name such as \"mx1.example.org\"", opts.Helo, ErrCommand)
	}
	opts.From = opts.From.Unmap()
	opts.Visit, opts.Reply = positive(opts.Visit, DefaultVisit), positive(opts.Reply, DefaultReply)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Receiver{opts}, nil
}

// Door is one server to visit, and what to ask it.
type Door struct {
	Host string         // its name, for the certificate; may be empty
	Addr netip.AddrPort // where it listens
	// StartTLS asks for STARTTLS (RFC 3207) where the server offers it; the rest is said inside TLS.
	StartTLS bool
	// Envelopes are asked about one after another, each ended with RSET. Without any, the visit
	// ends after EHLO.
	Envelopes []Envelope
}

// Envelope is a sender and recipients: the server is asked whether it would accept them. No
// mail follows.
type Envelope struct {
	Sender     string   // between the angle brackets of MAIL FROM; empty is the null sender
	Recipients []string // between those of RCPT TO: "postmaster@example.net", "@mx.example.org:kim@example.net"
}

// Stage is how far a conversation has got.
type Stage string

const (
	StageConnect  Stage = "connect"
	StageGreeting Stage = "greeting"
	StageEHLO     Stage = "ehlo"
	StageStartTLS Stage = "starttls"
	StageMail     Stage = "mail"
	StageRcpt     Stage = "rcpt"
	StageDone     Stage = "done" // everything was asked and answered
)

// Reply is one reply (RFC 5321 section 4.2).
type Reply struct {
	Code  int      // 200 to 599; 0: there was none
	Lines []string // text of each line, without the code; untrusted
}

// Positive says whether the reply is a positive completion (2yz, RFC 5321 section 4.2.1).
func (r Reply) Positive() bool { return r.Code/100 == 2 }

// String returns the reply as one line, as MTAs log it: "554 5.7.1 refused see https://example.net/".
func (r Reply) String() string {
	if r.Code == 0 {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%03d %s", r.Code, strings.Join(r.Lines, " ")))
}

// Asked is what a server answered to one envelope.
type Asked struct {
	Envelope Envelope
	Mail     Reply
	Rcpts    []Reply // one for each recipient, in order; fewer if the conversation ended before
}

// Said is one line of a conversation, without its line break.
type Said struct {
	Ours  bool          // we said it
	Text  string        // literal; theirs is untrusted
	After time.Duration // since the visit began
}

// Visit is what came of one conversation.
type Visit struct {
	Door  Door
	From  netip.Addr // address that the connection came from; invalid if there was none, or with a proxy
	Via   string     // proxy; empty: none
	Began time.Time
	Took  time.Duration

	Stage    Stage // at which it ended
	Err      error // why it ended early; nil: a reply ended it, or everything was said
	Greeting Reply
	EHLO     Reply    // to the last EHLO, or to HELO if the server knows only that
	Offers   []string // extensions, the keywords of the last EHLO; inside TLS, STARTTLS is no longer among them
	StartTLS Reply
	TLS      *TLS // nil: no handshake came to an end
	Asked    []Asked
	// Closing says that the server replied 421: it is busy, or has had enough of us (RFC 5321 section 3.8).
	Closing bool
	// Transcript is everything that was said, in order.
	Transcript []Said
}

// Last returns the last reply before RSET and QUIT, which is the one that ended the
// conversation if any did.
func (v Visit) Last() Reply {
	last := v.Greeting
	for _, r := range []Reply{v.EHLO, v.StartTLS} {
		if r.Code != 0 {
			last = r
		}
	}
	for _, a := range v.Asked {
		for _, r := range append([]Reply{a.Mail}, a.Rcpts...) {
			if r.Code != 0 {
				last = r
			}
		}
	}
	return last
}

// Offer says whether the server offered an extension (RFC 5321 section 4.1.1.1), whose keyword
// may be in any case.
func (v Visit) Offer(keyword string) bool {
	return slices.ContainsFunc(v.Offers, func(o string) bool { return strings.EqualFold(o, keyword) })
}

// Visit has one conversation. It returns within ReceiverOptions.Visit, and at once when ctx
// ends. A reply that says no is a result and not an error.
func (r *Receiver) Visit(ctx context.Context, d Door) Visit {
	v := Visit{Door: d, Via: r.opts.Proxy.Server, Began: time.Now().UTC(), Stage: StageConnect}
	deadline := v.Began.Add(r.opts.Visit)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if err := r.converse(ctx, &v, deadline); err != nil {
		// The end of ctx closes the connection, which looks as if the server had.
		switch ended := ctx.Err(); {
		case errors.Is(ended, context.Canceled):
			err = ended
		case ended != nil && errors.Is(err, ErrCut):
			err = ErrTimeout
		}
		v.Err = fmt.Errorf("%s at %s: %w", v.Stage, d, err)
	}
	v.Took = time.Since(v.Began)
	r.opts.Log.LogAttrs(ctx, slog.LevelDebug, "receiver visited", slog.String("server", d.String()), slog.String("from", v.From.String()),
		slog.String("stage", string(v.Stage)), slog.Int("reply", v.Last().Code), slog.Duration("took", v.Took), slog.Any("err", v.Err))
	return v
}

// String returns the server as evidence shows it: "mx.example.net[192.0.2.25]:25".
func (d Door) String() string {
	if d.Host == "" {
		return d.Addr.String()
	}
	return fmt.Sprintf("%s[%s]:%d", d.Host, d.Addr.Addr(), d.Addr.Port())
}
