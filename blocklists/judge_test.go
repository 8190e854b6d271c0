package blocklists

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// builtin is the list of the catalogue with this id.
func builtin(t testing.TB, id string) Zone {
	t.Helper()
	zones, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, z := range zones {
		if z.ID == id {
			return z
		}
	}
	t.Fatalf("no list %q in the catalogue", id)
	return Zone{}
}

func addrs(texts ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range texts {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// TestJudge reads answers that have been seen, each of them once read wrongly by somebody.
func TestJudge(t *testing.T) {
	efnet := Zone{ID: "efnet", Title: "EFnet RBL", Decode: Exact, Severity: SeverityMinor,
		Codes: []Code{{Match: "127.0.0.1", Meaning: "open proxy", Class: Listed}}}
	rpbl := Zone{ID: "rpbl", Title: "RPBL", Decode: Bits, Severity: SeverityMinor,
		Codes: []Code{{Match: "1", Meaning: "botnet", Class: Listed}, {Match: "2", Meaning: "noise", Class: Informational}}}
	nobit := Zone{ID: "nobit", Title: "No bit 1", Decode: Bits, Severity: SeverityMinor,
		Codes: []Code{{Match: "64", Meaning: "spam", Class: Listed}}}
	pattern := Zone{ID: "pattern", Title: "Pattern", Decode: Exact, Severity: SeverityMinor,
		Codes: []Code{{Match: "127.0.x.x", Meaning: "something", Class: Listed}, {Match: "127.0.0.9", Meaning: "the good one", Class: Good}}}
	user, err := UserZone(Zone{ID: "mine", Zone: "bl.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		zone     Zone
		answer   []string
		class    Class
		severity Severity
		meaning  string // a part of one of the meanings
		why      string // a part of Why
	}{
		"no address is clean":                     {user, nil, Clean, "", "", ""},
		"SBL is listed":                           {builtin(t, "spamhaus-zen"), []string{"127.0.0.2"}, Listed, SeverityCritical, "SBL", ""},
		"PBL alone is policy":                     {builtin(t, "spamhaus-zen"), []string{"127.0.0.10"}, Policy, SeverityMajor, "PBL", ""},
		"SBL and PBL: the worst class decides":    {builtin(t, "spamhaus-zen"), []string{"127.0.0.10", "127.0.0.2"}, Listed, SeverityCritical, "PBL", ""},
		"a range holds its ends":                  {builtin(t, "spamhaus-zen"), []string{"127.0.0.7"}, Listed, SeverityCritical, "XBL", ""},
		"a code between the rows is not a guess":  {builtin(t, "spamhaus-zen"), []string{"127.0.0.8"}, Informational, SeverityInformational, "not in the operator's table", ""},
		"zone name mistyped":                      {builtin(t, "spamhaus-zen"), []string{"127.255.255.252"}, Refused, "", "", "Correct the zone"},
		"public resolver":                         {builtin(t, "spamhaus-zen"), []string{"127.255.255.254"}, Refused, "", "", "recursive resolver of your own, or get a free DQS key"},
		"volume":                                  {builtin(t, "spamhaus-zen"), []string{"127.255.255.255"}, Refused, "", "", "Ask less often"},
		"a refusal of a list without refusals":    {user, []string{"127.255.255.254"}, Refused, "", "", "recursive resolver of your own, or get a key"},
		"a key that is not accepted":              {user, []string{"127.255.255.251"}, Refused, "", "", "Compare the key"},
		"a key that is disabled":                  {user, []string{"127.255.255.250"}, Refused, "", "", "enable it again"},
		"any other code of 127.255.255.0/24":      {user, []string{"127.255.255.7"}, Refused, "", "", "own"},
		"127.255.254.255 is no refusal":           {user, []string{"127.255.254.255"}, Informational, SeverityInformational, "not in the operator's table", ""},
		"a refusal beside a listing spoils it":    {builtin(t, "spamhaus-zen"), []string{"127.0.0.2", "127.255.255.254"}, Refused, "", "SBL", "own"},
		"an address asked of DBL":                 {builtin(t, "spamhaus-dbl"), []string{"127.0.1.255"}, Refused, "", "an address was asked", "domain names only"},
		"DBL abused-legit is milder":              {builtin(t, "spamhaus-dbl"), []string{"127.0.1.102"}, Listed, SeverityMajor, "legitimate", ""},
		"URIBL refuses with 127.0.0.1":            {builtin(t, "uribl-multi"), []string{"127.0.0.1"}, Refused, "", "", "TXT record"},
		"URIBL black and grey":                    {builtin(t, "uribl-multi"), []string{"127.0.0.6"}, Listed, SeverityMajor, "grey", ""},
		"URIBL red alone is a hint":               {builtin(t, "uribl-multi"), []string{"127.0.0.8"}, Informational, SeverityInformational, "red", ""},
		"SURBL refuses with 127.0.0.1":            {builtin(t, "surbl-multi"), []string{"127.0.0.1"}, Refused, "", "", "public"},
		"the refusal bit spoils a sum":            {builtin(t, "surbl-multi"), []string{"127.0.0.65"}, Refused, "", "", "public"},
		"SURBL 80 is malware and abuse":           {builtin(t, "surbl-multi"), []string{"127.0.0.80"}, Listed, SeverityCritical, "MW", ""},
		"SURBL 64 alone is major":                 {builtin(t, "surbl-multi"), []string{"127.0.0.64"}, Listed, SeverityMajor, "ABUSE", ""},
		"an unknown bit is shown":                 {builtin(t, "surbl-multi"), []string{"127.0.0.66"}, Listed, SeverityMajor, "bit 2", ""},
		"an unknown bit alone is no listing":      {builtin(t, "surbl-multi"), []string{"127.0.0.2"}, Informational, SeverityInformational, "bit 2", ""},
		"no bit at all means nothing":             {builtin(t, "surbl-multi"), []string{"127.0.0.0"}, Unusable, "", "", "means nothing"},
		"bits are in the last octet only":         {builtin(t, "surbl-multi"), []string{"127.0.1.64"}, Informational, SeverityInformational, "not in the operator's table", ""},
		"127.0.0.1 is a botnet where a bit is":    {rpbl, []string{"127.0.0.1"}, Listed, SeverityMinor, "botnet", ""},
		"127.0.0.1 without a bit means nothing":   {nobit, []string{"127.0.0.1"}, Unusable, "", "", "means nothing"},
		"an unknown bit 1 beside a known one":     {nobit, []string{"127.0.0.65"}, Listed, SeverityMinor, "bit 1:", ""},
		"127.0.0.1 is an open proxy at EFnet":     {efnet, []string{"127.0.0.1"}, Listed, SeverityMinor, "open proxy", ""},
		"127.0.0.1 is white at HostKarma":         {builtin(t, "hostkarma"), []string{"127.0.0.1"}, Good, SeverityInformational, "white", ""},
		"127.0.0.1 is a test reply at DroneBL":    {builtin(t, "dronebl"), []string{"127.0.0.1"}, Informational, SeverityInformational, "test", ""},
		"127.0.0.1 elsewhere means nothing":       {builtin(t, "spamcop"), []string{"127.0.0.1"}, Unusable, "", "", "means nothing"},
		"127.0.0.1 is not any code":               {user, []string{"127.0.0.1"}, Unusable, "", "", "means nothing"},
		"127.0.0.1 is not what a pattern means":   {pattern, []string{"127.0.0.1"}, Unusable, "", "", "means nothing"},
		"one address goes before a pattern":       {pattern, []string{"127.0.0.9"}, Good, SeverityInformational, "good one", ""},
		"HostKarma yellow is no listing":          {builtin(t, "hostkarma"), []string{"127.0.0.3"}, Informational, SeverityInformational, "yellow", ""},
		"HostKarma is no bitmask":                 {builtin(t, "hostkarma"), []string{"127.0.0.5"}, Good, SeverityInformational, "NOBL", ""},
		"HostKarma black, whatever else it says":  {builtin(t, "hostkarma"), []string{"127.0.2.3", "127.0.0.2"}, Listed, SeverityMinor, "first seen", ""},
		"a good score is no listing":              {builtin(t, "mailspike-bl"), []string{"127.0.0.17"}, Informational, SeverityInformational, "not in the operator's table", ""},
		"SpamRATS-like codes are no bits":         {builtin(t, "spamcop"), []string{"127.0.0.38"}, Informational, SeverityInformational, "127.0.0.38", ""},
		"neighbours are informational":            {builtin(t, "uceprotect-3"), []string{"127.0.0.2"}, Informational, SeverityInformational, "ASN", ""},
		"the last code of any":                    {user, []string{"127.0.0.254"}, Listed, SeverityMinor, "no reason", ""},
		"127.0.0.255 is outside any":              {user, []string{"127.0.0.255"}, Informational, SeverityInformational, "not in the operator's table", ""},
		"127.0.1.2 is outside any":                {user, []string{"127.0.1.2"}, Informational, SeverityInformational, "not in the operator's table", ""},
		"the table goes before any":               {builtin(t, "suomispam-bl"), []string{"127.0.0.99"}, Informational, SeverityInformational, "test entry", ""},
		"spamcop.net of January 2021":             {builtin(t, "spamcop"), []string{"91.195.240.87"}, Unusable, "", "", "outside 127.0.0.0/8"},
		"a block page of a filtering resolver":    {builtin(t, "anonmails"), []string{"146.112.61.108"}, Unusable, "", "", "resolver"},
		"a parked zone beside a real code":        {builtin(t, "spamcop"), []string{"127.0.0.2", "203.0.113.9"}, Unusable, "", "", "203.0.113.9"},
		"outside goes before a refusal":           {user, []string{"127.255.255.254", "203.0.113.9"}, Unusable, "", "", "203.0.113.9"},
		"an IPv6 address is no code":              {user, []string{"2001:db8::2"}, Unusable, "", "", "outside"},
		"a mapped code is no code":                {user, []string{"::ffff:127.0.0.2"}, Unusable, "", "", "outside"},
		"0.0.0.0 of a filtering resolver":         {user, []string{"0.0.0.0"}, Unusable, "", "", "outside"},
		"a private address of a captive network":  {user, []string{"10.0.0.1"}, Unusable, "", "", "outside"},
		"the same code twice is one listing":      {user, []string{"127.0.0.2", "127.0.0.2"}, Listed, SeverityMinor, "", ""},
		"two listings: the worse severity stands": {builtin(t, "mailspike-bl"), []string{"127.0.0.12", "127.0.0.10"}, Listed, SeverityMajor, "worst", ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := addrs(c.answer...)
			v := c.zone.Judge(in)
			if v.Class != c.class || v.Severity != c.severity {
				t.Errorf("%v reads %s/%q, want %s/%q (%q, %s)", c.answer, v.Class, v.Severity, c.class, c.severity, v.Meanings, v.Why)
			}
			if !strings.Contains(strings.Join(v.Meanings, "\n"), c.meaning) {
				t.Errorf("meanings %q, want %q among them", v.Meanings, c.meaning)
			}
			if !strings.Contains(v.Why, c.why) || (v.Why == "") != (c.why == "") {
				t.Errorf("why: %q, want %q in it", v.Why, c.why)
			}
			if diff := cmp.Diff(in, v.Codes, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("codes (-answer +verdict):\n%s", diff)
			}
		})
	}
}

// A Why goes to people as it is, so the whole sentence counts.
func TestWhyIsASentenceThatSaysWhatToDo(t *testing.T) {
	zen, mine := builtin(t, "spamhaus-zen"), Zone{ID: "mine", Zone: "secretkey.bl.example.org", Decode: Any}
	for _, c := range []struct {
		zone         Zone
		answer, want string
	}{
		{zen, "127.255.255.252", "Spamhaus ZEN refuses to answer (127.255.255.252): the zone name is mistyped or unknown. Correct the zone in the configuration."},
		{zen, "127.255.255.254", "Spamhaus ZEN refuses to answer (127.255.255.254): asked through a public, open or unattributable resolver. Ask through a recursive resolver of your own, or get a free DQS key from Spamhaus."},
		{zen, "127.255.255.255", "Spamhaus ZEN refuses to answer (127.255.255.255): this resolver asks more than free use allows. Ask less often through a recursive resolver of your own, or get a DQS key from Spamhaus."},
		{mine, "127.255.255.254", "mine refuses to answer (127.255.255.254): asked through a public, open or shared resolver. Ask through a recursive resolver of your own, or get a key from the operator."},
		{mine, "127.255.255.1", "mine refuses to answer (127.255.255.1): the operator does not answer this resolver. Ask through a recursive resolver of your own, or get a key from the operator."},
		{mine, "203.0.113.9", "mine answers 203.0.113.9, which is outside 127.0.0.0/8: the zone is parked or gone, or the resolver invents answers. Ask through a recursive resolver of your own; if it stays so, disable the list."},
	} {
		if got := c.zone.Judge(addrs(c.answer)).Why; got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.answer, got, c.want)
		}
	}
}

// anAddr draws codes that lists give, with their edges, and addresses that none does.
func anAddr(t *rapid.T) netip.Addr {
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return netip.AddrFrom4([4]byte{127, 255, 255, rapid.Byte().Draw(t, "last")})
	case 1:
		return netip.AddrFrom4([4]byte{rapid.Byte().Draw(t, "a"), rapid.Byte().Draw(t, "b"), 0, 2})
	case 2:
		return netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: 127, 15: 2})
	default:
		return netip.AddrFrom4([4]byte{127, 0, rapid.Byte().Draw(t, "c") % 3, rapid.Byte().Draw(t, "d")})
	}
}

// aZone draws a zone that passes Validate: a built-in or a user-defined one of any kind.
func aZone(t *rapid.T, zones []Zone) Zone {
	if rapid.Bool().Draw(t, "built-in") {
		return rapid.SampledFrom(zones).Draw(t, "zone")
	}
	z := Zone{ID: "x", Zone: "bl.example.org", Decode: rapid.SampledFrom([]Decode{Exact, Bits, Any}).Draw(t, "decode")}
	row := func(label string) string {
		if z.Decode == Bits {
			return rapid.SampledFrom([]string{"1", "2", "4", "8", "16", "32", "64", "128"}).Draw(t, label)
		}
		return rapid.SampledFrom([]string{"127.0.0.1", "127.0.0.2", "127.0.0.2-127.0.0.254", "127.0.0.x", "127.x.x.2", "127.0.1.255", "127.x.x.x"}).Draw(t, label)
	}
	for range rapid.IntRange(0, 4).Draw(t, "codes") {
		z.Codes = append(z.Codes, Code{Match: row("code"), Meaning: "m", Class: rapid.SampledFrom([]Class{Listed, Policy, Informational, Good}).Draw(t, "class")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "refusals") {
		z.Refusals = append(z.Refusals, Code{Match: row("refusal")})
	}
	user, err := UserZone(z)
	if err != nil {
		t.Skip("not a valid zone")
	}
	return user
}

// Invariant 2: no answer outside 127.0.0.0/8 and no refusal code is ever "listed".
func TestNoRefusalAndNothingOutsideIsEverListed(t *testing.T) {
	zones, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		z := aZone(t, zones)
		answer := rapid.SliceOfN(rapid.Custom(anAddr), 0, 5).Draw(t, "answer")
		v := z.Judge(answer)
		spoiled := false
		for _, a := range answer {
			b, inside := octets(a)
			if !inside || b[0] == 127 && b[1] == 255 && b[2] == 255 {
				spoiled = true
			}
			for _, r := range z.Refusals {
				m, err := parseMatch(r.Match, z.Decode)
				if err != nil {
					t.Fatal(err)
				}
				spoiled = spoiled || inside && m.matches(b)
			}
		}
		if spoiled && v.Class != Refused && v.Class != Unusable {
			t.Errorf("%v of %+v reads %s", answer, z, v.Class)
		}
		if (v.Class == Refused || v.Class == Unusable) != (v.Why != "") || (v.Why != "") && v.Severity != "" {
			t.Errorf("%v reads %+v: refused and unusable say why, and have no severity", answer, v)
		}
		if (v.Class == Clean) != (len(answer) == 0) || v.Class.Rank() == 0 {
			t.Errorf("%v reads %q", answer, v.Class)
		}
		if len(v.Codes) != len(answer) || len(v.Meanings) < len(answer) {
			t.Errorf("%v: %d codes, %d meanings", answer, len(v.Codes), len(v.Meanings))
		}
		// The order of the answer decides nothing.
		shuffled := rapid.Permutation(answer).Draw(t, "shuffled")
		if w := z.Judge(shuffled); w.Class != v.Class || w.Severity != v.Severity {
			t.Errorf("%v reads %s/%s, %v reads %s/%s", answer, v.Class, v.Severity, shuffled, w.Class, w.Severity)
		}
	})
}

func BenchmarkJudge(b *testing.B) {
	for name, c := range map[string]struct {
		id     string
		answer []netip.Addr
	}{
		"clean":   {"spamhaus-zen", nil},
		"listed":  {"spamhaus-zen", addrs("127.0.0.2")},
		"bits":    {"surbl-multi", addrs("127.0.0.80")},
		"refused": {"spamhaus-zen", addrs("127.255.255.254")},
		"longest": {"dronebl", addrs("127.0.0.255")},
	} {
		z := builtin(b, c.id)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				z.Judge(c.answer)
			}
		})
	}
}
