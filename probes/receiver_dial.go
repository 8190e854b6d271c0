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

// dial connects from the address that is to be tried, or through the proxy.
func (r *Receiver) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	d := &net.Dialer{}
	if from := r.opts.From; from.IsValid() {
		if r.opts.Proxy.Server == "" && from.Is4() != to.Addr().Unmap().Is4() {
			return nil, fmt.Errorf("%w: from %s there is no way to %s", ErrNotOurs, from, to.Addr())
		}
		d.LocalAddr = &net.TCPAddr{IP: from.AsSlice()}
	}
	if r.opts.Proxy.Server != "" {
		return r.dialProxy(ctx, d, to)
	}
	conn, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, dialError(err)
	}
	return conn, nil
}

// dialProxy connects through the proxy (RFC 1928). The address is looked up here, so that the proxy's resolver, which
// may be another's, plays no part.
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
	// What the library gives knows contexts; its interface does not say so.
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

// proxyError tells what the proxy says of the server from what is wrong with the proxy itself. The library
// gives the reply field of RFC 1928 section 6 in words only, after "unknown error".
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

// dialError names why there is no connection.
func dialError(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return ErrNotOurs
	case errors.Is(err, syscall.ECONNRESET): // there was a connection, and we are too late to see it
		return fmt.Errorf("%w: reset by the server", ErrCut)
	case isTimeout(err):
		return ErrTimeout
	}
	return fmt.Errorf("%w: %s", ErrUnreachable, lastWords(err))
}
