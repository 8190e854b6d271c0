package probes

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"
)

// Defaults of [ReceiverOptions]. RFC 5321 section 4.5.3.2 asks a client to wait five minutes for a greeting, so that
// its mail gets through; we have no mail, and a receiver that makes us wait so long tells nothing.
const (
	DefaultVisit = 2 * time.Minute
	DefaultReply = 45 * time.Second
	// goodbye is how long the answer to QUIT is waited for: the visit is over anyway.
	goodbye = 5 * time.Second
)

// What a visit ends in when there is no answer to judge, besides [ErrTimeout] and [ErrUnreachable]. None says
// anything about how the server would treat our mail.
var (
	// ErrNotOurs: the address to connect from is not one of this machine, or of another family than
	// the server's. Trying again helps once the machine has it.
	ErrNotOurs = errors.New("address not on this machine")
	// ErrProxy: the SOCKS5 proxy is not there, or does not let us through. Trying again may help.
	ErrProxy = errors.New("proxy does not connect")
	// ErrCut: the connection ended before the reply did. Trying again may help.
	ErrCut = errors.New("connection closed before the reply ended")
	// ErrNotSMTP: what it says is no reply of RFC 5321 section 4.2. Trying again seldom helps.
	ErrNotSMTP = errors.New("not an SMTP reply")
	// ErrEndless: a reply is longer than anybody needs. Trying again does not help.
	ErrEndless = errors.New("reply without an end")
	// ErrCommand: what we were to say cannot be said in one line of SMTP. Trying again never helps.
	ErrCommand = errors.New("cannot be said in SMTP")
)

// ReceiverOptions are from where receivers are visited, and how patiently.
type ReceiverOptions struct {
	// Helo is what we call ourselves (RFC 5321 section 4.1.1.1): a host name, or an address literal in brackets.
	Helo string
	// From is the address to connect from; the zero value lets the system choose. Behind
	// a proxy it is that of the connection to the proxy.
	From netip.Addr
	// Proxy is a SOCKS5 proxy (RFC 1928) to connect through; the zero value is none.
	Proxy SOCKS5
	// Visit bounds a whole conversation, Reply the wait for one reply; 0 means the defaults.
	Visit, Reply time.Duration
	// Roots are who may sign certificates; nil: whom the system trusts.
	Roots *x509.CertPool
	Log   *slog.Logger // nil: none
}

// SOCKS5 is a proxy and how it is logged in to.
type SOCKS5 struct {
	Server   string // host:port; empty: no proxy
	User     string // empty: no login (RFC 1929)
	Password func() string
}

// Receiver visits SMTP servers: it connects, reads the greeting, says EHLO, on request STARTTLS, MAIL FROM and RCPT
// TO, and takes leave with RSET and QUIT. It has no word for DATA or BDAT ([verb]), so that no message can
// be sent. It keeps nothing between visits and may be used from several goroutines.
type Receiver struct {
	opts ReceiverOptions
}

// NewReceiver checks the options. It connects to nothing. The error wraps [ErrCommand].
func NewReceiver(opts ReceiverOptions) (*Receiver, error) {
	if !validHelo(opts.Helo) {
		return nil, fmt.Errorf("EHLO name %q %w: give a host name such as \"mx1.example.org\"", opts.Helo, ErrCommand)
	}
	opts.Visit = cmp.Or(max(opts.Visit, 0), DefaultVisit)
	opts.Reply = cmp.Or(max(opts.Reply, 0), DefaultReply)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Receiver{opts}, nil
}

// Door is one server to visit, and what to ask it.
type Door struct {
	Host string         // its name, for the certificate; may be empty
	Addr netip.AddrPort // where it listens
	// StartTLS asks for STARTTLS (RFC 3207) where it is offered; what follows is said inside.
	StartTLS bool
	// Envelopes are asked for one after another, each ended with RSET: none, and the visit ends with EHLO.
	Envelopes []Envelope
}

// Envelope is a sender and recipients that a server is asked whether it would take. No mail follows.
type Envelope struct {
	Sender     string   // between the angle brackets of MAIL FROM; empty is the null sender
	Recipients []string // between those of RCPT TO: "postmaster@example.net", "@mx.example.org:kim@example.net"
}

// Stage is how far a conversation has come.
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

// Positive says whether it is a positive completion (2yz).
func (r Reply) Positive() bool { return r.Code/100 == 2 }

// String is the reply as one line, as MTAs log it: "554 5.7.1 refused see https://example.net/".
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
	Rcpts    []Reply // one for each recipient that was named; fewer where the conversation ended
}

// Said is one line of a conversation, without its end.
type Said struct {
	Ours  bool   // we said it
	Text  string // literal; theirs is untrusted
	After time.Duration
}

// Visit is what came of one conversation.
type Visit struct {
	Door  Door
	From  netip.Addr // address that the connection left from; invalid if there was none, or behind a proxy
	Via   string     // proxy; empty: none
	Began time.Time
	Took  time.Duration

	Stage    Stage // at which it ended
	Err      error // why it ended early; nil: because of a reply, or because all was said
	Greeting Reply
	EHLO     Reply    // to the last EHLO, or HELO where the server knows no other
	Offers   []string // keywords of the last EHLO; inside TLS there is no STARTTLS any more
	StartTLS Reply
	TLS      *TLS // nil: none
	Asked    []Asked
	// Closing says that the server told us 421: it is busy, or has enough of us (RFC 5321 section 3.8).
	Closing bool
	// Transcript is all that was said, in order.
	Transcript []Said
}

// Last is the reply that ended the conversation, or the last there was.
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

// Offer says whether an extension was offered, by its keyword (RFC 5321 section 4.1.1.1) in any case.
func (v Visit) Offer(keyword string) bool {
	for _, o := range v.Offers {
		if strings.EqualFold(o, keyword) {
			return true
		}
	}
	return false
}

// Visit has one conversation. It always returns: within ReceiverOptions.Visit, or at once when ctx ends. A reply that
// says no is a result and no error.
func (r *Receiver) Visit(ctx context.Context, d Door) Visit {
	v := Visit{Door: d, Via: r.opts.Proxy.Server, Began: time.Now().UTC(), Stage: StageConnect}
	deadline := v.Began.Add(r.opts.Visit)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if err := r.converse(ctx, &v, deadline); err != nil {
		v.Err = fmt.Errorf("%s at %s: %w", v.Stage, d, err)
		if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) {
			v.Err = fmt.Errorf("%s at %s: %w", v.Stage, d, cause)
		}
	}
	v.Took = time.Since(v.Began)
	r.opts.Log.LogAttrs(ctx, slog.LevelDebug, "receiver visited", slog.String("server", d.String()), slog.String("from", v.From.String()),
		slog.String("stage", string(v.Stage)), slog.Int("reply", v.Last().Code), slog.Duration("took", v.Took), slog.Any("err", v.Err))
	return v
}

// String is the server as evidence shows it: "mx.example.net[192.0.2.25]:25".
func (d Door) String() string {
	if d.Host == "" {
		return d.Addr.String()
	}
	return fmt.Sprintf("%s[%s]:%d", d.Host, d.Addr.Addr(), d.Addr.Port())
}
