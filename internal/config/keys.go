package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// form is how a Go type is written in TOML.
type form string

const (
	isValue  form = "value"
	isTable  form = "table"
	isTables form = "tables" // a list of tables
	isMap    form = "map"    // a table with free keys
)

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

func kindOf(t reflect.Type) form {
	switch {
	case reflect.PointerTo(t).Implements(textUnmarshaler):
		return isValue
	case t.Kind() == reflect.Struct:
		return isTable
	case t.Kind() == reflect.Map:
		return isMap
	case t.Kind() == reflect.Slice && kindOf(t.Elem()) == isTable:
		return isTables
	}
	return isValue
}

// keysOf returns the keys of a struct, one for each of its fields in their order; a field that is
// not in the file has an empty one.
func keysOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("toml"), ",")
		if key != "-" {
			keys[i] = key
		}
	}
	return keys
}

const wantDuration = `want a duration in quotes, such as "30s", "5m", "36h" or "7d"`

// want says how a value of the type is written.
func want(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Duration]():
		return wantDuration
	case t == reflect.TypeFor[Secret]():
		return `want a text in quotes, such as "env:NAME" or "file:PATH"`
	case t.Kind() == reflect.Pointer:
		return want(t.Elem())
	case kindOf(t) == isTable:
		return "want a table"
	case kindOf(t) == isTables:
		return "want tables, each under a header in two brackets"
	case kindOf(t) == isMap && t.Elem() == reflect.TypeFor[Secret]():
		return `want a table of texts, such as { spamhaus-dqs = "env:NAME" }`
	case t == reflect.TypeFor[Forwarder]():
		return wantForwarder
	case kindOf(t) == isMap && t.Elem() == reflect.TypeFor[Forwarder]():
		return `want a table of servers, such as { spamcop = "127.0.0.1:5302" }`
	case kindOf(t) == isMap:
		return `want a table of texts, such as { "mx1.example.org" = "192.0.2.10" }`
	case t.Kind() == reflect.Slice:
		return `want a list of texts, such as ["a", "b"]`
	case t.Kind() == reflect.Bool:
		return "want true or false"
	case t.Kind() == reflect.Int:
		return "want a whole number"
	case t.Kind() == reflect.Float64:
		return "want a number"
	}
	return "want a text in quotes"
}

// in says for a message where a key is: " in [dns]".
func in(path string) string {
	if path == "" {
		return " before the first table"
	}
	return " in " + tableName(path)
}

// unknownKey adds a mistake about a key, and says which one is probably meant.
func (d *decoder) unknownKey(v reflect.Value, path, key string, line int) {
	d.spoiled[path] = true
	text := fmt.Sprintf("key %s is not known%s", shown(key), in(path))
	known := named(keysOf(v.Type()))
	if near, ok := nearest(key, known); ok {
		d.onLine(line, "%s; did you mean %q?", text, near)
		return
	}
	if home, ok := homeOf(reflect.TypeFor[Config](), "", key); ok {
		d.onLine(line, "%s; it belongs in %s", text, home)
		return
	}
	d.onLine(line, "%s; known are %s", text, strings.Join(known, ", "))
}

// unknownTable adds a mistake about a table, and says which one is probably meant.
func (d *decoder) unknownTable(v reflect.Value, path, key string, line int) {
	d.spoiled[path] = true
	text := fmt.Sprintf("table %s is not known%s", shown(key), in(path))
	if path == "" {
		text = fmt.Sprintf("table %s is not known", shown(key))
	}
	if v.Kind() != reflect.Struct {
		d.onLine(line, "%s", text)
		return
	}
	var known []string
	for i, k := range keysOf(v.Type()) {
		if k != "" && kindOf(v.Type().Field(i).Type) != isValue {
			known = append(known, k)
		}
	}
	if near, ok := nearest(key, known); ok {
		f, _ := field(v, near)
		header := "[" + join(tablePath(path), near) + "]"
		if kindOf(f.Type()) == isTables {
			header = "[" + header + "]"
		}
		d.onLine(line, "%s; did you mean %s?", text, header)
		return
	}
	d.onLine(line, "%s; known are %s", text, strings.Join(known, ", "))
}

// tablePath returns a path as in a header, without the numbers.
func tablePath(path string) string { return strings.Trim(tableName(path), "[]") }

func named(keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == "" })
}

// homeOf returns the table below t that has the key, if it is the only one.
func homeOf(t reflect.Type, path, key string) (string, bool) {
	var homes []string
	for i, k := range keysOf(t) {
		ft := t.Field(i).Type
		at := join(path, k)
		switch {
		case k == "" || kindOf(ft) == isValue || kindOf(ft) == isMap:
			continue
		case kindOf(ft) == isTables:
			ft, at = ft.Elem(), at+"[]"
		}
		if slices.Contains(keysOf(ft), key) {
			homes = append(homes, tableName(at))
		}
		if home, ok := homeOf(ft, at, key); ok {
			homes = append(homes, home)
		}
	}
	if len(homes) != 1 {
		return "", false
	}
	return homes[0], true
}

// nearest returns the known word that is most like the given one, if any is like it: at most a
// third of it differs, or one begins with the other.
func nearest(word string, known []string) (string, bool) {
	best, least := "", 1+max(1, len(word)/3)
	word = strings.ToLower(word)
	for _, k := range known {
		if d := distance(word, k, least); d < least {
			best, least = k, d
		}
	}
	for _, k := range known {
		if best == "" && len(word) >= 3 && (strings.HasPrefix(k, word) || strings.HasPrefix(word, k)) {
			best = k
		}
	}
	return best, best != ""
}

// distance returns how many letters have to be changed, added, dropped or swapped with their
// neighbour to turn a into b (optimal string alignment), or limit if that is less.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return min(rows[len(a)][len(b)], limit)
}
