package bounce

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// minTokenDigits is how much of a token a return path must have: 64 bits, which nobody
// guesses by sending mails. It is the whole proof, so less is no token.
const minTokenDigits = 16

// Token is what makes a return path one of ours: HMAC-SHA256 (RFC 2104) of the data in it,
// in lower case, as 64 hexadecimal digits in lower case. A return path may hold its first
// 16 digits or more, as a local part has 64 octets (RFC 5321 section 4.5.3.1.1).
func Token(key []byte, data string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.ToLower(data))) // some hosts change the case of local parts
	return hex.EncodeToString(mac.Sum(nil))
}

// returnPath says whether a report was sent to a return path of ours. Without a key
// the pattern alone decides; with one, the group "token" must be that of the group "data".
func (o Ours) returnPath(to string) bool {
	if o.VERP == nil {
		return false
	}
	if o.VERPKey == nil {
		return o.VERP.MatchString(to)
	}
	m, data, token := o.VERP.FindStringSubmatch(to), o.VERP.SubexpIndex("data"), o.VERP.SubexpIndex("token")
	if m == nil || data < 0 || token < 0 {
		return false
	}
	got, want := strings.ToLower(m[token]), Token(o.VERPKey, m[data])
	if len(got) < minTokenDigits || len(got) > len(want) {
		return false
	}
	return hmac.Equal([]byte(got), []byte(want[:len(got)])) // in constant time
}
