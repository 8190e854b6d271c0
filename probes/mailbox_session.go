package probes

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Steps of a session, as errors name them.
const (
	stepConnect  = "connect"
	stepTLS      = "TLS"
	stepGreeting = "greeting"
	stepLogin    = "login"
	stepExamine  = "EXAMINE"
	stepSearch   = "SEARCH"
	stepFetch    = "FETCH"
	stepIdle     = "IDLE"
	stepStore    = "store"
)

// maxAnswerBytes is how much the server may send in answer to one command, besides a mail:
// enough for a SEARCH over some million mails. The library itself would collect a line without
// end.
const maxAnswerBytes = 64 << 20

// errFlood: the server has sent more.
var errFlood = errors.New("more bytes than any answer should have")

// session is one connection, logged in. It is for one goroutine.
//
// The library knows no contexts, and waits for a silent server for ever. So every command runs
// in [session.within], which closes the connection when the time is up, and the end of the
// context closes it too: without its connection the library gives up whatever it waits for.
type session struct {
	m        *Mailbox
	wire     *meter
	client   *imapclient.Client
	caps     imap.CapSet // after the login
	keeps    []imap.Flag // PERMANENTFLAGS of the folder (RFC 3501 section 7.1)
	canIdle  bool
	messages uint32        // in the folder when it was opened
	uidNext  uint32        // of the folder's next mail then; 0: the server did not say
	news     chan struct{} // holds one token once the server has reported new mail
	timer    *time.Timer   // of the command that is running
	late     atomic.Bool   // the timer has closed the connection
	release  func() bool   // ends the wait for the context
	answered time.Time     // when the last command succeeded
}

// open opens a connection, secures it and logs in, with the access token if it is not empty. The
// caller closes the session.
func (m *Mailbox) open(ctx context.Context, token string) (_ *session, err error) {
	dialer := net.Dialer{Timeout: m.opts.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", m.opts.Server)
	if err != nil {
		return nil, m.failure(ctx, stepConnect, err, false)
	}
	s := &session{m: m, wire: &meter{Conn: conn}, news: make(chan struct{}, 1)}
	s.release = context.AfterFunc(ctx, func() { conn.Close() })
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := s.within(ctx, stepTLS, func() error { return s.secure(ctx) }); err != nil {
		return nil, err
	}
	if err := s.within(ctx, stepGreeting, s.greeting); err != nil {
		return nil, err
	}
	if s.client.State() != imap.ConnStateAuthenticated { // PREAUTH, RFC 3501 section 7.1.4
		if err := s.within(ctx, stepLogin, func() error { return s.login(token) }); err != nil {
			return nil, err
		}
	}
	err = s.within(ctx, "CAPABILITY", func() error {
		// The library may still hold the capabilities from before the login, among which
		// servers do not list IDLE.
		caps, err := s.client.Capability().Wait()
		if err == nil && caps == nil {
			caps = s.client.Caps()
		}
		s.caps = caps
		s.canIdle = caps.Has(imap.CapIdle)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// secure makes the client on top of the connection, with TLS unless the options say otherwise.
func (s *session) secure(ctx context.Context) (err error) {
	options := &imapclient.Options{
		TLSConfig: &tls.Config{
			ServerName: s.m.host,
			RootCAs:    s.m.opts.RootCAs,
			NextProtos: []string{"imap"}, // ALPN (RFC 7301): the server of another protocol is not taken for ours
			MinVersion: tls.VersionTLS12, // RFC 8314 section 4.1
		},
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{
			// No command may be sent from here, and nothing may wait.
			Mailbox: func(data *imapclient.UnilateralDataMailbox) {
				if data.NumMessages != nil {
					select {
					case s.news <- struct{}{}:
					default:
					}
				}
			},
			// An answer to FETCH that the library cannot assign to a command. Without this it
			// would go on reading a literal that was cut off; see fetchSet.
			Fetch: func(data *imapclient.FetchMessageData) { _, _, _ = s.message(data, 0) },
		},
	}
	switch s.m.opts.TLS {
	case TLSStart:
		s.client, err = imapclient.NewStartTLS(s.wire, options)
		return err
	case TLSNone:
		s.client = imapclient.New(emptyAnswer{s.wire}, options)
		return nil
	default:
		conn := tls.Client(s.wire, options.TLSConfig)
		if err := conn.HandshakeContext(ctx); err != nil {
			return err
		}
		s.client = imapclient.New(emptyAnswer{conn}, options)
		return nil
	}
}

// greeting waits for the server's first line. When that is a BYE and the connection ends after
// it, the library returns one of the two at random, each time anew. Only the first says why we
// are turned away, so that the library is asked until it returns that.
func (s *session) greeting() (err error) {
	for range 20 {
		err = s.client.WaitGreeting()
		if _, no := errors.AsType[*imap.Error](err); err == nil || no {
			return err
		}
	}
	return err
}

// close closes the connection and waits for the library's reader.
func (s *session) close() {
	s.release()
	_ = s.wire.Close()
	if s.client != nil {
		_ = s.client.Close()
	}
}

// logout says good-bye, if the server listens.
func (s *session) logout(ctx context.Context) {
	_ = s.within(ctx, "LOGOUT", func() error { return s.client.Logout().Wait() })
}

// within runs one command within MailboxOptions.Timeout.
func (s *session) within(ctx context.Context, step string, command func() error) error {
	s.timer = time.AfterFunc(s.m.opts.Timeout, func() {
		s.late.Store(true)
		_ = s.wire.Close() // not the client's Close, which waits, also for us
	})
	s.wire.allow(s.m.answerBytes)
	err := command()
	s.timer.Stop()
	if err == nil {
		s.answered = time.Now().UTC()
		return nil
	}
	if s.wire.flooded.Load() {
		err = errFlood
	}
	return s.m.failure(ctx, step, err, s.late.Load())
}

// progress gives the running command the whole time again, because a part of its answer has come.
func (s *session) progress() {
	s.wire.allow(s.m.answerBytes)
	if !s.late.Load() {
		s.timer.Reset(s.m.opts.Timeout)
	}
}

// examine opens the folder, or opens it again, and returns its UIDVALIDITY. It is opened
// read-only unless something is to be done with its mails. Every look for new mail begins with
// it: a NOOP would not reveal that the folder was deleted and created again meanwhile, and
// STATUS is not for the folder that is open (RFC 3501 section 6.3.10).
func (s *session) examine(ctx context.Context) (validity uint32, err error) {
	select {
	case <-s.news: // the SEARCH that follows finds the mail
	default:
	}
	err = s.within(ctx, stepExamine, func() error {
		data, err := s.client.Select(s.m.opts.Folder, &imap.SelectOptions{ReadOnly: s.m.opts.After.Do == AfterKeep}).Wait()
		if data != nil {
			validity, s.keeps = data.UIDValidity, data.PermanentFlags
			s.messages, s.uidNext = data.NumMessages, uint32(data.UIDNext)
		}
		return err
	})
	if known, ok := errors.AsType[*MailboxError](err); ok && known.Kind == ErrFolder {
		known.Hint += s.folders(ctx)
	}
	if err == nil && validity == 0 {
		err = &MailboxError{Mailbox: s.m.opts.Name, Server: s.m.opts.Server, Step: stepExamine, Kind: ErrFolder,
			Err:  errors.New("no UIDVALIDITY came, so that no mail can be told from another"),
			Hint: "use another folder or server"}
	}
	return validity, err
}

// folders names the first few folders of the account, for whoever has mistyped one; empty if
// the server does not say.
func (s *session) folders(ctx context.Context) string {
	const most = 8
	var names []string
	err := s.within(ctx, "LIST", func() error {
		list := s.client.List("", "*", nil)
		for data := list.Next(); data != nil; data = list.Next() {
			if len(names) <= most && !slices.Contains(data.Attrs, imap.MailboxAttrNoSelect) {
				names = append(names, strconv.Quote(oneLine(data.Mailbox)))
			}
			s.progress()
		}
		return list.Close()
	})
	if err != nil || len(names) == 0 {
		return ""
	}
	if len(names) > most {
		names[most] = "…"
	}
	return "; there are " + strings.Join(names, ", ")
}

// wait returns nil as soon as the server reports new mail, by IDLE (RFC 2177) if it can, and
// after limit at the latest.
func (s *session) wait(ctx context.Context, limit time.Duration) error {
	for end := time.Now().Add(limit); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if !s.canIdle {
			_, err := s.sleep(ctx, left)
			return err
		}
		news, err := s.idle(ctx, min(left, s.m.opts.IdleRenew))
		if news || err != nil {
			return err
		}
	}
}

// idle runs one IDLE for at most limit, and says whether there is news.
func (s *session) idle(ctx context.Context, limit time.Duration) (news bool, err error) {
	var idle *imapclient.IdleCommand
	err = s.within(ctx, stepIdle, func() (err error) {
		idle, err = s.client.Idle()
		if _, no := errors.AsType[*imap.Error](err); no {
			s.canIdle = false // it was offered and is refused: poll
			return nil
		}
		return err
	})
	if idle == nil || err != nil {
		return false, err
	}
	news, gone := s.sleep(ctx, limit)
	err = s.within(ctx, stepIdle, func() error {
		if err := idle.Close(); err != nil {
			return err
		}
		return idle.Wait()
	})
	if gone != nil {
		err = gone
	}
	return news, err
}

// sleep waits for news, for the end of the connection, or until limit has passed.
func (s *session) sleep(ctx context.Context, limit time.Duration) (news bool, err error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.news:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-s.client.Closed():
		return false, s.m.failure(ctx, stepIdle, errors.New("connection closed while waiting for mail"), false)
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// meter is a connection on which no more bytes are read than were allowed.
type meter struct {
	net.Conn
	left    atomic.Int64
	flooded atomic.Bool
}

func (c *meter) allow(n int64) { c.left.Store(n) }

func (c *meter) Read(p []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 {
		c.flooded.Store(true)
		return 0, errFlood
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), left)])
	c.left.Add(-int64(n))
	return n, err
}
