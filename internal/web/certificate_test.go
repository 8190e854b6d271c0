package web

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"reputed/probes/probestest"
)

func TestRenewedCertificateIsTaken(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	now := time.Now()
	get := renewing(cert, key, func() time.Time { return now })
	if _, err := get(); err == nil {
		t.Error("there is no certificate yet, and no error")
	}
	serial := func() int64 {
		t.Helper()
		pair, err := get()
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	probestest.CertificateFiles(t, cert, key, 1)
	if got := serial(); got != 1 {
		t.Errorf("serial %d, want 1", got)
	}
	if err := os.WriteFile(key, []byte("half written"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(renewAgain)
	if got := serial(); got != 1 {
		t.Errorf("while it is written: serial %d, want 1", got)
	}
	probestest.CertificateFiles(t, cert, key, 2)
	if got := serial(); got != 1 {
		t.Errorf("too soon to look again: serial %d, want 1", got)
	}
	now = now.Add(renewAgain)
	if got := serial(); got != 2 {
		t.Errorf("renewed: serial %d, want 2", got)
	}
}
