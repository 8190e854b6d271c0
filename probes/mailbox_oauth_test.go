package probes

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/probes/probestest"
)

func oauthMailbox(t *testing.T, o *OAuth, d *probestest.IMAP, mode TLSMode) *Mailbox {
	t.Helper()
	opts := mailboxOptions(t, d, mode)
	opts.Password, opts.OAuth = nil, o
	opts.Log = slog.New(slog.NewTextHandler(tokenless{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return newMailbox(t, opts)
}

func TestMailboxLogsInWithTokens(t *testing.T) {
	for _, mechanism := range []string{"OAUTHBEARER", "XOAUTH2"} {
		for _, mode := range []TLSMode{TLSNone, TLSImplicit, TLSStart} {
			t.Run(mechanism+" "+string(mode), func(t *testing.T) {
				o := startOAuth(t)
				d := startIMAP(t, probestest.IMAPOptions{TLS: string(mode), Mechanisms: []string{mechanism}, GoodToken: o.Good})
				d.Append(testMail(1), mailTime)
				m := oauthMailbox(t, newOAuth(t, oauthOptions(t, o)), d, mode)
				for range 2 {
					s := newStore()
					if err := m.Once(t.Context(), Position{}, s.handle); err != nil {
						t.Fatal(err)
					}
					wantMails(t, s.all(), 1)
				}
				if n := len(o.Requests()); n != 1 {
					t.Errorf("%d tokens were fetched for two logins, want 1", n)
				}
				// Revoked: the token at hand is refused, a new one is not.
				o.Revoke()
				if err := m.Once(t.Context(), Position{}, newStore().handle); err != nil {
					t.Fatal(err)
				}
				if n := len(o.Requests()); n != 2 {
					t.Errorf("%d tokens were fetched, want a second after the first was revoked", n)
				}
			})
		}
	}
}

func TestMailboxTokenRefusedTwiceIsAnError(t *testing.T) {
	for mechanism, says := range map[string]string{"OAUTHBEARER": `status "invalid_token"`, "XOAUTH2": `status "400"`} {
		t.Run(mechanism, func(t *testing.T) {
			o := startOAuth(t)
			good := true
			d := startIMAP(t, probestest.IMAPOptions{Mechanisms: []string{mechanism}, GoodToken: func(string) bool { return good }})
			opts := oauthOptions(t, o)
			opts.Provider = ProviderMicrosoft
			m := oauthMailbox(t, newOAuth(t, opts), d, TLSNone)
			if err := m.Once(t.Context(), Position{}, newStore().handle); err != nil {
				t.Fatal(err)
			}
			good = false
			err := m.Once(t.Context(), Position{}, newStore().handle)
			if !errors.Is(err, ErrLogin) || !strings.Contains(fmt.Sprint(err), says) || !strings.Contains(fmt.Sprint(err), "FullAccess") {
				t.Errorf("%v, want ErrLogin that says %s and what to do", err, says)
			}
			noToken(t, fmt.Sprint(err))
			if n, logins := len(o.Requests()), d.Logins(); n != 2 || logins != 3 {
				t.Errorf("%d tokens and %d logins, want 2 and 3: one new token is tried, no more", n, logins)
			}
		})
	}
}

// TestMailboxAnswersARefusalAsItsMechanismDemands looks at the bytes: the library
// alone would leave one mechanism without an answer and give the other a wrong one.
func TestMailboxAnswersARefusalAsItsMechanismDemands(t *testing.T) {
	challenge := base64.StdEncoding.EncodeToString([]byte(`{"status":"400","scope":"\u001b[31m","nonsense":[]}`))
	for mechanism, want := range map[string]string{"OAUTHBEARER": "AQ==", "XOAUTH2": ""} {
		for _, initial := range []string{"", " SASL-IR"} {
			t.Run(mechanism+initial, func(t *testing.T) {
				o := startOAuth(t)
				var response, answer string
				s := startScript(t, func(s *script) {
					s.caps = "IMAP4rev1" + initial + " AUTH=" + mechanism
					s.answers["AUTHENTICATE"] = func(c *scriptConn, tag, rest string) {
						_, response, _ = strings.Cut(rest, " ")
						if initial == "" {
							c.say("+ ")
							response, _ = c.in.ReadString('\n')
						}
						c.say("+ %s", challenge)
						answer, _ = c.in.ReadString('\n')
						c.say("%s NO [AUTHENTICATIONFAILED] not you, %s", tag, strings.TrimSpace(response))
					}
				})
				opts := s.options(t)
				opts.Password, opts.OAuth = nil, newOAuth(t, oauthOptions(t, o))
				err := newMailbox(t, opts).Once(t.Context(), Position{}, newStore().handle)
				if !errors.Is(err, ErrLogin) || !strings.Contains(fmt.Sprint(err), `status "400"`) || strings.Contains(fmt.Sprint(err), "\x1b") {
					t.Errorf("%v, want ErrLogin with the server's reason", err)
				}
				noToken(t, fmt.Sprint(err))
				if got := strings.TrimRight(answer, "\r\n"); got != want || !strings.HasSuffix(answer, "\r\n") {
					t.Errorf("the refusal was answered with %q, want %q", answer, want)
				}
				raw, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(response))
				shape := "user=" + mailUser + "\x01auth=Bearer "
				if mechanism == "OAUTHBEARER" {
					shape = "n,a=" + mailUser + ",\x01host=127.0.0.1\x01port="
				}
				if !strings.HasPrefix(string(raw), shape) || !strings.HasSuffix(string(raw), "\x01\x01") {
					t.Errorf("initial response %q, want it to begin with %q", raw, shape)
				}
			})
		}
	}
}

func TestMailboxMechanismIsTheServers(t *testing.T) {
	for caps, want := range map[string]string{
		"AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=PLAIN": "OAUTHBEARER",
		"AUTH=PLAIN AUTH=XOAUTH2":                  "XOAUTH2",
		"AUTH=PLAIN":                               "",
	} {
		t.Run(caps, func(t *testing.T) {
			o := startOAuth(t)
			s := startScript(t, func(s *script) {
				s.caps = "IMAP4rev1 SASL-IR " + caps
				s.answers["AUTHENTICATE"] = func(c *scriptConn, tag, _ string) { c.say("%s OK done", tag) }
			})
			opts := s.options(t)
			opts.Password, opts.OAuth = nil, newOAuth(t, oauthOptions(t, o))
			err := newMailbox(t, opts).Once(t.Context(), Position{}, newStore().handle)
			if (err == nil) != (want != "") || err != nil && !strings.Contains(err.Error(), "offers neither") {
				t.Errorf("error %v", err)
			}
			used := slices.ContainsFunc(s.lines, func(l string) bool { return strings.Contains(l, " AUTHENTICATE "+want+" ") })
			if want != "" && !used {
				t.Errorf("%s was not used: %q", want, s.lines)
			}
		})
	}
}

func TestBearerEscapesTheUser(t *testing.T) {
	b := &bearer{mechanism: "OAUTHBEARER", user: "a=b,c@example.org", token: "t", server: "imap.example.org:993"}
	want := "n,a=a=3Db=2Cc@example.org,\x01host=imap.example.org\x01port=993\x01auth=Bearer t\x01\x01"
	if got := string(b.response()); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzRefusal: whatever a server says to a token, it is one line for an error.
func FuzzRefusal(f *testing.F) {
	f.Add([]byte(`{"status":"invalid_token","scope":"mail","openid-configuration":"https://example.org/"}`))
	f.Add([]byte(`{"status":401,"schemes":"\u001b[31m bearer\r\n"}`))
	f.Add([]byte("\xff\x00{"))
	f.Fuzz(func(t *testing.T, challenge []byte) {
		b := &bearer{mechanism: xoauth2}
		answer, err := b.Next(challenge)
		if err != nil || len(answer) != 0 {
			t.Errorf("answered %q, %v", answer, err)
		}
		if strings.ContainsFunc(b.refusal, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' }) || len([]rune(b.refusal)) > 201 {
			t.Errorf("%q", b.refusal)
		}
		if _, err := b.Next(challenge); err == nil {
			t.Error("a server that asks for ever is answered for ever")
		}
	})
}

func TestMailboxOddAnswersToATokenAreErrors(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(c *scriptConn, tag, rest string)
		kind   error
	}{
		"none":               {func(*scriptConn, string, string) {}, ErrTimeout},
		"the end":            {func(c *scriptConn, _, _ string) { c.Close() }, ErrProtocol},
		"no base64":          {func(c *scriptConn, _, _ string) { c.say("+ {status: 400}") }, ErrProtocol},
		"questions for ever": {func(c *scriptConn, _, _ string) { c.say("+ e30=\r\n+ e30=\r\n+ e30=") }, ErrProtocol},
		"a temporary no":     {func(c *scriptConn, tag, _ string) { c.say("%s NO [UNAVAILABLE] later", tag) }, ErrProtocol},
		"the token itself":   {func(c *scriptConn, _, rest string) { c.say("* BYE what is %s", rest); c.Close() }, ErrProtocol},
		"no":                 {func(c *scriptConn, tag, _ string) { c.say("%s NO no", tag) }, ErrLogin}, // the token was fresh
	} {
		t.Run(name, func(t *testing.T) {
			o := startOAuth(t)
			s := startScript(t, func(s *script) {
				s.caps = "IMAP4rev1 SASL-IR AUTH=XOAUTH2"
				s.answers["AUTHENTICATE"] = func(conn *scriptConn, tag, rest string) { c.answer(conn, tag, rest) }
			})
			opts := s.options(t)
			opts.Password, opts.OAuth = nil, newOAuth(t, oauthOptions(t, o))
			if c.kind == ErrTimeout {
				opts.Timeout = 50 * time.Millisecond
			}
			err := newMailbox(t, opts).Once(t.Context(), Position{}, newStore().handle)
			if !errors.Is(err, c.kind) {
				t.Errorf("%v, want %q", err, c.kind)
			}
			noToken(t, fmt.Sprint(err))
			if s.conns != 1 || len(o.Requests()) != 1 {
				t.Errorf("%d connections and %d tokens, want 1 of each", s.conns, len(o.Requests()))
			}
		})
	}
}
