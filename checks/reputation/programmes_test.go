package reputation

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

const sndsKey = "c4n4ry-0f00-4b1d-9f3e-5eCre7"

const sndsData = "192.0.2.10,3/1/2026 12:00 AM,3/2/2026 12:00 AM,1500,1490,1480,RED,0.4%,3/1/2026 12:00 AM,3/2/2026 12:00 AM,3,mx1.example.org,news@example.org,\r\n" +
	"192.0.2.11,3/1/2026 12:00 AM,3/2/2026 12:00 AM,200,200,200,GREEN,< 0.1%,,,,mx2.example.org,,\"a, b\"\r\n" +
	"198.51.100.1,3/1/2026 12:00 AM,3/2/2026 12:00 AM,1,1,1,GREEN,< 0.1%,,,0,,,\r\n"

const sndsStatus = "192.0.2.8,192.0.2.10,Yes,Blocked due to user complaints or other evidence of spamming\r\n192.0.2.11,192.0.2.11,No,Junked due to user complaints\r\n"

func watchedHere(a netip.Addr) (checks.Target, bool) {
	return checks.Address(a), netip.MustParsePrefix("192.0.2.0/24").Contains(a)
}

func programmes(t *testing.T, good func(string) bool) *probestest.Programmes {
	t.Helper()
	p := probestest.StartProgrammes(sndsKey, good)
	t.Cleanup(p.Close)
	return p
}

func sndsOf(p *probestest.Programmes, key string) SNDS {
	return SNDS{
		Web:  probes.NewWeb(probes.WebOptions{Name: "snds", Secrets: func() []string { return []string{key} }, Timeout: 10 * time.Second}),
		Base: p.URL() + "/snds/", Key: func() string { return key },
	}
}

func TestSNDS(t *testing.T) {
	p := programmes(t, nil)
	p.SetSNDS(sndsData, sndsStatus)
	report, err := sndsOf(p, sndsKey).Ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	report.At = begin.Add(48 * time.Hour)
	got := map[string]string{}
	healed := checks.Address(netip.MustParseAddr("192.0.2.77"))
	for _, r := range report.Readings(watchedHere, []checks.Target{healed}) {
		got[r.Source+" "+r.Target.String()] = r.Value + " = " + string(r.Level)
	}
	want := map[string]string{
		"snds 192.0.2.10": "RED = bad", "snds-complaints 192.0.2.10": "0.4% = neutral", "snds-traps 192.0.2.10": "3 trap hits = neutral",
		"snds 192.0.2.11": "GREEN = good", "snds-complaints 192.0.2.11": "< 0.1% = neutral",
		"snds-status 192.0.2.8": "blocked: Blocked due to user complaints or other evidence of spamming = bad", "snds-status 192.0.2.9": "blocked: Blocked due to user complaints or other evidence of spamming = bad",
		"snds-status 192.0.2.10": "blocked: Blocked due to user complaints or other evidence of spamming = bad",
		"snds-status 192.0.2.11": "not blocked, and spoken of: Junked due to user complaints = poor",
		"snds-status 192.0.2.77": "not blocked = good",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What the readings of a day come to.
func TestSNDSFindings(t *testing.T) {
	report := SNDSReport{At: begin.Add(48 * time.Hour)}
	report.Rows, _, _ = ParseSNDSData([]byte(sndsData))
	report.Ranges, _, _ = ParseSNDSStatus([]byte(sndsStatus))
	sources := map[string]Source{}
	for _, s := range SNDSSources() {
		sources[s.ID] = s
	}
	got := map[string]string{}
	for _, r := range report.Readings(watchedHere, nil) {
		f := sources[r.Source].Judge(r.Target, []Span{{Reading: r, First: r.At, Count: 1}}, report.At)
		got[r.Source+" "+r.Target.String()] = string(f.Status) + " " + string(f.Code) + " " + string(f.Severity)
	}
	for key, want := range map[string]string{
		"snds 192.0.2.10": "problem reputation.poor major", "snds-complaints 192.0.2.10": "problem reputation.spam-rate minor",
		"snds-traps 192.0.2.10": "problem reputation.spam-rate minor", "snds-status 192.0.2.10": "problem reputation.blocked major",
		"snds 192.0.2.11": "ok reputation.ok ", "snds-complaints 192.0.2.11": "ok reputation.ok ", "snds-status 192.0.2.11": "problem reputation.blocked minor",
	} {
		if got[key] != want {
			t.Errorf("%s: got %q, want %q", key, got[key], want)
		}
	}
}

// A key that is withdrawn leads to a page, a server in trouble to a status: neither is data,
// and no error repeats the key that the server repeats.
func TestSNDSWithoutAccessIsNotClean(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(p *probestest.Programmes)
		key  string
		want error
	}{
		"a page to log in":    {func(p *probestest.Programmes) { p.LogInPage("Sign in") }, sndsKey, ErrAccess},
		"a wrong key":         {func(*probestest.Programmes) {}, sndsKey + "x", ErrAccess},
		"a redirect":          {func(p *probestest.Programmes) { p.Break(http.StatusFound) }, sndsKey, ErrAccess},
		"a server in trouble": {func(p *probestest.Programmes) { p.Break(http.StatusServiceUnavailable) }, sndsKey, ErrAnswer},
		"another form":        {func(p *probestest.Programmes) { p.SetSNDS("a,b,c\nd,e,f\n", "") }, sndsKey, ErrAnswer},
		"the server is gone":  {func(p *probestest.Programmes) { p.Close() }, sndsKey, probes.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			p := programmes(t, nil)
			p.SetSNDS(sndsData, sndsStatus)
			c.set(p)
			report, err := sndsOf(p, c.key).Ask(t.Context())
			if !errors.Is(err, c.want) || len(report.Readings(watchedHere, nil)) > 0 {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), sndsKey) {
				t.Errorf("the error holds the key: %v", err)
			}
		})
	}
}

func TestProgrammeFinding(t *testing.T) {
	now := begin
	for name, c := range map[string]struct {
		err   error
		since time.Duration
		told  bool
	}{
		"well":                        {nil, 0, true},
		"no access at once":           {ErrAccess, 0, true},
		"trouble is left alone":       {ErrAnswer, time.Hour, false},
		"until it lasts":              {ErrAnswer, Lasting, true},
		"so is a server that is gone": {probes.ErrUnreachable, time.Hour, false},
	} {
		f, told := ProgrammeFinding("main", "Microsoft SNDS", c.err, now.Add(-c.since), now)
		if told != c.told || told && (f.Status == checks.Problem) != (c.err != nil) {
			t.Errorf("%s: told %v, %+v", name, told, f)
		}
	}
}

func FuzzSNDS(f *testing.F) {
	f.Add([]byte(sndsData))
	f.Add([]byte(sndsStatus))
	f.Add([]byte("\"192.0.2.1,\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, _, err := ParseSNDSData(body)
		ranges, _, errStatus := ParseSNDSStatus(body)
		report := SNDSReport{Rows: rows, Ranges: ranges, At: begin}
		if len(body) > 200 {
			report.Ranges = nil // a range may hold a million addresses
		}
		for _, r := range report.Readings(watchedHere, nil) {
			if r.Value != checks.Line(r.Value, 0) || r.Level == "" || r.At.IsZero() && err == nil && errStatus == nil {
				t.Errorf("%+v", r)
			}
		}
	})
}

func exampleOrg(t *testing.T) checks.Target {
	d, err := checks.Domain("example.org")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A token endpoint and the API, both on the loopback: the documented questions, pages and answers.
func TestPostmasterTools(t *testing.T) {
	auth, err := probestest.StartOAuth()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(auth.Close)
	p := programmes(t, auth.Good)
	oauth, err := probes.NewOAuth(probes.OAuthOptions{Name: "postmaster", TokenURL: auth.URL(), ClientID: "client", RefreshToken: func() string { return "refresh-0" },
		Scopes: []string{PostmasterScope}, RootCAs: auth.CertPool()})
	if err != nil {
		t.Fatal(err)
	}
	tools := Postmaster{Web: probes.NewWeb(probes.WebOptions{Name: "postmaster", OAuth: oauth}), Base: p.URL(), Days: 2}
	now := begin.Add(9 * time.Hour)
	ask := func() (map[string]string, error) {
		readings, err := tools.Ask(context.Background(), exampleOrg(t), now)
		got := map[string]string{}
		for _, r := range readings {
			got[r.Source+" "+r.At.Format("01-02 15")] = r.Value + " = " + string(r.Level)
		}
		return got, err
	}
	if got, err := ask(); !NotSeen(err) || len(got) > 0 {
		t.Errorf("a domain that the account does not see: %v, %v", got, err)
	}
	p.SetStats("example.org", map[string]any{
		"SPAM_RATE": 0.0034, "DELIVERY_ERROR_RATE": 0.071, `AUTH_SUCCESS_RATE auth_type = "spf"`: 0.999, `AUTH_SUCCESS_RATE auth_type = "dkim"`: 0.5,
		`DELIVERY_ERROR_RATE error_type = "reject" AND error_reason = "low_ip_reputation"`: 0.06,
	})
	p.NeedsWork("example.org", "DMARC_POLICY", "ONE_CLICK_UNSUBSCRIBE")
	want := map[string]string{}
	for _, day := range []string{"02-28 00", "03-01 00"} {
		want["google-spam-rate "+day] = "0.34 % = bad"
		want["google-delivery-errors "+day] = "7.1 %: low ip reputation 6 % = poor"
		want["google-authentication "+day] = "SPF 99.9 %, DKIM 50 % = bad"
	}
	want["google-compliance 03-01 09"] = "DMARC policy, one click unsubscribe = poor"
	got, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	auth.Revoke()
	if _, err := ask(); err != nil {
		t.Errorf("with a token that was revoked a new one is fetched: %v", err)
	}
	p.SetStats("example.org", map[string]any{"SPAM_RATE": 7.0})
	p.NeedsWork("example.org")
	if got, err := ask(); err != nil || len(got) != 1 || got["google-compliance 03-01 09"] != "all met = good" {
		t.Errorf("a share of 700 %% is not understood: %v, %v", got, err)
	}
	auth.Revoke()
	auth.Refuse("invalid_grant", "Token has been expired or revoked.")
	if _, err := ask(); !errors.Is(err, probes.ErrLogin) || strings.Contains(err.Error(), "refresh-0") || strings.Contains(err.Error(), "mailbox") || NotSeen(err) {
		t.Errorf("a consent that was withdrawn: %v", err)
	}
}
