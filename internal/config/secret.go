package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
)

// Secret is a value that prints as <redacted> wherever it is printed. In the file it is written as
// "env:NAME", "file:PATH" or "credential:NAME" (systemd, $CREDENTIALS_DIRECTORY), and is looked up
// when the file is loaded. Anything else is the secret itself in the clear, which works but is a
// warning.
type Secret struct {
	// It is a pointer because fmt prints the unexported fields of a struct around this one without
	// calling its methods: then it prints no more than an address.
	value *string
	from  string // "env:NAME" and the like; empty for a secret in the clear
}

// NewSecret returns a secret with a known value.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal returns the value, for the one place that sends it where it belongs. It is empty if there
// is none, or if the file was loaded with [Skip].
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Set says whether there is a value.
func (s Secret) Set() bool { return s.Reveal() != "" }

// Given says whether the configuration names a secret, looked up or not.
func (s Secret) Given() bool { return s.from != "" || s.Set() }

// From returns where the secret is kept, "env:NAME" and the like; empty if it is in the file itself.
func (s Secret) From() string { return s.from }

// IsZero says that nothing is given.
func (s Secret) IsZero() bool { return !s.Given() }

var reference = regexp.MustCompile(`^(env|file|credential):`)

// UnmarshalText takes the text of the file; what it refers to is looked up later.
func (s *Secret) UnmarshalText(text []byte) error {
	if reference.Match(text) {
		*s = Secret{from: string(text)}
		return nil
	}
	*s = NewSecret(string(text))
	return nil
}

const redacted = "<redacted>"

func (s Secret) String() string               { return redacted }
func (s Secret) GoString() string             { return redacted }
func (s Secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
