package blocklists

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Some operators give each subscriber a key that stands in the query name,
// between what is asked and the zone: 10.2.0.192.KEY.zen.dq.spamhaus.net. It is
// written "{key}" in the zone of a list. Whoever reads the key can use up the
// subscriber's quota, so it is kept apart from the zone from the beginning: Zone.Zone
// never holds it, and what is made of a query name goes through [Zone.Redact].

// Key is a subscriber's key. It prints as <key> wherever it is printed, and only
// query names are made of it. The zero value is none.
type Key struct {
	// A pointer, because fmt reads the unexported fields of a struct around this
	// one without asking it, and then prints no more than an address.
	value *string
}

// printedKey stands where a key would.
const printedKey = "<key>"

// minKey is the shortest key. What is shorter is no key that any operator
// gives out, and cutting it out of texts would cut half the words.
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

// ErrNoKey means that a list cannot be asked without a key, and has none. Trying
// again helps once there is one: [Zone.WithKey].
var ErrNoKey = errors.New("the list is asked with a key of yours, and there is none")

// Askable says whether the list can be asked: nil, or ErrNoKey.
func (z Zone) Askable() error {
	if z.lacksKey() {
		return ErrNoKey
	}
	return nil
}

func (z Zone) lacksKey() bool { return z.KeyName != "" && !z.KeyOptional && !z.Key.Set() }

// WithKey is the list with the key that its operator gave: one or several DNS
// labels. The error says what is wrong and does not hold the key.
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

// PrintableName is the zone as it is asked, with <key> where a key stands.
func (z Zone) PrintableName() string {
	if z.KeyName == "" || z.KeyOptional && !z.Key.Set() {
		return z.Zone
	}
	return printedKey + "." + z.Zone
}

// Redact is text with <key> wherever the key of the list stands, in letters of any
// case: for query names and for all that a name server or an error could repeat of them.
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

// Redactor is [Zone.Redact] for the keys of several lists at once. Without any key
// the result gives texts back as they are.
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
