package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reputed/checks"
)

func identityOf(states ...IdentityItem) Identity {
	domain, _ := checks.Domain("example.org")
	return Identity{Now: now, Targets: []IdentityTarget{{Target: domain, Items: states}}}
}

func TestIdentityLevel(t *testing.T) {
	good := IdentityItem{Rule: "mx", State: "good"}
	for name, c := range map[string]struct {
		items []IdentityItem
		want  Level
	}{
		"all good":                         {[]IdentityItem{good}, LevelOK},
		"what could be better is good":     {[]IdentityItem{{Rule: "dmarc", State: "advice"}}, LevelOK},
		"informational is good":            {[]IdentityItem{{Rule: "tls-rpt", State: "bad", Severity: checks.Informational}}, LevelOK},
		"minor":                            {[]IdentityItem{good, {Rule: "dmarc", State: "bad", Severity: checks.Minor}}, LevelWarning},
		"major":                            {[]IdentityItem{good, {Rule: "ptr", State: "bad", Severity: checks.Major}}, LevelCritical},
		"what is known comes first":        {[]IdentityItem{{Rule: "ptr", State: "unknown"}, {Rule: "mx", State: "bad", Severity: checks.Major}}, LevelCritical},
		"no answer about a PTR name":       {[]IdentityItem{good, good, {Rule: "ptr", State: "unknown"}}, LevelUnknown},
		"no answer about little":           {[]IdentityItem{good, good, {Rule: "tls-rpt", State: "unknown"}}, LevelOK},
		"no answer about most":             {[]IdentityItem{good, {Rule: "mx", State: "unknown"}, {Rule: "tls-rpt", State: "unknown"}}, LevelUnknown},
		"nothing was looked at":            {[]IdentityItem{{Rule: "dkim", State: "not-checked"}}, LevelUnknown},
		"what was not checked is no doubt": {[]IdentityItem{good, {Rule: "dkim", State: "not-checked"}, {Rule: "helo", State: "not-checked"}}, LevelOK},
	} {
		if got := identityOf(c.items...).Level(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestIdentitySaysOnceThatTheResolverIsDead(t *testing.T) {
	const dead = "server not reachable: connection refused"
	silent := []IdentityItem{{Rule: "spf", State: "unknown", Text: "not known: example.org TXT: " + dead}, {Rule: "mx", State: "unknown", Text: "not known: example.org MX: " + dead},
		{Rule: "alignment", State: "unknown", Text: "not known, as what is published is not"}, {Rule: "dmarc", State: "unknown", Text: "not known: _dmarc.example.org TXT: " + dead}}
	for name, c := range map[string]struct {
		items []IdentityItem
		want  int
	}{
		"nothing has an answer":          {silent, 1},
		"something has one":              {append(silent[:4:4], IdentityItem{Rule: "ptr", State: "good"}), 3},
		"another reason is among them":   {append(silent[:4:4], IdentityItem{Rule: "tls-rpt", State: "unknown", Text: "not known: x TXT: no answer"}), 3},
		"two are not worth a line above": {silent[:2], 2},
	} {
		r := identityOf(c.items...)
		r.Requirements = []IdentityRequirement{{Provider: "google", Name: "Google", Text: "SPF", Verdict: "not-known", Why: "example.org TXT: " + dead}}
		if c.want > 1 {
			c.want++
		}
		var b bytes.Buffer
		if err := r.Write(&b, Term{}, Text); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), dead); n != c.want {
			t.Errorf("%s: told %d times, want %d:\n%s", name, n, c.want, &b)
		}
	}
}

// A record is for the clipboard: one line, whatever the width.
func TestIdentityKeepsARecordOnOneLine(t *testing.T) {
	record := `example.org. TXT "v=spf1 ` + strings.Repeat("ip4:192.0.2.10 ", 12) + `-all"`
	r := identityOf(IdentityItem{Rule: "spf", Title: "SPF", State: "bad", Severity: checks.Minor, Text: "x", Do: "Publish this:", Record: record},
		IdentityItem{Rule: "spf-address", Title: "passes SPF", State: "bad", Severity: checks.Minor, Text: "y", Do: "Publish this:", Record: record})
	var b bytes.Buffer
	if err := r.Write(&b, Term{Width: 80}, Text); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n    "+record+"\n"); n != 1 {
		t.Errorf("it stands there %d times on a line of its own, want once:\n%s", n, &b)
	}
}

func TestIdentityCleansWhatComesFromOutside(t *testing.T) {
	const nasty = "x\x1b[31m\n\u202e<script>"
	r := identityOf(IdentityItem{Rule: "spf", Title: "SPF", State: "bad", Severity: checks.Minor, Text: nasty, Value: nasty, Do: nasty, Record: nasty, More: []string{nasty}, Evidence: []checks.Evidence{{Answer: nasty}}})
	r.Days, r.Changes = 30, []IdentityChange{{Target: nasty, What: nasty, Before: nasty, Now: nasty, At: now, Since: now.Add(-time.Hour)}}
	r.Requirements = []IdentityRequirement{{Provider: "x", Name: nasty, Covers: nasty, Bulk: nasty, Text: nasty, Why: nasty, Verdict: "not-met", Source: "javascript:alert(1)"}}
	for _, f := range []Format{Text, JSON} {
		var b bytes.Buffer
		if err := r.Write(&b, Term{Width: 80}, f); err != nil {
			t.Fatal(err)
		}
		if out := b.String(); strings.ContainsAny(out, "\x1b\u202e") || strings.Contains(out, "javascript:") {
			t.Errorf("%s lets through what it must not: %q", f, out)
		}
	}
}
