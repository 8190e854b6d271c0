package probes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"reputed/internal/guard"
)

// stepToken is how errors name the getting of an access token.
const stepToken = "OAuth token" // #nosec G101 -- a word for people

// failure makes a [MailboxError] out of what the library says, which quotes the endpoint's
// answer at any length.
func (o *OAuth) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &MailboxError{Mailbox: o.opts.Name, Server: o.host, Step: stepToken, Kind: ErrProtocol, Err: err}
	code, text := grantError(err)
	var retrieve *oauth2.RetrieveError
	var transport errTransport
	var dial *net.OpError
	switch {
	case code != "":
		e.Kind, e.Hint = ErrLogin, o.hint(code, text)
		if code == "temporarily_unavailable" || code == "server_error" {
			e.Kind, e.Hint = ErrProtocol, "the provider calls this temporary; if it lasts, look at its status page"
		}
		e.Err = errors.New(o.redact(code + ": " + text))
	case errors.As(err, &retrieve):
		e.Err = fmt.Errorf("it answers %s", oneLine(retrieve.Response.Status))
		e.Hint = "check token_url, and that a proxy lets us through"
		if s := retrieve.Response.StatusCode; s >= 500 || s == http.StatusTooManyRequests {
			e.Hint = "if it lasts, look at the provider's status page"
		}
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind, e.Err = ErrTimeout, fmt.Errorf("nothing within %s", o.opts.Timeout)
		e.Hint = "check that a firewall or proxy lets us out to it"
	case errors.As(err, &transport):
		e.Err = transport.error
		switch {
		case errors.Is(err, guard.ErrInside): // which says what to do
			e.Kind, e.Err = ErrUnreachable, inside(err)
		case errors.As(err, &dial) && dial.Op == "dial":
			e.Kind, e.Err, e.Hint = ErrUnreachable, dial.Err, "check that a firewall or proxy lets us out to it"
		case isTLS(err):
			e.Kind, e.Hint = ErrTLS, "check the machine's certificates, and for a proxy that breaks into TLS"
		default:
			e.Hint = "check that a firewall or proxy lets us out to it"
		}
	default:
		e.Err = errors.New(o.redact(strings.TrimPrefix(err.Error(), "oauth2: ")))
		e.Hint = "check token_url and the keys given"
	}
	return e
}

// grantError returns the error code in an endpoint's answer (RFC 6749 section 5.2) and its
// description; "" if there is none.
func grantError(err error) (code, text string) {
	var retrieve *oauth2.RetrieveError
	if !errors.As(err, &retrieve) {
		return "", ""
	}
	if retrieve.ErrorCode != "" {
		return retrieve.ErrorCode, firstLine(retrieve.ErrorDescription)
	}
	var body struct { // the library does not read it for service accounts
		Code string `json:"error"`
		Text string `json:"error_description"`
	}
	if json.Unmarshal(retrieve.Body, &body) != nil {
		return "", ""
	}
	return body.Code, firstLine(body.Text)
}

// firstLine returns the first line: Microsoft writes trace ids below it.
func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(line)
}

// microsoftHints say what to do about the error numbers that Microsoft's endpoint gives in the
// text (learn.microsoft.com, "Microsoft Entra authentication error codes"). The first that is
// found counts.
var microsoftHints = []struct{ number, hint string }{
	{"AADSTS7000222", "the client secret has expired: make a new one under \"Certificates & secrets\" and configure its value"},
	{"AADSTS7000215", "the client secret is wrong: configure its value, not its id"},
	{"AADSTS700016", "the application is not known in this tenant: check client_id and tenant"},
	{"AADSTS90002", "the tenant is not known: check tenant"},
	{"AADSTS65001", "nobody has consented: let an administrator grant admin consent for the application"},
	{"AADSTS700082", "the refresh token has expired, it was not used for too long: consent again and configure the new refresh_token"},
	{"AADSTS50173", "the refresh token was revoked, mostly by a new password: consent again and configure the new refresh_token"},
}

// hint says what to do when the endpoint refuses.
func (o *OAuth) hint(code, text string) string {
	for _, m := range microsoftHints {
		if strings.Contains(text, m.number) {
			return m.hint
		}
	}
	switch code {
	case "invalid_client":
		return "check client_id and client_secret, and whether the secret has expired"
	case "invalid_grant":
		if o.service != nil {
			return "check that the user exists, the key was not deleted, and this machine's clock is right"
		}
		return "the refresh token has expired or was revoked: consent again and configure the new refresh_token"
	case "unauthorized_client":
		if o.service != nil {
			return "give the service account domain-wide delegation for the scope " + strings.Join(o.opts.Scopes, " ") + " in the Admin console"
		}
		return "the application may not use this grant: check its kind and its permissions"
	case "invalid_scope":
		return "check scopes, and that the application has that permission"
	case "access_denied", "consent_required", "interaction_required":
		return "consent is missing or was withdrawn: consent again and configure the new refresh_token"
	}
	return "check client_id, scopes and the application's permissions"
}

// refusedHint says what to do when the endpoint gives tokens and the IMAP server refuses even a
// new one.
func (o *OAuth) refusedHint() string {
	switch o.opts.Provider {
	case ProviderMicrosoft:
		if secret(o.opts.RefreshToken) == "" {
			return "the token was had, the mailbox refuses it: check that IMAP is enabled for the user, that the application has IMAP.AccessAsApp, " +
				"and that its service principal in Exchange Online has FullAccess to this mailbox"
		}
		return "the token was had, the mailbox refuses it: check that IMAP is enabled for the user, that the token was consented to for this user, " +
			"and with the scope IMAP.AccessAsUser.All"
	case ProviderGoogle:
		return "the token was had, the mailbox refuses it: check that IMAP is on for this user, and that the consent was theirs, for the scope https://mail.google.com/"
	}
	return "the token was had, the mailbox refuses it: check user, scopes, and that IMAP is enabled for this user"
}

// secrets returns the configured secrets, which must appear in no text. It does not wait for
// a turn, so the tokens themselves are not among them: see redact.
func (o *OAuth) secrets() []string {
	all := append(o.opts.Rules.Secrets(), secret(o.opts.ClientSecret), secret(o.opts.RefreshToken))
	if o.service != nil {
		all = append(all, o.service.PrivateKey)
	}
	return all
}

// redact removes all secrets and tokens from a text. The caller must have the turn.
func (o *OAuth) redact(text string) string {
	return redactAll(text, append(o.secrets(), o.refresh, o.access))
}
