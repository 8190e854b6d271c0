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

func main() { run(0) }

// run is the program. AuthorityPort is that of [probes.ResolverOptions].
func run(authorityPort int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	app := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, authorityPort: authorityPort}
	code := app.main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
