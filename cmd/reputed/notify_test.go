package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSupervisorIsTold runs the real program with a socket of sd_notify(3): it is ready when it works, is fed, reloads
// well and badly, and stops.
func TestSupervisorIsTold(t *testing.T) {
	v := newVictim(t, "keep")
	// A path of a socket may have 107 bytes: the folder of a test is too deep now and then.
	dir, err := os.MkdirTemp("", "reputed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	said := ""
	// await reads until something with this beginning was told.
	await := func(want string) {
		t.Helper()
		buf := make([]byte, 4096)
		for {
			for line := range strings.Lines(said) {
				if strings.HasPrefix(line, want) {
					_, said, _ = strings.Cut(said, line)
					return
				}
			}
			if err := socket.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			n, err := socket.Read(buf)
			if err != nil {
				t.Fatalf("%q was never told, but %q: %v\n%s", want, said, err, v.log)
			}
			said += string(buf[:n]) + "\n"
		}
	}
	for key, value := range map[string]string{"NOTIFY_SOCKET": filepath.Join(dir, "notify"), "WATCHDOG_USEC": "300000"} {
		t.Setenv(key, value)
	}
	daemon := v.start()
	await("READY=1")
	await("STATUS=")
	await("WATCHDOG=1")
	await("WATCHDOG=1")

	file := filepath.Join(v.dir, "reputed.toml")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	reload := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := daemon.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		await("RELOADING=1")
		await("MONOTONIC_USEC=")
		await("READY=1")
		await("WATCHDOG=1")
	}
	// What is wrong, and since when, is in status for as long as it is: also for somebody who looks with a
	// configuration that is in order.
	reload(append([]byte("nonsense = 1\nmore = 2\n"), good...))
	if err := os.WriteFile(filepath.Join(v.dir, "other.toml"), good, 0o600); err != nil {
		t.Fatal(err)
	}
	status := func() string {
		t.Helper()
		show := exec.Command("reputed", "status", "--config", filepath.Join(v.dir, "other.toml"))
		show.Env = append(os.Environ(), "KILL_TEST_PASSWORD=x")
		said, err := show.Output()
		if err != nil && show.ProcessState.ExitCode() > 3 {
			t.Fatal(err)
		}
		return string(said)
	}
	if said := status(); !regexp.MustCompile(`config +since .*: not reloaded, the daemon goes on with the one before \(2 mistakes, reputed config check says all\): .*reputed.toml:1: .*nonsense`).MatchString(said) {
		t.Errorf("status after a bad reload:\n%s", said)
	}
	reload(good)
	if said := status(); strings.Contains(said, "not reloaded") {
		t.Errorf("status after a good one:\n%s", said)
	}
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await("STOPPING=1")
	var exit *exec.ExitError
	if err := <-daemon.ended; errors.As(err, &exit) {
		t.Errorf("told to stop: %v\n%s", err, v.log)
	}
}
