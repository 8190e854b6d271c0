package maillog

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"reputed/checks/bounce"
	"reputed/probes"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// read at this time, so that lines without a year are of 2026.
var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func builtinRules(t testing.TB) *bounce.Rules {
	t.Helper()
	r, err := bounce.BuiltinRules()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func options(rules *bounce.Rules) Options {
	return Options{Rules: rules, Zone: time.UTC, Host: "here.example.org", Now: func() time.Time { return now }}
}

func linesOf(text string) []probes.LogLine {
	var out []probes.LogLine
	for l := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		out = append(out, probes.LogLine{Text: l})
	}
	return out
}

// told is an event as a golden file shows it: what is empty is left out.
func told(e Event) map[string]any {
	m := map[string]any{"action": e.Action, "to": e.Recipient, "domain": e.Domain, "queue": e.QueueID, "at": e.At}
	for name, v := range map[string]string{
		"reply": e.Diagnostic.Reply, "status": e.Diagnostic.Status, "stage": e.Diagnostic.Stage, "text": e.Diagnostic.Text,
		"host": e.ReportingHost, "remote": e.RemoteHost, "id": e.MessageID, "sender": e.Sender, "tag": e.Tag, "from": e.Origin.Sender, "login": e.Origin.Login, "client": e.Origin.Client,
		"category": string(e.Judgement.Category), "vendor": e.Judgement.Vendor, "list": e.Judgement.Blocklist, "rule": e.Judgement.Rule,
	} {
		if v != "" {
			m[name] = v
		}
	}
	for name, v := range map[string]netip.Addr{"addr": e.RemoteAddr, "source": e.Source} {
		if v.IsValid() {
			m[name] = v.String()
		}
	}
	for name, v := range map[string]bool{"final": e.Final, "interim": e.Interim, "reputation": e.Judgement.Reputation, "temporary": e.Judgement.Temporary} {
		if v {
			m[name] = v
		}
	}
	return m
}

func golden(t *testing.T, events []Event) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	for _, e := range events {
		if err := enc.Encode(told(e)); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestLogsOfEveryFamily(t *testing.T) {
	rules := builtinRules(t)
	files, err := filepath.Glob("testdata/*.log")
	if err != nil || len(files) == 0 {
		t.Fatal("no logs", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := New(options(rules))
			got := golden(t, r.Read(linesOf(string(text))))
			if s := r.Stats(); s.Unread > 0 {
				t.Errorf("%d lines not understood", s.Unread)
			}
			if !Looks(text) {
				t.Error("does not look like a log")
			}
			name := strings.TrimSuffix(file, ".log") + ".json"
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestBatchesAndRestartsChangeNothing(t *testing.T) {
	rules := builtinRules(t)
	files, _ := filepath.Glob("testdata/*.log")
	var all []probes.LogLine
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, linesOf(string(text))...)
	}
	want := New(options(rules)).Read(all)
	rapid.Check(t, func(t *rapid.T) {
		r := New(options(rules))
		var got []Event
		for rest := all; len(rest) > 0; {
			n := rapid.IntRange(1, 20).Draw(t, "lines")
			got = append(got, r.Read(rest[:min(n, len(rest))])...)
			rest = rest[min(n, len(rest)):]
			if rapid.Bool().Draw(t, "restart") {
				state := r.State()
				r = New(options(rules))
				if err := r.Restore(state); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(r.State(), state) {
					t.Fatalf("state changes by being restored:\n%s\n%s", state, r.State())
				}
			}
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Fatalf("-at once +in parts:\n%s", diff)
		}
	})
}
