// Package email tells people by mail, through a submission account of its own
// (RFC 6409) that does not depend on the mail that is watched.
//
// A mail says it as text and as HTML (multipart/alternative, RFC 2046 section 5.1.4) with
// nothing remote in it. It is marked as written by a program (Auto-Submitted, RFC 3834
// section 5), its Message-ID is the same for every try of one notification, and all of one
// incident refer to the same (RFC 5322 section 3.6.4), so that they are one thread.
//
// TLS is required, from the first byte or by STARTTLS; the password never goes out before
// it. What bounces of such mails is no news of the mail that is watched: [OwnBounce] knows them.
package email
