// Package lab is the rehearsal world of `reputed demo`: DNS lists, a bounce
// mailbox and a chat on the loopback and the log of a mail server, real servers that speak the real
// protocols, so that the real daemon runs over them and nothing leaves the machine.
//
// Its lists carry the names of the real ones, because the catalogue asks for
// those; what they say about the documentation addresses in it is invented.
package lab
