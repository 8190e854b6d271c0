package bounce

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Mask returns what may be kept of a recipient: the domain, and a keyed hash
// by which the same recipient is known again (HMAC-SHA256, RFC 2104, the first 16
// bytes in hex). The domain is folded, the local part is not (RFC 5321 section
// 2.4). Without the key the hash cannot be reversed by trying addresses.
// An address without "@" has an empty domain; the empty one has no hash.
func Mask(address string, key []byte) (domain, hash string) {
	if address == "" {
		return "", ""
	}
	domain = DomainOf(address)
	local := address
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		local = address[:i]
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(local + "@" + domain))
	return domain, hex.EncodeToString(mac.Sum(nil)[:16])
}

// MaskText replaces the local part of every mail address in a text, so that a
// diagnostic that quotes the recipient can be shown: "<kim@example.net>" becomes "<…@example.net>".
func MaskText(text string) string {
	if strings.IndexByte(text, '@') < 0 {
		return text
	}
	var b strings.Builder
	for text != "" {
		at := strings.IndexByte(text, '@')
		if at < 0 {
			break
		}
		from := at
		for from > 0 && localByte(text[from-1]) && text[from-1] != ':' && text[from-1] != '=' {
			from--
		}
		if from < at && at+1 < len(text) && domainByte(text[at+1]) {
			b.WriteString(text[:from])
			b.WriteString("…@")
		} else {
			b.WriteString(text[:at+1])
		}
		text = text[at+1:]
	}
	b.WriteString(text)
	return b.String()
}
