package slack

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"reputed/alerts"
	"reputed/alerts/alertstest"
	"reputed/checks"
)

// tester is what both testing and rapid give.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// entity is what Slack decodes; every other & is unescaped.
var entity = regexp.MustCompile(`&(amp|lt|gt);`)

// harmless wants of a text that is sent what no input may break.
func harmless(t tester, at, s string, markup bool) {
	t.Helper()
	if strings.ContainsAny(s, "<>") || strings.Contains(entity.ReplaceAllString(s, ""), "&") {
		t.Errorf("%s is not escaped: %q", at, s)
	}
	if n := utf8.RuneCountInString(s); n > maxTextRunes || n == 0 {
		t.Errorf("%s has %d characters", at, n)
	}
	for line := range strings.SplitSeq(s, "\n") {
		if blank := strings.Trim(line, " "); checks.Line(line, 0) != strings.Join(strings.Fields(blank), " ") {
			t.Errorf("%s holds what checks.Line takes out: %q", at, line)
		}
		if markup && (strings.ContainsAny(line, "*_~`") || everybody.MatchString(line)) {
			t.Errorf("%s holds markup: %q", at, line)
		}
	}
}

// walk visits every text of a payload with the type of element it stands in.
func walk(t tester, v any, visit func(kind, field, text string)) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			walk(t, x, visit)
		}
	case map[string]any:
		kind, _ := v["type"].(string)
		for field, x := range v {
			if s, ok := x.(string); ok {
				visit(kind, field, s)
			} else {
				walk(t, x, visit)
			}
		}
	}
}

// checkPayload holds a payload to everything that must be true of all.
func checkPayload(t tester, raw []byte) {
	t.Helper()
	var sent struct {
		Text   string `json:"text"`
		Blocks []any  `json:"blocks"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		t.Fatalf("not JSON: %v", err)
	}
	harmless(t, "fallback", sent.Text, true)
	if n := len(sent.Blocks); n == 0 || n > maxBlocks {
		t.Errorf("%d blocks", n)
	}
	known := map[string]bool{
		"header": true, "plain_text": true, "rich_text": true, "rich_text_section": true, "rich_text_preformatted": true,
		"rich_text_list": true, "text": true, "link": true, "date": true,
	}
	total := 0
	walk(t, sent.Blocks, func(kind, field, text string) {
		total += utf8.RuneCountInString(text)
		switch {
		case field == "type" && !known[text]:
			t.Errorf("an element of type %q: is its text interpreted?", text)
		case field == "url":
			if checks.Link(text) != text {
				t.Errorf("link %q", text)
			}
		case field == "text" || field == "fallback":
			harmless(t, kind+" "+field, strings.TrimPrefix(text, "\n")+" ", false)
			if kind == "plain_text" && utf8.RuneCountInString(text) > maxHeaderRunes {
				t.Errorf("header of %d characters", utf8.RuneCountInString(text))
			}
		case field == "format" && text != "{date_short} {time}":
			t.Errorf("date format %q", text)
		}
	})
	// Slack refuses messages whose blocks are too long together; where, it does not say.
	if total > 20000 {
		t.Errorf("%d characters in all", total)
	}
	if strings.Contains(string(raw), `"emoji":true`) || strings.Contains(string(raw), `"broadcast"`) || strings.Contains(string(raw), `"text":""`) {
		t.Errorf("emoji, broadcast or an empty text: %s", raw)
	}
}

func TestVariantsAreHarmless(t *testing.T) {
	for name, n := range alertstest.Variants() {
		t.Run(name, func(t *testing.T) { checkPayload(t, payload(t, n)) })
	}
}

// anything draws a notification whose every text is hostile or odd.
func anything(t *rapid.T) alerts.Notification {
	text := rapid.OneOf(
		rapid.String(),
		rapid.StringOfN(rapid.SampledFrom([]rune("<>&;!@#*_~`|:\n\r\t \x1b\u202e\u200bä😀x")), 0, 400, -1),
		rapid.SampledFrom([]string{"", "<!channel>", "&lt;!here&gt;", "<https://evil.example|x>", "https://list.example/?a=1&b=<x>", ":fire:", "\xff\xfe", strings.Repeat("<&>", 3000), strings.Repeat("😀", 4000)}),
	)
	s := func(name string) string { return text.Draw(t, name) }
	small := rapid.IntRange(0, 5)
	when := func() time.Time { return time.Unix(rapid.Int64Range(-1e10, 1e11).Draw(t, "time"), 0) }
	kinds := rapid.SampledFrom([]checks.Kind{checks.KindAddress, checks.KindDomain, checks.KindMonitor, checks.KindList})
	n := alerts.Notification{
		Kind: rapid.SampledFrom([]alerts.ChangeKind{alerts.Opened, alerts.Worsened, alerts.Updated, alerts.Reminder, alerts.Ended, alerts.ChangeKind(s("kind"))}).Draw(t, "change"),
		At:   when(), Command: s("command"), Rehearsal: rapid.Bool().Draw(t, "rehearsal"),
		Incident: alerts.Incident{
			ID: rapid.Int64().Draw(t, "id"), Title: s("title"), Cause: s("cause"), AckedBy: s("by"), Note: s("note"), Opened: when(), Resolved: when(),
			Severity: checks.Severity(rapid.SampledFrom([]string{"", "critical", "informational", s("severity")}).Draw(t, "severity")),
			Existing: rapid.Bool().Draw(t, "existing"), Relapses: small.Draw(t, "relapses"), Reminded: small.Draw(t, "reminded"),
		},
	}
	for range small.Draw(t, "members") {
		f := checks.Finding{
			Key: checks.Key{Check: s("check"), Target: s("target"), Source: s("source")}, Target: checks.Target{Kind: kinds.Draw(t, "kind"), Name: s("name")},
			Code: checks.Code(s("code")), Summary: s("summary"), Facts: map[string]string{checks.FactMeaning: s("meaning")},
		}
		for range small.Draw(t, "evidence") {
			f.Evidence = append(f.Evidence, checks.Evidence{Question: s("q"), Answer: s("a"), Reason: s("r"), Via: s("v"), Controls: s("c"), Proof: s("p"), At: when()})
		}
		n.Incident.Members = append(n.Incident.Members, alerts.Member{Finding: f, Clear: rapid.Bool().Draw(t, "clear"), Unknown: when()})
	}
	for range small.Draw(t, "receivers") {
		n.Incident.Impact.Receivers = append(n.Incident.Impact.Receivers, checks.ReceiverImpact{
			Receiver: s("receiver"), Vendor: s("vendor"), Refused: alertstest.Count(rapid.Int().Draw(t, "refused")), First: when(),
		})
	}
	for range small.Draw(t, "runbooks") {
		r := checks.Remediation{Title: s("title"), WhoAsk: s("asks"), Takes: s("takes"), Never: []string{s("never")}}
		for range small.Draw(t, "steps") * 2 {
			r.Steps = append(r.Steps, checks.Step{Text: s("text"), URL: s("url"), Command: s("command")})
		}
		n.Remediation = append(n.Remediation, r)
	}
	return n
}

func TestWhateverIsToldIsHarmless(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := anything(rt)
		checkPayload(rt, payload(rt, n))
		for line := range strings.SplitSeq(Preview(n, 80), "\n") {
			if strings.ContainsAny(line, "\x1b\r\t\u202e\u200b") || !utf8.ValidString(line) || line != "" && !strings.HasPrefix(line, "┃") {
				rt.Errorf("preview line %q", line)
			}
		}
		if m, ok := asText(build(n), "invalid_blocks"); !ok {
			rt.Error("no plain text")
		} else {
			harmless(rt, "plain text", m.text, true)
		}
	})
}

func FuzzPayload(f *testing.F) {
	f.Add("<!channel>", "&lt;", "https://list.example/", 0)
	f.Add("\x1b[31m\u202e", ":fire:", "javascript:x", 3)
	f.Fuzz(func(t *testing.T, a, b, c string, shape int) {
		all := alertstest.Variants()
		names := []string{"opened", "worsened", "reminder", "resolved", "many-targets", "monitor-blind"}
		n := all[names[max(shape%len(names), -(shape%len(names)))]]
		n.Incident.Title, n.Incident.Note = a, b
		m := &n.Incident.Members[0].Finding
		m.Summary, m.Evidence = b, []checks.Evidence{{Question: a, Answer: b, Reason: c}}
		n.Remediation = []checks.Remediation{{Title: c, Steps: []checks.Step{{Text: a, URL: c, Command: b}}}}
		checkPayload(t, payload(t, n))
		Preview(n, shape%200)
	})
}

func FuzzDraw(f *testing.F) {
	for _, n := range alertstest.Variants() {
		f.Add(payload(f, n))
	}
	f.Add([]byte(`{"blocks":[{"type":"header"},{"type":"rich_text","elements":[null,{"type":"rich_text_list","elements":[{}]}]}]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := Draw(payload, 80)
		if err != nil {
			return
		}
		for line := range strings.SplitSeq(got, "\n") {
			if checks.Line(strings.ReplaceAll(line, " ", ""), 0) != strings.ReplaceAll(line, " ", "") {
				t.Errorf("line %q", line)
			}
		}
	})
}
