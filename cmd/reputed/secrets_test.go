package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/lab"
	"reputed/internal/reliability"
	"reputed/internal/view"
	"reputed/probes/probestest"
)

// The secrets that are planted. None of them may be seen anywhere.
const (
	plantedPath  = "/services/T0CANARY/B0CANARY/kRqZ8vWmXy3nPdLsTgHj"
	plantedToken = "xoxb-0000000000-canary-Wq9zLmNvTrYs"
	plantedKey   = "qd7canaryk3y9xw2zvb4"
	plantedApp   = "xapp-1-A0CANARY-0000000000-Tt7rQv2Zk"
	plantedMail  = "canary-Mail-pw-5Jx8"
	plantedSign  = "canary-hmac-Rw4hVn6Qz"
	plantedSNDS  = "c4n4ry00-snds-4b1d-9f3e-Zz8"
	plantedGPT   = "1//canary-refresh-Lw3Qx8"
	plantedSocks = "canary-socks-Hb6tYw"
	plantedVERP  = "canary-verp-Nq2Kd9"
	plantedOAuth = "canary-client-Vc7Pz1"
	plantedRSA   = "canary-private-key-Ty4Gs8"
	plantedWeb   = "canary-web-token-Jm5Xr3"
	plantedProxy = "canary-proxy-Fz6Lq2"
	plantedBasic = "canary-basic-Xk3Vd7"
)

// notPlanted are the secrets of the configuration that have no value in cfg: a new one is to be planted too.
func notPlanted(cfg *config.Config) (missing []string) {
	var walk func(path string, t reflect.Type, values []reflect.Value)
	walk = func(path string, t reflect.Type, values []reflect.Value) {
		switch {
		case t == reflect.TypeFor[config.Secret]():
			if !slices.ContainsFunc(values, func(v reflect.Value) bool { return v.Interface().(config.Secret).Set() }) {
				missing = append(missing, path)
			}
		case t.Kind() == reflect.Struct:
			for i := range t.NumField() {
				if name := t.Field(i).Tag.Get("toml"); name != "" && name != "-" {
					var inner []reflect.Value
					for _, v := range values {
						inner = append(inner, v.Field(i))
					}
					walk(path+"."+name, t.Field(i).Type, inner)
				}
			}
		case t.Kind() == reflect.Slice:
			var inner []reflect.Value
			for _, v := range values {
				for i := range v.Len() {
					inner = append(inner, v.Index(i))
				}
			}
			walk(path, t.Elem(), inner)
		case t.Kind() == reflect.Map:
			var inner []reflect.Value
			for _, v := range values {
				for _, k := range v.MapKeys() {
					inner = append(inner, v.MapIndex(k))
				}
			}
			walk(path, t.Elem(), inner)
		}
	}
	walk("", reflect.TypeFor[config.Config](), []reflect.Value{reflect.ValueOf(*cfg)})
	return missing
}

// socksEcho is a SOCKS5 proxy that refuses every login (RFC 1929) and writes what it was sent into its refusal.
func socksEcho(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				b := make([]byte, 512)
				if _, err := conn.Read(b); err != nil {
					return
				}
				_, _ = conn.Write([]byte{5, 2})
				n, err := conn.Read(b)
				if err != nil {
					return
				}
				_, _ = conn.Write(append([]byte{1, 1}, b[:n]...))
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); wg.Wait() })
	return listener.Addr().String()
}

// mailEcho is a mail server that refuses every login and repeats what it was sent.
func mailEcho(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				fmt.Fprint(conn, "220 echo\r\n")
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					if strings.HasPrefix(lines.Text(), "EHLO") {
						fmt.Fprint(conn, "250-echo\r\n250 AUTH PLAIN\r\n")
						continue
					}
					fmt.Fprintf(conn, "454 4.7.0 not now: %s\r\n", lines.Text())
				}
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); wg.Wait() })
	return listener.Addr().String()
}

// echo is a server that gives back what it should never repeat, with one status after the other.
func echo(t *testing.T, statuses ...int) *httptest.Server {
	next := make(chan int, len(statuses))
	for _, s := range statuses {
		next <- s
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		status := http.StatusForbidden
		select {
		case status = <-next:
		default:
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, "%s %s no", r.URL.Path, r.Form.Get("token")+r.Form.Get("client_secret")+r.Form.Get("refresh_token")+r.Form.Get("assertion")+r.Header.Get("Authorization"))
	}))
	t.Cleanup(s.Close)
	return s
}

// Invariant 8: with a mailbox that repeats the password when it refuses it, channels
// that repeat address and token, a resolver that fails and configurations that are wrong,
// no secret stands in a log at debug level, an error, an output or a byte of the database.
func TestNoSecretLeaves(t *testing.T) {
	zones, err := blocklists.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	world, err := lab.Start(zones)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	world.Mailbox.RefuseLogins("AUTHENTICATIONFAILED", "no "+lab.MailboxPassword+" for "+lab.MailboxUser)
	world.ListAtSpamCop()
	// A list that repeats the name that it was asked for, with the key in it, and refuses the key of another.
	world.Lists.AddZone(probestest.Zone{Name: plantedKey + ".combined.mail.abusix.zone"})
	world.Lists.SetListed(plantedKey+".combined.mail.abusix.zone", lab.OurAddress.String(), "listed, see https://list.example/?q=10.2.0.192."+plantedKey+".combined.mail.abusix.zone and "+strings.ToUpper(plantedKey))
	world.Lists.SetMode("psbl.surriel.com", probestest.ZoneServFail)
	hook, api := echo(t, http.StatusInternalServerError, http.StatusForbidden), echo(t, http.StatusBadGateway, http.StatusForbidden)

	dir := t.TempDir()
	path, database := filepath.Join(dir, "config.toml"), filepath.Join(dir, "reputed.db")
	text := strings.Replace(world.Config(database), "[[slack]]\n", "[[slack]]\nname = \"hook\"\n", 1) + fmt.Sprintf(`
[[slack]]
name = "bot"
token = "env:LAB_SLACK_TOKEN"
app_token = "env:LAB_SLACK_APP"
channel = "#mail-ops"
api_url = %[1]q

[[email]]
server = %[2]q
tls = "none"
force = true
user = "alerts@example.net"
password = "env:LAB_MAIL_PASSWORD"
from = "alerts@example.net"
to = ["oncall@example.net"]

[[webhook]]
url = "env:LAB_SLACK_WEBHOOK"
secret = "env:LAB_SIGN"
token = "env:LAB_SLACK_TOKEN"

[[pagerduty]]
routing_key = "env:LAB_SIGN"
api_url = %[1]q

[[alertmanager]]
url = %[1]q
user = "u"
password = "env:LAB_SIGN"

[[mattermost]]
webhook = "env:LAB_SLACK_WEBHOOK"

[[teams]]
webhook = "env:LAB_SLACK_WEBHOOK"

[heartbeat]
url = "env:LAB_SLACK_WEBHOOK"
url_fail = "env:LAB_SLACK_WEBHOOK"
method = "POST"

[[reputation.snds]]
key = "env:LAB_SNDS"
url = %[1]q

[[reputation.postmaster]]
client_id = "client"
client_secret = "env:LAB_SIGN"
refresh_token = "env:LAB_GPT"
token_url = %[1]q
url = %[1]q

[[reputation.postmaster]]
name = "service"
service_account = "env:LAB_SERVICE"
token_url = %[1]q
url = %[1]q

[[alertmanager]]
name = "other"
url = %[1]q
token = "env:LAB_SIGN"

[[mailbox]]
name = "consent"
server = %[3]q
tls = "none"
user = "consent@example.net"
[mailbox.oauth]
token_url = %[1]q
client_id = "client"
client_secret = "env:LAB_OAUTH"
refresh_token = "env:LAB_GPT"
scopes = ["mail"]

[[mailbox]]
name = "google"
server = %[3]q
tls = "none"
user = "service@example.net"
[mailbox.oauth]
provider = "google"
token_url = %[1]q
service_account = "env:LAB_SERVICE"

[bounces]
verp = '^b-(?P<data>[0-9]+)-(?P<token>[0-9a-f]+)@'
verp_hmac = "env:LAB_VERP"

[web]
listen = "127.0.0.1:1"
url = "https://reputed.example.org"
tokens = { kim = "env:LAB_WEB" }

[acceptance]
helo = "monitor.example.org"
[[acceptance.receiver]]
domain = "example.net"
hosts = [%[2]q]
[[acceptance.from]]
addresses = [%[5]q]
socks5 = %[4]q
user = "u"
password = "env:LAB_SOCKS"

[http]
proxy = %[6]q
user = "u"
password = "env:LAB_PROXY"

[reputation]
enable = ["abusix-white"]

[blocklists]
enable = ["abusix-combined"]
keys = { abusix = "env:LAB_LIST_KEY", spamhaus-dqs = "env:LAB_LIST_KEY" }

[log]
level = "debug"
`, api.URL+"/api/", mailEcho(t), world.Mailbox.Addr(), socksEcho(t), lab.OurAddress, "http://127.0.0.1:1")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LAB_IMAP_PASSWORD", lab.MailboxPassword)
	t.Setenv("LAB_SLACK_WEBHOOK", hook.URL+plantedPath)
	t.Setenv("LAB_SLACK_TOKEN", plantedToken)
	t.Setenv("LAB_LIST_KEY", plantedKey)
	t.Setenv("LAB_SLACK_APP", plantedApp)
	t.Setenv("LAB_MAIL_PASSWORD", plantedMail)
	t.Setenv("LAB_SIGN", plantedSign)
	t.Setenv("LAB_SNDS", plantedSNDS)
	t.Setenv("LAB_GPT", plantedGPT)
	t.Setenv("LAB_SOCKS", plantedSocks)
	t.Setenv("LAB_VERP", plantedVERP)
	t.Setenv("LAB_OAUTH", plantedOAuth)
	t.Setenv("LAB_WEB", plantedWeb)
	t.Setenv("LAB_PROXY", plantedProxy)
	t.Setenv("LAB_SERVICE", fmt.Sprintf(`{"type": "service_account", "client_email": "reputed@example.net", "private_key": %q}`, plantedRSA))

	seen := map[string]string{}
	lines := &logLines{more: make(chan struct{}, 100000)}
	a := &app{stdin: strings.NewReader(""), stdout: lines, stderr: lines, configPath: path}
	cfg, err := a.loadConfig(config.Resolve)
	if err != nil {
		t.Fatal(err)
	}
	if missing := notPlanted(cfg); len(missing) > 0 {
		t.Errorf("these secrets of the configuration are not planted: %q", missing)
	}
	cfg.DNS.Confirm.Duration, cfg.Web.Listen = 0, "127.0.0.1:0" // of a configuration it must be a real one
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	hup := make(chan os.Signal)
	done := make(chan error, 1)
	go func() {
		_, err := a.runWith(ctx, cfg, daemon.Service{}, hup)
		done <- err
	}()
	for _, happened := range []string{"round finished", "channel=hook", "channel=bot", "channel=email", "channel=webhook", "channel=pagerduty", "channel=alertmanager", "channel=mattermost", "channel=teams",
		"buttons do not work", "heartbeat not taken", "AUTHENTICATIONFAILED", "source=snds", "source=google", "source=service", "score=abusix-white", "mailbox=consent", "mailbox=google"} {
		lines.wait(ctx, t, happened)
	}
	for _, wrong := range []string{
		strings.ReplaceAll(text, "env:LAB_SLACK_TOKEN", "env:"+plantedToken),
		strings.ReplaceAll(text, `channel = "#mail-ops"`, ""),
		strings.ReplaceAll(text, "webhook = ", "webhok = "),
		text + "\n[alerts]\nmin_severity = " + fmt.Sprintf("%q", plantedToken) + "\n",
		strings.ReplaceAll(text, "env:LAB_SLACK_WEBHOOK", "ftp://"+plantedPath),
		strings.ReplaceAll(text, "env:LAB_SLACK_WEBHOOK", "https://u:"+plantedBasic+"@hooks.example.com/x"),
		strings.ReplaceAll(text, api.URL, "https://u:"+plantedBasic+"@api.example.com"),
		strings.ReplaceAll(text, `proxy = "http://`, `proxy = "http://u:`+plantedBasic+"@"),
		strings.ReplaceAll(text, "env:LAB_LIST_KEY", "credential:"+plantedKey),
		strings.ReplaceAll(text, "env:LAB_LIST_KEY", "file:"+plantedKey),
	} {
		if err := os.WriteFile(path, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		hup <- syscall.SIGHUP
	}
	lines.wait(ctx, t, "the old one stays in force")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{
		{"status"}, {"status", "--format", "json"}, {"status", "--format", "plugin"}, {"report"}, {"report", "--format", "json"}, {"share", "list", "--all"},
		{"incident", "list"}, {"reputation"}, {"incident", "show", "1"}, {"incident", "show", "1", "--format", "json"},
		{"config", "show"}, {"config", "check"}, {"drill"}, {"lists"}, {"lists", "test", "--format", "json"}, {"doctor", "--format", "json", "--timeout", "3s"},
		{"plan"}, {"plan", "--format", "json"}, {"vendors"}, {"vendors", "--format", "json"}, {"history"}, {"history", "--format", "csv"}, {"identity"}, {"identity", "--format", "json"}, {"knock", "--format", "json"},
		{"explain", "1"}, {"explain", "1", "--format", "json"}, {"letter", "1"}, {"backup", filepath.Join(dir, "copy.db")}, {"check", lab.OurAddress.String(), "--format", "json", "--all"},
	} {
		var out bytes.Buffer
		command := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &out}
		command.main(ctx, append(words, "--config", path))
		seen["reputed "+strings.Join(words, " ")] = out.String()
	}
	reader, err := openReader(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	v, err := view.New(reader, cfg)
	if err != nil {
		t.Fatal(err)
	}
	page, err := view.Server(v, config.Web{Tokens: map[string]config.Secret{"kim": config.NewSecret(plantedToken)}}, "devel", newLog(lines, config.Log{Level: "debug"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append([]string{"/signin", "/api/v1/openapi.json"}, webPaths...) {
		for _, token := range []string{plantedToken, plantedToken + "x"} {
			r, w := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+p, nil), httptest.NewRecorder()
			r.Header.Set("Authorization", "Bearer "+token)
			r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", len(seen)%250) // of many, or they would have to wait
			page.ServeHTTP(w, r)
			seen["page "+p] += fmt.Sprint(w.Header()) + w.Body.String()
		}
	}
	for _, token := range []string{plantedToken, plantedToken + "x"} {
		r, w := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/signin", strings.NewReader("next=/&token="+token)), httptest.NewRecorder()
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		page.ServeHTTP(w, r)
		seen["page of signing in"] += fmt.Sprint(w.Header()) + w.Body.String()
	}
	// A link of which nothing is kept but a hash.
	var link bytes.Buffer // the one place where its address may stand
	sharing := &app{stdin: strings.NewReader(""), stdout: &link, stderr: &link}
	sharing.main(ctx, []string{"share", cfg.Outbound[0].Pool, "--config", path})
	_, shared, _ := strings.Cut(link.String(), "/share/")
	if shared, _, _ = strings.Cut(shared, "\n"); len(shared) < 40 {
		t.Fatalf("no share link: %s", &link)
	}
	for _, token := range []string{shared, shared + "x", strings.ToLower(shared)} {
		r, w := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/share/"+token, nil), httptest.NewRecorder()
		page.ServeHTTP(w, r)
		seen["page of a share link"] += fmt.Sprint(w.Header()) + w.Body.String()
	}
	if info, err := os.Stat(filepath.Join(dir, "copy.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v, want mode 0600", info, err)
	}
	if info, err := os.Stat(database); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("the database: %v, %v, want nothing for others", info, err)
	}
	for _, file := range []string{database, database + "-wal", filepath.Join(dir, "copy.db")} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen["the database"] += string(b) // a checkpoint moves what is written from the one into the other
	}
	stop()
	if err := <-done; err != nil {
		seen["error of the daemon"] = err.Error()
	}
	seen["log"] = lines.String()
	for where, wants := range map[string]string{
		"log": "level=DEBUG", "reputed status": "SpamCop", "page /": "SpamCop", "page /api/v1/status": "SpamCop", "page of signing in": "reputed=", "reputed incident list": "Abusix", "page /api/v1/findings": "listed, see", "reputed incident show 1": "What happened",
		"reputed config show": "env:LAB_SLACK_TOKEN", "reputed drill": "email (email): failed after", "the database": lab.SpamCop,
		"reputed lists": "<key>.combined.mail.abusix.zone", "reputed knock --format json": "username/password authentication failed", "page of a share link": "office",
		"reputed doctor --format json --timeout 3s": "its secrets are there", "reputed plan": "Spamhaus", "reputed identity": lab.OurDomain, "reputed history": "spamcop",
	} {
		if !strings.Contains(seen[where], wants) {
			t.Errorf("%s does not speak of %q, so that it proves nothing:\n%.2000s", where, wants, seen[where])
		}
	}
	planted := map[string]string{
		"the IMAP password": lab.MailboxPassword, "the webhook": plantedPath, "the end of the webhook": plantedPath[strings.LastIndex(plantedPath, "/")+1:], "the token": plantedToken, "the key of a list": plantedKey, "the key of a list in capitals": strings.ToUpper(plantedKey),
		"the key of SNDS": plantedSNDS, "the refresh token of Google": plantedGPT,
		"the password of a SOCKS5 proxy": plantedSocks, "the key of return paths": plantedVERP, "the secret of a client": plantedOAuth, "the key of a service account": plantedRSA,
		"the password of a proxy for HTTP": plantedProxy, "a password in an address": plantedBasic,
		"a token of the page": plantedWeb, "the token of a share link": shared,
		"the app token": plantedApp, "the password of alerts": plantedMail, "the key of signatures and events": plantedSign,
		"the password of alerts as PLAIN sends it":   base64.StdEncoding.EncodeToString([]byte("\x00alerts@example.net\x00" + plantedMail)),
		"the password of Alertmanager as it is sent": base64.StdEncoding.EncodeToString([]byte("u:" + plantedSign)),
		"the IMAP password as PLAIN sends it":        base64.StdEncoding.EncodeToString([]byte("\x00" + lab.MailboxUser + "\x00" + lab.MailboxPassword)),
	}
	found := 0
	for where, text := range seen {
		for what, secret := range planted {
			if i := strings.Index(text, secret); i >= 0 {
				found++
				t.Errorf("%s holds %s: %q", where, what, text[max(0, i-120):min(len(text), i+len(secret)+20)])
			}
		}
	}
	reliability.Record(t, reliability.Row{Area: reliability.Outside, Fault: "secrets that mail servers, channels, proxies and token endpoints repeat when they refuse", Tries: len(planted), Unit: "secrets, looked for in every log line, output, page and byte of the database",
		Promised: "none is told", Seen: fmt.Sprintf("%d told", found)})
}
