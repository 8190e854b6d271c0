package config

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

func (v *validator) mailboxes() {
	names, places := map[string]string{}, map[string]string{}
	for i := range v.cfg.Mailboxes {
		m := &v.cfg.Mailboxes[i]
		at := fmt.Sprintf("mailbox[%d]", i)
		v.name(at+".name", m.Name, names)
		v.oneOf(at+".tls", m.TLS, TLSImplicit, TLSStart, TLSNone)
		v.between(at+".poll", m.Poll, 10*time.Second, 24*time.Hour)
		v.server(m, at)
		if m.CAFile != "" {
			m.CAFile = v.path(m.CAFile)
			v.certificates(at+".ca_file", m.CAFile)
		}
		if m.User == "" {
			v.missing(at+".user", "missing; the name to log in with")
		}
		if !m.Password.Given() {
			v.missing(at+".password", `missing; such as "env:BOUNCES_PASSWORD"`)
		}
		if m.Folder == "" || strings.ContainsAny(m.Folder, "\r\n\x00") {
			v.at(at+".folder", `want the name of a mailbox folder, such as "INBOX"`)
		}
		// Two readers of one folder would count every refusal twice.
		place := m.Server + "\x00" + m.User + "\x00" + m.Folder
		if first, twice := places[place]; twice && m.Server != "" {
			v.at(at, "the same folder of the same user as the one on line %d", v.line(first))
		}
		places[place] = at
	}
}

// certificates looks into a file of authorities when the secrets are looked up, too: for
// who only reads the database, it need not be there.
func (v *validator) certificates(at, file string) {
	if v.opt.Secrets != Resolve && v.opt.Secrets != "" {
		return
	}
	pem, _, err := readFile(file, MaxFileBytes)
	switch {
	case err != nil:
		v.at(at, "file %s: %v", shown(file), err)
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		v.at(at, "file %s holds no certificate in PEM form", shown(file))
	}
}

func (v *validator) server(m *Mailbox, at string) {
	if m.Server == "" {
		v.missing(at+".server", `missing; such as "imap.example.org"`)
		return
	}
	port := "143"
	if m.TLS == TLSImplicit {
		port = "993"
	}
	server, err := hostPort(m.Server, port)
	if err != nil {
		v.at(at+".server", "%v", err)
		return
	}
	m.Server = server
	if host, _, _ := net.SplitHostPort(server); m.TLS == TLSNone && !isLoopback(host) {
		v.at(at+".tls", `"none" would send the password in the clear to another machine: use "implicit" or "starttls"`)
	}
}

func (v *validator) slack() {
	names := map[string]string{}
	for i := range v.cfg.Slack {
		s := &v.cfg.Slack[i]
		at := fmt.Sprintf("slack[%d]", i)
		v.name(at+".name", s.Name, names)
		switch webhook, token := s.Webhook.Given(), s.Token.Given(); {
		case webhook && token:
			v.at(at+".token", "webhook and token are two ways to the same end: keep one")
		case webhook && s.Channel != "":
			v.at(at+".channel", "a webhook has its channel already: leave channel out, or use a token")
		case token && s.Channel == "":
			v.missing(at+".channel", `missing; a token needs to know where to write, such as "#mail-ops"`)
		case !webhook && !token && !v.set(at+".webhook"):
			v.missing(at+".token", `missing; either webhook = "env:NAME", or token = "env:NAME" and a channel`)
		case !webhook && !token:
			v.at(at+".webhook", "empty")
		}
		// Neither address is repeated: the path of a webhook is a password.
		if s.Webhook.Set() && !webAddress(s.Webhook.Reveal()) {
			v.at(at+".webhook", "what it holds is not an address that begins with https://")
		}
		if s.APIURL != "" && !webAddress(s.APIURL) {
			v.at(at+".api_url", "want an address that begins with https:// (http:// on the loopback only)")
		}
		if strings.ContainsAny(s.Channel, " \t\r\n") {
			v.at(at+".channel", `want a channel such as "#mail-ops", or its id`)
		}
	}
}

// webAddress says whether s is an address that a secret may be sent to.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())
}
