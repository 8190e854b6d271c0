package wiring

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"reputed/alerts"
	"reputed/alerts/alertmanager"
	"reputed/alerts/email"
	"reputed/alerts/heartbeat"
	"reputed/alerts/mattermost"
	"reputed/alerts/pagerduty"
	"reputed/alerts/slack"
	"reputed/alerts/teams"
	"reputed/alerts/webhook"
	"reputed/internal/config"
	"reputed/internal/guard"
	"reputed/internal/report"
)

// Channels makes one Notifier for each channel that is configured. Roots is where those
// remember what they wrote that come back to it; nil: in memory.
func Channels(cfg *config.Config, roots alerts.Roots, log *slog.Logger) (map[string]alerts.Notifier, error) {
	channels := map[string]alerts.Notifier{}
	rules := cfg.HTTP.Rules()
	var failed error
	add := func(name string, n alerts.Notifier, err error) {
		if err != nil && failed == nil {
			failed = fmt.Errorf("channel %s: %w", name, err)
		}
		channels[name] = n
	}
	for _, s := range cfg.Slack {
		n, err := newSlack(s, rules, roots, log)
		add(s.Name, n, err)
	}
	for _, e := range cfg.Emails {
		n, err := newEmail(e, log)
		add(e.Name, n, err)
	}
	for _, w := range cfg.Webhooks {
		n, err := webhook.New(webhook.Options{
			Name: w.Name, URL: w.URL.Reveal(), Secret: w.Secret.Reveal(), Token: w.Token.Reveal(), Private: w.Private, Rules: rules,
			Incident: func(n alerts.Notification) (json.RawMessage, error) {
				return report.IncidentJSON(report.IncidentView{Incident: n.Incident, Remediation: n.Remediation}, n.At)
			},
		})
		add(w.Name, n, err)
	}
	for _, p := range cfg.PagerDuty {
		n, err := pagerduty.New(pagerduty.Options{Name: p.Name, RoutingKey: p.RoutingKey.Reveal(), APIURL: p.APIURL, Rules: rules})
		add(p.Name, n, err)
	}
	for _, a := range cfg.Alertmanagers {
		n, err := alertmanager.New(alertmanager.Options{
			Name: a.Name, URL: a.URL, User: a.User, Password: a.Password.Reveal(), Token: a.Token.Reveal(), Labels: a.Labels, Private: a.Private, Rules: rules,
		})
		add(a.Name, n, err)
	}
	for _, m := range cfg.Mattermost {
		n, err := mattermost.New(mattermost.Options{Name: m.Name, Webhook: m.Webhook.Reveal(), Channel: m.Channel, Private: m.Private, Rules: rules})
		add(m.Name, n, err)
	}
	for _, t := range cfg.Teams {
		n, err := teams.New(teams.Options{Name: t.Name, Webhook: t.Webhook.Reveal(), Rules: rules})
		add(t.Name, n, err)
	}
	return channels, failed
}

// newSlack is a webhook, or a bot, which can do more.
func newSlack(s config.Slack, rules guard.Rules, roots alerts.Roots, log *slog.Logger) (alerts.Notifier, error) {
	o := slack.Options{Name: s.Name, Webhook: s.Webhook.Reveal(), Token: s.Token.Reveal(), Channel: s.Channel, APIURL: s.APIURL, Rules: rules}
	if o.Token == "" {
		return slack.New(o)
	}
	return slack.NewBot(o, slack.BotOptions{AppToken: s.AppToken.Reveal(), Roots: roots, Log: log})
}

// newEmail is a mail account as the configuration describes it.
func newEmail(e config.Email, log *slog.Logger) (alerts.Notifier, error) {
	roots, err := Authorities(e.CAFile)
	if err != nil {
		return nil, err
	}
	return email.New(email.Options{
		Name: e.Name, Server: e.Server, TLS: email.TLSMode(e.TLS), RootCAs: roots, User: e.User, Password: e.Password.Reveal(), From: e.From, To: e.To, Log: log,
	})
}

// Heart is whom to tell that the daemon is alive; nil if nobody is configured.
func Heart(cfg *config.Config) (*heartbeat.Heart, error) {
	h := cfg.Heartbeat
	if !h.URL.Set() {
		return nil, nil
	}
	return heartbeat.New(heartbeat.Options{URL: h.URL.Reveal(), URLFail: h.URLFail.Reveal(), Method: h.Method, Private: h.Private, Rules: cfg.HTTP.Rules(), Timeout: 10 * time.Second})
}
