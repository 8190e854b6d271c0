package probes

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// verb is a command that can be said to a server. These are all of them: none hands over a
// message (DATA of RFC 5321 section 4.1.1.4, BDAT of RFC 3030) or asks about people (VRFY,
// EXPN).
type verb string

const (
	verbEHLO     verb = "EHLO"
	verbHELO     verb = "HELO"
	verbStartTLS verb = "STARTTLS"
	verbMail     verb = "MAIL FROM:"
	verbRcpt     verb = "RCPT TO:"
	verbReset    verb = "RSET"
	verbQuit     verb = "QUIT"
)

// maxCommand is how long a command line may be, including its end (RFC 5321 section 4.5.3.1.4).
const maxCommand = 512

// talk is one conversation while it lasts.
type talk struct {
	r        *Receiver
	v        *Visit
	conn     net.Conn
	in       *replies
	deadline time.Time // of the whole visit
}

// converse has the conversation of [Receiver.Visit]. The error is nil if a reply ended it, or
// everything was said.
func (r *Receiver) converse(ctx context.Context, v *Visit, deadline time.Time) error {
	for _, e := range v.Door.Envelopes {
		for _, p := range append([]string{e.Sender}, e.Recipients...) {
			if !validPath(p) {
				return fmt.Errorf("%q %w", p, ErrCommand)
			}
		}
	}
	conn, err := r.dial(ctx, v.Door.Addr)
	if err != nil {
		return err
	}
	if local, ok := conn.LocalAddr().(*net.TCPAddr); ok && v.Via == "" {
		v.From = local.AddrPort().Addr().Unmap()
	}
	s := &talk{r: r, v: v, deadline: deadline}
	s.use(conn)
	// A read knows only deadlines, so the end of ctx closes the connection.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	return s.run(ctx)
}

// use makes the conversation go on over conn: the plain connection, or TLS on top of it.
func (s *talk) use(conn net.Conn) {
	told := maxTold
	if s.in != nil {
		told = s.in.left
	}
	s.conn = conn
	s.in = newReplies(conn, func(line string) { s.note(false, line) })
	s.in.left = told
}

func (s *talk) note(ours bool, text string) {
	s.v.Transcript = append(s.v.Transcript, Said{Ours: ours, Text: text, After: time.Since(s.v.Began)})
}

// run speaks from the greeting to QUIT, which is said whatever the replies were.
func (s *talk) run(ctx context.Context) (err error) {
	v := s.v
	v.Stage = StageGreeting
	if v.Greeting, err = s.read(s.r.opts.Reply); err != nil {
		return err
	}
	if v.Greeting.Code != 220 { // 554 or 421; the client says QUIT (RFC 5321 section 3.1)
		return s.leave()
	}
	v.Stage = StageEHLO
	if done, err := s.hello(); err != nil || done {
		return err
	}
	if v.Door.StartTLS && v.Offer("STARTTLS") {
		v.Stage = StageStartTLS
		if done, err := s.startTLS(ctx); err != nil || done {
			return err
		}
	}
	for _, e := range v.Door.Envelopes {
		if done, err := s.envelope(e); err != nil || done {
			return err
		}
	}
	v.Stage = StageDone
	return s.leave()
}

// hello says EHLO, and HELO if that is not understood (RFC 5321 section 3.2). With done, the
// conversation is over.
func (s *talk) hello() (done bool, err error) {
	v := s.v
	if v.EHLO, err = s.say(verbEHLO, s.r.opts.Helo); err != nil {
		return true, err
	}
	v.Offers = nil
	if v.EHLO.Positive() {
		for _, line := range v.EHLO.Lines[1:] {
			if keyword, _, _ := strings.Cut(strings.TrimSpace(line), " "); keyword != "" {
				v.Offers = append(v.Offers, keyword)
			}
		}
		return false, nil
	}
	if c := v.EHLO.Code; c == 500 || c == 502 || c == 504 {
		if v.EHLO, err = s.say(verbHELO, s.r.opts.Helo); err != nil {
			return true, err
		}
	}
	if !v.EHLO.Positive() {
		return true, s.leave()
	}
	return false, nil
}

// envelope asks whether a sender and recipients would be accepted. A no ends only this
// envelope, 421 the whole conversation.
func (s *talk) envelope(e Envelope) (done bool, err error) {
	v := s.v
	v.Asked = append(v.Asked, Asked{Envelope: e})
	a := &v.Asked[len(v.Asked)-1]
	v.Stage = StageMail
	if a.Mail, err = s.say(verbMail, "<"+e.Sender+">"); err != nil {
		return true, err
	}
	for _, rcpt := range e.Recipients {
		if !a.Mail.Positive() || v.Closing {
			break
		}
		v.Stage = StageRcpt
		reply, err := s.say(verbRcpt, "<"+rcpt+">")
		if err != nil {
			return true, err
		}
		a.Rcpts = append(a.Rcpts, reply)
	}
	if v.Closing {
		return true, s.leave()
	}
	_, err = s.say(verbReset, "")
	if err == nil && v.Closing {
		return true, s.leave()
	}
	return err != nil, err
}

// leave says QUIT. What the server makes of it does not matter: everything that was asked has
// been answered.
func (s *talk) leave() error {
	if s.send(verbQuit, "") == nil {
		_, _ = s.read(goodbye)
	}
	return nil
}

// say sends a command and reads the reply.
func (s *talk) say(v verb, arg string) (Reply, error) {
	if err := s.send(v, arg); err != nil {
		// Some servers say 421 unasked and close: that is worth more than the error.
		if reply, late := s.read(goodbye); late == nil {
			return reply, nil
		}
		return Reply{}, err
	}
	return s.read(s.r.opts.Reply)
}

func (s *talk) send(v verb, arg string) error {
	line := string(v) + arg
	if v == verbEHLO || v == verbHELO {
		line = string(v) + " " + arg
	}
	if len(line)+2 > maxCommand || strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c > '~' }) {
		return fmt.Errorf("%q %w", line, ErrCommand)
	}
	if err := s.limit(s.r.opts.Reply); err != nil {
		return err
	}
	s.note(true, line)
	if _, err := s.conn.Write([]byte(line + "\r\n")); err != nil {
		return readError(err)
	}
	return nil
}

// read waits for one reply. All its lines have to come in time: what trickles in byte by byte
// is no answer either.
func (s *talk) read(wait time.Duration) (Reply, error) {
	if err := s.limit(wait); err != nil {
		return Reply{}, err
	}
	reply, err := s.in.next()
	if reply.Code == 421 {
		s.v.Closing = true
	}
	return reply, err
}

func (s *talk) limit(wait time.Duration) error {
	at := time.Now().Add(wait)
	if s.deadline.Before(at) {
		at = s.deadline
	}
	if err := s.conn.SetDeadline(at); err != nil {
		return readError(err)
	}
	return nil
}

// validPath says whether a text can stand between the angle brackets of MAIL FROM and RCPT TO
// without ending them or the line. It need not be an address that anybody would accept.
func validPath(p string) bool {
	return len(p) < maxCommand-20 && !strings.ContainsFunc(p, func(c rune) bool { return c < ' ' || c > '~' || c == '<' || c == '>' })
}

// validHelo says whether a name is a host name or an address literal (RFC 5321 section 4.1.3).
func validHelo(name string) bool {
	if inside, literal := strings.CutPrefix(name, "["); literal {
		name, literal = strings.CutSuffix(inside, "]")
		if !literal {
			return false
		}
		name = strings.ReplaceAll(name, ":", "")
	}
	return name != "" && len(name) <= 255 && !strings.ContainsFunc(name, func(c rune) bool {
		return c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}
