package probes

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// TLS is what came of STARTTLS.
type TLS struct {
	Version string // "TLS 1.3"; empty: the handshake failed
	Cipher  string
	Chain   []Certificate // as sent, the server's own first; at most maxChain
	// Trust is why the chain, or the name in it, cannot be trusted now; nil: it can. MX hosts
	// deliver all the same, unless MTA-STS or DANE forbids it (RFC 7435, RFC 8461).
	Trust error
}

// Certificate is what a certificate says.
type Certificate struct {
	Subject, Issuer     string   // common name, else the whole distinguished name; untrusted
	Names               []string // DNS names and addresses that it is for; untrusted, at most maxNames of each
	NotBefore, NotAfter time.Time
	SHA256              string // of the whole certificate, hex
}

const (
	maxChain = 10
	maxNames = 100
)

// startTLS moves the conversation into TLS and begins it anew (RFC 3207 section 4.2). With
// done, the conversation is over.
func (s *talk) startTLS(ctx context.Context) (done bool, err error) {
	v := s.v
	if v.StartTLS, err = s.say(verbStartTLS, ""); err != nil {
		return true, err
	}
	if v.StartTLS.Code != 220 {
		return false, nil // it goes on in the clear
	}
	if s.in.in.Buffered() > 0 {
		// It would be taken for something that was said inside TLS (CVE-2011-0411).
		return true, fmt.Errorf("%w: more follows the reply to STARTTLS in the clear", ErrNotSMTP)
	}
	if err := s.limit(s.r.opts.Reply); err != nil {
		return true, err
	}
	// The certificate is read whatever it is, so trust is judged apart from the handshake.
	conn := tls.Client(s.conn, &tls.Config{ServerName: v.Door.Host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}) // #nosec G402 -- nothing is sent that is secret; see trust
	err = conn.HandshakeContext(ctx)
	if err != nil && isTimeout(err) {
		return true, ErrTimeout // nothing is known of its TLS
	}
	state := conn.ConnectionState()
	v.TLS = &TLS{Chain: chain(state.PeerCertificates)}
	if err != nil {
		v.TLS.Trust = fmt.Errorf("handshake: %s", lastWords(err))
		return true, fmt.Errorf("%w: %s", ErrTLS, lastWords(err))
	}
	v.TLS.Version, v.TLS.Cipher = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	v.TLS.Trust = s.r.trust(state.PeerCertificates, v.Door.Host, time.Now())
	s.use(conn)
	v.Stage = StageEHLO
	return s.hello()
}

// trust returns why a chain cannot be trusted, nil if it can.
func (r *Receiver) trust(certs []*x509.Certificate, host string, now time.Time) error {
	if len(certs) == 0 {
		return errors.New("no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range certs[1:min(len(certs), maxChain)] {
		between.AddCert(c)
	}
	_, err := certs[0].Verify(x509.VerifyOptions{DNSName: host, Roots: r.opts.Roots, Intermediates: between, CurrentTime: now})
	return err
}

func chain(certs []*x509.Certificate) (all []Certificate) {
	for _, c := range certs[:min(len(certs), maxChain)] {
		sum := sha256.Sum256(c.Raw)
		one := Certificate{Subject: c.Subject.CommonName, Issuer: c.Issuer.CommonName, NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), SHA256: hex.EncodeToString(sum[:])}
		if one.Subject == "" {
			one.Subject = c.Subject.String()
		}
		if one.Issuer == "" {
			one.Issuer = c.Issuer.String()
		}
		one.Names = append(one.Names, c.DNSNames[:min(len(c.DNSNames), maxNames)]...)
		for _, ip := range c.IPAddresses[:min(len(c.IPAddresses), maxNames)] {
			one.Names = append(one.Names, ip.String())
		}
		all = append(all, one)
	}
	return all
}
