package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Secret is a value that prints as <redacted> wherever it is printed. In the
// file it is written as "env:NAME", "file:PATH" or "credential:NAME" (systemd,
// $CREDENTIALS_DIRECTORY) and is looked up when the file is loaded. Anything else is the secret itself in the clear, which
// works and is a warning.
type Secret struct{ value string }

// NewSecret wraps a value that is already at hand.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal gives the value to the one place that sends it where it belongs.
func (s Secret) Reveal() string { return s.value }

// Set says whether there is a value.
func (s Secret) Set() bool { return s.value != "" }

const redacted = "<redacted>"

func (s Secret) String() string               { return redacted }
func (s Secret) GoString() string             { return redacted }
func (s Secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
