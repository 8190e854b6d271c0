package probes

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// What several clients need to make errors for people out of those of the libraries: the
// kind of the failure, and one clean line without secrets.

// isTimeout says whether an error is that of a deadline: of a connection, a dial or a context.
func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// isTLS says whether an error comes from TLS itself or from checking a certificate.
func isTLS(err error) bool {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, hostname := errors.AsType[x509.HostnameError](err)
	_, signer := errors.AsType[x509.UnknownAuthorityError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	return verify || hostname || signer || notTLS || alert
}

// lastWords is the innermost part of an error of the network, what the kernel said: the
// rest names addresses, which the caller names too.
func lastWords(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return text
}

// oneLine is the printable text of s, at most 200 runes of it.
func oneLine(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if n++; n > 200 {
			b.WriteRune('…')
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// redactAll replaces secrets in a text, both as they are and as an HTML form encodes them.
// Long ones go first: one secret may be a part of another.
func redactAll(text string, secrets []string) string {
	var forms []string
	for _, s := range secrets {
		forms = append(forms, s, url.QueryEscape(s))
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	for _, form := range forms {
		if form != "" {
			text = strings.ReplaceAll(text, form, "<redacted>")
		}
	}
	return text
}
