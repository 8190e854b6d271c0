package probes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const sepLine = "From MAILER-DAEMON Wed Nov 25 09:40:00 2026\n"

func readMbox(t interface{ Fatal(...any) }, r io.Reader, limit int) (all []MboxMail) {
	m := NewMboxReader(r, 0, limit)
	for {
		mail, err := m.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, mail)
	}
}

func TestMboxIsSplit(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"two mails":                                    {sepLine + "A: 1\n\none\n\n" + sepLine + "B: 2\n\ntwo\n\n", []string{"A: 1\n\none\n", "B: 2\n\ntwo\n"}},
		"the last one without its empty line":          {sepLine + "A: 1\n\none", []string{"A: 1\n\none"}},
		"From in a text is no separator":               {sepLine + "A: 1\n\nFrom here on it hurts.\n\nFrom Monday to Sunday at 10:00\n", []string{"A: 1\n\nFrom here on it hurts.\n\nFrom Monday to Sunday at 10:00\n"}},
		"a separator inside a paragraph is text":       {sepLine + "A: 1\n\ntext\n" + sepLine + "B: 2\n", []string{"A: 1\n\ntext\n" + sepLine + "B: 2\n"}},
		"a separator that no header follows is text":   {sepLine + "A: 1\n\ntext\n\n" + sepLine + "as he wrote\n", []string{"A: 1\n\ntext\n\n" + sepLine + "as he wrote\n"}},
		"a mail may begin with white space":            {sepLine + "A: 1\n\n\n" + sepLine + "   \n\nB: 2\n", []string{"A: 1\n\n", "   \n\nB: 2\n"}},
		"quoted From is unquoted once":                 {sepLine + "A: 1\n\n>From x\n>>From y\n> From z\n", []string{"A: 1\n\nFrom x\n>From y\n> From z\n"}},
		"CR LF stays":                                  {"From a Wed Nov 25 09:40:00 2026\r\nA: 1\r\n\r\nx\r\n\r\nFrom b Wed Nov 25 09:40:00 2026\r\nB: 2\r\n", []string{"A: 1\r\n\r\nx\r\n", "B: 2\r\n"}},
		"what mail readers note is left out":           {sepLine + "Status: RO\nA: 1\nX-UID: 5\nX-Keywords: a\n b\nContent-Length: 4\nB: 2\n\nStatus: 5.1.1\n", []string{"A: 1\nB: 2\n\nStatus: 5.1.1\n"}},
		"Content-Length swallows nothing":              {sepLine + "Content-Length: 9999\nA: 1\n\none\n\n" + sepLine + "B: 2\n", []string{"A: 1\n\none\n", "B: 2\n"}},
		"Mozilla, Google and pipermail separators":     {"From - Wed Nov 25 09:40:00 2026\nA: 1\n\n\nFrom 1779@xxx Wed Nov 25 09:40:00 +0000 2026\nB: 2\n\n\nFrom kim at example.net  Wed, 25 Nov 2026 9:40:00\nC: 3\n\n", []string{"A: 1\n\n", "B: 2\n\n", "C: 3\n"}},
		"a separator twice, of a mail that went on":    {sepLine + "A: 1\n\n\n" + sepLine + ">From b Wed Nov 25 09:40:00 2026\nB: 2\n", []string{"A: 1\n\n", "From b Wed Nov 25 09:40:00 2026\nB: 2\n"}},
		"what is no mbox is one mail":                  {"Subject: x\n\nbody\n", []string{"Subject: x\n\nbody\n"}},
		"text that begins like a separator is kept":    {"From here on\nA: 1\n", []string{"From here on\nA: 1\n"}},
		"nothing is no mail":                           {"", nil},
		"empty lines are no mail":                      {"\n\r\n\n", nil},
		"a line longer than any buffer":                {sepLine + "A: 1\n\n" + strings.Repeat("x", 200_000) + "\n\n" + sepLine + "B: 2\n", []string{"A: 1\n\n" + strings.Repeat("x", 200_000) + "\n", "B: 2\n"}},
		"a separator longer than any buffer is text":   {sepLine + "A: 1\n\nFrom " + strings.Repeat("x", 200_000) + "\nB: 2\n", []string{"A: 1\n\nFrom " + strings.Repeat("x", 200_000) + "\nB: 2\n"}},
		"a separator at the end of the file is a mail": {sepLine + "A: 1\n\n" + sepLine, []string{"A: 1\n", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
				var got []string
				at := int64(0)
				for i, m := range readMbox(t, r, 0) {
					got = append(got, string(m.Bytes))
					if i > 0 && m.Begin != at || m.End < m.Begin || m.Size != int64(len(m.Bytes)) {
						t.Errorf("mail %d at %d to %d, size %d; the one before ends at %d", i, m.Begin, m.End, m.Size, at)
					}
					at = m.End
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				if len(got) > 0 && at != int64(len(c.in)) {
					t.Errorf("the last mail ends at %d of %d", at, len(c.in))
				}
			}
		})
	}
}

func TestMboxCutsHugeMails(t *testing.T) {
	huge := strings.Repeat("x", 3000)
	got := readMbox(t, strings.NewReader(sepLine+"A: 1\n\n"+huge+"\n\n"+sepLine+"B: 2\n"), 1000)
	if len(got) != 2 || len(got[0].Bytes) != 1000 || !got[0].Cut || got[0].Size != 3007 || string(got[1].Bytes) != "B: 2\n" || got[1].Cut {
		t.Errorf("%d mails, the first %d of %d bytes, cut %v", len(got), len(got[0].Bytes), got[0].Size, got[0].Cut)
	}
}

// Whatever mails are put into an mbox as RFC 4155 and mboxrd say come out again.
func TestMboxRoundTrip(t *testing.T) {
	line := rapid.SampledFrom([]string{"", "From x", ">From x", ">>From y Wed Nov 25 09:40:00 2026", "From MAILER-DAEMON Wed Nov 25 09:40:00 2026", "From: x", "text", "Status: 5.1.1", ".", " folded"})
	rapid.Check(t, func(t *rapid.T) {
		var want []string
		var box bytes.Buffer
		for i := range rapid.IntRange(1, 5).Draw(t, "mails") {
			mail := fmt.Sprintf("Subject: %d\n\n", i)
			for _, l := range rapid.SliceOfN(line, 0, 8).Draw(t, "lines") {
				mail += l + "\n"
			}
			want = append(want, mail)
			writeMbox(&box, mail)
		}
		var got []string
		for _, m := range readMbox(t, &box, 0) {
			got = append(got, string(m.Bytes))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// writeMbox appends a mail as mboxrd has it: every line that begins with ">"s and "From " gets one more.
func writeMbox(w io.Writer, mail string) {
	fmt.Fprint(w, sepLine)
	for l := range strings.Lines(mail) {
		if strings.HasPrefix(strings.TrimLeft(l, ">"), "From ") {
			l = ">" + l
		}
		fmt.Fprint(w, l)
	}
	fmt.Fprint(w, "\n")
}

func FuzzMbox(f *testing.F) {
	f.Add([]byte(sepLine + "A: 1\n\none\n\n" + sepLine + "B: 2\n\n>From x\n"))
	f.Add([]byte("From \n>From x"))
	f.Add([]byte("\n\nFrom - Mon Jan 1 0:00\nStatus: x\n y\n\n\n\nFrom - Mon Jan 1 0:00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		all := readMbox(t, bytes.NewReader(in), 0)
		chunked := readMbox(t, iotest.HalfReader(bytes.NewReader(in)), 0)
		if diff := cmp.Diff(all, chunked); diff != "" {
			t.Fatalf("chunks matter:\n%s", diff)
		}
		at := int64(-1)
		for i, m := range all {
			if at >= 0 && m.Begin != at || i > 0 && !m.Separated {
				t.Fatalf("mail %d begins at %d, the one before ends at %d", i, m.Begin, at)
			}
			at = m.End
			// Reading goes on from any mail's beginning as if nothing had been before.
			again := readMbox(t, bytes.NewReader(in[m.Begin:]), 0)
			if len(again) != len(all)-i || !bytes.Equal(again[0].Bytes, m.Bytes) {
				t.Fatalf("from mail %d on there are %d mails of %d", i, len(again), len(all))
			}
		}
		if len(bytes.Trim(in, "\r\n")) > 0 && at != int64(len(in)) {
			t.Fatalf("the last mail ends at %d of %d", at, len(in))
		}
	})
}
