package blocklists

import (
	"net/netip"
	"strings"
	"testing"
)

// valid is a list with something in every field, which each case then spoils.
func valid() Zone {
	return Zone{
		ID: "mine", Title: "My list", Operator: "We", Zone: "bl.example.org", Also: []string{"old.example.org"},
		Families: []Family{IPv4, IPv6, Name}, Decode: Exact,
		Codes:    []Code{{Match: "127.0.0.2", Meaning: "spam", Class: Listed}, {Match: "127.0.0.4-127.0.0.7", Meaning: "worse", Class: Policy, Severity: SeverityMajor}},
		Refusals: []Code{{Match: "127.0.0.1", Meaning: "no", Class: Refused}},
		Controls: RFC5782Controls(),
		Severity: SeverityMinor, Registration: "none", Website: "http://example.org/",
		Removal: Removal{Method: "self-service", LookupURL: "https://example.org/look?q={ip}", URL: "https://example.org/{domain}/{q}"},
		Tags:    []string{"regional"}, Confidence: "high", Checked: "2026-11-22",
	}
}

func TestValidateTakesAValidZone(t *testing.T) {
	if err := valid().Validate(); err != nil {
		t.Error(err)
	}
}

// Each mistake gives one error, with the field and what would be right.
func TestValidateSaysWhatIsWrong(t *testing.T) {
	a := netip.MustParseAddr
	for want, spoil := range map[string]func(*Zone){
		`id: want lower-case letters`:                             func(z *Zone) { z.ID = "My list" },
		`id: want lower-case`:                                     func(z *Zone) { z.ID = "" },
		`zone: missing; want the zone of the list, like "bl.exam`: func(z *Zone) { z.Zone = "" },
		`zone: no legal name`:                                     func(z *Zone) { z.Zone = "bl..example.org" },
		`zone: no legal name (RFC 1035`:                           func(z *Zone) { z.Zone = "localhost" },
		`zone: no legal name (RFC 1035 section 2.3.4)`:            func(z *Zone) { z.Zone = "BL.example.org" },
		`leaves room for 189`:                                     func(z *Zone) { z.Zone = strings.Repeat("a.", 95) + "example.org"; z.Controls = Controls{} },
		`also: "https://example.org": want a domain name`:         func(z *Zone) { z.Also = []string{"https://example.org"} },
		`also: "bl.example.org" stands there twice`:               func(z *Zone) { z.Also = []string{"bl.example.org"} },
		`families: want at least one of ip4, ip6, domain`:         func(z *Zone) { z.Families, z.Controls = nil, Controls{} },
		`families: "ipv4" is none of ip4, ip6, domain`:            func(z *Zone) { z.Families = append(z.Families, "ipv4") },
		`families: "ip4" stands there twice`:                      func(z *Zone) { z.Families = append(z.Families, IPv4) },
		`names: "base" is none of full, organisational, both`:     func(z *Zone) { z.Names = "base" },
		`names: the list serves no names`:                         func(z *Zone) { z.Families, z.Names, z.Controls = []Family{IPv4}, FullName, RFC5782Controls(IPv4) },
		`decode: "bits" is none of exact, bitmask, any`:           func(z *Zone) { z.Decode = "bits" },
		`codes: missing; a list that is read as "exact"`:          func(z *Zone) { z.Codes = nil },
		`codes[0].match: "127.0.0": want an address`:              func(z *Zone) { z.Codes[0].Match = "127.0.0" },
		`codes[0].match: "127.0.0.02": want an address`:           func(z *Zone) { z.Codes[0].Match = "127.0.0.02" },
		`codes[0].match: "127.0.0.2.3": want`:                     func(z *Zone) { z.Codes[0].Match = "127.0.0.2.3" },
		`codes[0].match: "64": want an address`:                   func(z *Zone) { z.Codes[0].Match = "64" },
		`codes[0].match: "x.0.0.2": want an address`:              func(z *Zone) { z.Codes[0].Match = "x.0.0.2" },
		`codes[0].match: "127.0.0.9-127.0.0.4": want a range`:     func(z *Zone) { z.Codes[0].Match = "127.0.0.9-127.0.0.4" },
		`codes[0].match: "127.0.0.9-127.0.1.12": want a range`:    func(z *Zone) { z.Codes[0].Match = "127.0.0.9-127.0.1.12" },
		`codes[0].match: "203.0.113.9": want a code in 127.0.0.0`: func(z *Zone) { z.Codes[0].Match = "203.0.113.9" },
		`codes[0].match: "127.0.0.1" is a refusal too`:            func(z *Zone) { z.Codes[0].Match = "127.0.0.1" },
		`codes[0].match: "127.255.255.3": 127.255.255.0/24 is a`:  func(z *Zone) { z.Codes[0].Match = "127.255.255.3" },
		`codes[0].match: "127.x.255.3": 127.255.255.0/24 is a`:    func(z *Zone) { z.Codes[0].Match = "127.x.255.3" },
		`codes[1].match: "127.0.0.2" stands there twice`:          func(z *Zone) { z.Codes[1].Match = "127.0.0.2" },
		`codes[0].class: "bad" is none of listed, policy, inform`: func(z *Zone) { z.Codes[0].Class = "bad" },
		`codes[0].class: "refused" is none of`:                    func(z *Zone) { z.Codes[0].Class = Refused },
		`codes[0].severity: "urgent" is none of critical, major`:  func(z *Zone) { z.Codes[0].Severity = "urgent" },
		`codes[0].severity: "critical": what is good has no seve`: func(z *Zone) { z.Codes[0].Class, z.Codes[0].Severity = Good, SeverityCritical },
		`codes[0].meaning: missing`:                               func(z *Zone) { z.Codes[0].Meaning = "" },
		`refusals[0].match: "no": want an address`:                func(z *Zone) { z.Refusals[0].Match = "no" },
		`refusals[0]: a refusal has neither class nor severity`:   func(z *Zone) { z.Refusals[0].Severity = SeverityMajor },
		`controls.listed4: ::ffff:127.0.0.2 is of the other fami`: func(z *Zone) { z.Controls.Listed4 = a("::ffff:127.0.0.2") },
		`controls.clean6: 127.0.0.1 is of the other family`:       func(z *Zone) { z.Controls.Clean6 = a("127.0.0.1") },
		`controls.clean4: 8.8.8.8 belongs to somebody`:            func(z *Zone) { z.Controls.Clean4 = a("8.8.8.8") },
		`controls.listed6: 2001:4860:4860::8888 belongs to someb`: func(z *Zone) { z.Controls.Listed6 = a("2001:4860:4860::8888") },
		`controls.listed_name: "a b": want a domain name`:         func(z *Zone) { z.Controls.ListedName = "a b" },
		`controls: the same entry cannot be listed and clean`:     func(z *Zone) { z.Controls.Clean4 = z.Controls.Listed4 },
		`controls: the same entry cannot be`:                      func(z *Zone) { z.Controls.CleanName = "test" },
		`controls.listed_code: 127.255.255.254: want a code in`:   func(z *Zone) { z.Controls.ListedCode = a("127.255.255.254") },
		`controls.listed_code: 192.0.2.1: want a code in 127`:     func(z *Zone) { z.Controls.ListedCode = a("192.0.2.1") },
		`controls.listed_code: there is no listed control`:        func(z *Zone) { z.Controls = Controls{ListedCode: a("127.0.0.2")} },
		`severity: "" is none of critical, major, minor, informa`: func(z *Zone) { z.Severity = "" },
		`registration: "maybe" is none of none, recommended, req`: func(z *Zone) { z.Registration = "maybe" },
		`confidence: "sure" is none of high, medium, low`:         func(z *Zone) { z.Confidence = "sure" },
		`removal.method: "beg" is none of self-service, network-`: func(z *Zone) { z.Removal.Method = "beg" },
		`removal.url: "http://example.org/": want a link that be`: func(z *Zone) { z.Removal.URL = "http://example.org/" },
		`removal.url: "javascript:alert(1)": want a link that be`: func(z *Zone) { z.Removal.URL = "javascript:alert(1)" },
		`removal.url: "https:///x": want a link that begins with`: func(z *Zone) { z.Removal.URL = "https:///x" },
		`removal.lookup_url: "https://me@example.org/": want a l`: func(z *Zone) { z.Removal.LookupURL = "https://me@example.org/" },
		`removal.url: "https://example.org/{key}": want only the`: func(z *Zone) { z.Removal.URL = "https://example.org/{key}" },
		`removal.url: "https://example.org/{ip": want only the p`: func(z *Zone) { z.Removal.URL = "https://example.org/{ip" },
		`removal.url: "https://{ip}.example.org/": a placeholder`: func(z *Zone) { z.Removal.URL = "https://{ip}.example.org/" },
		`website: "ftp://example.org/": want a link that begins`:  func(z *Zone) { z.Website = "ftp://example.org/" },
		`website: want a link without placeholders`:               func(z *Zone) { z.Website = "https://example.org/{ip}" },
		`tags: "A b": want lower-case letters`:                    func(z *Zone) { z.Tags = []string{"A b"} },
		`checked: "22.11.2026": want a date, like 2026-01-31`:     func(z *Zone) { z.Checked = "22.11.2026" },
		`title: want one line of text`:                            func(z *Zone) { z.Title = "a\nb" },
		`codes[0].meaning: want one line of text`:                 func(z *Zone) { z.Codes[0].Meaning = "\x1b[31mred" },
	} {
		t.Run(want, func(t *testing.T) {
			z := valid()
			spoil(&z)
			err := z.Validate()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("got %v, want %q", err, want)
			}
			if lines := strings.Count(err.Error(), "\n"); lines > 0 {
				t.Errorf("one mistake gives %d more errors:\n%v", lines, err)
			}
			if id := `list "` + z.ID + `": `; !strings.HasPrefix(err.Error(), id) {
				t.Errorf("%q does not begin with %q", err, id)
			}
		})
	}
}

// Rows that lie side by side are no contradiction, in whichever order.
func TestValidateKeepsNeighboursApart(t *testing.T) {
	for name, c := range map[string]struct {
		code, refusal string
		ok            bool
	}{
		"below":                      {"127.0.0.2-127.0.0.4", "127.0.0.5-127.0.0.9", true},
		"above":                      {"127.0.0.10-127.0.0.12", "127.0.0.5-127.0.0.9", true},
		"one code in common, above":  {"127.0.0.9-127.0.0.12", "127.0.0.5-127.0.0.9", false},
		"one code in common, below":  {"127.0.0.2-127.0.0.5", "127.0.0.5-127.0.0.9", false},
		"a pattern of another octet": {"127.0.1.x", "127.0.2.x", true},
		"a pattern over a range":     {"127.0.x.7", "127.0.0.5-127.0.0.9", false},
		"127.0.0.1 is in no pattern": {"127.0.0.x", "127.0.0.1", true},
	} {
		t.Run(name, func(t *testing.T) {
			z := valid()
			z.Codes, z.Refusals = []Code{{Match: c.code, Meaning: "m", Class: Listed}}, []Code{{Match: c.refusal}}
			if err := z.Validate(); (err == nil) != c.ok {
				t.Errorf("%s beside %s: %v", c.code, c.refusal, err)
			}
		})
	}
}

func TestValidateOfBitmasks(t *testing.T) {
	bits := func(codes, refusals []string) error {
		z := Zone{ID: "b", Zone: "bl.example.org", Families: []Family{Name}, Decode: Bits, Severity: SeverityMinor}
		for _, c := range codes {
			z.Codes = append(z.Codes, Code{Match: c, Meaning: "m", Class: Listed})
		}
		for _, r := range refusals {
			z.Refusals = append(z.Refusals, Code{Match: r})
		}
		return z.Validate()
	}
	for name, c := range map[string]struct {
		codes, refusals []string
		want            string // empty: valid
	}{
		"every bit":                         {[]string{"1", "2", "4", "8", "16", "32", "64", "128"}, nil, ""},
		"a refusal may be a bit":            {[]string{"2"}, []string{"1"}, ""},
		"a refusal may be a whole code":     {[]string{"2"}, []string{"127.0.0.1"}, ""},
		"a sum is no bit":                   {[]string{"6"}, nil, "want one bit"},
		"256 is no bit":                     {[]string{"256"}, nil, "want one bit"},
		"0 is no bit":                       {[]string{"0"}, nil, "want one bit"},
		"-2 is no bit":                      {[]string{"-2"}, nil, "want one bit"},
		"an address is no bit":              {[]string{"127.0.0.2"}, nil, "want one bit"},
		"a bit that is a refusal":           {[]string{"1"}, []string{"1"}, "is a refusal too"},
		"a code that is a refusal":          {[]string{"1"}, []string{"127.0.0.1"}, "is a refusal too"},
		"a bit twice":                       {[]string{"2", "2"}, nil, "stands there twice"},
		"a refusal that is neither of both": {[]string{"2"}, []string{"3"}, "want one bit"},
	} {
		t.Run(name, func(t *testing.T) {
			err := bits(c.codes, c.refusals)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestValidateJoinsAllMistakes(t *testing.T) {
	err := Zone{}.Validate()
	for _, field := range []string{"id:", "zone:", "families:", "decode:", "codes:", "severity:"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not speak of %s", err, field)
		}
	}
}

func TestValidateKeepsTheZoneToItself(t *testing.T) {
	z := valid()
	z.Zone = "S3CRETKEY.bl..example.org"
	list := strings.NewReplacer("mine", "second", "bl.example.org", "s3cretkey.bl.example.org").Replace(wholeList)
	_, doubled := ReadCatalog(dir(list+strings.Replace(list, "second", "third", 1)), "")
	for _, err := range []error{z.Validate(), doubled} {
		if err == nil || strings.Contains(strings.ToLower(err.Error()), "s3cret") {
			t.Errorf("a key in the zone is printed, or the mistake is not found: %v", err)
		}
	}
}
