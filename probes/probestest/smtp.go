package probestest

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// SMTPMode is how an [SMTP] behaves or misbehaves.
type SMTPMode string

const (
	// SMTPAccept greets with 220 and says yes to everything. It is the mode of the zero value.
	SMTPAccept SMTPMode = ""

	// Servers that say no, or not now.
	SMTPRefuse   SMTPMode = "refuse"   // greets with Reply, by default with what a Cisco gateway says to a sender of poor reputation
	SMTPBusy     SMTPMode = "busy"     // greets with 421
	SMTPGreylist SMTPMode = "greylist" // 450 to every RCPT
	SMTPListed   SMTPMode = "listed"   // Reply to every RCPT, by default saying that SpamCop lists 192.0.2.10

	// Servers that do not come to the point.
	SMTPTarpit  SMTPMode = "tarpit"  // says nothing at all
	SMTPDrip    SMTPMode = "drip"    // one octet at each tick of Drip
	SMTPEndless SMTPMode = "endless" // a greeting of ever more lines
	SMTPLong    SMTPMode = "long"    // a greeting of one line without an end

	// Servers that are none.
	SMTPReset   SMTPMode = "reset"   // RST after the connection
	SMTPClose   SMTPMode = "close"   // closes after the connection
	SMTPCut     SMTPMode = "cut"     // RST after CutAt octets were sent
	SMTPGarbage SMTPMode = "garbage" // another protocol
	SMTPPix     SMTPMode = "pix"     // a firewall that overwrites the greeting and EHLO (Cisco PIX "fixup")
)

// TalosRefusal is how a Cisco gateway greets an address of poor reputation, names and addresses replaced.
const TalosRefusal = "554-mx.example.net\r\n554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means."

// SpamCopRefusal is how a receiver that asks SpamCop answers RCPT.
const SpamCopRefusal = "550 5.7.1 Service unavailable; client [192.0.2.10] blocked using bl.spamcop.net; Blocked - see https://www.spamcop.net/bl.shtml?192.0.2.10"

// SMTPOptions say how an [SMTP] behaves at first. The zero value accepts everything on 127.0.0.1.
type SMTPOptions struct {
	Address string // to listen on; default 127.0.0.1
	Name    string // what it greets as; default mx.example.net
	Mode    SMTPMode
	Reply   string // of SMTPRefuse and SMTPListed, lines with CRLF between; default TalosRefusal and SpamCopRefusal
	// OnlyFrom are addresses that are refused, as by SMTPRefuse, while others are accepted; none:
	// Mode is for all.
	OnlyFrom []netip.Addr
	// Relay are the domains that the server takes mail for; none: any.
	Relay []string
	// Fooled says which recipients the server wrongly takes for its own; nil: none.
	Fooled func(path string) bool
	// NoSuch are mailboxes of its domains that do not exist: "abuse@example.org".
	NoSuch []string
	// Takes lets the server take mail, which it counts and throws away; false: it answers DATA
	// with 503.
	Takes bool
	// Certificate is for STARTTLS; nil: that is not offered.
	Certificate *tls.Certificate
	CutAt       int              // for SMTPCut
	Drip        <-chan time.Time // for SMTPDrip
}

// SMTP is an SMTP server on the loopback. Unless SMTPOptions.Takes says otherwise it takes no
// mail: it answers DATA with 503, and remembers it. All methods may be called at any time from
// any goroutine.
type SMTP struct {
	ln      net.Listener
	serving sync.WaitGroup
	ctx     context.Context
	stop    context.CancelFunc

	mu       sync.Mutex
	opts     SMTPOptions
	commands []string
	visits   int
	taken    int
	most     int // conversations at once
	now      int
}

// StartSMTP starts a server. The caller closes it.
func StartSMTP(opts SMTPOptions) (*SMTP, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(opts.Address, "127.0.0.1"), "0"))
	if err != nil {
		return nil, fmt.Errorf("start SMTP on the loopback: %w", err)
	}
	s := &SMTP{ln: ln, opts: opts}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.serving.Go(func() { s.serve(conn) })
		}
	})
	return s, nil
}

// StartDoor is [StartSMTP] for tests of receivers that are knocked at: t is a testing.TB. The
// server is closed when the test ends, and the test fails if anybody has handed it a message.
func StartDoor(t tb, opts SMTPOptions) *SMTP {
	t.Helper()
	s, err := StartSMTP(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if m := s.Messages(); len(m) > 0 {
			t.Errorf("a receiver was handed a message: %q", m)
		}
	})
	return s
}

// Close ends all conversations. Closing twice does no harm.
func (s *SMTP) Close() {
	s.stop()
	s.ln.Close()
	s.serving.Wait()
}

// Addr is where it listens.
func (s *SMTP) Addr() netip.AddrPort { return s.ln.Addr().(*net.TCPAddr).AddrPort() }

// Set changes how the server behaves towards those who come from now on.
func (s *SMTP) Set(change func(*SMTPOptions)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.opts)
}

// Commands returns all lines that the server was told, in order.
func (s *SMTP) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

// Visits returns how many connections there were.
func (s *SMTP) Visits() int { s.mu.Lock(); defer s.mu.Unlock(); return s.visits }

// AtOnce returns how many connections there were at the same time at most.
func (s *SMTP) AtOnce() int { s.mu.Lock(); defer s.mu.Unlock(); return s.most }

// Taken returns how many mails the server has taken.
func (s *SMTP) Taken() int { s.mu.Lock(); defer s.mu.Unlock(); return s.taken }

// Messages returns the lines that would hand over a message: there should be none.
func (s *SMTP) Messages() (all []string) {
	for _, c := range s.Commands() {
		if verb, _, _ := strings.Cut(strings.ToUpper(c), " "); verb == "DATA" || verb == "BDAT" {
			all = append(all, c)
		}
	}
	return all
}

func (s *SMTP) serve(conn net.Conn) {
	defer context.AfterFunc(s.ctx, func() { conn.Close() })()
	defer conn.Close()
	s.mu.Lock()
	opts := s.opts
	s.visits++
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	gone := sync.OnceFunc(func() { s.mu.Lock(); s.now--; s.mu.Unlock() })
	defer gone()
	name := cmp.Or(opts.Name, "mx.example.net")
	c := &smtpConn{s: s, opts: opts, conn: conn, name: name, cut: -1, gone: gone}
	from, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
	mode := opts.Mode
	if len(opts.OnlyFrom) > 0 {
		mode = SMTPAccept
		if slices.Contains(opts.OnlyFrom, from.Addr().Unmap()) {
			mode = SMTPRefuse
		}
	}
	c.mode = mode
	c.converse()
}

// smtpConn is one conversation.
type smtpConn struct {
	s    *SMTP
	opts SMTPOptions
	mode SMTPMode
	conn net.Conn
	name string
	cut  int // octets until the end; -1: none
	gone func()
}

func (c *smtpConn) converse() {
	switch c.mode {
	case SMTPTarpit:
		<-c.s.ctx.Done()
		return
	case SMTPDrip:
		for {
			select {
			case <-c.s.ctx.Done():
				return
			case <-c.opts.Drip:
				if !c.raw("2") {
					return
				}
			}
		}
	case SMTPEndless:
		for c.raw("220-" + strings.Repeat("welcome ", 8) + "\r\n") {
		}
		return
	case SMTPLong:
		for c.raw(strings.Repeat("220 welcome ", 8)) {
		}
		return
	case SMTPReset:
		c.reset()
		return
	case SMTPClose:
		return
	case SMTPGarbage:
		c.raw("SSH-2.0-OpenSSH_9.9\r\n")
		return
	case SMTPBusy:
		c.raw("421 4.3.2 " + c.name + " too busy, try again later\r\n")
		return
	case SMTPCut:
		c.cut = c.opts.CutAt
	}
	greeting := "220 " + c.name + " ESMTP"
	switch c.mode {
	case SMTPRefuse:
		greeting = cmp.Or(c.opts.Reply, TalosRefusal)
	case SMTPPix:
		greeting = "220 " + strings.Repeat("*", 40)
	}
	if c.raw(greeting + "\r\n") {
		c.listen(bufio.NewReader(c.conn))
	}
}

func (c *smtpConn) listen(in *bufio.Reader) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		c.s.mu.Lock()
		c.s.commands = append(c.s.commands, line)
		c.s.mu.Unlock()
		verb, arg, _ := strings.Cut(line, " ")
		if strings.EqualFold(verb, "DATA") && c.opts.Takes && c.mode == SMTPAccept {
			if !c.take(in) {
				return
			}
			continue
		}
		reply, last := c.answer(strings.ToUpper(verb), arg)
		if last {
			c.gone() // who has read this may be back before we have hung up
		}
		if !c.raw(reply+"\r\n") || last {
			return
		}
		if strings.EqualFold(verb, "STARTTLS") && strings.HasPrefix(reply, "220") {
			secure := tls.Server(c.conn, &tls.Config{Certificates: []tls.Certificate{*c.opts.Certificate}})
			c.conn = secure
			if secure.HandshakeContext(c.s.ctx) != nil {
				return
			}
			in = bufio.NewReader(secure)
		}
	}
}

// take reads a mail, up to the dot that ends it (RFC 5321 section 4.1.1.4).
func (c *smtpConn) take(in *bufio.Reader) bool {
	if !c.raw("354 Go on\r\n") {
		return false
	}
	for line := ""; line != ".\r\n"; {
		var err error
		if line, err = in.ReadString('\n'); err != nil {
			return false
		}
	}
	c.s.mu.Lock()
	c.s.taken++
	n := c.s.taken
	c.s.mu.Unlock()
	return c.raw(fmt.Sprintf("250 2.0.0 Ok: queued as %d\r\n", n))
}

func (c *smtpConn) answer(verb, arg string) (reply string, last bool) {
	if verb == "QUIT" {
		return "221 2.0.0 Bye", true
	}
	if c.mode == SMTPRefuse {
		return "503 5.5.1 " + c.name + " not taking commands", false // RFC 5321 section 3.1
	}
	switch verb {
	case "EHLO":
		if c.mode == SMTPPix {
			return "500 5.5.1 unrecognised: XXXX", false
		}
		lines := []string{c.name, "SIZE 10240000", "8BITMIME"}
		if _, secure := c.conn.(*tls.Conn); c.opts.Certificate != nil && !secure { // RFC 3207 section 4.2
			lines = append(lines, "STARTTLS")
		}
		return "250-" + strings.Join(lines, "\r\n250-") + "\r\n250 HELP", false
	case "HELO":
		return "250 " + c.name, false
	case "STARTTLS":
		if c.opts.Certificate == nil {
			return "502 5.5.1 no TLS", false
		}
		return "220 2.0.0 Go ahead", false
	case "RCPT":
		return c.recipient(arg), false
	case "MAIL", "RSET", "NOOP":
		return "250 2.1.0 Ok", false
	}
	return "503 5.5.1 not here", false
}

// recipient takes those of the domains that it is for, or everybody.
func (c *smtpConn) recipient(arg string) string {
	if c.mode == SMTPGreylist {
		return "450 4.2.0 Greylisted, see http://postgrey.example.net/"
	}
	if c.mode == SMTPListed {
		return cmp.Or(c.opts.Reply, SpamCopRefusal)
	}
	path := strings.ToLower(strings.Trim(strings.TrimPrefix(strings.ToUpper(arg), "TO:"), "<>"))
	if slices.Contains(c.opts.NoSuch, path) {
		return "550 5.1.1 No such user"
	}
	for _, domain := range c.opts.Relay {
		// The simplest of rules: the domain after the last @, and no tricks before it.
		if local, ok := strings.CutSuffix(path, "@"+domain); ok && !strings.ContainsAny(local, "@%!:\"") {
			return "250 2.1.5 Ok"
		}
	}
	if c.opts.Fooled != nil && c.opts.Fooled(path) {
		return "250 2.1.5 Ok"
	}
	if len(c.opts.Relay) > 0 {
		return "554 5.7.1 Relay access denied"
	}
	return "250 2.1.5 Ok"
}

// raw writes, up to where the connection is to be cut.
func (c *smtpConn) raw(text string) bool {
	if c.cut >= 0 {
		if len(text) >= c.cut {
			_, _ = c.conn.Write([]byte(text[:c.cut]))
			c.reset()
			return false
		}
		c.cut -= len(text)
	}
	_, err := c.conn.Write([]byte(text))
	return err == nil
}

// reset closes with RST and not FIN.
func (c *smtpConn) reset() {
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.conn.Close()
}
