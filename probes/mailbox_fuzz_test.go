package probes

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"pgregory.net/rapid"
)

// FuzzMailboxAnswer lets a server answer FETCH with anything and hang up. What
// is handed over then has come from it, byte for byte, under a UID that was
// asked for; and reading ends.
func FuzzMailboxAnswer(f *testing.F) {
	f.Add([]byte(fetchAnswer(1, 1) + "\r\n" + fetchAnswer(2, 2) + "\r\nT5 OK done\r\n"))
	f.Add([]byte(fetchAnswer(1, 1)[:90]))
	f.Add([]byte("* 1 FETCH (BODY[]<0> {5}\r\nabcde UID 1)\r\nT5 OK\r\n"))
	f.Add([]byte("* 1 FETCH (UID 1 BODY[]<0> \"abc\")\r\n* BYE\r\n"))
	f.Add([]byte("* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n* 1 EXPUNGE\r\nT5 NO [SERVERBUG] x\r\n"))
	f.Add([]byte("* 1 FETCH (UID 1 BODY[]<0> {99999999999999999999}\r\n"))
	f.Add([]byte("* 1 FETCH (UID 1 BODY[]<0> {-1}\r\n* SEARCH 0\r\n* ESEARCH (TAG \"T4\") UID ALL 1:*\r\nT5 OK\r\n"))

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	var mu sync.Mutex
	var answer []byte
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			say := answer
			mu.Unlock()
			go func() {
				defer conn.Close()
				in := bufio.NewScanner(conn)
				fmt.Fprint(conn, "* OK [CAPABILITY IMAP4rev1] ready\r\n")
				for in.Scan() {
					tag, command, _ := strings.Cut(in.Text(), " ")
					switch {
					case strings.HasPrefix(command, "LOGIN"):
						fmt.Fprintf(conn, "%s OK [CAPABILITY IMAP4rev1] in\r\n", tag)
					case strings.HasPrefix(command, "EXAMINE"):
						fmt.Fprintf(conn, "* 3 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n%s OK\r\n", tag)
					case strings.HasPrefix(command, "UID SEARCH"):
						fmt.Fprintf(conn, "* SEARCH 1 2\r\n%s OK\r\n", tag)
					case strings.HasPrefix(command, "UID FETCH"):
						_, _ = conn.Write(say)
						return
					default:
						fmt.Fprintf(conn, "%s OK\r\n", tag)
					}
				}
			}()
		}
	}()
	f.Cleanup(func() { ln.Close() })
	m, err := NewMailbox(MailboxOptions{Name: "fuzz", Server: ln.Addr().String(), TLS: TLSNone,
		User: "u", Password: func() string { return "p" }, Timeout: 10 * time.Second})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, say []byte) {
		mu.Lock()
		answer = say
		mu.Unlock()
		last := uint32(0)
		err := m.Once(t.Context(), Position{}, func(_ context.Context, b Batch) error {
			for _, msg := range b.Messages {
				if msg.UID <= last || msg.UID > 2 || msg.UIDValidity != 1 {
					t.Errorf("mail with UID %d after %d", msg.UID, last)
				}
				last = msg.UID
				if !bytes.Contains(say, msg.Bytes) {
					t.Errorf("mail %q is not in %q", msg.Bytes, say)
				}
				if msg.Size < int64(len(msg.Bytes)) || len(msg.Bytes) > MaxMessageBytes {
					t.Errorf("size %d with %d bytes", msg.Size, len(msg.Bytes))
				}
			}
			if b.Position != (Position{1, last}) && b.Position.UID < last {
				t.Errorf("position %v, below the mail %d", b.Position, last)
			}
			return nil
		})
		if err != nil && strings.ContainsAny(err.Error(), "\r\n\x1b") {
			t.Errorf("error %q is more than a line", err)
		}
	})
}

func FuzzOneLine(f *testing.F) {
	f.Add("NO \x1b]0;title\x07 failed\r\nnext")
	f.Add("\u202egnp.exe\u2028\xff")
	f.Add(strings.Repeat("ä", 300))
	f.Fuzz(func(t *testing.T, s string) {
		got := oneLine(s)
		if n := len([]rune(got)); n > 201 {
			t.Errorf("%d runes", n)
		}
		for _, r := range got {
			if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u202e' {
				t.Errorf("%q holds %q", got, r)
			}
		}
		if again := oneLine(got); len([]rune(got)) <= 200 && again != got {
			t.Errorf("%q became %q", got, again)
		}
	})
}

// The set of UIDs behaves like a sorted list of them.
func TestUIDsLikeAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []imap.UID
		var set uids
		uid := uint64(rapid.OneOf(rapid.Uint32Range(1, 50), rapid.Uint32Range(math.MaxUint32-50, math.MaxUint32)).Draw(t, "first"))
		for uid <= math.MaxUint32 && len(list) < 60 {
			n := uint64(rapid.IntRange(0, 5).Draw(t, "length"))
			stop := min(uid+n, math.MaxUint32)
			set = set.add(imap.UID(uid), imap.UID(stop))
			for ; uid <= stop; uid++ {
				list = append(list, imap.UID(uid))
			}
			uid += uint64(rapid.IntRange(1, 4).Draw(t, "gap"))
		}
		if set.len() != len(list) {
			t.Fatalf("len() = %d, want %d", set.len(), len(list))
		}
		suspect := rapid.SampledFrom(list).Draw(t, "suspect")
		var order []imap.UID
		var rest uids
		for _, r := range set { // without suspect
			if r.Start <= suspect && suspect <= r.Stop {
				rest = rest.add(r.Start, suspect-1).add(suspect+1, r.Stop)
			} else {
				rest = rest.add(r.Start, r.Stop)
			}
		}
		for i := range rest.len() {
			order = append(order, rest.pick(suspect, i))
		}
		at := slices.Index(list, suspect)
		want := slices.Clone(list[:at])
		slices.Reverse(want)
		want = append(want, list[at+1:]...)
		if !slices.Equal(want, order) {
			t.Fatalf("compared with %v, want %v", order, want)
		}
		var taken []imap.UID
		for len(set) > 0 {
			var some []imap.UID
			some, set = set.take(rapid.IntRange(1, 7).Draw(t, "take"))
			taken = append(taken, some...)
		}
		if !slices.Equal(list, taken) {
			t.Fatalf("taken %v, want %v", taken, list)
		}
	})
}
