package probes

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"
)

// xoauth2 is the predecessor of OAUTHBEARER (RFC 7628), and the only mechanism of the two that
// Microsoft has.
const xoauth2 = "XOAUTH2"

// connect opens a connection and logs in. If the server refuses a token that was fetched
// earlier, it is replaced once: it may have been revoked, or the clocks differ.
func (m *Mailbox) connect(ctx context.Context) (*session, error) {
	if m.opts.OAuth == nil {
		return m.open(ctx, "")
	}
	token, fresh, err := m.opts.OAuth.token(ctx)
	if err != nil {
		return nil, err
	}
	s, err := m.open(ctx, token)
	if !errors.Is(err, ErrLogin) {
		return s, err
	}
	m.opts.OAuth.forget(ctx, token)
	if fresh {
		return nil, err
	}
	if token, _, err = m.opts.OAuth.token(ctx); err != nil {
		return nil, err
	}
	return m.open(ctx, token) // a new connection: servers hang up after a refusal
}

// login logs in by the best way that the server offers. Without TLS this is only the loopback.
func (s *session) login(token string) error {
	if token != "" {
		return s.bearer(token)
	}
	user, password := s.m.opts.User, s.m.opts.Password()
	caps := s.client.Caps()
	if !caps.Has(imap.CapLoginDisabled) {
		return s.client.Login(user, password).Wait()
	}
	if caps.Has(imap.AuthCap(sasl.Plain)) {
		return s.client.Authenticate(sasl.NewPlainClient("", user, password))
	}
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodePrivacyRequired,
		Text: "the server allows no login by password on this connection"}
}

// bearer logs in with an access token: by OAUTHBEARER, the standard, or by XOAUTH2.
func (s *session) bearer(token string) error {
	b := &bearer{user: s.m.opts.User, token: token, server: s.m.opts.Server}
	switch caps := s.client.Caps(); {
	case caps.Has(imap.AuthCap(sasl.OAuthBearer)):
		b.mechanism = sasl.OAuthBearer
	case caps.Has(imap.AuthCap(xoauth2)):
		b.mechanism = xoauth2
	default:
		return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodePrivacyRequired,
			Text: "the server offers neither OAUTHBEARER nor XOAUTH2 on this connection"}
	}
	err := s.client.Authenticate(b)
	if no, ok := errors.AsType[*imap.Error](err); ok {
		text := no.Text
		if b.refusal != "" {
			text = strings.TrimSpace(text + " (" + b.refusal + ")")
		}
		return &imap.Error{Type: no.Type, Code: no.Code, Text: hide(text, b.response(), token)}
	}
	if err != nil {
		return errors.New(hide(err.Error(), b.response(), token))
	}
	return nil
}

// hide removes from a text what was sent to log in with a token.
func hide(text string, response []byte, token string) string {
	return redactAll(text, []string{base64.StdEncoding.EncodeToString(response), token})
}

// bearer is the client's side of both mechanisms. The library's OAUTHBEARER lacks the last step
// of a refusal, for which a real server waits for ever.
type bearer struct {
	mechanism, user, token, server string

	refusal string // why the server refused, one line; "" if it said nothing
	refused bool
}

func (b *bearer) Start() (mechanism string, response []byte, err error) {
	return b.mechanism, b.response(), nil
}

func (b *bearer) response() []byte {
	if b.mechanism == xoauth2 {
		return []byte("user=" + b.user + "\x01auth=Bearer " + b.token + "\x01\x01")
	}
	// RFC 7628 section 3.1; in a saslname "," and "=" are escaped (RFC 5801 section 4).
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(b.user)
	where := ""
	if host, port, err := net.SplitHostPort(b.server); err == nil {
		where = "host=" + host + "\x01port=" + port + "\x01"
	}
	return []byte("n,a=" + name + ",\x01" + where + "auth=Bearer " + b.token + "\x01\x01")
}

// Next answers the only challenge that there is, which holds the reason for a refusal. The
// server says NO only after the answer: ^A with OAUTHBEARER (RFC 7628 section 3.2.3), an empty
// line with XOAUTH2.
func (b *bearer) Next(challenge []byte) ([]byte, error) {
	if b.refused {
		return nil, errors.New("the server goes on asking after it has refused the token")
	}
	b.refused, b.refusal = true, refusal(challenge)
	if b.mechanism == xoauth2 {
		return []byte{}, nil // see emptyAnswer
	}
	return []byte{1}, nil
}

// refusal returns the JSON of RFC 7628 section 3.2.2 as a text.
func refusal(challenge []byte) string {
	var said map[string]any
	if json.Unmarshal(challenge, &said) != nil {
		return oneLine(string(challenge))
	}
	var parts []string
	for _, key := range []string{"status", "scope", "schemes", "openid-configuration"} {
		switch v := said[key].(type) {
		case string:
			parts = append(parts, key+" "+strconv.Quote(v))
		case float64: // the RFC wants a text
			parts = append(parts, fmt.Sprintf("%s %g", key, v))
		}
	}
	return oneLine(strings.Join(parts, ", "))
}

// emptyAnswer sends an empty answer to a challenge as an empty line. The library writes "=",
// which means that only in an initial response (RFC 4959 section 3). With STARTTLS it cannot
// get between the library and TLS; there the server calls "=" malformed, and the login is
// refused all the same.
type emptyAnswer struct{ net.Conn }

func (c emptyAnswer) Write(p []byte) (int, error) {
	if string(p) == "=\r\n" {
		_, err := c.Conn.Write([]byte("\r\n"))
		return len(p), err
	}
	return c.Conn.Write(p)
}
