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

// maxAnswerBytes is how much may come in answer to one command, besides a mail:
// room for a SEARCH over some million mails. The library collects a line
// without end.
const maxAnswerBytes = 64 << 20

// errFlood: more than that came.
var errFlood = errors.New("more bytes than any answer should have")

// session is one connection, logged in. It is used by one goroutine.
//
// The library knows no context and waits for ever for a server that is silent.
// So every command runs in [session.within], which closes the connection when
// time is up, and another closer waits for the context: with the connection
// gone the library gives up whatever it waits for.
type session struct {
	m        *Mailbox
	wire     *meter
	client   *imapclient.Client
	caps     imap.CapSet // after the login
	keeps    []imap.Flag // PERMANENTFLAGS of the folder (RFC 3501 section 7.1)
	canIdle  bool
	messages uint32        // in the folder as it was opened, and
	uidNext  uint32        // of its next mail; 0: not told
	news     chan struct{} // holds one token once the server has spoken of new mail
	timer    *time.Timer   // of the command that runs
	late     atomic.Bool   // the timer has closed the connection
	release  func() bool   // ends the wait for the context
	answered time.Time     // when the last command ended well
}

// open opens a connection, secures it and logs in, with the access token if
// OAuth is used. The caller closes it.
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
		// Asked anew: right after the login the library may still hold the
		// list of before, in which servers leave out IDLE.
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

// secure makes the client over the connection, by way of TLS unless told not to.
func (s *session) secure(ctx context.Context) (err error) {
	options := &imapclient.Options{
		TLSConfig: &tls.Config{
			ServerName: s.m.host,
			RootCAs:    s.m.opts.RootCAs,
			NextProtos: []string{"imap"}, // RFC 7301's register; no other protocol's server passes for ours
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
			// An answer to FETCH that the library cannot place. Without this it would
			// read on in a literal that was cut; see fetchSet.
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

// greeting waits for the server's first line. When that is a BYE and the end of
// the connection follows, the library gives one of the two by chance; only the
// first says why we are turned away, so it is asked until it gives that.
func (s *session) greeting() (err error) {
	for range 20 {
		err = s.client.WaitGreeting()
		if no := (*imap.Error)(nil); err == nil || errors.As(err, &no) {
			return err
		}
	}
	return err
}

// close breaks the connection and waits for the library's reader.
func (s *session) close() {
	s.release()
	_ = s.wire.Close()
	if s.client != nil {
		_ = s.client.Close()
	}
}

// logout says good-bye, as far as the server listens.
func (s *session) logout(ctx context.Context) {
	_ = s.within(ctx, "LOGOUT", func() error { return s.client.Logout().Wait() })
}

// within runs one command and gives it the time of one.
func (s *session) within(ctx context.Context, step string, command func() error) error {
	s.timer = time.AfterFunc(s.m.opts.Timeout, func() {
		s.late.Store(true)
		_ = s.wire.Close() // not the client's Close: that waits, for us too
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

// progress gives the running command its time anew: a mail of a FETCH is here.
func (s *session) progress() {
	s.wire.allow(s.m.answerBytes)
	if !s.late.Load() {
		s.timer.Reset(s.m.opts.Timeout)
	}
}

// examine opens the folder, to read only unless something is to be done with
// its mails, or opens it again, and gives its UIDVALIDITY. Every look for new mail begins with it: a NOOP would not tell
// of a folder that was deleted and made anew under our feet, and STATUS is not
// for the folder that is open (RFC 3501 section 6.3.10).
func (s *session) examine(ctx context.Context) (validity uint32, err error) {
	select {
	case <-s.news: // what it was about is found by the SEARCH that follows
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
	if known := (*MailboxError)(nil); errors.As(err, &known) && known.Kind == ErrFolder {
		known.Hint += s.folders(ctx)
	}
	if err == nil && validity == 0 {
		err = &MailboxError{Mailbox: s.m.opts.Name, Server: s.m.opts.Server, Step: stepExamine, Kind: ErrFolder,
			Err:  errors.New("no UIDVALIDITY came, so that no mail can be told from another"),
			Hint: "use another folder or server"}
	}
	return validity, err
}

// folders are the first few that there are, for whoever has mistyped one; empty
// if the server does not say.
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

// wait returns nil as soon as the server speaks of new mail, by IDLE (RFC 2177)
// where it can, and after limit at the latest.
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

// idle runs one IDLE for at most limit, and says whether there are news.
func (s *session) idle(ctx context.Context, limit time.Duration) (news bool, err error) {
	var idle *imapclient.IdleCommand
	err = s.within(ctx, stepIdle, func() (err error) {
		idle, err = s.client.Idle()
		if no := (*imap.Error)(nil); errors.As(err, &no) {
			s.canIdle = false // offered and refused: poll
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

// sleep waits for news, the end of the connection, or limit.
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

// meter is a connection on which no more bytes come than were allowed.
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
