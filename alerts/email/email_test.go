package email

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"flag"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"maps"

	"reputed/alerts"
	"reputed/alerts/alertstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	user     = "alerts@example.net"
	password = "canary-horse-battery"
)

func (d *double) notifier(t *testing.T, mode TLSMode, change ...func(*Options)) *Notifier {
	t.Helper()
	o := Options{Name: "ops", Server: d.addr, TLS: mode, RootCAs: d.roots, User: user, Password: password, From: user, To: []string{"oncall@example.org", "second@example.com"}, Timeout: 5 * time.Second}
	for _, c := range change {
		c(&o)
	}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAMailIsSubmitted(t *testing.T) {
	for mode, answers := range map[TLSMode]map[string]string{Implicit: nil, StartTLS: nil, NoTLS: {"EHLO": "250-smtp.example.net\r\n250 AUTH LOGIN", "AUTH LOGIN": "334 VXNlcm5hbWU6",
		base64.StdEncoding.EncodeToString([]byte(user)): "334 UGFzc3dvcmQ6", base64.StdEncoding.EncodeToString([]byte(password)): "235 ok"}} {
		t.Run(string(mode), func(t *testing.T) {
			d := newDouble(t, mode, answers)
			if err := d.notifier(t, mode).Notify(t.Context(), alertstest.Opened()); err != nil {
				t.Fatal(err)
			}
			if len(d.taken()) != 1 || !strings.Contains(d.taken()[0], "Subject: New, major: 192.0.2.10 is listed by SpamCop\r\n") {
				t.Errorf("mails %q", d.taken())
			}
			for _, want := range []string{"EHLO example.net", "MAIL FROM:<" + user + ">", "RCPT TO:<oncall@example.org>", "RCPT TO:<second@example.com>", "QUIT"} {
				if !slices.ContainsFunc(d.said(), func(c string) bool { return strings.HasPrefix(c, want) }) {
					t.Errorf("no %s among %q", want, d.said())
				}
			}
			// Nothing that is not for everybody goes out before TLS.
			if i := slices.Index(d.said(), "STARTTLS"); mode == StartTLS && (i < 0 || slices.ContainsFunc(d.said()[:i], func(c string) bool { return strings.HasPrefix(c, "AUTH") })) {
				t.Errorf("commands %q", d.said())
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]string
		want    string
		says    string
	}{
		"a wrong password":                  {map[string]string{"AUTH": "535 5.7.8 no " + password}, alertstest.Never, "check user and password"},
		"a password that it sends back":     {map[string]string{"AUTH": "454 4.7.0 " + base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password))}, alertstest.Again, "login not taken"},
		"a login that may pass":             {map[string]string{"AUTH": "454 4.7.0 later"}, alertstest.Again, "454"},
		"no mechanism of ours":              {map[string]string{"EHLO": "250-x\r\n250 AUTH GSSAPI"}, alertstest.Never, "neither PLAIN nor LOGIN"},
		"a sender that may not":             {map[string]string{"MAIL": "550 5.7.1 no"}, alertstest.Never, "check from and to"},
		"a login that is wanted":            {map[string]string{"MAIL": "530 5.7.0 login first"}, alertstest.Never, "wants a login"},
		"a sender for later":                {map[string]string{"MAIL": "451 4.3.0 later"}, alertstest.Again, "451"},
		"no recipient":                      {map[string]string{"RCPT": "550 5.1.1 unknown"}, alertstest.Never, "recipient 2 of 2"},
		"no recipient for now":              {map[string]string{"RCPT": "450 4.2.0 greylisted"}, alertstest.Again, "450"},
		"one never, one not now":            {map[string]string{"RCPT TO:<oncall@example.org>": "450 later", "RCPT TO:<second@example.com>": "550 no"}, alertstest.Again, "only for now"},
		"one of two":                        {map[string]string{"RCPT TO:<oncall@example.org>": "550 5.1.1 unknown"}, alertstest.Yes, ""},
		"DATA refused":                      {map[string]string{"DATA": "554 5.7.1 no"}, alertstest.Never, "message refused"},
		"the message is refused":            {map[string]string{".": "554 5.7.1 looks like spam"}, alertstest.Never, "looks like spam"},
		"the message is not taken now":      {map[string]string{".": "452 4.3.1 disk full"}, alertstest.Again, "disk full"},
		"a greeting of no":                  {map[string]string{"": "554 no service"}, alertstest.Again, "554"},
		"a server that closes":              {map[string]string{"MAIL": "421 4.3.2 shutting down"}, alertstest.Again, "421"},
		"a server that is cut off":          {map[string]string{"RCPT": "CUT"}, alertstest.Again, ""},
		"a cut after the message":           {map[string]string{".": "CUT"}, alertstest.Again, ""},
		"a goodbye that does not come":      {map[string]string{"QUIT": "CUT"}, alertstest.Yes, ""},
		"a reply without end":               {map[string]string{"EHLO": "ENDLESS"}, alertstest.Again, "more than any mail server"},
		"a reply that is none":              {map[string]string{"": "HTTP/1.1 400 Bad Request"}, alertstest.Again, ""},
		"lines and colours in what it says": {map[string]string{"MAIL": "550-a\x1b[31m\r\n550 b\u202e"}, alertstest.Never, `"a [31m b"`},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDouble(t, Implicit, c.answers)
			err := d.notifier(t, Implicit).Notify(t.Context(), alertstest.Opened())
			if got := alertstest.Outcome(err); got != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %s (%v), want %s with %q", got, err, c.want, c.says)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\r\n\u202e") {
				t.Errorf("%q", err.Error())
			}
			alertstest.NoSecret(t, err, password, base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)))
		})
	}
}

// A recipient who is left out of a mail that goes is in the log, as nobody hears of it otherwise; where none is taken, the error says so.
func TestALostRecipientIsToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]string
		logged  int
	}{
		"one of two": {map[string]string{"RCPT TO:<oncall@example.org>": "550 5.1.1 unknown"}, 1},
		"both":       {map[string]string{"RCPT": "550 5.1.1 unknown"}, 0},
		"none":       {nil, 0},
	} {
		var log bytes.Buffer
		n := newDouble(t, Implicit, c.answers).notifier(t, Implicit, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		_ = n.Notify(t.Context(), alertstest.Opened())
		if got := strings.Count(log.String(), "recipient of alerts not taken"); got != c.logged {
			t.Errorf("%s: logged %d times, want %d:\n%s", name, got, c.logged, &log)
		}
	}
}

func TestAServerThatDoesNotAnswerIsLeft(t *testing.T) {
	for _, at := range []string{"", "EHLO", "AUTH", "RCPT", "DATA", "."} {
		t.Run("at "+at, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t, Implicit, map[string]string{at: "HANG"})
			err := d.notifier(t, Implicit, func(o *Options) { o.Timeout = 500 * time.Millisecond }).Notify(t.Context(), alertstest.Opened())
			if alertstest.Outcome(err) != alertstest.Again || !strings.Contains(err.Error(), "no answer") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		d := newDouble(t, Implicit, nil)
		n := d.notifier(t, Implicit, func(o *Options) { o.Server = "127.0.0.1:1" })
		if err := n.Notify(t.Context(), alertstest.Opened()); alertstest.Outcome(err) != alertstest.Again {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := newDouble(t, Implicit, nil).notifier(t, Implicit).Notify(ctx, alertstest.Opened()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWithoutTrustNothingIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		mode    TLSMode
		server  TLSMode
		answers map[string]string
		roots   bool
		says    string
	}{
		"a certificate of nobody":           {Implicit, Implicit, nil, false, "certificate signed by unknown authority: set ca_file"},
		"a certificate of nobody, STARTTLS": {StartTLS, StartTLS, nil, false, "set ca_file"},
		"a server without STARTTLS":         {StartTLS, NoTLS, map[string]string{"EHLO": "250-x\r\n250 AUTH PLAIN"}, true, "STARTTLS"},
		"a server that refuses STARTTLS":    {StartTLS, NoTLS, map[string]string{"STARTTLS": "454 not now"}, true, "STARTTLS"},
		"no TLS where TLS was to begin":     {Implicit, NoTLS, nil, true, "no TLS at this port: use port 465, or tls = \"starttls\" on 587"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDouble(t, c.server, c.answers)
			n := d.notifier(t, c.mode, func(o *Options) {
				o.Timeout = 2 * time.Second
				if !c.roots {
					o.RootCAs = x509.NewCertPool()
				}
			})
			err := n.Notify(t.Context(), alertstest.Opened())
			if alertstest.Outcome(err) != alertstest.Again || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			if len(d.taken()) > 0 || slices.ContainsFunc(d.said(), func(c string) bool { return strings.HasPrefix(c, "AUTH") || strings.HasPrefix(c, "MAIL") }) {
				t.Errorf("commands %q", d.said())
			}
		})
	}
}

// parts reads a mail as a client does.
func parts(t *testing.T, raw []byte) (h mail.Header, text, html string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s: %v", kind, err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	var got []string
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
	if len(got) != 2 {
		t.Fatalf("%d parts", len(got))
	}
	return m.Header, got[0], got[1]
}

func TestGolden(t *testing.T) {
	for name, n := range alertstest.Variants() {
		t.Run(name, func(t *testing.T) {
			raw, err := compose(n, user, []string{"oncall@example.org"}, alertstest.At)
			if err != nil {
				t.Fatal(err)
			}
			h, text, html := parts(t, raw)
			var lines []string
			for _, name := range slices.Sorted(maps.Keys(h)) {
				if name != "Content-Type" { // its boundary is random
					lines = append(lines, name+": "+h.Get(name))
				}
			}
			alertstest.Golden(t, *update, name+".txt", strings.Join(lines, "\n")+"\n\n"+text)
			alertstest.Golden(t, *update, name+".html", html)
		})
	}
}

// headers are all that a mail has, whatever is told in it.
var headers = []string{"Auto-Submitted", "Content-Type", "Date", "From", "In-Reply-To", "Message-Id", "Mime-Version", "Precedence", "References", "Subject", "To", "X-Auto-Response-Suppress"}

func checkMail(t *testing.T, n alerts.Notification) {
	t.Helper()
	raw, err := compose(n, user, []string{"oncall@example.org"}, alertstest.At)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range bytes.Split(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00\x1b") || bytes.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
			t.Errorf("line %d: %q", i+1, line)
		}
	}
	h, text, html := parts(t, raw)
	for name := range h {
		if !slices.Contains(headers, name) || len(h[name]) != 1 {
			t.Errorf("header %s: %q", name, h[name])
		}
	}
	if to, err := h.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != "oncall@example.org" {
		t.Errorf("To: %v %v", to, err)
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject")); err != nil || strings.ContainsAny(subject, "\r\n\x1b\u202e") {
		t.Errorf("Subject %q, %v", subject, err)
	}
	for _, body := range []string{text, html} {
		if strings.ContainsAny(body, "\x00\x1b\r\u202e\u200b") {
			t.Errorf("a control got through: %q", body)
		}
	}
	if tags := slices.Compact(slices.Sorted(slices.Values(tagsOf(html)))); !subset(tags, []string{"!DOCTYPE", "a", "b", "body", "br", "code", "div", "h1", "head", "html", "li", "meta", "ol", "p", "pre", "title", "ul"}) {
		t.Errorf("tags %q", tags)
	}
	if strings.Contains(html, "src=") && !strings.Contains(text, "src=") {
		t.Error("something remote")
	}
}

func tagsOf(html string) []string {
	var tags []string
	for _, part := range strings.Split(html, "<")[1:] {
		name := strings.TrimPrefix(part, "/")
		if i := strings.IndexFunc(name, func(r rune) bool { return r == ' ' || r == '>' || r == '\n' }); i >= 0 {
			name = name[:i]
		}
		tags = append(tags, name)
	}
	return tags
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(x string) bool { return !slices.Contains(b, x) })
}

func TestVariantsAreSound(t *testing.T) {
	for name, n := range alertstest.Variants() {
		t.Run(name, func(t *testing.T) { checkMail(t, n) })
	}
}

func FuzzMail(f *testing.F) {
	f.Add("x\r\nBcc: evil@example.com\r\n\r\n<script>", "=?utf-8?q?=0d=0aX:_y?=", "https://list.example/?a=1&b=<x>")
	f.Add(strings.Repeat("ü", 10000), "\x1b[31m\u202e", "javascript:x")
	f.Add("</title></head><img src=https://evil.example/x>", "{{.}}", "https://user@evil.example/")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		checkMail(t, alertstest.With(func(n *alerts.Notification) {
			n.ID, n.Incident.Title, n.Incident.Note, n.Command = a, a, b, c
			m := &n.Incident.Members[0].Finding
			m.Summary, m.Evidence[0].Reason, m.Evidence[0].Answer = b, a, c
			n.Remediation[0].Steps[0].URL, n.Remediation[0].Title = c, a
		}))
	})
}

func TestOneIncidentIsOneThread(t *testing.T) {
	all := alertstest.Variants()
	id := func(name string) (id, thread string) {
		raw, err := compose(all[name], user, []string{"oncall@example.org"}, alertstest.At)
		if err != nil {
			t.Fatal(err)
		}
		h, _, _ := parts(t, raw)
		return h.Get("Message-Id"), h.Get("References")
	}
	root, none := id("opened")
	again, _ := id("opened")
	worse, thread := id("worsened")
	_, other := id("rehearsal")
	if root != again || none != "" || thread != root || worse == root || other == root {
		t.Errorf("opened %s (again %s, refers to %q), worse %s refers to %s, a rehearsal to %q", root, again, none, worse, thread, other)
	}
}

func TestOwnBounce(t *testing.T) {
	to := []string{"oncall@example.org"}
	opened, worse := alertstest.Opened(), alertstest.Variants()["worsened"]
	rehearsal := alertstest.Variants()["rehearsal"]
	for name, c := range map[string]struct {
		id, recipient string
		want          bool
	}{
		"of the first mail":        {messageID(opened, "example.net"), "oncall@example.org", true},
		"of a later one":           {messageID(worse, "example.net"), "oncall@EXAMPLE.org", true},
		"of a rehearsal":           {messageID(rehearsal, "example.net"), "example.org", true},
		"another domain writes it": {messageID(opened, "example.com"), "oncall@example.org", false},
		"to somebody else":         {messageID(opened, "example.net"), "victim@example.com", false},
		"to nobody":                {messageID(opened, "example.net"), "", false},
		"another Message-ID":       {"20261125.1234@example.net", "oncall@example.org", false},
		"one that begins so":       {"reputed.12-1.x@example.net", "oncall@example.org", false},
		"one that holds such":      {"x.reputed.12-1@example.net", "oncall@example.org", false},
		"none":                     {"", "oncall@example.org", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := OwnBounce(c.id, c.recipient, user, to); got != c.want {
				t.Errorf("OwnBounce(%q, %q) = %v, want %v", c.id, c.recipient, got, c.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	good := Options{Server: "smtp.example.net:465", From: "a@example.net", To: []string{"b@example.org"}}
	for name, change := range map[string]func(*Options){
		"no port":                 func(o *Options) { o.Server = "smtp.example.net" },
		"in the clear":            func(o *Options) { o.TLS = NoTLS },
		"another mode":            func(o *Options) { o.TLS = "ssl" },
		"a name before from":      func(o *Options) { o.From = "A <a@example.net>" },
		"a line break in from":    func(o *Options) { o.From = "a@example.net\r\nRCPT TO:<x@example.com>" },
		"nobody":                  func(o *Options) { o.To = nil },
		"a list in one":           func(o *Options) { o.To = []string{"b@example.org, c@example.org"} },
		"a header in to":          func(o *Options) { o.To = []string{"b@example.org\nBcc: c@example.org"} },
		"a user without password": func(o *Options) { o.User = "u" },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff("reputed.", threadID(alertstest.Opened(), "example.net")[:8]); diff != "" {
		t.Error(diff)
	}
}

func TestADigestIsAThreadOfItsOwn(t *testing.T) {
	raw, err := compose(alertstest.Variants()["digest"], user, []string{"oncall@example.org"}, alertstest.At)
	if err != nil {
		t.Fatal(err)
	}
	h, _, _ := parts(t, raw)
	id := strings.Trim(h.Get("Message-Id"), "<>")
	if h.Get("References") != "" || !OwnBounce(id, "oncall@example.org", user, []string{"oncall@example.org"}) || !strings.HasPrefix(h.Get("Subject"), "Daily digest: 1 new") {
		t.Errorf("Message-Id %s, References %q, Subject %q", id, h.Get("References"), h.Get("Subject"))
	}
}

func TestReachLogsInAndBeginsNoMail(t *testing.T) {
	d := newDouble(t, StartTLS, nil)
	r, err := d.notifier(t, StartTLS).Reach(t.Context())
	if err != nil || !r.Login {
		t.Fatalf("%+v, %v", r, err)
	}
	if slices.ContainsFunc(d.said(), func(c string) bool {
		return strings.HasPrefix(c, "MAIL") || strings.HasPrefix(c, "RCPT") || strings.HasPrefix(c, "DATA")
	}) || len(d.taken()) > 0 || !slices.ContainsFunc(d.said(), func(c string) bool { return strings.HasPrefix(c, "AUTH") }) {
		t.Errorf("commands %q, mails %q", d.said(), d.taken())
	}
}
