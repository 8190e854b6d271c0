package probes

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLogFile writes a log in two parts: its lines come whole and once, however
// they are divided over looks and batches.
func FuzzLogFile(f *testing.F) {
	f.Add("one\ntwo\r\n\x00\x00three\n\nhalf", 5, 2, 40)
	f.Add(strings.Repeat("x", 3*MaxLogLineBytes)+"\nshort\n", MaxLogLineBytes, 1, 1)
	f.Add(strings.Repeat("y", MaxLogLineBytes)+"\r\n", MaxLogLineBytes, 3, 500)
	f.Fuzz(func(t *testing.T, text string, at, batchLines, batchBytes int) {
		if strings.Count(text, "\n") > 10_000 {
			return // much of the same
		}
		path := filepath.Join(t.TempDir(), "mail.log")
		write := func(s string) {
			file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if _, err := file.WriteString(s); err != nil {
				t.Fatal(err)
			}
		}
		write("")
		l, err := NewLog(LogOptions{Name: "mail", Path: path, BatchLines: 1 + int(uint(batchLines)%500), BatchBytes: 1 + int(uint(batchBytes)%100_000)})
		if err != nil {
			t.Fatal(err)
		}
		var got []LogLine
		run := newFollower(l, LogPosition{}, func(_ context.Context, b LogBatch) error {
			if b.Gap != "" {
				t.Fatalf("gap: %s", b.Gap)
			}
			got = append(got, b.Lines...)
			return nil
		}, nil).(*follower)
		defer run.close()
		settle := func() {
			for {
				if wait, err := run.look(t.Context()); err != nil {
					t.Fatal(err)
				} else if wait > 0 {
					return
				}
			}
		}
		settle()
		at = int(uint(at) % uint(len(text)+1))
		write(text[:at])
		settle()
		write(text[at:])
		settle()
		want := strings.SplitAfter(text, "\n")
		want = want[:len(want)-1] // what has no end is no line yet
		if len(got) != len(want) {
			t.Fatalf("%d lines, want %d", len(got), len(want))
		}
		for i, w := range want {
			w = strings.TrimSuffix(strings.TrimSuffix(w, "\n"), "\r")
			if long := len(w) > MaxLogLineBytes; long != got[i].Cut && len(w) != MaxLogLineBytes {
				t.Fatalf("line %d of %d bytes: cut %t", i, len(w), got[i].Cut)
			}
			w = strings.ReplaceAll(w[:min(len(w), MaxLogLineBytes)], "\x00", "")
			if !got[i].Cut && got[i].Text != w {
				t.Fatalf("line %d: got %q, want %q", i, got[i].Text, w)
			}
		}
	})
}

// FuzzJournalEntries reads what is not journalctl's.
func FuzzJournalEntries(f *testing.F) {
	f.Add(entryText("c1", `"one\ntwo"`) + "\n" + entryText("c2", `[1,2,"x",null]`) + "\n")
	f.Add(`{"__CURSOR":"c","MESSAGE":[["a"],[1,2]],"_PID":["1","2"]}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		to := make(chan journalEntry)
		done := make(chan error, 1)
		go func() { done <- readEntries(t.Context(), strings.NewReader(text), to); close(to) }()
		for e := range to {
			if e.Cursor == "" {
				t.Fatal("an entry without a place")
			}
			for _, l := range e.lines() {
				if len(l.Text) > MaxLogLineBytes || strings.ContainsAny(l.Text, "\n\x00") {
					t.Fatalf("not a line: %q", l.Text)
				}
			}
		}
		<-done
	})
}
