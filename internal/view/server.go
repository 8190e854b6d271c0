package view

import (
	"log/slog"

	"reputed/internal/config"
	"reputed/internal/web"
)

// Server makes the page of a view; it listens to nobody yet. Version is that of the build. What it shows to nobody goes to log.
func Server(v *View, c config.Web, version string, log *slog.Logger) (*web.Server, error) {
	v.Log = log
	access := web.Access{Tokens: map[string]string{}, ProxyHeader: c.ProxyHeader, Secure: c.Secure()}
	for name, token := range c.Tokens {
		if token.Set() {
			access.Tokens[name] = token.Reveal()
		}
	}
	for _, p := range c.Proxies {
		prefix, err := config.ParsePrefix(p)
		if err != nil {
			return nil, err
		}
		access.Proxies = append(access.Proxies, prefix)
	}
	if c.URL != "" {
		access.Origins = []string{c.Base()}
	}
	return web.New(web.Options{Source: v, Sharing: v, Log: log, Hosts: c.Hosts(), Access: access, Version: version})
}
