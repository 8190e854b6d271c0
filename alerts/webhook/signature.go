package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader holds the time and the signature of a request.
const SignatureHeader = "Reputed-Signature"

// ReplayWindow is how old a request may be by the receiver's clock, or how far ahead.
const ReplayWindow = 5 * time.Minute

// Sign is the value of [SignatureHeader] for a body that is sent at a time.
func Sign(secret, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(digest(secret, t, body))
}

func digest(secret []byte, t string, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Errors of [Verify].
var (
	ErrSignature = errors.New("the signature is not that of this body and secret")
	ErrTooOld    = errors.New("the signature is older than the replay window, or from the future")
)

// Verify is what a receiver does with the value of [SignatureHeader]: [ErrSignature] and
// [ErrTooOld] mean that the request is not to be believed.
func Verify(secret, body []byte, header string, now time.Time) error {
	var t string
	var given [][]byte
	for part := range strings.SplitSeq(header, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			t = value
		case "v1":
			if sum, err := hex.DecodeString(value); err == nil {
				given = append(given, sum)
			}
		}
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return fmt.Errorf("no time: %w", ErrSignature)
	}
	want := digest(secret, t, body)
	for _, sum := range given {
		if hmac.Equal(sum, want) {
			if now.Sub(time.Unix(seconds, 0)).Abs() > ReplayWindow {
				return ErrTooOld
			}
			return nil
		}
	}
	return ErrSignature
}
