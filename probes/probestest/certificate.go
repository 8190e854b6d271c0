package probestest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// LoopbackCertificate makes a self-signed certificate for 127.0.0.1, ::1 and localhost that is
// its own authority, valid from an hour before now to a day after. It also returns its PEM, as a
// ca_file would hold it.
func LoopbackCertificate(now time.Time) (tls.Certificate, []byte, error) {
	cert, err := selfSigned(&x509.Certificate{
		Subject: pkix.Name{CommonName: "loopback test server"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	})
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), nil
}

// CertificateFor makes a self-signed certificate for host names that is its own authority, valid
// between two times. It also returns the certificate for a pool of authorities.
func CertificateFor(from, to time.Time, names ...string) (tls.Certificate, *x509.Certificate, error) {
	cert, err := selfSigned(&x509.Certificate{Subject: pkix.Name{CommonName: "loopback receiver"}, NotBefore: from, NotAfter: to, DNSNames: names})
	return cert, cert.Leaf, err
}

// selfSigned makes a certificate for a server, which signs itself.
func selfSigned(template *x509.Certificate) (tls.Certificate, error) {
	template.SerialNumber = big.NewInt(template.NotBefore.UnixNano())
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.BasicConstraintsValid, template.IsCA = true, true
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
