package probestest

import (
	"bytes"
	"crypto/tls"
	"net"
	"regexp"
	"sync"
)

// faultListener accepts connections that break as they are told to. The
// settings hold for all connections that it has accepted.
type faultListener struct {
	net.Listener
	tls *tls.Config // nil: plain

	mu       sync.Mutex
	conns    map[*faultConn]bool
	accepted int
	arrival  chan struct{} // closed and replaced whenever accepted grows
	refuse   bool
	hideIdle bool
	mute     bool
	cut      int64 // for the next connection; -1 not
	deaf     int64 // like cut, of what the client sends
	drip     bool  // one byte at a time
	after    int64 // bytes to send over all connections until then is closed
	then     chan struct{}
}

func (l *faultListener) set(change func(*faultListener)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

// Accept gives the next connection that is not refused.
func (l *faultListener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		l.accepted++
		close(l.arrival)
		l.arrival = make(chan struct{})
		if l.refuse {
			l.mu.Unlock()
			inner.Close()
			continue
		}
		raw := &faultConn{Conn: inner, listener: l, left: l.cut, heed: l.deaf}
		l.cut, l.deaf = -1, -1
		l.conns[raw] = true
		hide := l.hideIdle
		l.mu.Unlock()

		var conn net.Conn = raw
		if l.tls != nil {
			conn = tls.Server(conn, l.tls)
		}
		if hide {
			conn = noIdleConn{conn}
		}
		return conn, nil
	}
}

func (l *faultListener) drop() {
	l.mu.Lock()
	conns := l.conns
	l.conns = map[*faultConn]bool{}
	l.mu.Unlock()
	for c := range conns {
		c.Conn.Close()
	}
}

func (l *faultListener) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

func (l *faultListener) wait(n int) {
	for {
		l.mu.Lock()
		there, arrival := l.accepted >= n, l.arrival
		l.mu.Unlock()
		if there {
			return
		}
		<-arrival
	}
}

// faultConn is one accepted connection, below TLS.
type faultConn struct {
	net.Conn
	listener *faultListener
	left     int64 // bytes until it breaks; below 0 never. Guarded by listener.mu
	heed     int64 // like left, of what the client sends
}

// CutNextHeard breaks the next connection after the client has sent n bytes, TLS included: what
// came after them was never heard. The connection after it is whole again.
func (d *IMAP) CutNextHeard(n int64) { d.listener.set(func(l *faultListener) { l.deaf = n }) }

// Drip makes every connection, present and to come, pass on one byte at a time in both directions,
// until it is called with false.
func (d *IMAP) Drip(drip bool) { d.listener.set(func(l *faultListener) { l.drip = drip }) }

func (c *faultConn) Read(p []byte) (int, error) {
	c.listener.mu.Lock()
	if c.listener.drip {
		p = p[:min(len(p), 1)]
	}
	if c.heed >= 0 {
		p = p[:min(int64(len(p)), c.heed)]
	}
	deaf := c.heed == 0
	c.listener.mu.Unlock()
	if deaf {
		c.Close()
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Read(p)
	c.listener.mu.Lock()
	if c.heed >= 0 {
		c.heed -= int64(n)
	}
	c.listener.mu.Unlock()
	return n, err
}

func (c *faultConn) Write(p []byte) (int, error) {
	c.listener.mu.Lock()
	if c.listener.mute {
		c.listener.mu.Unlock()
		return len(p), nil
	}
	cut := c.left >= 0 && c.left < int64(len(p))
	if cut {
		p = p[:c.left]
	}
	if c.left >= 0 {
		c.left -= int64(len(p))
	}
	if l := c.listener; l.then != nil {
		if l.after -= int64(len(p)); l.after <= 0 {
			close(l.then)
			l.then = nil
		}
	}
	drip := c.listener.drip
	c.listener.mu.Unlock()
	n, err := c.write(p, drip)
	if cut {
		c.Close()
		return n, net.ErrClosed
	}
	return n, err
}

func (c *faultConn) write(p []byte, drip bool) (n int, err error) {
	if !drip {
		return c.Conn.Write(p)
	}
	for i := range p {
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func (c *faultConn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

// noIdleConn takes IDLE out of every capability list. It stands above TLS and
// relies on the server writing one response at a time.
type noIdleConn struct{ net.Conn }

var capabilityLine = regexp.MustCompile(`^(?:\S+ OK \[|\* )CAPABILITY `)

func (c noIdleConn) Write(p []byte) (int, error) {
	if !capabilityLine.Match(p) {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(bytes.ReplaceAll(p, []byte(" IDLE"), nil)); err != nil {
		return 0, err
	}
	return len(p), nil
}
