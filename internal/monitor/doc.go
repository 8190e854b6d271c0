// Package monitor decides when to run what: cron expressions, "@every", a first
// round at once, and runs that an event asked for.
//
// A [Schedule] is a pure function from a time to the next slot. A [Monitor] holds
// named jobs, starts each when its slot comes, never twice at once, survives
// their panics, and stops them when its context ends. After a suspend, or a clock
// that was set forward, the slots that were missed become one run.
//
// Only the parser of robfig/cron and its search for the next match are used. The
// library's runner is not: it loses a job after a panic unless the chain is in the
// one right order (its issue 366), piles up goroutines, does not cancel what
// runs when it is stopped, and has no jitter. Schedule has the method Next of
// cron.Schedule, which is what a job engine such as River asks for.
package monitor
