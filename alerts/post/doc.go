// Package post carries an alert over HTTP: the one way of all channels that have an
// address to post to.
//
// A [Client] bounds everything: time, the reply's size, whom it connects to. It follows
// no redirect, connects only where [guard.Route] lets it, and anew for each request:
// alerts are rare, and a connection kept for hours is the one that is found dead when it
// matters. The address, which often is the secret, and the other secrets stand in no error.
package post
