package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// dayChat is where alerts go: it keeps what it takes, and takes nothing while it is told not to.
type dayChat struct {
	*httptest.Server
	mu      sync.Mutex
	all     []dayPost
	down    bool
	refused int
}

// dayPost is one alert as it came in.
type dayPost struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Title    string `json:"title"`
	Text     string `json:"text"`
	Incident struct {
		ID          int64             `json:"id"`
		Severity    string            `json:"severity"`
		Cost        string            `json:"cost"`
		Remediation []json.RawMessage `json:"remediation"`
	} `json:"incident"`
}

func newDayChat(t *testing.T) *dayChat {
	c := &dayChat{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var p dayPost
		err := json.NewDecoder(r.Body).Decode(&p)
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case c.down:
			c.refused++
			rw.WriteHeader(http.StatusInternalServerError)
		case err != nil:
			rw.WriteHeader(http.StatusBadRequest)
		default:
			c.all = append(c.all, p)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *dayChat) posts() []dayPost {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]dayPost(nil), c.all...)
}

// of gives the kinds of what was told of one incident, in order.
func (c *dayChat) of(incident int64) (kinds []string) {
	for _, p := range c.posts() {
		if p.Incident.ID == incident {
			kinds = append(kinds, p.Kind)
		}
	}
	return kinds
}

// fail lets it say no from now on, or yes again. It gives how often it said no.
func (c *dayChat) fail(yes bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = yes
	return c.refused
}

func (c *dayChat) refusals() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}
