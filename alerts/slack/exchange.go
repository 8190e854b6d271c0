package slack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// maxReplyBytes is how much of a reply is read. Slack's are a word from a webhook,
// and a few KiB of JSON from the API, which sends the message back.
const maxReplyBytes = 64 << 10

// exchange carries one request and keeps the reply, bounded. The library throws
// away the body of every reply that it takes for an error, and takes a webhook's
// 200 for a yes whatever the body says.
type exchange struct {
	next http.RoundTripper

	status int // 0: no whole reply came
	header http.Header
	body   []byte
}

// RoundTrip implements http.RoundTripper. The reply is read here, so the
// request's deadline covers a slow body too.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := x.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReplyBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the reply: %w", err)
	case len(body) > maxReplyBytes:
		return nil, errors.New("the reply is longer than any of Slack's; check the address")
	}
	x.status, x.header, x.body = resp.StatusCode, resp.Header, body
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// ownTransport connects anew for each request: alerts are rare, and a connection
// kept for hours is the one that is found dead when it matters.
func ownTransport() http.RoundTripper {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Transport{
		Proxy:                  nil, // secrets go to where the configuration says, and nowhere else
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
