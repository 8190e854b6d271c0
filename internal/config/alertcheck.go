package config

import (
	"fmt"
	"maps"
	"net"
	"net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"reputed/checks"
	"reputed/internal/guard"
)

// channels checks all channels. What waits for a channel is stored under its name, so that no two
// have the same one, whatever their kind.
func (v *validator) channels() {
	names := map[string]string{}
	v.slack(names)
	v.emails(names)
	for i, w := range v.cfg.Webhooks {
		at := fmt.Sprintf("webhook[%d]", i)
		v.name(at+".name", w.Name, names)
		v.secretAddress(at+".url", w.URL, `"env:WEBHOOK_URL"`)
	}
	for i := range v.cfg.PagerDuty {
		p := v.cfg.PagerDuty[i]
		at := fmt.Sprintf("pagerduty[%d]", i)
		v.name(at+".name", p.Name, names)
		v.given(at+".routing_key", p.RoutingKey, `"env:PAGERDUTY_KEY", the integration key of an "Events API v2" integration`)
		if p.APIURL != "" && !webAddress(p.APIURL) {
			v.at(at+".api_url", "want an address that begins with https:// (http:// on the loopback only)")
		}
	}
	v.alertmanagers(names)
	for i, m := range v.cfg.Mattermost {
		at := fmt.Sprintf("mattermost[%d]", i)
		v.name(at+".name", m.Name, names)
		v.secretAddress(at+".webhook", m.Webhook, `"env:MATTERMOST_WEBHOOK"`)
		if strings.ContainsAny(m.Channel, " \t\r\n") {
			v.at(at+".channel", `want the name of a channel as it stands in its address, or "@name" of a person`)
		}
	}
	for i, t := range v.cfg.Teams {
		at := fmt.Sprintf("teams[%d]", i)
		v.name(at+".name", t.Name, names)
		v.secretAddress(at+".webhook", t.Webhook, `"env:TEAMS_WEBHOOK"`)
		if strings.Contains(t.Webhook.Reveal(), ".webhook.office.com/") {
			v.at(at+".webhook", "this is an Office 365 connector, which Microsoft has retired: make a workflow \"Post to a channel when a webhook request is received\" and take its address")
		}
	}
	v.heartbeat()
}

// given wants a secret to be there.
func (v *validator) given(at string, s Secret, such string) {
	switch {
	case s.Given():
	case v.set(at):
		v.at(at, "empty")
	default:
		v.missing(at, "missing; such as %s", such)
	}
}

// secretAddress wants an address to be there. It is not repeated: its path is a password.
func (v *validator) secretAddress(at string, s Secret, such string) {
	v.given(at, s, such)
	v.heldAddress(at, s)
}

// heldAddress wants a secret that was looked up to be an address.
func (v *validator) heldAddress(at string, s Secret) {
	if s.Set() && !webAddress(s.Reveal()) {
		v.at(at, "what it holds is not an address that begins with https://")
	}
}

// labelName matches label names of Prometheus (prometheus.io/docs/concepts/data_model, read 2026-11-22).
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (v *validator) alertmanagers(names map[string]string) {
	for i, a := range v.cfg.Alertmanagers {
		at := fmt.Sprintf("alertmanager[%d]", i)
		v.name(at+".name", a.Name, names)
		switch secret := a.Password.Given() || a.Token.Given(); {
		case a.URL == "":
			v.missing(at+".url", `missing; such as "http://127.0.0.1:9093"`)
		case !webAddress(a.URL) && (secret || !plainAddress(a.URL)):
			v.at(at+".url", "want an address that begins with https:// (http:// only without a password or token)")
		}
		if a.Password.Given() != (a.User != "") {
			v.at(at+".user", "user and password belong together: set both or neither")
		}
		if a.Token.Given() && a.User != "" {
			v.at(at+".token", "token and user are two ways to the same end: keep one")
		}
		for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
			switch {
			case !labelName.MatchString(name) || strings.HasPrefix(name, "__"):
				v.at(fmt.Sprintf("%s.labels[%q]", at, name), "%s is no name of a label: letters, digits and underscores, no digit first", shown(name))
			case slices.Contains([]string{"alertname", "incident", "severity", "cause"}, name):
				v.at(fmt.Sprintf("%s.labels[%q]", at, name), "every alert has a label of its own by this name: take another")
			}
		}
	}
}

// plainAddress says whether s is an address without TLS, as people use them inside their networks.
func plainAddress(s string) bool {
	rest, ok := strings.CutPrefix(s, "http://")
	return ok && webAddress("https://"+rest)
}

func (v *validator) heartbeat() {
	h := &v.cfg.Heartbeat
	v.heldAddress("heartbeat.url", h.URL)
	v.heldAddress("heartbeat.url_fail", h.URLFail)
	if h.URLFail.Given() && !h.URL.Given() {
		v.at("heartbeat.url_fail", "url is missing: nobody is told of rounds that succeed, so that nobody misses them")
	}
	h.Method = strings.ToUpper(h.Method)
	v.oneOf("heartbeat.method", h.Method, "GET", "POST")
}

func (v *validator) emails(names map[string]string) {
	for i := range v.cfg.Emails {
		e := &v.cfg.Emails[i]
		at := fmt.Sprintf("email[%d]", i)
		v.name(at+".name", e.Name, names)
		v.oneOf(at+".tls", e.TLS, TLSImplicit, TLSStart, TLSNone)
		if e.CAFile != "" {
			e.CAFile = v.path(e.CAFile)
			v.certificates(at+".ca_file", e.CAFile)
		}
		if e.Password.Given() != (e.User != "") {
			v.at(at+".user", "user and password belong together: set both or neither")
		}
		if e.From == "" {
			v.missing(at+".from", `missing; such as "reputed@alerts.example.net"`)
		} else {
			e.From = v.mailAddress(at+".from", e.From)
		}
		if len(e.To) == 0 {
			v.missing(at+".to", `missing; such as ["oncall@example.net"]`)
		}
		for j, to := range e.To {
			e.To[j] = v.mailAddress(fmt.Sprintf("%s.to[%d]", at, j), to)
		}
		v.submission(e, at)
	}
}

// submission checks the mail server to which alerts are handed.
func (v *validator) submission(e *Email, at string) {
	if e.Server == "" {
		v.missing(at+".server", `missing; such as "smtp.example.net"`)
		return
	}
	port := map[string]string{TLSStart: "587", TLSNone: "25"}[e.TLS]
	if port == "" {
		port = "465" // RFC 8314 section 3.3
	}
	server, err := hostPort(e.Server, port)
	if err != nil {
		v.at(at+".server", "%v", err)
		return
	}
	e.Server = server
	host, _, _ := net.SplitHostPort(server)
	switch {
	case e.TLS == TLSNone && !guard.Loopback(host):
		v.at(at+".tls", `"none" would send the alert, and the password, in the clear to another machine: use "implicit" or "starttls"`)
	case e.Force:
	case guard.Loopback(host):
		v.warn(at+".server", "this machine's own mail server most likely sends by the way that is watched, and then keeps the alert when that is blocked: use an account elsewhere, or set force = true")
	default:
		if why := v.cfg.Watches(host, nil); why != "" {
			v.at(at+".server", "%s: %s, and the alert path must not be the blocked mail path: use an account elsewhere, or set force = true", shown(host), why)
		}
	}
}

// mailAddress checks an address for SMTP commands, without a display name, and returns it with the
// domain in the form in which domains are compared.
func (v *validator) mailAddress(at, s string) string {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || len(s) > 254 || strings.ContainsAny(s, "\"<>()\\ \t\r\n") {
		v.at(at, `%s is not an address alone, such as "oncall@example.net"`, shown(s))
		return s
	}
	local, domain, _ := strings.Cut(s, "@")
	d, err := checks.Domain(domain)
	if err != nil {
		v.at(at, `%s is not an address alone, such as "oncall@example.net"`, shown(s))
		return s
	}
	return local + "@" + d.Name
}

// Watches says why a mail server, by its name or the addresses of that name, is one of those that
// are watched; "" if it is not, as far as the file tells.
func (c *Config) Watches(host string, addrs []netip.Addr) string {
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = append(slices.Clone(addrs), a)
	}
	targets, err := c.Targets()
	if err != nil {
		return "" // told where it belongs
	}
	name := host
	domain, err := checks.Domain(host)
	if err == nil {
		name = domain.Name
	}
	for _, o := range c.Outbound {
		if _, own := o.Hosts[name]; own {
			return fmt.Sprintf("it is one of the hosts of pool %s", shown(o.Pool))
		}
		if slices.Contains(o.Names, name) {
			return fmt.Sprintf("its addresses are watched in pool %s", shown(o.Pool))
		}
		for _, a := range addrs {
			for _, of := range o.Hosts {
				if of == a.Unmap().String() {
					return fmt.Sprintf("a host of pool %s sends from its address %s", shown(o.Pool), a.Unmap())
				}
			}
		}
	}
	if _, watched := targets.Find(domain); watched && domain.Name != "" {
		return "it is one of the domains that are watched"
	}
	for _, a := range addrs {
		if _, watched := targets.Find(checks.Address(a)); watched {
			return fmt.Sprintf("its address %s is watched", a.Unmap())
		}
	}
	return ""
}
