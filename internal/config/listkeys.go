package config

import (
	"fmt"
	"maps"
	"slices"

	"reputed/blocklists"
)

// WithKey returns the list with its key from [blocklists.keys], or unchanged if it can be asked
// without one. The error says what is missing, wraps [blocklists.ErrNoKey] if that is the key,
// and does not hold the key.
func (b *Blocklists) WithKey(z blocklists.Zone) (blocklists.Zone, error) {
	secret := b.Keys[z.KeyName]
	switch {
	case z.KeyName != "" && secret.Set():
		return z.WithKey(secret.Reveal())
	case z.Askable() == nil:
		return z, nil
	case secret.Given():
		return blocklists.Zone{}, fmt.Errorf("list %q: %w: %s gives none", z.ID, blocklists.ErrNoKey, secret.From())
	}
	return blocklists.Zone{}, fmt.Errorf(`list %q: %w: add %s = "env:NAME" to [blocklists.keys]`, z.ID, blocklists.ErrNoKey, z.KeyName)
}

// key gives a chosen list its key. It is false if the list cannot be asked, which has been
// reported. Path is where the file asks for this very list; empty if a tag or the catalogue does.
func (v *validator) key(z blocklists.Zone, path string) (blocklists.Zone, bool) {
	c := &v.cfg.Blocklists
	secret, at := c.Keys[z.KeyName], fmt.Sprintf("%s[%q]", listKeys, z.KeyName)
	failed := v.noKey[at]
	keyed, err := c.WithKey(z)
	switch {
	case z.KeyName == "":
		return z, true
	case c.Files[z.ID] != "": // nobody is asked for one
		z.KeyName = ""
		return z, true
	case err == nil && failed == nil:
		return keyed, true
	case failed != nil && z.KeyOptional:
		v.warn(at, "%v; list %q is asked without it", failed, z.ID)
		return z, true
	case failed != nil:
		v.warn(at, "%v; list %q is not asked", failed, z.ID)
	case secret.Set():
		v.at(at, "%v", err)
	case secret.Given(): // secrets are left alone, and nothing will be asked
		return z, true
	case path != "":
		v.at(path, `list %q is asked with a key of yours: add %s = "env:NAME" to [blocklists.keys]`, z.ID, z.KeyName)
	default:
		v.warn("blocklists.enable", `list %q is asked with a key of yours, and is not asked without: add %s = "env:NAME" to [blocklists.keys]`, z.ID, z.KeyName)
	}
	c.WithoutKey = append(c.WithoutKey, z.ID)
	return z, false
}

// keyNames checks that every key is for some list.
func (v *validator) keyNames(known []blocklists.Zone) {
	var names []string
	for _, z := range known {
		if z.KeyName != "" {
			names = append(names, z.KeyName)
		}
	}
	for _, s := range v.cfg.Blocklists.Catalog.Scores {
		if s.KeyName != "" {
			names = append(names, s.KeyName)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.cfg.Blocklists.Keys)) {
		if slices.Contains(names, name) {
			continue
		}
		at := fmt.Sprintf("%s[%q]", listKeys, name)
		if near, ok := nearest(name, names); ok {
			v.at(at, "no list is asked with a key named %s; did you mean %q?", shown(name), near)
			continue
		}
		v.at(at, "no list is asked with a key named %s; reputed lists show ID tells the name", shown(name))
	}
}
