package config

import (
	"fmt"
	"net/url"

	"reputed/internal/guard"
)

// HTTP is how requests leave: those of alert channels and the heartbeat, of providers' programmes, for access tokens and
// for the policy file of MTA-STS. DNS, mail and the doors of receivers are not meant.
type HTTP struct {
	// Proxy is "http://HOST:PORT" or "socks5://HOST:PORT"; empty: none. It is asked for a tunnel. What is
	// private and written out, and channels with private = true, are reached without it.
	Proxy    string `toml:"proxy"`
	User     string `toml:"user"` // of the proxy; empty: no login
	Password Secret `toml:"password"`
	// Private are networks of our own, addresses and ranges, that names may lead into. An address that is
	// not of the public Internet is refused else.
	Private []string `toml:"private"`
}

// Rules are what the clients go by.
func (h HTTP) Rules() guard.Rules {
	var r guard.Rules
	if h.Proxy != "" {
		if r.Proxy, _ = guard.ParseProxy(h.Proxy); r.Proxy != nil && h.User != "" { // which was checked when it was read
			r.Proxy.User = url.UserPassword(h.User, h.Password.Reveal())
		}
	}
	for _, s := range h.Private {
		if p, err := ParsePrefix(s); err == nil {
			r.Inside = append(r.Inside, p)
		}
	}
	return r
}

func (v *validator) http() {
	c := &v.cfg.HTTP
	if c.Proxy != "" {
		if _, err := guard.ParseProxy(c.Proxy); err != nil {
			v.at("http.proxy", "%v", err)
		}
	}
	switch {
	case c.Proxy == "" && (c.User != "" || c.Password.Given()):
		v.at("http", "user and password are of a proxy, and there is none")
	case c.User != "" && !c.Password.Given():
		v.missing("http.password", `missing; such as "env:PROXY_PASSWORD"`)
	case c.User == "" && c.Password.Given():
		v.missing("http.user", "missing: password is of a user of the proxy")
	}
	for i, s := range c.Private {
		if _, err := ParsePrefix(s); err != nil {
			v.at(fmt.Sprintf("http.private[%d]", i), "%s is neither an address nor a range such as \"10.0.0.0/8\"", shown(s))
		}
	}
}
