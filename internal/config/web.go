package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"reputed/checks"
	"reputed/internal/guard"
)

// Web says how the page, the JSON interface and /metrics are served.
type Web struct {
	// Listen is host:port; port 8025 if left out; empty: there is no page. On any address but the
	// loopback, people have to sign in.
	Listen string `toml:"listen"`
	// URL is how browsers reach the page, "https://reputed.example.org", if not at the address in
	// Listen: behind a proxy, or by a name.
	URL string `toml:"url"`
	// Tokens are for people and scripts to sign in, by their names, which are recorded with what
	// they do.
	Tokens map[string]Secret `toml:"tokens"`
	// ProxyHeader is the header in which a reverse proxy says who has signed in there:
	// "Remote-User". It is believed only from Proxies.
	ProxyHeader string `toml:"proxy_header"`
	// Proxies are the addresses and ranges of these proxies; default: the loopback.
	Proxies []string `toml:"proxies"`
	// Cert and Key are files in PEM, for TLS. They are read again when they change.
	Cert string `toml:"cert"`
	Key  string `toml:"key"`
}

// SignIn says whether people have to sign in.
func (w Web) SignIn() bool { return len(w.Tokens) > 0 || w.ProxyHeader != "" }

// Hosts returns the names under which browsers reach the page.
func (w Web) Hosts() []string {
	var out []string
	if host, _, err := net.SplitHostPort(w.Listen); err == nil && host != "" {
		out = append(out, host)
	}
	if u, err := url.Parse(w.URL); err == nil && u.Hostname() != "" {
		out = append(out, strings.ToLower(u.Hostname()))
	}
	return out
}

// Secure says whether browsers reach the page only over TLS.
func (w Web) Secure() bool { return w.Cert != "" || strings.HasPrefix(w.URL, "https://") }

// Base returns the beginning of the addresses of the page, without a slash at the end.
func (w Web) Base() string {
	switch {
	case w.URL != "":
		return strings.TrimSuffix(w.URL, "/")
	case w.Cert != "":
		return "https://" + w.Listen
	}
	return "http://" + w.Listen
}

// minToken is the least length of a token, in bytes: a shorter one can be guessed.
const minToken = 16

func (v *validator) web() {
	c := &v.cfg.Web
	if c.Cert != "" {
		c.Cert = v.path(c.Cert)
	}
	if c.Key != "" {
		c.Key = v.path(c.Key)
	}
	if (c.Cert == "") != (c.Key == "") {
		v.at("web.cert", "cert and key belong together: name both files, or none")
	}
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" {
			v.at("web.url", "want https:// and a host, without a path: \"https://reputed.example.org\"")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tokens)) {
		at := fmt.Sprintf("web.tokens[%q]", name)
		if name == "" || name != checks.Line(name, 60) || strings.ContainsAny(name, "|") {
			v.at(at, "want the name of a person or a script, at most 60 characters")
		}
		if t := c.Tokens[name]; t.Set() && len(t.Reveal()) < minToken {
			v.at(at, "shorter than %d characters: make one with \"openssl rand -hex 32\"", minToken)
		}
	}
	if c.ProxyHeader != "" && !headerName(c.ProxyHeader) {
		v.at("web.proxy_header", "%s is no name of a header, such as \"Remote-User\"", shown(c.ProxyHeader))
	}
	if len(c.Proxies) == 0 && c.ProxyHeader != "" {
		c.Proxies = []string{"127.0.0.0/8", "::1/128"}
	}
	for i, p := range c.Proxies {
		if _, err := ParsePrefix(p); err != nil {
			v.at(fmt.Sprintf("web.proxies[%d]", i), "%s is neither an address nor a range such as \"192.0.2.0/28\"", shown(p))
		}
	}
	if c.Listen == "" {
		return
	}
	listen, err := hostPort(c.Listen, "8025")
	if err != nil {
		v.at("web.listen", "%v", err)
		return
	}
	c.Listen = listen
	host, _, _ := net.SplitHostPort(listen)
	switch {
	case guard.Loopback(host):
	case !c.SignIn():
		v.at("web.listen", "%s is not the loopback, and nobody has to sign in: set tokens or proxy_header, or listen on 127.0.0.1:8025", shown(host))
	case c.Cert == "":
		v.warn("web.listen", "tokens cross the network in the clear: set cert and key, or listen on the loopback behind a proxy that speaks TLS")
	}
}

// headerName says whether s is a token (RFC 9110 section 5.6.2) of plain letters.
func headerName(s string) bool {
	return len(s) <= 60 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}
