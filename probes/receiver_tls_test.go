package probes

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/probes/probestest"
)

func TestStartTLSIsRead(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		from, to time.Time
		names    []string
		trust    string // part of the error
	}{
		"good":         {now.Add(-time.Hour), now.Add(time.Hour), []string{"mx.example.net"}, ""},
		"expired":      {now.Add(-48 * time.Hour), now.Add(-time.Hour), []string{"mx.example.net"}, "expired"},
		"another name": {now.Add(-time.Hour), now.Add(time.Hour), []string{"www.example.net"}, "mx.example.net"},
	} {
		t.Run(name, func(t *testing.T) {
			cert, root, err := probestest.CertificateFor(c.from, c.to, c.names...)
			if err != nil {
				t.Fatal(err)
			}
			s := startSMTP(t, probestest.SMTPOptions{Certificate: &cert})
			roots := x509.NewCertPool()
			roots.AddCert(root)
			v := newReceiver(t, ReceiverOptions{Roots: roots}).Visit(t.Context(), Door{Host: "mx.example.net", Addr: s.Addr(), StartTLS: true, Envelopes: postmaster})
			if v.Err != nil || v.Stage != StageDone || v.TLS == nil || v.TLS.Version != "TLS 1.3" || len(v.TLS.Chain) != 1 {
				t.Fatalf("%+v", v)
			}
			got := v.TLS.Chain[0]
			if !slices.Equal(got.Names, c.names) || got.NotAfter.Sub(c.to).Abs() > time.Second || len(got.SHA256) != 64 || got.Subject != "loopback receiver" {
				t.Errorf("certificate %+v", got)
			}
			if c.trust == "" && v.TLS.Trust != nil || c.trust != "" && (v.TLS.Trust == nil || !strings.Contains(v.TLS.Trust.Error(), c.trust)) {
				t.Errorf("trust: %v", v.TLS.Trust)
			}
			if got := s.Commands(); !slices.Equal(got[:3], []string{"EHLO mx1.example.org", "STARTTLS", "EHLO mx1.example.org"}) {
				t.Errorf("said %q", got)
			}
		})
	}
}

func TestAHandshakeThatFailsIsNoRefusal(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{Certificate: &tls.Certificate{}})
	v := newReceiver(t, ReceiverOptions{}).Visit(t.Context(), Door{Addr: s.Addr(), StartTLS: true})
	if !errors.Is(v.Err, ErrTLS) || v.Stage != StageStartTLS || v.EHLO.Code != 250 {
		t.Errorf("%s, %q, %v", v.Stage, v.EHLO, v.Err)
	}
}

// A server that goes silent in the handshake has said nothing about its TLS.
func TestAHandshakeWithoutAnAnswerIsATimeout(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		for _, reply := range []string{"220 mx.example.net ESMTP\r\n", "250-mx.example.net\r\n250 STARTTLS\r\n", "220 2.0.0 Go ahead\r\n"} {
			_, _ = conn.Write([]byte(reply))
			_, _ = in.ReadString('\n')
		}
		_, _ = io.Copy(io.Discard, in)
	}()
	v := newReceiver(t, ReceiverOptions{Reply: 50 * time.Millisecond}).Visit(t.Context(), Door{Addr: netip.MustParseAddrPort(ln.Addr().String()), StartTLS: true})
	if !errors.Is(v.Err, ErrTimeout) || errors.Is(v.Err, ErrTLS) || v.Stage != StageStartTLS || v.TLS != nil {
		t.Errorf("%s, TLS %+v, %v", v.Stage, v.TLS, v.Err)
	}
}
