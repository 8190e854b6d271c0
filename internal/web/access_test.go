package web

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/internal/report"
)

const kimsToken, leesToken = "k0123456789abcdef0123", "l0123456789abcdef0123"

func guarded(t testing.TB, f Source) *Server {
	return serverWith(t, f, func(o *Options) {
		o.Sharing = sharing{}
		o.Access = Access{Tokens: map[string]string{"kim": kimsToken, "lee": leesToken}, ProxyHeader: "Remote-User", Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}}
	})
}

type sent struct {
	path    string
	form    url.Values
	headers []string
	cookies []*http.Cookie
	from    string
}

func send(t testing.TB, h http.Handler, x sent) *httptest.ResponseRecorder {
	t.Helper()
	method, body := http.MethodGet, ""
	if x.form != nil {
		method, body = http.MethodPost, x.form.Encode()
	}
	r := httptest.NewRequest(method, "http://127.0.0.1:8025"+x.path, strings.NewReader(body))
	if x.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(x.headers); i += 2 {
		r.Header.Add(x.headers[i], x.headers[i+1])
	}
	for _, c := range x.cookies {
		r.AddCookie(c)
	}
	if x.from != "" {
		r.RemoteAddr = x.from
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// signIn gives the cookies of a browser that has signed in.
func signIn(t testing.TB, s *Server, token string) []*http.Cookie {
	t.Helper()
	w := send(t, s, sent{path: "/signin", form: url.Values{"token": {token}, "next": {"/incidents/12"}}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/incidents/12" {
		t.Fatalf("signing in: %d %s", w.Code, w.Body)
	}
	return w.Result().Cookies()
}

func TestWhoMayRead(t *testing.T) {
	s := guarded(t, &fixture{})
	for name, c := range map[string]struct {
		x    sent
		want int
		loc  string
	}{
		"a stranger is shown the door":              {sent{path: "/incidents/12"}, 303, "/signin?next=%2Fincidents%2F12"},
		"a script is told how":                      {sent{path: "/api/v1/status"}, 401, ""},
		"so is Prometheus":                          {sent{path: "/metrics"}, 401, ""},
		"a post is not redirected":                  {sent{path: "/incidents/12", form: url.Values{}}, 401, ""},
		"health is nobody's secret":                 {sent{path: "/healthz"}, 200, ""},
		"nor is the style":                          {sent{path: "/static/style.css"}, 200, ""},
		"the form is shown":                         {sent{path: "/signin"}, 200, ""},
		"a token of a person":                       {sent{path: "/", headers: []string{"Authorization", "Bearer " + kimsToken}}, 200, ""},
		"a wrong token":                             {sent{path: "/", headers: []string{"Authorization", "Bearer " + kimsToken + "x"}}, 303, "/signin?next=%2F"},
		"an empty token":                            {sent{path: "/", headers: []string{"Authorization", "Bearer "}}, 303, "/signin?next=%2F"},
		"the proxy's word":                          {sent{path: "/", headers: []string{"Remote-User", "kim"}, from: "192.0.2.7:1234"}, 200, ""},
		"the proxy's word in IPv6 clothes":          {sent{path: "/", headers: []string{"Remote-User", "kim"}, from: "[::ffff:192.0.2.7]:1234"}, 200, ""},
		"a stranger's word":                         {sent{path: "/", headers: []string{"Remote-User", "kim"}, from: "192.0.2.8:1234"}, 303, "/signin?next=%2F"},
		"two words through the proxy":               {sent{path: "/", headers: []string{"Remote-User", "kim", "Remote-User", "lee"}, from: "192.0.2.7:1234"}, 303, "/signin?next=%2F"},
		"no word of the proxy":                      {sent{path: "/", headers: []string{"Remote-User", ""}, from: "192.0.2.7:1234"}, 303, "/signin?next=%2F"},
		"a cookie that is none":                     {sent{path: "/", cookies: []*http.Cookie{{Name: "reputed", Value: "a2lt.9999999999.AAAA"}}}, 303, "/signin?next=%2F"},
		"a way around the door that is not one":     {sent{path: "/static/../incidents"}, 303, ""},
		"another":                                   {sent{path: "/share/../incidents"}, 303, ""},
		"signing in as nobody":                      {sent{path: "/signin", form: url.Values{"token": {""}}}, 401, ""},
		"signing in with a token that is not known": {sent{path: "/signin", form: url.Values{"token": {"guess"}}}, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := send(t, s, c.x)
			if w.Code != c.want && !(strings.Contains(c.x.path, "..") && w.Code >= 300 && w.Code < 400) || c.loc != "" && w.Header().Get("Location") != c.loc {
				t.Errorf("%d to %q, want %d to %q", w.Code, w.Header().Get("Location"), c.want, c.loc)
			}
			if strings.Contains(c.x.path, "..") {
				return
			}
			if c.want != 200 && strings.Contains(w.Body.String(), "192.0.2.10") {
				t.Error("something of how things stand is shown to a stranger")
			}
		})
	}
}

func TestCookieIsSignedDatedAndOfNoUseElsewhere(t *testing.T) {
	s := guarded(t, &fixture{})
	cookies := signIn(t, s, kimsToken)
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || strings.Contains(c.Value, kimsToken) {
		t.Errorf("%+v", c)
	}
	if w := send(t, s, sent{path: "/", cookies: cookies}); w.Code != 200 || !strings.Contains(w.Body.String(), "sign out") {
		t.Errorf("with the cookie: %d", w.Code)
	}
	a := s.o.Access
	for name, value := range map[string]string{
		"another name":       "bGVl" + c.Value[strings.IndexByte(c.Value, '.'):],
		"a later end":        regexp.MustCompile(`\.\d+\.`).ReplaceAllString(c.Value, ".9999999999."),
		"no end":             strings.ReplaceAll(c.Value, ".", ""),
		"one letter changed": c.Value[:len(c.Value)-2] + "AA",
		"nothing":            "",
	} {
		if got := a.signed(value, now); got != "" {
			t.Errorf("%s: believed to be %s", name, got)
		}
	}
	if got := a.signed(c.Value, now.Add(signedFor-time.Second)); got != "kim" {
		t.Errorf("before its end it is of %q", got)
	}
	if got := a.signed(c.Value, now.Add(signedFor)); got != "" {
		t.Error("it is good after its end")
	}
	changed := Access{Tokens: map[string]string{"kim": "another-token-of-kim"}}
	if got := changed.signed(c.Value, now); got != "" {
		t.Error("it outlives the token")
	}
	gone := Access{Tokens: map[string]string{"kim": ""}}
	if got := gone.signed(gone.cookie("kim", now.Add(time.Hour)).Value, now); got != "" {
		t.Error("a name without a token can be signed for")
	}
	if secure := (Access{Tokens: a.Tokens, Secure: true}).cookie("kim", now); !secure.Secure || !strings.HasPrefix(secure.Name, "__Host-") {
		t.Errorf("over TLS: %+v", secure)
	}
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	for next, want := range map[string]string{
		"/incidents/12?x=1": "/incidents/12?x=1", "": "/", "//evil.example/": "/", "https://evil.example/": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "/\t/evil.example": "/", "evil": "/", "/%5cevil.example": "/%5cevil.example",
	} {
		if got := within(next); got != want {
			t.Errorf("within(%q) = %q, want %q", next, got, want)
		}
	}
}

var formField = regexp.MustCompile(`name="form" value="([^"]+)"`)

// formOf is the token in a page of somebody who has signed in.
func formOf(t testing.TB, s *Server, cookies []*http.Cookie) string {
	t.Helper()
	m := formField.FindStringSubmatch(send(t, s, sent{path: "/incidents/12", cookies: cookies}).Body.String())
	if m == nil {
		t.Fatal("the page has no form")
	}
	return m[1]
}

func TestActions(t *testing.T) {
	f := &fixture{}
	s := guarded(t, f)
	kim, lee := signIn(t, s, kimsToken), signIn(t, s, leesToken)
	form := formOf(t, s, kim)
	values := func(pairs ...string) url.Values {
		v := url.Values{"form": {form}}
		for i := 0; i+1 < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	for name, c := range map[string]struct {
		x    sent
		want int
		did  string
	}{
		"acknowledge":                            {sent{path: "/incidents/12", form: values("kind", "ack"), cookies: kim}, 303, "ack by kim"},
		"silence with a reason":                  {sent{path: "/incidents/12", form: values("kind", "silence", "for", "8h", "note", "moving"), cookies: kim}, 303, "silence by kim"},
		"silence without one":                    {sent{path: "/incidents/12", form: values("kind", "silence", "for", "8h"), cookies: kim}, 422, ""},
		"silence for ever":                       {sent{path: "/incidents/12", form: values("kind", "silence", "for", "9999h", "note", "x"), cookies: kim}, 422, ""},
		"a note":                                 {sent{path: "/incidents/12", form: values("kind", "note", "note", "x"), cookies: kim}, 303, "note by kim"},
		"a request":                              {sent{path: "/incidents/12", form: values("kind", "requested", "list", "spamcop", "ref", "4711"), cookies: kim}, 303, "requested by kim"},
		"a step":                                 {sent{path: "/incidents/12", form: values("kind", "step", "note", "Hold the queue."), cookies: kim}, 303, "step by kim"},
		"resolve":                                {sent{path: "/incidents/12", form: values("kind", "resolve"), cookies: kim}, 303, "resolve by kim"},
		"what is no action":                      {sent{path: "/incidents/12", form: values("kind", "explode"), cookies: kim}, 422, ""},
		"what is no incident":                    {sent{path: "/incidents/99", form: values("kind", "ack"), cookies: kim}, 404, ""},
		"nobody":                                 {sent{path: "/incidents/12", form: values("kind", "ack")}, 401, ""},
		"without the form's token":               {sent{path: "/incidents/12", form: url.Values{"kind": {"ack"}}, cookies: kim}, 403, ""},
		"with that of somebody else":             {sent{path: "/incidents/12", form: values("kind", "ack"), cookies: lee}, 403, ""},
		"from another site, as the browser says": {sent{path: "/incidents/12", form: values("kind", "ack"), cookies: kim, headers: []string{"Sec-Fetch-Site", "cross-site"}}, 403, ""},
		"from another origin":                    {sent{path: "/incidents/12", form: values("kind", "ack"), cookies: kim, headers: []string{"Origin", "https://evil.example"}}, 403, ""},
		"of the same site":                       {sent{path: "/incidents/12", form: values("kind", "ack"), cookies: kim, headers: []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:8025"}}, 303, "ack by kim"},
		"a form that is too large":               {sent{path: "/incidents/12", form: values("kind", "note", "note", strings.Repeat("x", maxForm)), cookies: kim}, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f.acted = nil
			w := send(t, s, c.x)
			did := ""
			for _, a := range f.acted {
				did += fmt.Sprintf("%s by %s", a.Kind, a.By)
			}
			if w.Code != c.want || did != c.did {
				t.Errorf("%d and %q, want %d and %q: %.300s", w.Code, did, c.want, c.did, w.Body)
			}
		})
	}
}

// A request that is too soon is refused with the reason, and written down by whoever says that it has been done.
func TestARequestThatIsTooSoonIsOfferedAgain(t *testing.T) {
	f := &fixture{}
	s := guarded(t, f)
	kim := signIn(t, s, kimsToken)
	form := formOf(t, s, kim)
	w := send(t, s, sent{path: "/incidents/12", cookies: kim, form: url.Values{"form": {form}, "kind": {"requested"}, "list": {"psbl"}, "ref": {`4711"<b>`}, "note": {"by telephone"}}})
	page := w.Body.String()
	if w.Code != 422 || len(f.acted) != 0 || !strings.Contains(page, "psbl was asked already, on 25 Nov 09:00 by lee") || strings.Contains(page, "<b>") {
		t.Fatalf("%d %v %s", w.Code, f.acted, page)
	}
	alert := regexp.MustCompile(`(?s)role="alert">.*?</form>`).FindString(page)
	again := url.Values{}
	for _, m := range regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(alert, -1) {
		again.Set(m[1], html.UnescapeString(m[2]))
	}
	if w := send(t, s, sent{path: "/incidents/12", cookies: kim, form: again}); w.Code != 303 || len(f.acted) != 1 {
		t.Fatalf("again: %d %v %v", w.Code, again, f.acted)
	}
	if a := f.acted[0]; a.Request.Ref != `4711"<b>` || a.Note != "by telephone" || a.By != "kim" || !a.Request.Again {
		t.Errorf("written down: %+v", a)
	}
	for path, x := range map[string]string{"without": `{"kind":"requested","list":"psbl"}`, "with": `{"kind":"requested","list":"psbl","again":true}`} {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8025/api/v1/incidents/12/actions", strings.NewReader(x))
		r.Header.Set("Authorization", "Bearer "+kimsToken)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if want := map[string]int{"without": 422, "with": 200}[path]; w.Code != want || path == "without" && !strings.Contains(w.Body.String(), "again = true") {
			t.Errorf("the interface %s again: %d %s", path, w.Code, w.Body)
		}
	}
}

// Names of customers are for who is known.
func TestSuspectsAreForWhoHasSignedIn(t *testing.T) {
	open, closed := server(t, &fixture{}), guarded(t, &fixture{})
	for _, path := range append(slices.Clone(pages), "/metrics", "/api/v1/status", "/api/v1/incidents", "/api/v1/incidents/12", "/api/v1/incidents/12/explanation", "/api/v1/incidents/12/letters", "/api/v1/findings") {
		if body := get(t, open, path).Body.String(); strings.Contains(body, "customer-4711") {
			t.Errorf("%s names a customer to nobody knows whom", path)
		}
	}
	for _, path := range []string{"/incidents/12", "/api/v1/incidents/12"} {
		if body := get(t, closed, path, "Authorization", "Bearer "+kimsToken).Body.String(); !strings.Contains(body, "customer-4711") {
			t.Errorf("%s does not name the suspect to kim", path)
		}
	}
	if page := get(t, open, "/incidents/12").Body.String(); !strings.Contains(page, "1 suspect: named to who has signed in") {
		t.Error("the page does not say that a name is left out")
	}
	if doc := get(t, open, "/api/v1/incidents/12").Body.String(); !strings.Contains(doc, `"withheld":1`) && !strings.Contains(doc, `"withheld": 1`) {
		t.Error("the document does not say that a name is left out")
	}
}

func TestLettersAreOnThePage(t *testing.T) {
	page := get(t, server(t, &fixture{}), "/incidents/12").Body.String()
	for _, want := range []string{"To the postmaster of example.net", "<dd>postmaster@example.net</dd>", "your servers refuse mail from our mail server", "&lt;the cause, in a sentence or two&gt;",
		"Send it by a way that is not blocked", "reputed letter 12 --to postmaster --receiver example.net", "It takes no requests", `href="https://www.spamcop.net/bl.shtml"`} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if page := get(t, server(t, &fixture{}), "/incidents/14").Body.String(); strings.Contains(page, "h-letters") {
		t.Error("letters are announced where there are none")
	}
}

func TestNobodyActsWithoutSigningIn(t *testing.T) {
	f := &fixture{}
	s := server(t, f)
	if page := get(t, s, "/incidents/12").Body.String(); strings.Contains(page, `method="post"`) {
		t.Error("there are forms")
	}
	if w := send(t, s, sent{path: "/incidents/12", form: url.Values{"kind": {"ack"}, "form": {s.formToken("")}}}); w.Code != 403 || len(f.acted) != 0 {
		t.Errorf("%d, %v", w.Code, f.acted)
	}
}

func TestRunbookIsACheckList(t *testing.T) {
	f := &stepped{fixture: &fixture{}}
	s := serverWith(t, f, func(o *Options) { o.Access = Access{Tokens: map[string]string{"kim": kimsToken}} })
	page := send(t, s, sent{path: "/incidents/12", cookies: signIn(t, s, kimsToken)}).Body.String()
	if strings.Count(page, "done by lee") != 1 || strings.Contains(page, "done by kim") {
		t.Error("it is not shown who has done which step")
	}
	if strings.Count(page, ">mark as done") != 3 || strings.Count(page, ">not done") != 1 {
		t.Errorf("%d steps can be marked, %d unmarked", strings.Count(page, ">mark as done"), strings.Count(page, ">not done"))
	}
}

func TestSignOut(t *testing.T) {
	s := guarded(t, &fixture{})
	kim := signIn(t, s, kimsToken)
	if w := send(t, s, sent{path: "/signout", form: url.Values{}, cookies: kim}); w.Code != 403 {
		t.Errorf("without the form's token: %d", w.Code)
	}
	w := send(t, s, sent{path: "/signout", form: url.Values{"form": {formOf(t, s, kim)}}, cookies: kim})
	if c := w.Result().Cookies(); w.Code != 303 || len(c) != 1 || c[0].MaxAge >= 0 || c[0].Value != "" {
		t.Errorf("%d %+v", w.Code, c)
	}
	if got := w.Header().Get("Clear-Site-Data"); got != `"cache"` {
		t.Errorf("pages stay in the browser's cache: %q", got)
	}
}

func FuzzCookie(f *testing.F) {
	a := Access{Tokens: map[string]string{"kim": kimsToken}}
	good := a.cookie("kim", now.Add(time.Hour)).Value
	f.Add(good)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, value string) {
		if got := a.signed(value, now); got != "" && value != good {
			t.Errorf("%q is believed to be of %s", value, got)
		}
	})
}

// resolvedFixture is one whose incidents are over.
type resolvedFixture struct{ *fixture }

func (f resolvedFixture) Incident(ctx context.Context, id int64, at time.Time) (report.Explanation, error) {
	e, err := f.fixture.Incident(ctx, id, at)
	e.IncidentView.Incident.State, e.IncidentView.Incident.Resolved = alerts.Resolved, ago(time.Minute)
	return e, err
}

// What it was is often known only when it is over.
func TestWhatIsOverTakesNotesAndNothingElse(t *testing.T) {
	s := guarded(t, resolvedFixture{&fixture{}})
	page := send(t, s, sent{path: "/incidents/12", cookies: signIn(t, s, kimsToken)}).Body.String()
	if !strings.Contains(page, `id="act-note"`) || strings.Contains(page, `id="act-silence"`) || strings.Contains(page, `value="ack"`) || strings.Contains(page, `id="act-resolve"`) {
		t.Errorf("the forms of what is over are others than that for a note")
	}
}
