package post

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// MaxReplyBytes is how much of a reply is read. Channels answer with a word, or a few
// KiB of JSON.
const MaxReplyBytes = 64 << 10

// Reply is what a server answered.
type Reply struct {
	Status int // 0: no whole reply came
	Header http.Header
	Body   []byte // at most [MaxReplyBytes]
}

// Exchange is an http.RoundTripper for one request that keeps the reply, bounded, for
// libraries that throw away the body of what they take for an error. The body is read
// here, so that the request's deadline covers a slow one too.
type Exchange struct {
	Reply
	client *Client
}

// RoundTrip implements http.RoundTripper.
func (x *Exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := x.client.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxReplyBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the reply: %w", err)
	case len(body) > MaxReplyBytes:
		return nil, errors.New("the reply is longer than any of such a channel; check the address")
	}
	// Before anybody cuts it to a line: half a secret is one, too.
	for _, secret := range x.client.secrets {
		body = bytes.ReplaceAll(body, []byte(secret), []byte(redacted))
	}
	x.Reply = Reply{resp.StatusCode, resp.Header, body}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
