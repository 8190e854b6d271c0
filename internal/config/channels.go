package config

import (
	"fmt"
	"net/url"
	"strings"

	"reputed/internal/guard"
)

func (v *validator) slack(names map[string]string) {
	for i := range v.cfg.Slack {
		s := &v.cfg.Slack[i]
		at := fmt.Sprintf("slack[%d]", i)
		v.name(at+".name", s.Name, names)
		switch webhook, token := s.Webhook.Given(), s.Token.Given(); {
		case webhook && token:
			v.at(at+".token", "webhook and token are two ways to the same end: keep one")
		case webhook && s.Channel != "":
			v.at(at+".channel", "a webhook has its channel already: leave channel out, or use a token")
		case token && s.Channel == "":
			v.missing(at+".channel", `missing; a token needs to know where to write, such as "#mail-ops"`)
		case !webhook && !token && !v.set(at+".webhook"):
			v.missing(at+".token", `missing; either webhook = "env:NAME", or token = "env:NAME" and a channel`)
		case !webhook && !token:
			v.at(at+".webhook", "empty")
		}
		if s.AppToken.Given() && !s.Token.Given() {
			v.at(at+".app_token", "buttons stand under what a bot writes: they need token and channel in place of the webhook")
		}
		if s.AppToken.Set() && !strings.HasPrefix(s.AppToken.Reveal(), "xapp-") {
			v.at(at+".app_token", `what it holds is no app-level token, which begins with "xapp-": make one with the scope connections:write`)
		}
		v.heldAddress(at+".webhook", s.Webhook)
		if s.APIURL != "" && !webAddress(s.APIURL) {
			v.at(at+".api_url", "want an address that begins with https:// (http:// on the loopback only)")
		}
		if strings.ContainsAny(s.Channel, " \t\r\n") {
			v.at(at+".channel", `want a channel such as "#mail-ops", or its id`)
		}
	}
}

// webAddress says whether s is an address to which a secret may be sent.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && guard.Loopback(u.Hostname())
}
