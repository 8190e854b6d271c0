package mattermost

import (
	"encoding/json"
	"flag"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"reputed/alerts"
	"reputed/alerts/alertstest"
	"reputed/checks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

const path = "/hooks/xyz1canary2abc"

func notifier(t *testing.T, url string) *Notifier {
	t.Helper()
	n, err := New(Options{Name: "ops", Webhook: url + path, Channel: "mail-ops", Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTroubles(t *testing.T) {
	alertstest.Troubles(t, func(url string) error { return notifier(t, url).Notify(t.Context(), alertstest.Opened()) }, path, "xyz1canary2abc")
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"Mattermost's yes": {"ok", alertstest.Yes},
		"Rocket.Chat's":    {`{"success":true}`, alertstest.Yes},
		"its no":           {`{"success":false,"error":"x"}`, alertstest.Again},
		"a page":           {"<html>log in</html>", alertstest.Again},
		"nothing":          {"", alertstest.Again},
	} {
		t.Run(name, func(t *testing.T) {
			s := alertstest.NewServer(t, alertstest.Say(200, c.body))
			if err := notifier(t, s.URL).Notify(t.Context(), alertstest.Opened()); alertstest.Outcome(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			var m message
			if err := json.Unmarshal(s.Requests()[0].Body, &m); err != nil || m.Channel != "mail-ops" || m.Text == "" {
				t.Errorf("%+v, %v", m, err)
			}
		})
	}
}

var (
	bold  = regexp.MustCompile(`\*\*[^*]*\*\*`)
	fence = regexp.MustCompile("(?s)```\n(.*?)```\n")
	quote = regexp.MustCompile("`([^`]*)`")
	link  = regexp.MustCompile(`https://[!-~]*`)
)

// harmless wants of a text what no input may break.
func harmless(t *testing.T, s string) {
	t.Helper()
	if n := utf8.RuneCountInString(s); n > maxTextRunes || n == 0 {
		t.Errorf("%d characters", n)
	}
	if i := markup.FindStringIndex(s); i != nil {
		t.Errorf("Slack's markup: %q", s[i[0]:min(len(s), i[0]+40)])
	}
	if i := mention.FindStringIndex(s); i != nil {
		t.Errorf("a mention: %q", s[i[0]:min(len(s), i[0]+40)])
	}
	if strings.ContainsAny(s, "\x1b\r\t\u202e\u200b") || !utf8.ValidString(s) {
		t.Errorf("a control got through: %q", s)
	}
	rest := fence.ReplaceAllStringFunc(s, func(box string) string {
		if strings.Contains(fence.FindStringSubmatch(box)[1], "`") {
			t.Errorf("a box that ends early: %q", box)
		}
		return ""
	})
	rest = link.ReplaceAllString(bold.ReplaceAllString(quote.ReplaceAllString(rest, ""), ""), "")
	if i := strings.IndexAny(rest, "*_~`<>[]#|\\&$"); i >= 0 {
		t.Errorf("formatting: %q", rest[max(0, i-20):min(len(rest), i+40)])
	}
}

func TestGolden(t *testing.T) {
	for name, n := range alertstest.Variants() {
		t.Run(name, func(t *testing.T) {
			got := text(n)
			alertstest.Golden(t, *update, name+".md", got)
			harmless(t, got)
		})
	}
}

func TestWhatIsTooLongKeepsWhatAndWhere(t *testing.T) {
	n := alertstest.With(func(n *alerts.Notification) {
		for range 6 {
			n.Remediation[0].Steps = append(n.Remediation[0].Steps, checks.Step{Text: strings.Repeat("x", 299), Command: strings.Repeat("y", 299)})
		}
		for i := range n.Incident.Members[0].Finding.Evidence {
			n.Incident.Members[0].Finding.Evidence[i].Answer = strings.Repeat("z", 900)
		}
		n.Remediation[0].Title = strings.Repeat("w", 400)
	})
	n.Remediation[0].Steps = n.Remediation[0].Steps[3:]
	got := text(n)
	harmless(t, got)
	for _, want := range []string{"**Since:** ", "reputed incident show 12"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("<!channel> @here [x](https://evil.example)", ":fire:", "https://list.example/@here/*a*")
	f.Add("```\n@all", "`", "::a::b::")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		harmless(t, text(alertstest.With(func(n *alerts.Notification) {
			n.Incident.Title, n.Incident.Note, n.Command = a, b, c
			m := &n.Incident.Members[0].Finding
			m.Summary, m.Evidence = b, []checks.Evidence{{Question: a, Answer: b, Reason: c}}
			n.Remediation = []checks.Remediation{{Title: c, Steps: []checks.Step{{Text: a, URL: c, Command: b}}}}
		})))
	})
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Options{Webhook: "http://chat.example.org" + path}); err == nil || strings.Contains(err.Error(), path) {
		t.Errorf("in the clear: %v", err)
	}
}
