package probes

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"reputed/probes/probestest"
)

// socks is a SOCKS5 proxy (RFC 1928) with login (RFC 1929) that connects, or answers with one reply to everybody.
type socks struct {
	ln    net.Listener
	reply byte // 0: connect
	mute  bool
	wg    sync.WaitGroup
}

func startSOCKS(t *testing.T, reply byte, mute bool) *socks {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &socks{ln: ln, reply: reply, mute: mute}
	s.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { defer conn.Close(); s.serve(conn) })
		}
	})
	t.Cleanup(func() { ln.Close(); s.wg.Wait() })
	return s
}

func (s *socks) serve(conn net.Conn) {
	buf := make([]byte, 256)
	need := func(n int) []byte { _, _ = io.ReadFull(conn, buf[:n]); return buf[:n] }
	if s.mute {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	need(int(need(2)[1])) // methods
	_, _ = conn.Write([]byte{5, 2})
	user := string(need(int(need(2)[1])))
	password := string(need(int(need(1)[0])))
	if user != "probe" || password != "correct horse" {
		_, _ = conn.Write([]byte{1, 1})
		return
	}
	_, _ = conn.Write([]byte{1, 0})
	var addr netip.Addr
	if kind := need(4)[3]; kind == 4 { // RFC 1928 section 5
		addr = netip.AddrFrom16([16]byte(need(16)))
	} else {
		addr = netip.AddrFrom4([4]byte(need(4)))
	}
	port := binary.BigEndian.Uint16(need(2))
	_, _ = conn.Write([]byte{5, s.reply, 0, 1, 127, 0, 0, 1, 0, 0})
	if s.reply != 0 {
		return
	}
	to, err := net.Dial("tcp", netip.AddrPortFrom(addr, port).String())
	if err != nil {
		return
	}
	defer to.Close()
	done := make(chan struct{})
	go func() { _, _ = io.Copy(conn, to); conn.Close(); close(done) }()
	_, _ = io.Copy(to, conn)
	to.Close()
	<-done
}

func TestThroughAProxy(t *testing.T) {
	for name, c := range map[string]struct {
		reply    byte
		mute     bool
		password string
		err      error
	}{
		"it connects":                       {0, false, "correct horse", nil},
		"the server refuses":                {5, false, "correct horse", ErrUnreachable},
		"the server's host is away":         {4, false, "correct horse", ErrUnreachable},
		"the rules of the proxy do not let": {2, false, "correct horse", ErrProxy},
		"the proxy does not know us":        {0, false, "wrong", ErrProxy},
		"the proxy does not answer":         {0, true, "correct horse", ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			smtp := startSMTP(t, probestest.SMTPOptions{Mode: probestest.SMTPRefuse})
			p := startSOCKS(t, c.reply, c.mute)
			opts := ReceiverOptions{Proxy: SOCKS5{Server: p.ln.Addr().String(), User: "probe", Password: func() string { return c.password }}}
			if c.mute {
				opts.Visit = 50 * time.Millisecond
			}
			v := newReceiver(t, opts).Visit(t.Context(), Door{Addr: smtp.Addr()})
			if !errors.Is(v.Err, c.err) || (v.Err == nil) != (c.err == nil) || c.err == nil && v.Greeting.Code != 554 || v.From.IsValid() || v.Via != opts.Proxy.Server {
				t.Errorf("%q, from %s, %v", v.Greeting, v.From, v.Err)
			}
		})
	}
	t.Run("to a server with an IPv6 address", func(t *testing.T) {
		if ln, err := net.Listen("tcp", "[::1]:0"); err != nil {
			t.Skip("no IPv6 here: ", err)
		} else {
			ln.Close()
		}
		smtp := startSMTP(t, probestest.SMTPOptions{Address: "::1"})
		p := startSOCKS(t, 0, false)
		v := newReceiver(t, ReceiverOptions{Proxy: SOCKS5{Server: p.ln.Addr().String(), User: "probe", Password: func() string { return "correct horse" }}}).Visit(t.Context(), Door{Addr: smtp.Addr()})
		if v.Err != nil || v.Stage != StageDone {
			t.Errorf("%s, %v", v.Stage, v.Err)
		}
	})
	smtp := startSMTP(t, probestest.SMTPOptions{})
	p := startSOCKS(t, 0, false)
	p.ln.Close()
	v := newReceiver(t, ReceiverOptions{Proxy: SOCKS5{Server: p.ln.Addr().String()}}).Visit(t.Context(), Door{Addr: smtp.Addr()})
	if !errors.Is(v.Err, ErrProxy) {
		t.Errorf("a proxy that is gone: %v", v.Err)
	}
}
