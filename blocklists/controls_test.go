package blocklists

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var sameAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestControlQuestions(t *testing.T) {
	user, err := UserZone(Zone{ID: "mine", Zone: "bl.example.org", Families: []Family{Name, IPv6, IPv4}})
	if err != nil {
		t.Fatal(err)
	}
	const mapped2, mapped1 = "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.", "1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	for name, c := range map[string]struct {
		zone Zone
		want []Control
	}{
		"RFC 5782 section 5, all families": {user, []Control{
			{"2.0.0.127.bl.example.org.", true, IPv4, netip.Addr{}},
			{"1.0.0.127.bl.example.org.", false, IPv4, netip.Addr{}},
			{mapped2 + "bl.example.org.", true, IPv6, netip.Addr{}},
			{mapped1 + "bl.example.org.", false, IPv6, netip.Addr{}},
			{"test.bl.example.org.", true, Name, netip.Addr{}},
			{"invalid.bl.example.org.", false, Name, netip.Addr{}},
		}},
		"names of the operator's own": {builtin(t, "spamhaus-dbl"), []Control{
			{"dbltest.com.dbl.spamhaus.org.", true, Name, netip.Addr{}},
			{"example.com.dbl.spamhaus.org.", false, Name, netip.Addr{}},
		}},
		"a test entry with a code of its own": {builtin(t, "suomispam-bl"), []Control{
			{"2.0.0.127.bl.suomispam.net.", true, IPv4, netip.MustParseAddr("127.0.0.99")},
			{"1.0.0.127.bl.suomispam.net.", false, IPv4, netip.Addr{}},
		}},
		"HostKarma must not be asked for 127.0.0.1": {builtin(t, "hostkarma"), []Control{
			{"2.0.0.127.hostkarma.junkemailfilter.com.", true, IPv4, netip.Addr{}},
			{"1.113.0.203.hostkarma.junkemailfilter.com.", false, IPv4, netip.Addr{}},
		}},
		"IPv6 in a zone of its own": {builtin(t, "sem-ipv6bl"), []Control{
			{mapped2 + "bl.ipv6.spameatingmonkey.net.", true, IPv6, netip.Addr{}},
			{mapped1 + "bl.ipv6.spameatingmonkey.net.", false, IPv6, netip.Addr{}},
		}},
		"a list without controls":                  {Zone{Zone: "bl.example.org", Families: []Family{IPv4}}, nil},
		"controls of families that are not served": {Zone{Zone: "bl.example.org", Families: []Family{IPv4}, Controls: RFC5782Controls(Name)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.zone.ControlQuestions(), sameAddr); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestJudgeControl(t *testing.T) {
	spamcop, suomi, zen, surbl := builtin(t, "spamcop"), builtin(t, "suomispam-bl"), builtin(t, "spamhaus-zen"), builtin(t, "surbl-multi")
	for name, c := range map[string]struct {
		zone   Zone
		listed bool // which control: the one that must be listed, or the other
		answer []string
		ok     bool
		class  Class
		why    string
	}{
		"listed is listed":                            {spamcop, true, []string{"127.0.0.2"}, true, Listed, ""},
		"clean is clean":                              {spamcop, false, nil, true, Clean, ""},
		"the test entry is missing":                   {spamcop, true, nil, false, Refused, "does not show its test entry"},
		"list the world inside 127/8 (lugh.ch)":       {spamcop, false, []string{"127.0.0.2"}, false, Unusable, "lists the world"},
		"praise for what must not exist":              {builtin(t, "mailspike-bl"), false, []string{"127.0.0.17"}, false, Unusable, "lists the world"},
		"a parked zone answers both":                  {spamcop, true, []string{"216.120.147.200"}, false, Unusable, "outside 127.0.0.0/8"},
		"a refusal of the listed control":             {zen, true, []string{"127.255.255.254"}, false, Refused, "free DQS key"},
		"a refusal of the clean control":              {zen, false, []string{"127.255.255.254"}, false, Refused, "free DQS key"},
		"SURBL refuses the clean control":             {surbl, false, []string{"127.0.0.1"}, false, Refused, "public"},
		"the certain code":                            {suomi, true, []string{"127.0.0.99"}, true, Informational, ""},
		"the certain code among others":               {suomi, true, []string{"127.0.0.2", "127.0.0.99"}, true, Listed, ""},
		"another code than the certain one":           {suomi, true, []string{"127.0.0.2"}, false, Unusable, "must be 127.0.0.99"},
		"a test entry may be informational (DroneBL)": {builtin(t, "dronebl"), true, []string{"127.0.0.1"}, true, Informational, ""},
		"127.0.0.1 of a filtering resolver":           {spamcop, true, []string{"127.0.0.1"}, false, Unusable, "means nothing"},
		"a sum of bits is an entry":                   {builtin(t, "uribl-multi"), true, []string{"127.0.0.14"}, true, Listed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var control Control
			for _, q := range c.zone.ControlQuestions() {
				if q.Want == c.listed {
					control = q
					break
				}
			}
			v, ok := c.zone.JudgeControl(control, addrs(c.answer...))
			if ok != c.ok || v.Class != c.class {
				t.Errorf("%v: %v, %s (%s); want %v, %s", c.answer, ok, v.Class, v.Why, c.ok, c.class)
			}
			if !strings.Contains(v.Why, c.why) || ok != (v.Why == "") {
				t.Errorf("why: %q, want %q in it", v.Why, c.why)
			}
			if !ok && v.Severity != "" {
				t.Errorf("a failed control has severity %q", v.Severity)
			}
		})
	}
}
