package probes

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// script is an IMAP server that answers as real ones were seen to and as a
// well-made one never would. Each answer can be replaced; the standard ones
// are those of a folder with the mails 1 to 3.
type script struct {
	greeting string
	caps     string
	answers  map[string]func(c *scriptConn, tag, rest string) // by the first word, or two after UID
	ln       net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns int
	lines []string
}

type scriptConn struct {
	*script
	net.Conn
	in *bufio.Reader
}

func (c *scriptConn) say(format string, args ...any) { fmt.Fprintf(c.Conn, format+"\r\n", args...) }

// body is a FETCH answer as servers give it.
func fetchAnswer(seq, uid int) string {
	return fmt.Sprintf("* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE \"20-Nov-2026 09:40:00 +0000\" BODY[]<0> {%d}\r\n%s)",
		seq, uid, len(testMail(uid)), len(testMail(uid)), testMail(uid))
}

// asked gives the UIDs of 1 to 3 that a set like "2:*" holds.
func asked(set string) (uids []int) {
	for part := range strings.SplitSeq(set, ",") {
		from, to, ranged := strings.Cut(part, ":")
		a, _ := strconv.Atoi(from)
		b := a
		if ranged && to != "*" {
			b, _ = strconv.Atoi(to)
		} else if ranged {
			b = 3
			a = min(a, 3) // the last mail is always in "n:*"
		}
		for uid := max(a, 1); uid <= min(b, 3); uid++ {
			uids = append(uids, uid)
		}
	}
	return uids
}

// startScript starts the server; prepare may change it before.
func startScript(t *testing.T, prepare func(*script)) *script {
	t.Helper()
	leak := goleak.IgnoreCurrent()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{ln: ln, greeting: "* OK ready", caps: "IMAP4rev1 IDLE"}
	ok := func(c *scriptConn, tag, _ string) { c.say("%s OK done", tag) }
	s.answers = map[string]func(*scriptConn, string, string){
		"LOGIN":  ok,
		"LOGOUT": ok,
		"CAPABILITY": func(c *scriptConn, tag, _ string) {
			c.say("* CAPABILITY %s", c.caps)
			c.say("%s OK done", tag)
		},
		"EXAMINE": func(c *scriptConn, tag, _ string) {
			c.say("* FLAGS (\\Seen \\Answered)\r\n* 3 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1] valid\r\n* OK [UIDNEXT 4] next")
			c.say("%s OK [READ-ONLY] done", tag)
		},
		"UID SEARCH": func(c *scriptConn, tag, rest string) {
			var b strings.Builder
			for _, uid := range asked(strings.TrimPrefix(rest, "UID ")) {
				fmt.Fprintf(&b, " %d", uid)
			}
			c.say("* SEARCH%s\r\n%s OK done", b.String(), tag)
		},
		"UID FETCH": func(c *scriptConn, tag, rest string) {
			set, _, _ := strings.Cut(rest, " ")
			for _, uid := range asked(set) {
				c.say("%s", fetchAnswer(uid, uid))
			}
			c.say("%s OK done", tag)
		},
	}
	s.answers["SEARCH"] = s.answers["UID SEARCH"] // sequence numbers are the UIDs
	s.answers["FETCH"] = s.answers["UID FETCH"]
	prepare(s)
	s.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			s.wg.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		s.wg.Wait()
		goleak.VerifyNone(t, leak)
	})
	return s
}

func (s *script) serve(conn net.Conn) {
	defer conn.Close()
	c := &scriptConn{script: s, Conn: conn, in: bufio.NewReader(conn)}
	c.say("%s", s.greeting)
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		tag, rest, _ := strings.Cut(line, " ")
		word, rest, _ := strings.Cut(rest, " ")
		if word == "UID" {
			var second string
			second, rest, _ = strings.Cut(rest, " ")
			word += " " + second
		}
		answer, known := s.answers[word]
		if !known {
			c.say("%s BAD what is %s", tag, word)
			continue
		}
		answer(c, tag, rest)
	}
}

func (s *script) options(t *testing.T) MailboxOptions {
	return MailboxOptions{
		Name: "bounces", Server: s.ln.Addr().String(), TLS: TLSNone,
		User: mailUser, Password: func() string { return mailPassword },
		Poll: time.Hour, Timeout: 20 * time.Second, RetryMin: time.Millisecond, RetryMax: 2 * time.Millisecond,
	}
}
