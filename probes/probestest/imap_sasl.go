package probestest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-sasl"
)

// AuthenticateMechanisms and Authenticate are the SASL side of a session.
func (s *imapSession) AuthenticateMechanisms() []string {
	if s.double.opts.Mechanisms != nil {
		return s.double.opts.Mechanisms
	}
	return []string{sasl.Plain}
}

func (s *imapSession) Authenticate(mechanism string) (sasl.Server, error) {
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error { return s.Login(user, password) }), nil
	case sasl.OAuthBearer, "XOAUTH2":
		return &tokenServer{session: s, mechanism: mechanism}, nil
	}
	return nil, &imap.Error{Type: imap.StatusResponseTypeNo, Text: "SASL mechanism not supported"}
}

// tokenServer is the server's side of OAUTHBEARER (RFC 7628) and XOAUTH2. A refusal is a
// challenge first, which the client has to answer as its mechanism says.
type tokenServer struct {
	session   *imapSession
	mechanism string
	refused   bool
}

func (t *tokenServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if t.refused {
		want := "\x01"
		if t.mechanism == "XOAUTH2" {
			want = ""
		}
		if string(response) != want {
			return nil, true, fmt.Errorf("the client answers %q to a refusal, want %q", response, want)
		}
		return nil, true, imapserver.ErrAuthFailed
	}
	if response == nil {
		return []byte{}, false, nil
	}
	user, token, err := t.read(string(response))
	if err != nil {
		return nil, true, err
	}
	d := t.session.double
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logins++
	if d.refusal != nil {
		refusal := *d.refusal
		return nil, true, &refusal
	}
	if user != d.opts.User || d.opts.GoodToken == nil || !d.opts.GoodToken(token) {
		t.refused = true
		if t.mechanism == "XOAUTH2" {
			return []byte(`{"status":"400","schemes":"Bearer","scope":"https://mail.example.com/"}`), false, nil
		}
		return []byte(`{"status":"invalid_token","scope":"example_scope"}`), false, nil
	}
	t.session.UserSession = imapmemserver.NewUserSession(d.user)
	return nil, true, nil
}

// read takes the client's first response apart, to the letter.
func (t *tokenServer) read(response string) (user, token string, err error) {
	fields, ended := strings.CutSuffix(response, "\x01\x01")
	list := strings.Split(fields, "\x01")
	bad := &imap.Error{Type: imap.StatusResponseTypeBad, Text: "malformed " + t.mechanism + " response"}
	if !ended || len(list) < 2 {
		return "", "", bad
	}
	if t.mechanism == "XOAUTH2" {
		user, ok := strings.CutPrefix(list[0], "user=")
		token, bearer := strings.CutPrefix(list[1], "auth=Bearer ")
		if !ok || !bearer || len(list) != 2 {
			return "", "", bad
		}
		return user, token, nil
	}
	head, ok := strings.CutPrefix(list[0], "n,a=")
	name, comma := strings.CutSuffix(head, ",")
	if !ok || !comma || strings.Contains(name, ",") {
		return "", "", bad
	}
	user = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(name)
	for _, field := range list[1:] {
		if bearer, ok := strings.CutPrefix(field, "auth=Bearer "); ok {
			token = bearer
		} else if !strings.HasPrefix(field, "host=") && !strings.HasPrefix(field, "port=") {
			return "", "", errors.Join(bad, fmt.Errorf("field %q", field))
		}
	}
	return user, token, nil
}
