package probes

import "time"

// MaxMessageBytes is how much of one mail is read: the first MiB. A report is at the beginning;
// what is cut off is the body of the returned message.
const MaxMessageBytes = 1 << 20

// Message is one raw mail and where it was. Its bytes are as the server sent them, and untrusted.
type Message struct {
	Mailbox     string // name of the mailbox in the configuration
	UIDValidity uint32 // RFC 3501 section 2.3.1.1
	UID         uint32
	Place       string    // in a Maildir the name of the file, in an mbox "byte 4711"; empty over IMAP
	Received    time.Time // INTERNALDATE or the time of the file, UTC; zero if it could not be read
	Size        int64     // RFC822.SIZE or the size in the file, bytes; may be more than len(Bytes); 0 if it could not be read
	Bytes       []byte    // at most MaxMessageBytes
	Cut         bool      // the mail is longer than Bytes
	// Trouble says why the mail could not be read, or not in the usual way; it is empty for
	// nearly every mail. With Trouble and without Bytes, nothing of it could be read in several
	// tries: it is handed over so that it is kept and shown, and so that the mails after it are
	// read. One line, which may quote the server.
	Trouble string
}

// Position is how far a mailbox has been read: every mail of this UIDVALIDITY with a UID up to
// UID has been stored. The zero Position is "never read". It is stored in the same transaction
// as what was read.
type Position struct {
	UIDValidity uint32
	UID         uint32
}
