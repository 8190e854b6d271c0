package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/alerts/slack"
	"reputed/checks"
	"reputed/checks/acceptance"
	"reputed/checks/reputation"
	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/internal/reliability"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/internal/wiring"
	"reputed/probes"
	"reputed/probes/probestest"
)

// Invariant 7: a text from outside comes in by every door (the reason that a list
// gives, the diagnostic of a bounce, the error of a mailbox and of a channel, the note of
// a person) and goes out through every sink. Nowhere does it begin a line, colour a
// terminal, turn the direction of writing, add a column, wake a channel or make a link.
func TestHostileTextsThroughEverySink(t *testing.T) {
	texts := map[string]string{
		"a line of its own":     "x\r\nREPUTED OK - all clear|listed=0\nlevel=ERROR msg=forged",
		"a line by other means": "x\u2028forged\u2029forged\u0085forged\x0b\x0c",
		"colours and cursors":   "\x1b[2J\x1b[31mred\x1b]8;;https://evil.example\x07link\x1b]8;;\x07\u009b1m",
		"a column":              "x\tlisted\tcritical",
		"a direction":           "\u202egnorw\u2066\u200b\ufeff",
		"mentions":              "<!channel> <@U012AB3CD> <!subteam^S1> @here @everyone",
		"a link with a mask":    "<https://evil.example|https://www.spamcop.net> [x](https://evil.example)",
		"markup and tags":       "*b* _i_ `c` ~s~ </pre><script>alert(1)</script> &lt;!here&gt; :fire:",
		"a formula":             "=HYPERLINK(\"https://evil.example\")",
		"another formula":       "@SUM(1+1)*cmd|' /C calc'!A0",
		"one more formula":      "+1-2\t-3+cmd|' /C calc'!A0",
		"a bar and a perf":      "x | listed=0;;;0",
		"no text at all":        "\xff\xfe\x00\x80",
		"JSON":                  `"},{"forged":true,"x":"`,
		"a mail within a mail":  "x\r\nBcc: evil@evil.example\r\n\r\n--reputed\r\nContent-Type: text/html\r\n\r\n<a href=\"https://evil.example\">\r\n.\r\nMAIL FROM:<evil@evil.example> =?utf-8?q?=0D=0AX-Forged:_yes?=",
		"terminals of old":      "\u009d8;;https://evil.example\u009clink \x1b[?1049h\x1b[21t\x1bP$qm\x1b\\ \x9b2J\x90q \x1b%G\x0e\x7f",
		"more than UTF-8 has":   "\xc0\xbcscript\xc0\xbealert(1) \xe0\x80\xaf \xed\xa0\xbd\xed\xb8\x80 \xf4\x90\x80\x80 \xc0\x80\x00forged",
		"what cannot be seen":   "\U000e0069\U000e0067\u3164\u115f\u2800\u00ad\u061c\u2060\u180e\u034f\ufff9forged\u2067\ufe0f" + strings.Repeat("\u0301", 300),
		"markup of chats":       "![x](https://evil.example/x.png) [x]: https://evil.example <at>all</at> <!date^1^{date}^https://evil.example|now> [x](javascript:alert(1)) ~~~ @all @room",
		"half a mention":        "channel> here|x> everyone <!chan nel> https://evil.example|x> `",
		"labels of metrics":     "x\"} 1\nforged_total{a=\"b\\\"} 2\n# HELP forged x\\n\n",
		"pairs of a log":        `x" level=ERROR msg="forged" time=2026-01-01T00:00:00Z err="` + "\nlevel=ERROR msg=forged",
		"formulas of the world": "\uff1dcmd|' /C calc'!A0\t \uff0b1\uff0d1",
		"a script in a link":    "javascript:alert(1)//https://evil.example data:text/html,<svg/onload=alert(1)> <img src=x onerror=alert(1)>",
	}
	var broken atomic.Int64
	t.Cleanup(func() {
		reliability.Record(t, reliability.Row{Area: reliability.Outside, Fault: "text that forges lines, links, mentions, colours, columns, tags or JSON", Tries: len(texts), Unit: "texts, each through every door and sink",
			Promised: "it is data everywhere", Seen: fmt.Sprintf("%d took effect somewhere", broken.Load())})
	})
	if testing.Short() { // all doors and sinks, few texts
		maps.DeleteFunc(texts, func(name, _ string) bool {
			return !slices.Contains([]string{"a line of its own", "a formula", "mentions"}, name)
		})
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for sink, out := range hostileWorld(t, text) {
				inert(t, sink, out)
			}
			if t.Failed() {
				broken.Add(1)
			}
		})
	}
}

// zoneText is a text as a zone file has it (RFC 1035 section 5.1), whatever its octets are.
func zoneText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "\\%03d", s[i])
	}
	return b.String()
}

// hostileCertificate has the text for every name.
func hostileCertificate(t *testing.T, text string) *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ascii := strings.Map(func(c rune) rune {
		if c > 0x7e {
			return -1
		}
		return c
	}, text)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: strings.ToValidUTF8(text, "?"), Organization: []string{ascii}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{ascii, "x." + ascii}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// hostileWorld lets the text in by every door and gives what each sink shows.
func hostileWorld(t *testing.T, text string) map[string]string {
	flat := strings.NewReplacer("\r", " ", "\n", " ").Replace(text) // a header of a mail has no line breaks, nor has a reply
	// Doors of receivers: greeting, replies and certificate.
	shut := probestest.StartDoor(t, probestest.SMTPOptions{Mode: probestest.SMTPRefuse, Reply: "554-" + flat + "\r\n554 5.7.1 rejected due to the sending MTA's poor reputation " + flat})
	wide := probestest.StartDoor(t, probestest.SMTPOptions{Name: "mx.example.net " + flat, Certificate: hostileCertificate(t, text)})
	var logged bytes.Buffer
	log := newLog(&logged, config.Log{Level: "debug"})
	var told []string
	options := daemon.Options{Log: log, Doors: acceptance.Round{Pause: -1, Gap: -1}, Service: daemon.Service{Send: func(assignments string) error { told = append(told, assignments); return nil }}}
	r := newRigOf(t, options, func(cfg *config.Config, _ *lab.World) {
		daemontest.Doors(cfg, map[string]*probestest.SMTP{"shut.example": shut, "wide.example": wide})
		cfg.Outbound = []config.Outbound{{Pool: "office", Addresses: []string{lab.OurAddress.String()}, Domains: []string{lab.OurDomain}, Hosts: map[string]string{lab.OurHost: lab.OurAddress.String()}}}
	})
	// Names and records of the DNS.
	label := zoneText(text[:min(len(text), 60)])
	r.world.Lists.SetName("10.2.0.192.in-addr.arpa", "PTR "+label+".evil.example.")
	r.world.Lists.SetName(lab.OurDomain, `TXT "v=spf1 include:`+label+`.evil.example `+zoneText(text)+` -all"`, "MX 10 "+label+".evil.example.")
	r.world.Lists.SetName("_dmarc."+lab.OurDomain, `TXT "v=DMARC1; p=`+zoneText(text)+`; rua=mailto:`+zoneText(text)+`"`)
	r.world.Lists.SetName("_mta-sts."+lab.OurDomain, `TXT "v=STSv1; id=`+zoneText(text)+`"`)
	now := time.Now()
	r.world.Lists.SetListed("bl.spamcop.net", lab.OurAddress.String(), text)
	r.must(r.Round)
	r.must(r.Knock)
	refusal := bytes.ReplaceAll(lab.CiscoRefusal(now, "4TgXkR2x9zB", "kim@example.net"), []byte("Diagnostic-Code: smtp; 554-"), []byte("Diagnostic-Code: smtp; 554 5.7.1 "+flat+" 554-"))
	r.read(1, refusal)
	// And one that no rule knows, for those who write rules of it.
	grumbles := regexp.MustCompile(`(?m)^Diagnostic-Code: smtp; .*$|Your access to this mail system.*`)
	r.read(2, grumbles.ReplaceAll(lab.CiscoRefusal(now, "4TgXkR2x9zC", "lee@example.net"), []byte("Diagnostic-Code: smtp; 550 5.7.1 Zorblax grumbles over "+strings.ReplaceAll(flat, "$", "$$"))))
	mine := filepath.Join(t.TempDir(), "mine.toml")
	if err := os.WriteFile(mine, []byte("[[rule]]\nid = \"zorblax\"\ncategory = \"policy\"\nany = [\"zorblax grumbles\"]\nexamples = [\"550 Zorblax grumbles\"]\nnot = [\"550 no\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for id := range int64(2) {
		if _, err := r.db.Act(t.Context(), alerts.Action{Kind: alerts.Ack, Incident: id + 1, By: text, Note: text, At: now}, nil); err != nil && !errors.Is(err, store.ErrNoIncident) {
			t.Fatal(err)
		}
	}
	// What sources say, and what people write down of it.
	talos, _ := reputation.FindPage("talos")
	recorded, err := talos.Reading(checks.Address(lab.OurAddress), "poor", text, text, now)
	if err != nil {
		t.Fatal(err)
	}
	said := reputation.Reading{Source: reputation.SNDSStatus, Target: checks.Address(lab.OurAddress), Value: text, Note: text, Level: reputation.Bad, How: reputation.Measured, At: now}
	if _, err := r.db.SaveReadings(t.Context(), now, []reputation.Reading{recorded, said}); err != nil {
		t.Fatal(err)
	}
	r.must(r.JudgeRecorded)
	if err := r.MailboxState(t.Context(), "bounces", probes.MailboxState{LastRoundTrip: now.Add(-time.Hour), LastErr: errors.New(text)}); err != nil {
		t.Fatal(err)
	}
	r.must(r.Tick)
	due, err := r.db.Due(t.Context(), "test", now.Add(time.Hour), 10)
	if err != nil || len(due) == 0 {
		t.Fatalf("nothing is to be told: %v", err)
	}
	v, err := view.New(r.db, r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	week, err := v.Period(t.Context(), "", now.Add(-7*24*time.Hour), time.Now(), time.Now(), report.Term{})
	if err != nil || len(week.Opened) == 0 || len(week.Deeds) == 0 {
		t.Fatalf("the report about a week says nothing: %+v, %v", week, err)
	}
	review := week.Review(report.Term{})
	due = append(due, alerts.Delivery{Notification: alerts.Notification{ID: "report/x", Kind: alerts.Periodic, At: now, Review: &review, Command: "reputed report"}})
	sinks := map[string]string{}
	channel, err := slack.New(slack.Options{Webhook: r.world.Chat.URL()})
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range due {
		if err := channel.Notify(t.Context(), d.Notification); err != nil {
			t.Fatal(err)
		}
		post, err := r.world.Chat.Wait(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		sinks[fmt.Sprintf("slack json %d", i)] = string(post.Payload)
		sinks[fmt.Sprintf("slack preview %d", i)] = slack.Preview(d.Notification, 80)
	}
	server := daemontest.NewSink(t, "ok")
	office := newPostOffice(t)
	others, err := wiring.Channels(&config.Config{
		Emails:        []config.Email{{Name: "email", Server: office.addr, TLS: "none", From: "alerts@example.net", To: []string{"oncall@example.net"}}},
		Webhooks:      []config.Webhook{{Name: "webhook", URL: config.NewSecret(server.URL + "/webhook")}},
		PagerDuty:     []config.PagerDuty{{Name: "pagerduty", RoutingKey: config.NewSecret("k"), APIURL: server.URL}},
		Alertmanagers: []config.Alertmanager{{Name: "alertmanager", URL: server.URL}},
		Mattermost:    []config.Mattermost{{Name: "mattermost", Webhook: config.NewSecret(server.URL + "/mattermost")}},
		Teams:         []config.Teams{{Name: "teams", Webhook: config.NewSecret(server.URL + "/teams")}},
	}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for name, channel := range others {
		for i, d := range due {
			if d.Notification.General() && alerts.Pages(channel) {
				continue
			}
			if err := channel.Notify(t.Context(), d.Notification); err != nil {
				t.Fatal(err)
			}
			if name == "email" {
				headers, plain, html := office.last(t)
				sinks[fmt.Sprintf("headers of mail %d", i)], sinks[fmt.Sprintf("mail %d", i)], sinks[fmt.Sprintf("html of mail %d", i)] = headers, plain, html
				continue
			}
			_, bodies := server.Got()
			sinks[fmt.Sprintf("%s json %d", name, i)] = bodies[len(bodies)-1]
		}
	}
	if err := r.db.Retry(t.Context(), due[0].ID, now.Add(time.Hour), 1, text); err != nil {
		t.Fatal(err)
	}
	log.LogAttrs(t.Context(), slog.LevelWarn, "mailbox not read", slog.Any("err", errors.New(text)))
	sinks["log"] = logged.String()
	told = nil // of before
	r.SayStatus(t.Context())
	if len(told) != 1 || !strings.HasPrefix(told[0], "STATUS=") {
		t.Fatalf("systemd is told %q", told)
	}
	sinks["plugin-like status of systemd"] = strings.Replace(told[0], "|", "/", -1) + "|"
	doctor := &app{stdin: strings.NewReader(""), stdout: &logged, stderr: &logged, configPath: r.path}
	symptoms := doctor.doctor(t.Context(), time.Second)
	for sink, form := range map[string]report.Format{"doctor": report.Text, "doctor json": report.JSON, "doctor tsv": report.TSV, "doctor plugin": report.Plugin} {
		var b bytes.Buffer
		if err := symptoms.Write(&b, report.Term{}, form); err != nil || b.Len() == 0 {
			t.Fatalf("doctor: %v", err)
		}
		sinks[sink] = b.String()
	}
	var knocking app
	knocks, err := knocking.knockNow(t.Context(), r.cfg, nil, "", acceptance.Round{Pause: -1, Gap: -1})
	if err != nil {
		t.Fatal(err)
	}
	for sink, form := range map[string]report.Format{"knock": report.Text, "knock json": report.JSON} {
		var b bytes.Buffer
		if err := knocks.Write(&b, report.Term{}, form); err != nil || !strings.Contains(b.String(), "poor reputation") || !strings.Contains(b.String(), "wide.example") {
			t.Fatalf("knock: %v\n%s", err, &b)
		}
		sinks[sink] = b.String()
	}
	token := strings.Repeat("A", 43)
	if _, err := r.db.MakeShare(t.Context(), token, store.Share{Pool: r.cfg.Outbound[0].Pool, Note: text, By: text, Made: now, Expires: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"status", "status --format json", "status --format plugin", "report", "report --format json", "share list --all", "share list --all --format json", "incident list", "incident list --format tsv", "incident list --format json",
		"incident show 1", "incident show 1 --format json", "incident show 2",
		"check 192.0.2.10 --list spamcop", "check 192.0.2.10 --list spamcop --format tsv", "check 192.0.2.10 --list spamcop --format json", "check 192.0.2.10 --list spamcop --format plugin",
		"explain 1", "explain 1 --format json", "explain 2", "history", "history --format json", "history --format csv", "plan", "plan --format json", "vendors", "vendors --format json",
		"identity", "identity --format json",
		"reputation", "reputation --format tsv", "reputation --format json",
		"bounce -", "bounce - --format tsv", "bounce - --format json",
		"bounce unknown --all", "bounce unknown --all --format json", "bounce replay " + mine, "bounce replay " + mine + " --format json",
	} {
		var out, errs bytes.Buffer
		a := &app{stdin: bytes.NewReader(refusal), stdout: &out, stderr: &errs}
		a.main(context.Background(), append(strings.Fields(line), "--config", r.path))
		if out.Len() == 0 {
			t.Fatalf("%s shows nothing: %s", line, errs.String())
		}
		sinks[line], sinks[line+" (errors)"] = out.String(), errs.String()
	}
	page, err := view.Server(v, config.Web{}, "devel", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range webPaths {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil))
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		sinks[webSink(path)] = w.Body.String()
	}
	shared := httptest.NewRecorder()
	page.ServeHTTP(shared, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/share/"+token, nil))
	if shared.Code != http.StatusOK || !strings.Contains(shared.Body.String(), "listed on a blocklist") {
		t.Fatalf("share link: %d %s", shared.Code, shared.Body)
	}
	sinks["page of a share link"] = shared.Body.String()
	return sinks
}

// webPaths are the pages and documents of the rig's incident.
var webPaths = []string{"/metrics", "/probe?target=192.0.2.10", "/api/v1/status", "/api/v1/incidents", "/api/v1/incidents/1", "/api/v1/incidents/1/explanation", "/api/v1/incidents/1/letters", "/api/v1/findings", "/api/v1/targets/192.0.2.10", "/api/v1/bounces", "/api/v1/history", "/api/v1/changes", "/api/v1/targets", "/api/v1/receivers",
	"/", "/incidents", "/incidents/1", "/targets", "/targets/192.0.2.10", "/lists/spamcop", "/receivers", "/search?q=spam"}

func webSink(path string) string {
	switch {
	case strings.HasPrefix(path, "/api/"):
		return "json of " + path
	case path == "/metrics" || strings.HasPrefix(path, "/probe"):
		return "metrics of " + path
	}
	return "page " + path
}

// metricLine is a line of the text format of Prometheus that we, or its library, wrote.
var metricLine = regexp.MustCompile(`^(# (HELP|TYPE) )?(reputed|probe|go|process)_[a-z0-9_]+[ {]`)

// inert holds what a sink shows to what no text may break.
func inert(t *testing.T, sink, out string) {
	t.Helper()
	fail := func(what string, i int) {
		t.Errorf("%s: %s: %q", sink, what, out[max(0, i-60):min(len(out), i+60)])
	}
	if i := strings.IndexAny(out, "\x1b\x00\r\x07\x0b\x0c\u0085\u009b\u2028\u2029\u202e\u2066\u200b\ufeff\u007f\u009d\u009c\u061c\u2060\u2067\u00ad\ufff9\U000e0069"); i >= 0 {
		fail("a control got through", i)
	}
	if i := strings.IndexAny(out, "\ufe0f\u3164\u115f\u034f"); i >= 0 && sink != "log" { // which escapes what is not printable, and these are
		fail("something that cannot be seen got through", i)
	}
	for line := range strings.SplitSeq(out, "\n") {
		begin := strings.TrimLeft(line, " ")
		if strings.HasPrefix(sink, "mail ") {
			begin = line // what is long goes on on a line that is indented
		}
		if strings.HasPrefix(begin, "forged") || strings.HasPrefix(begin, "level=") || strings.HasPrefix(begin, "REPUTED OK") || strings.HasPrefix(begin, "red") {
			t.Errorf("%s: a forged line: %q", sink, line)
		}
	}
	switch rows := strings.Split(strings.TrimSuffix(out, "\n"), "\n"); {
	case strings.Contains(sink, "errors"):
	case strings.Contains(sink, "json"):
		if !json.Valid([]byte(out)) {
			fail("not JSON", 0)
		}
		if keys := keysOf(out); slices.Contains(keys, "forged") {
			t.Errorf("%s: a forged key among %q", sink, keys)
		}
		// What stands in it as an escape is the same to whoever reads it.
		for _, escape := range []string{`\u001b`, `\u0000`, `\u0007`, `\u009d`, `\u202e`, `\u2028`, `\u200b`, `\ufeff`} {
			if i := strings.Index(out, escape); i >= 0 {
				fail("an escaped control got through", i)
			}
		}
	case strings.Contains(sink, "tsv"):
		for _, row := range rows {
			if strings.Count(row, "\t") != strings.Count(rows[0], "\t") {
				t.Errorf("%s: a row with columns of its own: %q", sink, row)
			}
			for cell := range strings.SplitSeq(row, "\t") {
				if len(cell) > 1 && strings.ContainsRune("=+-@", rune(cell[0])) {
					t.Errorf("%s: a formula: %q", sink, row)
				}
			}
		}
	case strings.Contains(sink, "csv"):
		all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(all) != len(rows) {
			t.Errorf("%s: %d rows on %d lines: %v", sink, len(all), len(rows), err)
		}
		for _, row := range all {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t", rune(cell[0])) {
					t.Errorf("%s: a formula: %q", sink, row)
				}
			}
		}
	case strings.HasPrefix(sink, "metrics"):
		for _, row := range rows {
			if !metricLine.MatchString(row) {
				t.Errorf("%s: a line that is none of ours: %q", sink, row)
			}
		}
	case strings.Contains(sink, "plugin"):
		if len(rows) != 1 || strings.Count(out, "|") != 1 || strings.HasPrefix(out, "REPUTED OK") {
			fail("not one line with one bar", 0)
		}
	case sink == "log":
		for _, row := range rows {
			if !strings.HasPrefix(row, "time=") {
				t.Errorf("log: a line that the log did not begin: %q", row)
			}
		}
	}
	if strings.HasPrefix(sink, "mattermost json") {
		for _, bad := range []string{"@here", "@everyone", "@channel", `\u003chttps`} {
			if i := strings.Index(out, bad); i >= 0 {
				fail("markup of the chat", i)
			}
		}
	}
	if strings.HasPrefix(sink, "page ") {
		for _, bad := range []string{"<script>", "</pre>", "href=\"https://evil", "href=\"http://evil", "=HYPERLINK(\"", "=\"javascript:", "=\"data:", "<svg/", "<img src=x", "<at>"} {
			if i := strings.Index(out, bad); i >= 0 {
				fail("markup of a page", i)
			}
		}
	}
	if strings.HasPrefix(sink, "html of mail") {
		for _, bad := range []string{"<script", "<img", "<svg", "<at>", "href=\"https://evil", "href=\"http://evil", "=\"javascript:", "=\"data:"} {
			if i := strings.Index(out, bad); i >= 0 {
				fail("markup of a mail", i)
			}
		}
		if strings.Count(out, "<pre") != strings.Count(out, "</pre>") {
			t.Errorf("%s: a quotation that ends early", sink)
		}
	}
	if strings.HasPrefix(sink, "teams json") && strings.Contains(out, `"TextBlock"`) {
		fail("a block that is Markdown", strings.Index(out, `"TextBlock"`))
	}
	if strings.HasPrefix(sink, "slack json") {
		for _, bad := range []string{"<!", "<@", "<https", `"broadcast"`, "</", `\u003c!`, `\u003c@`, `\u003chttps`} {
			if i := strings.Index(out, bad); i >= 0 {
				fail("markup of the chat", i)
			}
		}
	}
}

// keysOf are the names of all fields of a JSON document.
func keysOf(doc string) []string {
	var v any
	_ = json.Unmarshal([]byte(doc), &v) // held to be valid before
	names := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for name, x := range v {
				names[name] = true
				walk(x)
			}
		}
	}
	walk(v)
	return slices.Sorted(maps.Keys(names))
}
