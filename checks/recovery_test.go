package checks

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRecovery(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 25, hour, 0, 0, 0, time.UTC) }
	seen := Count{N: 10, Counted: true}
	refuses := func(receiver string, last, accepted int, delivered Count) ReceiverImpact {
		r := ReceiverImpact{Receiver: receiver, Vendor: "Cisco Talos", Refused: Count{1, true}, Last: at(last), Delivered: delivered}
		if accepted > 0 {
			r.Accepted = at(accepted)
		}
		return r
	}
	for name, c := range map[string]struct {
		in   []ReceiverImpact
		want Recovery
		text string
	}{
		"some are back": {[]ReceiverImpact{refuses("a.example", 7, 8, seen), refuses("b.example", 6, 9, seen), refuses("c.example", 9, 0, seen), refuses("d.example", 5, 0, seen)},
			Recovery{Vendor: "Cisco Talos", Receivers: 4, Again: 2, Counted: true, Last: at(9), First: at(8), Waiting: []string{"c.example", "d.example"}},
			"Cisco Talos: 2 of 4 receivers take us again"},
		"all are back": {[]ReceiverImpact{refuses("a.example", 7, 8, seen), refuses("b.example", 6, 9, seen)},
			Recovery{Vendor: "Cisco Talos", Receivers: 2, Again: 2, Counted: true, Last: at(7), First: at(8)},
			"Cisco Talos: all 2 receivers take us again"},
		"silence without a log is no recovery": {[]ReceiverImpact{refuses("a.example", 7, 0, Count{})},
			Recovery{Vendor: "Cisco Talos", Receivers: 1, Last: at(7), Waiting: []string{"a.example"}},
			"Cisco Talos: no log says whether mail is taken again"},
		"one that is not back": {[]ReceiverImpact{refuses("a.example", 7, 0, seen)},
			Recovery{Vendor: "Cisco Talos", Receivers: 1, Counted: true, Last: at(7), Waiting: []string{"a.example"}},
			"Cisco Talos: has not taken a mail since"},
		"a receiver without a vendor stands for itself": {[]ReceiverImpact{{Receiver: "a.example", Deferred: Count{2, true}, Last: at(7), Accepted: at(9), Delivered: seen}},
			Recovery{Vendor: "a.example", Receivers: 1, Again: 1, Counted: true, Last: at(7), First: at(9)},
			"a.example: takes us again"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Impact{Receivers: c.in}.Recoveries()
			if len(got) != 1 {
				t.Fatalf("got %+v", got)
			}
			if d := cmp.Diff(c.want, got[0]); d != "" || got[0].String() != c.text {
				t.Errorf("%q, want %q; -want +got:\n%s", got[0], c.text, d)
			}
		})
	}
	if got := (Impact{Receivers: []ReceiverImpact{{Receiver: "a.example", Delivered: seen}}}).Recoveries(); got != nil {
		t.Errorf("a receiver that refused nothing has nothing to come back from: %+v", got)
	}
}
