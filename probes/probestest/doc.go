// Package probestest holds small, real doubles of what probes talks to: a DNS
// server that serves blocklists ([DNS]) and an IMAP server, both on the loopback
// and with every way of misbehaving that has fooled a monitor before. Tests use
// them, and so does the rehearsal of `reputed demo`.
//
// Production code that probes anything never imports it.
package probestest
