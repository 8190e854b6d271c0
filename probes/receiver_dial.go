package probes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"golang.org/x/net/proxy"
)

// dial connects from the configured address, directly or through the proxy.
func (r *Receiver) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	d := &net.Dialer{}
	if from := r.opts.From; from.IsValid() {
		if r.opts.Proxy.Server == "" && from.Is4() != to.Addr().Unmap().Is4() {
			return nil, fmt.Errorf("%w: from %s there is no way to %s", ErrNotOurs, from, to.Addr())
		}
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	if r.opts.Proxy.Server != "" {
		return r.dialProxy(ctx, d, to)
	}
	conn, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, dialError(err, r.opts.From)
	}
	return conn, nil
}

// dialProxy connects through the proxy (RFC 1928). It names the server by its address, so that
// the proxy's resolver, which may be somebody else's, plays no part.
func (r *Receiver) dialProxy(ctx context.Context, d *net.Dialer, to netip.AddrPort) (net.Conn, error) {
	var auth *proxy.Auth
	if p := r.opts.Proxy; p.User != "" {
		auth = &proxy.Auth{User: p.User}
		if p.Password != nil {
			auth.Password = p.Password()
		}
	}
	socks, err := proxy.SOCKS5("tcp", r.opts.Proxy.Server, auth, d)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrProxy, lastWords(err))
	}
	// What the library returns can be cancelled; its declared type does not say so.
	dialer, ok := socks.(proxy.ContextDialer)
	if !ok {
		return nil, fmt.Errorf("%w: no way to end it in time", ErrProxy)
	}
	conn, err := dialer.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, proxyError(err)
	}
	return conn, nil
}

// proxyError tells apart what the proxy says about the server, and what is wrong with the
// proxy itself. The library gives the reply field (RFC 1928 section 6) only in words, after
// "unknown error".
func proxyError(err error) error {
	text := lastWords(err)
	if reply, ok := strings.CutPrefix(text, "unknown error "); ok {
		switch reply {
		case "connection refused", "host unreachable", "network unreachable", "TTL expired":
			return fmt.Errorf("%w: %s, says the proxy", ErrUnreachable, reply)
		}
		return fmt.Errorf("%w: %s", ErrProxy, reply)
	}
	if isTimeout(err) {
		return fmt.Errorf("%w through the proxy", ErrTimeout)
	}
	return fmt.Errorf("%w: %s", ErrProxy, text)
}

// dialError says why there is no connection from an address, which may be invalid.
func dialError(err error, from netip.Addr) error {
	switch {
	case from.IsValid() && errors.Is(err, syscall.EADDRNOTAVAIL): // without from: this machine has no IPv6
		return ErrNotOurs
	case errors.Is(err, syscall.ECONNRESET): // there was a connection, and it ended before we saw it
		return fmt.Errorf("%w: reset by the server", ErrCut)
	case isTimeout(err):
		return ErrTimeout
	}
	return fmt.Errorf("%w: %s", ErrUnreachable, lastWords(err))
}
