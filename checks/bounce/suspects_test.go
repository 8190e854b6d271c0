package bounce

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSuspects(t *testing.T) {
	onset := time.Date(2026, 11, 25, 9, 40, 0, 0, time.UTC)
	hour := func(kind OriginKind, name string, ago, mails, unknown, refused int) SenderHour {
		return SenderHour{Origin: Origin{kind, name}, At: onset.Truncate(time.Hour).Add(-time.Duration(ago) * time.Hour), Mails: mails, Unknown: unknown, Refused: refused}
	}
	// usual is a week in which everybody sends ten mails an hour.
	usual := func(names ...string) (all []SenderHour) {
		for _, name := range names {
			for ago := 0; ago < 150; ago++ {
				all = append(all, hour(OriginLogin, name, ago, 10, 0, 0))
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		hours []SenderHour
		want  []string
		known bool
	}{
		"no data":                         {nil, nil, false},
		"only before the hours looked at": {[]SenderHour{hour(OriginLogin, "kim", 100, 50, 0, 0)}, nil, false},
		"nothing unusual":                 {usual("kim", "lea"), nil, true},
		"a stolen login": {append(usual("kim", "lea"), hour(OriginLogin, "kim", 1, 2000, 300, 0)),
			[]string{"login kim: 2,130 mails in 14 hours, usual are 140; 300 of 2,130 mails to unknown users"}, true},
		"one never seen before": {append(usual("kim"), hour(OriginClient, "user www-data (uid 33)", 1, 60, 0, 0)),
			[]string{"client user www-data (uid 33): 60 mails in 14 hours, never seen before"}, true},
		"few mails are no volume": {append(usual("kim"), hour(OriginLogin, "lea", 1, 49, 0, 0)), nil, true},
		"a bought list":           {append(usual("kim"), hour(OriginSender, "news@example.org", 1, 400, 8, 0), hour(OriginSender, "news@example.org", 100, 9000, 8, 0)), nil, true},
		"without history, by the share": {[]SenderHour{hour(OriginLogin, "kim", 1, 900, 0, 0), hour(OriginLogin, "lea", 1, 10, 0, 0), hour(OriginLogin, "max", 1, 10, 0, 0)},
			[]string{"login kim: 900 of 920 mails in 14 hours, and nothing is known of what is usual"}, true},
		"the only one is no suspect": {[]SenderHour{hour(OriginStream, "smtp on mx1", 1, 900, 0, 50)}, nil, true},
		"most refusals": {append(usual("kim", "lea"), hour(OriginLogin, "lea", 0, 0, 0, 9), hour(OriginLogin, "kim", 0, 0, 0, 1)),
			[]string{"login lea: 9 of all 10 refusals"}, true},
		"reports alone": {[]SenderHour{hour(OriginSender, "@example.org", 1, 0, 12, 3), hour(OriginSender, "@example.com", 1, 0, 0, 1)},
			[]string{"sender @example.org: 12 mails to unknown users"}, true},
		"complaints": {[]SenderHour{{Origin: Origin{OriginSender, "@example.org"}, At: onset.Truncate(time.Hour), Complaints: 3}},
			[]string{"sender @example.org: 3 complaints"}, true},
		"what came after is consequence": {append(usual("kim"), hour(OriginLogin, "kim", -5, 9000, 900, 0)), nil, true},
		"more reasons come first": {append(usual("kim", "lea"), hour(OriginLogin, "kim", 1, 9000, 0, 0), hour(OriginLogin, "lea", 1, 900, 90, 0)),
			[]string{"login lea: 1,030 mails in 14 hours, usual are 140; 90 of 1,030 mails to unknown users", "login kim: 9,130 mails in 14 hours, usual are 140"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got := Suspects(c.hours, onset)
			var lines []string
			for _, s := range got.Suspects {
				lines = append(lines, s.String())
			}
			if strings.Join(lines, "\n") != strings.Join(c.want, "\n") || got.Known != c.known {
				t.Errorf("known %v, got\n%s\nwant %v\n%s", got.Known, strings.Join(lines, "\n"), c.known, strings.Join(c.want, "\n"))
			}
		})
	}
}

// Whoever does more of what is suspicious does not fall in rank, and order of the hours is of no matter.
func TestSuspectsDoNotHangOnTheOrderOfHours(t *testing.T) {
	onset := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		var hours []SenderHour
		for i := range rapid.IntRange(0, 30).Draw(t, "hours") {
			hours = append(hours, SenderHour{Origin: Origin{rapid.SampledFrom(originKinds).Draw(t, "kind"), rapid.SampledFrom([]string{"kim", "lea", "max"}).Draw(t, "name")},
				At: onset.Add(-time.Duration(rapid.IntRange(-3, 200).Draw(t, fmt.Sprint("ago", i))) * time.Hour), Mails: rapid.IntRange(0, 500).Draw(t, "mails"),
				Unknown: rapid.IntRange(0, 50).Draw(t, "unknown"), Refused: rapid.IntRange(0, 50).Draw(t, "refused")})
		}
		a := Suspects(hours, onset)
		b := Suspects(rapid.Permutation(hours).Draw(t, "shuffled"), onset)
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("got %v\nand %v", a, b)
		}
		if len(a.Suspects) > maxSuspects || !a.Known && len(a.Suspects) > 0 {
			t.Fatalf("%+v", a)
		}
		for _, s := range a.Suspects {
			if len(s.Reasons) == 0 {
				t.Fatalf("a suspect without a reason: %+v", s)
			}
		}
	})
}
