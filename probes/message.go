package probes

import "time"

// MaxMessageBytes is how much of one mail is read: the first MiB. A report
// stands at the beginning; what is cut off is the returned message's body.
const MaxMessageBytes = 1 << 20

// Message is one raw mail with its place. Bytes are as the server sent them,
// untrusted, and never altered there (BODY.PEEK, RFC 3501 section 6.4.5).
type Message struct {
	Mailbox     string // name of the mailbox in the configuration
	UIDValidity uint32 // RFC 3501 section 2.3.1.1
	UID         uint32
	Place       string    // of a mail in a Maildir or an mbox, where it lies: the file's name, "byte 4711"; empty over IMAP
	Received    time.Time // INTERNALDATE or the time of the file, UTC; zero if it could not be read
	Size        int64     // RFC822.SIZE or that of the file, bytes; may be more than len(Bytes); 0 if it could not be read
	Bytes       []byte    // at most MaxMessageBytes
	Cut         bool      // true if the mail is longer than Bytes
	// Trouble says why the mail could not be read, or not in the usual way; empty
	// for nearly every mail. With Trouble and no Bytes nothing of it could be read
	// in several tries: it is handed over so that it is kept and shown, and the
	// mails after it are read. One line, may quote the server.
	Trouble string
}

// Position is how far a mailbox has been read: every mail of this UIDVALIDITY
// with a UID up to UID is in the database. The zero Position is "never read".
// It is stored in the same transaction as what was read.
type Position struct {
	UIDValidity uint32
	UID         uint32
}
