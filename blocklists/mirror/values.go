package mirror

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// value reads ":127.0.0.2:text", ":2:text", ":2" or a text alone.
func (p *parser) value(s string) (code [4]byte, text string, err error) {
	code, text = p.scope.code, s
	if rest, ok := strings.CutPrefix(s, ":"); ok {
		var a string
		a, text, _ = strings.Cut(rest, ":")
		if a = strings.TrimSpace(a); a != "" {
			addr, n, ok := octets4(a)
			switch {
			case ok && n == 4:
				code = [4]byte{byte(addr >> 24), byte(addr >> 16), byte(addr >> 8), byte(addr)}
			case ok && n == 1:
				code = [4]byte{127, 0, 0, byte(addr >> 24)}
			default:
				return code, "", errors.New("a value whose code is no address")
			}
		}
	}
	return code, cutText(p.scope.variables(strings.TrimSpace(text))), nil
}

// intern returns the number of a value.
func (p *parser) intern(code [4]byte, text string) (uint32, error) {
	key := string(code[:]) + text
	if v, ok := p.interned[key]; ok {
		return v, nil
	}
	if len(p.set.texts)+len(text) > maxBlock {
		return none, errors.New("more texts than fit")
	}
	v := uint32(len(p.set.values)) + excluded + 1
	p.set.values = append(p.set.values, value{code, uint32(len(p.set.texts)), uint16(len(text))})
	p.set.texts = append(p.set.texts, text...)
	p.interned[key] = v
	return v, nil
}

// join returns one value for several together.
func (p *parser) join(all []uint32) uint32 {
	var flat []uint32
	for _, v := range all {
		if v == excluded {
			return excluded
		}
		if v&combined != 0 {
			flat = append(flat, p.set.combos[v&^combined]...)
		} else if v != none {
			flat = append(flat, v)
		}
	}
	slices.Sort(flat)
	if flat = slices.Compact(flat); len(flat) == 1 {
		return flat[0]
	}
	key := fmt.Sprint(flat)
	if v, ok := p.joined[key]; ok {
		return v
	}
	if p.joined == nil {
		p.joined = map[string]uint32{}
	}
	v := uint32(len(p.set.combos)) | combined
	p.set.combos = append(p.set.combos, flat)
	p.joined[key] = v
	return v
}

// variables replaces $0 to $9 in a text. What is left of the template, "$" and "$$", is
// replaced by expand once it is known what is asked about.
func (s *scope) variables(text string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	if s.replacer == nil {
		pairs := []string{"$$", "$$"}
		for i, v := range s.vars {
			pairs = append(pairs, "$"+strconv.Itoa(i), v)
		}
		s.replacer = strings.NewReplacer(pairs...)
	}
	return s.replacer.Replace(text)
}

// set sets $0 to $9. More of a value than maxText is never seen.
func (s *scope) set(digit byte, value string) {
	s.vars[digit-'0'] = cutText(value)
	s.replacer = nil
}

// cutText returns the first maxText octets of a text, without half a character at the end.
func cutText(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "")
}

// expand replaces "$" in a text by what is asked about, and "$$" by a dollar sign.
func expand(text, subject string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	return strings.NewReplacer("$$", "$", "$", subject).Replace(text)
}
