package bounce

import (
	"strconv"
	"strings"
)

// codeRange is a reply code, a class of reply codes, an enhanced code or a
// range of the latter's last number.
type codeRange struct {
	prefix   string // "550", "5", or "5.7."
	enhanced bool
	from, to int
}

func parseCodeRange(s string) (codeRange, bool) {
	if i := strings.LastIndexByte(s, '.'); i > 0 {
		from, to, ranged := strings.Cut(s[i+1:], "-")
		a, err := strconv.Atoi(from)
		b := a
		if ranged && err == nil {
			b, err = strconv.Atoi(to)
		}
		return codeRange{s[:i+1], true, a, b}, err == nil && a <= b && strings.Count(s[:i], ".") == 1
	}
	if len(s) != 1 && len(s) != 3 {
		return codeRange{}, false
	}
	for i := range len(s) {
		if !digit(s[i]) {
			return codeRange{}, false
		}
	}
	return codeRange{prefix: s}, true
}

func (c codeRange) holds(d Diagnostic) bool {
	if !c.enhanced {
		return strings.HasPrefix(d.Reply, c.prefix)
	}
	last, ok := strings.CutPrefix(d.Status, c.prefix)
	if !ok {
		return false
	}
	n, err := strconv.Atoi(last)
	return err == nil && n >= c.from && n <= c.to
}
