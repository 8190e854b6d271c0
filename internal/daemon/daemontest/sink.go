package daemontest

import (
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Sink is a server that keeps what it is sent and says yes, or what it is told to.
type Sink struct {
	*httptest.Server
	mu     sync.Mutex
	paths  []string
	bodies []string
	status int
	answer string
}

// NewSink starts one that says 200 and the answer until the test ends; empty, it repeats what it is sent.
func NewSink(t testing.TB, answer string) *Sink {
	s := &Sink{status: http.StatusOK, answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.paths, s.bodies = append(s.paths, r.URL.Path), append(s.bodies, string(body))
		status, answer := s.status, s.answer
		s.mu.Unlock()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, cmp.Or(answer, r.URL.Path+" "+string(body)))
	}))
	t.Cleanup(s.Close)
	return s
}

// Got is what it was sent so far: the path and the body of each request.
func (s *Sink) Got() (paths, bodies []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.paths...), append([]string(nil), s.bodies...)
}

// Say changes what it answers from now on. Empty, it repeats what it is sent.
func (s *Sink) Say(status int, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.answer = status, answer
}
