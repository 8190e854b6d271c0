package wiring

import (
	"slices"
	"testing"

	"reputed/internal/config"
)

// A webhook cannot come back to what it wrote; a bot can, whether or not its token has been looked up yet (replay reads none).
func TestABotHasThreads(t *testing.T) {
	var unread config.Secret
	if err := unread.UnmarshalText([]byte("env:SLACK_TOKEN")); err != nil {
		t.Fatal(err)
	}
	p := Policy(&config.Config{Slack: []config.Slack{
		{Name: "hook", Webhook: config.NewSecret("https://hooks.example.com/x")},
		{Name: "bot", Token: config.NewSecret("xoxb-1"), Channel: "#ops"},
		{Name: "other bot", Token: unread, Channel: "#ops"},
	}})
	if want := []string{"bot", "other bot"}; !slices.Equal(p.Threads, want) {
		t.Errorf("threads of %q, want %q", p.Threads, want)
	}
}
