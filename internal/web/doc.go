// Package web is what a browser and a script see of reputed: the page, the JSON
// interface under /api/v1, /metrics for Prometheus, and /healthz.
//
// The page is rendered here, works without scripts, and asks nothing of any other host; a
// small script of ours refreshes it in place. It renders values of package report, whose words are
// those of the terminal, and makes no sentence about how things stand by itself.
//
// Whoever may connect may read, unless signing in is asked for; nobody acts on an incident
// without it. What a person may do is in [Options.Access].
//
// All text from outside goes through html/template, JSON or the text format of Prometheus, each of which
// encodes it for its place; links only through checks.Link.
package web
