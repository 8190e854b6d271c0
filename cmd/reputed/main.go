// Command reputed watches what the rest of the mail world thinks of the
// servers you send from. See README.md; "reputed --help" lists the commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // [schedule] timezone works on machines without zone data
)

func main() { run(func(*app) {}) }

// run is the program, as change has made it: a rehearsal over servers of its own has other ports, and shorter waits.
func run(change func(*app)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	app := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	change(app)
	code := app.main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
