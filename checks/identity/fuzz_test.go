package identity

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oneLine holds what a parser says of a text from outside to be a line.
func oneLine(t *testing.T, err error, want error) {
	t.Helper()
	if !errors.Is(err, want) || strings.ContainsAny(err.Error(), "\n\r\x1b") {
		t.Fatalf("%q, want one line that wraps %v", err, want)
	}
}

func FuzzParseTags(f *testing.F) {
	for _, s := range []string{"v=DKIM1; k=rsa; p=abc=", "v=DMARC1;p=none;", " v = STSv1 ; id=1 ;", "a=1;a=2", "=x", ";", "a", "a=\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tags, err := parseTags(text)
		if err != nil {
			oneLine(t, err, errTags)
			return
		}
		var words []string
		for _, x := range tags {
			words = append(words, x.name+"="+x.value)
		}
		again, err := parseTags(strings.Join(words, ";"))
		if diff := cmp.Diff(tags, again, cmp.AllowUnexported(tag{})); err != nil || diff != "" {
			t.Fatalf("%v (-first +again):\n%s", err, diff)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{"v=DKIM1; k=rsa; p=" + rsa2048, "p=" + rsa768 + "; t=y:s; h=sha1:sha256", "k=ed25519; p=" + ed, "p=", "k=rsa", "v=DKIM2; p=", "p=x; v=DKIM1", "p=" + rsa1024[:80]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		switch {
		case err != nil:
			oneLine(t, err, ErrKey)
		case k.Type != "rsa" && k.Type != "ed25519" && !k.Revoked, k.Type == "rsa" && !k.Revoked && k.Bits == 0:
			t.Fatalf("%q is %+v", text, k)
		}
	})
}

func FuzzParseDMARC(f *testing.F) {
	for _, s := range []string{"v=DMARC1; p=none; rua=mailto:a@example.org!10m,mailto:b@example.net; pct=50; adkim=s; aspf=r; sp=reject; np=none; t=y", "v=DMARC1; p=", "v=DMARC1; rua=mailto:x@y", "v=DMARC1;p=reject;;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseDMARC(text)
		if err != nil {
			oneLine(t, err, ErrDMARC)
			return
		}
		if rank(p.P) < 0 || rank(p.SP) < 0 || rank(p.NP) < 0 || p.Pct < 0 || p.Pct > 100 {
			t.Fatalf("%q is %+v", text, p)
		}
		for _, uri := range append(p.Aggregate, p.Failure...) {
			if _, err := reportDomain(uri); err != nil && strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Fatalf("%q", err)
			}
		}
	})
}

func FuzzParseTransport(f *testing.F) {
	for _, s := range []string{"v=STSv1; id=20260101;", "version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 604800\n", "v=TLSRPTv1; rua=mailto:a@example.org,https://example.org/r", "version:STSv1\r\nmode:none\r\nmax_age:0", "mx: \x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := ParseSTSRecord(text); err != nil {
			oneLine(t, err, ErrSTS)
		}
		if p, err := ParseSTSPolicy(text); err != nil {
			oneLine(t, err, ErrSTS)
		} else if p.Mode == "" || p.Mode != "none" && len(p.MX) == 0 {
			t.Fatalf("%q is %+v", text, p)
		}
		if _, err := ParseTLSRPT(text); err != nil {
			oneLine(t, err, ErrTLSRPT)
		}
	})
}
