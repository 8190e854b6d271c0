package bounce

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// perturbations are ways in which another system would have written the same mail.
var perturbations = []struct {
	name  string
	least float64 // share of mails that must be read the same
	of    func(text string) string
}{
	{"line ends of the wire", 1, func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
	{"header fields in reverse", 0.99, reverseHeader},
	{"base64", 0.99, func(s string) string { return encodeTexts(s, "base64", "", b64) }},
	{"quoted-printable", 0.99, func(s string) string { return encodeTexts(s, "quoted-printable", "", quoted) }},
	{"UTF-16", 0.98, func(s string) string { return encodeTexts(s, "base64", "utf-16", wide) }},
	{"lines wrapped at 60 columns", 0.97, func(s string) string { return encodeTexts(s, "", "", wrapped) }},
	{"forwarded as an attachment", 0.98, forwarded},
	{"no Diagnostic-Code", 0.82, func(s string) string { return dropFields(s, "Diagnostic-Code") }},
	{"the status block under a wrong type", 0.97, func(s string) string {
		return strings.ReplaceAll(s, "message/delivery-status", "text/plain; name=details.txt")
	}},
	{"no subject", 0.97, func(s string) string { return dropFields(s, "Subject") }},
	{"an unknown sender", 0.97, func(s string) string {
		h, body := headerEnd(s)
		return dropFields(h, "From", "Sender", "Return-Path") + "From: relay@example.com\n" + "\n" + body
	}},
}

// TestCorpusPerturbed rewrites the labelled mails as other systems would have
// written them, and counts how many are still read the same.
func TestCorpusPerturbed(t *testing.T) {
	dir := os.Getenv("REPUTED_CORPUS")
	if dir == "" {
		t.Skip("REPUTED_CORPUS is not set: no labelled mails to rewrite")
	}
	rules := builtinRules(t)
	verbose := os.Getenv("REPUTED_CORPUS_MISSES")
	labels := readManifest(t, dir)
	for _, p := range perturbations {
		t.Run(p.name, func(t *testing.T) {
			var same, kind, reputation score
			for _, l := range labels {
				raw, err := os.ReadFile(filepath.Join(dir, l.file))
				if err != nil {
					t.Fatal(err)
				}
				text := unify(raw, discard{})
				other := p.of(text)
				if other == text || len(text) > DefaultMaxBytes/2 {
					continue
				}
				a, b := Parse([]byte(text), ParseOptions{Rules: rules}), Parse([]byte(other), ParseOptions{Rules: rules})
				kind.add((a.Kind == KindBounce) == (b.Kind == KindBounce))
				ra, rb := readingOf(a), readingOf(b)
				if same.add(ra == rb); ra != rb && verbose == p.name {
					t.Logf("MISS %s:\n  was %s\n  now %s", strings.TrimPrefix(l.file, "bounces/"), ra, rb)
				}
				reputation.add(strings.Contains(ra, "reputation") == strings.Contains(rb, "reputation"))
			}
			t.Logf("the same %v, bounce or not %v, reputation or not %v", same, kind, reputation)
			if same.share() < p.least {
				t.Errorf("%.3f are read the same, was at least %.3f", same.share(), p.least)
			}
		})
	}
}

// readingOf is what counts of a report.
func readingOf(r Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", r.Kind)
	for _, x := range r.Bounces {
		fmt.Fprintf(&b, " %s %s %s", x.Recipient, x.Diagnostic.Reply, x.Judgement.Category)
		if x.Judgement.Reputation {
			b.WriteString(" reputation")
		}
	}
	return b.String()
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Sum(b []byte) []byte         { return b }
func (discard) Reset()                      {}
func (discard) Size() int                   { return 0 }
func (discard) BlockSize() int              { return 1 }

func headerEnd(s string) (header, body string) {
	if i := strings.Index(s, "\n\n"); i >= 0 {
		return s[:i+1], s[i+2:]
	}
	return s, ""
}

// fields are the lines of a header, folded ones together.
func fields(header string) []string {
	var out []string
	for line := range strings.Lines(header) {
		if len(out) > 0 && (line[0] == ' ' || line[0] == '\t') {
			out[len(out)-1] += line
			continue
		}
		out = append(out, line)
	}
	return out
}

func reverseHeader(s string) string {
	h, body := headerEnd(s)
	var b strings.Builder
	all := fields(h)
	for i := len(all) - 1; i >= 0; i-- {
		b.WriteString(all[i])
	}
	return b.String() + "\n" + body
}

// dropFields removes every field of these names, wherever in the mail it stands.
func dropFields(s string, names ...string) string {
	var b strings.Builder
	for _, f := range fields(s) {
		keep := true
		for _, n := range names {
			keep = keep && !foldPrefix(f, strings.ToLower(n)+":")
		}
		if keep {
			b.WriteString(f)
		}
	}
	return b.String()
}

// encodeTexts rewrites every part that a reason may stand in and that is not encoded yet.
func encodeTexts(s, encoding, charset string, encode func(text string) string) string {
	var w walk
	top, parts := w.leaves(s)
	out, from := "", 0
	for i := range parts {
		p := &parts[i]
		at := strings.Index(s[from:], p.body)
		if p.body == "" || at < 0 || p.encoding() != "" && p.encoding() != "7bit" && p.encoding() != "8bit" {
			continue
		}
		at += from
		if p.kind != "text/plain" && !strings.HasSuffix(p.kind, "delivery-status") || len(p.header) == 0 || at < 1 || s[at-1] != '\n' {
			continue
		}
		_ = top
		head := dropLast(s[from:at], "Content-Transfer-Encoding")
		if encoding != "" {
			head = strings.TrimSuffix(head, "\n") + "Content-Transfer-Encoding: " + encoding + "\n\n"
		}
		body := p.body
		if charset != "" {
			i := strings.LastIndex(strings.ToLower(head), "content-type:")
			if i < 0 || strings.HasSuffix(p.kind, "delivery-status") {
				continue
			}
			head = head[:i] + "Content-Type: text/plain; charset=" + charset + "\nX-Was" + head[i+len("Content-Type"):]
			body = toUTF8(body, p.charset)
		}
		out += head + encode(body)
		from = at + len(p.body)
	}
	return out + s[from:]
}

// dropLast removes the last field of a name.
func dropLast(s, name string) string {
	i := strings.LastIndex(s, "\n"+name+":")
	if i < 0 {
		return s
	}
	end := strings.IndexByte(s[i+1:], '\n')
	return s[:i] + s[i+1+end:]
}

func b64(text string) string {
	e := base64.StdEncoding.EncodeToString([]byte(text))
	var b strings.Builder
	for len(e) > 76 {
		b.WriteString(e[:76] + "\n")
		e = e[76:]
	}
	return b.String() + e + "\n"
}

func wide(text string) string {
	b := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return b64(string(b))
}

func quoted(text string) string {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

// wrapped breaks long lines at blanks, as mail programs do.
func wrapped(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if _, isField := fieldName(line); isField && len(line) < 200 {
			b.WriteString(line)
			continue
		}
		for len(line) > 61 {
			i := strings.LastIndexByte(line[:60], ' ')
			if i < 20 {
				break
			}
			b.WriteString(line[:i] + "\n")
			line = line[i+1:]
		}
		b.WriteString(line)
	}
	return b.String()
}

func forwarded(s string) string {
	return "From: lee@example.org\nTo: postmaster@example.org\nSubject: what is this?\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=_outer_1\"\n\n--=_outer_1\nContent-Type: text/plain\n\nPlease have a look.\n\n--=_outer_1\nContent-Type: message/rfc822\n\n" + s + "\n--=_outer_1--\n"
}
