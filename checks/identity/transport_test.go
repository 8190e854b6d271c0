package identity

import (
	"context"
	"errors"
	"strings"
	"testing"

	"reputed/probes"
)

func TestTransport(t *testing.T) {
	rulings(t, RuleMTASTS, map[string]ruling{
		"published":     {want: "good", text: "not fetched"},
		"not published": {change: map[string][]string{"_mta-sts.example.org": nil}, want: "advice"},
		"without id":    {change: map[string][]string{"_mta-sts.example.org": {`TXT "v=STSv1;"`}}, want: "bad informational identity.mta-sts"},
		"twice":         {change: map[string][]string{"_mta-sts.example.org": {`TXT "v=STSv1; id=1"`, `TXT "v=STSv1; id=2"`}}, want: "bad informational identity.mta-sts"},
		"no answer":     {fail: "_mta-sts.example.org", want: "unknown"},
	})
	rulings(t, RuleTLSRPT, map[string]ruling{
		"published":     {want: "good", text: "tls@example.org"},
		"not published": {change: map[string][]string{"_smtp._tls.example.org": nil}, want: "advice"},
		"unreadable":    {change: map[string][]string{"_smtp._tls.example.org": {`TXT "v=TLSRPTv1; rua=tls@example.org"`}}, want: "bad informational identity.tls-rpt", record: `_smtp._tls.example.org. TXT "v=TLSRPTv1; rua=mailto:postmaster@example.org"`},
		"twice":         {change: map[string][]string{"_smtp._tls.example.org": {`TXT "v=TLSRPTv1; rua=mailto:a@example.org"`, `TXT "v=TLSRPTv1; rua=mailto:b@example.org"`}}, want: "bad informational identity.tls-rpt"},
		"no answer":     {fail: "_smtp._tls.example.org", want: "unknown"},
	})
}

func TestThePolicyFileOfMTASTS(t *testing.T) {
	const good = "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.org\r\nmax_age: 604800\r\n"
	for name, c := range map[string]struct {
		status int
		body   string
		err    error
		want   string
	}{
		"names all exchangers":         {200, good, nil, "good"},
		"by a wildcard":                {200, strings.Replace(good, "mx1.", "*.", 1), nil, "good"},
		"leaves one out, enforced":     {200, strings.Replace(good, "mx1.", "mx2.", 1), nil, "bad major identity.mta-sts"},
		"leaves one out, testing":      {200, strings.NewReplacer("mx1.", "mx2.", "enforce", "testing").Replace(good), nil, "bad minor identity.mta-sts"},
		"testing":                      {200, strings.Replace(good, "enforce", "testing", 1), nil, "advice"},
		"a page that is none":          {200, "<html>", nil, "bad minor identity.mta-sts"},
		"is not there":                 {404, "", nil, "bad minor identity.mta-sts"},
		"a redirect counts as none":    {301, "", nil, "bad minor identity.mta-sts"},
		"cannot be fetched: not known": {0, "", errors.New("no route"), "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			check := Check{Fetch: func(_ context.Context, address string) (probes.Page, error) {
				if want := "https://mta-sts.example.org/.well-known/mta-sts.txt"; address != want {
					t.Errorf("fetched %s, want %s", address, want)
				}
				return probes.Page{Status: c.status, Body: []byte(c.body)}, c.err
			}}
			items, _ := ruling{}.look(t, check, "192.0.2.10")
			if i, _ := of(items, RuleMTASTS); i.outcome() != c.want {
				t.Errorf("got %q, want %q: %s", i.outcome(), c.want, i.Text)
			}
		})
	}
}

func TestMTASTSWildcardsStandForOneLabel(t *testing.T) {
	p := STSPolicy{MX: []string{"mx1.example.org", "*.mail.example.org"}}
	for mx, want := range map[string]bool{"mx1.example.org": true, "a.mail.example.org": true, "a.b.mail.example.org": false, "mail.example.org": false, "mx2.example.org": false} {
		if got := p.Allows(mx); got != want {
			t.Errorf("%s: %v, want %v", mx, got, want)
		}
	}
}
