package blocklists

import (
	"net/netip"
	"strings"
	"testing"
)

func score(t *testing.T, id string) Score {
	t.Helper()
	for _, s := range builtinCatalog(t).Scores {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("no score %q", id)
	return Score{}
}

func TestRate(t *testing.T) {
	for name, c := range map[string]struct {
		score   string
		codes   string
		class   Class
		number  int // -1: none
		neutral bool
	}{
		"the last octet is the score":                {"senderscore", "127.0.4.62", Informational, 62, false},
		"a score of zero is a number":                {"senderscore", "127.0.4.0", Informational, 0, false},
		"a good score":                               {"senderscore", "127.0.4.97", Good, 97, false},
		"what the operator calls neutral":            {"senderscore", "127.0.4.85", Informational, 85, true},
		"no entry is no zero":                        {"senderscore", "", Clean, -1, false},
		"over the quota is no score":                 {"senderscore", "127.255.255.255", Refused, -1, false},
		"a number outside the scale is not read":     {"senderscore", "127.0.4.200", Informational, -1, true},
		"a parked zone is no score":                  {"senderscore", "203.0.113.9", Unusable, -1, false},
		"bad, as the operator calls it":              {"mailspike-rep", "127.0.0.11", Listed, 11, false},
		"suspicious is not neutral":                  {"mailspike-rep", "127.0.0.13", Informational, 13, false},
		"praise in an allow list":                    {"dnswl", "127.0.9.2", Good, 2, false},
		"the resolver is blocked":                    {"dnswl", "127.0.0.255", Refused, -1, false},
		"the zone's blame is not for the score":      {"hostkarma-white", "127.0.0.2", Informational, -1, true},
		"127.0.0.1 is praise where the table has it": {"hostkarma-white", "127.0.0.1", Good, -1, false},
		"of two numbers the worse counts":            {"senderscore", "127.0.4.95 127.0.4.40", Informational, 40, false},
	} {
		t.Run(name, func(t *testing.T) {
			var addrs []netip.Addr
			for _, s := range strings.Fields(c.codes) {
				addrs = append(addrs, netip.MustParseAddr(s))
			}
			got := score(t, c.score).Rate(addrs)
			number := -1
			if got.Numbered {
				number = got.Number
			}
			if got.Class != c.class || number != c.number || got.Neutral != c.neutral {
				t.Errorf("got %v %d neutral=%v, want %v %d neutral=%v", got.Class, number, got.Neutral, c.class, c.number, c.neutral)
			}
		})
	}
}

func TestAScoreOfOnesOwnNeedsLittle(t *testing.T) {
	s, err := ScoreSpec{ID: "mine", ZoneName: "Score.Example.ORG", Octet: 4, Worst: 100, Best: 0, Below: 50,
		Codes: []CodeSpec{{Match: "127.0.0.0-127.0.0.100", Meaning: "how bad"}}}.UserScore()
	if err != nil {
		t.Fatal(err)
	}
	if name := s.List().QueryName(netip.MustParseAddr("192.0.2.10")); name != "10.2.0.192.score.example.org." {
		t.Errorf("asks %q", name)
	}
	r := s.Rate([]netip.Addr{netip.MustParseAddr("127.0.0.7"), netip.MustParseAddr("127.0.0.90")})
	if !r.Numbered || r.Number != 90 {
		t.Errorf("got %+v, want 90: on this scale less is better", r)
	}
	for name, spec := range map[string]ScoreSpec{
		"a scale without a number":     {ID: "mine", ZoneName: "score.example.org", Best: 100, Codes: []CodeSpec{{Match: "127.0.0.2", Meaning: "m"}}},
		"no scale":                     {ID: "mine", ZoneName: "score.example.org", Octet: 4, Codes: []CodeSpec{{Match: "127.0.0.2", Meaning: "m"}}},
		"a threshold beside the scale": {ID: "mine", ZoneName: "score.example.org", Octet: 4, Best: 10, Below: 70, Codes: []CodeSpec{{Match: "127.0.0.2", Meaning: "m"}}},
		"a refusal as a rating":        {ID: "mine", ZoneName: "score.example.org", Codes: []CodeSpec{{Match: "127.255.255.254", Meaning: "m"}}},
		"no codes":                     {ID: "mine", ZoneName: "score.example.org"},
		"facts":                        {ID: "mine", ZoneName: "score.example.org", Kind: ScoreInfo, Codes: []CodeSpec{{Match: "127.0.0.2", Meaning: "m"}}},
	} {
		if _, err := spec.UserScore(); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}
