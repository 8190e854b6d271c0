// Package webhook posts each alert as one JSON document to an address of the user's own,
// signed, so that the receiver knows who wrote it and when (docs/alerts.md).
//
// The signature is HMAC-SHA256 (RFC 2104, FIPS 180-4) over the time in seconds, a full stop
// and the body, in the header [SignatureHeader]: "t=1764063600,v1=<hex>". A receiver refuses what
// is older than [ReplayWindow], and what it has seen already by the document's id:
// delivery is at least once.
package webhook
