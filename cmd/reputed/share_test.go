package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/internal/web"
)

// What belongs to somebody else, and what only people inside may know. It is planted wherever there is
// a place for it.
var planted = []string{"zanzibar", "198.51.100.77", "198.51.100.78", "staff-kim", "canary-evidence", "127.0.0.2"}

const plantedText = "canary-evidence of zanzibar at 198.51.100.77 by staff-kim"

func sharedRig(t *testing.T) *rig {
	return newRig(t, func(c *config.Config, _ *lab.World) {
		c.Outbound = append(c.Outbound, config.Outbound{Pool: "tenant-zanzibar", Addresses: []string{"198.51.100.77", "198.51.100.78"}, Domains: []string{"zanzibar.example"},
			Hosts: map[string]string{"mail.zanzibar.example": "198.51.100.77"}})
		c.Web = config.Web{Listen: "127.0.0.1:8025", URL: "https://reputed.example.org"}
	})
}

// plantedFinding is a listing whose every text speaks of others.
func plantedFinding(t *testing.T, target, pool, list string, now time.Time) checks.Finding {
	t.Helper()
	ts, err := checks.ParseTargets(target)
	if err != nil {
		t.Fatal(err)
	}
	var f checks.Finding
	for x := range ts.All() {
		x.Pool, x.Tags = pool, []string{"zanzibar"}
		f = checks.Finding{Key: checks.Key{Check: monitor.JobDNSBL, Target: x.ID(), Source: list}, Target: x, Code: checks.CodeListed, Status: checks.Problem, Severity: checks.Major,
			Summary: target + " is listed: " + plantedText, At: now, Facts: map[string]string{checks.FactReason: plantedText, checks.FactMeaning: plantedText, checks.FactLookupURL: "https://zanzibar.example/", checks.FactList: list, checks.FactAddress: "198.51.100.77"},
			Evidence: []checks.Evidence{{Question: "q 198.51.100.77", Answer: "127.0.0.2", Reason: plantedText, Via: "198.51.100.77:53", Controls: plantedText, Proof: plantedText, At: now}}}
	}
	return f
}

// sharedWorld has an incident that spans two pools, one of each pool alone, refusals of both, and people who wrote
// down what customers need not know.
func sharedWorld(t *testing.T) *rig {
	r := sharedRig(t)
	ctx, now := t.Context(), time.Now()
	r.must(r.Round)
	if err := r.Commit(ctx, plantedFinding(t, "192.0.2.10", "office", "spamcop", now), plantedFinding(t, "198.51.100.77", "tenant-zanzibar", "spamcop", now), plantedFinding(t, "198.51.100.78", "tenant-zanzibar", "spamcop", now)); err != nil {
		t.Fatal(err)
	}
	r.read(1, lab.CiscoRefusal(now, "4TgXkR2x9zB", "kim@example.net"))
	other := strings.NewReplacer(lab.OurHost, "mail.zanzibar.example", lab.OurDomain, "zanzibar.example", lab.OurAddress.String(), "198.51.100.77", lab.TheirHost, "mx.zanzibar.example")
	for n := range uint32(3) {
		r.read(2+n, []byte(other.Replace(string(lab.CiscoRefusal(now, fmt.Sprintf("4TgXkR2x9z%d", n), "kim@zanzibar.example")))))
	}
	if err := r.Commit(ctx, plantedFinding(t, "zanzibar.example", "tenant-zanzibar", "psbl", now)); err != nil {
		t.Fatal(err)
	}
	spans := false
	for _, i := range r.open() {
		has := func(target string) bool {
			return slices.ContainsFunc(i.Members, func(m alerts.Member) bool { return m.Finding.Key.Target == target })
		}
		spans = spans || has("192.0.2.10") && has("198.51.100.77")
		for _, a := range []alerts.Action{{Kind: alerts.AddNote}, {Kind: alerts.Ack}, {Kind: alerts.StepDone}, {Kind: alerts.Requested, Request: alerts.Request{List: "spamcop", Ref: plantedText}},
			{Kind: alerts.Requested, Request: alerts.Request{List: "list-of-zanzibar", Ref: plantedText}},
			{Kind: alerts.Requested, Request: alerts.Request{List: "zanzibar", Key: checks.Key{Check: monitor.JobDNSBL, Target: "198.51.100.77", Source: "spamcop"}}}} {
			a.Incident, a.By, a.Note, a.At = i.ID, "staff-kim", plantedText, now
			if _, err := r.db.Act(ctx, a, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !spans {
		t.Fatalf("no incident spans the pools: %v", daemontest.Titles(r.open()))
	}
	return r
}

// sharePage opens a link and gives the answer.
func shareGet(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://reputed.example.org"+path, nil))
	return w
}

func guardedPage(t *testing.T, v *view.View, log *slog.Logger) *web.Server {
	t.Helper()
	c := v.Config.Web
	c.Tokens = map[string]config.Secret{"kim": config.NewSecret("kim-0123456789abcdef")}
	page, err := view.Server(v, c, "devel", log)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestShareShowsOnePoolAndNothingElse(t *testing.T) {
	r := sharedWorld(t)
	v, err := view.New(r.db, r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	page := guardedPage(t, v, newLog(&logged, config.Log{Level: "debug"}))
	now := time.Now()
	_, url, err := view.NewLink(t.Context(), r.db, r.cfg, "office", "for "+plantedText, "staff-kim", time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	path, ok := strings.CutPrefix(url, "https://reputed.example.org")
	if !ok || !strings.HasPrefix(path, "/share/") {
		t.Fatalf("the link is %s", url)
	}
	w := shareGet(t, page, path)
	text := w.Body.String()
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s\n%s", w.Code, text, logged.String())
	}
	low := strings.ToLower(text)
	for _, p := range planted {
		if i := strings.Index(low, p); i >= 0 {
			t.Errorf("%q got out: ...%s...", p, text[max(0, i-80):min(len(text), i+80)])
		}
	}
	for _, want := range []string{"office", "192.0.2.10: listed on a blocklist (SpamCop Blocking List)", "mail refused for reputation (Cisco Talos)", "1 mail to example.net refused (Cisco Talos)", "acknowledged", "removal requested of SpamCop", `aria-label="Cisco Talos: 1 refused, 0 deferred"`,
		`<meta name="robots" content="noindex`, "1 address and 1 domain", "checked"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the page:\n%s", want, text)
		}
	}
	for _, never := range []string{"<form", "<script", `href="/"`, `href="/incidents`, `href="/targets`, "http://", "https://", "reputed.example.org"} {
		if strings.Contains(text, never) {
			t.Errorf("%q is on the page", never)
		}
	}
	for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow, noarchive", "Etag": "", "Set-Cookie": ""} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	// The other pool's link shows the other half of the same incident.
	_, url, err = view.NewLink(t.Context(), r.db, r.cfg, "tenant-zanzibar", "", "staff-kim", time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	text = shareGet(t, page, strings.TrimPrefix(url, "https://reputed.example.org")).Body.String()
	for _, want := range []string{"198.51.100.77", "3 mails to zanzibar.example refused"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the other page:\n%s", want, text)
		}
	}
	for _, never := range []string{"office", "192.0.2.10", "example.net", "staff-kim", "canary-evidence"} {
		if strings.Contains(text, never) {
			t.Errorf("%q is on the other page", never)
		}
	}
}

// Nothing but the link itself has its token: no log at debug level, no metric, no page, no error and
// no byte of the database.
func TestShareTokenStaysInItsLink(t *testing.T) {
	r := sharedRig(t)
	v, err := view.New(r.db, r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	page := guardedPage(t, v, newLog(&logged, config.Log{Level: "debug"}))
	now := time.Now()
	link, url, err := view.NewLink(t.Context(), r.db, r.cfg, "office", "", "kim", time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimPrefix(url, "https://reputed.example.org/share/")
	if len(token) != 43 {
		t.Fatalf("token %q", token)
	}
	out := shareGet(t, page, "/share/"+token).Body.String()
	// Wherever a mistyped or old link leads.
	for _, path := range []string{"/share/" + token + "x", "/share/" + token[:42], "/share/x/" + token, "/share/" + token + "/incidents", "/share/"} {
		w := shareGet(t, page, path)
		out += w.Body.String()
		if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "incidents") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	signed := httptest.NewRequest(http.MethodGet, "https://reputed.example.org/shares", nil)
	signed.Header.Set("Authorization", "Bearer kim-0123456789abcdef")
	for _, path := range []string{"/shares", "/metrics", "/", "/api/v1/status"} {
		w := httptest.NewRecorder()
		signed.URL.Path = path
		page.ServeHTTP(w, signed)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d", path, w.Code)
		}
		out += w.Body.String()
	}
	for _, words := range []string{"share list --all", "share list --format json", "share revoke " + token, "status --format json"} {
		var said bytes.Buffer
		a := &app{stdin: strings.NewReader(""), stdout: &said, stderr: &said}
		a.main(t.Context(), append(strings.Fields(words), "--config", r.path))
		out += said.String()
	}
	// A database that fails.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Shared(ended, token, now); err == nil {
		t.Error("a context that has ended gives no error")
	} else {
		out += err.Error()
	}
	sum := sha256.Sum256([]byte(token))
	files := ""
	for _, name := range []string{r.db.Path(), r.db.Path() + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files += string(b)
	}
	if !strings.Contains(files, string(sum[:])) {
		t.Error("the database has no hash of the token")
	}
	for where, text := range map[string]string{"an answer": out, "the log": logged.String(), "the database": files} {
		if strings.Contains(text, token) || strings.Contains(text, hex.EncodeToString(sum[:])) {
			t.Errorf("the token stands in %s", where)
		}
	}
	links, err := r.db.Shares(t.Context(), now, false)
	if err != nil || len(links) != 1 || links[0].ID != link.ID || links[0].Uses != 1 || links[0].Used.IsZero() || links[0].By != "kim" {
		t.Errorf("noted of the link: %+v, %v", links, err)
	}
}

// Unknown, expired and revoked cannot be told apart; a pool that has left the configuration says so.
// A log that is read and knows nothing of the targets counts none of their deliveries, for us and for others.
func TestShareSaysOfTheCostWhatStatusSays(t *testing.T) {
	r := sharedRig(t)
	if err := r.Commit(t.Context(), plantedFinding(t, "192.0.2.10", "office", "spamcop", time.Now())); err != nil {
		t.Fatal(err)
	}
	v, err := view.New(r.db, r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	v.Config.MailLogs = []config.MailLog{{}}
	i, now := r.open()[0], time.Now()
	p, err := v.SharePart(t.Context(), i, now)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := (report.Term{}).Cost(p.Impact, now), (report.Term{}).Cost(i.Impact, now); got != want {
		t.Errorf("the share says %q, status %q", got, want)
	}
}

func TestShareThatIsOver(t *testing.T) {
	r := sharedRig(t)
	v, err := view.New(r.db, r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	page := guardedPage(t, v, slog.New(slog.DiscardHandler))
	path := func(pool string, made time.Time) (int64, string) {
		s, url, err := view.NewLink(t.Context(), r.db, r.cfg, pool, "", "kim", time.Hour, made)
		if err != nil {
			t.Fatal(err)
		}
		return s.ID, strings.TrimPrefix(url, "https://reputed.example.org")
	}
	now := time.Now()
	_, expired := path("office", now.Add(-time.Hour))
	id, revoked := path("office", now)
	_, left := path("tenant-zanzibar", now)
	if w := shareGet(t, page, revoked); w.Code != http.StatusOK {
		t.Fatalf("before it is revoked: %d", w.Code)
	}
	if err := v.RevokeLink(t.Context(), id, "lee", now); err != nil {
		t.Fatal(err)
	}
	if err := v.RevokeLink(t.Context(), id, "kim", now); err != nil {
		t.Errorf("revoking twice: %v", err)
	}
	never := shareGet(t, page, "/share/"+strings.Repeat("A", 43))
	for name, p := range map[string]string{"expired": expired, "revoked": revoked, "no token": "/share/nonsense", "nothing": "/share/"} {
		if w := shareGet(t, page, p); w.Code != http.StatusNotFound || w.Body.String() != never.Body.String() || fmt.Sprint(w.Header()) != fmt.Sprint(never.Header()) {
			t.Errorf("%s: %d, and differs from one that never was", name, w.Code)
		}
	}
	all, err := r.db.Shares(t.Context(), now, true)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(s store.Share) bool { return s.ID == id })
	if i < 0 || all[i].RevokedBy != "lee" || all[i].Revoked.IsZero() || all[i].By != "kim" {
		t.Errorf("written down: %+v", all)
	}
	v.Config.Outbound = v.Config.Outbound[:1]
	if w := shareGet(t, page, left); w.Code != http.StatusGone || !strings.Contains(w.Body.String(), "not watched any more") || strings.Contains(w.Body.String(), "zanzibar") {
		t.Errorf("a pool that has left: %d %s", w.Code, w.Body)
	}
}

// The command line makes a link, lists it and ends it; one that cannot be opened by anybody is not made.
func TestShareCommand(t *testing.T) {
	r := sharedRig(t)
	run := func(code int, words ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
		if got := a.main(t.Context(), append(words, "--config", r.path)); got != code {
			t.Errorf("%v: exit code %d, want %d: %s%s", words, got, code, out.String(), errs.String())
		}
		return out.String() + errs.String()
	}
	if out := run(exitMinor, "share", "office"); !strings.Contains(out, "set url in [web]") {
		t.Errorf("without a page: %s", out)
	}
	f, err := os.OpenFile(r.path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\n[web]\nlisten = \"127.0.0.1:8025\"\n"); err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	if out := run(exitMinor, "share", "nowhere"); !strings.Contains(out, "there is no pool") {
		t.Errorf("an unknown pool: %s", out)
	}
	for _, length := range []string{"0s", "366d", "for ever"} {
		run(exitUsage, "share", "office", "--for", length)
	}
	out := run(exitOK, "share", "office", "--by", "kim", "--note", "Example GmbH", "--for", "7d")
	if !strings.HasPrefix(out, "http://127.0.0.1:8025/share/") || !strings.Contains(out, "this machine alone") {
		t.Errorf("made: %s", out)
	}
	if out := run(exitOK, "share", "list"); !strings.Contains(out, "Example GmbH") || !strings.Contains(out, "kim, ") || !strings.Contains(out, "in 7 d") && !strings.Contains(out, "in 6 d") {
		t.Errorf("list: %s", out)
	}
	run(exitOK, "share", "revoke", "1", "--by", "lee")
	run(exitMinor, "share", "revoke", "99")
	if out := run(exitOK, "share", "list"); !strings.Contains(out, "No share links") {
		t.Errorf("after it was revoked: %s", out)
	}
	if out := run(exitOK, "share", "list", "--all", "--format", "json"); !strings.Contains(out, `"revoked_by": "lee"`) || !strings.Contains(out, `"state": "revoked"`) {
		t.Errorf("all: %s", out)
	}
}
