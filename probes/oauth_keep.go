package probes

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

// A provider may answer a refresh token with a new one (RFC 6749 section 6). Microsoft does so
// every time, and each is good for 90 days from its issue: a client that goes on using the
// first one loses the mailbox three months after it was set up. So the new one is kept,
// encrypted with a key that is derived from the configured one. The database alone then opens
// no mailbox, and once a new refresh token is configured, what was kept for the old one cannot
// be decrypted and no longer counts.

// kept returns the token that was kept, or the configured one.
func (o *OAuth) kept(ctx context.Context, configured string) string {
	if o.opts.Keep == nil {
		return configured
	}
	data, err := o.opts.Keep.Load(ctx)
	if err != nil {
		o.opts.Log.LogAttrs(ctx, slog.LevelWarn, "refresh token not loaded, the configured one is used",
			slog.String("mailbox", o.opts.Name), slog.Any("err", err))
		return configured
	}
	if token, ok := unseal(data, configured, o.opts.ClientID); ok {
		return token
	}
	return configured
}

// keep saves the token in force. If that fails, the token lives on in memory and the next fetch
// tries again. The provider may not accept the old one any more, so that it is saved even if
// ctx has ended.
func (o *OAuth) keep(ctx context.Context, configured string) {
	if o.opts.Keep == nil {
		o.unkept = false
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.opts.Timeout)
	defer cancel()
	err := o.opts.Keep.Save(ctx, seal(o.refresh, configured, o.opts.ClientID))
	o.unkept = err != nil
	if err != nil {
		o.opts.Log.LogAttrs(ctx, slog.LevelWarn, "new refresh token not saved, it is lost with the end of the process",
			slog.String("mailbox", o.opts.Name), slog.Any("err", err))
	}
}

func sealer(configured, client string) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, []byte(configured), nil, "reputed refresh token of "+client, 32)
	if err != nil {
		panic(err) // the length is right
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // so is that of the key
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func seal(token, configured, client string) []byte {
	return sealer(configured, client).Seal(nil, nil, []byte(token), nil) // #nosec G407 -- the AEAD makes a random nonce itself and wants none
}

func unseal(data []byte, configured, client string) (token string, ok bool) {
	plain, err := sealer(configured, client).Open(nil, nil, data, nil)
	return string(plain), err == nil && len(plain) > 0
}

// serviceAccount is the part of the JSON key of a Google service account that is needed.
type serviceAccount struct {
	Type         string `json:"type"`
	ClientEmail  string `json:"client_email"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"` // PEM
	TokenURI     string `json:"token_uri"`
}

// readServiceAccount reads the JSON key. The error repeats nothing of it.
func readServiceAccount(text string) (*serviceAccount, error) {
	var a serviceAccount
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return nil, errors.New("service_account: not the JSON key of a service account: download it anew from the Google Cloud console")
	}
	if a.Type != "service_account" || a.ClientEmail == "" || a.PrivateKey == "" {
		return nil, fmt.Errorf("service_account: want a key of type service_account with client_email and private_key, this one has type %q", oneLine(a.Type))
	}
	return &a, nil
}
