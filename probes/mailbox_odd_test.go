package probes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMailboxReadsFromOddServers(t *testing.T) {
	standard := func(s *script, word string) func(*scriptConn, string, string) { return s.answers[word] }
	once := func(first, then func(*scriptConn, string, string)) func(*scriptConn, string, string) {
		var mu sync.Mutex
		done := false
		return func(c *scriptConn, tag, rest string) {
			mu.Lock()
			now := !done
			done = true
			mu.Unlock()
			if now {
				first(c, tag, rest)
			} else {
				then(c, tag, rest)
			}
		}
	}
	for name, prepare := range map[string]func(*script){
		"as it should be": func(s *script) {},
		"UID after the body": func(s *script) {
			s.answers["UID FETCH"] = func(c *scriptConn, tag, rest string) {
				set, _, _ := strings.Cut(rest, " ")
				for _, uid := range asked(set) {
					c.say("* %d FETCH (RFC822.SIZE %d INTERNALDATE \"20-Nov-2026 09:40:00 +0000\" BODY[]<0> {%d}\r\n%s UID %d)",
						uid, len(testMail(uid)), len(testMail(uid)), testMail(uid), uid)
				}
				c.say("%s OK done", tag)
			}
			s.answers["FETCH"] = s.answers["UID FETCH"]
		},
		"news of flags before the mail": func(s *script) {
			s.answers["UID FETCH"] = func(c *scriptConn, tag, rest string) {
				c.say("* 2 FETCH (UID 2 FLAGS (\\Seen))")
				standard(s, "FETCH")(c, tag, rest)
			}
		},
		"answers in any order": func(s *script) {
			s.answers["UID SEARCH"] = func(c *scriptConn, tag, rest string) { c.say("* SEARCH 3 1 2\r\n%s OK", tag) }
			s.answers["UID FETCH"] = func(c *scriptConn, tag, rest string) {
				c.say("%s\r\n%s\r\n* 4 EXISTS\r\n%s\r\n%s OK", fetchAnswer(3, 3), fetchAnswer(1, 1), fetchAnswer(2, 2), tag)
			}
		},
		"RFC822.SIZE is a guess": func(s *script) {
			s.answers["UID FETCH"] = func(c *scriptConn, tag, rest string) {
				for uid := 1; uid <= 3; uid++ {
					c.say("%s", strings.Replace(fetchAnswer(uid, uid), fmt.Sprintf("SIZE %d", len(testMail(uid))), "SIZE 7", 1))
				}
				c.say("%s OK", tag)
			}
		},
		"a FETCH ends in NO once": func(s *script) {
			s.answers["UID FETCH"] = once(func(c *scriptConn, tag, _ string) {
				c.say("%s\r\n%s NO [EXPUNGEISSUED] some are gone", fetchAnswer(1, 1), tag)
			}, standard(s, "FETCH"))
		},
		"a mail is left out once": func(s *script) {
			s.answers["UID FETCH"] = once(func(c *scriptConn, tag, _ string) {
				c.say("%s\r\n%s\r\n%s OK", fetchAnswer(1, 1), fetchAnswer(3, 3), tag)
			}, standard(s, "FETCH"))
		},
		"a body is NIL once": func(s *script) {
			s.answers["UID FETCH"] = once(func(c *scriptConn, tag, _ string) {
				c.say("* 1 FETCH (UID 1 RFC822.SIZE 200 INTERNALDATE \"20-Nov-2026 09:40:00 +0000\" BODY[]<0> NIL)\r\n%s\r\n%s\r\n%s OK",
					fetchAnswer(2, 2), fetchAnswer(3, 3), tag)
			}, standard(s, "FETCH"))
		},
		"a body is empty once": func(s *script) {
			s.answers["UID FETCH"] = once(func(c *scriptConn, tag, _ string) {
				c.say("* 1 FETCH (UID 1 RFC822.SIZE 200 INTERNALDATE \"20-Nov-2026 09:40:00 +0000\" BODY[]<0> {0}\r\n)\r\n%s\r\n%s\r\n%s OK",
					fetchAnswer(2, 2), fetchAnswer(3, 3), tag)
			}, standard(s, "FETCH"))
		},
		"nonsense once": func(s *script) {
			s.answers["UID FETCH"] = once(func(c *scriptConn, tag, _ string) { c.say("* 1 FETCH (((") }, standard(s, "FETCH"))
		},
		"SEARCH finds the mail 0 once": func(s *script) {
			s.answers["UID SEARCH"] = once(func(c *scriptConn, tag, _ string) { c.say("* SEARCH 0\r\n%s OK", tag) }, standard(s, "SEARCH"))
		},
		"SEARCH finds the last number there is once": func(s *script) {
			s.answers["UID FETCH"] = once(func(c *scriptConn, tag, _ string) { c.say("%s OK", tag) }, standard(s, "FETCH"))
			s.answers["SEARCH"] = once(func(c *scriptConn, tag, _ string) { c.say("* SEARCH 4294967295\r\n%s OK", tag) }, standard(s, "SEARCH"))
			s.answers["FETCH"] = once(func(c *scriptConn, tag, _ string) { c.say("%s\r\n%s OK", fetchAnswer(9, 9), tag) }, standard(s, "FETCH"))
		},
		"another mail comes than was asked for once": func(s *script) {
			s.answers["UID FETCH"] = once(func(c *scriptConn, tag, _ string) {
				c.say("%s\r\n%s\r\n%s OK", fetchAnswer(1, 1), fetchAnswer(3, 3), tag)
			}, standard(s, "FETCH"))
			s.answers["FETCH"] = once(func(c *scriptConn, tag, _ string) { c.say("%s\r\n%s OK", fetchAnswer(2, 9), tag) }, standard(s, "FETCH"))
		},
		"log-in only by AUTHENTICATE": func(s *script) {
			s.caps = "IMAP4rev1 LOGINDISABLED AUTH=PLAIN SASL-IR"
			s.answers["AUTHENTICATE"] = func(c *scriptConn, tag, _ string) { c.say("%s OK", tag) }
		},
		"logged in already": func(s *script) {
			s.greeting = "* PREAUTH welcome"
			delete(s.answers, "LOGIN")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := startScript(t, prepare)
			kept := newStore()
			w := watch(t, newMailbox(t, s.options(t)), Position{}, kept)
			w.until(t, "all read", func(st MailboxState) bool { return st.Position.UID == 3 })
			_ = w.stop()
			got := kept.all()
			for i := range got { // what a wrong RFC822.SIZE cannot spoil
				if got[i].Trouble != "" {
					t.Errorf("UID %d has trouble: %s", got[i].UID, got[i].Trouble)
				}
			}
			wantMails(t, got, 3)
		})
	}
}

// brokenDate answers FETCH with a date that is none for the mail 2.
func brokenDate(c *scriptConn, tag, rest string) {
	set, items, _ := strings.Cut(rest, " ")
	for _, uid := range asked(set) {
		answer := fetchAnswer(uid, uid)
		switch dated := strings.Contains(items, "INTERNALDATE"); {
		case uid == 2 && dated:
			answer = strings.Replace(answer, "20-Nov-2026", "yesterday", 1)
		case !dated:
			answer = fmt.Sprintf("* %d FETCH (UID %d BODY[]<0> {%d}\r\n%s)", uid, uid, len(testMail(uid)), testMail(uid))
		}
		c.say("%s", answer)
	}
	c.say("%s OK done", tag)
}

// A mail whose date the library cannot read costs the connection, always: the
// last try does without the date.
func TestMailboxMailWithABrokenDateIsReadWithoutIt(t *testing.T) {
	s := startScript(t, func(s *script) { s.answers["UID FETCH"] = brokenDate })
	kept := newStore()
	if err := newMailbox(t, s.options(t)).Once(t.Context(), Position{}, kept.handle); err != nil {
		t.Fatal(err)
	}
	got := kept.all()
	if len(got) != 3 {
		t.Fatalf("%d mails, want 3", len(got))
	}
	for _, m := range got {
		odd := m.UID == 2
		if (m.Trouble != "") != odd || m.Received.IsZero() != odd || !bytes.Equal(m.Bytes, testMail(int(m.UID))) {
			t.Errorf("UID %d: trouble %q, received %s, %d bytes", m.UID, m.Trouble, m.Received, len(m.Bytes))
		}
	}
}

// A server that does not know partial FETCH sends the whole mail: no more than
// wanted is kept.
func TestMailboxServerThatSendsMoreThanAskedFor(t *testing.T) {
	s := startScript(t, func(s *script) {
		s.answers["UID FETCH"] = func(c *scriptConn, tag, rest string) {
			for uid := 1; uid <= 3; uid++ {
				c.say("* %d FETCH (UID %d RFC822.SIZE 300000 INTERNALDATE \"20-Nov-2026 09:40:00 +0000\" BODY[] {300000}\r\n%s)",
					uid, uid, strings.Repeat("z", 300000))
			}
			c.say("%s OK done", tag)
		}
	})
	opts := s.options(t)
	opts.MaxMessageBytes = 1000
	kept := newStore()
	if err := newMailbox(t, opts).Once(t.Context(), Position{}, kept.handle); err != nil {
		t.Fatal(err)
	}
	for _, m := range kept.all() {
		if len(m.Bytes) != 1000 || cap(m.Bytes) > 2000 || !m.Cut || m.Size != 300000 {
			t.Errorf("UID %d: %d bytes in room for %d, cut %v, size %d", m.UID, len(m.Bytes), cap(m.Bytes), m.Cut, m.Size)
		}
	}
}

func TestMailboxRefusedIdleIsPolling(t *testing.T) {
	s := startScript(t, func(s *script) {
		s.answers["IDLE"] = func(c *scriptConn, tag, _ string) { c.say("%s NO not today", tag) }
	})
	opts := s.options(t)
	opts.Poll = time.Millisecond
	kept := newStore()
	w := watch(t, newMailbox(t, opts), Position{1, 3}, kept)
	for range 3 { // rounds that end well, over one connection
		w.until(t, "a round", func(st MailboxState) bool { return st.Connected && st.LastErr == nil && !st.LastRoundTrip.IsZero() })
	}
	_ = w.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns != 1 {
		t.Errorf("%d connections, want 1", s.conns)
	}
	idles := 0
	for _, line := range s.lines {
		if strings.HasSuffix(line, " IDLE") {
			idles++
		}
	}
	if idles != 1 {
		t.Errorf("IDLE was tried %d times, want once", idles)
	}
}

// A server tells of new mail only in its third IDLE, and Poll is an hour.
func TestMailboxIdleIsRenewed(t *testing.T) {
	s := startScript(t, func(s *script) {
		idles := 0 // one connection, one goroutine
		s.answers["IDLE"] = func(c *scriptConn, tag, _ string) {
			c.say("+ idling")
			if idles++; idles == 3 {
				c.say("* 3 EXISTS")
			}
			_, _ = c.in.ReadString('\n') // DONE
			c.say("%s OK", tag)
		}
		s.answers["UID SEARCH"] = func(c *scriptConn, tag, _ string) {
			if idles == 3 {
				c.say("* SEARCH 1 2 3")
			}
			c.say("%s OK", tag)
		}
	})
	opts := s.options(t)
	opts.IdleRenew = time.Millisecond
	kept := newStore()
	w := watch(t, newMailbox(t, opts), Position{}, kept)
	w.read(t, 3)
	_ = w.stop()
	wantMails(t, kept.all(), 3)
}

func TestMailboxFaultyServersAreErrors(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*script)
		kind    error
		says    string
	}{
		"turned away in the greeting": {func(s *script) { s.greeting = "* BYE too many connections" }, ErrProtocol, "too many connections"},
		"not IMAP":                    {func(s *script) { s.greeting = "220 mx.example.net ESMTP" }, ErrProtocol, ""},
		"a line without end": {func(s *script) {
			s.answers["EXAMINE"] = func(c *scriptConn, tag, _ string) {
				junk := bytes.Repeat([]byte("a"), 1<<20)
				_, _ = io.WriteString(c.Conn, "* OK ")
				for {
					if _, err := c.Conn.Write(junk); err != nil {
						return
					}
				}
			}
		}, ErrProtocol, "more bytes than"},
		"escape sequences and line breaks": {func(s *script) {
			s.answers["EXAMINE"] = func(c *scriptConn, tag, _ string) { c.say("%s NO \x1b[31mred\x07\u202e", tag) }
		}, ErrFolder, "NO  [31mred"},
		"the command quoted back": {func(s *script) {
			s.answers["LOGIN"] = func(c *scriptConn, tag, rest string) { c.say("%s BAD unknown: LOGIN %s", tag, rest) }
		}, ErrLogin, "<redacted>"},
		"the command quoted back in nonsense": {func(s *script) {
			s.answers["LOGIN"] = func(c *scriptConn, tag, rest string) { c.say("%s", mailPassword) }
		}, ErrProtocol, ""},
		"no UIDVALIDITY": {func(s *script) {
			s.answers["EXAMINE"] = func(c *scriptConn, tag, _ string) { c.say("* 3 EXISTS\r\n%s OK", tag) }
		}, ErrFolder, "UIDVALIDITY"},
		"mails listed that never come": {func(s *script) {
			s.answers["UID FETCH"] = func(c *scriptConn, tag, _ string) { c.say("%s OK", tag) }
			s.answers["FETCH"] = s.answers["UID FETCH"]
		}, ErrUnread, "did not come"},
		"no login by password": {func(s *script) { s.caps = "IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2" }, ErrLogin, "OAuth"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startScript(t, c.prepare)
			kept := newStore()
			m := newMailbox(t, s.options(t))
			m.answerBytes = 1 << 20
			err := m.Once(t.Context(), Position{}, kept.handle)
			if !errors.Is(err, c.kind) || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want %q that says %q", err, c.kind, c.says)
			}
			if text := fmt.Sprintf("%v %#v", err, err); strings.Contains(text, "word") && strings.Contains(text, "2026") || strings.ContainsAny(err.Error(), "\r\n\x1b\u202e") {
				t.Errorf("error %q holds what it must not", text)
			}
			if len(kept.all()) > 0 {
				t.Errorf("%d mails were handed over", len(kept.all()))
			}
			t.Log(err)
		})
	}
}

// shortLiteral announces more than it has.
type shortLiteral struct {
	io.Reader
	size int64
}

func (l shortLiteral) Size() int64 { return l.size }

func TestReadLiteral(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		size  int64
		limit int
		kept  string
		cut   bool
		bad   bool
	}{
		"whole":                            {"abcdef", 6, 10, "abcdef", false, false},
		"as long as the limit":             {"abcdef", 6, 6, "abcdef", false, false},
		"longer than the limit":            {"abcdef", 6, 5, "abcde", true, false},
		"empty":                            {"", 0, 5, "", false, false},
		"broken off within the limit":      {"abc", 6, 10, "", false, true},
		"broken off at the limit":          {"abc", 6, 3, "", false, true},
		"broken off beyond the limit":      {"abcd", 6, 3, "", false, true},
		"broken off before the first byte": {"", 6, 3, "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			kept, cut, err := readLiteral(shortLiteral{strings.NewReader(c.text), c.size}, c.limit)
			if string(kept) != c.kept || cut != c.cut || (err != nil) != c.bad {
				t.Errorf("readLiteral = %q, %v, %v; want %q, %v, error %v", kept, cut, err, c.kept, c.cut, c.bad)
			}
		})
	}
}
