package maillog

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reputed/probes"
)

func seeds(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.log")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for l := range strings.SplitSeq(string(text), "\n") {
			f.Add(l)
		}
	}
}

// sound says what holds for every event, whatever the lines.
func sound(t *testing.T, r *Reader, events []Event) {
	t.Helper()
	for _, e := range events {
		for name, s := range map[string]string{"recipient": e.Recipient, "text": e.Diagnostic.Text, "remote": e.RemoteHost, "host": e.ReportingHost, "queue": e.QueueID, "id": e.MessageID, "sender": e.Sender, "tag": e.Tag} {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r\x00\x1b\u202e") {
				t.Fatalf("%s is not clean: %q", name, s)
			}
		}
		if e.Action == "" || e.Interim && e.Final {
			t.Fatalf("an event that says nothing: %+v", e)
		}
	}
	if state := r.State(); len(state) > 1<<20 {
		t.Fatalf("state of %d bytes", len(state))
	}
}

// FuzzLine reads single lines in every format, after lines that they may join.
func FuzzLine(f *testing.F) {
	seeds(f)
	rules := builtinRules(f)
	f.Fuzz(func(t *testing.T, line string) {
		for _, format := range []Format{Auto, Postfix, Exim, OpenSMTPD, Sendmail, Courier, PowerMTA, JSON} {
			opt := options(rules)
			opt.Format = format
			r := New(opt)
			sound(t, r, r.Read([]probes.LogLine{{Text: line}, {Text: line}, {At: now, Tag: string(format), Text: line}}))
		}
	})
}

// FuzzReader reads whole logs: what comes of them does not depend on how they
// are divided, nor on a restart.
func FuzzReader(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.log")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), uint8(7))
	}
	f.Fuzz(func(t *testing.T, text string, every uint8) {
		lines := linesOf(text)
		whole := New(options(nil))
		want := whole.Read(lines)
		sound(t, whole, want)
		_ = Looks([]byte(text))
		parts := New(options(nil))
		var got []Event
		for i, l := range lines {
			got = append(got, parts.Read([]probes.LogLine{l})...)
			if every > 0 && i%int(every) == 0 {
				state := parts.State()
				parts = New(options(nil))
				if err := parts.Restore(state); err != nil {
					t.Fatal(err)
				}
			}
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Fatalf("-whole +parts:\n%s", diff)
		}
		if !bytes.Equal(whole.State(), parts.State()) {
			t.Fatal("states differ")
		}
	})
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte(`{"version":1,"notes":[{"k":"mx1 ABCDEF","s":"example.org","h":[{"t":"554 no"}]}]}`))
	f.Fuzz(func(t *testing.T, state []byte) {
		r := New(options(nil))
		_ = r.Restore(state)
		text, err := os.ReadFile("testdata/postfix.log")
		if err != nil {
			t.Fatal(err)
		}
		r.Read(linesOf(string(text)))
		if n := len(r.State()); n > 1<<20 {
			t.Fatalf("state of %d bytes", n)
		}
	})
}
