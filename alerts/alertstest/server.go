package alertstest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"reputed/alerts"
)

// What an error of a channel means for the outbox, as [Outcome] gives it.
const (
	Yes   = "yes"
	Never = "never" // wraps alerts.ErrRefused
	Later = "later" // an alerts.RetryError
	Again = "again"
)

// Outcome says what the outbox does about what a channel returned.
func Outcome(err error) string {
	var retry *alerts.RetryError
	switch {
	case err == nil:
		return Yes
	case errors.Is(err, alerts.ErrRefused):
		return Never
	case errors.As(err, &retry):
		return Later
	}
	return Again
}

// Say answers every request with the same. Header is names and values in turn.
func Say(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Request is one that came in.
type Request struct {
	Method string
	Path   string
	Header http.Header
	Body   []byte
}

// Server is a channel's other end on the loopback: it answers as it is told and
// keeps what it was sent.
type Server struct {
	*httptest.Server

	mu  sync.Mutex
	got []Request
}

// NewServer listens on a free port until the test ends.
func NewServer(t testing.TB, answer http.HandlerFunc) *Server {
	s := &Server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil && r.Context().Err() == nil {
			t.Errorf("read what was sent: %v", err)
		}
		s.mu.Lock()
		s.got = append(s.got, Request{r.Method, r.URL.RequestURI(), r.Header.Clone(), body})
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// Requests are all that have come in.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.got...)
}

// Troubles holds a channel that speaks HTTP to what every one of them owes: what can pass
// is tried again, what cannot is refused, a server that names a time is obeyed, one
// that hangs is left, and no error repeats a secret. Tell makes the channel for the address of
// a server, with a time-out of a second or two, and tells it something.
func Troubles(t *testing.T, tell func(url string) error, secrets ...string) {
	t.Helper()
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	slow := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, " "); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "ok")
		panic(http.ErrAbortHandler)
	}
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, strings.Join(secrets, " ")+r.URL.String()+r.Header.Get("Authorization")+string(body))
		}
	}
	elsewhere := NewServer(t, Say(200, "ok"))
	t.Run("troubles", func(t *testing.T) { // returns when all of them, which run at once, are done
		for name, c := range map[string]struct {
			answer http.HandlerFunc
			want   string
			says   string
		}{
			"400":                             {Say(400, "bad"), Never, "400"},
			"401":                             {Say(401, "no"), Never, "401"},
			"403":                             {Say(403, "no"), Never, "403"},
			"404":                             {Say(404, "gone"), Never, "404"},
			"408 may pass":                    {Say(408, ""), Again, "408"},
			"425 may pass":                    {Say(425, ""), Again, "425"},
			"429 with seconds":                {Say(429, "", "Retry-After", "30"), Later, "30s"},
			"429 with a date":                 {Say(429, "", "Retry-After", "Wed, 25 Nov 2026 10:00:30 GMT", "Date", "Wed, 25 Nov 2026 10:00:00 GMT"), Later, "30s"},
			"429 without a time":              {Say(429, ""), Later, "1m0s"},
			"500":                             {Say(500, "<html>oops</html>"), Again, "500"},
			"503":                             {Say(503, ""), Again, "503"},
			"no reply":                        {hang, Again, "no answer"},
			"a body that does not end":        {slow, Again, "no answer"},
			"a body without measure":          {Say(200, strings.Repeat("x", 1<<20)), Again, "longer"},
			"a reply cut short":               {cut, Again, "no answer"},
			"a redirect is not followed":      {Say(307, "", "Location", elsewhere.URL), Again, "redirect"},
			"a refusal that repeats secrets":  {echo(403), Never, "403"},
			"a failure that repeats secrets":  {echo(500), Again, "500"},
			"a 429 that repeats what it read": {echo(429), Later, ""},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := NewServer(t, c.answer)
				err := tell(s.URL)
				if got := Outcome(err); got != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %s (%v), want %s with %q", got, err, c.want, c.says)
				}
				NoSecret(t, err, secrets...)
			})
		}
		t.Run("nobody there", func(t *testing.T) {
			t.Parallel()
			s := NewServer(t, hang)
			s.Close()
			err := tell(s.URL)
			if Outcome(err) != Again {
				t.Errorf("got %v", err)
			}
			NoSecret(t, err, secrets...)
		})
		t.Run("a certificate of nobody", func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(Say(200, "ok"))
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			defer s.Close()
			err := tell(s.URL)
			if Outcome(err) != Again || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("got %v", err)
			}
			NoSecret(t, err, secrets...)
		})
		t.Run("a TLS of long ago", func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(Say(200, "ok"))
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
			s.StartTLS()
			defer s.Close()
			if err := tell(s.URL); Outcome(err) != Again || !strings.Contains(err.Error(), "tls") {
				t.Errorf("got %v", err)
			}
		})
	})
	if n := len(elsewhere.Requests()); n > 0 {
		t.Errorf("a redirect was followed: %d requests came to another server", n)
	}
}

// NoSecret wants an error, however it is printed, to repeat none.
func NoSecret(t testing.TB, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		return
	}
	for _, text := range printed(err) {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("the error holds a secret: %v", err)
			}
		}
	}
}

func printed(err error) []string {
	return []string{fmt.Sprintf("%v", err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)}
}

// Golden compares what a channel sends with testdata/name, or writes it there.
func Golden(t testing.TB, update bool, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == got {
		return
	}
	wants, gots := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range max(len(wants), len(gots)) {
		if i >= len(wants) || i >= len(gots) || wants[i] != gots[i] {
			t.Errorf("%s differs from line %d on; run with -update and read the difference\nwant %q\ngot  %q", path, i+1, tail(wants, i), tail(gots, i))
			return
		}
	}
}

// tail is what comes from line i on, a few lines of it.
func tail(lines []string, i int) []string { return lines[min(i, len(lines)):min(i+3, len(lines))] }
