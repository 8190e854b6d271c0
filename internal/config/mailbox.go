package config

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"reputed/internal/guard"
)

// MaxFolders is how many folders of one mailbox can be read: each has a connection of its own, and
// servers allow ten or fifteen for an account.
const MaxFolders = 8

// maxNewestFirst bounds what is read twice at the first start on a folder.
const maxNewestFirst = 10_000

// What is done with a report on its server once it is stored: the values of Mailbox.After, of
// which the last two are followed by a name.
const (
	AfterKeep    = "keep"     // nothing; the mailbox is opened read-only
	AfterSeen    = "seen"     // it is marked as read
	AfterDelete  = "delete"   // it is deleted
	AfterKeyword = "keyword:" // it gets a keyword (RFC 3501 section 2.3.2)
	AfterMove    = "move:"    // it is moved to another folder
)

// Reads returns the folders that are read, with INBOX in capitals.
func (m *Mailbox) Reads() []string {
	folders := m.Folders
	if len(folders) == 0 {
		folders = []string{m.Folder}
	}
	all := make([]string, 0, len(folders))
	for _, f := range folders {
		all = append(all, inbox(f))
	}
	return all
}

// Key returns the name under which the position in a folder is stored: that of the mailbox for
// INBOX, and with a slash and the name of the folder for another. So one is never taken for the
// other, whatever their order.
func (m *Mailbox) Key(folder string) string {
	if folder = inbox(folder); folder != "INBOX" {
		return m.Name + "/" + folder
	}
	return m.Name
}

// inbox returns a folder's name with INBOX, the one name that is the same in any case (RFC 3501
// section 5.1), in capitals.
func inbox(folder string) string {
	if strings.EqualFold(folder, "INBOX") {
		return "INBOX"
	}
	return folder
}

func (v *validator) mailboxes() {
	names, places := map[string]string{}, map[string]string{}
	for i := range v.cfg.Mailboxes {
		m := &v.cfg.Mailboxes[i]
		at := fmt.Sprintf("mailbox[%d]", i)
		v.name(at+".name", m.Name, names)
		v.oneOf(at+".tls", m.TLS, TLSImplicit, TLSStart, TLSNone)
		v.between(at+".poll", m.Poll, 10*time.Second, 24*time.Hour)
		v.between(at+".since", m.Since, 0, 10*365*24*time.Hour)
		v.number(at+".newest_first", m.NewestFirst, 0, maxNewestFirst)
		v.server(m, at)
		if m.CAFile != "" {
			m.CAFile = v.path(m.CAFile)
			v.certificates(at+".ca_file", m.CAFile)
		}
		if m.User == "" {
			v.missing(at+".user", "missing; the name to log in with")
		}
		switch given := m.OAuth.Given(); {
		case given && m.Password.Given():
			v.at(at+".password", "password and [mailbox.oauth] are two ways to the same end: keep one")
		case given:
			v.oauth(&m.OAuth, at+".oauth")
		case !m.Password.Given():
			v.missing(at+".password", `missing; such as "env:BOUNCES_PASSWORD", or a table [mailbox.oauth]`)
		}
		v.folders(m, at)
		v.after(m, at+".after")
		// Two readers of one folder would count every refusal twice.
		for _, folder := range m.Reads() {
			place := m.Server + "\x00" + m.User + "\x00" + folder
			if first, twice := places[place]; twice && first != at && m.Server != "" {
				v.at(at, "the same folder of the same user as the one on line %d", v.line(first))
			}
			places[place] = at
		}
	}
}

func (v *validator) folders(m *Mailbox, at string) {
	const want = `want the name of a mailbox folder, such as "INBOX"`
	if !v.set(at + ".folders") {
		if !folderName(m.Folder) {
			v.at(at+".folder", want)
		}
		return
	}
	if v.set(at + ".folder") {
		v.at(at+".folder", "folder and folders say the same thing: keep one")
	}
	if n := len(m.Folders); n == 0 || n > MaxFolders {
		v.at(at+".folders", "want 1 to %d folders, each is read over a connection of its own", MaxFolders)
	}
	for i, f := range m.Folders {
		item := fmt.Sprintf("%s.folders[%d]", at, i)
		if !folderName(f) {
			v.at(item, want)
		}
		if slices.ContainsFunc(m.Folders[:i], func(other string) bool { return inbox(other) == inbox(f) }) {
			v.at(item, "%s stands there twice", shown(f))
		}
	}
}

func folderName(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsAny(s, "\r\n\x00") && strings.TrimSpace(s) == s
}

func (v *validator) after(m *Mailbox, at string) {
	const want = `want "keep", "seen", "delete", "keyword:NAME" or "move:FOLDER"`
	keyword, isKeyword := strings.CutPrefix(m.After, AfterKeyword)
	folder, isMove := strings.CutPrefix(m.After, AfterMove)
	switch {
	case isKeyword:
		// An atom, and no flag of the system's (RFC 3501 section 9).
		if keyword == "" || len(keyword) > 64 || strings.ContainsFunc(keyword, func(r rune) bool {
			return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]`, r)
		}) {
			v.at(at, `want a keyword of letters, digits and signs after "keyword:", such as "keyword:$Reputed"`)
		}
	case isMove:
		if !folderName(folder) {
			v.at(at, `want the name of a folder after "move:", such as "move:Done"`)
		}
		if slices.Contains(m.Reads(), inbox(folder)) {
			v.at(at, "%s is a folder that is read, what is moved there would be read again: name another", shown(folder))
		}
	case !slices.Contains([]string{AfterKeep, AfterSeen, AfterDelete}, m.After):
		v.at(at, "%s is none of these: %s", shown(m.After), want)
	}
}

// oauth checks what can be seen here; the contents of the secrets are checked where they are used.
func (v *validator) oauth(o *OAuth, at string) {
	if o.Provider != "" {
		v.oneOf(at+".provider", o.Provider, "microsoft", "google")
	}
	if o.TokenURL != "" && !webAddress(o.TokenURL) {
		v.at(at+".token_url", "want an address that begins with https:// (http:// on the loopback only)")
	}
	service, refresh := o.ServiceAccount.Given(), o.RefreshToken.Given()
	switch {
	case o.Provider == "microsoft" && o.TokenURL == "" && o.Tenant == "":
		v.missing(at+".tenant", "missing; the directory (tenant) id that the application's page shows")
	case o.Provider != "microsoft" && o.Tenant != "":
		v.at(at+".tenant", `only Microsoft has tenants: set provider = "microsoft", or leave it out`)
	case o.Tenant != url.PathEscape(o.Tenant) || len(o.Tenant) > 255:
		v.at(at+".tenant", "want the id of a directory, or one of its domains")
	case o.Provider == "" && o.TokenURL == "" && !service:
		v.missing(at+".provider", `missing; "microsoft", "google", or token_url for another`)
	}
	switch {
	case service && (refresh || o.ClientSecret.Given() || o.ClientID != ""):
		v.at(at+".service_account", "a service account has its own key: leave client_id, client_secret and refresh_token out")
	case service:
	case o.ClientID == "":
		v.missing(at+".client_id", "missing; the id of the application that you registered with the provider")
	case o.Provider == "google" && !refresh:
		v.missing(at+".refresh_token", "missing; Google gives tokens for a user's consent (refresh_token) or to a service_account only")
	case !refresh && !o.ClientSecret.Given():
		v.missing(at+".client_secret", "missing; or a refresh_token")
	}
}

// certificates checks a file of authorities, if the secrets are looked up too: for somebody who
// only reads the database it need not be there.
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
	if host, _, _ := net.SplitHostPort(server); m.TLS == TLSNone && !guard.Loopback(host) {
		v.at(at+".tls", `"none" would send the password in the clear to another machine: use "implicit" or "starttls"`)
	}
}
