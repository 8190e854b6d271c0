package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reputed/probes"
)

func TestMailsOf(t *testing.T) {
	const sep = "From MAILER-DAEMON Wed Nov 25 09:40:00 2026\n"
	for name, c := range map[string]struct {
		file, in string
		want     map[string]string
	}{
		"a plain mail is one":                           {"a.eml", "Subject: x\n\nbody\n", map[string]string{"a.eml": "Subject: x\n\nbody\n"}},
		"a mail with a separator is one, with its name": {"a", sep + "Subject: x\n\nbody\n", map[string]string{"a": "Subject: x\n\nbody\n"}},
		"an mbox is split and numbered":                 {"box", sep + "A: 1\n\none\n\n" + sep + "B: 2\n\ntwo\n", map[string]string{"box#1": "A: 1\n\none\n\n", "box#2": "B: 2\n\ntwo\n"}},
		"From in a text is no separator":                {"box", sep + "A: 1\n\nFrom here on it hurts.\n\nFrom: x\n", map[string]string{"box": "A: 1\n\nFrom here on it hurts.\n\nFrom: x\n"}},
		"a separator inside a paragraph is text":        {"box", sep + "A: 1\n\ntext\n" + sep + "more\n", map[string]string{"box": "A: 1\n\ntext\n" + sep + "more\n"}},
		"quoted From is unquoted once":                  {"box", sep + "A: 1\n\n>From x\n>>From y\n", map[string]string{"box": "A: 1\n\nFrom x\n>From y\n"}},
		"an .eml is never split":                        {"a.eml", sep + "A: 1\n\n" + sep + "B: 2\n", map[string]string{"a.eml": sep + "A: 1\n\n" + sep + "B: 2\n"}},
		"nothing is one empty mail":                     {"-", "", map[string]string{"-": ""}},
		"carriage returns stay":                         {"box", "From a Wed Nov 25 09:40:00 2026\r\nA: 1\r\n\r\nFrom b Wed Nov 25 09:40:00 2026\r\nB: 2\r\n", map[string]string{"box#1": "A: 1\r\n\r\n", "box#2": "B: 2\r\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			err := mailsOf(c.file, strings.NewReader(c.in), func(m rawMail) error { got[m.name] = string(m.data); return nil })
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("err %v, -want +got:\n%s", err, diff)
			}
		})
	}
}

func TestHugeMailsAreCut(t *testing.T) {
	huge := strings.Repeat("x", 3*probes.MaxMessageBytes)
	for _, in := range []string{huge, "From a Wed Nov 25 09:40:00 2026\n" + huge + "\n\nFrom b Wed Nov 25 09:40:00 2026\nB: 2\n"} {
		var got []rawMail
		if err := mailsOf("box", strings.NewReader(in), func(m rawMail) error { got = append(got, m); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(got[0].data) != probes.MaxMessageBytes || !got[0].cut {
			t.Errorf("%d bytes, cut %v; want the first %d", len(got[0].data), got[0].cut, probes.MaxMessageBytes)
		}
		if last := got[len(got)-1]; len(got) > 1 && (string(last.data) != "B: 2\n" || last.cut) {
			t.Errorf("the mail after it: %q", last.data)
		}
	}
}

func TestEachMailWalksFoldersAndMaildirs(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.eml", "a.eml", ".hidden", "md/cur/1:2,S", "md/new/2", "md/tmp/3", "md/.Junk/cur/4", "md/.Junk/new/x", "md/.Junk/tmp/5", "tmp/6"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("Subject: x\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	var troubles []error
	err := eachMail(dir, nil, func(m rawMail) error {
		rel, _ := filepath.Rel(dir, m.name)
		got = append(got, filepath.ToSlash(rel))
		return nil
	}, func(err error) { troubles = append(troubles, err) })
	want := []string{"a.eml", "b.eml", "md/.Junk/cur/4", "md/.Junk/new/x", "md/cur/1:2,S", "md/new/2", "tmp/6"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || troubles != nil {
		t.Errorf("err %v, troubles %v, -want +got:\n%s", err, troubles, diff)
	}
	_ = eachMail(filepath.Join(dir, "none"), nil, nil, func(err error) { troubles = append(troubles, err) })
	if len(troubles) != 1 {
		t.Errorf("a path that is not there: %v", troubles)
	}
}

func FuzzMailsOf(f *testing.F) {
	f.Add([]byte("From a Wed Nov 25 09:40:00 2026\nA: 1\n\nFrom b Wed Nov 25 09:40:00 2026\nB: 2\n"))
	f.Add([]byte("From \n>From x"))
	f.Fuzz(func(t *testing.T, in []byte) {
		n, size := 0, 0
		if err := mailsOf("box", bytes.NewReader(in), func(m rawMail) error { n++; size += len(m.data); return nil }); err != nil {
			t.Fatal(err)
		}
		if n == 0 || size > len(in) {
			t.Errorf("%d mails with %d bytes of %d", n, size, len(in))
		}
	})
}
