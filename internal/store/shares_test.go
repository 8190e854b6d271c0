package store

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestShareLinks(t *testing.T) {
	db := fresh(t)
	ctx, now := t.Context(), time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	const token = "c4n4ry-token-of-a-link"
	made, err := db.MakeShare(ctx, token, Share{Pool: "newsletter", Note: "for\nExample GmbH", By: "kim", Made: now, Expires: now.Add(time.Hour)})
	if err != nil || made.ID == 0 || strings.Contains(made.Note, "\n") {
		t.Fatalf("%+v, %v", made, err)
	}
	for name, c := range map[string]struct {
		token string
		at    time.Time
		err   error
	}{
		"the token opens it":        {token, now, nil},
		"until it ends":             {token, now.Add(time.Hour - time.Microsecond), nil},
		"and not then":              {token, now.Add(time.Hour), ErrNoShare},
		"another token does not":    {token + "x", now, ErrNoShare},
		"nor does an empty one":     {"", now, ErrNoShare},
		"nor a pattern":             {"%", now, ErrNoShare},
		"nor the hash in any guise": {string(bytes.Repeat([]byte{0}, 32)), now, ErrNoShare},
	} {
		if s, err := db.Shared(ctx, c.token, c.at); !errors.Is(err, c.err) || err == nil && s.Pool != "newsletter" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for range 3 {
		if err := db.UseShare(ctx, made.ID, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.UseShare(ctx, made.ID, now.Add(-time.Hour)); err != nil { // a clock that was set back
		t.Fatal(err)
	}
	if all, err := db.Shares(ctx, now, false); err != nil || len(all) != 1 || all[0].Uses != 4 || !all[0].Used.Equal(now) || all[0].By != "kim" || !all[0].Made.Equal(now) {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := db.RevokeShare(ctx, made.ID, "lee", now); err != nil {
		t.Fatal(err)
	}
	again, err := db.RevokeShare(ctx, made.ID, "max", now.Add(time.Minute))
	if err != nil || again.RevokedBy != "lee" || !again.Revoked.Equal(now) {
		t.Errorf("revoked twice: %+v, %v", again, err)
	}
	if _, err := db.Shared(ctx, token, now); !errors.Is(err, ErrNoShare) {
		t.Errorf("a revoked link opens: %v", err)
	}
	if _, err := db.RevokeShare(ctx, 99, "lee", now); !errors.Is(err, ErrNoShare) {
		t.Errorf("one that never was: %v", err)
	}
	if all, err := db.Shares(ctx, now, false); err != nil || len(all) != 0 {
		t.Errorf("open ones: %+v, %v", all, err)
	}
	for _, name := range []string{db.Path(), db.Path() + "-wal"} {
		if b, err := os.ReadFile(name); err != nil || bytes.Contains(b, []byte(token)) {
			t.Errorf("%s holds the token, or cannot be read: %v", name, err)
		}
	}
}
