package checks

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCosts(t *testing.T) {
	n := func(n int) Count { return Count{N: n, Counted: true} }
	since, first := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC), time.Date(2026, 11, 25, 9, 40, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		impact Impact
		want   []Cost
	}{
		"nothing counted":              {Impact{}, []Cost{{Text: "mail is not counted here"}}},
		"watched, and none came":       {Impact{Watched: since}, []Cost{{Text: "deliveries are not counted here; no refusal has come back", Since: since}}},
		"a share":                      {Impact{Since: since, Receivers: []ReceiverImpact{{Receiver: "Microsoft", Vendor: "Microsoft", Refused: n(41), Delivered: n(171), First: first}}}, []Cost{{"41 of 212 mails to Microsoft refused", first}}},
		"who refused, where it is not": {Impact{Receivers: []ReceiverImpact{{Receiver: "example.net", Vendor: "Cisco Talos", Refused: n(2)}}}, []Cost{{Text: "2 mails to example.net refused (Cisco Talos)"}}},
		"no share of few mails":        {Impact{Receivers: []ReceiverImpact{{Receiver: "example.net", Refused: n(2), Delivered: n(1)}}}, []Cost{{Text: "2 mails to example.net refused"}}},
		"one mail":                     {Impact{Receivers: []ReceiverImpact{{Receiver: "example.net", Refused: n(1)}}}, []Cost{{Text: "1 mail to example.net refused"}}},
		"deferred":                     {Impact{Receivers: []ReceiverImpact{{Receiver: "example.net", Deferred: n(7)}}}, []Cost{{Text: "7 mails to example.net deferred"}}},
		"both":                         {Impact{Receivers: []ReceiverImpact{{Receiver: "example.net", Refused: n(1), Deferred: n(7)}}}, []Cost{{Text: "8 mails to example.net refused or deferred"}}},
		"most first, then the rest": {
			Impact{Receivers: []ReceiverImpact{{Receiver: "a.example", Refused: n(1)}, {Receiver: "b.example", Refused: n(3)}, {Receiver: "c.example", Refused: n(2)}, {Receiver: "d.example", Refused: n(1)}}},
			[]Cost{{Text: "3 mails to b.example refused"}, {Text: "2 mails to c.example refused"}, {Text: "2 mails to 2 other receivers"}},
		},
		"one more is named": {
			Impact{Receivers: []ReceiverImpact{{Receiver: "a.example", Refused: n(4)}, {Receiver: "b.example", Refused: n(3)}, {Receiver: "c.example", Vendor: "Cisco Talos", Refused: n(2)}}},
			[]Cost{{Text: "4 mails to a.example refused"}, {Text: "3 mails to b.example refused"}, {Text: "2 mails to c.example refused (Cisco Talos)"}},
		},
		"refused before deferred": {
			Impact{Receivers: []ReceiverImpact{{Receiver: "a.example", Deferred: n(25)}, {Receiver: "b.example", Refused: n(3)}}},
			[]Cost{{Text: "3 mails to b.example refused"}, {Text: "25 mails to a.example deferred"}},
		},
		"delivered without a refusal":       {Impact{Since: since, Receivers: []ReceiverImpact{{Receiver: "example.net", Delivered: n(3120)}}}, []Cost{{"3,120 mails delivered, no refusal", since}}},
		"nothing delivered yet is no proof": {Impact{Since: since, Delivered: n(0)}, []Cost{{"no mail counted", since}}},
		"looked for, not seen":              {Impact{Receivers: []ReceiverImpact{{Receiver: "example.net", Refused: n(0)}}}, []Cost{{Text: "no refusal seen"}}},
		"receivers of one vendor are told together": {
			Impact{Receivers: []ReceiverImpact{
				{Receiver: "outlook.example", Vendor: "Microsoft", Refused: n(30), Delivered: n(100), First: first},
				{Receiver: "a.example", Refused: n(20), First: first},
				{Receiver: "hotmail.example", Vendor: "Microsoft", Refused: n(1), Deferred: n(10), Delivered: n(71), First: since},
			}},
			[]Cost{{"41 of 212 mails to Microsoft (2 domains) refused or deferred", since}, {"20 mails to a.example refused", first}},
		},
		"together they are most, and one that took all is none of them": {
			Impact{Receivers: []ReceiverImpact{
				{Receiver: "a.example", Refused: n(3)}, {Receiver: "b.example", Vendor: "Cisco Talos", Refused: n(2)}, {Receiver: "c.example", Vendor: "Cisco Talos", Refused: n(2)},
				{Receiver: "d.example", Vendor: "Google", Refused: n(1)}, {Receiver: "e.example", Vendor: "Google", Refused: n(0), Delivered: n(9)}, {Receiver: "f.example", Refused: n(1)},
			}},
			[]Cost{{Text: "4 mails to Cisco Talos (2 domains) refused"}, {Text: "3 mails to a.example refused"}, {Text: "2 mails to 2 other receivers"}},
		},
		"those of a vendor that alone is left over are named": {
			Impact{Receivers: []ReceiverImpact{
				{Receiver: "a.example", Refused: n(5)}, {Receiver: "b.example", Refused: n(4)}, {Receiver: "c.example", Vendor: "Google", Refused: n(1)}, {Receiver: "d.example", Vendor: "Google", Refused: n(1)},
			}},
			[]Cost{{Text: "5 mails to a.example refused"}, {Text: "4 mails to b.example refused"}, {Text: "2 mails to Google (2 domains) refused"}},
		},
		"those of a vendor that are left over with others are counted": {
			Impact{Receivers: []ReceiverImpact{
				{Receiver: "a.example", Refused: n(5)}, {Receiver: "b.example", Refused: n(4)}, {Receiver: "c.example", Vendor: "Google", Refused: n(1)}, {Receiver: "d.example", Vendor: "Google", Refused: n(1)}, {Receiver: "e.example", Refused: n(1)},
			}},
			[]Cost{{Text: "5 mails to a.example refused"}, {Text: "4 mails to b.example refused"}, {Text: "3 mails to 3 other receivers"}},
		},
		"names are cleaned": {Impact{Receivers: []ReceiverImpact{{Receiver: "a\nb\u202e", Refused: n(1)}}}, []Cost{{Text: "1 mail to a b refused"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.impact.Costs(2)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlural(t *testing.T) {
	for want, got := range map[string]string{
		"1 mail": Plural(1, "mail"), "0 mails": Plural(0, "mail"), "3,120 mails": Plural(3120, "mail"), "1 address": Plural(1, "address"), "2 addresses": Plural(2, "address"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
