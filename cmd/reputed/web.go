package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"reputed/internal/config"
	"reputed/internal/view"
	"reputed/internal/web"
)

// defaultListen is where the page is if nothing is said.
const defaultListen = "127.0.0.1:8025"

func (a *app) webCommand() *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use:   "web",
		Short: "Show the page of a database, also without a running daemon",
		Long: `Serves the page, the JSON interface and /metrics on the loopback until told to stop,
for reading only. A running daemon does so itself if [web] in its configuration has
listen; this command is for a daemon that is dead, and for a copy of its database.`,
		Example: `  reputed web
  reputed web --config /etc/reputed/config.toml --listen 127.0.0.1:9025
  reputed web --database copy.db          a copy, also without the configuration`,
		Args: args(0, 0, ""),
	}
	a.databaseFlag(c)
	c.Flags().StringVar(&listen, "listen", defaultListen, "`ADDRESS` of the loopback, with port")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if at, err := netip.ParseAddrPort(listen); err != nil || !at.Addr().IsLoopback() {
			return usageError(c, errors.New("--listen wants an address of the loopback with a port, as nobody signs in here: 127.0.0.1:8025"))
		}
		v, done, err := a.readView(c.Context())
		if err != nil {
			return err
		}
		defer done()
		log := newLog(a.stderr, v.Config.Log)
		server, err := newWeb(v, config.Web{Listen: listen}, log)
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", listen)
		if err != nil {
			return fmt.Errorf("%w: name another port with --listen", err)
		}
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		fmt.Fprintf(a.stdout, "http://%s/\n", l.Addr())
		fmt.Fprint(a.stderr, a.term().Paragraph(fmt.Sprintf("For reading only: %s is shown, and nothing in it is changed. Ctrl-C ends it.", v.Config.Database.Path)))
		return server.Serve(ctx, l, nil)
	}
	return c
}

// newWeb makes the page of a view.
func newWeb(v *view.View, c config.Web, log *slog.Logger) (*web.Server, error) {
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
	return web.New(web.Options{Source: v, Sharing: v, Log: log, Hosts: c.Hosts(), Access: access, Version: version()})
}

// serve shows the page until ctx ends. That an address is taken stops no monitoring: it is
// logged, and tried again.
func (d *daemon) serve(ctx context.Context) {
	c := d.cfg.Web
	if c.Listen == "" {
		return
	}
	for ctx.Err() == nil {
		l, err := net.Listen("tcp", c.Listen)
		if err == nil {
			d.log.LogAttrs(ctx, slog.LevelInfo, "page is up", slog.String("url", c.Base()), slog.String("listen", l.Addr().String()))
			err = d.page.Serve(ctx, l, certificate(c))
		}
		if ctx.Err() == nil {
			d.log.LogAttrs(ctx, slog.LevelError, "page is not up", slog.String("listen", c.Listen), slog.Any("err", err), slog.Duration("again_in", positionRetry))
			sleep(ctx, positionRetry)
		}
	}
}

// certificate reads the certificate when a browser connects, so that a renewed one is taken
// without a restart; nil: no TLS. A pair that cannot be read, half renewed, leaves the last one in use.
func certificate(c config.Web) func() (*tls.Certificate, error) {
	if c.Cert == "" {
		return nil
	}
	return renewing(c.Cert, c.Key, time.Now)
}
