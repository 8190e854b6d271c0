//go:build unix

// Package serverstest starts the real servers that mail administrators run, from the packages of the distribution, for tests:
// a Dovecot, a Postfix and an unbound, each with a configuration and a folder of its own, on the loopback. None of them
// knows of the one that the machine may run itself. Only tests import this package.
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

// Skip skips the test for want of a server, or fails it where nothing may be skipped (CI=true).
func Skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI=true allows no skip: %s", reason)
	}
	t.Skip(reason)
}

// find gives the path of a server: those of the system are not in everybody's PATH.
func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return filepath.Join("/usr/sbin", name)
}

// folder makes a folder that is removed with the test. It is not t.TempDir: paths of sockets must be short, and users
// that servers run as must be able to pass through.
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

// FreePort is a port of an address that nobody has now, and somebody may have until the server listens there: a server that
// cannot listen is to be started again with another.
func FreePort(t testing.TB, address string) int {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	must(t, err)
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// startLimit is how long a server may take until it answers: a machine under load is slow.
const startLimit = 30 * time.Second

// process is a server in the foreground.
type process struct {
	*exec.Cmd
	ended chan error
}

// launch starts a server and waits until somebody listens at addr.
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

// stop ends it and its children, and waits for that. A Dovecot waits up to ten seconds until a session that idles has
// noticed, so that its children are told too.
func (p *process) stop() {
	_ = p.Process.Signal(os.Interrupt)
	_ = syscall.Kill(-p.Process.Pid, syscall.SIGTERM)
	<-p.ended
}
