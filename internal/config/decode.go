package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// The library's decoder stops at the first value of a wrong type, matches keys in any case, and
// quotes the lines around a mistake, secrets included. So only its parser is used. The code here
// assigns the syntax tree to the Go type, and remembers the line of every key for mistakes that
// are found later.

// decoder decodes a TOML document into a struct.
type decoder struct {
	*problems
	parser unstable.Parser
	breaks []int // offsets of the line breaks
}

// defaulter is an element of a list of tables that has defaults.
type defaulter interface{ setDefaults() }

// decode reads data into cfg, which holds the defaults, and returns what is wrong.
func decode(data []byte, name string, cfg *Config) *problems {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // some editors put a byte order mark there
	d := &decoder{problems: &problems{file: name, lines: map[string]int{}, spoiled: map[string]bool{}}}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		d.cut = true
		d.onLine(1, "this is UTF-16: save the file as UTF-8")
		return d.problems
	}
	for i, c := range data {
		if c == '\n' {
			d.breaks = append(d.breaks, i)
		}
	}
	d.parser.Reset(data)
	root := reflect.ValueOf(cfg).Elem()
	table, path, known := root, "", true
	for d.parser.NextExpression() {
		e := d.parser.Expression()
		switch keys, line := d.keys(e); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table, path, known = d.header(root, keys, e.Kind == unstable.ArrayTable, line)
		case unstable.KeyValue:
			if known {
				d.assign(table, path, keys, e.Value(), line)
			}
		}
	}
	var syntax *unstable.ParserError
	switch err := d.parser.Error(); {
	case errors.As(err, &syntax):
		d.cut = true
		offset := min(cap(data)-cap(syntax.Highlight), len(data)-1) // the highlight is a part of data
		d.onLine(d.lineAt(offset), "this is not TOML: %s", syntaxFault(syntax.Message, data[offset:]))
	case err != nil:
		d.cut = true
		d.onLine(0, "this is not TOML")
	case len(d.mistakes) == 0:
		d.recheck(data)
	}
	return d.problems
}

// syntaxFault words the library's message for the mistakes that everybody makes, of what stands where it stopped. Its own
// words for a text without quotes depend on the first letter, and repeat it.
func syntaxFault(message string, at []byte) string {
	first, _ := utf8.DecodeRune(at)
	switch {
	case strings.HasPrefix(message, "unexpected character") || strings.HasPrefix(message, "expected keyword"):
		if strings.ContainsRune("“”„‟‘’‚«»", first) {
			return `write straight quotes ("), in place of those that word processors put`
		}
		return "want a value here: a text in quotes, a number, true or false"
	case strings.HasSuffix(message, "strings cannot have new lines"):
		return "the text that begins here lacks its closing quote"
	case strings.HasPrefix(message, "invalid UTF-8"):
		return message + ": save the file as UTF-8"
	case strings.HasPrefix(message, "invalid character at start of key") && (first == ';' || first == '/'):
		return "a comment begins with #"
	case strings.HasPrefix(message, "invalid escape character"):
		return message + `: write \\ for \, or put the text in single quotes`
	}
	return message
}

// recheck has the library look for what TOML forbids and the code above lets pass, such as a
// table that is opened again by a dotted key.
func (d *decoder) recheck(data []byte) {
	var all map[string]any
	var bad *toml.DecodeError
	if err := toml.Unmarshal(data, &all); errors.As(err, &bad) {
		line, _ := bad.Position()
		d.onLine(line, "this is not TOML: a key or table is set twice, or a value is malformed")
	} else if err != nil {
		d.onLine(0, "this is not TOML: a key or table is set twice, or a value is malformed")
	}
}

// keys returns the parts of a dotted key, and its line.
func (d *decoder) keys(e *unstable.Node) (keys []string, line int) {
	for it := e.Key(); it.Next(); {
		if line == 0 {
			line = d.lineAt(int(it.Node().Raw.Offset))
		}
		keys = append(keys, string(it.Node().Data))
	}
	return keys, line
}

// lineAt returns the line of an offset, counted from 1.
func (d *decoder) lineAt(offset int) int {
	n, _ := slices.BinarySearch(d.breaks, offset)
	return n + 1
}

// header finds the struct or map that [a.b] or [[a.b]] opens.
func (d *decoder) header(v reflect.Value, keys []string, list bool, line int) (table reflect.Value, path string, ok bool) {
	for i, key := range keys {
		last := i == len(keys)-1
		at := join(path, key)
		f, known := field(v, key)
		if !known {
			d.unknownTable(v, path, key, line)
			return v, "", false
		}
		switch kindOf(f.Type()) {
		case isTables:
			n := f.Len()
			switch {
			case last && !list:
				d.onLine(line, "write [[%s]], in two brackets: there may be several", at)
				return v, "", false
			case last:
				f.Set(reflect.Append(f, fresh(f.Type().Elem())))
				n++
			case n == 0:
				d.onLine(line, "[[%s]] must stand before what belongs to it", at)
				return v, "", false
			}
			v, path = f.Index(n-1), fmt.Sprintf("%s[%d]", at, n-1)
		case isTable, isMap:
			if last && list {
				d.onLine(line, "write [%s], in single brackets: there is one only", at)
				return v, "", false
			}
			if first, twice := d.lines[at]; last && twice {
				d.onLine(line, "table [%s] stands twice, first on line %d: put both together", at, first)
			}
			if f.Kind() == reflect.Map && f.IsNil() {
				f.Set(reflect.MakeMap(f.Type()))
			}
			v, path = f, at
		default:
			d.onLine(line, "%s is no table: %s", label(at), want(f.Type()))
			return v, "", false
		}
		if last {
			d.lines[path] = line
		}
	}
	return v, path, true
}

// assign sets the value of a key, which may be dotted, in a table.
func (d *decoder) assign(v reflect.Value, path string, keys []string, value *unstable.Node, line int) {
	for i, key := range keys {
		if v.Kind() == reflect.Map {
			d.entry(v, path, keys[i:], value, line)
			return
		}
		f, known := field(v, key)
		at := join(path, key)
		switch {
		case !known:
			d.unknownKey(v, path, key, line)
		case i == len(keys)-1:
			if first, twice := d.lines[at]; twice {
				d.onLine(line, "key %q is set twice%s, first on line %d", key, in(path), first)
				return
			}
			d.lines[at] = line
			d.value(f, at, value, line)
			return
		case kindOf(f.Type()) == isTable || kindOf(f.Type()) == isMap:
			if f.Kind() == reflect.Map && f.IsNil() {
				f.Set(reflect.MakeMap(f.Type()))
			}
			v, path = f, at
			continue
		default:
			d.wrong(at, f.Type(), line)
		}
		return
	}
}

// entry sets one entry of a map of texts.
func (d *decoder) entry(m reflect.Value, path string, keys []string, value *unstable.Node, line int) {
	if len(keys) > 1 { // mx.example.org = "..." is three keys in TOML
		d.at(path, "put a name with dots in quotes, as in \"mx1.example.org\" = \"192.0.2.10\"")
		return
	}
	at := fmt.Sprintf("%s[%q]", path, keys[0])
	if first, twice := d.lines[at]; twice {
		d.onLine(line, "key %s is set twice%s, first on line %d", shown(keys[0]), in(path), first)
		return
	}
	d.lines[at] = line
	item := reflect.New(m.Type().Elem()).Elem()
	if d.value(item, at, value, line) {
		m.SetMapIndex(reflect.ValueOf(keys[0]), item)
	}
}

// value sets v from a node and says whether it could.
func (d *decoder) value(v reflect.Value, path string, n *unstable.Node, line int) bool {
	if n.Raw.Length > 0 {
		line = d.lineAt(int(n.Raw.Offset))
	}
	d.lines[path] = line
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if n.Kind == unstable.String && u.UnmarshalText(n.Data) == nil {
			return true
		}
		d.wrong(path, v.Type(), line)
		return false
	}
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(v.Elem(), path, n, line)
	case v.Kind() == reflect.String && n.Kind == unstable.String:
		v.SetString(string(n.Data))
	case v.Kind() == reflect.Bool && n.Kind == unstable.Bool:
		v.SetBool(n.Data[0] == 't')
	case v.CanInt() && n.Kind == unstable.Integer:
		i, err := strconv.ParseInt(string(n.Data), 0, v.Type().Bits())
		if err != nil {
			d.wrong(path, v.Type(), line)
			return false
		}
		v.SetInt(i)
	case v.CanFloat() && (n.Kind == unstable.Integer || n.Kind == unstable.Float):
		x, err := strconv.ParseFloat(strings.ReplaceAll(string(n.Data), "_", ""), 64)
		if err != nil { // 0x10 is a number of TOML, and nobody writes one here
			d.wrong(path, v.Type(), line)
			return false
		}
		v.SetFloat(x)
	case v.Type() == reflect.TypeFor[Forwarder]() && n.Kind == unstable.String:
		v.Set(reflect.ValueOf(Forwarder{string(n.Data)}))
		d.lines[path+"[0]"] = line
	case v.Kind() == reflect.Slice && n.Kind == unstable.Array:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		for it := n.Children(); it.Next(); {
			item := fresh(v.Type().Elem())
			if d.value(item, fmt.Sprintf("%s[%d]", path, v.Len()), it.Node(), line) {
				v.Set(reflect.Append(v, item))
			}
		}
	case (v.Kind() == reflect.Struct || v.Kind() == reflect.Map) && n.Kind == unstable.InlineTable:
		if v.Kind() == reflect.Map {
			v.Set(reflect.MakeMap(v.Type()))
		}
		for it := n.Children(); it.Next(); {
			keys, line := d.keys(it.Node())
			d.assign(v, path, keys, it.Node().Value(), line)
		}
	default:
		d.wrong(path, v.Type(), line)
		return false
	}
	return true
}

// wrong adds a mistake that says what a value should be, without repeating it.
func (d *decoder) wrong(path string, t reflect.Type, line int) {
	d.spoiled[parent(path)] = true
	d.onLine(line, "%s: %s", label(path), want(t))
}

// fresh returns a new element of a list, with its defaults.
func fresh(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if d, ok := v.Interface().(defaulter); ok {
		d.setDefaults()
	}
	return v.Elem()
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// field returns the field of a struct whose key is exactly this. A map has none.
func field(v reflect.Value, key string) (reflect.Value, bool) {
	if v.Kind() != reflect.Struct {
		return reflect.Value{}, false
	}
	i := slices.Index(keysOf(v.Type()), key)
	if i < 0 || key == "" {
		return reflect.Value{}, false
	}
	return v.Field(i), true
}
