package email

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"reputed/alerts"
)

// threadID is the Message-ID that all mails of one incident refer to, without angle
// brackets. The first of them has it itself.
func threadID(n alerts.Notification, domain string) string {
	return "reputed." + n.Thread() + "@" + domain
}

// messageID is that of a notification, the same for every try.
func messageID(n alerts.Notification, domain string) string {
	if n.Kind == alerts.Opened || n.General() {
		return threadID(n, domain)
	}
	sum := sha256.Sum256([]byte(n.ID))
	return "reputed." + n.Thread() + "." + hex.EncodeToString(sum[:8]) + "@" + domain
}

var local = regexp.MustCompile(`^reputed\.(rehearsal-)?[0-9]+-[0-9]+(\.[0-9a-f]{16})?$`)

// OwnBounce says whether a bounce is that of an alert: the returned mail has a Message-ID of
// this package under the domain of from, and the recipient is at the domain of one of to. Both,
// since a Message-ID alone is easily forged, by a spammer who would like his bounces overlooked.
// Id is without angle brackets, recipient is an address or its domain.
func OwnBounce(id, recipient, from string, to []string) bool {
	left, right, ok := strings.Cut(strings.ToLower(id), "@")
	if !ok || right != domainOf(from) || !local.MatchString(left) {
		return false
	}
	at := domainOf(recipient)
	for _, address := range to {
		if at != "" && domainOf(address) == at {
			return true
		}
	}
	return false
}

// domainOf is what stands behind the last @ of an address, lower case; or the whole, if it is a domain.
func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}
