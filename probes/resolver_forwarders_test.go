package probes

import (
	"errors"
	"strings"
	"testing"

	"reputed/probes/probestest"
)

func TestForwardersAreAskedToRecurseAndBelievedWithoutAA(t *testing.T) {
	r, site, _ := delegated(t, probestest.ZoneNormal, true)
	for name, aa := range map[string]bool{"a resolver": false, "a mirror": true} {
		t.Run(name, func(t *testing.T) {
			d := probestest.StartDNS(t, probestest.Zone{Name: "bl.example", Authoritative: aa})
			d.SetListed("bl.example", "192.0.2.10", "")
			at, err := Forwarders([]string{d.Addr().String()})
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{"10.2.0.192.bl.example.": "127.0.0.2", "11.2.0.192.bl.example.": "NXDOMAIN"} {
				a, err := r.AskOne(t.Context(), Question{Name: name, Type: TypeA, At: at})
				if err != nil || a.String() != want || a.Authoritative != aa || a.Server != d.Addr().String() {
					t.Errorf("%s: %+v, %v", name, a, err)
				}
			}
			if c := d.Asked("bl.example"); c.All != 2 || c.Recursive != 2 {
				t.Errorf("asked %+v, want twice and with recursion", c)
			}
		})
	}
	if c := site.Asked("bl.example"); c.All != 0 {
		t.Errorf("the resolver was asked: %+v", c)
	}
}

// A mirror that does not hold the zone may refer to those who do: that is no answer.
func TestAReferralOfAForwarderIsNoAnswer(t *testing.T) {
	r, _, _ := delegated(t, probestest.ZoneNormal, true)
	d := probestest.StartDNS(t, probestest.Zone{Name: "bl.example", Mode: probestest.ZoneReferral})
	at, err := Forwarders([]string{d.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := r.AskOne(t.Context(), Question{Name: "10.2.0.192.bl.example.", Type: TypeA, At: at}); !errors.Is(err, ErrServFail) {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestForwardersAreAddresses(t *testing.T) {
	at, err := Forwarders([]string{"192.0.2.53", "[2001:db8::53]:5302"})
	if err != nil || strings.Join(at.Names(), " ") != "192.0.2.53:53 [2001:db8::53]:5302" {
		t.Errorf("%v, %v", at, err)
	}
	for _, text := range []string{"", "mirror.example.org", "192.0.2.53:0"} {
		if _, err := Forwarders([]string{"192.0.2.53", text}); err == nil || !strings.HasPrefix(err.Error(), `forwarder "`+text+`" is not an address`) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A list that is silent at one place may answer at the other, at the operator's one pace.
func TestForwardersAreAGroupOfTheirOwn(t *testing.T) {
	r, _, _ := delegated(t, probestest.ZoneNormal, true)
	r.paces = map[string]*pace{"operator": {}}
	ro := &round{Resolver: r, groups: map[groupKey]*group{}}
	at, err := Forwarders([]string{"192.0.2.53"})
	if err != nil {
		t.Fatal(err)
	}
	through, there := ro.group(Question{Group: "operator"}), ro.group(Question{Group: "operator", At: at})
	if through == there || through.pace != there.pace || through.pace == nil {
		t.Errorf("%+v and %+v", through, there)
	}
	if mirror := ro.group(Question{Group: "operator", At: at.Unlimited()}); mirror == there || mirror.pace != nil || mirror.limit == 0 {
		t.Errorf("the operator's limits hold at a mirror: %+v", mirror)
	}
	if own := ro.group(Question{Group: "operator", At: newServers(nil)}); own != through {
		t.Error("the name servers are not the operator's")
	}
	if again := ro.group(Question{Group: "operator", At: at}); again != there {
		t.Error("a new group for each question")
	}
}
