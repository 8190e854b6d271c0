package acceptance

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/probes"
)

var began = time.Date(2026, 11, 25, 9, 40, 0, 0, time.UTC)

// said is a knock that was answered with a greeting.
func said(t testing.TB, r *bounce.Rules, from, domain string, code int, text string) Knock {
	t.Helper()
	v := probes.Visit{Door: probes.Door{Host: "mx." + domain, Addr: netip.MustParseAddrPort("192.0.2.25:25")}, From: netip.MustParseAddr(from), Began: began, Stage: probes.StageGreeting,
		Greeting: probes.Reply{Code: code, Lines: []string{text}}, Transcript: []probes.Said{{Text: fmt.Sprint(code, " ", text)}, {Ours: true, Text: "QUIT"}}}
	if code == 220 {
		v.EHLO, v.Stage = probes.Reply{Code: 250, Lines: []string{"mx"}}, probes.StageDone
	}
	j := Read(r, v)
	return Knock{Origin: address(from), Receiver: Destination{Domain: domain}, Vendor: j.named(), Outcome: j.Outcome, Diagnostic: j.Diagnostic, Judgement: j.Judgement, Host: "mx." + domain, Visits: []probes.Visit{v}, At: began}
}

const talos = "Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means."

func TestSeveralReceiversOfOneVendorAreOneProblem(t *testing.T) {
	r := rules(t)
	all := []Knock{said(t, r, "192.0.2.10", "a.example", 554, talos), said(t, r, "192.0.2.10", "b.example", 554, talos), said(t, r, "192.0.2.10", "c.example", 220, "hello"),
		said(t, r, "192.0.2.11", "a.example", 554, talos)}
	findings, standing := Judge(all, JudgeOptions{Now: began})
	if len(findings) != 2 || len(standing) != 3 {
		t.Fatalf("%d findings, %d standing", len(findings), len(standing))
	}
	f := findings[0]
	if f.Key != (checks.Key{Check: CheckName, Target: "192.0.2.10", Source: "cisco-talos"}) || f.Severity != checks.Major || f.Code != checks.CodeShut ||
		f.Summary != "Cisco Talos refuses 192.0.2.10 at the door of a.example, b.example" {
		t.Errorf("%+v", f)
	}
	for name, want := range map[string]string{checks.FactVendor: "Cisco Talos", checks.FactRule: "talos-banner", checks.FactRemedy: "cisco-talos", checks.FactReceiver: "a.example",
		checks.FactRemote: "mx.a.example", checks.FactReply: "554", checks.FactCategory: "ip-reputation", checks.FactAddress: "192.0.2.10"} {
		if f.Facts[name] != want {
			t.Errorf("fact %s: %q, want %q", name, f.Facts[name], want)
		}
	}
	e := f.Evidence[0]
	if len(f.Evidence) != 2 || e.Question != "greeting at mx.a.example[192.0.2.25]:25 for a.example" || !strings.HasPrefix(e.Answer, "554 Your access") || e.Via != "SMTP from 192.0.2.10" ||
		!strings.HasSuffix(e.Reason, " / C: QUIT") || !e.At.Equal(began) {
		t.Errorf("evidence %+v", e)
	}
}

// One letter a receiver and round: x refused, o let in, ? no answer, . not asked; and what is found.
func TestWhatClosesAProblem(t *testing.T) {
	r := rules(t)
	for name, c := range map[string]struct {
		rounds []string // of receivers a, b
		want   string
	}{
		"let in again":                               {[]string{"x", "o"}, "problem ok"},
		"all that refused must let in":               {[]string{"xx", "ox", "?o", "oo"}, "problem problem ok -"},
		"no answer keeps it":                         {[]string{"x", "?", "?", "o"}, "problem unknown unknown ok"},
		"no answer opens nothing":                    {[]string{"??", "oo"}, "- -"},
		"one that answers does not speak for both":   {[]string{"xx", "?o", "o?"}, "problem unknown ok"},
		"what is not asked keeps it, without a word": {[]string{"xx", "..", "o.", ".o"}, "problem - - ok"},
		"another receiver may go on":                 {[]string{"xo", "ox"}, "problem problem"},
	} {
		t.Run(name, func(t *testing.T) {
			var standing []Standing
			var known []checks.Key
			var got []string
			for _, round := range c.rounds {
				var all []Knock
				for i, letter := range round {
					domain := string(rune('a'+i)) + ".example"
					k := Knock{Origin: address("192.0.2.10"), Receiver: Destination{Domain: domain}, Outcome: NoAnswer}
					switch letter {
					case 'x':
						k = said(t, r, "192.0.2.10", domain, 554, talos)
					case '.':
						k.Outcome = NotAsked
					case 'o':
						k = said(t, r, "192.0.2.10", domain, 220, "hello")
					}
					all = append(all, k)
				}
				var findings []checks.Finding
				findings, standing = Judge(all, JudgeOptions{Standing: standing, Known: known, Now: began})
				known = nil
				word := "-"
				if len(findings) == 1 {
					word = string(findings[0].Status)
					if findings[0].Status != checks.OK {
						known = []checks.Key{findings[0].Key}
					}
				} else if len(findings) > 1 {
					t.Fatalf("%d findings", len(findings))
				}
				got = append(got, word)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s, want %s", strings.Join(got, " "), c.want)
			}
		})
	}
}

func TestAnotherReasonIsAnotherProblem(t *testing.T) {
	r := rules(t)
	_, standing := Judge([]Knock{said(t, r, "192.0.2.10", "a.example", 554, talos)}, JudgeOptions{Now: began})
	findings, standing := Judge([]Knock{said(t, r, "192.0.2.10", "a.example", 554, "5.7.1 Client host [192.0.2.10] blocked using zen.spamhaus.org")}, JudgeOptions{Standing: standing, Now: began})
	if len(findings) != 2 || findings[0].Key.Source != "cisco-talos" || findings[0].Status != checks.OK || findings[1].Key.Source != "spamhaus-zen" || findings[1].Status != checks.Problem || len(standing) != 1 {
		t.Errorf("%+v", findings)
	}
}

// A problem of which nobody remembers the receivers is neither closed nor forgotten.
func TestAProblemWithoutReceiversIsUnknown(t *testing.T) {
	known := checks.Key{Check: CheckName, Target: "192.0.2.10", Source: "cisco-talos"}
	findings, _ := Judge(nil, JudgeOptions{Known: []checks.Key{known, {Check: "bounce", Target: "192.0.2.10", Source: "cisco-talos"}}, Now: began})
	if len(findings) != 1 || findings[0].Key != known || findings[0].Status != checks.Unknown {
		t.Errorf("%+v", findings)
	}
}

func TestSeverityByOurOwnMail(t *testing.T) {
	r := rules(t)
	deferred := said(t, r, "192.0.2.10", "a.example", 421, "4.7.0 [TSS04] Messages from 192.0.2.10 temporarily deferred due to unexpected volume or user complaints")
	for name, c := range map[string]struct {
		knock Knock
		share *Share
		want  checks.Severity
	}{
		"not counted":                 {said(t, r, "192.0.2.10", "a.example", 554, talos), nil, checks.Major},
		"too little to say":           {said(t, r, "192.0.2.10", "a.example", 554, talos), &Share{0, checks.MinMails - 1}, checks.Major},
		"a third of our mail":         {said(t, r, "192.0.2.10", "a.example", 554, talos), &Share{310, 1000}, checks.Critical},
		"a few in a hundred":          {said(t, r, "192.0.2.10", "a.example", 554, talos), &Share{30, 1000}, checks.Major},
		"hardly any":                  {said(t, r, "192.0.2.10", "a.example", 554, talos), &Share{4, 1000}, checks.Minor},
		"put off":                     {deferred, nil, checks.Minor},
		"a third of our mail put off": {deferred, &Share{310, 1000}, checks.Major},
	} {
		opt := JudgeOptions{Now: began}
		if c.share != nil {
			opt.Share = func(string) (Share, bool) { return *c.share, true }
		}
		findings, _ := Judge([]Knock{c.knock}, opt)
		if len(findings) != 1 || findings[0].Severity != c.want {
			t.Errorf("%s: %+v, want %s", name, findings, c.want)
		}
	}
}

// Whatever a server says, it forges no line and opens nothing unless it refuses; and what gives no answer
// leaves what is known as it is.
func TestKnocksKeepTheInvariants(t *testing.T) {
	r := rules(t)
	rapid.Check(t, func(rt *rapid.T) {
		var standing []Standing
		for range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			var all []Knock
			for _, domain := range []string{"a.example", "b.example"} {
				code := rapid.SampledFrom([]int{0, 220, 421, 450, 521, 554}).Draw(rt, "code")
				if code == 0 {
					all = append(all, Knock{Origin: address("192.0.2.10"), Receiver: Destination{Domain: domain}, Outcome: rapid.SampledFrom([]Outcome{NoAnswer, Busy, NotAsked}).Draw(rt, "outcome")})
					continue
				}
				text := rapid.SampledFrom([]string{talos, "", "mx", "5.7.1 blocked using zen.spamhaus.org\x1b]0;x\a\r\n220 yes", "\u202e</script><!channel>"}).Draw(rt, "text")
				all = append(all, said(t, r, "192.0.2.10", domain, code, text))
			}
			findings, after := Judge(all, JudgeOptions{Standing: standing, Now: began})
			refused := slices.ContainsFunc(all, func(k Knock) bool { return k.Outcome == Refused })
			answered := slices.ContainsFunc(all, func(k Knock) bool { return k.Outcome == Refused || k.Outcome == Accepted })
			for _, f := range findings {
				if f.Status == checks.Problem && !refused || f.Status == checks.OK && !answered || f.Status == checks.Problem && f.Severity == "" {
					rt.Fatalf("%s of %+v", f.Status, all)
				}
				texts := slices.AppendSeq([]string{f.Summary}, maps.Values(f.Facts))
				for _, e := range f.Evidence {
					texts = append(texts, e.Question, e.Answer, e.Reason, e.Via)
				}
				for _, text := range texts {
					if checks.Line(text, 0) != text {
						rt.Fatalf("%q is not one line of plain text", text)
					}
				}
			}
			if !answered && len(after) != len(standing) {
				rt.Fatalf("no answer, and %d became %d", len(standing), len(after))
			}
			standing = after
		}
	})
}
