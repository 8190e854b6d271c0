package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serverWith(t testing.TB, f Source, change func(*Options)) *Server {
	t.Helper()
	o := Options{Source: f, Location: zone, Now: func() time.Time { return now }, Version: "1.0", Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func server(t testing.TB, f Source) *Server { return serverWith(t, f, nil) }

func get(t testing.TB, h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8025"+path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// pages are all that a browser can open without a form.
var pages = []string{"/", "/?span=24h", "/?span=1y", "/incidents", "/incidents?all=1", "/incidents/12", "/incidents/14", "/nowhere", "/targets", "/targets?pool=office", "/targets/192.0.2.10",
	"/lists", "/lists/spamcop", "/receivers", "/receivers/Cisco%20Talos", "/receivers/example.com", "/search?q=spam", "/search"}

func TestFirstScreenAnswersTheFourQuestions(t *testing.T) {
	page := get(t, server(t, &fixture{}), "/").Body.String()
	for what, want := range map[string]string{
		"the verdict": "<h1 data-verdict>2 incidents, 1 unacknowledged, mail to example.net and example.com is being refused.</h1>",
		"the monitor": "59 of 60 lists answer",
		"is it real?": `<code class="a">127.0.0.2</code>`,
		"the cost":    "41 of 212 mails to example.net refused (Cisco Talos) since",
		"what to do":  "Hold the queue of the sender that the reports name",
		"a command":   "postqueue -p | grep news@example.org",
		"a blindness": "Barracuda Networks",
		"a dead end":  "pager",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s: %q is not on the overview", what, want)
		}
	}
	if a, b := strings.Index(page, `id="i12"`), strings.Index(page, `id="i14"`); a < 0 || b < 0 || a > b {
		t.Error("what costs most does not come first")
	}
}

// A list's own answers and refusals that name it are two rows of one address.
func TestHistoryOfAListSaysWhichRowIsWhich(t *testing.T) {
	page := get(t, server(t, &fixture{}), "/lists/spamcop").Body.String()
	if want := `<a href="/targets/192.0.2.10">192.0.2.10</a> <span class="muted">its answers</span>`; !strings.Contains(page, want) {
		t.Errorf("%q is not there", want)
	}
}

// Of few mails no share is given; the numbers stand beside it, so that "not known" would be wrong.
func TestFewMailsGiveNoShare(t *testing.T) {
	page := get(t, server(t, &fixture{}), "/receivers").Body.String()
	if !strings.Contains(page, "too few to say") || strings.Contains(page, "not known") {
		t.Errorf("got %s", page)
	}
}

func TestPagesHoldStill(t *testing.T) {
	s := server(t, &fixture{})
	for _, path := range pages {
		w := get(t, s, path)
		if want := map[bool]int{true: 404, false: 200}[path == "/nowhere"]; w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		page := w.Body.String()
		if n := strings.Count(page, "<h1"); n != 1 {
			t.Errorf("%s has %d h1", path, n)
		}
		if again := get(t, s, path).Body.String(); again != page {
			t.Errorf("%s is not the same twice", path)
		}
		seen := map[string]bool{}
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if seen[m[1]] {
				t.Errorf("%s: id %q twice", path, m[1])
			}
			seen[m[1]] = true
		}
		if strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "<no value>") || strings.Contains(page, "%!") {
			t.Errorf("%s holds what a template could not say", path)
		}
	}
}

// Nothing is loaded from elsewhere, nothing runs that is written into the page, no style stands in it.
func TestPagesKeepThePolicy(t *testing.T) {
	s := server(t, &fixture{})
	for _, path := range pages {
		w := get(t, s, path)
		if got := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'") || strings.Contains(got, "unsafe") || strings.Contains(got, "http") {
			t.Errorf("%s: policy %q", path, got)
		}
		page := w.Body.String()
		for _, m := range regexp.MustCompile(`(?i)\s(src|href|action|style|on[a-z]+|srcset|formaction|xlink:href)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			name, value := strings.ToLower(m[1]), m[2]
			ours := strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") || strings.HasPrefix(value, "#")
			if name == "style" || strings.HasPrefix(name, "on") || !ours && !(name == "href" && strings.HasPrefix(value, "https://")) {
				t.Errorf("%s: %s", path, m[0])
			}
		}
		for _, m := range regexp.MustCompile(`(?i)<(script|link|img|iframe|object|embed|style|base|meta http)[^>]*>`).FindAllString(page, -1) {
			if !strings.Contains(m, `"/static/`) {
				t.Errorf("%s: %s", path, m)
			}
		}
		if strings.Contains(page, "<style") {
			t.Errorf("%s: style in the page", path)
		}
		for _, m := range regexp.MustCompile(`"(/static/[^"]*)"`).FindAllStringSubmatch(page, -1) {
			if a := get(t, s, m[1]); a.Code != 200 || !strings.Contains(a.Header().Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %d %s", m[1], a.Code, a.Header())
			}
		}
	}
	if css := string(s.assets["style.css"].content); strings.Contains(css, "url(") || strings.Contains(css, "@import") {
		t.Error("the style loads something")
	}
}

// Text from outside is shown as text.
func TestHostileTextIsText(t *testing.T) {
	for name, text := range map[string]string{
		"a tag":            `<script>alert(1)</script><img src=x onerror=alert(1)>`,
		"an attribute":     `" onmouseover="alert(1)" x="`,
		"another":          `' autofocus onfocus='alert(1)`,
		"the end of a tag": `</title></h1></main><base href=//evil.example>`,
		"a comment":        `<!--`,
		"controls":         "\x1b[31m\u202e\u200b\x00\r\n",
		"invalid UTF-8":    "\xff\xfe",
	} {
		s := server(t, &fixture{hostile: text})
		for _, path := range pages {
			page := get(t, s, path).Body.String()
			for _, bad := range []string{"<script>", "onerror=alert", `" onmouseover`, "' autofocus", "<base", "<!--", "\x1b", "\u202e", "\u200b", "\x00", "\xff"} {
				if i := strings.Index(page, bad); i >= 0 && !strings.Contains(bad, "onerror") {
					t.Errorf("%s on %s: %q got through: …%q", name, path, bad, page[max(0, i-80):i+20])
				}
			}
			if strings.Contains(page, "<img") {
				t.Errorf("%s on %s: an image", name, path)
			}
		}
	}
}

func TestLinksAreHeldToTheRule(t *testing.T) {
	f := &fixture{}
	s := server(t, linked{f})
	page := get(t, s, "/incidents/12").Body.String()
	if strings.Contains(page, "javascript:") || strings.Contains(page, "evil.example") {
		t.Error("a link that no sink may show is shown")
	}
}

func TestUnchangedPageIsNotSentAgain(t *testing.T) {
	s := server(t, &fixture{})
	tag := get(t, s, "/").Header().Get("ETag")
	if w := get(t, s, "/", "If-None-Match", `W/"x", `+tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 || tag == "" {
		t.Errorf("%d with %d bytes for %s", w.Code, w.Body.Len(), tag)
	}
	if w := get(t, server(t, &fixture{calm: true}), "/", "If-None-Match", tag); w.Code != http.StatusOK {
		t.Errorf("changed, and %d", w.Code)
	}
}

// A stranger's name that is made to lead here must not show anything.
func TestStrangeHostsAreRefused(t *testing.T) {
	s := serverWith(t, &fixture{}, func(o *Options) { o.Hosts = []string{"reputed.example.org"} })
	for host, want := range map[string]int{
		"127.0.0.1:8025": 200, "[::1]:8025": 200, "localhost:8025": 200, "LOCALHOST": 200, "reputed.example.org": 200, "reputed.example.org.:443": 200,
		"evil.example": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "": 421,
	} {
		if got := get(t, s, "/", "Host", host).Code; got != want {
			t.Errorf("Host %q: %d, want %d", host, got, want)
		}
	}
}

func TestTroubleIsShownAndNothingIsClaimed(t *testing.T) {
	w := get(t, server(t, broken{&fixture{}}), "/")
	if page := w.Body.String(); w.Code != 200 || !strings.Contains(page, "Cannot tell") || strings.Contains(page, "All clear") || strings.Contains(page, "No list says") {
		t.Errorf("%d: %s", w.Code, page)
	}
	if w := get(t, server(t, broken{&fixture{}}), "/healthz"); w.Code != 503 {
		t.Errorf("healthz: %d", w.Code)
	}
	if w := get(t, server(t, &fixture{}), "/healthz"); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("healthz: %d %q", w.Code, w.Body)
	}
}

func TestBigMatrixStaysReadable(t *testing.T) {
	page := get(t, server(t, &fixture{big: true}), "/").Body.String()
	if rows := strings.Count(page, `<th scope="row"><a href="/targets/`); rows == 0 || rows > 200 {
		t.Errorf("%d rows", rows)
	}
	if !strings.Contains(page, "more rows left out") {
		t.Error("it is not said that rows are left out")
	}
	if len(page) > 2<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

// The pages as golden files: read in review, as people read them.
func TestGoldenPages(t *testing.T) {
	for name, c := range map[string]struct {
		f    *fixture
		path string
	}{"overview.html": {&fixture{}, "/"}, "overview-calm.html": {&fixture{calm: true}, "/"}, "incident.html": {&fixture{}, "/incidents/12"}} {
		got := regexp.MustCompile(`\n\s*\n+`).ReplaceAllString(get(t, server(t, c.f), c.path).Body.String(), "\n")
		got = regexp.MustCompile(`\?v=[0-9a-f]+`).ReplaceAllString(got, "?v=VERSION")
		goldenFile(t, name, []byte(got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\n-%s\n+%s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(w), len(g))
}

func TestPanicIsAnAnswer(t *testing.T) {
	if w := get(t, server(t, panicking{&fixture{}}), "/incidents"); w.Code != 500 || slices.Contains(strings.Fields(w.Body.String()), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

var _ = context.Background
