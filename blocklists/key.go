package blocklists

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Some operators give each subscriber a key, which is put into the query name between what is
// asked about and the zone: 10.2.0.192.KEY.zen.dq.spamhaus.net. In the zone of a list it is
// written "{key}". Whoever reads the key can use up the subscriber's quota, so it is kept apart
// from the zone from the beginning: Zone.Zone never holds it, and whatever is made of a query
// name goes through [Zone.Redact].

// Key is a subscriber's key. It prints as <key> wherever it is printed; only query names hold it.
// The zero value is none.
type Key struct {
	// It is a pointer because fmt prints the unexported fields of a struct around this one without
	// calling its methods: then it prints no more than an address.
	value *string
}

// printedKey is what is shown in place of a key.
const printedKey = "<key>"

// minKey is how long a key is at least. No operator gives out shorter ones, and removing one from
// texts would remove parts of words.
const minKey = 6

func (k Key) text() string {
	if k.value == nil {
		return ""
	}
	return *k.value
}

// Set says whether there is a key.
func (k Key) Set() bool { return k.value != nil }

// Equal says whether both are the same key, or both none.
func (k Key) Equal(o Key) bool { return k.Set() == o.Set() && k.text() == o.text() }

func (k Key) String() string {
	if !k.Set() {
		return ""
	}
	return printedKey
}
func (k Key) GoString() string             { return k.String() }
func (k Key) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(k.String())) }
func (k Key) LogValue() slog.Value         { return slog.StringValue(k.String()) }
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
func (k Key) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }

// ErrNoKey: a list cannot be asked without a key, and has none. Trying again helps once it has
// one: [Zone.WithKey].
var ErrNoKey = errors.New("the list is asked with a key of yours, and there is none")

// Askable says whether the list can be asked: nil, or ErrNoKey.
func (z Zone) Askable() error {
	if z.lacksKey() {
		return ErrNoKey
	}
	return nil
}

func (z Zone) lacksKey() bool { return z.KeyName != "" && !z.KeyOptional && !z.Key.Set() }

// WithKey returns the list with the key that its operator gave, which is one or several DNS
// labels. The error says what is wrong, and does not hold the key.
func (z Zone) WithKey(key string) (Zone, error) {
	key = normalName(key)
	switch {
	case z.KeyName == "":
		return Zone{}, fmt.Errorf("list %q takes no key: its zone has no {key}", z.ID)
	case !domainName(key) || len(key) < minKey:
		return Zone{}, fmt.Errorf("this is no key: want the letters and digits that the operator of list %q gave, %d or more", z.ID, minKey)
	}
	z.Key = Key{value: &key}
	if len(key)+1+len(z.Zone) > z.room() {
		return Zone{}, fmt.Errorf("the key is too long in front of the zone of list %q (RFC 1035 section 2.3.4)", z.ID)
	}
	return z, nil
}

// PrintableName returns the zone as it is asked, with <key> in place of a key.
func (z Zone) PrintableName() string {
	if z.KeyName == "" || z.KeyOptional && !z.Key.Set() {
		return z.Zone
	}
	return printedKey + "." + z.Zone
}

// Redact returns a text with <key> in place of the list's key, in whatever case. It is for query
// names, and for everything that a name server or an error may repeat of them.
func (z Zone) Redact(text string) string {
	key := z.Key.text()
	if key == "" || len(text) < len(key) {
		return text
	}
	var b strings.Builder
	done := 0
	for i := 0; i+len(key) <= len(text); {
		if !strings.EqualFold(text[i:i+len(key)], key) {
			i++
			continue
		}
		b.WriteString(text[done:i])
		b.WriteString(printedKey)
		i += len(key)
		done = i
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// Redactor returns a [Zone.Redact] for the keys of several lists at once. Without any keys it
// returns texts unchanged.
func Redactor(zones []Zone) func(text string) string {
	var keyed []Zone
	for _, z := range zones {
		if z.Key.Set() {
			keyed = append(keyed, z)
		}
	}
	return func(text string) string {
		for _, z := range keyed {
			text = z.Redact(text)
		}
		return text
	}
}
