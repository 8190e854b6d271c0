package daemon

import (
	"context"
	"log/slog"
	"net"

	"reputed/internal/monitor"
	"reputed/internal/web"
)

// serve shows the page until ctx ends. That an address is taken stops no monitoring: it is
// logged, and tried again.
func (d *Daemon) serve(ctx context.Context) {
	c := d.cfg.Web
	if c.Listen == "" {
		return
	}
	for ctx.Err() == nil {
		l, err := net.Listen("tcp", c.Listen)
		if err == nil {
			d.log.LogAttrs(ctx, slog.LevelInfo, "page is up", slog.String("url", c.Base()), slog.String("listen", l.Addr().String()))
			err = d.page.Serve(ctx, l, web.Certificate(c.Cert, c.Key))
		}
		if ctx.Err() == nil {
			d.log.LogAttrs(ctx, slog.LevelError, "page is not up", slog.String("listen", c.Listen), slog.Any("err", err), slog.Duration("again_in", positionRetry))
			monitor.Sleep(ctx, positionRetry)
		}
	}
}
