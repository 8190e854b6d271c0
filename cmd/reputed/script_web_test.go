package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// servesPage is the script command "serves ARGS...": reputed web in the background, on a port that is free. Its first
// line is put into $URL, and it has to end well when it is told to stop, which "serves" without arguments does.
func servesPage(ts *testscript.TestScript, neg bool, args []string) {
	stop, _ := ts.Value(servedKey{}).(*func())
	if len(args) == 0 {
		(*stop)()
		return
	}
	program := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if at := filepath.Join(dir, "reputed"); program == "" {
			if _, err := os.Stat(at); err == nil {
				program = at
			}
		}
	}
	c := exec.Command(program, append([]string{"web", "--listen", "127.0.0.1:0"}, args...)...)
	c.Dir, c.Env = ts.MkAbs("."), append(os.Environ(), "TZ=UTC")
	var said strings.Builder
	c.Stderr = &said
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	ended := false
	*stop = func() {
		if ended {
			return
		}
		ended = true
		_ = c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			ts.Fatalf("told to stop, reputed web: %v\n%s", err, &said)
		}
		ts.Check(os.WriteFile(ts.MkAbs("served.stderr"), []byte(said.String()), 0o600))
	}
	ts.Defer(func() { (*stop)() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = c.Wait()
		ended = true
		ts.Fatalf("reputed web: %v\n%s", err, &said)
	}
	ts.Setenv("URL", strings.TrimSuffix(strings.TrimSpace(line), "/"))
}

// servedKey is under which a script keeps how to stop what it serves.
type servedKey struct{}

// fetch is the script command "fetch CODE [METHOD] PATH FILE": what $URL answers goes into the file.
func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: fetch CODE [METHOD] PATH FILE")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	method := http.MethodGet
	if len(args) == 4 {
		method, args = args[1], args[1:]
	}
	r, err := http.NewRequest(method, ts.Getenv("URL")+args[1], strings.NewReader("kind=ack"))
	ts.Check(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	w, err := client.Do(r)
	ts.Check(err)
	body, err := io.ReadAll(w.Body)
	ts.Check(errors.Join(err, w.Body.Close()))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), body, 0o600))
	if w.StatusCode != want {
		ts.Fatalf("%s", fmt.Sprintf("%s %s: %d, want %d\n%s", method, args[1], w.StatusCode, want, body))
	}
}
