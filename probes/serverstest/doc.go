//go:build unix

// Package serverstest starts the real servers that mail administrators run, for tests: a Dovecot, a
// Postfix and an unbound from the packages of the distribution, each on the loopback with a
// configuration and a folder of its own. They have nothing to do with those that the machine may
// run itself. Only tests import this package.
package serverstest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Skip skips the test because a server is missing, or fails it where nothing may be skipped
// (CI=true).
func Skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI=true allows no skip: %s", reason)
	}
	t.Skip(reason)
}

// find returns the path of a server: not everybody's PATH has those of the system.
func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return filepath.Join("/usr/sbin", name)
}

// folder makes a folder that is removed when the test ends. It is not t.TempDir, because the paths
// of sockets must be short, and the users that servers run as must be able to enter it.
func folder(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", name)
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// FreePort returns a port of an address that is free now. Somebody else may take it before the
// server listens there: a server that cannot listen is to be started again on another port.
func FreePort(t testing.TB, address string) int {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	must(t, err)
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// startLimit is how long a server may take until it listens: a machine under load is slow.
const startLimit = 30 * time.Second

// process is a server in the foreground.
type process struct {
	*exec.Cmd
	ended chan error
}

// launch starts a server and waits until something listens at addr.
func launch(addr string, name string, args ...string) (*process, error) {
	var said bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd, make(chan error, 1)}
	go func() { p.ended <- cmd.Wait() }()
	deadline := time.After(startLimit)
	for {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			conn.Close()
			return p, nil
		}
		select {
		case err := <-p.ended:
			return nil, fmt.Errorf("%v: %s", errors.Join(errors.New("it ended by itself"), err), said.Bytes())
		case <-deadline:
			p.stop()
			return nil, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stop ends the server and its children, and waits for it. The children are told because a Dovecot
// would wait up to ten seconds for a session in IDLE.
func (p *process) stop() {
	_ = p.Process.Signal(os.Interrupt)
	_ = syscall.Kill(-p.Process.Pid, syscall.SIGTERM)
	<-p.ended
}
