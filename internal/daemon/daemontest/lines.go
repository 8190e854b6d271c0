package daemontest

import "fmt"

// Sent is a line of Postfix about a mail that was taken, without time and host.
func Sent(id, to string) string {
	return fmt.Sprintf("postfix/smtp[7]: %s: to=<%s>, relay=mx1.example.net[198.51.100.7]:25, delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 1)", id, to)
}
