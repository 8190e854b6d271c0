// Package guard decides whom the HTTP clients of this program connect to: those of alert channels, of
// providers' programmes, of token endpoints and of policies in the web. There is one rule for all.
//
// Names in the configuration are looked up by whoever answers for them, and that may change. So it is the address
// of the very connection that is looked at, when it is made: one that is not on the public Internet is refused,
// unless the configuration writes it out, allows it to this client, or names its network. What is looked up and what is
// connected to are one step, so that no answer can change in between (DNS rebinding).
//
// A proxy is used if the configuration names one, and for every client; the environment (HTTPS_PROXY and the like) is
// not asked. What is meant to be inside is connected to directly all the same.
package guard

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Rules hold for every client. The zero Rules are no proxy, and nobody inside.
type Rules struct {
	// Proxy is http://HOST:PORT or socks5://HOST:PORT ([ParseProxy]), and User of it how to log in; nil: none. It is asked for
	// a tunnel to the name (CONNECT, RFC 9110 section 9.3.6; SOCKS5, RFC 1928), so that TLS ends at the server.
	// It is the proxy that looks the name up then, and its rules that say whom it connects to.
	Proxy *url.URL
	// Inside are networks of our own that names may lead into.
	Inside []netip.Prefix
}

// Route is to whom one client may connect.
type Route struct {
	Rules
	// Host is that of the address as it is written in the configuration. If that is a private
	// address, or "localhost", it is meant.
	Host string
	// Private says that whatever the name leads to is meant.
	Private bool
}

// ErrInside: a name leads to an address that is not on the public Internet. Trying again
// does not help, unless the name is put right.
var ErrInside = errors.New("an address of a private network")

const (
	dialTimeout = 5 * time.Second // of connecting to one address
	// MaxHeaderBytes is how much of the headers of an answer is read.
	MaxHeaderBytes = 64 << 10
)

// Transport is a new one that goes by the route. It keeps no connection: our requests are rare, and a connection that
// was kept for hours is the one that is found dead when it matters. Whoever makes a client of it follows no redirect.
func (r Route) Transport(config *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                  r.ProxyFor,
		DialContext:            r.Dial,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    2 * dialTimeout,
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: MaxHeaderBytes,
	}
}

// ProxyFor is the proxy for a request; nil is a direct connection. It has the form that [http.Transport] wants.
func (r Route) ProxyFor(*http.Request) (*url.URL, error) {
	if r.meant() {
		return nil, nil
	}
	return r.Proxy, nil
}

// meant says whether what the name leads to is not looked at.
func (r Route) meant() bool { return r.Private || privateHost(r.Host) }

// Dial connects, if it may. The error wraps [ErrInside] if it may not.
func (r Route) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	if !r.meant() && address != r.proxyAddress() {
		d.Control = func(_, address string, _ syscall.RawConn) error { return r.Allow(address) }
	}
	return d.DialContext(ctx, network, address)
}

// Allow looks at an address of a connection, host and port.
func (r Route) Allow(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connect to %q: no address", address)
	}
	addr := to.Addr().Unmap().WithZone("")
	if r.meant() || !Private(addr) {
		return nil
	}
	for _, p := range r.Inside {
		if p.Contains(addr) {
			return nil
		}
	}
	return fmt.Errorf("the name leads to %s, %w: if that is meant, name its network in private of [http]", addr, ErrInside)
}

// proxyAddress is that of the proxy as a transport dials it; empty: there is none.
func (r Route) proxyAddress() string {
	if r.Proxy == nil {
		return ""
	}
	return r.Proxy.Host
}

// ParseProxy reads the address of a proxy. Errors say what to write, and repeat nothing of it: somebody may have put a
// password into it.
func ParseProxy(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Port() == "" || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" || u.User != nil ||
		u.Scheme != "http" && u.Scheme != "socks5" {
		return nil, errors.New(`must be "http://HOST:PORT" or "socks5://HOST:PORT", and nothing else`)
	}
	return &url.URL{Scheme: u.Scheme, Host: net.JoinHostPort(strings.ToLower(u.Hostname()), u.Port())}, nil
}

// Secrets are what must stand in no error: the proxy's password, also as it is sent (RFC 7617 section 2).
func (r Rules) Secrets() []string {
	if r.Proxy == nil {
		return nil
	}
	password, ok := r.Proxy.User.Password()
	if !ok || password == "" {
		return nil
	}
	return []string{password, base64.StdEncoding.EncodeToString([]byte(r.Proxy.User.Username() + ":" + password))}
}
