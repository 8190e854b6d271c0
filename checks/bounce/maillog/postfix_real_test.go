package maillog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"reputed/checks/bounce"
	"reputed/probes"
	"reputed/probes/serverstest"
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

// startPostfix starts a Postfix that sends as a table of transports says.
func startPostfix(t *testing.T, transport string) *serverstest.Postfix {
	t.Helper()
	return serverstest.StartPostfix(t, postfixMain, postfixMaster, map[string]string{"transport": transport})
}

// A message is given up after its first try, so that expiry needs no waiting.
const postfixMain = `mydestination =
inet_interfaces = loopback-only
transport_maps = texthash:{dir}/conf/transport
smtp_host_lookup = native
maximal_queue_lifetime = 0
bounce_queue_lifetime = 0
bounce_template_file =
initial_destination_concurrency = 1
`

const postfixMaster = `out25 unix - - n - - smtp
  -o syslog_name=postfix/out25
`

// send gives a mail to Postfix.
func send(t *testing.T, p *serverstest.Postfix, to ...string) {
	t.Helper()
	cmd := p.Command("/usr/sbin/sendmail", append([]string{"-i", "-f", "news@example.org", "--"}, to...)...)
	cmd.Stdin = strings.NewReader("Message-ID: <" + to[0] + ">\nFrom: news@example.org\nSubject: test\n\nHello\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sendmail: %v: %s", err, out)
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
		send(t, p, "kim@"+to+".example")
	}
	log, err := probes.NewLog(probes.LogOptions{Name: "mail", Path: p.Log, History: time.Hour, Poll: 20 * time.Millisecond})
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
			send(t, p, "lea@greeting.example")
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
