package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxPost is more than any alert has: Slack itself takes 50 blocks of 3,000 characters.
const maxPost = 1 << 20

// Chat is a Slack-compatible incoming webhook that keeps what is posted to it.
type Chat struct {
	server *http.Server
	url    string

	mu    sync.Mutex
	posts []Post
	more  chan struct{} // closed and replaced whenever something is posted
}

// Post is one message as it came in.
type Post struct {
	At      time.Time
	Payload []byte // the JSON body, as sent
}

// startChat listens on a free port of the loopback.
func startChat() (*Chat, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the chat of the lab: %w", err)
	}
	c := &Chat{url: "http://" + listener.Addr().String() + "/services/lab", more: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /services/lab", c.receive)
	c.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := c.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // the loopback listener of our own process failed
		}
	}()
	return c, nil
}

// URL is the webhook's address.
func (c *Chat) URL() string { return c.url }

func (c *Chat) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPost))
	if err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.posts = append(c.posts, Post{At: time.Now(), Payload: body})
	close(c.more)
	c.more = make(chan struct{})
	c.mu.Unlock()
	_, _ = io.WriteString(w, "ok") // what Slack answers
}

// Wait gives post number n, counted from 0, as soon as it is there, or ctx's error.
func (c *Chat) Wait(ctx context.Context, n int) (Post, error) {
	for {
		c.mu.Lock()
		if len(c.posts) > n {
			p := c.posts[n]
			c.mu.Unlock()
			return p, nil
		}
		more := c.more
		c.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return Post{}, fmt.Errorf("wait for message %d in the chat: %w", n+1, ctx.Err())
		}
	}
}

func (c *Chat) close() { _ = c.server.Close() }
