package web

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// limitOf is how many things a page has.
func limitOf(r *http.Request) (int, error) {
	word := r.URL.Query().Get("limit")
	if word == "" {
		return pageSize, nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 || n > mostOnPage {
		return 0, badQuery(fmt.Sprintf("limit is a number from 1 to %d", mostOnPage))
	}
	return n, nil
}

// A cursor names the last thing of a page, not its place: what comes and goes meanwhile
// neither hides nor repeats anything else.
func cursorOf(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, "\x00")))
}

func readCursor(r *http.Request, parts int) ([]string, error) {
	word := r.URL.Query().Get("cursor")
	if word == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(word)
	out := strings.Split(string(raw), "\x00")
	if err != nil || len(out) != parts {
		return nil, badQuery("cursor is none that was given here")
	}
	return out, nil
}

// pageOf is the part of a list that comes after the cursor; key names an element for ever, and
// the list is in the order of compare.
func pageOf[T any](r *http.Request, all []T, key func(T) string) (part []T, next string, err error) {
	n, err := limitOf(r)
	if err != nil {
		return nil, "", err
	}
	after, err := readCursor(r, 1)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		i := slices.IndexFunc(all, func(x T) bool { return key(x) == after[0] })
		if i < 0 {
			return nil, "", badQuery("what the cursor names is gone; begin again without it")
		}
		all = all[i+1:]
	}
	if len(all) > n {
		return all[:n], cursorOf(key(all[n-1])), nil
	}
	return all, "", nil
}

func timeOf(r *http.Request, name string) (time.Time, error) {
	word := r.URL.Query().Get(name)
	if word == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, word)
	if err != nil {
		return t, badQuery(name + " is a time such as 2026-11-25T09:40:00Z (RFC 3339)")
	}
	return t.UTC(), nil
}
