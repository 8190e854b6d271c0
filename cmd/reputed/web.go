package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"reputed/internal/config"
	"reputed/internal/view"
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
		server, err := view.Server(v, config.Web{Listen: listen}, version(), log)
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
