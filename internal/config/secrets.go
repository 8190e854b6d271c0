package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"reputed/checks"
)

// maxSecretBytes bounds the file of a secret; a private key is far smaller.
const maxSecretBytes = 64 << 10

// listKeys is where the keys of lists are.
const listKeys = "blocklists.keys"

// secrets looks every secret up, wherever in the configuration it is.
func (v *validator) secrets() {
	eachSecret(reflect.ValueOf(v.cfg).Elem(), "", func(path string, s *Secret) {
		switch kind, name, _ := strings.Cut(s.from, ":"); {
		case s.from == "":
			if s.Set() {
				v.warn(path, `the secret stands in the file in the clear: write "env:NAME", "file:PATH" or "credential:NAME" and keep it there`)
			}
		case v.opt.Secrets == Skip || v.opt.Secrets == ListKeys && parent(path) != listKeys:
		default:
			value, err := v.lookUp(kind, name)
			if err != nil && parent(path) == listKeys {
				// One list less is better than no monitor; told where a list needs it.
				v.noKey[path] = err
				return
			}
			if err != nil {
				v.at(path, "%v", err)
				return
			}
			s.value = &value
		}
	})
}

// Names of the portable shell (IEEE Std 1003.1, 8.1), in any case; also keeps a
// secret that was pasted after "env:" out of the message, mostly.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (v *validator) lookUp(kind, name string) (string, error) {
	switch kind {
	case "env":
		if !variable.MatchString(name) || secretive(name) {
			return "", errors.New(`want the name of an environment variable after "env:"`)
		}
		value, ok := v.opt.Env(name)
		if !ok || value == "" {
			return "", fmt.Errorf("environment variable %s is not set or empty", name)
		}
		return value, nil
	case "credential":
		if name == "" || strings.ContainsAny(name, `/\`) || secretive(name) || name[0] == '.' {
			return "", errors.New(`want the name of a systemd credential after "credential:"`)
		}
		name = checks.Line(name, 64)
		dir, ok := v.opt.Env("CREDENTIALS_DIRECTORY")
		if !ok || dir == "" {
			return "", fmt.Errorf("credential %s: $CREDENTIALS_DIRECTORY is not set: systemd sets it for a unit with LoadCredential=%s:PATH; in a shell run \"systemd-run -P --wait -p LoadCredential=%s:PATH reputed ...\", with -p for each credential, or \"CREDENTIALS_DIRECTORY=DIR reputed ...\" if each lies in DIR under its name", name, name, name)
		}
		value, _, err := readSecret(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("credential %s: systemd passed none of that name: add LoadCredential=%s:PATH to the unit", name, name)
		case err != nil:
			return "", fmt.Errorf("credential %s: %w", name, err)
		}
		return value, nil
	default:
		if name == "" {
			return "", errors.New(`want a path after "file:"`)
		}
		// The path is repeated as it is written, and only if it looks like one.
		value, mode, err := readSecret(v.path(name))
		switch {
		case err != nil:
			return "", fmt.Errorf("file %s: %w", shown(name), err)
		case mode.Perm()&0o004 != 0: // systemd guards its credentials; this file nobody does
			return "", fmt.Errorf("file %s can be read by everybody on this machine (mode %04o): chmod 640 or 600 it", shown(name), mode.Perm())
		case mode.Perm()&0o002 != 0: // whoever puts another token there has our alerts
			return "", fmt.Errorf("file %s can be written by everybody on this machine (mode %04o): chmod 640 or 600 it", shown(name), mode.Perm())
		}
		return value, nil
	}
}

// readSecret is the text of a file without the line break at its end.
func readSecret(path string) (string, fs.FileMode, error) {
	data, info, err := readFile(path, maxSecretBytes)
	if err != nil {
		return "", 0, err
	}
	value := strings.TrimRight(string(data), "\r\n")
	if value == "" {
		return "", 0, errors.New("empty")
	}
	return value, info.Mode(), nil
}

// eachSecret visits every Secret below v, so that a new one cannot be forgotten.
func eachSecret(v reflect.Value, path string, visit func(path string, s *Secret)) {
	if s, ok := v.Addr().Interface().(*Secret); ok {
		visit(path, s)
		return
	}
	switch kindOf(v.Type()) {
	case isTable:
		for i, key := range keysOf(v.Type()) {
			if key != "" {
				eachSecret(v.Field(i), join(path, key), visit)
			}
		}
	case isTables:
		for i := range v.Len() {
			eachSecret(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case isMap:
		for _, k := range v.MapKeys() {
			item := reflect.New(v.Type().Elem()).Elem() // what is in a map has no address
			item.Set(v.MapIndex(k))
			eachSecret(item, fmt.Sprintf("%s[%q]", path, k.String()), visit)
			v.SetMapIndex(k, item)
		}
	}
}
