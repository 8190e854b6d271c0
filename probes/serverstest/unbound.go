//go:build unix

package serverstest

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Unbound is an unbound that asks nobody but the servers it is given.
type Unbound struct {
	Addr netip.AddrPort // where it answers
	Log  string         // path of its log

	t    testing.TB
	dir  string
	conf string
	run  *process
}

// UnboundOptions say where an [Unbound] listens and whom it asks.
type UnboundOptions struct {
	Addr    netip.AddrPort // where it listens
	Stubs   []string       // zones whose name server is Server
	Server  netip.AddrPort // is asked about these zones without recursion, and about all other names with it
	Options string         // more lines of its server clause
}

// StartUnbound starts an unbound, and stops it when the test ends.
func StartUnbound(t testing.TB, o UnboundOptions) *Unbound {
	t.Helper()
	if _, err := exec.Command(find("unbound"), "-V").Output(); err != nil {
		Skip(t, "no unbound here: apt-get install unbound")
	}
	u := &Unbound{Addr: o.Addr, t: t, dir: folder(t, "unbound")}
	u.Log = filepath.Join(u.dir, "log")
	var conf strings.Builder
	fmt.Fprintf(&conf, unboundServer, u.dir, o.Addr.Addr(), o.Addr.Port())
	conf.WriteString(o.Options)
	conf.WriteString(unboundMore)
	at := fmt.Sprintf("%s@%d", o.Server.Addr(), o.Server.Port())
	for _, zone := range o.Stubs {
		fmt.Fprintf(&conf, "stub-zone:\n  name: %q\n  stub-addr: %s\n  stub-no-cache: no\n", zone, at)
	}
	fmt.Fprintf(&conf, "forward-zone:\n  name: \".\"\n  forward-addr: %s\n", at)
	u.conf = conf.String()
	u.Start("")
	t.Cleanup(u.Stop)
	return u
}

// unboundMore marks the place for the lines of [Unbound.Start] in the server clause.
const unboundMore = "#more\n"

const unboundServer = `server:
  directory: %[1]q
  chroot: ""
  username: ""
  pidfile: "%[1]s/pid"
  logfile: "%[1]s/log"
  use-syslog: no
  verbosity: 1
  interface: %[2]s
  port: %[3]d
  do-daemonize: no
  do-ip6: no
  do-not-query-localhost: no
  module-config: "iterator"
  num-threads: 1
`

// Start starts it again after [Unbound.Stop], with more lines in its server clause.
func (u *Unbound) Start(more string) {
	u.t.Helper()
	file := filepath.Join(u.dir, "unbound.conf")
	must(u.t, os.WriteFile(file, []byte(strings.Replace(u.conf, unboundMore, more, 1)), 0o644))
	run, err := launch(u.Addr.String(), find("unbound"), "-d", "-c", file)
	if err != nil {
		log, _ := os.ReadFile(u.Log)
		u.t.Fatalf("unbound does not start: %v\n%s", err, log)
	}
	u.run = run
}

// Stop ends it. Stopping twice does no harm.
func (u *Unbound) Stop() {
	if u.run != nil {
		u.run.stop()
		u.run = nil
	}
}
