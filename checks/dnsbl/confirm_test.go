package dnsbl

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

const (
	positive = "2.0.0.127.bl.example. A"
	negative = "1.0.0.127.bl.example. A"
	question = "10.2.0.192.bl.example. A"
)

// history answers each question with what the table says, from the second
// asking on with what it says second.
func history(table map[string][2]string) func(probes.Question, int) (probes.Answer, error) {
	return func(q probes.Question, nth int) (probes.Answer, error) {
		switch said := table[q.String()][min(nth, 1)]; said {
		case "":
			return no("bl.example."), nil
		case "timeout":
			return probes.Answer{}, probes.ErrTimeout
		default:
			return yes(strings.Fields(said)...), nil
		}
	}
}

func TestANewListingIsAskedAgain(t *testing.T) {
	works := [2]string{"127.0.0.2", "127.0.0.2"}
	for name, c := range map[string]struct {
		table map[string][2]string
		known bool
		want  string // code of the finding about the target
		state State
		again string // the answers in its evidence
	}{
		"and stands":                      {map[string][2]string{positive: works, question: {"127.0.0.4", "127.0.0.4"}}, false, "dnsbl.listed", Working, "127.0.0.4, 127.0.0.4"},
		"and the newer answer counts":     {map[string][2]string{positive: works, question: {"127.0.0.4", "127.0.0.5"}}, false, "dnsbl.listed", Working, "127.0.0.4, 127.0.0.5"},
		"and is gone: nobody knows":       {map[string][2]string{positive: works, question: {"127.0.0.4", ""}}, false, "dnsbl.unknown", Working, "127.0.0.4, NXDOMAIN"},
		"and there is no answer":          {map[string][2]string{positive: works, question: {"127.0.0.4", "timeout"}}, false, "dnsbl.unknown", Working, "127.0.0.4, no answer"},
		"and the list refuses by now":     {map[string][2]string{positive: works, question: {"127.0.0.4", "127.255.255.254"}}, false, "dnsbl.unknown", Refused, "127.0.0.4, 127.255.255.254"},
		"and the list lists the world":    {map[string][2]string{positive: works, negative: {"", "127.0.0.2"}, question: {"127.0.0.4", "127.0.0.4"}}, false, "dnsbl.unknown", Unusable, "127.0.0.4, not asked"},
		"and its controls have no answer": {map[string][2]string{positive: {"127.0.0.2", "timeout"}, question: {"127.0.0.4", "127.0.0.4"}}, false, "dnsbl.unknown", Unknown, "127.0.0.4, not asked"},
		"but an old one is not":           {map[string][2]string{positive: works, question: {"127.0.0.4", ""}}, true, "dnsbl.listed", Working, "127.0.0.4"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asker := &script{answer: history(c.table)}
				known := none
				if c.known {
					known = func(k checks.Key) bool { return k.Target == "192.0.2.10" }
				}
				start := time.Now()
				got := runCheck(t.Context(), Check{Asker: asker, Zones: []blocklists.Zone{list4("bl")}, Options: Options{Confirm: 15 * time.Second}}, known, addr("192.0.2.10"))
				fs := got.about("192.0.2.10")
				if len(fs) != 1 || string(fs[0].Code) != c.want {
					t.Fatalf("told %+v, want %s", fs, c.want)
				}
				var answers []string
				for _, ev := range fs[0].Evidence {
					answers = append(answers, ev.Answer)
				}
				if a := strings.Join(answers, ", "); a != c.again {
					t.Errorf("answers %s, want %s", a, c.again)
				}
				if s := got.list("bl").State; s != c.state {
					t.Errorf("state %s, want %s", s, c.state)
				}
				if l := got.list("bl"); l.Pairs() != 1 {
					t.Errorf("counts %+v", l.Counts)
				}
				if c.known {
					return
				}
				if waited := time.Since(start); waited != 15*time.Second {
					t.Errorf("waited %v", waited)
				}
				if gap := fs[0].Evidence[1].At.Sub(fs[0].Evidence[0].At); gap != 15*time.Second {
					t.Errorf("the answers are %v apart", gap)
				}
			})
		})
	}
}

func TestTheSecondAnswerComesFromAnotherServer(t *testing.T) {
	one, two := probestest.StartDNS(t, probestest.Zone{Name: "bl.example"}), probestest.StartDNS(t, probestest.Zone{Name: "bl.example"})
	one.SetListed("bl.example", "192.0.2.10", "said by one")
	one.SetListed("bl.example", "192.0.2.11", "said by one")
	two.SetListed("bl.example", "192.0.2.11", "said by two")
	r := resolver(t, nil, probes.ResolverOptions{Servers: []string{one.Addr().String(), two.Addr().String()}})
	got := runCheck(t.Context(), Check{Asker: r, Zones: []blocklists.Zone{list4("bl")}, Options: Options{Confirm: time.Nanosecond}}, none, addr("192.0.2.10"), addr("192.0.2.11"))
	if codes := strings.Join(got.codes(), " "); codes != "dnsbl.listed dnsbl.unknown" {
		t.Fatalf("told %s", codes)
	}
	for _, f := range got.findings {
		if f.Evidence[0].Via != one.Addr().String() || f.Evidence[1].Via != two.Addr().String() {
			t.Errorf("%s: by way of %s, then %s", f.Key.Target, f.Evidence[0].Via, f.Evidence[1].Via)
		}
		if want := map[bool]checks.Code{true: checks.CodeListed, false: checks.CodeNoAnswer}[f.Key.Target == "192.0.2.11"]; f.Code != want {
			t.Errorf("%s: %s, want %s", f.Key.Target, f.Code, want)
		}
	}
}

func TestARunThatIsCutShortTellsNothingUnproved(t *testing.T) {
	for name, c := range map[string]struct {
		at      string // the run ends when this is asked
		confirm time.Duration
		want    string
	}{
		"during the controls":     {positive, 0, ""},
		"during the targets":      {"12.2.0.192.bl.example. A", 0, "dnsbl.listed"},
		"before the confirmation": {"12.2.0.192.bl.example. A", time.Hour, ""},
		"during the confirmation": {"second", time.Hour, ""},
		"during the reasons":      {"10.2.0.192.bl.example. TXT", 0, "dnsbl.listed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				table := history(map[string][2]string{positive: {"127.0.0.2", "127.0.0.2"}, question: {"127.0.0.4", "127.0.0.4"}})
				asker := &script{answer: func(q probes.Question, nth int) (probes.Answer, error) {
					if q.String() == c.at || c.at == "second" && q.String() == question && nth == 1 {
						cancel()
						return probes.Answer{}, ctx.Err()
					}
					return table(q, nth)
				}}
				got := runCheck(ctx, Check{Asker: asker, Zones: []blocklists.Zone{list4("bl")}, Options: Options{Confirm: c.confirm}},
					func(k checks.Key) bool { return k.Target == "192.0.2.12" }, addr("192.0.2.10"), addr("192.0.2.11"), addr("192.0.2.12"), addr("192.0.2.13"))
				if !errors.Is(got.err, context.Canceled) {
					t.Errorf("error %v", got.err)
				}
				if codes := strings.Join(got.codes(), " "); codes != c.want && codes != strings.TrimSpace("dnsbl.clean "+c.want) {
					t.Errorf("told %q, want %q", codes, c.want)
				}
				if got.result.Blind || got.list("bl").Unknown != 0 {
					t.Errorf("result %+v", got.result)
				}
			})
		})
	}
}

// silentAfter answers the controls of two lists, and of one of them only every
// so many questions about targets; 0 is never.
func silentAfter(every int) *script {
	n := 0
	return &script{window: 4, answer: func(q probes.Question, _ int) (probes.Answer, error) {
		switch {
		case controlOf(q.Name) == "127.0.0.2":
			return yes("127.0.0.2"), nil
		case q.Group == "Operator of bl" && q.String() != negative:
			if n++; every == 0 || n%every != 0 {
				return probes.Answer{}, probes.ErrTimeout
			}
		}
		return no("other.example."), nil
	}}
}

func TestAListThatLosesSomeAnswersIsStillAsked(t *testing.T) {
	drawn := 0
	targets := slices.Collect(many(200, &drawn))
	got := runCheck(t.Context(), Check{Asker: silentAfter(2), Zones: []blocklists.Zone{list4("bl"), list4("other")}}, none, targets...)
	if l := got.list("bl"); l.Asked != 200 || l.Unknown != 100 || l.Clean != 100 || l.State != Working {
		t.Errorf("list %+v", l)
	}
}

func TestAListThatFallsSilentIsLeftAlone(t *testing.T) {
	drawn := 0
	targets := slices.Collect(many(200, &drawn))
	got := runCheck(t.Context(), Check{Asker: silentAfter(0), Zones: []blocklists.Zone{list4("bl"), list4("other")}}, none, targets...)
	l := got.list("bl")
	if l.Asked < silenceLimit || l.Asked > silenceLimit+5 || l.Unknown != 200 || l.State != Unknown {
		t.Errorf("asked %d, list %+v", l.Asked, l)
	}
	if o := got.list("other"); o.Clean != 200 || o.State != Working {
		t.Errorf("the other: %+v", o)
	}
	if codes := strings.Join(got.codes(), " "); codes != "list.unknown" || !strings.Contains(got.findings[0].Facts[checks.FactInstruction], "fell silent") || len(got.findings[0].Evidence) != 1 {
		t.Errorf("told %+v", got.findings)
	}
}
