package email

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// double is a submission server on the loopback. What it answers to a command, or to the
// whole message (".") or at the beginning (""), can be replaced; "HANG" does not answer,
// "CUT" closes the connection.
type double struct {
	addr  string
	roots *x509.CertPool

	mu       sync.Mutex
	answers  map[string]string
	commands []string
	mails    []string
}

// certificate borrows the one that httptest has for 127.0.0.1.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s.TLS.Certificates[0], pool
}

// newDouble listens until the test ends. Answers replace those of a server that takes everything.
func newDouble(t *testing.T, mode TLSMode, answers map[string]string) *double {
	t.Helper()
	cert, roots := certificate(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &double{addr: listener.Addr().String(), roots: roots, answers: answers}
	var wg sync.WaitGroup
	stopped := make(chan struct{})
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				done := make(chan struct{})
				defer close(done)
				wg.Go(func() {
					select {
					case <-stopped:
						_ = conn.Close()
					case <-done:
					}
				})
				d.serve(conn, mode, &tls.Config{Certificates: []tls.Certificate{cert}})
			})
		}
	})
	t.Cleanup(func() { close(stopped); _ = listener.Close(); wg.Wait() })
	return d
}

func (d *double) answer(command string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.commands = append(d.commands, command)
	verb, _, _ := strings.Cut(command, " ")
	for _, key := range []string{command, verb} {
		if a, ok := d.answers[key]; ok {
			return a
		}
	}
	switch verb {
	case "":
		return "220 smtp.example.net ESMTP"
	case "EHLO":
		return "250-smtp.example.net\r\n250-AUTH PLAIN LOGIN\r\n250-STARTTLS\r\n250 8BITMIME"
	case "AUTH":
		return "235 2.7.0 ok"
	case "DATA":
		return "354 go on"
	case "QUIT":
		return "221 bye"
	case "STARTTLS":
		return "220 go"
	}
	return "250 2.0.0 ok"
}

// said is what a client has said until now. A connection may outlive the call that made it.
func (d *double) said() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.commands)
}

// taken is the mails that came whole.
func (d *double) taken() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.mails)
}

func (d *double) serve(conn net.Conn, mode TLSMode, config *tls.Config) {
	if mode == Implicit {
		conn = tls.Server(conn, config)
	}
	r := bufio.NewReader(conn)
	say := func(command string) bool {
		switch a := d.answer(command); a {
		case "HANG":
			_, _ = r.ReadByte() // until the other end goes
			return false
		case "CUT":
			return false
		case "ENDLESS":
			for {
				if _, err := fmt.Fprintf(conn, "250-%s\r\n", strings.Repeat("x", 1000)); err != nil {
					return false
				}
			}
		default:
			_, err := fmt.Fprintf(conn, "%s\r\n", a)
			return err == nil
		}
	}
	if !say("") {
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		if !say(line) {
			return
		}
		switch line {
		case "STARTTLS":
			conn = tls.Server(conn, config)
			r = bufio.NewReader(conn)
		case "DATA":
			var b strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				b.WriteString(strings.TrimPrefix(line, "."))
			}
			d.mu.Lock()
			d.mails = append(d.mails, b.String())
			d.mu.Unlock()
			if !say(".") {
				return
			}
		case "QUIT":
			return
		}
	}
}
