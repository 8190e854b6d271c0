package acceptance

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

func rules(t testing.TB) *bounce.Rules {
	t.Helper()
	r, err := bounce.BuiltinRules()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVendor(t *testing.T) {
	for name, c := range map[string]struct {
		mx       []string
		greeting string
		vendor   string
		how      How
	}{
		"Cisco by MX":                     {[]string{"mx1.hc1-1.iphmx.com.", "mx2.hc1-1.iphmx.com."}, "", "Cisco Talos", ByMX},
		"Microsoft by MX":                 {[]string{"example-org.mail.protection.outlook.com"}, "", "Microsoft", ByMX},
		"Microsoft with DANE":             {[]string{"example-org.a-v1.mx.microsoft"}, "", "Microsoft", ByMX},
		"Google by MX":                    {[]string{"aspmx.l.google.com", "alt1.aspmx.l.google.com", "aspmx2.googlemail.com"}, "", "Google", ByMX},
		"Google's single name":            {[]string{"smtp.google.com"}, "", "Google", ByMX},
		"Proofpoint":                      {[]string{"mxa-00000001.gslb.pphosted.com"}, "", "Proofpoint", ByMX},
		"Proofpoint Essentials":           {[]string{"mx1-us1.ppe-hosted.com"}, "", "Proofpoint", ByMX},
		"Mimecast":                        {[]string{"eu-smtp-inbound-1.mimecast.com"}, "", "Mimecast", ByMX},
		"Barracuda":                       {[]string{"d1234a.ess.barracudanetworks.com"}, "", "Barracuda", ByMX},
		"MessageLabs is Broadcom's":       {[]string{"cluster1.eu.messagelabs.com"}, "", "Symantec", ByMX},
		"Trend Micro":                     {[]string{"example.in.tmes.trendmicro.eu"}, "", "Trend Micro", ByMX},
		"Cloudflare":                      {[]string{"route1.mx.cloudflare.net"}, "", "Cloudflare", ByMX},
		"Yahoo":                           {[]string{"mta5.am0.yahoodns.net"}, "", "Yahoo", ByMX},
		"Mail.ru":                         {[]string{"emx.mail.ru"}, "", "Mail.ru", ByMX},
		"case and dot do not matter":      {[]string{"MX1.HC1-1.IPHMX.COM."}, "", "Cisco Talos", ByMX},
		"a look-alike is not the vendor":  {[]string{"mx.iphmx.com.example.org", "notiphmx.com"}, "", "", ""},
		"own servers name nobody":         {[]string{"mx1.example.org"}, "", "", ""},
		"null MX names nobody":            {[]string{"."}, "", "", ""},
		"no MX names nobody":              {nil, "", "", ""},
		"a dead first entry hides nobody": {[]string{"nolist.example.org", "aspmx.l.google.com", "alt1.aspmx.l.google.com"}, "", "Google", ByMX},
		"a backup does not judge":         {[]string{"mx1.example.org", "backup.mimecast.com"}, "", "", ""},
		"the most preferred decides":      {[]string{"a.iphmx.com", "b.mimecast.com"}, "", "Cisco Talos", ByMX},

		"greeting names the gateway":               {[]string{"mx1.example.org"}, "220 esa1.hc1-1.iphmx.com ESMTP", "Cisco Talos", ByGreeting},
		"a refusal in the greeting names it too":   {[]string{"mx1.example.org"}, "554-esa1.hc1-1.iphmx.com\r\n554 Your access to this mail system has been rejected", "Cisco Talos", ByGreeting},
		"words of the vendor name it":              {[]string{"mx1.example.org"}, "554-mx1.example.org\r\n554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means.", "Cisco Talos", ByWords},
		"a list in the greeting is no filter":      {[]string{"mx1.example.org"}, "554 mx1.example.org service unavailable; client host [192.0.2.10] blocked using zen.spamhaus.org", "", ""},
		"MX counts more than what a greeting says": {[]string{"a.mimecast.com"}, "220 esa1.hc1-1.iphmx.com ESMTP", "Mimecast", ByMX},
		"an ordinary greeting names nobody":        {[]string{"mx1.example.org"}, "220 mx1.example.org ESMTP Postfix", "", ""},
		"a name later in the line does not count":  {[]string{"mx1.example.org"}, "220 mx1.example.org talks to esa1.iphmx.com", "", ""},
		"only a refusal is read for words":         {[]string{"mx1.example.org"}, "220 mx1.example.org sending MTA's poor reputation", "", ""},
		"an empty code is no greeting":             {[]string{"mx1.example.org"}, "55", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			vendor, how := Vendor(rules(t), c.mx, c.greeting)
			if vendor != c.vendor || how != c.how {
				t.Errorf("Vendor(%q, %q) = %q by %q, want %q by %q", c.mx, c.greeting, vendor, how, c.vendor, c.how)
			}
		})
	}
}

func TestFactsAreWhole(t *testing.T) {
	all := facts()
	r := rules(t)
	named := map[string]bool{r.Vendor("route1.mx.cloudflare.net"): true} // it refuses in nobody's words
	files, _ := filepath.Glob("../bounce/rules/*.toml")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^vendor = "(.*)"$`).FindAllStringSubmatch(string(text), -1) {
			named[m[1]] = true
		}
	}
	for _, f := range all {
		if !named[f.Vendor] {
			t.Errorf("%s is a name that no refusal and no host has", f.Vendor)
		}
	}
	if !slices.IsSortedFunc(all, func(a, b Facts) int { return strings.Compare(a.Vendor, b.Vendor) }) {
		t.Error("not sorted by vendor")
	}
	for i, f := range all {
		if i > 0 && all[i-1].Vendor == f.Vendor {
			t.Errorf("%s is there twice", f.Vendor)
		}
		if _, err := time.Parse(time.DateOnly, f.Read); err != nil || f.Source == "" || f.Title == "" || f.Kind == Unknown || f.JudgedBy == "" {
			t.Errorf("%+v: title, kind, judge, source and date are needed: %v", f, err)
		}
		if f.Page != "" && checks.Link(strings.ReplaceAll(f.Page, "{ip}", "192.0.2.1")) == "" {
			t.Errorf("%s: %s is no page", f.Vendor, f.Page)
		}
	}
	if f := About("Nobody's"); f.Title != "Nobody's" || f.Kind != Unknown || f.JudgedBy != "itself" {
		t.Errorf("a vendor without facts: %+v", f)
	}
	if f := About("cisco talos"); f.JudgedBy != "Cisco Talos" {
		t.Errorf("Cisco: %+v", f)
	}
}

func FuzzVendor(f *testing.F) {
	f.Add("mx1.hc1-1.iphmx.com", "554-esa1.hc1-1.iphmx.com\r\n554 no")
	f.Add("", "220 \x1b]0;x\x07 \xff")
	f.Add(".", "5")
	r := rules(f)
	f.Fuzz(func(t *testing.T, mx, greeting string) {
		vendor, how := Vendor(r, []string{mx}, greeting)
		if (vendor == "") != (how == "") {
			t.Errorf("Vendor(%q, %q) = %q by %q", mx, greeting, vendor, how)
		}
		if checks.Line(vendor, 80) != vendor {
			t.Errorf("vendor %q is text from outside", vendor)
		}
	})
}
