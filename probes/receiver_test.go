package probes

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reputed/probes/probestest"
)

// startSMTP is a double that leaves nothing behind and was never handed a message.
func startSMTP(t *testing.T, opts probestest.SMTPOptions) *probestest.SMTP {
	t.Helper()
	leak := goleak.IgnoreCurrent()
	s, err := probestest.StartSMTP(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		goleak.VerifyNone(t, leak)
		for _, c := range s.Commands() {
			if !permitted(c) {
				t.Errorf("said %q, which is no word of ours", c)
			}
		}
	})
	return s
}

// permitted says whether a line that a server was told is one of those that a visit consists of.
func permitted(line string) bool {
	return slices.ContainsFunc([]string{"EHLO ", "HELO ", "MAIL FROM:<", "RCPT TO:<"}, func(p string) bool { return strings.HasPrefix(line, p) }) ||
		slices.Contains([]string{"STARTTLS", "RSET", "QUIT"}, line)
}

func newReceiver(t *testing.T, opts ReceiverOptions) *Receiver {
	t.Helper()
	if opts.Helo == "" {
		opts.Helo = "mx1.example.org"
	}
	r, err := NewReceiver(opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var postmaster = []Envelope{{Recipients: []string{"postmaster@example.net"}}}

func TestAVisit(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{})
	v := newReceiver(t, ReceiverOptions{}).Visit(t.Context(), Door{Host: "mx.example.net", Addr: s.Addr(), Envelopes: postmaster})
	if v.Err != nil || v.Stage != StageDone || v.Greeting.Code != 220 || !v.Offer("size") || v.Offer("STARTTLS") || v.Closing || v.From.String() != "127.0.0.1" {
		t.Fatalf("%+v", v)
	}
	if len(v.Asked) != 1 || !v.Asked[0].Mail.Positive() || len(v.Asked[0].Rcpts) != 1 || !v.Asked[0].Rcpts[0].Positive() {
		t.Errorf("asked %+v", v.Asked)
	}
	want := []string{"EHLO mx1.example.org", "MAIL FROM:<>", "RCPT TO:<postmaster@example.net>", "RSET", "QUIT"}
	if got := s.Commands(); !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
	var ours []string
	for _, said := range v.Transcript {
		if said.Ours {
			ours = append(ours, said.Text)
		}
	}
	if !slices.Equal(ours, want) || v.Transcript[0].Text != "220 mx.example.net ESMTP" || v.Transcript[len(v.Transcript)-1].Text != "221 2.0.0 Bye" {
		t.Errorf("transcript %+v", v.Transcript)
	}
}

// The same conversation over IPv6, from the first reply to QUIT, inside TLS too.
func TestAVisitOverIPv6(t *testing.T) {
	now := time.Now()
	cert, root, err := probestest.CertificateFor(now.Add(-time.Hour), now.Add(time.Hour), "mx.example.net")
	if err != nil {
		t.Fatal(err)
	}
	if ln, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here: ", err)
	} else {
		ln.Close()
	}
	s := startSMTP(t, probestest.SMTPOptions{Address: "::1", Certificate: &cert, Relay: []string{"example.net"}})
	roots := x509.NewCertPool()
	roots.AddCert(root)
	for name, from := range map[string]netip.Addr{"from an address of this machine": netip.IPv6Loopback(), "from where the system chooses": {}} {
		t.Run(name, func(t *testing.T) {
			before := len(s.Commands())
			v := newReceiver(t, ReceiverOptions{Helo: "[IPv6:2001:db8::10]", From: from, Roots: roots}).Visit(t.Context(), Door{
				Host: "mx.example.net", Addr: s.Addr(), StartTLS: true,
				Envelopes: []Envelope{{Recipients: []string{"postmaster@example.net", "kim@example.org"}}},
			})
			if v.Err != nil || v.Stage != StageDone || v.From != netip.IPv6Loopback() || v.TLS == nil || v.TLS.Trust != nil {
				t.Fatalf("%+v", v)
			}
			if got := v.Asked[0].Rcpts; len(got) != 2 || got[0].Code != 250 || got[1].Code != 554 {
				t.Errorf("recipients %v", got)
			}
			want := []string{"EHLO [IPv6:2001:db8::10]", "STARTTLS", "EHLO [IPv6:2001:db8::10]", "MAIL FROM:<>", "RCPT TO:<postmaster@example.net>", "RCPT TO:<kim@example.org>", "RSET", "QUIT"}
			if got := s.Commands()[before:]; !slices.Equal(got, want) {
				t.Errorf("said %q, want %q", got, want)
			}
			if got, want := v.Door.String(), fmt.Sprintf("mx.example.net[::1]:%d", s.Addr().Port()); got != want {
				t.Errorf("door %q, want %q", got, want)
			}
		})
	}
	t.Run("a server that refuses this address", func(t *testing.T) {
		refuses := startSMTP(t, probestest.SMTPOptions{Address: "::1", OnlyFrom: []netip.Addr{netip.IPv6Loopback()}})
		v := newReceiver(t, ReceiverOptions{}).Visit(t.Context(), Door{Addr: refuses.Addr()})
		if v.Err != nil || v.Stage != StageGreeting || v.Greeting.Code != 554 {
			t.Errorf("%s, %q, %v", v.Stage, v.Greeting, v.Err)
		}
	})
	for name, c := range map[string]struct {
		from string
		to   netip.AddrPort
	}{
		"an address that is not on this machine": {"2001:db8::10", s.Addr()},
		"an address of the other family":         {"127.0.0.1", s.Addr()},
	} {
		t.Run(name, func(t *testing.T) {
			v := newReceiver(t, ReceiverOptions{From: netip.MustParseAddr(c.from)}).Visit(t.Context(), Door{Addr: c.to})
			if v.Stage != StageConnect || !errors.Is(v.Err, ErrNotOurs) {
				t.Errorf("%s, %v", v.Stage, v.Err)
			}
		})
	}
}

// An IPv4 address stays one when it is written as IPv6.
func TestAMappedAddressIsIPv4(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{})
	to := netip.AddrPortFrom(netip.AddrFrom16(s.Addr().Addr().As16()), s.Addr().Port())
	v := newReceiver(t, ReceiverOptions{From: netip.MustParseAddr("::ffff:127.0.0.3")}).Visit(t.Context(), Door{Addr: to})
	if v.Err != nil || v.Stage != StageDone || v.From.String() != "127.0.0.3" {
		t.Errorf("%s from %s: %v", v.Stage, v.From, v.Err)
	}
}

func TestWhatAVisitEndsIn(t *testing.T) {
	tarpit := ReceiverOptions{Reply: 50 * time.Millisecond}
	drip := make(chan time.Time)
	for name, c := range map[string]struct {
		smtp    probestest.SMTPOptions
		opts    ReceiverOptions
		stage   Stage
		reply   int
		err     error
		closing bool
	}{
		"a refusal at the greeting":              {probestest.SMTPOptions{Mode: probestest.SMTPRefuse}, ReceiverOptions{}, StageGreeting, 554, nil, false},
		"421 at the greeting":                    {probestest.SMTPOptions{Mode: probestest.SMTPBusy}, ReceiverOptions{}, StageGreeting, 421, nil, true},
		"greylisting is an answer":               {probestest.SMTPOptions{Mode: probestest.SMTPGreylist}, ReceiverOptions{}, StageDone, 450, nil, false},
		"a server that says nothing":             {probestest.SMTPOptions{Mode: probestest.SMTPTarpit}, tarpit, StageGreeting, 0, ErrTimeout, false},
		"a server that begins and does not end":  {probestest.SMTPOptions{Mode: probestest.SMTPDrip, Drip: drip}, tarpit, StageGreeting, 0, ErrTimeout, false},
		"a greeting of ever more lines":          {probestest.SMTPOptions{Mode: probestest.SMTPEndless}, ReceiverOptions{}, StageGreeting, 0, ErrEndless, false},
		"a greeting of one line without end":     {probestest.SMTPOptions{Mode: probestest.SMTPLong}, ReceiverOptions{}, StageGreeting, 0, ErrEndless, false},
		"a connection that is closed":            {probestest.SMTPOptions{Mode: probestest.SMTPClose}, ReceiverOptions{}, StageGreeting, 0, ErrCut, false},
		"another protocol":                       {probestest.SMTPOptions{Mode: probestest.SMTPGarbage}, ReceiverOptions{}, StageGreeting, 0, ErrNotSMTP, false},
		"a firewall that knows no EHLO":          {probestest.SMTPOptions{Mode: probestest.SMTPPix}, ReceiverOptions{}, StageDone, 250, nil, false},
		"an address that is not on this machine": {probestest.SMTPOptions{}, ReceiverOptions{From: netip.MustParseAddr("192.0.2.10")}, StageConnect, 0, ErrNotOurs, false},
		"an address of the other family":         {probestest.SMTPOptions{}, ReceiverOptions{From: netip.MustParseAddr("::1")}, StageConnect, 0, ErrNotOurs, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := startSMTP(t, c.smtp)
			v := newReceiver(t, c.opts).Visit(t.Context(), Door{Addr: s.Addr(), Envelopes: postmaster})
			if v.Stage != c.stage || v.Last().Code != c.reply || !errors.Is(v.Err, c.err) || (v.Err == nil) != (c.err == nil) || v.Closing != c.closing {
				t.Errorf("stage %s, reply %q, closing %v, error %v", v.Stage, v.Last(), v.Closing, v.Err)
			}
			told := 0
			for _, said := range v.Transcript {
				told += len(said.Text)
			}
			if told > maxTold {
				t.Errorf("kept %d octets of a transcript", told)
			}
			if said := s.Commands(); c.err == nil && !c.closing && (len(said) == 0 || said[len(said)-1] != "QUIT") {
				t.Errorf("left without QUIT: %q", said)
			}
		})
	}
}

func TestAPortThatIsClosed(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{})
	addr := s.Addr()
	s.Close()
	v := newReceiver(t, ReceiverOptions{}).Visit(t.Context(), Door{Addr: addr})
	if v.Stage != StageConnect || !errors.Is(v.Err, ErrUnreachable) || !strings.Contains(v.Err.Error(), "connection refused") {
		t.Errorf("%s, %v", v.Stage, v.Err)
	}
}

// A reset may be there before we know of the connection.
func TestAConnectionThatIsReset(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{Mode: probestest.SMTPReset})
	v := newReceiver(t, ReceiverOptions{}).Visit(t.Context(), Door{Addr: s.Addr()})
	if !errors.Is(v.Err, ErrCut) {
		t.Errorf("%s, %v", v.Stage, v.Err)
	}
}

// Wherever a server breaks off, the visit ends, and half a reply is none.
func TestAServerThatBreaksOffAnywhere(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{Mode: probestest.SMTPCut})
	r := newReceiver(t, ReceiverOptions{})
	whole := "220 mx.example.net ESMTP\r\n250-mx.example.net\r\n250-SIZE 10240000\r\n250-8BITMIME\r\n250 HELP\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.1.0 Ok\r\n"
	for at := range len(whole) {
		s.Set(func(o *probestest.SMTPOptions) { o.CutAt = at })
		v := r.Visit(t.Context(), Door{Addr: s.Addr(), Envelopes: postmaster})
		replies := 0
		for _, line := range strings.SplitAfter(whole[:at], "\n") { // that are whole and last of their reply
			if strings.HasSuffix(line, "\n") && line[3] == ' ' {
				replies++
			}
		}
		got := 0
		for _, code := range []int{v.Greeting.Code, v.EHLO.Code} {
			got += min(code, 1)
		}
		for _, a := range v.Asked {
			got += min(a.Mail.Code, 1) + len(a.Rcpts)
		}
		// A reset may overtake what was sent before it, and even the connection.
		if !errors.Is(v.Err, ErrCut) || got > replies {
			t.Fatalf("cut after %d: %d replies read of %d, error %v", at, got, replies, v.Err)
		}
	}
}

func TestOnlyCertainAddressesAreRefused(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{OnlyFrom: []netip.Addr{netip.MustParseAddr("127.0.0.2")}})
	for from, code := range map[string]int{"127.0.0.2": 554, "127.0.0.3": 220} {
		v := newReceiver(t, ReceiverOptions{From: netip.MustParseAddr(from)}).Visit(t.Context(), Door{Addr: s.Addr()})
		if v.Greeting.Code != code || v.From.String() != from || v.Err != nil {
			t.Errorf("from %s: %q from %s, %v", from, v.Greeting, v.From, v.Err)
		}
	}
}

// With IPv6 switched off, Linux calls every IPv6 address one that cannot be assigned, though none was asked for.
func TestWithoutAnAddressToConnectFromItIsNeverMissing(t *testing.T) {
	err := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)}
	if got := dialError(err, netip.Addr{}); !errors.Is(got, ErrUnreachable) {
		t.Errorf("nothing asked for: %v", got)
	}
	if got := dialError(err, netip.MustParseAddr("2001:db8::10")); !errors.Is(got, ErrNotOurs) {
		t.Errorf("asked for: %v", got)
	}
}

func TestTheEndOfTheContextEndsAVisit(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{Mode: probestest.SMTPTarpit})
	for name, c := range map[string]struct {
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		want error
	}{
		"canceled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(10*time.Millisecond, cancel)
			return ctx, cancel
		}, context.Canceled},
		"canceled for a reason": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(10*time.Millisecond, func() { cancel(errors.New("the round is over")) })
			return ctx, func() { cancel(nil) }
		}, context.Canceled},
		// We have closed the connection, and not the server.
		"its deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 10*time.Millisecond)
		}, ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := c.ctx(t.Context())
			defer cancel()
			if v := newReceiver(t, ReceiverOptions{}).Visit(ctx, Door{Addr: s.Addr()}); !errors.Is(v.Err, c.want) {
				t.Errorf("error %v, want %v", v.Err, c.want)
			}
		})
	}
}

// What would end the line, or the path, is never sent: the server would take the rest for a command.
func TestNothingCanBeSmuggledIn(t *testing.T) {
	s := startSMTP(t, probestest.SMTPOptions{})
	r := newReceiver(t, ReceiverOptions{})
	for _, path := range []string{"a@example.net>\r\nDATA\r\nx", "a@example.net\nDATA", "a> SIZE=1", "<a", "a\x00b", "kim\u00fc@example.net", strings.Repeat("a", 600)} {
		for _, e := range []Envelope{{Sender: path}, {Recipients: []string{path}}} {
			if v := r.Visit(t.Context(), Door{Addr: s.Addr(), Envelopes: []Envelope{e}}); !errors.Is(v.Err, ErrCommand) {
				t.Errorf("%q: %v", path, v.Err)
			}
		}
	}
	if s.Visits() != 0 {
		t.Errorf("%d connections for what cannot be said", s.Visits())
	}
	for _, helo := range []string{"", "mx1 example", "mx1.example.org\r\nDATA", "[192.0.2.10", "mx_1.example.org"} {
		if _, err := NewReceiver(ReceiverOptions{Helo: helo}); !errors.Is(err, ErrCommand) {
			t.Errorf("EHLO name %q: %v", helo, err)
		}
	}
	newReceiver(t, ReceiverOptions{Helo: "[IPv6:2001:db8::1]"})
}

// No path through the code says DATA or BDAT. A verb is written where it is said, all verbs are among those that are
// permitted, and one place alone writes to a server.
func TestThereIsNoWordForAMessage(t *testing.T) {
	files, err := filepath.Glob("receiver*.go")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	verbs, writes, said := 0, 0, 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "verb" {
					verbs++
					text, _ := strconv.Unquote(n.Values[0].(*ast.BasicLit).Value)
					if !permitted(text) && !permitted(text+" ") && !permitted(text+"<") {
						t.Errorf("%s says %q", n.Names[0], text)
					}
				}
			case *ast.CallExpr:
				call, ok := n.Fun.(*ast.SelectorExpr)
				if !ok {
					break
				}
				switch call.Sel.Name {
				case "Write", "WriteString", "Fprintf", "Cmd", "PrintfLine":
					writes++
				case "say", "send":
					said++
					if word, ok := n.Args[0].(*ast.Ident); !ok || !strings.HasPrefix(word.Name, "verb") && word.Name != "v" {
						t.Errorf("%s: something is said that is no verb", name)
					}
				}
			}
			return true
		})
	}
	if verbs != 7 || writes != 1 || said < 7 {
		t.Errorf("%d verbs, %d writes, said in %d places: look whether a message could be sent", verbs, writes, said)
	}
}
