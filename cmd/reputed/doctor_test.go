package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/checks/bounce"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/probes"
	"reputed/probes/probestest"
)

// clinic is a rig whose configuration the doctor reads as a person's command does.
type clinic struct {
	*rig
	text string // of the configuration
}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	r := newRig(t, nil)
	text, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"LAB_IMAP_PASSWORD", "LAB_SLACK_WEBHOOK"} {
		value, _ := r.world.Env(name)
		t.Setenv(name, value)
	}
	// The double stands for every list; nothing may be asked anywhere else.
	// What only so many a second may be asked of would take a second in each test.
	return &clinic{r, strings.Replace(string(text), "[dns]\n", "[blocklists]\ndisable = [\"sem-black\", \"sem-ipv6bl\", \"sem-backscatter\", \"sem-uri\"]\n\n"+
		"[dns]\nmode = \"resolver\"\ntimeout = \"300ms\"\ntries = 2\n", 1)}
}

// look runs the doctor with a configuration.
func (c *clinic) look(text string) report.Doctor {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	a := &app{stdin: strings.NewReader(""), stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, configPath: path}
	return a.doctor(c.t.Context(), 10*time.Second)
}

// find gives the symptoms of an area.
func find(d report.Doctor, area string) (all []report.Symptom) {
	for _, s := range d.Symptoms {
		if s.Area == area {
			all = append(all, s)
		}
	}
	return all
}

// want fails unless the area has a symptom of that kind with these words, and whatever is wrong says what to do.
func want(t *testing.T, d report.Doctor, area string, is report.Soundness, words string) {
	t.Helper()
	ok := false
	for _, s := range find(d, area) {
		ok = ok || s.Is == is && strings.Contains(s.Says, words)
	}
	if !ok {
		t.Errorf("%s: want %s with %q in %+v", area, is, words, find(d, area))
	}
	for _, s := range d.Symptoms {
		if s.Is != report.Sound && s.Do == "" && s.Area != "configuration" {
			t.Errorf("%s: %q says nothing of what to do", s.Area, s.Says)
		}
	}
}

func TestDoctorFindsAWellMonitorWell(t *testing.T) {
	c := newClinic(t)
	log := filepath.Join(t.TempDir(), "mail.log")
	lines := time.Now().UTC().Format("Jan _2 15:04:05") + " mail " + daemontest.Sent("4A00001z", "kim@example.net") + "\n"
	if err := os.WriteFile(log, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if _, err := c.db.Lease(t.Context(), "reputed test", time.Minute, now); err != nil {
		t.Fatal(err)
	}
	c.must(c.Round)
	c.read(1, lab.CiscoRefusal(now, "4TgXkR2x9zB", "kim@example.net"))
	before, err := os.ReadFile(c.cfg.Database.Path)
	if err != nil {
		t.Fatal(err)
	}
	d := c.look(c.text + fmt.Sprintf("\n[[maillog]]\npath = %q\n", log))
	for area, words := range map[string]string{
		"configuration": "is valid", "targets": "1 address and 2 domains", "resolver": "invents nothing", "lists": "answer, and truthfully",
		"mailboxes": "login, folder and", "mail logs": "tells what became of 1 mail", "channels": "is reached", "database": "no damage",
		"daemon": "reputed test runs",
	} {
		want(t, d, area, report.Sound, words)
	}
	want(t, d, "daemon", report.Sound, "the last round asked")
	want(t, d, "mailboxes", report.Sound, "1 of 1 report in 24h proved to be ours")
	want(t, d, "heartbeat", report.Absent, "nobody notices")
	want(t, d, "mail logs", report.Doubtful, "was never read by a daemon")
	for _, s := range d.Symptoms {
		if s.Is == report.Broken {
			t.Errorf("%s: BAD %s", s.Area, s.Says)
		}
	}
	if after, err := os.ReadFile(c.cfg.Database.Path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("looking changed the database: %v", err)
	}
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	if testing.Short() {
		t.Skip("asks every list a dozen times")
	}
	for name, x := range map[string]struct {
		change func(c *clinic) (text string)
		area   string
		is     report.Soundness
		words  string
	}{
		"a mistake in the configuration": {func(c *clinic) string { return c.text + "\nnonsense = 1\n" }, "configuration", report.Broken, "nonsense"},
		"a secret that is not there": {func(c *clinic) string {
			return strings.Replace(c.text, "env:LAB_IMAP_PASSWORD", "env:LAB_NO_SUCH_THING", 1)
		}, "configuration", report.Broken, "LAB_NO_SUCH_THING"},
		"a record that stands for nothing": {func(c *clinic) string {
			return strings.Replace(c.text, "[[outbound]]\n", "[[outbound]]\nspf = [\"nothing.example\"]\n", 1)
		}, "targets", report.Broken, "spf:nothing.example"},
		"an address behind a NAT": {func(c *clinic) string {
			return strings.Replace(c.text, "\"192.0.2.10\"]", "\"192.0.2.10\", \"10.0.0.1\"]", 1)
		}, "targets", report.Doubtful, "10.0.0.1 is not a public address"},
		"a resolver that invents answers": {func(c *clinic) string { c.world.Lists.SetMode(".", probestest.ZoneParked); return c.text }, "resolver", report.Broken, "it rewrites answers"},
		"a resolver that refuses":         {func(c *clinic) string { c.world.Lists.SetMode(".", probestest.ZoneRefused); return c.text }, "resolver", report.Broken, "refuses to answer"},
		"a resolver that cannot answer":   {func(c *clinic) string { c.world.Lists.SetMode(".", probestest.ZoneServFail); return c.text }, "resolver", report.Broken, "SERVFAIL"},
		"a resolver that is mute":         {func(c *clinic) string { c.world.Lists.SetMode(".", probestest.ZoneMute); return c.text }, "resolver", report.Broken, "does not answer"},
		"a resolver that is not there": {func(c *clinic) string {
			return strings.Replace(c.text, c.world.Lists.Addr().String(), "127.0.0.1:1", 1)
		}, "resolver", report.Broken, "not reachable"},
		"one of two resolvers is not there": {func(c *clinic) string {
			return strings.Replace(c.text, "servers = [", "servers = [\"127.0.0.1:1\", ", 1)
		}, "resolver", report.Doubtful, "127.0.0.1:1 is not reachable"},
		"a list that refuses":   {func(c *clinic) string { c.world.Lists.SetMode("bl.spamcop.net", probestest.ZoneRefused); return c.text }, "lists", report.Broken, "spamcop, major) is refused"},
		"a list that is silent": {func(c *clinic) string { c.world.Lists.SetMode("bl.spamcop.net", probestest.ZoneMute); return c.text }, "lists", report.Unclear, "1 of"},
		"all lists at once":     {func(c *clinic) string { c.mode(probestest.ZoneRefused); return c.text }, "lists", report.Broken, "the resolver or the network is the cause"},
		"no list at all": {func(c *clinic) string {
			return strings.Replace(c.text, "[blocklists]\n", "[blocklists]\nbuiltin = false\n", 1)
		}, "lists", report.Broken, "no list is asked"},
		"a wrong password": {func(c *clinic) string { c.t.Setenv("LAB_IMAP_PASSWORD", "wrong"); return c.text }, "mailboxes", report.Broken, "login refused"},
		"a folder that is gone": {func(c *clinic) string {
			return strings.Replace(c.text, "tls = \"none\"", "tls = \"none\"\nfolder = \"Bouncs\"", 1)
		}, "mailboxes", report.Broken, "Bouncs"},
		"a mailbox without proof": {func(c *clinic) string { c.unproved(6); return c.text }, "mailboxes", report.Broken, "none of 6 reports"},
		"no mailbox": {func(c *clinic) string {
			i, j := strings.Index(c.text, "[[mailbox]]"), strings.Index(c.text, "[[slack]]")
			return c.text[:i] + c.text[j:]
		}, "mailboxes", report.Absent, "no bounces are read"},
		"no log":                  {func(c *clinic) string { return c.text }, "mail logs", report.Absent, "deliveries are counted"},
		"a log that is not there": {func(c *clinic) string { return c.withLog("", false) }, "mail logs", report.Broken, "mail.log"},
		"a log of something else": {func(c *clinic) string {
			return c.withLog(strings.Repeat("Nov 25 09:00:00 host cron[1]: (root) CMD (true)\n", 9), true)
		}, "mail logs", report.Broken, "none of the last 9 lines"},
		"a log in which a server has just started": {func(c *clinic) string {
			return c.withLog("Nov 25 09:00:00 mx postfix/postfix-script[1]: starting the Postfix mail system\nNov 25 09:00:01 mx postfix/master[2]: daemon started -- version 3.7.11\n", true)
		}, "mail logs", report.Sound, "of no delivery"},
		"an empty log": {func(c *clinic) string { return c.withLog("", true) }, "mail logs", report.Doubtful, "is empty"},
		"a channel that is not reached": {func(c *clinic) string {
			c.t.Setenv("LAB_SLACK_WEBHOOK", "http://127.0.0.1:1/services/T0/B0/secret0secret0")
			return c.text
		}, "channels", report.Broken, "is not reached"},
		"a heartbeat that is not there": {func(c *clinic) string {
			return c.text + "\n[heartbeat]\nurl = \"http://127.0.0.1:1/ping/secret0secret0\"\n"
		}, "heartbeat", report.Broken, "heartbeat"},
		"no database": {func(c *clinic) string {
			return strings.Replace(c.text, c.cfg.Database.Path, filepath.Join(c.t.TempDir(), "none.db"), 1)
		}, "database", report.Doubtful, "no database"},
		"a damaged database": {func(c *clinic) string {
			path := filepath.Join(c.t.TempDir(), "damaged.db")
			if err := os.WriteFile(path, bytes.Repeat([]byte("not a database. "), 400), 0o600); err != nil {
				c.t.Fatal(err)
			}
			return strings.Replace(c.text, c.cfg.Database.Path, path, 1)
		}, "database", report.Broken, "damaged.db"},
		"no daemon":                      {func(c *clinic) string { return c.text }, "daemon", report.Broken, "no daemon runs"},
		"no round yet":                   {func(c *clinic) string { return c.text }, "daemon", report.Doubtful, "no round"},
		"an address that nobody watches": {func(c *clinic) string { c.from(netip.MustParseAddr("198.51.100.7")); return c.text }, "addresses", report.Doubtful, "mail leaves from 198.51.100.7, which you do not watch"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClinic(t)
			d := c.look(x.change(c))
			want(t, d, x.area, x.is, x.words)
		})
	}
}

// A resolver that is not there is one cause: its own line, and one of the lists.
func TestDoctorSaysOnceThatNoListAnswers(t *testing.T) {
	c := newClinic(t)
	d := c.look(strings.Replace(c.text, c.world.Lists.Addr().String(), "127.0.0.1:1", 1))
	want(t, d, "lists", report.Broken, "had no answer")
	if said := find(d, "lists"); len(said) != 1 {
		t.Errorf("got %+v, want one line", said)
	}
}

// withLog is the configuration with a mail log of that text; without, it is not there.
func (c *clinic) withLog(text string, there bool) string {
	path := filepath.Join(c.t.TempDir(), "mail.log")
	if there {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	return c.text + fmt.Sprintf("\n[[maillog]]\npath = %q\n", path)
}

// unproved stores reports that anybody may have written.
func (c *clinic) unproved(n int) {
	var b store.Batch
	for i := range n {
		b.Mails = append(b.Mails, store.Mail{
			Place:  store.Place{Mailbox: "bounces", Position: probes.Position{UIDValidity: 1, UID: uint32(i + 1)}, Received: time.Now()},
			Report: bounce.Report{Kind: bounce.KindBounce, Hash: fmt.Sprint("mail ", i), Bounces: []bounce.Bounce{{Action: bounce.Failed, Recipient: "kim@example.net", At: time.Now()}}},
		})
	}
	b.Read = map[string]probes.Position{"bounces": {UIDValidity: 1, UID: uint32(n)}}
	if _, err := c.db.Commit(c.t.Context(), time.Now(), b, func(store.Situation) store.Decision { return store.Decision{} }); err != nil {
		c.t.Fatal(err)
	}
}

// from stores a proved refusal of mail that left from an address.
func (c *clinic) from(a netip.Addr) {
	b := store.Batch{Mails: []store.Mail{{
		Place: store.Place{Mailbox: "bounces", Position: probes.Position{UIDValidity: 1, UID: 1}, Received: time.Now()},
		Report: bounce.Report{Kind: bounce.KindBounce, Hash: "mail", Proof: bounce.Proof{Kind: bounce.ByOwnMTA, Detail: "ours"}, Bounces: []bounce.Bounce{{
			Action: bounce.Failed, Recipient: "kim@example.net", At: time.Now(), Source: a, Judgement: bounce.Judgement{Category: bounce.IPReputation, Reputation: true},
		}}},
	}}}
	if _, err := c.db.Commit(c.t.Context(), time.Now(), b, func(store.Situation) store.Decision { return store.Decision{} }); err != nil {
		c.t.Fatal(err)
	}
}

// One dead thing delays its own line, and no other.
func TestDoctorDoesNotWaitForWhatHangs(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	found := lookAtAll(t.Context(), []look{
		{"dead", func(context.Context) []report.Symptom { <-hang; return nil }},
		{"slow", func(ctx context.Context) []report.Symptom {
			<-ctx.Done()
			return []report.Symptom{unclear("it", ctx.Err())}
		}},
		{"faulty", func(context.Context) []report.Symptom { panic("\x1b[31mno") }},
		{"well", func(context.Context) []report.Symptom { return []report.Symptom{sound("fine")} }},
	}, 10*time.Millisecond)
	for i, w := range []struct {
		is    report.Soundness
		words string
	}{{report.Unclear, "no answer within 10ms"}, {report.Unclear, "no answer in time"}, {report.Unclear, "looking failed"}, {report.Sound, "fine"}} {
		if len(found[i]) != 1 || found[i][0].Is != w.is || !strings.Contains(found[i][0].Says, w.words) || found[i][0].Area == "" {
			t.Errorf("%+v, want %s %q", found[i], w.is, w.words)
		}
	}
}

func TestClocksAreComparedAsSpans(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	for name, c := range map[string]struct {
		a, b, c, d int
		want       time.Duration
	}{
		"they touch": {10, 11, 10, 12, 0}, "one within the other": {10, 20, 12, 13, 0}, "ahead": {20, 21, 10, 12, 8 * time.Second}, "behind": {10, 11, 20, 21, 9 * time.Second},
	} {
		if got := beyond(at(c.a), at(c.b), at(c.c), at(c.d)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestDoctorTellsNoSecretAndForgesNoLine: hostile servers repeat what they were sent, and more.
func TestDoctorTellsNoSecretAndForgesNoLine(t *testing.T) {
	c := newClinic(t)
	t.Setenv("LAB_SLACK_WEBHOOK", "http://127.0.0.1:1"+plantedPath)
	t.Setenv("LAB_IMAP_PASSWORD", plantedMail)
	t.Setenv("CANARY_TOKEN", plantedToken)
	d := c.look(c.text + fmt.Sprintf("\n[heartbeat]\nurl = \"http://127.0.0.1:1%s\"\n[[email]]\nname = \"echo\"\nserver = %q\ntls = \"none\"\nuser = \"kim\"\npassword = \"env:CANARY_TOKEN\"\nfrom = \"reputed@example.org\"\nto = [\"ops@example.org\"]\n",
		plantedPath+"beat", mailEcho(t)))
	d.Symptoms = append(d.Symptoms, report.Symptom{Area: "lists", Is: report.Broken, Says: "evil\x1b]0;x\x07\r\nok forged\u202e", Do: "<script>\nOK: all well"})
	for _, form := range []report.Format{report.Text, report.JSON, report.TSV, report.Plugin} {
		var b bytes.Buffer
		if err := d.Write(&b, report.Term{Width: 80}, form); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{plantedPath, plantedMail, plantedToken, "kRqZ8vWmXy3nPdLsTgHj"} {
			if strings.Contains(b.String(), secret) {
				t.Errorf("%s tells the secret %s:\n%s", form, secret, b.String())
			}
		}
		if strings.ContainsAny(b.String(), "\x1b\x07\r\u202e") || strings.Contains(b.String(), "\nOK: all well") {
			t.Errorf("%s lets text from outside forge something:\n%q", form, b.String())
		}
	}
	want(t, d, "channels", report.Broken, "channel echo")
}

func TestDoctorsExitCodes(t *testing.T) {
	s := func(all ...report.Soundness) (d report.Doctor) {
		for _, is := range all {
			d.Symptoms = append(d.Symptoms, report.Symptom{Area: "x", Is: is, Says: "x", Do: "x"})
		}
		return d
	}
	for name, c := range map[string]struct {
		d    report.Doctor
		want report.Level
	}{
		"all is well":               {s(report.Sound, report.Absent), report.LevelOK},
		"bad before all":            {s(report.Unclear, report.Doubtful, report.Broken), report.LevelCritical},
		"what is known comes first": {s(report.Unclear, report.Doubtful), report.LevelWarning},
		"not knowing is told":       {s(report.Sound, report.Unclear), report.LevelUnknown},
		"nothing was looked at":     {s(), report.LevelUnknown},
	} {
		if got := c.d.Level(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		var b bytes.Buffer
		if err := c.d.Write(&b, report.Term{}, report.JSON); err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Code  int `json:"exit_code"`
			Lines []struct{ Is string }
		}
		if err := json.Unmarshal(b.Bytes(), &doc); err != nil || doc.Code != int(c.want) || len(doc.Lines) != len(c.d.Symptoms) {
			t.Errorf("%s: %v %+v", name, err, doc)
		}
	}
}
