package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"reputed/internal/config"
)

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
