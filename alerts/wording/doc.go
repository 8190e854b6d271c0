// Package wording says what an alert says: one [Message] for all channels, each of
// which puts it into its own markup.
//
// The order is that of the questions that a woken person asks: what, since when,
// what does it cost, how do we know, what do I do. [Of] is a pure function.
//
// A message holds text from outside, cleaned by checks.Line and no more: whoever
// sends it encodes every span for where it goes. [Message.Text] is the plain form.
package wording
