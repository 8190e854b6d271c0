package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"reputed/blocklists"
)

// Show returns the configuration in force as a TOML file, including defaults: secrets as the
// reference that the file has, or <redacted> if it has the secret itself. Without redactions it
// reads back as the same configuration.
func (c *Config) Show() string {
	var b strings.Builder
	showTable(&b, "", reflect.ValueOf(*c), false)
	return strings.TrimPrefix(b.String(), "\n")
}

// showTable writes the keys of a table and then the tables below it, since in TOML a key belongs to
// the header before it. With sparse, in a list of tables and below one, empty values are left out.
func showTable(b *strings.Builder, path string, v reflect.Value, sparse bool) {
	keys := keysOf(v.Type())
	for i, key := range keys {
		f := v.Field(i)
		if key == "" || kindOf(f.Type()) == isTable || kindOf(f.Type()) == isTables || sparse && empty(f) {
			continue
		}
		if text := showValue(f); (v.Type() == reflect.TypeFor[blocklists.Spec]() || v.Type() == reflect.TypeFor[blocklists.ScoreSpec]()) && key == "zone" {
			fmt.Fprintf(b, "%s = %s\n", key, quote(redactZone(f.String())))
		} else if text != "" {
			fmt.Fprintf(b, "%s = %s\n", key, text)
		}
	}
	for i, key := range keys {
		f, at := v.Field(i), join(path, key)
		switch {
		case key == "" || sparse && f.IsZero():
		case kindOf(f.Type()) == isTable:
			fmt.Fprintf(b, "\n[%s]\n", at)
			showTable(b, at, f, sparse)
		case kindOf(f.Type()) == isTables:
			for j := range f.Len() {
				fmt.Fprintf(b, "\n[[%s]]\n", at)
				showTable(b, at, f.Index(j), true)
			}
		}
	}
}

func empty(v reflect.Value) bool {
	return v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}

// showValue returns a value as TOML; empty if there is none.
func showValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Secret:
		if !x.Given() {
			return ""
		}
		return quote(cmp.Or(x.From(), redacted))
	case Duration:
		return quote(x.String())
	case Clock:
		return quote(x.String())
	}
	switch v.Kind() {
	case reflect.Map:
		var entries []string
		for _, k := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) }) {
			entries = append(entries, quote(k.String())+" = "+showValue(v.MapIndex(k)))
		}
		if len(entries) == 0 {
			return "{}"
		}
		return "{ " + strings.Join(entries, ", ") + " }"
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return showValue(v.Elem())
	case reflect.Slice:
		var items []string
		for i := range v.Len() {
			items = append(items, showValue(v.Index(i)))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.String:
		return quote(v.String())
	}
	return fmt.Sprint(v.Interface()) // true, false, 64
}

// quote writes a basic string of TOML; what does not print is escaped.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// redactZone hides the labels of a zone that look like a subscriber's key.
func redactZone(zone string) string {
	labels := strings.Split(zone, ".")
	for i, l := range labels {
		if secretive(l) {
			labels[i] = redacted
		}
	}
	return strings.Join(labels, ".")
}
