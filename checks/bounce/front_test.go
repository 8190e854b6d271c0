package bounce

import (
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"
)

func TestRefusalsThatNameNobodyAreTheVendorsThatStandsBefore(t *testing.T) {
	front := func(receiver string) (Front, bool) {
		f, ok := map[string]Front{
			"example.net": {"Cisco Talos", []string{"mx1.hc1-1.iphmx.com"}, noon.Add(-time.Hour)},
			"example.com": {"Cisco Talos", []string{"mx1.hc2-2.iphmx.com"}, noon.Add(-time.Hour)},
			"example.org": {"Mimecast", []string{"eu-smtp-inbound-1.mimecast.com"}, noon},
			"own.example": {"", []string{"mx1.own.example"}, noon},
		}[receiver]
		return f, ok
	}
	none := func(checks.Key) bool { return false }
	at := func(receiver, vendor, list, host string) Tally {
		return tally(func(t *Tally) {
			t.Receiver, t.Vendor, t.Blocklist, t.Sample.RemoteHost = receiver, vendor, list, host
		})
	}
	for name, c := range map[string]struct {
		tallies []Tally
		open    func(checks.Key) bool
		sources []string
	}{
		"two receivers behind one vendor are one problem": {[]Tally{at("example.net", "", "", ""), at("example.com", "", "", "mx1.hc2-2.iphmx.com")}, none, []string{"cisco-talos"}},
		"and one with those that name it":                 {[]Tally{at("example.net", "", "", ""), at("example.edu", "Cisco Talos", "", "")}, none, []string{"cisco-talos"}},
		"a vendor that the text names wins":               {[]Tally{at("example.net", "Microsoft", "", "")}, none, []string{"microsoft"}},
		"a list that the text names wins":                 {[]Tally{at("example.net", "", "bl.example", "")}, none, []string{"bl.example"}},
		"a host that is no MX went another way":           {[]Tally{at("example.net", "", "", "old.example.net")}, none, []string{"example.net"}},
		"the case of a host does not matter":              {[]Tally{at("example.net", "", "", "MX1.hc1-1.iphmx.com.")}, none, []string{"cisco-talos"}},
		"nobody stands before it":                         {[]Tally{at("own.example", "", "", "")}, none, []string{"own.example"}},
		"nothing is known of it":                          {[]Tally{at("else.example", "", "", "")}, none, []string{"else.example"}},
		"a problem that is known stays what it is": {[]Tally{at("example.net", "", "", ""), at("example.com", "", "", "")},
			func(k checks.Key) bool { return k.Source == "example.net" }, []string{"cisco-talos", "example.net"}},
		"each vendor's are its own": {[]Tally{at("example.net", "", "", ""), at("example.org", "", "", "")}, none, []string{"cisco-talos", "mimecast"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(c.tallies)
			findings, impacts := Judge(Counts{Tallies: c.tallies}, c.open, true, noon, JudgeOptions{Front: front})
			var got []string
			for _, f := range findings {
				got = append(got, f.Key.Source)
				if f.Status != checks.Problem {
					t.Errorf("%s: %s %q; a refusal goes on", f.Key.Source, f.Status, f.Summary)
				}
			}
			if !slices.Equal(got, c.sources) {
				t.Errorf("problems of %q, want %q", got, c.sources)
			}
			for i := range before {
				if c.tallies[i].Vendor != before[i].Vendor {
					t.Errorf("tally %d of the caller was changed", i)
				}
			}
			for _, i := range impacts {
				if len(i.Receivers) != len(c.tallies) {
					t.Errorf("the cost tells of %d receivers, want %d", len(i.Receivers), len(c.tallies))
				}
			}
		})
	}

	findings, _ := Judge(Counts{Tallies: []Tally{at("example.net", "", "", ""), at("example.edu", "Cisco Talos", "", "")}}, none, true, noon, JudgeOptions{Front: front})
	f := findings[0]
	if f.Facts[checks.FactVendor] != "Cisco Talos" || !strings.HasPrefix(f.Summary, "Cisco Talos: 6 mails") {
		t.Errorf("%q, facts %v", f.Summary, f.Facts)
	}
	var mx []checks.Evidence
	for _, e := range f.Evidence {
		if strings.HasSuffix(e.Question, " MX") {
			mx = append(mx, e)
		}
	}
	if len(mx) != 1 || mx[0].Question != "example.net MX" || mx[0].Answer != "mx1.hc1-1.iphmx.com" {
		t.Errorf("evidence %+v: the MX records of the receiver that named nobody are wanted, and no other", f.Evidence)
	}
}
