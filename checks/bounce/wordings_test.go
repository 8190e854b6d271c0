package bounce

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reputed/blocklists"
	"reputed/checks/bounce/rules"
)

// refusedWith is a refusal as the store keeps it, judged by the rules.
func refusedWith(r *Rules, text, domain string, at time.Time) Bounce {
	d, _ := diagnose(text)
	b := Bounce{Action: Failed, Domain: domain, Diagnostic: d, At: at}
	b.Judgement = r.Classify(d, "")
	return b
}

func TestWordingsFallTogether(t *testing.T) {
	r := builtinRules(t)
	at := time.Date(2026, 11, 25, 9, 40, 0, 0, time.UTC)
	var w Wordings
	for i, x := range []struct{ text, domain string }{
		{"550 5.7.1 Zorblax says no to <kim@example.net> from 192.0.2.10, ref 8F3A99C1", "example.net"},
		{"550 5.7.1 Zorblax says no to <lee@example.com> from 192.0.2.11, ref 77B1D0E2", "example.com"},
		{"550 5.7.1 Zorblax says no to <sam@example.net> from 198.51.100.3, ref 01C0FFEE", "example.net"},
		{"550 5.1.1 Quux box of that name is unheard of", "example.org"},
		{"554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org", "example.net"},
		{"550 5.7.1", "example.net"},
		{"", "example.net"},
	} {
		w.Add(refusedWith(r, x.text, x.domain, at.Add(time.Duration(i)*time.Hour)))
	}
	all := w.All()
	if len(all) != 2 || w.Known != 1 || w.Silent != 2 {
		t.Fatalf("%d wordings, %d known, %d silent: %+v", len(all), w.Known, w.Silent, all)
	}
	first := all[0]
	if diff := cmp.Diff([]string{"example.net", "example.com"}, first.Receivers); diff != "" || first.Count != 3 || first.Refused != 3 ||
		!first.First.Equal(at) || !first.Last.Equal(at.Add(2*time.Hour)) || !strings.Contains(first.Sample.Diagnostic.Text, "01C0FFEE") || first.Settled {
		t.Errorf("%+v %s", first, diff)
	}
	if !all[1].Settled {
		t.Errorf("the codes of %q say that it is about the recipient", all[1].Shape)
	}
}

func TestWordingsAreBounded(t *testing.T) {
	var w Wordings
	for i := range mostWordings + 50 {
		w.Add(Bounce{Diagnostic: Diagnostic{Text: "wording " + strings.Map(func(r rune) rune { return r - '0' + 'g' }, fmt.Sprint(i))}, Judgement: Judgement{Rule: RuleNone}})
	}
	if w.Beyond != 50 || len(w.All()) != mostWordings {
		t.Errorf("%d wordings and %d beyond", len(w.All()), w.Beyond)
	}
}

// load puts a file of rules above the built-in ones.
func load(text string) (*Rules, error) {
	return LoadRules(blocklists.Names{}, rules.Files, fstest.MapFS{"mine.toml": {Data: []byte(text)}})
}

// A draft is refused as it is, with its place and what is to be done; with a look-alike it knows the wording that it was made of.
func TestDraftBecomesARule(t *testing.T) {
	r := builtinRules(t)
	texts := []string{
		"550 5.7.1 Zorblax says no to <kim@example.net> from 192.0.2.10, ref 8F3A99C1",
		"554 Frobnicated \"hard\" \\o/ by mx1.example.net [2001:db8::1] at Wed, 25 Nov 2026 09:40:00 +0000",
		"451-4.7.650 Grumbled: see https://www.example.net/grumble?id=99 now",
		"550 брррр мы не берём это письмо",
		"550 5.7.1 我們不會接受這封信因為" + strings.Repeat("您的伺服器不受歡迎", 10),
	}
	var drafts []string
	var all []Wording
	for _, text := range texts {
		var w Wordings
		b := refusedWith(r, text, "example.net", time.Now())
		if b.Judgement.Rule != RuleNone {
			t.Fatalf("%q is known: %s", text, b.Judgement.Rule)
		}
		w.Add(b)
		all = append(all, w.All()...)
		drafts = append(drafts, w.All()[0].Draft())
	}
	if len(all) != len(texts) {
		t.Fatalf("%d wordings", len(all))
	}
	if _, err := load("# mine\n\n" + drafts[0]); err == nil || !strings.Contains(err.Error(), `mine.toml line 3: rule "example-net-`) || !strings.Contains(err.Error(), `not: write something in place of "REPLACE ME"`) {
		t.Errorf("an unfinished draft: %v", err)
	}
	file := strings.ReplaceAll(strings.Join(drafts, "\n"), Placeholder, "550 5.1.1 user unknown")
	mine, err := load(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	for i, text := range texts {
		d, _ := diagnose(text)
		if j := mine.Classify(d, ""); j.Rule != all[i].draftID() || strings.Contains(drafts[i], "kim@example.net\" from 192.0.2.10") {
			t.Errorf("%q is judged by rule %q\n%s", text, j.Rule, drafts[i])
		}
	}
}

// Whatever a refusal says, its draft is a rule file that can be read, and holds no address of a person.
func TestDraftsAreValidTOML(t *testing.T) {
	word := rapid.SampledFrom([]string{"zorblax", "\"x\"", `\n`, "kim@example.net", "192.0.2.10", "{n}", "mx.example.net", "é", "\u202e", "\x1b[31m", "]]", "'''", "#", "[[rule]]", "550", "5.7.1", "8F3A99C1", "https://x.example/'\"", Placeholder})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(word, 1, 12).Draw(t, "words"), " ")
		var w Wordings
		w.Add(Bounce{Diagnostic: Diagnostic{Text: text}, Domain: "EXAMPLE.net", Judgement: Judgement{Rule: RuleNone, Category: Policy}})
		for _, x := range w.All() {
			draft := strings.ReplaceAll(x.Draft(), Placeholder, "550 5.1.1 user unknown")
			r := &Rules{byID: map[string]int{}, zones: map[string]string{}}
			r.matcher.init()
			if err := r.addFile("draft.toml", []byte(draft), 0); err != nil || len(r.rules) != 1 {
				t.Fatalf("%v\n%s", err, draft)
			}
			if strings.Contains(draft, "192.0.2.10") || strings.ContainsAny(draft, "\x1b\u202e") {
				t.Fatalf("not masked:\n%s", draft)
			}
		}
	})
}

func TestReplaySaysWhatWouldChange(t *testing.T) {
	before := builtinRules(t)
	after, err := load(`[[rule]]
id = "zorblax"
category = "ip-reputation"
vendor = "Zorblax"
any = ["zorblax says no"]
examples = ["550 5.7.1 Zorblax says no"]
not = ["550 5.7.1 Zorblax says yes"]
`)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReplay(before, after)
	for _, text := range []string{"550 5.1.1 Zorblax says no to <kim@example.net>", "550 5.1.1 Zorblax says no to <lee@example.net>", "550 5.1.1 user unknown"} {
		r.Add(refusedWith(before, text, "example.net", time.Now()))
	}
	want := []Shift{{
		Before: Verdict{Category: RecipientFault, Rule: RuleNone}, After: Verdict{IPReputation, "Zorblax", "", "zorblax"}, Count: 2, Gained: 2,
		Samples: []string{"550 5.1.1 Zorblax says no to <…@example.net>"},
	}}
	if diff := cmp.Diff(want, r.Shifts()); diff != "" || r.Refusals != 3 || r.Changed != 2 || r.Was[RecipientFault] != 3 || r.Is[RecipientFault] != 1 || r.Is[IPReputation] != 2 {
		t.Errorf("%+v\n%s", r, diff)
	}
	same := NewReplay(before, before)
	for _, rule := range before.rules {
		for _, ex := range rule.Examples {
			same.Add(refusedWith(before, ex, "example.net", time.Now()))
		}
	}
	if same.Changed > 0 || same.Refusals == 0 {
		t.Errorf("the same rules change %d of %d", same.Changed, same.Refusals)
	}
}
