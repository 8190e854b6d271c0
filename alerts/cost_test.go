package alerts

import (
	"testing"

	"reputed/checks"
)

func TestCostIsToldOnlyWhereMailMayBeRefused(t *testing.T) {
	member := func(c checks.Code, kind checks.Kind) Member {
		return Member{Finding: checks.Finding{Code: c, Target: checks.Target{Kind: kind}}}
	}
	refused := checks.Impact{Receivers: []checks.ReceiverImpact{{Receiver: "example.net", Refused: checks.Count{N: 1, Counted: true}}}}
	delivered := checks.Impact{Delivered: checks.Count{N: 100, Counted: true}}
	listed, ptr, certificate := member(checks.CodeListed, checks.KindAddress), member(checks.CodeNoPTR, checks.KindAddress), member(checks.CodeCertificate, checks.KindAddress)
	for name, c := range map[string]struct {
		members []Member
		impact  checks.Impact
		want    bool
	}{
		"a listing":                                 {[]Member{listed}, checks.Impact{}, true},
		"no PTR, and nothing refused":               {[]Member{ptr}, delivered, false},
		"no PTR, and mail refused":                  {[]Member{ptr}, refused, true},
		"a certificate, also where mail is refused": {[]Member{certificate}, refused, false},
		"a certificate together with a listing":     {[]Member{certificate, listed}, delivered, true},
		"the monitor":                               {[]Member{member(checks.CodeLog, checks.KindMonitor)}, delivered, false},
		"a list":                                    {[]Member{member(checks.CodeListRefused, checks.KindList)}, checks.Impact{}, false},
	} {
		if got := (Incident{Members: c.members, Impact: c.impact}).CostsMail(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
