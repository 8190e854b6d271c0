package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/view"
	"reputed/internal/web"
	"reputed/probes/probestest"
)

// serving is the page of a rig on the loopback, over TLS, for somebody who has signed in.
func serving(t *testing.T, r *rig) (client *http.Client, base string) {
	t.Helper()
	const token = "kim-0123456789abcdef"
	dir := t.TempDir()
	c := config.Web{Listen: "127.0.0.1:0", Tokens: map[string]config.Secret{"kim": config.NewSecret(token)}, Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	probestest.CertificateFiles(t, c.Cert, c.Key, 1)
	v, err := view.New(r.db, r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	page, err := view.Server(v, c, "devel", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	base = "https://" + start(t, page, c)
	jar, _ := cookiejar.New(nil)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // it is its own
	t.Cleanup(transport.CloseIdleConnections)
	client = &http.Client{Jar: jar, Transport: transport}
	in, err := client.PostForm(base+"/signin", url.Values{"token": {token}, "next": {"/"}})
	if err != nil {
		t.Fatal(err)
	}
	if page := body(t, in); in.StatusCode != http.StatusOK || !strings.Contains(page, "sign out") {
		t.Fatalf("signing in: %d %.300s", in.StatusCode, page)
	}
	return client, base
}

// start serves until the test ends, and gives the address.
func start(t *testing.T, page *web.Server, c config.Web) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- page.Serve(ctx, l, web.Certificate(c.Cert, c.Key)) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var hiddenForm = regexp.MustCompile(`name="form" value="([^"]+)"`)

// Somebody signs in over TLS, looks, acknowledges and ticks a step off; what they did stands in
// the database with their name, and the command line shows it.
func TestPageFromSigningInToDone(t *testing.T) {
	r := newRig(t, nil)
	r.world.ListAtSpamCop()
	r.must(r.Round)
	r.read(1, lab.CiscoRefusal(time.Now(), "4TgXkR2x9zB", "kim@example.net"))
	client, base := serving(t, r)
	get := func(path string) string {
		t.Helper()
		w, err := client.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		page := body(t, w)
		if w.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.StatusCode, page)
		}
		return page
	}
	if page := get("/"); !strings.Contains(page, "SpamCop") || !strings.Contains(page, "554 mx1.example.net") || !strings.Contains(page, "Cisco Talos") {
		t.Errorf("the overview does not show what is wrong: %s", page)
	}
	for _, path := range webPaths {
		get(path)
	}
	page := get("/incidents/1")
	form := hiddenForm.FindStringSubmatch(page)
	step := regexp.MustCompile(`name="kind" value="step"><input type="hidden" name="note" value="([^"]+)"`).FindStringSubmatch(page)
	if form == nil || step == nil {
		t.Fatalf("there is no form: %s", page)
	}
	for _, values := range []url.Values{{"kind": {"ack"}}, {"kind": {"step"}, "note": {step[1]}}, {"kind": {"requested"}, "list": {"spamcop"}, "ref": {"4711"}}} {
		values.Set("form", form[1])
		w, err := client.PostForm(base+"/incidents/1", values)
		if err != nil {
			t.Fatal(err)
		}
		if page := body(t, w); w.StatusCode != http.StatusOK {
			t.Fatalf("%v: %d %s", values, w.StatusCode, page)
		}
	}
	page = get("/incidents/1")
	for _, want := range []string{"acknowledged by kim", "done by kim", "removal requested</strong> by kim", "4711"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	for _, want := range []string{"To the postmaster of example.net", "<dd>postmaster@example.net</dd>", "Mail from 192.0.2.10 is refused", "reputed letter 1 --to postmaster --receiver example.net", "To SpamCop", "To customers who miss mail"} {
		if !strings.Contains(page, want) {
			t.Errorf("no letter with %q is on the page", want)
		}
	}
	if strings.Contains(page, "Not all of them can be written") {
		t.Error("a letter could not be written")
	}
	// Cisco takes no second request for days: the page says so, and writes it down when told that it was made.
	ask := url.Values{"form": form[1:], "kind": {"requested"}, "list": {"cisco-talos"}}
	for n, want := range []int{http.StatusOK, http.StatusUnprocessableEntity, http.StatusOK} {
		if n == 2 {
			ask.Set("again", "yes")
		}
		w, err := client.PostForm(base+"/incidents/1", ask)
		if err != nil {
			t.Fatal(err)
		}
		if page := body(t, w); w.StatusCode != want || n == 1 && !strings.Contains(page, "was asked already, on") {
			t.Errorf("request %d: %d, want %d: %.2000s", n+1, w.StatusCode, want, page)
		}
	}
	h, err := r.db.Incident(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, e := range h.Events {
		if e.Who == "kim" {
			did = append(did, e.Kind)
		}
	}
	if got := strings.Join(did, ", "); got != "acknowledged, step done, removal requested, removal requested, removal requested" {
		t.Errorf("written down of kim: %s", got)
	}
	if r.only("after that").Note != "" {
		t.Error("a step is no note")
	}
	var out bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &out}
	a.main(t.Context(), []string{"incident", "show", "1", "--config", r.path})
	if !strings.Contains(out.String(), "step done by kim") {
		t.Errorf("the command line does not show who has done a step:\n%s", out.String())
	}
}

func TestWebCommandStaysOnTheLoopback(t *testing.T) {
	for _, at := range []string{"0.0.0.0:8025", "192.0.2.1:8025", "localhost:8025", ":8025", "8025"} {
		var out bytes.Buffer
		a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &out}
		if code := a.main(t.Context(), []string{"web", "--listen", at}); code != exitUsage {
			t.Errorf("--listen %s: exit code %d, want %d: %s", at, code, exitUsage, out.String())
		}
	}
}
