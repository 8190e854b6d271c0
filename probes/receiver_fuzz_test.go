package probes

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"reputed/probes/probestest"
)

func TestReplies(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want string // as String gives it
		err  error
	}{
		"one line":                     {"220 mx.example.net ESMTP\r\n", "220 mx.example.net ESMTP", nil},
		"several lines":                {"250-a\r\n250-b\r\n250 c\r\n", "250 a b c", nil},
		"a bare line feed":             {"220 a\n", "220 a", nil},
		"a code alone":                 {"354\r\n", "354", nil},
		"a Cisco gateway":              {probestest.TalosRefusal + "\r\n", "554 " + strings.TrimPrefix(strings.ReplaceAll(probestest.TalosRefusal, "\r\n554 ", " "), "554-"), nil},
		"the code changes":             {"250-a\r\n550 b\r\n", "", ErrNotSMTP},
		"two digits":                   {"22 a\r\n", "", ErrNotSMTP},
		"a code that SMTP has not":     {"120 a\r\n", "", ErrNotSMTP},
		"no blank behind the code":     {"2200 a\r\n", "", ErrNotSMTP},
		"an empty line":                {"\r\n", "", ErrNotSMTP},
		"the end of the connection":    {"250-a\r\n", "", ErrCut},
		"half a line":                  {"554 refused", "", ErrCut},
		"a line that does not end":     {"220 " + strings.Repeat("a", maxReplyLine), "", ErrEndless},
		"more lines than anybody says": {strings.Repeat("220-a\r\n", maxReplyLines), "", ErrEndless},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newReplies(strings.NewReader(c.in), func(string) {}).next()
			if got.String() != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{"220 a\r\n", "250-a\r\n250 b\r\n", probestest.TalosRefusal + "\r\n", "421\n", "220-\r\n220\r\n", "\x00\xff", "250-a\r\n550 b\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		heard := 0
		r := newReplies(strings.NewReader(in), func(line string) { heard += len(line) })
		reply, err := r.next()
		if heard > len(in) || heard > maxTold {
			t.Fatalf("heard %d of %d octets", heard, len(in))
		}
		if err != nil {
			if reply.Code != 0 || len(reply.Lines) > 0 {
				t.Fatalf("half a reply is given: %+v, %v", reply, err)
			}
			return
		}
		if reply.Code < 200 || reply.Code > 599 || len(reply.Lines) == 0 || len(reply.Lines) > maxReplyLines {
			t.Fatalf("%+v", reply)
		}
		// Written again as RFC 5321 has it, it reads the same.
		var again strings.Builder
		for i, line := range reply.Lines {
			sep := "-"
			if i == len(reply.Lines)-1 {
				sep = " "
			}
			fmt.Fprintf(&again, "%d%s%s\r\n", reply.Code, sep, line)
		}
		same, err := newReplies(strings.NewReader(again.String()), func(string) {}).next()
		if err != nil && !errors.Is(err, ErrEndless) || err == nil && same.String() != reply.String() {
			t.Fatalf("%q became %q, %v", reply, same, err)
		}
	})
}
