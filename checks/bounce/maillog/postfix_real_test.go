package maillog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"reputed/checks/bounce"
	"reputed/probes"
)

// receiver is an SMTP server on the loopback that says what it is told to at one
// command, and yes to all others.
type receiver struct{ port string }

func receive(t *testing.T, at, reply string) receiver {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { converse(t.Context(), conn, at, reply) })
		}
	})
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return receiver{port}
}

// converse lasts until the client has enough, or the test is over.
func converse(ctx context.Context, conn net.Conn, at, reply string) {
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	in := bufio.NewScanner(conn)
	say := func(stage, usual string) bool {
		if stage == at {
			usual = reply
		}
		_, err := conn.Write([]byte(usual + "\r\n"))
		return err == nil && (stage != at || stage != "greeting")
	}
	if !say("greeting", "220 mx.example.net ESMTP") {
		return
	}
	for in.Scan() {
		stage, usual := "", "250 2.0.0 Ok"
		switch verb, _, _ := strings.Cut(strings.ToUpper(in.Text()), " "); verb {
		case "EHLO", "HELO":
			stage, usual = "ehlo", "250 mx.example.net"
		case "MAIL":
			stage = "mail"
		case "RCPT":
			stage = "rcpt"
		case "DATA":
			if stage, usual = "data", "354 Go on"; at == stage {
				break
			}
			say(stage, usual)
			for in.Scan() && in.Text() != "." {
			}
			stage, usual = "end of data", "250 2.0.0 Ok: queued as 1"
		case "QUIT":
			say("quit", "221 2.0.0 Bye")
			return
		}
		if !say(stage, usual) {
			return
		}
	}
}

// skipReal skips the test, or fails it where nothing may be skipped.
func skipReal(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI=true allows no skip: %s", reason)
	}
	t.Skip(reason)
}

// postfix is a Postfix of its own in a temporary directory.
type postfix struct {
	t        *testing.T
	dir, log string
}

func startPostfix(t *testing.T, transport string) *postfix {
	t.Helper()
	version, err := exec.Command("/usr/sbin/postconf", "-dh", "mail_version").Output()
	switch {
	case err != nil:
		skipReal(t, "no Postfix here: apt-get install postfix")
	case strings.HasPrefix(string(version), "2.") || strings.HasPrefix(string(version), "3.") && version[3] == '.' && version[2] < '5':
		skipReal(t, "lists of next hops need Postfix 3.5, here is "+strings.TrimSpace(string(version)))
	case os.Getuid() != 0:
		skipReal(t, "Postfix can only be started by root")
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		skipReal(t, "Postfix is there without its user: "+err.Error())
	}
	// Of its own and not t.TempDir: paths of sockets must be short, and what
	// Postfix runs as must be able to pass through.
	dir, err := os.MkdirTemp("", "postfix")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(dir, 0o755))
	uid, _ := strconv.Atoi(owner.Uid)
	for _, sub := range []string{"conf", "queue", "data"} {
		must(os.Mkdir(filepath.Join(dir, sub), 0o755))
	}
	must(os.Chown(filepath.Join(dir, "data"), uid, -1))
	p := &postfix{t: t, dir: dir, log: filepath.Join(dir, "mail.log")}
	must(os.WriteFile(filepath.Join(dir, "conf", "transport"), []byte(transport), 0o644))
	must(os.WriteFile(filepath.Join(dir, "conf", "main.cf"), fmt.Appendf(nil, postfixMain, dir), 0o644))
	must(os.WriteFile(filepath.Join(dir, "conf", "master.cf"), []byte(postfixMaster), 0o644))
	if out, err := p.command("/usr/sbin/postfix", "-c", dir+"/conf", "start").CombinedOutput(); err != nil {
		skipReal(t, fmt.Sprintf("Postfix does not start here: %v: %s", err, out))
	}
	t.Cleanup(func() { _ = p.command("/usr/sbin/postfix", "-c", dir+"/conf", "abort").Run() })
	return p
}

// A message is given up after its first try, so that expiry needs no waiting.
const postfixMain = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/mail.log
maillog_file_prefixes = %[1]s
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx1.example.org
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
transport_maps = texthash:%[1]s/conf/transport
smtp_host_lookup = native
maximal_queue_lifetime = 0
bounce_queue_lifetime = 0
bounce_template_file =
notify_classes =
initial_destination_concurrency = 1
alias_maps =
`

const postfixMaster = `pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
out25 unix - - n - - smtp
  -o syslog_name=postfix/out25
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

func (p *postfix) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "MAIL_CONFIG="+p.dir+"/conf")
	return cmd
}

// send gives a mail to Postfix.
func (p *postfix) send(to ...string) {
	p.t.Helper()
	cmd := p.command("/usr/sbin/sendmail", append([]string{"-i", "-f", "news@example.org", "--"}, to...)...)
	cmd.Stdin = strings.NewReader("Message-ID: <" + to[0] + ">\nFrom: news@example.org\nSubject: test\n\nHello\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("sendmail: %v: %s", err, out)
	}
}

// TestRealPostfix follows the log of a real Postfix that is refused at every stage.
func TestRealPostfix(t *testing.T) {
	const (
		banner  = "554-mx.example.net\r\n554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means."
		blocked = "554 5.7.1 Service unavailable; Client host [203.0.113.25] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/203.0.113.25"
	)
	greeting, ok := receive(t, "greeting", banner), receive(t, "", "")
	var transport strings.Builder
	for name, at := range map[string]string{"mail": "mail", "rcpt": "rcpt", "data": "data", "end": "end of data", "ehlo": "ehlo"} {
		fmt.Fprintf(&transport, "%s.example out25:[127.0.0.1]:%s\n", name, receive(t, at, blocked).port)
	}
	fmt.Fprintf(&transport, "later.example smtp:[127.0.0.1]:%s\n", receive(t, "rcpt", "450-4.7.1 Too many mails from 203.0.113.25\r\n450 4.7.1 try later").port)
	fmt.Fprintf(&transport, "greeting.example smtp:[127.0.0.1]:%s\n", greeting.port)
	fmt.Fprintf(&transport, "two.example smtp:[127.0.0.1]:%s, [127.0.0.1]:%s\n", greeting.port, ok.port)
	transport.WriteString("example.org discard:\n")
	fmt.Fprintf(&transport, "ok.example smtp:[127.0.0.1]:%s\n", ok.port)
	p := startPostfix(t, transport.String())

	for _, to := range []string{"mail", "rcpt", "data", "end", "ehlo", "later", "two", "ok", "greeting"} {
		p.send("kim@" + to + ".example")
	}
	log, err := probes.NewLog(probes.LogOptions{Name: "mail", Path: p.log, History: time.Hour, Poll: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	r := New(Options{Rules: builtinRules(t)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if end, ok := t.Deadline(); ok { // in time to show what is missing; a machine under load is slow
		defer time.AfterFunc(time.Until(end)-10*time.Second, cancel).Stop()
	}
	wanted := map[string]struct {
		stage    string
		category bounce.Category
		final    bool
		tag      string
	}{
		"greeting delayed":           {"greeting", bounce.IPReputation, false, "postfix/smtp"},
		"greeting failed":            {"greeting", bounce.IPReputation, true, "postfix/smtp"},
		"greeting delayed suspended": {"greeting", bounce.IPReputation, false, "postfix/error"},
		// Postfix has the same words for greeting and EHLO: nothing had been said of the mail yet.
		"ehlo failed":         {"greeting", bounce.Blocklist, true, "postfix/out25/smtp"},
		"mail failed":         {"mail", bounce.Blocklist, true, "postfix/out25/smtp"},
		"rcpt failed":         {"rcpt", bounce.Blocklist, true, "postfix/out25/smtp"},
		"data failed":         {"data", bounce.Blocklist, true, "postfix/out25/smtp"},
		"end failed":          {"end of data", bounce.Blocklist, true, "postfix/out25/smtp"},
		"later delayed":       {"rcpt", bounce.RateLimited, false, "postfix/smtp"},
		"later failed":        {"rcpt", bounce.RateLimited, true, "postfix/smtp"},
		"two delayed interim": {"greeting", bounce.IPReputation, false, "postfix/smtp"},
		"two delivered":       {"", "", true, "postfix/smtp"},
		"ok delivered":        {"", "", true, "postfix/smtp"},
	}
	got := map[string]Event{}
	var raw strings.Builder
	again := false
	err = log.Watch(ctx, probes.LogPosition{}, func(_ context.Context, b probes.LogBatch) error {
		for i, l := range b.Lines {
			raw.WriteString(l.Text + "\n")
			// What is on the loopback is taken for a filter of ours.
			b.Lines[i].Text = strings.ReplaceAll(l.Text, "127.0.0.1[127.0.0.1]", "mx.example.net[198.51.100.7]")
		}
		for _, e := range r.Read(b.Lines) {
			key := strings.TrimSuffix(e.Domain, ".example") + " " + string(e.Action)
			if e.Interim {
				key += " interim"
			}
			if strings.HasSuffix(e.Tag, "/error") {
				key += " suspended"
			}
			got[key] = e
		}
		if _, expired := got["greeting failed"]; expired && !again { // the destination is known to be bad now
			again = true
			p.send("lea@greeting.example")
		}
		for key := range wanted { // not so many as these: some others may come before the last of them
			if _, ok := got[key]; !ok {
				return nil
			}
		}
		cancel()
		return nil
	}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("not all lines came: %v", err)
	}
	for key, want := range wanted {
		e, ok := got[key]
		if !ok {
			t.Errorf("%s: no event", key)
			continue
		}
		if e.Diagnostic.Stage != want.stage || e.Judgement.Category != want.category || e.Final != want.final || e.Tag != want.tag {
			t.Errorf("%s: stage %q, category %q, final %t, tag %q; want %+v (%s)", key, e.Diagnostic.Stage, e.Judgement.Category, e.Final, e.Tag, want, e.Diagnostic.Text)
		}
		if e.Sender != "example.org" || e.QueueID == "" || e.ReportingHost == "" || time.Since(e.At).Abs() > time.Hour || e.RemoteAddr.String() != "198.51.100.7" || e.MessageID == "" {
			t.Errorf("%s: %+v", key, e)
		}
	}
	if s := r.Stats(); s.Unread > 0 {
		t.Errorf("%d lines not understood", s.Unread)
	}
	if t.Failed() {
		t.Logf("the log:\n%s", raw.String())
	}
}
