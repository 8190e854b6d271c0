package config

import (
	"cmp"
	"slices"
)

// Email is one mail account from which alerts are sent, and to whom. It must be separate from the
// mail that is watched: the alert path must not be the blocked mail path.
type Email struct {
	Name     string   `toml:"name"`   // unique over all channels; default "email"
	Server   string   `toml:"server"` // submission server, host:port (port 465 if left out, 587 with starttls, 25 with none)
	TLS      string   `toml:"tls"`    // "implicit" (default), "starttls", "none" (loopback only)
	CAFile   string   `toml:"ca_file"`
	User     string   `toml:"user"` // empty: no login
	Password Secret   `toml:"password"`
	From     string   `toml:"from"` // an address
	To       []string `toml:"to"`   // addresses
	// Force sends through a server that is itself watched.
	Force bool `toml:"force"`
}

// Webhook is one address to which alerts are posted as JSON.
type Webhook struct {
	Name    string `toml:"name"` // unique over all channels; default "webhook"
	URL     Secret `toml:"url"`
	Secret  Secret `toml:"secret"`  // signs what is posted (HMAC-SHA256); empty: not signed
	Token   Secret `toml:"token"`   // sent as Authorization: Bearer; may be empty
	Private bool   `toml:"private"` // the name in url may lead to a private network
}

// PagerDuty is one integration of the Events API v2.
type PagerDuty struct {
	Name       string `toml:"name"` // unique over all channels; default "pagerduty"
	RoutingKey Secret `toml:"routing_key"`
	APIURL     string `toml:"api_url"` // for the EU region, a gateway or a test; default PagerDuty's own
}

// Alertmanager is one instance of a Prometheus Alertmanager; of a cluster, one table each.
type Alertmanager struct {
	Name     string            `toml:"name"` // unique over all channels; default "alertmanager"
	URL      string            `toml:"url"`  // its base; http:// is fine in a private network
	User     string            `toml:"user"` // with Password, HTTP basic authentication
	Password Secret            `toml:"password"`
	Token    Secret            `toml:"token"`   // sent as Authorization: Bearer
	Labels   map[string]string `toml:"labels"`  // set on every alert, for routing
	Private  bool              `toml:"private"` // the name in url may lead to a private network
}

// Mattermost is one incoming webhook in the old form of Slack's, as Mattermost and Rocket.Chat have.
type Mattermost struct {
	Name    string `toml:"name"` // unique over all channels; default "mattermost"
	Webhook Secret `toml:"webhook"`
	Channel string `toml:"channel"` // in place of the webhook's own, where it lets one choose
	Private bool   `toml:"private"` // the name in webhook may lead to a private network
}

// Teams is one workflow of Microsoft Teams that posts what its webhook receives.
type Teams struct {
	Name    string `toml:"name"` // unique over all channels; default "teams"
	Webhook Secret `toml:"webhook"`
}

// Heartbeat says whom to tell that this monitor is alive, so that somebody notices when it is not.
type Heartbeat struct {
	URL     Secret `toml:"url"`      // called after each complete round; empty: nobody is told
	URLFail Secret `toml:"url_fail"` // called after a round that was not; may be empty
	Method  string `toml:"method"`   // "GET" (default) or "POST", with a line of text as its body
	Private bool   `toml:"private"`  // the names in them may lead to a private network
}

func (e *Email) setDefaults() { e.Name, e.TLS = "email", TLSImplicit }

func (w *Webhook) setDefaults() { w.Name = "webhook" }

func (p *PagerDuty) setDefaults() { p.Name = "pagerduty" }

func (a *Alertmanager) setDefaults() { a.Name = "alertmanager" }

func (m *Mattermost) setDefaults() { m.Name = "mattermost" }

func (t *Teams) setDefaults() { t.Name = "teams" }

// Channel is a way to tell people something.
type Channel struct {
	Name string
	Kind string // the table it stands in: "slack", "email"
}

// singleOnly says whether a channel can tell of single incidents only, and of no digest or report.
func (c Channel) singleOnly() bool { return c.Kind == "pagerduty" || c.Kind == "alertmanager" }

// Channels returns the names of all channels, in order.
func (c *Config) Channels() []string {
	var names []string
	for _, x := range c.AllChannels() {
		names = append(names, x.Name)
	}
	return names
}

// AllChannels returns all channels, of whatever kind, by name.
func (c *Config) AllChannels() []Channel {
	var all []Channel
	for _, x := range c.Slack {
		all = append(all, Channel{x.Name, "slack"})
	}
	for _, x := range c.Emails {
		all = append(all, Channel{x.Name, "email"})
	}
	for _, x := range c.Webhooks {
		all = append(all, Channel{x.Name, "webhook"})
	}
	for _, x := range c.PagerDuty {
		all = append(all, Channel{x.Name, "pagerduty"})
	}
	for _, x := range c.Alertmanagers {
		all = append(all, Channel{x.Name, "alertmanager"})
	}
	for _, x := range c.Mattermost {
		all = append(all, Channel{x.Name, "mattermost"})
	}
	for _, x := range c.Teams {
		all = append(all, Channel{x.Name, "teams"})
	}
	slices.SortFunc(all, func(a, b Channel) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
