package teams

import (
	"encoding/json"
	"flag"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reputed/alerts"
	"reputed/alerts/alertstest"
	"reputed/checks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

const path = "/workflows/0123456789abcdef/triggers/manual/paths/invoke?sp=%2Ftriggers&sig=canary1canary2canary3"

func notifier(t *testing.T, url string) *Notifier {
	t.Helper()
	n, err := New(Options{Name: "ops", Webhook: url + path, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTroubles(t *testing.T) {
	alertstest.Troubles(t, func(url string) error { return notifier(t, url).Notify(t.Context(), alertstest.Opened()) }, path, "canary1canary2canary3")
}

func TestACardIsPosted(t *testing.T) {
	s := alertstest.NewServer(t, alertstest.Say(202, ""))
	if err := notifier(t, s.URL).Notify(t.Context(), alertstest.Opened()); err != nil {
		t.Fatal(err)
	}
	if r := s.Requests()[0]; r.Path != path || !strings.Contains(string(r.Body), `"AdaptiveCard"`) {
		t.Errorf("%s %s", r.Path, r.Body)
	}
}

// harmless wants only elements that are not Markdown, links that show where they lead, and
// a size that Teams takes.
func harmless(t *testing.T, n alerts.Notification) {
	t.Helper()
	raw, err := json.Marshal(card(n))
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > 28000 {
		t.Errorf("%d bytes", len(raw))
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			switch kind, _ := v["type"].(string); kind {
			case "", "message", "AdaptiveCard", "RichTextBlock":
			case "TextRun":
				text, _ := v["text"].(string)
				if text == "" || strings.ContainsAny(text, "\x1b\r\n\u202e\u200b") {
					t.Errorf("text %q", text)
				}
				if action, ok := v["selectAction"].(map[string]any); ok && action["url"] != text {
					t.Errorf("link %v shows %q", action, text)
				}
			case "Action.OpenUrl":
				if url, _ := v["url"].(string); checks.Link(url) != url {
					t.Errorf("link %q", url)
				}
			default:
				t.Errorf("an element of type %q: is its text interpreted?", kind)
			}
			for name, x := range v {
				if name == "entities" {
					t.Error("a mention")
				}
				walk(x)
			}
		}
	}
	walk(v)
}

func TestGolden(t *testing.T) {
	for name, n := range alertstest.Variants() {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(card(n), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			alertstest.Golden(t, *update, name+".json", string(got)+"\n")
			harmless(t, n)
		})
	}
}

func FuzzCard(f *testing.F) {
	f.Add("<at>everyone</at> [x](https://evil.example)", "**b**", "https://list.example/?a=1&b=2")
	f.Add(strings.Repeat("<", 20000), "\x1b[31m\u202e", "javascript:x")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		harmless(t, alertstest.With(func(n *alerts.Notification) {
			n.Incident.Title, n.Incident.Note, n.Command = a, b, c
			m := &n.Incident.Members[0].Finding
			m.Summary, m.Evidence = b, []checks.Evidence{{Question: a, Answer: b, Reason: c}}
			n.Remediation = []checks.Remediation{{Title: c, Steps: []checks.Step{{Text: a, URL: c, Command: b}, {Text: b, Command: a}}}}
		}))
	})
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Options{Webhook: "http://teams.example.org" + path}); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("in the clear: %v", err)
	}
}
