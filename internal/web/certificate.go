package web

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// renewAgain is how often the files of a certificate are looked at, at most.
const renewAgain = 10 * time.Second

// Certificate reads a certificate and its key when a browser connects, so that a renewed one is taken without a
// restart; nil: no TLS, because cert is empty. A pair that cannot be read, half renewed, leaves the last one in use.
func Certificate(cert, key string) func() (*tls.Certificate, error) {
	if cert == "" {
		return nil
	}
	return renewing(cert, key, time.Now)
}

// renewing gives the certificate of two files, and reads them again once one has changed. A
// pair that does not fit together, because it is just being written, leaves the last one in use.
func renewing(cert, key string, now func() time.Time) func() (*tls.Certificate, error) {
	var mu sync.Mutex
	var pair *tls.Certificate
	var looked time.Time
	var stamp string
	return func() (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		if pair != nil && now().Sub(looked) < renewAgain {
			return pair, nil
		}
		looked = now()
		stampNow := modified(cert) + modified(key)
		if pair != nil && stampNow == stamp {
			return pair, nil
		}
		fresh, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			if pair != nil {
				return pair, nil
			}
			return nil, fmt.Errorf("certificate %s: %w", cert, err)
		}
		pair, stamp = &fresh, stampNow
		return pair, nil
	}
}

// modified is when a file was last written, and how large it is.
func modified(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "missing"
	}
	return fmt.Sprint(info.ModTime().UnixNano(), info.Size())
}
