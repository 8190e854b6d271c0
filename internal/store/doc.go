// Package store keeps what has to survive: runs, what is known per question,
// incidents, bounces, mailbox positions and the notices that wait to be sent.
// It is the only package that knows SQL, and SQLite is the only place where
// state lives.
//
// [Open] gives a database that can be written, [OpenReadOnly] one that needs no
// write permission. Both are safe for concurrent use, and several processes may
// have the same file open: the daemon holds a [Lease] on it, a command that
// changes something writes one short transaction of its own.
//
// # The transaction
//
// [DB.Commit] is where everything that must hold together is written: the mails
// that were read, how far the mailbox has been read, the incidents that follow
// from it, and the notices that tell of them. It takes the write lock first,
// reads the situation, hands it to a pure function that decides, and writes what
// was decided. Whatever happens at whatever instant, all of it is there
// afterwards or none of it. What two processes decide never crosses, because
// each decides on what it has read under the lock.
//
// # What is stored, and what is not
//
// A clean answer is a count in the [Summary] of its run and never a row. A key
// has a row once there was something to know about it; each change of what is
// known is a transition, with its evidence, kept for ever. A recipient of a
// refused mail is stored as a domain and a keyed hash; the key is made when
// the database is made and never leaves it.
//
// A network that is listed as a whole is one incident of 65,536 members, and each
// round sees all of them again. What moves then, their times, lies in narrow rows
// apart from what a finding says, which is written when it says something else; and
// a tick decodes only what the last one did not.
//
// Times are stored as microseconds since 1970 in UTC; the zero time is NULL.
package store
